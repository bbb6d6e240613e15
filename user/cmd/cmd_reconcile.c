/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `imdstrace reconcile`: whether CloudWatch counted the calls that a report did. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/report_set.h"
#include "cmd/usage.h"
#include "lib/clock.h"
#include "lib/number.h"
#include "report/forwarding.h"
#include "lib/complain.h"
#include "lib/exit_status.h"
#include "lib/file.h"
#include "lib/scope.h"
#include "lib/sentences.h"
#include "render/json.h"
#include "render/page.h"
#include "render/render.h"
#include "render/render_caller.h"
#include "verdict/reconcile.h"

#define STEPS_SHOWN 20

struct reconcile_command {
	int64_t period; /* ns; 0: as the datapoints lie */
	bool json, help;
};

static const char short_options[] = ":h";
static const struct option long_options[] = {
	{"period", required_argument, NULL, 'p'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const enum exit_status statuses[] = {
	[BALANCE_EQUAL] = EXIT_DONE,
	[BALANCE_MORE] = EXIT_BLOCKED,
	[BALANCE_FEWER] = EXIT_BLOCKED,
	[BALANCE_NOTHING] = EXIT_INCONCLUSIVE,
};

static int help(void)
{
	puts("Usage: imdstrace reconcile [OPTION...] FILE... METRIC.json\n"
	     "\n"
	     "Compares the tokenless calls of a report, or of many merged into one, with what\n"
	     "CloudWatch counted, period by period. METRIC.json is what this prints:\n"
	     "\n"
	     "  aws cloudwatch get-metric-statistics --namespace AWS/EC2 \\\n"
	     "      --metric-name MetadataNoToken --dimensions Name=InstanceId,Value=ID \\\n"
	     "      --statistics Sum --period 300 --start-time TIME --end-time TIME\n"
	     "\n"
	     "Only whole periods in which every host of the report was watched are compared.\n"
	     "\n"
	     "Options:\n"
	     "      --period TIME  The metric's period (as its datapoints lie)\n"
	     "      --json         Print the comparison as JSON\n"
	     "  -h, --help         Show this\n"
	     "\n"
	     "Exit status: 0 both count the same; 1 CloudWatch counts more or fewer; 2 wrong\n"
	     "usage, or a file that is no report or no metric; 4 there is no period to\n"
	     "compare.");
	return EXIT_DONE;
}

static int command__set(struct reconcile_command *command, int option, char *const *argv)
{
	switch (option) {
	case 'p':
		if (!duration__parse(optarg, &command->period) && command->period >= NSEC_PER_SEC &&
			command->period % NSEC_PER_SEC == 0)
			return 0;
		complain("\"%s\" is no period: use 60s, 5m or 1h", optarg);
		return -EINVAL;
	case 'j':
		command->json = true;
		return 0;
	case 'h':
		command->help = true;
		return 0;
	default:
		usage__refuse_option(option, argv);
		return -EINVAL;
	}
}

static int command__parse(struct reconcile_command *command, int argc, char **argv)
{
	int option, error = 0;

	optind = 0;
	opterr = 0;
	while (!error && !command->help &&
		(option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
		error = command__set(command, option, argv);
	if (error || command->help || optind + 1 < argc)
		return error;
	complain(
		"reconcile: it needs at least one report FILE and METRIC.json behind them; see imdstrace reconcile --help");
	return -EINVAL;
}

/* 0, or -EINVAL after saying what is wrong. */
static int command__read_metric(
	const struct reconcile_command *command, struct metric *metric, const char *path)
{
	_free_ char *text = NULL;
	char why[256];
	size_t size;
	int error = file__read(path, METRIC_FILE_MAX, &text, &size);

	if (error) {
		complain("%s could not be read: %s", path, strerror(-error));
		return -EINVAL;
	}
	if (metric__read(metric, text, size, command->period, why, sizeof(why))) {
		complain("%s is no metric of CloudWatch: %s", path, why);
		return -EINVAL;
	}
	if (metric->count != 1 || metric->period)
		return 0;
	complain("%s has one datapoint, which does not tell its period: give it as --period 5m",
		path);
	metric__clear(metric);
	return -EINVAL;
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* What else there is to know of a comparison, and why there was nothing to compare. */
static int result__notes(struct sentences *notes, const struct reconciliation *result,
	const struct report *report, const struct metric *metric)
{
	if (metric->without_sum)
		sentences__add(notes,
			"%zu datapoint%s without a Sum %s left out: ask for it with --statistics Sum",
			metric->without_sum, plural(metric->without_sum),
			metric->without_sum == 1 ? "was" : "were");
	if (!metric->count && !metric->without_sum)
		sentences__add(notes,
			"the metric has no datapoints, so nothing tells which time it is of");
	if (!report->window_count)
		sentences__add(notes, "the report does not say when it was watched");
	if (result->misaligned)
		sentences__add(notes,
			"no period begins where a step of the report's timeline does (%us long)",
			report->timeline_seconds);
	if (result->partial)
		sentences__add(notes, "%s period%s not compared, because %s only partly watched",
			NUMBER(result->partial), result->partial == 1 ? " was" : "s were",
			result->partial == 1 ? "it was" : "they were");
	if (result->unwatched)
		sentences__add(notes,
			"%s period%s not compared, because imdstrace was not running then",
			NUMBER(result->unwatched), result->unwatched == 1 ? " was" : "s were");
	if (result->outside)
		sentences__add(notes,
			"the report was watched for longer than the metric covers, and that time is not compared");
	if (result->step > result->period && result->count)
		sentences__add(notes,
			"several periods are compared as one, because the report's timeline has steps of %us",
			report->timeline_seconds);
	if (result->root_calls)
		sentences__add(notes,
			"%s of the report's calls are other clouds' probes of /, which EC2 answers and counts",
			NUMBER(result->root_calls));
	if (result->forwarded)
		sentences__add(notes,
			"%s call%s that a proxy forwarded %s not counted twice: the report saw %s of the application and again of the proxy",
			NUMBER(result->forwarded), result->forwarded == 1 ? "" : "s",
			result->forwarded == 1 ? "is" : "are",
			result->forwarded == 1 ? "it" : "them");
	if (result->fewer && report__has_pod_proxy(report))
		sentences__add(notes,
			"kube2iam and kiam answer the calls of pods for credentials themselves, and what they answer never reaches the metadata service");
	if (report->host_count > 1)
		sentences__add(notes,
			"the report has %s hosts: the metric must be the sum of theirs",
			NUMBER(report->host_count));
	if (report->lost)
		sentences__add(notes,
			"%s events of the report were lost, and with them the times of their calls",
			NUMBER(report->lost));
	return notes->error;
}

static void page__headline(struct page *page, const struct reconciliation *result)
{
	char period[32], from[SHORT_TIME_SIZE] = "", to[SHORT_TIME_SIZE] = "";

	duration__format(period, sizeof(period), result->step);
	if (result->count) {
		time__format_short(from, result->steps[0].start);
		time__format_short(to, result->steps[result->count - 1].start + result->step);
	}
	switch (result->balance) {
	case BALANCE_EQUAL:
		page__line(page, STYLE_GOOD,
			"equal: CloudWatch and the report count the same %s call%s in %s period%s of %s",
			NUMBER(result->report), plural(result->report), NUMBER(result->count),
			plural(result->count), period);
		break;
	case BALANCE_MORE:
		page__line(page, STYLE_BAD,
			"more: CloudWatch counts more than the report in %s of %s period%s of %s",
			NUMBER(result->more), NUMBER(result->count), plural(result->count), period);
		break;
	case BALANCE_FEWER:
		page__line(page, STYLE_DOUBTFUL,
			"fewer: CloudWatch counts fewer than the report in %s of %s period%s of %s",
			NUMBER(result->fewer), NUMBER(result->count), plural(result->count),
			period);
		break;
	default:
		page__line(page, STYLE_DOUBTFUL, "nothing: there is no period to compare");
		return;
	}
	page__line(page, STYLE_PLAIN, "compared: %s to %s, CloudWatch %s, report %s", from, to,
		NUMBER(result->cloudwatch), NUMBER(result->report));
}

static void page__steps(struct page *page, const struct reconciliation *result)
{
	size_t different = result->more + result->fewer, shown = 0;

	for (size_t i = 0; i < result->count && shown < STEPS_SHOWN; i++) {
		const struct step *step = &result->steps[i];
		bool more = step->balance == BALANCE_MORE;
		char time[SHORT_TIME_SIZE];

		if (step->balance == BALANCE_EQUAL)
			continue;
		shown++;
		time__format_short(time, step->start);
		page__line(page, STYLE_PLAIN, "  %s  CloudWatch %s  report %s  %s %s%s%s", time,
			NUMBER(step->cloudwatch), NUMBER(step->report),
			more ? "more by" : "fewer by",
			NUMBER(more ? step->cloudwatch - step->report
				    : step->report - step->cloudwatch),
			step->datapoint ? "" : "  (no datapoint)",
			more && step->unknown ? "  (calls that could not be read)" : "");
	}
	if (different > shown)
		page__line(page, STYLE_PLAIN, "  and %s more periods", NUMBER(different - shown));
}

static void page__explain(struct page *page, const struct reconciliation *result)
{
	if (result->more)
		page__wrap(page, STYLE_PLAIN, "", 0,
			"More: a call was missed in these periods, or came from software whose packets this host only forwards. Find out which before you require IMDSv2.");
	if (result->fewer)
		page__wrap(page, STYLE_PLAIN, "", 0,
			"Fewer: the metric is late (get it again in a quarter of an hour), or the call did not reach the service.");
	if (result->more && result->fewer && result->report == result->cloudwatch)
		page__wrap(page, STYLE_PLAIN, "", 0,
			"Both count the same in all, so these may be calls that CloudWatch counted in the next period.");
}

static int result__write_text(
	FILE *out, const struct reconciliation *result, const struct sentences *notes)
{
	struct render_options options = {0};
	struct page page = {.out = out};

	render__options_for(&options, STDOUT_FILENO);
	page.columns = options.columns;
	page.color = options.color;
	page__headline(&page, result);
	page__steps(&page, result);
	page__explain(&page, result);
	for (size_t i = 0; i < notes->count; i++)
		page__wrap(&page, STYLE_PLAIN, "note: ", 6, notes->list[i]);
	return page.error;
}

static json_t *json__step(const struct reconciliation *result, const struct step *step)
{
	return json_pack("{so,sI,sI,sI,sI,sb,ss}", "start", json__time(step->start), "seconds",
		(json_int_t)(result->step / NSEC_PER_SEC), "cloudwatch",
		(json_int_t)step->cloudwatch, "report", (json_int_t)step->report, "unknown",
		(json_int_t)step->unknown, "datapoint", step->datapoint, "result",
		balance__name(step->balance));
}

static json_t *json__steps(const struct reconciliation *result)
{
	_decref_ json_t *list = json_array();

	for (size_t i = 0; i < result->count; i++)
		if (json_array_append_new(list, json__step(result, &result->steps[i])))
			return NULL;
	return json_incref(list);
}

static int result__write_json(
	FILE *out, const struct reconciliation *result, const struct sentences *notes)
{
	int64_t start = result->count ? result->steps[0].start : 0;
	int64_t end = result->count ? result->steps[result->count - 1].start + result->step : 0;
	_decref_ json_t *object = json_pack("{ss,ss,sI,so,so,sI,sI,sI,sI,sI,sI,sI,sI,sI,so,so}",
		"schema", "imdstrace.reconcile/1", "result", balance__name(result->balance),
		"period_seconds", (json_int_t)(result->period / NSEC_PER_SEC), "start",
		json__time(start), "end", json__time(end), "cloudwatch",
		(json_int_t)result->cloudwatch, "report", (json_int_t)result->report, "equal",
		(json_int_t)result->equal, "more", (json_int_t)result->more, "fewer",
		(json_int_t)result->fewer, "partial", (json_int_t)result->partial, "unwatched",
		(json_int_t)result->unwatched, "root_calls", (json_int_t)result->root_calls,
		"forwarded", (json_int_t)result->forwarded, "notes", json__list(notes->list),
		"periods", json__steps(result));

	_free_ char *text = object ? json_dumps(object, JSON_INDENT(1)) : NULL;

	if (!text)
		return -ENOMEM;
	fprintf(out, "%s\n", text);
	return 0;
}

static int command__print(const struct reconcile_command *command,
	const struct reconciliation *result, const struct sentences *notes)
{
	_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int error = -ENOMEM;

	if (out)
		error = command->json ? result__write_json(out, result, notes)
				      : result__write_text(out, result, notes);
	if (out && fclose(out))
		error = -ENOMEM;
	if (!error)
		return usage__write_stdout(text, size);
	complain("the comparison could not be printed: %s", strerror(-error));
	return EXIT_USAGE;
}

static int command__compare(const struct reconcile_command *command, const struct report *report,
	const struct metric *metric)
{
	struct sentences notes = {0};
	struct reconciliation result;
	int status, error = reconcile(&result, report, metric);

	if (error == -EINVAL)
		complain("the metric's period is too short for the time that it covers");
	else if (error)
		complain("the comparison could not be made: %s", strerror(-error));
	if (error)
		return EXIT_USAGE;
	number__separate(!command->json);
	result__notes(&notes, &result, report, metric);
	status = notes.error ? EXIT_USAGE : command__print(command, &result, &notes);
	if (status == EXIT_DONE)
		status = (int)statuses[result.balance];
	sentences__free(notes.list);
	reconcile__clear(&result);
	return status;
}

int cmd_reconcile(int argc, char **argv)
{
	struct reconcile_command command = {0};
	struct metric metric = {0};
	struct report_set set;
	int error, status = EXIT_USAGE;

	if (command__parse(&command, argc, argv))
		return EXIT_USAGE;
	if (command.help)
		return help();
	usage__survive_writes();
	if (command__read_metric(&command, &metric, argv[argc - 1]))
		return EXIT_USAGE;
	error = report_set__read(
		&set, argv + optind, (size_t)(argc - 1 - optind), &(struct report_set_options){0});
	if (error) {
		metric__clear(&metric);
		return usage__refuse_set(error);
	}
	if (set.report)
		status = command__compare(&command, set.report, &metric);
	if (set.failed)
		status = EXIT_USAGE;
	report_set__clear(&set);
	metric__clear(&metric);
	return status;
}
