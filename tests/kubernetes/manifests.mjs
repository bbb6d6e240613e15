// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// manifests.mjs MODULES FILE [bundle DIRECTORY NODE [WITHOUT]]: holds what kustomize rendered against the
// schemas of the Kubernetes API: types and required fields by its JSON Schema, fields that it does not know
// by its types. With "bundle" it writes the OCI configuration of the DaemonSet's container into DIRECTORY,
// as a runtime would: its privileges, mounts and limits. The node's directories are below NODE, and
// DIRECTORY/directories has those that have to be there. WITHOUT is what to leave out: a capability,
// hostPID or volumeMounts.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, file, verb, directory, node, without] = process.argv.slice(2);
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

// "512Mi" in bytes.
function bytes(quantity) {
	const [, number, unit] = /^(\d+)(Ki|Mi|Gi)?$/.exec(quantity) ?? fail(`the test knows no quantity "${quantity}"`);
	return number * 1024 ** ["", "Ki", "Mi", "Gi"].indexOf(unit ?? "");
}

const cpuPeriod = 100000; // microseconds, as the kubelet sets it

function bundle(set) {
	const pod = set.spec.template.spec;
	const container = pod.containers[0];
	const security = container.securityContext;
	if (pod.containers.length !== 1 || security.privileged || !security.capabilities.drop.includes("ALL"))
		fail("this is not the container that the test knows how to run");
	if (without === "hostPID") delete pod.hostPID;
	if (without === "volumeMounts") container.volumeMounts = [];
	const capabilities = security.capabilities.add.filter((name) => name !== without).map((name) => `CAP_${name}`);
	const { cpu, memory } = container.resources.limits;
	const volumes = new Map(pod.volumes.map((volume) => [volume.name, `${node}${volume.hostPath.path}`]));
	const namespaces = ["mount", "ipc", "uts"];
	if (!pod.hostPID) namespaces.push("pid");
	if (!pod.hostNetwork) namespaces.push("network");
	writeFileSync(`${directory}/directories`, [...volumes.values(), ""].join("\n"));
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
				source: volumes.get(mount.name),
				options: ["rbind", mount.readOnly ? "ro" : "rw"],
			})),
		],
		linux: {
			namespaces: namespaces.map((type) => ({ type })),
			cgroupsPath: "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod5c0d9ce4_0000_4000_8000_000000000001.slice/cri-containerd-imdstrace.scope",
			resources: { memory: { limit: bytes(memory) }, cpu: { quota: cpu * cpuPeriod, period: cpuPeriod } },
			maskedPaths: ["/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"],
			readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
		},
	}));
}

if (verb === "bundle") bundle(documents.find((document) => document.kind === "DaemonSet"));
else await hold(documents);
