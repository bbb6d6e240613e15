<?php
// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
$service = "http://169.254.169.254/latest";
$curl = curl_init();
curl_setopt_array($curl, [
	CURLOPT_URL => "$service/api/token",
	CURLOPT_CUSTOMREQUEST => "PUT",
	CURLOPT_HTTPHEADER => ["X-aws-ec2-metadata-token-ttl-seconds: 60"],
	CURLOPT_RETURNTRANSFER => true,
	CURLOPT_TIMEOUT => 5,
]);
$token = curl_exec($curl);
curl_setopt_array($curl, [
	CURLOPT_URL => "$service/meta-data/ami-id",
	CURLOPT_CUSTOMREQUEST => "GET",
	CURLOPT_HTTPHEADER => ["X-aws-ec2-metadata-token: $token"],
]);
echo curl_exec($curl), "\n";
