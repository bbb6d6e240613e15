// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// test_page.mjs IMDSTRACE CHROMIUM REPORT: what a reader of the HTML report can do, in a browser.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Browser } from "./browser.mjs";

const [imdstrace, chromium, rich] = process.argv.slice(2);
const work = mkdtempSync(join(tmpdir(), "html-"));
const PHONE = { width: 390, height: 844 };
const PAPER = { width: 718, height: 1047 }; // A4 at 96 dpi, less Chromium's margins

function render(name, ...reports) {
	const page = join(work, `${name}.html`);

	writeFileSync(page, execFileSync(imdstrace, ["report", "--format", "html", ...reports], { maxBuffer: 1 << 28 }));
	return page;
}

// Every text of a report, in place of which stands one that wants to be more.
function hostile(report) {
	const names = [
		"</script><img src=http://evil.example/x onerror=evil=1>",
		"\"><svg onload=evil=1><a href=javascript:evil=1>x</a>",
		"</title></style><style>@import url(http://evil.example/)</style>",
		"--><iframe src=http://evil.example></iframe>",
		"\u202e\u2028\u001b[31m\u0007`'\"&lt;",
		"A".repeat(60000),
	];
	const replace = (value, key) => {
		const kept = ["schema", "class", "start", "end", "first", "last", "booted", "verdict", "version", "pattern", "machine_id", "host"];

		if (typeof value === "string")
			return kept.includes(key) || /^last_/.test(key) ? value : names[replace.next++ % names.length];
		if (key === "last") // a host's, by class
			return value;
		if (Array.isArray(value))
			return value.map((each) => replace(each, ["sample", "hosts_sample"].includes(key) ? "host" : key));
		if (value && typeof value === "object")
			return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, replace(each, name)]));
		return value;
	};

	replace.next = 0;
	return replace(report);
}

function written(name, report) {
	const file = join(work, `${name}.json`);

	writeFileSync(file, JSON.stringify(report));
	return file;
}

const empty = { schema: "imdstrace.report/1", version: "0", hosts: [], windows: [], verdict: "inconclusive",
	reasons: [], totals: { v1: 0, v2: 0, token: 0, foreign: 0, unknown: 0, lost: 0 }, callers: [], timeline: [], next_steps: [] };
// A fleet's: more callers than anybody prints, and counts that take room.
const fleet = (report) => {
	const like = report.callers[0];
	const calls = { v1: 1234567, v2: 2345678, token: 3456789, foreign: 4567890, unknown: 5678901 };

	report.callers = Array.from({ length: 60 }, (_, i) => ({ ...like, script: `/opt/job-${i}.py`, name: `python3 /opt/job-${i}.py`, calls,
		outcomes: { ...like.outcomes, v1: { ok: 1000000, rejected: 234567, other: 0, none: 0 } } }));
	return report;
};
// The same host under other names; every third one calls nothing.
const hosts = (count) => Array.from({ length: count }, (_, i) => {
	const report = JSON.parse(readFileSync(rich, "utf8"));
	const id = `host-${i}`;

	Object.assign(report.hosts[0], { machine_id: id, hostname: `${i === 1 ? "=cmd()" : "web"}-${i}.example`, instance_id: `i-0000000${i}` });
	for (const window of report.windows)
		Object.assign(window, { host: id, instance_id: `i-0000000${i}`, boot_id: id, start: "2026-03-02T08:00:00Z", end: "2026-03-04T08:00:00Z" });
	report.windows = report.windows.slice(0, 1);
	if (i % 3 === 0)
		Object.assign(report, { callers: [], timeline: [], foreign_root_ok: 0, missed: 0,
			hosts: [{ ...report.hosts[0], calls: undefined, calls_by: undefined, callers: undefined, reasons: undefined }],
			totals: { v1: 0, v2: 0, token: 0, foreign: 0, unknown: 0, lost: 0 } });
	return written(id, report);
});
const pages = {
	hosts: render("hosts", ...hosts(30)),
	fleet: render("fleet", written("fleet", fleet(JSON.parse(readFileSync(rich, "utf8"))))),
	rich: render("rich", rich),
	empty: render("empty", written("empty", empty)),
	hostile: render("hostile", written("hostile", hostile(JSON.parse(readFileSync(rich, "utf8"))))),
};

// --- What is asked of a page, in the page ------------------------------------------------------

const names = () => [...document.querySelectorAll("table.callers > tbody")]
	.filter((body) => body.checkVisibility()).map((body) => body.querySelector(".name").textContent);
const open_rows = () => document.querySelectorAll("table.callers details[open]").length;
const sorting = (column) => document.querySelector("table.callers thead").rows[0].cells[column].getAttribute("aria-sort");
const overflow = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;

// Texts that stand out too little from what is behind them (WCAG 2.1, 1.4.3).
const faint = () => {
	const parse = (color) => color.match(/[\d.]+/g).map(Number);
	const luminance = (color) => {
		const [r, g, b] = color.slice(0, 3).map((each) => each / 255)
			.map((each) => each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const behind = (element) => {
		for (let each = element; each; each = each.parentElement) {
			const color = parse(getComputedStyle(each).backgroundColor);
			if (color.length < 4 || color[3] > 0)
				return color;
		}
		return [255, 255, 255];
	};
	const found = new Set();
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);

	for (let node; (node = walker.nextNode());) {
		const element = node.parentElement;
		if (!node.textContent.trim() || !element.checkVisibility() || ["SCRIPT", "STYLE"].includes(element.tagName))
			continue;
		const pair = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))];
		const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
		if (contrast < 4.5)
			found.add(`${contrast.toFixed(2)} ${element.className || element.tagName}: ${node.textContent.trim().slice(0, 30)}`);
	}
	return [...found];
};

// --- The cases ---------------------------------------------------------------------------------

const cases = {
	"says the verdict first": async (browser) => {
		const page = await browser.open(pages.rich);
		assert.equal(await page.ask("document.querySelector('h1').textContent"), "Blocked");
		assert.match(await page.ask("document.title"), /^Blocked/);
		assert.match(await page.ask("document.querySelector('.verdict').textContent"), /3 callers called IMDSv1/);
		return page;
	},
	"is whole without scripts": async (browser) => {
		const page = await browser.open(pages.rich, { scripts: false });
		assert.equal((await page.ask(names)).length, 6);
		assert.ok(await page.ask("document.querySelectorAll('.strip.v1 svg .bar').length") > 50);
		assert.equal(await page.ask("document.querySelector('.tools').checkVisibility()"), false);
		await page.click("table.callers summary");
		assert.equal(await page.ask(open_rows), 1);
		return page;
	},
	"draws a strip for each class that was called": async (browser) => {
		const page = await browser.open(pages.rich);
		assert.deepEqual(await page.ask("[...document.querySelectorAll('.strip b')].map((each) => each.textContent)"),
			["v1", "v2", "token", "foreign", "unknown"]);
		assert.match(await page.ask("document.querySelector('.strip.v1 svg').getAttribute('aria-label')"), /^v1: \d+ calls, at most/);
		return page;
	},
	"sorts by a column, both ways, and says so": async (browser) => {
		const page = await browser.open(pages.rich);
		const worst = await page.ask(names);
		assert.equal(worst[0], "python3 /opt/etl/load.py");
		await page.click("table.callers thead th:nth-child(5) button");
		assert.equal((await page.ask(names))[0], "agent");
		assert.equal(await page.ask(sorting, 4), "descending");
		await page.click("table.callers thead th:nth-child(5) button");
		assert.equal((await page.ask(names)).at(-1), "agent");
		assert.equal(await page.ask(sorting, 4), "ascending");
		await page.click("table.callers thead th:nth-child(1) button");
		assert.deepEqual(await page.ask(names), [...worst].sort((a, b) => a.localeCompare(b)));
		assert.equal(await page.ask(sorting, 0), "ascending");
		assert.equal(await page.ask(sorting, 4), null);
		return page;
	},
	"finds callers by anything that is said about them": async (browser) => {
		const page = await browser.open(pages.rich);
		await page.click(".search input");
		await page.type("ORDERS node");
		assert.deepEqual(await page.ask(names), ["node /srv/orders/index.js"]);
		assert.equal(await page.ask("document.querySelector('.found').textContent"), "1 of 6 callers");
		await page.type(" nowhere");
		assert.deepEqual(await page.ask(names), []);
		assert.equal(await page.ask("document.querySelector('.none').checkVisibility()"), true);
		return page;
	},
	"shows only callers to change": async (browser) => {
		const page = await browser.open(pages.rich);
		await page.ask(() => {
			const show = document.querySelector(".show");
			show.value = "change";
			show.dispatchEvent(new Event("change"));
		});
		assert.equal((await page.ask(names)).length, 4);
		return page;
	},
	"opens a row to paths, processes and outcomes, by mouse and by keyboard": async (browser) => {
		const page = await browser.open(pages.rich);
		await page.click("table.callers summary");
		assert.equal(await page.ask(open_rows), 1);
		const inside = await page.ask("document.querySelector('table.callers details[open]').textContent");
		for (const wanted of ["/latest/meta-data/iam/security-credentials/etl-role", "/usr/bin/python3.11", "Boto3/1.9.42", "rejected", "96 (pids"])
			assert.ok(inside.includes(wanted), wanted);
		await page.ask("document.querySelectorAll('table.callers summary')[1].focus()");
		await page.press("Enter", "Enter", "\r");
		assert.equal(await page.ask(open_rows), 2);
		await page.click(".open-all");
		assert.equal(await page.ask(open_rows), 6);
		await page.click(".open-all");
		assert.equal(await page.ask(open_rows), 0);
		return page;
	},
	"is a table for those who hear it, on a phone too": async (browser) => {
		for (const size of [{}, PHONE]) {
			const page = await browser.open(pages.rich, size);
			const roles = await page.roles();
			assert.ok(roles.includes("table"));
			assert.ok(roles.filter((role) => role === "columnheader").length >= 9);
			assert.ok(roles.filter((role) => role === "rowheader").length >= 6);
			assert.deepEqual(page.complaints, []);
			await page.close();
		}
	},
	"fits a phone": async (browser) => {
		for (const name of Object.keys(pages)) {
			const page = await browser.open(pages[name], PHONE);
			assert.equal(await page.ask(overflow), 0, name);
			await page.ask("document.querySelectorAll('details').forEach((each) => { each.open = true; })");
			assert.equal(await page.ask(overflow), 0, `${name}, opened`);
			await page.close();
		}
	},
	"sorts on a phone, where no heads are": async (browser) => {
		const page = await browser.open(pages.rich, PHONE);
		await page.ask(() => {
			const sort = document.querySelector(".sort-by");
			sort.value = "4";
			sort.dispatchEvent(new Event("change"));
		});
		assert.equal((await page.ask(names))[0], "agent");
		return page;
	},
	"finds, sorts and exports hosts": async (browser) => {
		const page = await browser.open(pages.hosts);
		const shown = () => [...document.querySelectorAll("table.hosts tbody tr")].filter((row) => row.checkVisibility())
			.map((row) => row.cells[2].textContent);

		assert.equal((await page.ask(shown)).length, 30);
		await page.click(".host-tools input");
		await page.type("blocked 00000011");
		assert.deepEqual(await page.ask(shown), ["i-000000011"]);
		assert.match(await page.ask("document.querySelector('.host-tools .found').textContent"), /^1 of 30 hosts$/);
		await page.ask(`(() => { const input = document.querySelector(".host-tools input"); input.value = "";
			const show = document.querySelector(".host-tools select"); show.value = "ready"; show.dispatchEvent(new Event("change"));
			input.dispatchEvent(new Event("input")); })()`);
		assert.equal((await page.ask(shown)).length, 10);
		await page.ask(`(() => { const show = document.querySelector(".host-tools select"); show.value = "";
			show.dispatchEvent(new Event("change")); })()`);
		await page.click("table.hosts thead th:nth-child(5) button");
		assert.equal(await page.ask("document.querySelector('table.hosts thead th:nth-child(5)').getAttribute('aria-sort')"), "descending");
		assert.equal(await page.ask("document.querySelector('table.hosts tbody tr').cells[4].textContent"), "236");
		await page.ask(`(() => { const create = URL.createObjectURL; URL.createObjectURL = (blob) => {
			blob.text().then((text) => { window.exported = text; }); return "data:text/csv,"; };
			HTMLAnchorElement.prototype.click = () => {}; document.querySelector(".host-tools button").click(); })()`);
		const csv = await page.ask("new Promise((resolve) => setTimeout(() => resolve(window.exported), 200))");
		assert.equal(csv.trim().split("\r\n").length, 31);
		assert.match(csv, /"'=cmd\(\)-1.example"/);
		return page;
	},
	"shows hosts on a phone": async (browser) => {
		const page = await browser.open(pages.hosts, PHONE);
		assert.equal(await page.ask(overflow), 0);
		return page;
	},
	"can be read, light and dark": async (browser) => {
		for (const dark of [false, true]) {
			for (const name of Object.keys(pages)) {
				const page = await browser.open(pages[name], { dark });
				await page.ask("document.querySelectorAll('details').forEach((each) => { each.open = true; })");
				assert.deepEqual(await page.ask(faint), [], `${name}, ${dark ? "dark" : "light"}`);
				await page.close();
			}
		}
		const page = await browser.open(pages.rich, { dark: true });
		const luminance = await page.ask("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)");
		assert.ok(Math.max(...luminance) < 64);
		return page;
	},
	"prints what matters, in black on white": async (browser) => {
		const page = await browser.open(pages.rich, { dark: true, ...PAPER });
		await page.emulate({ dark: true, print: true });
		await page.ask("dispatchEvent(new Event('beforeprint'))");
		assert.equal(await page.ask(open_rows), 4);
		assert.equal(await page.ask(overflow), 0);
		assert.equal(await page.ask("document.querySelector('.tools').checkVisibility()"), false);
		assert.equal(await page.ask("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)");
		const { data } = await page.send("Page.printToPDF", {});
		assert.ok(Buffer.from(data, "base64").toString("latin1").startsWith("%PDF"));
		await page.ask("dispatchEvent(new Event('afterprint'))");
		assert.equal(await page.ask(open_rows), 0);
		return page;
	},
	"has room for large counts": async (browser) => {
		const page = await browser.open(pages.fleet);
		assert.equal(await page.ask(overflow), 0);
		assert.ok(await page.ask("document.querySelector('table.callers th[scope=row]').clientWidth") >= 200);
		return page;
	},
	"prints no more rows in full than anybody reads": async (browser) => {
		const page = await browser.open(pages.fleet, PAPER);
		await page.ask("dispatchEvent(new Event('beforeprint'))");
		assert.equal(await page.ask(open_rows), 20);
		await page.ask("dispatchEvent(new Event('afterprint'))");
		assert.equal(await page.ask(open_rows), 0);
		return page;
	},
	"is there for an empty report": async (browser) => {
		const page = await browser.open(pages.empty);
		assert.equal(await page.ask("document.querySelector('h1').textContent"), "Inconclusive");
		assert.match(await page.ask("document.body.textContent"), /Nothing called the metadata service/);
		return page;
	},
	"shows a hostile name, and does nothing that it says": async (browser) => {
		const page = await browser.open(pages.hostile);
		await page.click(".open-all");
		assert.equal(await page.ask("typeof evil"), "undefined");
		assert.equal(await page.ask("document.querySelectorAll('img, iframe, a, object, embed, form').length"), 0);
		assert.equal(await page.ask("document.querySelectorAll('script').length + document.querySelectorAll('style').length"), 2);
		assert.ok((await page.ask("document.body.textContent")).includes("<img src=http://evil.example/x onerror=evil=1>"));
		assert.equal(await page.ask(() => [...document.querySelectorAll("*")]
			.flatMap((each) => [...each.attributes]).filter((each) => each.name.startsWith("on")).length), 0);
		return page;
	},
	"lets no script in that is not its own": async (browser) => {
		const page = await browser.open(pages.rich);
		await page.ask(() => {
			const script = document.createElement("script");
			script.textContent = "window.evil = 1";
			document.body.append(script);
			const image = document.createElement("img");
			image.src = "http://evil.example/";
			document.body.append(image);
		});
		assert.equal(await page.ask("typeof evil"), "undefined");
		assert.ok(page.complaints.every((each) => each.includes("Content Security Policy")), page.complaints.join("\n"));
		assert.ok(page.complaints.length >= 1);
		page.complaints = [];
		// What the policy blocks, the browser lists as asked for all the same.
		page.requests = page.requests.filter((each) => each !== "http://evil.example/");
		return page;
	},
};

// A page that a case hands back has had its say: it complained of nothing and asked nobody.
async function check(browser, run) {
	const page = await run(browser);

	if (!page)
		return;
	assert.deepEqual(page.complaints, []);
	assert.deepEqual(page.requests.filter((each) => !each.startsWith(`file://${work}/`) && !each.startsWith("data:")), []);
	await page.close();
}

const browser = new Browser(chromium);
const chosen = Object.entries(cases).filter(([name]) => !process.env.CASE || process.env.CASE === `the page ${name}`);
let failed = 0;

for (const [name, run] of chosen) {
	try {
		await check(browser, run);
		console.log(`ok      the page ${name}`);
	} catch (error) {
		failed++;
		console.log(`FAILED  the page ${name}`);
		console.log(String(error.stack ?? error).split("\n").slice(0, 30).map((line) => `        ${line}`).join("\n"));
	}
}
await browser.close();
rmSync(work, { recursive: true, force: true });
console.log(`${chosen.length - failed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed ? 1 : 0;
