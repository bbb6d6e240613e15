# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
use strict;
use warnings;
use LWP::UserAgent;

my $service = "http://169.254.169.254/latest";
my $agent = LWP::UserAgent->new(timeout => 5, keep_alive => 1);
my $token = $agent->put("$service/api/token", "X-aws-ec2-metadata-token-ttl-seconds" => 60);
die $token->status_line unless $token->is_success;
my $answer = $agent->get("$service/meta-data/ami-id", "X-aws-ec2-metadata-token" => $token->content);
die $answer->status_line unless $answer->is_success;
print $answer->content, "\n";
