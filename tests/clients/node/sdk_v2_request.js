// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"use strict";
const AWS = require("aws-sdk");

new AWS.MetadataService().request("/latest/meta-data/instance-id", (error, text) => {
	if (error)
		throw error;
	console.log(text);
});
