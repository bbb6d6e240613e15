/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * make_fleet DIRECTORY COUNT [before]: a fleet of so many instances, watched for two weeks, as one
 * report each in DIRECTORY/reports, and the truth about it in DIRECTORY/truth.json. The same count
 * gives the same files. "before": the state of a week ago, before some callers were fixed.
 *
 * The truth is told by the same rules that make the hosts, and by nothing of imdstrace.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "fleet_model.h"

static void put_time(FILE *out, long seconds)
{
	time_t time = seconds;
	struct tm utc;
	char text[32];

	gmtime_r(&time, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	fprintf(out, "\"%s\"", text);
}

static void put_text(FILE *out, const char *name, const char *text)
{
	if (text)
		fprintf(out, "\"%s\":\"%s\",", name, text);
	else
		fprintf(out, "\"%s\":null,", name);
}

static void put_counts(FILE *out, const unsigned long counts[CLASSES])
{
	for (int cls = 0; cls < CLASSES; cls++)
		fprintf(out, "%s\"%s\":%lu", cls ? "," : "", class_names[cls], counts[cls]);
}

static void put_paths(
	FILE *out, const struct fleet *fleet, const struct caller *caller, unsigned int host)
{
	bool first = true;

	fputs("\"paths\":[", out);
	for (int cls = 0; cls < CLASSES; cls++) {
		unsigned long count = calls_of(fleet, caller, host, cls);
		const char *path = cls == TOKEN     ? "/latest/api/token"
				   : cls == FOREIGN ? "/computeMetadata/v1/instance/id"
						    : "/latest/meta-data/instance-id";
		bool late = (cls == V2 || cls == TOKEN) && is_fixed(fleet, caller, host);
		long last = late ? fleet->end - 3600 : last_call(fleet, caller, host);

		if (!count)
			continue;
		fprintf(out, "%s{", first ? "" : ",");
		first = false;
		if (cls == UNKNOWN)
			fputs("\"method\":null,\"path\":null,", out);
		else
			fprintf(out, "\"method\":\"%s\",\"path\":\"%s\",",
				cls == TOKEN ? "PUT" : "GET", path);
		fprintf(out, "\"class\":\"%s\",\"count\":%lu,\"first\":", class_names[cls], count);
		put_time(out, late ? FIXED_AT + 600 : first_call(host));
		fputs(",\"last\":", out);
		put_time(out, last);
		fputs("}", out);
	}
	fputs("],", out);
}

static void put_outcomes(
	FILE *out, const struct caller *caller, const unsigned long counts[CLASSES])
{
	bool none = caller->own_network;

	fputs("\"outcomes\":{", out);
	for (int cls = 0; cls < UNKNOWN; cls++) {
		bool lost_answer = none && cls == TOKEN;

		fprintf(out, "%s\"%s\":{\"ok\":%lu,\"rejected\":0,\"other\":%lu,\"none\":%lu}",
			cls ? "," : "", class_names[cls],
			lost_answer || cls == FOREIGN ? 0 : counts[cls],
			cls == FOREIGN ? counts[cls] : 0, lost_answer ? counts[cls] : 0);
	}
	fputs("},", out);
}

static void put_caller(
	FILE *out, const struct fleet *fleet, const struct caller *caller, unsigned int host)
{
	unsigned long counts[CLASSES];
	char own[64], script[64];
	const char *name = caller_name(caller, host, own, sizeof(own));
	bool late = is_fixed(fleet, caller, host);

	for (int cls = 0; cls < CLASSES; cls++)
		counts[cls] = calls_of(fleet, caller, host, cls);
	snprintf(script, sizeof(script), "/srv/app-%u/sync.py", host);
	fputc('{', out);
	put_text(out, "name", name);
	put_text(out, "comm", strrchr(caller->exe, '/') + 1);
	put_text(out, "exe", caller->exe);
	put_text(out, "script", caller->name ? caller->script : script);
	put_text(out, "parent", caller->parent);
	put_text(out, "unit", caller->unit);
	put_text(out, "network", caller->own_network ? "own" : "host");
	fprintf(out, "\"uid\":0,\"args\":[\"%s\"],\"pids\":[%u],\"processes\":%u,\"pod\":null,",
		caller->exe, 1000 + host % 500, 1 + host % 4);
	if (caller->container)
		fprintf(out,
			"\"container\":{\"runtime\":\"docker\",\"id\":\"%064x\",\"name\":\"%s\"},",
			host + 1 + COUNT_MAX * (unsigned int)(caller - callers), caller->container);
	else
		fputs("\"container\":null,", out);
	if (caller->agent)
		fprintf(out, "\"user_agents\":[\"%s\"],", caller->agent);
	else
		fputs("\"user_agents\":[],", out);
	fputs("\"calls\":{", out);
	put_counts(out, counts);
	fputs("},", out);
	put_outcomes(out, caller, counts);
	put_paths(out, fleet, caller, host);
	fputs("\"first\":", out);
	put_time(out, first_call(host));
	fputs(",\"last\":", out);
	put_time(out, late ? fleet->end - 3600 : last_call(fleet, caller, host));
	fputc('}', out);
}

static void put_window(FILE *out, unsigned int host, long start, long end)
{
	fprintf(out,
		"{\"host\":\"%032lx\",\"boot_id\":\"boot-%u\",\"id\":\"%016x%lx\",\"instance_id\":"
		"\"i-%017x\",\"start\":",
		clones_of(host), host, host, start, host + 1);
	put_time(out, start);
	fputs(",\"end\":", out);
	put_time(out, end);
	fputs(",\"booted\":", out);
	put_time(out, START - 60);
	fputs(",\"hooks\":\"fentry\",\"responses\":true}", out);
}

static void put_windows(FILE *out, const struct fleet *fleet, unsigned int host)
{
	if (host % 29 == 7) {
		put_window(out, host, START, START + 6L * 3600);
	} else if (host % 31 == 8) {
		put_window(out, host, START, START + 3L * DAY);
		fputc(',', out);
		put_window(out, host, START + 3L * DAY + 3L * 3600, fleet->end);
	} else {
		put_window(out, host, START, fleet->end);
	}
}

/* In steps of sixteen minutes, as a report of two weeks may have it: what its paths say of first
 * and last, the others with the first. */
static void put_timeline(FILE *out, const struct fleet *fleet, unsigned int host)
{
	long starts[2 * CALLERS * CLASSES];
	unsigned long counts[2 * CALLERS * CLASSES][CLASSES] = {0};
	size_t used = 0;
	const long step = 960;

	for (size_t i = 0; i < CALLERS; i++)
		for (int cls = 0; cls < CLASSES && callers[i].runs_on(host); cls++) {
			unsigned long count = calls_of(fleet, &callers[i], host, cls);
			bool late =
				(cls == V2 || cls == TOKEN) && is_fixed(fleet, &callers[i], host);
			long first = late ? FIXED_AT + 600 : first_call(host);
			long last = late ? fleet->end - 3600 : last_call(fleet, &callers[i], host);

			for (int end = 0; end < 2 && count; end++) {
				long at = (end ? last : first) / step * step;
				size_t slot = 0;

				while (slot < used && starts[slot] != at)
					slot++;
				if (slot == used)
					starts[used++] = at;
				counts[slot][cls] += end ? count > 1 : count > 1 ? count - 1 : 1;
			}
		}
	fputs("\"timeline\":[", out);
	for (size_t done = 0; done < used; done++) {
		size_t next = 0;

		/* By time: the few that there are. */
		for (size_t i = 1; i < used; i++)
			if (starts[i] < starts[next])
				next = i;
		fprintf(out, "%s{\"start\":", done ? "," : "");
		put_time(out, starts[next]);
		fprintf(out, ",\"seconds\":%ld,", step);
		put_counts(out, counts[next]);
		fputc('}', out);
		starts[next] = LONG_MAX;
	}
	fputs("],", out);
}

static void sum_calls(const struct fleet *fleet, unsigned int host, unsigned long counts[CLASSES])
{
	memset(counts, 0, CLASSES * sizeof(*counts));
	for (size_t i = 0; i < CALLERS; i++)
		for (int cls = 0; cls < CLASSES && callers[i].runs_on(host); cls++)
			counts[cls] += calls_of(fleet, &callers[i], host, cls);
}

static void put_report(FILE *out, const struct fleet *fleet, unsigned int host)
{
	unsigned long counts[CLASSES];
	bool first = true;

	sum_calls(fleet, host, counts);
	fprintf(out,
		"{\"schema\":\"imdstrace.report/"
		"1\",\"version\":\"0.1.0\",\n\"hosts\":[{\"hostname\":\"web-%u.%s.example\","
		"\"machine_id\":\"%032lx\",\"kernel\":\"6.1.0-21-cloud-amd64\",\"instance_id\":\"i-"
		"%017x\","
		"\"region\":\"%s\",\"account_id\":\"%s\"}],\n\"windows\":[",
		host, region_of(host), clones_of(host), host + 1, region_of(host),
		account_of(host));
	put_windows(out, fleet, host);
	fputs("],\n\"verdict\":\"blocked\",\"reasons\":[],\n\"totals\":{", out);
	put_counts(out, counts);
	fprintf(out, ",\"lost\":%lu},\n\"callers\":[", lost(host));
	for (size_t i = 0; i < CALLERS; i++) {
		if (!callers[i].runs_on(host))
			continue;
		fputs(first ? "\n" : ",\n", out);
		first = false;
		put_caller(out, fleet, &callers[i], host);
	}
	fputs("],\n", out);
	put_timeline(out, fleet, host);
	fputs("\"next_steps\":[]}\n", out);
}

/* --- The truth ----------------------------------------------------------------------------------
 */

static bool blocks(
	const struct fleet *fleet, const struct caller *caller, unsigned int host, long since)
{
	return caller->runs_on(host) && caller->calls(host, V1) &&
	       last_call(fleet, caller, host) >= since;
}

static size_t count_blockers(const struct fleet *fleet, unsigned int host, long since)
{
	size_t count = 0;

	for (size_t i = 0; i < CALLERS; i++)
		count += blocks(fleet, &callers[i], host, since);
	return count;
}

static const char *verdict_of(const struct fleet *fleet, unsigned int host, long since)
{
	unsigned long counts[CLASSES];

	sum_calls(fleet, host, counts);
	if (count_blockers(fleet, host, since))
		return "blocked";
	/* What was unknown goes on to the end; what was lost has no time. */
	if ((counts[UNKNOWN] && !(watched_seconds(fleet, host) < DAY && since > START)) ||
		lost(host) || watched_seconds(fleet, host) < DAY)
		return "inconclusive";
	return "ready";
}

/* What CloudWatch would count of v1, hour by hour: as the timeline has it, all but the last call of
 * each caller with its first. An hour may come several times. */
static void put_hours(FILE *out, const struct fleet *fleet, unsigned int host)
{
	bool first = true;

	for (size_t i = 0; i < CALLERS; i++) {
		unsigned long count = callers[i].runs_on(host) ? callers[i].calls(host, V1) : 0;
		long at[] = {first_call(host), last_call(fleet, &callers[i], host)};
		unsigned long calls[] = {count - 1, 1};

		for (int end = 0; end < 2 && count; end++) {
			fprintf(out, "%s{\"start\":", first ? "" : ",");
			put_time(out, at[end] / 3600 * 3600);
			fprintf(out, ",\"calls\":%lu}", calls[end]);
			first = false;
		}
	}
}

static void put_host_truth(FILE *out, const struct fleet *fleet, unsigned int host)
{
	const long week = START + 7L * DAY;
	unsigned long counts[CLASSES];
	char own[64];
	bool first = true, hop = false;

	sum_calls(fleet, host, counts);
	fprintf(out,
		"{\"instance_id\":\"i-%017x\",\"hostname\":\"web-%u.%s.example\",\"region\":\"%s\","
		"\"account_id\":\"%s\","
		"\"verdict\":\"%s\",\"verdict_since\":\"%s\",\"watched_seconds\":%ld,\"calls\":{",
		host + 1, host, region_of(host), region_of(host), account_of(host),
		verdict_of(fleet, host, 0), verdict_of(fleet, host, week),
		watched_seconds(fleet, host));
	put_counts(out, counts);
	fputs("},\"callers\":[", out);
	for (size_t i = 0; i < CALLERS; i++) {
		hop |= callers[i].runs_on(host) && callers[i].own_network;
		if (!blocks(fleet, &callers[i], host, 0))
			continue;
		fprintf(out, "%s\"%s\"", first ? "" : ",",
			caller_name(&callers[i], host, own, sizeof(own)));
		first = false;
	}
	fprintf(out, "],\"hop_limit_needed\":%s,\"v1_hours\":[", hop ? "2" : "null");
	put_hours(out, fleet, host);
	fputs("]}", out);
}

static void put_caller_truth(FILE *out, const struct fleet *fleet, const struct caller *caller)
{
	unsigned long hosts = 0, hosts_v1 = 0, hosts_v1_since = 0, only = 0, fixed = 0,
		      unwatched = 0;
	unsigned long counts[CLASSES] = {0};

	for (unsigned int host = 0; host < fleet->count; host++) {
		if (!caller->runs_on(host))
			continue;
		hosts++;
		fixed += is_fixed(fleet, caller, host);
		hosts_v1 += blocks(fleet, caller, host, 0);
		hosts_v1_since += blocks(fleet, caller, host, START + 7L * DAY);
		unwatched += blocks(fleet, caller, host, 0) && watched_seconds(fleet, host) < DAY;
		only += blocks(fleet, caller, host, 0) && count_blockers(fleet, host, 0) == 1;
		for (int cls = 0; cls < CLASSES; cls++)
			counts[cls] += calls_of(fleet, caller, host, cls);
	}
	fputc('{', out);
	put_text(out, "key", caller->key);
	put_text(out, "name", caller->name);
	put_text(out, "parent", caller->parent);
	fprintf(out,
		"\"hosts\":%lu,\"hosts_fixed\":%lu,\"hosts_v1\":%lu,\"hosts_v1_since\":%lu,"
		"\"hosts_v1_unwatched_since\":%lu,\"only_blocker_on\":%lu,"
		"\"calls\":{",
		hosts, fixed, hosts_v1, hosts_v1_since, unwatched, only);
	put_counts(out, counts);
	fputs("}}", out);
}

static void put_truth(FILE *out, const struct fleet *fleet)
{
	fputs("{\"hosts\":[\n", out);
	for (unsigned int host = 0; host < fleet->count; host++) {
		put_host_truth(out, fleet, host);
		fputs(host + 1 < fleet->count ? ",\n" : "\n", out);
	}
	fputs("],\"callers\":[\n", out);
	for (size_t i = 0; i < CALLERS; i++) {
		put_caller_truth(out, fleet, &callers[i]);
		fputs(i + 1 < CALLERS ? ",\n" : "\n", out);
	}
	fputs("]}\n", out);
}

static int write_file(const struct fleet *fleet, const char *name, unsigned int host, bool truth)
{
	char path[4096];
	FILE *out;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", fleet->directory, name) >= sizeof(path))
		return -ENAMETOOLONG;
	out = fopen(path, "w");
	if (!out)
		return -errno;
	if (truth)
		put_truth(out, fleet);
	else
		put_report(out, fleet, host);
	return fclose(out) ? -errno : 0;
}

int main(int argc, char **argv)
{
	struct fleet fleet = {.end = START + WEEKS_2};
	char name[4096];
	int error = 0;

	if (argc == 4 && !strcmp(argv[3], "before")) {
		fleet.end = START + 4L * DAY;
		argc--;
	}
	if (argc == 3)
		fleet.count = (unsigned int)strtoul(argv[2], NULL, 10);
	if (!fleet.count || fleet.count > COUNT_MAX) {
		fprintf(stderr, "Usage: make_fleet DIRECTORY COUNT [before]\n");
		return 2;
	}
	fleet.directory = argv[1];
	snprintf(name, sizeof(name), "%.4000s/reports", argv[1]);
	if ((mkdir(argv[1], 0755) && errno != EEXIST) || (mkdir(name, 0755) && errno != EEXIST))
		error = -errno;
	for (unsigned int host = 0; !error && host < fleet.count; host++) {
		snprintf(name, sizeof(name), "reports/%06u.json", host);
		error = write_file(&fleet, name, host, false);
	}
	if (!error)
		error = write_file(&fleet, "truth.json", 0, true);
	if (!error)
		return 0;
	fprintf(stderr, "make_fleet: %s: %s\n", argv[1], strerror(-error));
	return 1;
}
