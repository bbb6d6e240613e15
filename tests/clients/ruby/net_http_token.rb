# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
require "net/http"

Net::HTTP.start("169.254.169.254", 80) do |http|
  token = http.put("/latest/api/token", "", "X-aws-ec2-metadata-token-ttl-seconds" => "60").body
  puts http.get("/latest/meta-data/ami-id", "X-aws-ec2-metadata-token" => token).body
end
