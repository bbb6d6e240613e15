# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
require "aws-sdk-v1"

puts AWS::Core::CredentialProviders::EC2Provider.new.access_key_id
