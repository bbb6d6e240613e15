// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"use strict";
const http = require("http");

function get(items) {
	if (!items.length)
		return;
	http.get("http://169.254.169.254/latest/meta-data/" + items[0], (answer) => {
		answer.on("data", (piece) => process.stdout.write(piece));
		answer.on("end", () => get(items.slice(1)));
	});
}

get(["instance-id", "placement/region"]);
