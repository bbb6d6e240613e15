/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What CloudWatch counted, as `aws cloudwatch get-metric-statistics` prints it. */
#ifndef IMDSTRACE_METRIC_H
#define IMDSTRACE_METRIC_H

#include <stddef.h>
#include <stdint.h>

#define METRIC_FILE_MAX (16UL << 20)

struct datapoint {
	int64_t start; /* ns since 1970 */
	uint64_t sum;
};

struct metric {
	struct datapoint *points; /* by time, each time once */
	size_t count;
	int64_t period;     /* ns; 0: it has fewer than two datapoints, so nothing tells */
	size_t without_sum; /* datapoints that were left out, because they have none */
};

/* period: ns, or 0 to derive it from the datapoints. 0, or -EINVAL with one sentence in why. */
int metric__read(struct metric *metric, const char *text, size_t size, int64_t period, char *why,
	size_t why_size);
void metric__clear(struct metric *metric);

/* The longest period that both are whole numbers of; 0 is one of any. */
int64_t common_divisor(int64_t a, int64_t b);

/* The datapoint that starts then; NULL: none. */
const struct datapoint *metric__find(const struct metric *metric, int64_t start);

#endif
