<?php
// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
foreach (["instance-id", "placement/region"] as $item)
	echo file_get_contents("http://169.254.169.254/latest/meta-data/$item"), "\n";
