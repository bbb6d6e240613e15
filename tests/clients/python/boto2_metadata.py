# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
import boto
import boto.utils

print(boto.utils.get_instance_metadata()["instance-id"])
# Finds the role's credentials in the metadata; nothing is asked of S3 itself.
print(boto.connect_s3().aws_access_key_id)
