// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// manifests.mjs MODULES FILE [bundle DIRECTORY [WITHOUT]]: holds what kustomize rendered against the schemas of
// the Kubernetes API: types and required fields by its JSON Schema, fields that it does not know by its
// types. With "bundle" it writes the OCI configuration of the DaemonSet's container into DIRECTORY,
// as a runtime would: its privileges and mounts, with the node's directories below DIRECTORY/node.
// WITHOUT is a capability to leave out.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, file, verb, directory, without] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const yaml = require("yaml");
const documents = yaml.parseAllDocuments(readFileSync(file, "utf8")).map((document) => document.toJS());

function fail(message) {
	console.error(message);
	process.exit(1);
}

// "apps/v1" and "DaemonSet" are a module and a class of it.
async function hold(documents) {
	const statements = [];
	for (const [number, document] of documents.entries()) {
		const api = await import(pathToFileURL(`${modules}/kubernetes-models/${document.apiVersion}/index.js`));
		const Model = api[document.kind] ?? fail(`${document.apiVersion} has no ${document.kind}`);
		try {
			new Model(document).validate();
		} catch (error) {
			fail(`${document.kind}: ${error.message}`);
		}
		statements.push(`import type { I${document.kind} as T${number} } from "kubernetes-models/${document.apiVersion}";
			export const d${number}: T${number} = ${JSON.stringify(document)};`);
	}
	const source = `${modules}/../manifests.ts`;
	writeFileSync(source, statements.join("\n"));
	try {
		execFileSync("node", [`${modules}/typescript/bin/tsc`, "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext", source], { encoding: "utf8" });
	} catch (error) {
		fail(error.stdout);
	}
}

function bundle(set) {
	const pod = set.spec.template.spec;
	const container = pod.containers[0];
	const security = container.securityContext;
	if (pod.containers.length !== 1 || security.privileged || !security.capabilities.drop.includes("ALL"))
		fail("this is not the container that the test knows how to run");
	const capabilities = security.capabilities.add.filter((name) => name !== without).map((name) => `CAP_${name}`);
	const node = (path) => `${directory}/node${path}`;
	const volumes = new Map(pod.volumes.map((volume) => [volume.name, volume.hostPath]));
	const namespaces = ["mount", "ipc", "uts"];
	if (!pod.hostPID) namespaces.push("pid");
	if (!pod.hostNetwork) namespaces.push("network");
	for (const { path } of volumes.values()) mkdirSync(node(path), { recursive: true, mode: 0o755 });
	writeFileSync(`${directory}/config.json`, JSON.stringify({
		ociVersion: "1.0.2",
		process: {
			args: ["/imdstrace", ...container.args],
			cwd: "/",
			env: ["PATH=/"],
			user: { uid: security.runAsUser, gid: security.runAsGroup },
			noNewPrivileges: !security.allowPrivilegeEscalation,
			capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
		},
		root: { path: "rootfs", readonly: security.readOnlyRootFilesystem },
		mounts: [
			{ destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
			{ destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=64k"] },
			{ destination: "/sys", type: "none", source: "/sys", options: ["rbind", "nosuid", "noexec", "nodev", "ro"] },
			...container.volumeMounts.map((mount) => ({
				destination: mount.mountPath,
				type: "none",
				source: node(volumes.get(mount.name).path),
				options: ["rbind", mount.readOnly ? "ro" : "rw"],
			})),
		],
		linux: {
			namespaces: namespaces.map((type) => ({ type })),
			maskedPaths: ["/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"],
			readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
		},
	}));
}

if (verb === "bundle") bundle(documents.find((document) => document.kind === "DaemonSet"));
else await hold(documents);
