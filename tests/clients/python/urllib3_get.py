# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
import urllib3

base = "http://169.254.169.254/latest/meta-data/"
pool = urllib3.PoolManager()
for item in "instance-id", "placement/region":
    print(pool.request("GET", base + item).data.decode())
