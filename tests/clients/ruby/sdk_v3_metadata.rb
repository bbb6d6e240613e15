# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
require "aws-sdk-core"

puts Aws::EC2Metadata.new.get("/latest/meta-data/instance-id")
