# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
import botocore.session

print(botocore.session.get_session().get_credentials().get_frozen_credentials().access_key)
