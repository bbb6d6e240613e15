/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A shell script that requires tokens on the hosts that are ready. Nothing of a report goes into it
 * but instance ids and Regions that are ones by their form; what is left out stands in a comment.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/scope.h"
#include "lib/text.h"
#include "render/render.h"

#define NAME_COLUMNS 60

/* POSIX sh, for dash and busybox as well. */
static const char usage[] =
	"#!/bin/sh\n"
	"# Requires IMDSv2 (HttpTokens=required) on the hosts that imdstrace found ready.\n"
	"#\n"
	"#   sh SCRIPT           changes nothing: asks EC2 by --dry-run whether each change would\n"
	"#                       be allowed, and prints it\n"
	"#   sh SCRIPT --apply   makes the changes, and notes in STATE what was there before\n"
	"#   sh SCRIPT --undo    takes them back, as STATE has it\n"
	"#\n"
	"# STATE is the file $IMDSTRACE_STATE (./imdstrace-undo.tsv). It needs the aws command, with\n"
	"# ec2:ModifyInstanceMetadataOptions and ec2:DescribeInstances.\n";

static const char body[] =
	"set -u\n"
	"mode=${1-}\n"
	"state=${IMDSTRACE_STATE:-imdstrace-undo.tsv}\n"
	"tab=$(printf '\\t')\n"
	"region='' count=0 failed=0 failures=''\n"
	"\n"
	"case $#$mode in\n"
	"0 | 1--apply | 1--undo) ;;\n"
	"*)\n"
	"\techo \"Usage: sh $0 [--apply | --undo]\" >&2\n"
	"\texit 2\n"
	"\t;;\n"
	"esac\n"
	"if ! command -v aws >/dev/null 2>&1; then\n"
	"\techo 'There is no aws command here.' >&2\n"
	"\texit 2\n"
	"fi\n"
	"\n"
	"fail() {\n"
	"\techo \"$1: FAILED: $2\" >&2\n"
	"\tfailed=$((failed + 1))\n"
	"\tfailures=\"$failures $1\"\n"
	"}\n"
	"\n"
	"# ec2 COMMAND ARGUMENT...: in the Region, with its output in $said.\n"
	"ec2() {\n"
	"\tsaid=$(aws ec2 \"$@\" ${region:+--region \"$region\"} </dev/null 2>&1)\n"
	"}\n"
	"\n"
	"# noted ID: \"TOKENS HOP-LIMIT\", as it was before the first --apply.\n"
	"noted() {\n"
	"\t[ -f \"$state\" ] || return 0\n"
	"\twhile IFS=$tab read -r id tokens hops; do\n"
	"\t\tif [ \"$id\" = \"$1\" ]; then\n"
	"\t\t\techo \"$tokens $hops\"\n"
	"\t\t\treturn\n"
	"\t\tfi\n"
	"\tdone <\"$state\"\n"
	"}\n"
	"\n"
	"# note ID: before anything is changed.\n"
	"note() {\n"
	"\t[ -z \"$(noted \"$1\")\" ] || return 0\n"
	"\ttokens=optional hops=-\n"
	"\tif ec2 describe-instances --instance-ids \"$1\" --output text --query \\\n"
	"\t\t'Reservations[0].Instances[0].MetadataOptions.[HttpTokens,HttpPutResponseHopLimit]'; "
	"then\n"
	"\t\tcase $said in\n"
	"\t\t\"optional$tab\"[0-9]* | \"required$tab\"[0-9]*) tokens=${said%%\"$tab\"*} "
	"hops=${said#*\"$tab\"} ;;\n"
	"\t\tesac\n"
	"\tfi\n"
	"\tcase $hops in\n"
	"\t*[!0-9]*) hops=- ;;\n"
	"\tesac\n"
	"\t[ \"$hops\" != - ] || echo \"$1: EC2 does not say what it was before: --undo makes "
	"tokens optional\" >&2\n"
	"\tprintf '%s\\t%s\\t%s\\n' \"$1\" \"$tokens\" \"$hops\" >>\"$state\"\n"
	"}\n"
	"\n"
	"# modify ID OPTION...\n"
	"modify() {\n"
	"\techo \"aws ec2 modify-instance-metadata-options --instance-id $*${region:+ --region "
	"$region}\"\n"
	"\tec2 modify-instance-metadata-options --instance-id \"$@\"\n"
	"}\n"
	"\n"
	"# undo ID [HOP-LIMIT]: the hop limit goes back only where it was changed.\n"
	"undo() {\n"
	"\tid=$1 hops=${2-} was=$(noted \"$1\")\n"
	"\ttokens=${was%% *} before=${was#* }\n"
	"\t[ -n \"$was\" ] || tokens=optional before=-\n"
	"\tset -- \"$id\" --http-tokens \"$tokens\"\n"
	"\t[ -z \"$hops\" ] || [ \"$before\" = - ] || set -- \"$@\" --http-put-response-hop-limit "
	"\"$before\"\n"
	"\tmodify \"$@\" || fail \"$id\" \"$said\"\n"
	"}\n"
	"\n"
	"# host ID [HOP-LIMIT]\n"
	"host() {\n"
	"\tid=$1\n"
	"\tcount=$((count + 1))\n"
	"\tif [ \"$mode\" = --undo ]; then\n"
	"\t\tundo \"$@\"\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tset -- \"$1\" --http-tokens required --http-endpoint enabled "
	"${2:+--http-put-response-hop-limit \"$2\"}\n"
	"\tif [ \"$mode\" != --apply ]; then\n"
	"\t\tmodify \"$@\" --dry-run && return\n"
	"\t\tcase $said in\n"
	"\t\t*DryRunOperation*) ;;\n"
	"\t\t*) fail \"$id\" \"$said\" ;;\n"
	"\t\tesac\n"
	"\telif ! note \"$id\"; then\n"
	"\t\tfail \"$id\" \"$state cannot be written\"\n"
	"\telif ! modify \"$@\"; then\n"
	"\t\tfail \"$id\" \"$said\"\n"
	"\tfi\n"
	"}\n";

static const char end[] =
	"\n"
	"case $mode in\n"
	"--apply) done='now require tokens' ;;\n"
	"--undo) done='are as they were' ;;\n"
	"*) done='would require tokens; nothing was changed (--apply does it)' ;;\n"
	"esac\n"
	"echo \"$((count - failed)) of $count hosts $done\"\n"
	"[ \"$failed\" = 0 ] && exit 0\n"
	"echo \"$failed failed:$failures\" >&2\n"
	"exit 1\n";

/* A name in a comment, which ends with its line: printable ASCII alone. */
static int put__comment_name(FILE *out, const char *name)
{
	_free_ char *shown = text__printable(name ? name : "a host without a name");

	if (!shown)
		return -ENOMEM;
	text__ellipsize(shown, NAME_COLUMNS);
	for (const char *at = shown; *at; at++)
		putc(isascii(*at) && isprint(*at) ? *at : '?', out);
	return 0;
}

static const char *host__problem(const struct host_summary *host)
{
	if (!host->instance_id)
		return "its instance id is not known";
	if (!instance_id__is_valid(host->instance_id))
		return "what it gives as its instance id is none";
	if (host->region && !region__is_valid(host->region))
		return "what it gives as its Region is none";
	return NULL;
}

static int put__left_out(FILE *out, const struct host_summaries *hosts)
{
	for (size_t i = 0; i < hosts->count; i++) {
		const struct host_summary *host = &hosts->list[i];
		const char *problem = host__problem(host);

		if (host->verdict != VERDICT_READY || !problem)
			continue;
		fprintf(out, "# left out, because %s: ", problem);
		if (put__comment_name(out, host->hostname ? host->hostname : host->machine_id))
			return -ENOMEM;
		putc('\n', out);
	}
	if (hosts->unlisted)
		fprintf(out,
			"# left out: %zu host%s of merged reports; give the reports of the hosts themselves\n",
			hosts->unlisted, hosts->unlisted == 1 ? "" : "s");
	return 0;
}

static bool any__is_switched(const struct host_summaries *hosts)
{
	for (size_t i = 0; i < hosts->count; i++)
		if (hosts->list[i].verdict == VERDICT_READY && !host__problem(&hosts->list[i]))
			return true;
	return false;
}

static void put__hosts(FILE *out, const struct host_summaries *hosts)
{
	const char *region = NULL, *last = NULL;

	for (size_t i = 0; i < hosts->count; i++) {
		const struct host_summary *host = &hosts->list[i];
		const char *here = host->region ? host->region : "";

		if (host->verdict != VERDICT_READY || host__problem(host))
			continue;
		if (last && !strcmp(last, host->instance_id))
			continue;
		if (!region || strcmp(region, here))
			fprintf(out, "\n%sregion='%s'\n",
				*here ? ""
				      : "# No Region is known of these: the aws command's own is taken.\n",
				here);
		region = here;
		last = host->instance_id;
		fprintf(out, "host %s%s\n", host->instance_id,
			host->facts.needs_hop_limit ? " 2" : "");
	}
}

int script__render(FILE *out, const struct report *report, const struct render_options *options)
{
	static const struct host_summaries none;
	const struct host_summaries *hosts = options->hosts ? options->hosts : &none;

	(void)report;
	fputs(usage, out);
	fprintf(out, "#\n# %zu of %zu hosts are ready.\n",
		host_summaries__count(hosts, VERDICT_READY), hosts->count + hosts->unlisted);
	if (put__left_out(out, hosts))
		return -ENOMEM;
	if (any__is_switched(hosts)) {
		fputs(body, out);
		put__hosts(out, hosts);
		fputs(end, out);
	} else {
		fputs("echo 'There is no host to switch.'\n", out);
	}
	return ferror(out) ? -EIO : 0;
}
