/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The timeline: calls by the time when they were made, in at most REPORT_TIMELINE_MAX buckets. */
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "report/report_index.h"

/* The largest multiple of the bucket's length that is not after time. */
static int64_t bucket__start(int64_t time, unsigned int seconds)
{
	int64_t length = seconds * NSEC_PER_SEC;
	int64_t past = time % length;

	return time - (past < 0 ? past + length : past);
}

static void bucket__add(struct timeline_bucket *bucket, const struct timeline_bucket *other)
{
	for (int c = 0; c < CLASS_COUNT; c++)
		count__add(&bucket->calls[c], other->calls[c]);
	count__add(&bucket->forwarded, other->forwarded);
	count__add(&bucket->rehearsed, other->rehearsed);
}

/* Doubles the length of the buckets; those that fall together add up. */
static void timeline__coarsen(struct report *report)
{
	size_t kept = 0;

	report->timeline_seconds *= 2;
	for (size_t i = 0; i < report->timeline_count; i++) {
		struct timeline_bucket bucket = report->timeline[i];

		bucket.start = bucket__start(bucket.start, report->timeline_seconds);
		if (kept && report->timeline[kept - 1].start == bucket.start)
			bucket__add(&report->timeline[kept - 1], &bucket);
		else
			report->timeline[kept++] = bucket;
	}
	report->timeline_count = kept;
}

/* Where a bucket that starts then is, or belongs. Most calls belong into the last. */
static size_t timeline__find(const struct report *report, int64_t start)
{
	size_t low = 0, high = report->timeline_count;

	if (high && report->timeline[high - 1].start <= start)
		low = high - 1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (report->timeline[middle].start < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int timeline__insert(struct report *report, size_t at, int64_t start)
{
	int error = array__grow(
		(void **)&report->timeline, report->timeline_count, sizeof(*report->timeline));

	if (error)
		return error;
	memmove(&report->timeline[at + 1], &report->timeline[at],
		(report->timeline_count - at) * sizeof(*report->timeline));
	report->timeline[at] = (struct timeline_bucket){.start = start};
	report->timeline_count++;
	return 0;
}

/* The bucket of that time, made if it is new. 0 or -ENOMEM. */
static int timeline__at(struct report *report, int64_t time, struct timeline_bucket **bucket)
{
	for (;;) {
		int64_t start = bucket__start(time, report->timeline_seconds);
		size_t at = timeline__find(report, start);
		bool found = at < report->timeline_count && report->timeline[at].start == start;

		if (!found && report->timeline_count >= REPORT_TIMELINE_MAX) {
			timeline__coarsen(report);
			continue;
		}
		if (!found) {
			int error = timeline__insert(report, at, start);

			if (error)
				return error;
		}
		*bucket = &report->timeline[at];
		return 0;
	}
}

int report__add_bucket(
	struct report *report, const struct timeline_bucket *bucket, unsigned int seconds)
{
	struct timeline_bucket *known;
	int error;

	while (report->timeline_seconds < seconds)
		timeline__coarsen(report);
	error = timeline__at(report, bucket->start, &known);
	if (!error)
		bucket__add(known, bucket);
	return error;
}

int report__add_untimed(struct report *report, int64_t time, const uint64_t calls[CLASS_COUNT])
{
	struct timeline_bucket bucket = {.start = time};

	memcpy(bucket.calls, calls, sizeof(bucket.calls));
	return report__add_bucket(report, &bucket, TIMELINE_SECONDS);
}

void report__take_untimed(struct report *report, int64_t time, const uint64_t calls[CLASS_COUNT])
{
	struct timeline_bucket *bucket;

	if (timeline__at(report, time, &bucket))
		return;
	for (int c = 0; c < CLASS_COUNT; c++)
		bucket->calls[c] -= calls[c];
}
