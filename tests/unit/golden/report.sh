#!/bin/sh
# Requires IMDSv2 (HttpTokens=required) on the hosts that imdstrace found ready.
#
#   sh SCRIPT           changes nothing: asks EC2 by --dry-run whether each change would
#                       be allowed, and prints it
#   sh SCRIPT --apply   makes the changes, and notes in STATE what was there before
#   sh SCRIPT --undo    takes them back, as STATE has it
#
# STATE is the file $IMDSTRACE_STATE (./imdstrace-undo.tsv). It needs the aws command, with
# ec2:ModifyInstanceMetadataOptions and ec2:DescribeInstances.
#
# 0 of 1 hosts are ready.
echo 'There is no host to switch.'
