/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "verdict/metric.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/scope.h"
#include "lib/text.h"
#include "report/report.h"

#define PERIOD_MAX  (366 * 24 * 3600 * NSEC_PER_SEC)
#define METRIC_NAME "MetadataNoToken"
#define ADVICE      "; ask for it with aws cloudwatch get-metric-statistics --statistics Sum"

struct reading {
	struct metric *metric;
	char *why;
	size_t why_size;
};

__attribute__((format(printf, 2, 3))) static int reading__fail(
	struct reading *reading, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reading->why, reading->why_size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

void metric__clear(struct metric *metric)
{
	free(metric->points);
	*metric = (struct metric){0};
}

static bool is_count(double value)
{
	return value >= 0 && value <= (double)REPORT_COUNT_MAX && value == (double)(uint64_t)value;
}

/* An average times the number of its samples is a whole number but for rounding. */
static double nearest(double value)
{
	return value >= 0 && value < (double)REPORT_COUNT_MAX ? (double)(uint64_t)(value + 0.5)
							      : value;
}

/* Whether a datapoint has a sum, and it. One that gives average and number of the samples instead
 * says the same. */
static bool datapoint__sum(const json_t *object, double *sum)
{
	const json_t *value = json_object_get(object, "Sum");
	const json_t *average = json_object_get(object, "Average");
	const json_t *samples = json_object_get(object, "SampleCount");

	if (json_is_number(value))
		*sum = json_number_value(value);
	else if (json_is_number(average) && json_is_number(samples))
		*sum = nearest(json_number_value(average) * json_number_value(samples));
	else
		return false;
	return true;
}

static int reading__check_unit(struct reading *reading, size_t at, const json_t *object)
{
	const char *unit = json_string_value(json_object_get(object, "Unit"));

	if (!unit || !strcmp(unit, "Count") || !strcmp(unit, "None"))
		return 0;
	return reading__fail(reading, "Datapoints[%zu] has the unit %.40s and not Count", at, unit);
}

static int reading__add(struct reading *reading, size_t at, const json_t *object)
{
	struct metric *metric = reading->metric;
	const char *time = json_string_value(json_object_get(object, "Timestamp"));
	struct datapoint point;
	double sum;

	if (!json_is_object(object))
		return reading__fail(reading, "Datapoints[%zu] is not an object", at);
	if (!time || clock__parse(time, &point.start) || point.start < 0)
		return reading__fail(
			reading, "Datapoints[%zu].Timestamp is not a time as in RFC 3339", at);
	if (reading__check_unit(reading, at, object))
		return -EINVAL;
	if (!datapoint__sum(object, &sum)) {
		metric->without_sum++;
		return 0;
	}
	if (!is_count(sum))
		return reading__fail(reading, "Datapoints[%zu].Sum is not a number of calls", at);
	point.sum = (uint64_t)sum;
	metric->points[metric->count++] = point;
	return 0;
}

static int datapoint__compare(const void *left, const void *right)
{
	const struct datapoint *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

static int reading__sort(struct reading *reading)
{
	struct metric *metric = reading->metric;
	size_t kept = 0;

	qsort(metric->points, metric->count, sizeof(*metric->points), datapoint__compare);
	for (size_t i = 0; i < metric->count; i++) {
		const struct datapoint *point = &metric->points[i];
		char time[RFC3339_SIZE];

		if (!kept || metric->points[kept - 1].start != point->start) {
			metric->points[kept++] = *point;
			continue;
		}
		clock__format(time, point->start);
		if (metric->points[kept - 1].sum != point->sum)
			return reading__fail(
				reading, "it has two datapoints of %s that differ", time);
	}
	metric->count = kept;
	return 0;
}

int64_t common_divisor(int64_t a, int64_t b)
{
	while (b) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static int reading__find_period(struct reading *reading, int64_t period)
{
	struct metric *metric = reading->metric;
	int64_t derived = 0;

	for (size_t i = 1; i < metric->count; i++)
		derived = common_divisor(
			metric->points[i].start - metric->points[i - 1].start, derived);
	metric->period = period ? period : derived;
	if (metric->period > PERIOD_MAX)
		return reading__fail(reading, "its datapoints lie more than a year apart");
	if (period && derived % period)
		return reading__fail(reading, "its datapoints do not lie whole periods apart");
	return 0;
}

static int reading__document(struct reading *reading, const json_t *document, int64_t period)
{
	const json_t *points = json_object_get(document, "Datapoints");
	const char *label = json_string_value(json_object_get(document, "Label"));
	int error = 0;

	if (!json_is_array(points))
		return reading__fail(reading, "it has no list of Datapoints" ADVICE);
	if (label && strcmp(label, METRIC_NAME))
		return reading__fail(reading, "it is of the metric %.80s, not " METRIC_NAME, label);
	reading->metric->points =
		calloc(json_array_size(points) + 1, sizeof(*reading->metric->points));
	if (!reading->metric->points)
		return reading__fail(reading, "there is no memory to read it");
	for (size_t i = 0; !error && i < json_array_size(points); i++)
		error = reading__add(reading, i, json_array_get(points, i));
	if (!error)
		error = reading__sort(reading);
	return error ? error : reading__find_period(reading, period);
}

int metric__read(struct metric *metric, const char *text, size_t size, int64_t period, char *why,
	size_t why_size)
{
	struct metric read = {0};
	struct reading reading = {&read, why, why_size};
	json_error_t trouble;
	_decref_ json_t *document = json_loadb(text, size, 0, &trouble);
	int error;

	if (document)
		error = reading__document(&reading, document, period);
	else
		error = reading__fail(
			&reading, "it is not JSON: %s at line %d", trouble.text, trouble.line);
	if (error)
		metric__clear(&read);
	else
		*metric = read;
	return error;
}

const struct datapoint *metric__find(const struct metric *metric, int64_t start)
{
	struct datapoint key = {.start = start};

	if (!metric->count)
		return NULL;
	return bsearch(&key, metric->points, metric->count, sizeof(key), datapoint__compare);
}
