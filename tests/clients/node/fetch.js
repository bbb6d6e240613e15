// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"use strict";

async function main() {
	const service = "http://169.254.169.254/latest";
	console.log(await (await fetch(service + "/meta-data/instance-id")).text());
	const token = await (await fetch(service + "/api/token", {
		method: "PUT",
		headers: { "X-aws-ec2-metadata-token-ttl-seconds": "60" },
	})).text();
	console.log(await (await fetch(service + "/meta-data/placement/region", {
		headers: { "X-aws-ec2-metadata-token": token },
	})).text());
}

main();
