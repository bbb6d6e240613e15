/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "verdict/next_steps.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verdict/advice.h"
#include "verdict/host_summary.h"
#include "verdict/over.h"
#include "verdict/rehearsal_verdict.h"
#include "lib/clock.h"
#include "lib/number.h"
#include "lib/scope.h"
#include "lib/text.h"

#define CALLERS_NAMED     5
#define HOSTS_NAMED       10
#define HOSTS_NAMED_EARLY 3 /* in a step that is for later */
#define NAME_COLUMNS      100
#define HOSTNAME_SHOWN    64 /* bytes */

#define MODIFY    "aws ec2 modify-instance-metadata-options --instance-id "
#define HOP_LIMIT " --http-put-response-hop-limit 2"
/* Without a hop limit of its own, a launch from an image without ImdsSupport v2.0 gets 1, and its
 * containers lose their credentials (EC2 User Guide, "Configure IMDS for new instances"). */
#define DEFAULTS "aws ec2 modify-instance-metadata-defaults --http-tokens required" HOP_LIMIT
#define ENFORCE                                                                                    \
	"aws ec2 modify-instance-metadata-defaults --http-tokens required --http-tokens-enforced " \
	"enabled"
#define FIND_LEFT                                                                 \
	"aws ec2 describe-instances --filters Name=metadata-options.http-tokens," \
	"Values=optional --query 'Reservations[].Instances[].InstanceId' --output text"
#define NEW_TEMPLATE                                                            \
	"aws ec2 create-launch-template-version --launch-template-id TEMPLATE " \
	"--source-version '$Latest' --launch-template-data "                    \
	"'{\"MetadataOptions\":{\"HttpTokens\":\"required\",\"HttpPutResponseHopLimit\":2}}'"
#define MARK_IMAGE "aws ec2 modify-image-attribute --image-id AMI --imds-support v2.0"
#define POLICY                                                                               \
	"aws organizations create-policy --name imdsv2-only --type SERVICE_CONTROL_POLICY "  \
	"--description 'Launches require IMDSv2' --content "                                 \
	"'{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"ec2:" \
	"RunInstances\","                                                                    \
	"\"Resource\":\"arn:aws:ec2:*:*:instance/*\",\"Condition\":{\"StringNotEquals\":"    \
	"{\"ec2:MetadataHttpTokens\":\"required\"}}}]}'"
/* A trace that goes on keeps its file beside a new one. */
#define ANEW      ", as the service does on systemctl kill -s USR1 imdstrace"
#define LOWER_HEX "0123456789abcdef"
#define LOWER     "abcdefghijklmnopqrstuvwxyz"

/* A sentence and, where command is not NULL, ": COMMAND" behind it. Where the command begins is
 * kept, because the sentence may hold names that look like one. */
__attribute__((format(printf, 3, 4))) static void steps__add(
	struct steps *steps, const char *command, const char *format, ...)
{
	size_t at = steps->sentences.count;
	size_t *grown = reallocarray(steps->command_at, at + 1, sizeof(*grown));
	_free_ char *sentence = NULL;
	va_list arguments;

	va_start(arguments, format);
	sentence = text__format(format, arguments);
	va_end(arguments);
	if (grown)
		steps->command_at = grown;
	if (!grown || !sentence) {
		steps->sentences.error = -ENOMEM;
		return;
	}
	grown[at] = command ? strlen(sentence) + strlen(": ") : 0;
	sentences__add(
		&steps->sentences, "%s%s%s", sentence, command ? ": " : "", command ? command : "");
}

void next_steps__clear(struct steps *steps)
{
	sentences__free(steps->sentences.list);
	free(steps->command_at);
	*steps = (struct steps){0};
}

/* People paste these into a shell, and reports come from elsewhere: only what is an instance's id,
 * or a Region's name, for certain. */
static const char *host__shell_id(const struct report_host *host)
{
	const char *id = host ? host->instance_id : NULL;

	if (!id || strncmp(id, "i-", 2) || !id[2] || strlen(id) > 32 ||
		id[2 + strspn(id + 2, LOWER_HEX)])
		return "ID";
	return id;
}

static const char *host__shell_region(const struct report_host *host)
{
	const char *region = host ? host->region : NULL;

	if (!region || !*region || *region == '-' || strlen(region) > 32 ||
		region[strspn(region, LOWER "0123456789-")])
		return NULL;
	return region;
}

/* The callers to fix, the worst first. */
struct culprits {
	const struct host_summaries *hosts; /* each ruled by itself; NULL: not known */
	const struct caller **list;
	size_t count;
	const struct caller **cut_off; /* of these, who needs a hop limit of 2 */
	size_t cut_off_count;
};

static int culprit__compare(const void *left, const void *right)
{
	const struct caller *a = *(const struct caller *const *)left;
	const struct caller *b = *(const struct caller *const *)right;

	for (int i = 0; i < 2; i++) {
		enum request_class cls = i ? CLASS_FOREIGN : CLASS_V1;

		if (a->calls[cls] != b->calls[cls])
			return a->calls[cls] > b->calls[cls] ? -1 : 1;
	}
	return strcmp(a->name, b->name);
}

static int culprits__find_cut_off(struct culprits *culprits)
{
	for (size_t i = 0; i < culprits->count; i++) {
		_free_ char *text = NULL;
		enum advice advice;

		if (advice__for(culprits->list[i], &advice, &text))
			return -ENOMEM;
		if (advice == ADVICE_RAISE_HOP_LIMIT)
			culprits->cut_off[culprits->cut_off_count++] = culprits->list[i];
	}
	return 0;
}

static int culprits__find(struct culprits *culprits, const struct report *report,
	const struct verdict_options *options)
{
	*culprits = (struct culprits){
		.hosts = options->hosts && options->hosts->count > 1 && !options->hosts->unlisted
				 ? options->hosts
				 : NULL,
		.list = calloc(report->caller_count + 1, sizeof(*culprits->list)),
		.cut_off = calloc(report->caller_count + 1, sizeof(*culprits->cut_off)),
	};
	if (!culprits->list || !culprits->cut_off)
		return -ENOMEM;
	for (size_t i = 0; i < report->caller_count; i++)
		if (caller__is_to_change(report->callers[i], options->strict))
			culprits->list[culprits->count++] = report->callers[i];
	qsort(culprits->list, culprits->count, sizeof(*culprits->list), culprit__compare);
	return culprits__find_cut_off(culprits);
}

static void culprits__clear(struct culprits *culprits)
{
	free(culprits->list);
	free(culprits->cut_off);
}

static void steps__add_caller(struct steps *steps, const struct caller *caller)
{
	_free_ char *text = NULL;
	enum advice advice;

	if (advice__for(caller, &advice, &text)) {
		steps->sentences.error = -ENOMEM;
		return;
	}
	if (advice != ADVICE_NONE) {
		steps__add(steps, NULL, "%s", text);
		return;
	}
	free(text);
	text = strdup(caller->name);
	if (!text) {
		steps->sentences.error = -ENOMEM;
		return;
	}
	text__ellipsize(text, NAME_COLUMNS);
	steps__add(steps, NULL, "Stop the calls of %s to another cloud's metadata service.", text);
}

void next_steps__sum_up(struct sentences *sentences, size_t callers)
{
	if (callers > CALLERS_NAMED)
		sentences__add(sentences, "Fix the %s other caller%s that the report names.",
			NUMBER(callers - CALLERS_NAMED), callers - CALLERS_NAMED == 1 ? "" : "s");
}

static void steps__add_callers(struct steps *steps, const struct culprits *culprits)
{
	struct sentences others = {0};

	for (size_t i = 0; i < culprits->count && i < CALLERS_NAMED; i++)
		steps__add_caller(steps, culprits->list[i]);
	next_steps__sum_up(&others, culprits->count);
	if (others.error)
		steps->sentences.error = others.error;
	else if (others.count)
		steps__add(steps, NULL, "%s", others.list[0]);
	sentences__free(others.list);
}

/* What was called before it was changed stays in the report, and blocks. */
static void steps__add_since(struct steps *steps, const struct report *report,
	const struct over *over, const char *since, const char *why)
{
	bool many = report->host_count > 1, lost = report->lost || report->missed;
	_free_ char *command = NULL;

	if (asprintf(&command, "imdstrace check --since %s FILE%s", since, many ? "..." : "") < 0) {
		command = NULL;
		steps->sentences.error = -ENOMEM;
		return;
	}
	steps__add(steps, command, "%s%s%s%s%s",
		over->all
			? "Ask for the verdict on what was called since then"
			: "Let the trace go on into the same file, then ask for the verdict on what was called since the last change",
		" (or begin a new file" ANEW,
		many && lost ? "; a host that lost events needs one)" : ")",
		*why ? "; without --since the file stays blocked, because " : "", why);
}

/* A report of rehearsals alone says nothing of what was called while none ran. */
static bool report__has_rehearsals_alone(const struct report *report)
{
	for (size_t i = 0; i < report->window_count; i++)
		if (!report->windows[i].rehearsal)
			return false;
	return report->window_count;
}

/* What was lost or missed has no time, so that only a new file is without it. */
static void steps__add_fresh_start(struct steps *steps, const struct report *report)
{
	const struct over over = report__find_over(report);
	_free_ char *why = over.worst ? over__explain(&over) : strdup("");
	char since[RFC3339_SIZE];

	if (!why) {
		steps->sentences.error = -ENOMEM;
		return;
	}
	if (report__has_rehearsals_alone(report)) {
		steps__add(steps, "imdstrace check TRACE",
			"%s everything on the instance (imdstrace trace --duration 24h --output TRACE) and ask for the verdict on that",
			report__rehearsal_verdict(report) == REHEARSAL_SURVIVES
				? "Trace"
				: "Rehearse again until nothing breaks, then trace");
		return;
	}
	if (report->host_count < 2 && (report->lost || report->missed)) {
		steps__add(steps, "imdstrace check NEW-FILE",
			"Trace again into a new file (imdstrace trace --output NEW-FILE" ANEW
			"), then ask for the verdict; this one stays blocked%s%s",
			*why ? ", because " : "", why);
		return;
	}
	clock__format(since, over.since);
	steps__add_since(steps, report, &over, over.all ? since : "TIME", why);
}

/* Whether a caller on that host (NULL: any) needs the hop limit of 2. */
static bool culprits__need_hops(const struct culprits *culprits, const struct report_host *host)
{
	const struct host_summary *known =
		culprits->hosts && host
			? host_summaries__find(culprits->hosts, report_host__id(host))
			: NULL;

	if (known)
		return known->facts.needs_hop_limit;
	for (size_t i = 0; i < culprits->cut_off_count; i++) {
		const struct caller *caller = culprits->cut_off[i];
		bool elsewhere = host && caller->hosts_exact && caller->host_count &&
				 caller->hosts_total == caller->host_count;

		for (unsigned int h = 0; elsewhere && h < caller->host_count; h++)
			elsewhere = strcmp(caller->hosts[h], report_host__id(host)) != 0;
		if (!elsewhere)
			return true;
	}
	return false;
}

static void steps__add_command(
	struct steps *steps, const char *what, const struct report_host *host, const char *settings)
{
	const char *region = host__shell_region(host);
	const char *name = host && host->hostname ? host->hostname : "";
	_free_ char *command = NULL;

	if (asprintf(&command, MODIFY "%s%s%s%s", host__shell_id(host), settings,
		    region ? " --region " : "", region ? region : "") < 0) {
		command = NULL;
		steps->sentences.error = -ENOMEM;
		return;
	}
	steps__add(steps, command, "%s%s%.*s", what, *name ? " on " : "",
		(int)text__complete(name, strnlen(name, HOSTNAME_SHOWN)), name);
}

/* One command for each host of a report, with the settings that the host needs. */
struct host_steps {
	const char *what, *settings, *settings_with_hops;
	bool only_hops; /* leave out the hosts that need no hop limit */
	size_t named;   /* so many hosts, and the number of the others */
};

static void steps__add_hosts(struct steps *steps, const struct report *report,
	const struct culprits *culprits, const struct host_steps *what)
{
	size_t left_out = 0, named = 0;

	if (!report->host_count)
		steps__add_command(steps, what->what, NULL,
			culprits__need_hops(culprits, NULL) ? what->settings_with_hops
							    : what->settings);
	for (size_t i = 0; i < report->host_count; i++) {
		const struct report_host *host = &report->hosts[i];
		bool hops = (what->only_hops || named < what->named) &&
			    culprits__need_hops(culprits, host);

		if (what->only_hops && !hops)
			continue;
		if (named == what->named) {
			left_out++;
			continue;
		}
		steps__add_command(
			steps, what->what, host, hops ? what->settings_with_hops : what->settings);
		named++;
	}
	if (left_out && what->only_hops && culprits->hosts)
		steps__add(steps, "imdstrace report --format hosts FILE... >hosts.csv",
			"%s in the same way on the %s other host%s of which hop_limit_needed is 2",
			what->what, NUMBER(left_out), left_out == 1 ? "" : "s");
	else if (left_out)
		steps__add(steps, NULL, "%s on the %s other host%s in the same way.", what->what,
			NUMBER(left_out), left_out == 1 ? "" : "s");
}

static void steps__add_hop_limit(
	struct steps *steps, const struct report *report, const struct culprits *culprits)
{
	const struct host_steps raise = {
		.what = "Raise the hop limit",
		.settings = HOP_LIMIT " --http-endpoint enabled",
		.settings_with_hops = HOP_LIMIT " --http-endpoint enabled",
		.only_hops = true,
		.named = culprits->hosts ? HOSTS_NAMED_EARLY : HOSTS_NAMED,
	};

	if (culprits__need_hops(culprits, NULL))
		steps__add_hosts(steps, report, culprits, &raise);
}

/* The Region that all hosts are in, or NULL. */
static const char *report__region(const struct report *report)
{
	const char *common = NULL;

	for (size_t i = 0; i < report->host_count; i++) {
		const char *region = host__shell_region(&report->hosts[i]);

		if (!region || (common && strcmp(common, region)))
			return NULL;
		common = region;
	}
	return common;
}

/* A command of a Region's, with the Region where all hosts are in one. */
static void steps__add_regional(
	struct steps *steps, const char *region, const char *command, const char *sentence)
{
	_free_ char *whole = NULL;

	if (asprintf(&whole, "%s%s%s", command, region ? " --region " : "", region ? region : "") <
		0) {
		whole = NULL;
		steps->sentences.error = -ENOMEM;
		return;
	}
	steps__add(steps, whole, "%s", sentence);
}

/* What keeps IMDSv1 from coming back, in the order in which it is safe: what only concerns future
 * launches first, what refuses launches and cannot be undone last. */
static void steps__add_lasting(struct steps *steps, const char *region)
{
	steps__add_regional(steps, region, FIND_LEFT,
		region ? "List the instances of the Region that still allow IMDSv1, traced or not"
		       : "List the instances of each Region that still allow IMDSv1, traced or not");
	steps__add_regional(steps, region, NEW_TEMPLATE,
		"Where Auto Scaling groups launch from templates, make a new version of each that requires tokens, else every replacement allows IMDSv1 again");
	steps__add_regional(steps, region, MARK_IMAGE,
		"Mark your own images, once all that runs on them supports IMDSv2, because it cannot be undone: whatever is launched from them then requires tokens");
}

static void steps__add_enforcement(struct steps *steps, const char *region)
{
	steps__add(steps, NULL,
		"Let AWS Config (rules ec2-imdsv2-check and ec2-launch-template-imdsv2-check) or Security Hub (control EC2.8) report instances that still allow IMDSv1.");
	steps__add_regional(steps, region, ENFORCE,
		"Once nothing in the Region is launched with IMDSv1 any more, enforce it: a launch that would allow IMDSv1 then fails");
}

/* Of a fleet, the hosts that are ready need not wait for the others. */
static void steps__add_script(struct steps *steps, const struct host_summaries *hosts)
{
	size_t ready = host_summaries__count(hosts, VERDICT_READY);

	if (ready)
		steps__add(steps, "imdstrace report --format script FILE... >switch.sh",
			"Require tokens on the %s host%s ready now: a script does it, each host with what it needs; without an argument it only says what it would do",
			NUMBER(ready), ready == 1 ? " that is" : "s that are");
	if (ready < hosts->count)
		steps__add(steps, "imdstrace report --format hosts FILE... >hosts.csv",
			"Do the same for the %s other host%s once %s ready; what holds each up",
			NUMBER(hosts->count - ready), hosts->count - ready == 1 ? "" : "s",
			hosts->count - ready == 1 ? "it is" : "they are");
}

static void steps__add_switch(struct steps *steps, const struct report *report,
	const struct culprits *culprits, bool ready)
{
	const struct host_steps require = {
		.what = ready ? "Require tokens" : "Once the verdict is ready, require tokens",
		.settings = " --http-tokens required --http-endpoint enabled",
		.settings_with_hops = " --http-tokens required --http-endpoint enabled" HOP_LIMIT,
		.named = ready ? HOSTS_NAMED : HOSTS_NAMED_EARLY,
	};
	const char *region = report__region(report);

	if (culprits->hosts)
		steps__add_script(steps, culprits->hosts);
	else
		steps__add_hosts(steps, report, culprits, &require);
	steps__add(steps, NULL,
		"Watch CloudWatch's metric MetadataNoTokenRejected afterwards: it counts the calls that fail because they have no token (MetadataNoToken counted them before).");
	steps__add_regional(steps, region, DEFAULTS,
		region ? "Make that the default of all future launches in the Region"
		       : "Make that the default of all future launches in each Region");
	if (ready)
		steps__add_lasting(steps, region);
	if (ready)
		steps__add(steps, POLICY,
			"Keep it so with a policy of the organization, or the same statement in IAM, that denies launches without it");
	else
		steps__add(steps, NULL,
			"Keep it so with an IAM policy that denies ec2:RunInstances unless the condition key ec2:MetadataHttpTokens is \"required\".");
	if (ready)
		steps__add_enforcement(steps, region);
}

/* As an option takes it, in the largest unit in which it is whole: "24h". */
static void option__duration(char *out, size_t size, int64_t duration_ns)
{
	long long seconds = (duration_ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC;

	if (seconds % 3600 == 0)
		snprintf(out, size, "%lldh", seconds / 3600);
	else if (seconds % 60 == 0)
		snprintf(out, size, "%lldm", seconds / 60);
	else
		snprintf(out, size, "%llds", seconds);
}

static void steps__add_watching(
	struct steps *steps, const struct report *report, const struct verdict_options *options)
{
	char duration[32], again[96];

	if (report->totals[CLASS_UNKNOWN])
		steps__add(steps, NULL,
			"Find out what the callers with unknown calls send: it is not known whether those calls carry a token.");
	if (report->lost || report->missed)
		steps__add(steps, NULL,
			"Trace into a new file, because what was lost or missed stays in this one.");
	if (options->min_window <= 0)
		return;
	option__duration(duration, sizeof(duration), options->min_window);
	snprintf(again, sizeof(again), "imdstrace trace --quiet --duration %s --output FILE",
		duration);
	steps__add(steps, again, "Keep watching, best across a reboot and every scheduled job");
}

/* Whether all that is in the way survives the switch, as rehearsed beside a trace of everything
 * that left no call open. */
static bool report__has_survivors_alone(
	const struct report *report, const struct verdict_options *options)
{
	size_t survivors = 0;

	if (report->totals[CLASS_UNKNOWN] || report->lost || report->missed)
		return false;
	for (size_t i = 0; i < report->caller_count; i++) {
		const struct caller *caller = report->callers[i];

		if (!caller__blocks(caller, options->strict) || !caller__survives(caller))
			continue;
		if (!caller__was_rehearsed_everywhere(caller, report))
			return false;
		survivors++;
	}
	return survivors && !report__count_to_change(report, options->strict) &&
	       !report__has_rehearsals_alone(report);
}

void next_steps__write(struct steps *steps, const struct report *report, enum verdict verdict,
	const struct verdict_options *options)
{
	struct culprits culprits;

	if (culprits__find(&culprits, report, options)) {
		culprits__clear(&culprits);
		steps->sentences.error = -ENOMEM;
		return;
	}
	steps__add_callers(steps, &culprits);
	steps__add_hop_limit(steps, report, &culprits);
	if (verdict == VERDICT_BLOCKED && report__has_survivors_alone(report, options))
		steps__add(steps, NULL,
			"Nothing else blocks than callers that survive the switch, as rehearsed: once every scheduled job has been watched, tokens can be required although the verdict stays blocked for as long as they call without one.");
	else if (verdict == VERDICT_BLOCKED)
		steps__add_fresh_start(steps, report);
	if (verdict == VERDICT_INCONCLUSIVE)
		steps__add_watching(steps, report, options);
	steps__add_switch(steps, report, &culprits, verdict == VERDICT_READY);
	culprits__clear(&culprits);
}
