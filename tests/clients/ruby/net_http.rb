# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
require "net/http"

%w[instance-id placement/region].each do |item|
  puts Net::HTTP.get(URI("http://169.254.169.254/latest/meta-data/#{item}"))
end
