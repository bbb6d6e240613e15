// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sorts, filters, opens and copies. The page is whole without it.
"use strict";
(() => {
	const table = document.querySelector("table.callers");

	// A command is copied as one line. Where the clipboard is refused, the text is selected.
	for (const command of document.querySelectorAll(".command")) {
		const button = document.createElement("button");
		const code = command.querySelector("code");

		button.type = "button";
		button.textContent = "Copy";
		button.addEventListener("click", async () => {
			try {
				await navigator.clipboard.writeText(code.textContent);
				button.textContent = "Copied";
			} catch {
				getSelection().selectAllChildren(code);
				button.textContent = "Selected";
			}
			setTimeout(() => { button.textContent = "Copy"; }, 2000);
		});
		command.append(button);
	}

	// Hosts: thousands of rows, so they are hidden by a class and moved at once.
	const hosts = document.querySelector("table.hosts");
	if (hosts) {
		const tools = document.querySelector(".host-tools");
		const [search, show, exporter, found] = tools.querySelectorAll("input, select, button, output");
		const heads = [...hosts.tHead.rows[0].cells];
		const names = heads.map((head) => head.textContent);
		const rows = [...hosts.tBodies[0].rows].map((row) => ({
			row,
			text: row.textContent.toLowerCase(),
			verdict: row.cells[1].textContent,
		}));
		const value = ({ row }, column) => row.cells[column].dataset.sort ?? row.cells[column].textContent;

		const filter = () => {
			const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
			let matching = 0;

			for (const each of rows) {
				const shown = (!show.value || each.verdict === show.value) &&
					words.every((word) => each.text.includes(word));

				each.row.hidden = !shown;
				matching += shown;
			}
			found.textContent = matching === rows.length ? "" : `${[matching, rows.length].map((count) => count.toLocaleString("en-US")).join(" of ")} hosts`;
		};
		heads.forEach((head, column) => {
			const numeric = head.classList.contains("n");
			const button = document.createElement("button");

			button.type = "button";
			button.textContent = names[column];
			button.addEventListener("click", () => {
				const now = head.getAttribute("aria-sort");
				const down = now ? now === "ascending" : numeric;

				for (const other of heads)
					other.removeAttribute("aria-sort");
				head.setAttribute("aria-sort", down ? "descending" : "ascending");
				rows.sort((a, b) => (down ? -1 : 1) * (numeric
					? Number(value(a, column)) - Number(value(b, column))
					: value(a, column).localeCompare(value(b, column))));
				hosts.tBodies[0].append(...rows.map(({ row }) => row));
			});
			head.replaceChildren(button);
		});
		// What is shown, with nothing in it that a spreadsheet takes for a formula.
		exporter.addEventListener("click", () => {
			const cell = (text) => `"${/^\s*[=+\-@\t\r]/.test(text) ? "'" : ""}${text.replaceAll('"', '""')}"`;
			const lines = [names, ...rows.filter(({ row }) => !row.hidden)
				.map((each) => names.map((name, column) => value(each, column)))]
				.map((cells) => cells.map(cell).join(","));
			const link = document.createElement("a");

			link.href = URL.createObjectURL(new Blob([lines.join("\r\n") + "\r\n"], { type: "text/csv" }));
			link.download = "hosts.csv";
			link.click();
			setTimeout(() => URL.revokeObjectURL(link.href), 1000);
		});
		search.addEventListener("input", filter);
		show.addEventListener("change", filter);
		tools.hidden = false;
	}
	if (!table)
		return;

	const tools = document.querySelector(".tools");
	const search = tools.querySelector("input");
	const show = tools.querySelector(".show");
	const sortBy = tools.querySelector(".sort-by");
	const openAll = tools.querySelector(".open-all");
	const found = tools.querySelector(".found");
	const heads = [...table.tHead.rows[0].cells];
	const callers = [...table.tBodies].map((body) => ({
		body,
		text: body.textContent.toLowerCase(),
		cells: [...body.rows[0].cells].map((cell) => cell.dataset.sort ?? cell.textContent),
	}));
	const details = callers.map(({ body }) => body.querySelector("details"));

	function filter() {
		const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
		let matching = 0;

		for (const { body, text } of callers) {
			const shown = (!show.value || body.dataset.state === show.value) &&
				words.every((word) => text.includes(word));

			body.hidden = !shown;
			matching += shown;
		}
		found.textContent = matching === callers.length ? "" : `${matching} of ${callers.length} callers`;
		document.querySelector(".none").hidden = matching > 0;
	}

	// Numbers come the largest first, words the other way round.
	function compare(column, numeric) {
		return (a, b) => numeric
			? Number(a.cells[column]) - Number(b.cells[column])
			: a.cells[column].localeCompare(b.cells[column]);
	}

	function sort(column, direction) {
		const head = heads[column];
		const factor = direction === "descending" ? -1 : 1;
		const order = compare(column, head.classList.contains("n"));

		for (const other of heads)
			other.removeAttribute("aria-sort");
		head.setAttribute("aria-sort", direction);
		table.append(...[...callers].sort((a, b) => factor * order(a, b)).map(({ body }) => body));
		sortBy.value = column;
	}

	function worstFirst() {
		for (const head of heads)
			head.removeAttribute("aria-sort");
		table.append(...callers.map(({ body }) => body));
	}

	sortBy.add(new Option("worst first", ""));
	heads.forEach((head, column) => {
		const first = head.classList.contains("n") ? "descending" : "ascending";
		const button = document.createElement("button");

		sortBy.add(new Option(head.textContent, column));
		button.type = "button";
		button.textContent = head.textContent;
		button.addEventListener("click", () => {
			const now = head.getAttribute("aria-sort");

			sort(column, !now ? first : now === "ascending" ? "descending" : "ascending");
		});
		head.replaceChildren(button);
	});
	sortBy.addEventListener("change", () => {
		if (sortBy.value === "")
			worstFirst();
		else
			sort(Number(sortBy.value), heads[sortBy.value].classList.contains("n") ? "descending" : "ascending");
	});

	function nameOpenAll() {
		openAll.textContent = details.every((each) => each.open) ? "Close all" : "Open all";
	}

	openAll.addEventListener("click", () => {
		const open = !details.every((each) => each.open);

		for (const each of details)
			each.open = open;
		nameOpenAll();
	});
	for (const each of details)
		each.addEventListener("toggle", nameOpenAll);
	search.addEventListener("input", filter);
	show.addEventListener("change", filter);

	// On paper nobody can open a row, so the first of those that matter are open: of all, nobody
	// would turn the pages.
	const OPENED_FOR_PRINT = 20;
	const opened = new Set();
	addEventListener("beforeprint", () => {
		for (const each of table.querySelectorAll("tbody[data-state=change]:not([hidden]) details")) {
			if (opened.size >= OPENED_FOR_PRINT)
				break;
			if (each.open)
				continue;
			each.open = true;
			opened.add(each);
		}
	});
	addEventListener("afterprint", () => {
		for (const each of opened)
			each.open = false;
		opened.clear();
	});

	tools.hidden = false;
	filter();
})();
