# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
import requests

service = "http://169.254.169.254/latest/"
with requests.Session() as session:
    session.headers["X-aws-ec2-metadata-token"] = requests.put(
        service + "api/token",
        headers={"X-aws-ec2-metadata-token-ttl-seconds": "21600"},
        timeout=5,
    ).text
    for item in "meta-data/instance-id", "dynamic/instance-identity/document":
        print(session.get(service + item, timeout=5).text)
