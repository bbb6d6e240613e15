// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"use strict";
const AWS = require("aws-sdk");

const credentials = new AWS.EC2MetadataCredentials();
credentials.get((error) => {
	if (error)
		throw error;
	console.log(credentials.accessKeyId);
});
