// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"use strict";
const { fromInstanceMetadata } = require("@aws-sdk/credential-providers");

fromInstanceMetadata()().then((credentials) => console.log(credentials.accessKeyId));
