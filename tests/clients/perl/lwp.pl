# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
use strict;
use warnings;
use LWP::UserAgent;

my $agent = LWP::UserAgent->new(timeout => 5);
for my $item ("instance-id", "placement/region") {
	my $answer = $agent->get("http://169.254.169.254/latest/meta-data/$item");
	die $answer->status_line unless $answer->is_success;
	print $answer->decoded_content, "\n";
}
