# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
require "aws-sdk-core"

puts Aws::InstanceProfileCredentials.new.credentials.access_key_id
