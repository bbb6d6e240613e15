# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
import boto3

print(boto3.Session().get_credentials().get_frozen_credentials().access_key)
