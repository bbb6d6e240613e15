// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// A headless Chromium without a network, driven over its debugging pipe: no port, no package.
// Its pages can be queried and clicked; it keeps what they complained of or requested.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PATIENCE = 60_000; // ms that anything may take which is waited for

export class Browser {
	#child;
	#profile;
	#next = 1;
	#waiting = new Map();
	#pages = new Map();

	constructor(command) {
		this.#profile = mkdtempSync(join(tmpdir(), "browser-"));
		// A network namespace of its own, in which even lo is down.
		this.#child = spawn("unshare", ["--net", command,
			"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
			"--disable-background-networking", "--disable-component-update", "--disable-sync",
			"--force-color-profile=srgb", `--user-data-dir=${this.#profile}`, "--remote-debugging-pipe",
			"about:blank"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
		this.#child.on("exit", () => this.#fail(new Error("the browser has ended")));
		this.#child.on("error", (error) => this.#fail(error));
		this.#child.stdio[3].on("error", () => {});
		this.#listen(this.#child.stdio[4]);
	}

	// Messages are JSON, each ended by a NUL.
	#listen(pipe) {
		let rest = "";

		pipe.setEncoding("utf8");
		pipe.on("data", (chunk) => {
			const messages = (rest + chunk).split("\0");

			rest = messages.pop();
			for (const message of messages)
				this.#take(JSON.parse(message));
		});
	}

	#take(message) {
		const waiting = this.#waiting.get(message.id);

		if (!waiting) {
			this.#pages.get(message.sessionId)?.take(message);
			return;
		}
		this.#waiting.delete(message.id);
		if (message.error)
			waiting.reject(new Error(`${waiting.method}: ${message.error.message}`));
		else
			waiting.resolve(message.result);
	}

	#fail(error) {
		for (const { reject } of this.#waiting.values())
			reject(error);
		this.#waiting.clear();
	}

	send(method, params = {}, sessionId = undefined) {
		const id = this.#next++;

		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => reject(new Error(`${method}: no answer`)), PATIENCE);
			const settle = (settled) => (value) => {
				clearTimeout(timer);
				settled(value);
			};

			this.#waiting.set(id, { method, resolve: settle(resolve), reject: settle(reject) });
			this.#child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
		});
	}

	// Opens a file. options: width, height, scripts (true), dark (false).
	async open(file, options = {}) {
		const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
		const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
		const page = new Page(this, sessionId, targetId);

		this.#pages.set(sessionId, page);
		await page.load(file, { width: 1280, height: 900, scripts: true, dark: false, ...options });
		return page;
	}

	async close() {
		const ended = new Promise((resolve) => this.#child.once("exit", resolve));

		this.send("Browser.close").catch(() => {});
		const timer = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
		await ended;
		clearTimeout(timer);
		rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
	}
}

export class Page {
	complaints = []; // errors and warnings of the console, exceptions, violations of the policy, dialogs
	requests = []; // addresses asked for, the page itself among them
	#browser;
	#session;
	#target;
	#loaded;

	constructor(browser, session, target) {
		this.#browser = browser;
		this.#session = session;
		this.#target = target;
	}

	send(method, params) {
		return this.#browser.send(method, params, this.#session);
	}

	take({ method, params }) {
		if (method === "Page.loadEventFired")
			this.#loaded();
		if (method === "Network.requestWillBeSent")
			this.requests.push(params.request.url);
		if (method === "Runtime.exceptionThrown")
			this.complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
		if (method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(params.type))
			this.complaints.push(params.args.map((each) => each.value).join(" "));
		if (method === "Log.entryAdded" && ["error", "warning"].includes(params.entry.level))
			this.complaints.push(params.entry.text);
		if (method === "Page.javascriptDialogOpening") {
			this.complaints.push(`a dialog: ${params.message}`);
			this.send("Page.handleJavaScriptDialog", { accept: true });
		}
	}

	async load(file, { width, height, scripts, dark }) {
		const loaded = new Promise((resolve) => { this.#loaded = resolve; });

		for (const domain of ["Page", "Runtime", "Network", "Log", "Accessibility"])
			await this.send(`${domain}.enable`);
		await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
		await this.emulate({ dark });
		await this.send("Emulation.setScriptExecutionDisabled", { value: !scripts });
		await this.send("Page.navigate", { url: `file://${file}` });
		await loaded;
	}

	emulate({ dark = false, print = false }) {
		return this.send("Emulation.setEmulatedMedia", {
			media: print ? "print" : "",
			features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }],
		});
	}

	// The value of an expression, or of a function called with the arguments.
	async ask(expression, ...given) {
		const call = typeof expression === "function"
			? `(${expression})(...${JSON.stringify(given)})` : expression;
		const { result, exceptionDetails } = await this.send("Runtime.evaluate",
			{ expression: call, returnByValue: true, awaitPromise: true });

		if (exceptionDetails)
			throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
		return result.value;
	}

	// A real click, in the middle of the first element that fits, scrolled into view.
	async click(selector) {
		const at = await this.ask((wanted) => {
			const element = document.querySelector(wanted);

			if (!element)
				throw new Error(`no ${wanted}`);
			element.scrollIntoView({ block: "center" });
			const box = element.getBoundingClientRect();
			return { x: box.x + Math.min(box.width / 2, 40), y: box.y + box.height / 2 };
		}, selector);

		for (const type of ["mousePressed", "mouseReleased"])
			await this.send("Input.dispatchMouseEvent", { type, ...at, button: "left", clickCount: 1 });
	}

	async press(key, code, text) {
		await this.send("Input.dispatchKeyEvent", { type: "keyDown", key, code, text, windowsVirtualKeyCode: text?.charCodeAt(0) });
		await this.send("Input.dispatchKeyEvent", { type: "keyUp", key, code });
	}

	type(text) {
		return this.send("Input.insertText", { text });
	}

	// Roles as assistive technology hears them, in order.
	async roles() {
		const { nodes } = await this.send("Accessibility.getFullAXTree");

		return nodes.filter((node) => !node.ignored).map((node) => node.role.value);
	}

	close() {
		return this.#browser.send("Target.closeTarget", { targetId: this.#target });
	}
}
