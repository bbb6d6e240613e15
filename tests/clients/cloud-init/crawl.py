# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What cloud-init asks an EC2 instance's metadata at boot, without what it then does to the machine."""
import sys
import tempfile

from cloudinit import helpers
from cloudinit.sources import DataSourceEc2

with tempfile.TemporaryDirectory() as place:
    paths = helpers.Paths({"cloud_dir": place, "run_dir": place})
    source = DataSourceEc2.DataSourceEc2({"datasource": {"Ec2": {"timeout": 3, "max_wait": 10}}}, None, paths)
    # This machine's firmware would say otherwise.
    source._cloud_name = DataSourceEc2.CloudNames.AWS
    print(sorted(source.crawl_metadata()))
