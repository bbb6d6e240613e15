/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a unit of systemd will live that does not run yet: its files say in which slice. */
#ifndef IMDSTRACE_UNIT_FILES_H
#define IMDSTRACE_UNIT_FILES_H

/* The path of the cgroup that systemd will make for unit ("etl.service"), for the caller to free.
 * root as in workload.h. 0; -ENOENT: systemd does not run here, or knows no such unit; -ENOMEM. */
int unit__cgroup(const char *unit, const char *root, char **path);

#endif
