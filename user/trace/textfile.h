/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The report as a text file of node_exporter's, beside the one that is kept. */
#ifndef IMDSTRACE_TEXTFILE_H
#define IMDSTRACE_TEXTFILE_H

#include <stdint.h>

#include "lib/kept_file.h"
#include "report/report.h"

/* node_exporter reads the files of a directory that end so. */
#define TEXTFILE_SUFFIX ".prom"

/* report is sorted. 0 or -errno. */
int textfile__save(const struct kept_file *kept, const struct report *report, int64_t min_window);

#endif
