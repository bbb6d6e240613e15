/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Callers: found by their identity, bounded in number, and each bounded in what it holds. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "lib/scope.h"
#include "report/fold.h"
#include "report/report_index.h"
#include "report/software.h"

/* JSON around the texts of one entry: its names, braces, counts and times. */
#define CALLER_WEIGHT 4800
/* The advice repeats the name, the client, the workload, the parent and a path. */
#define NAME_REPEATS 4

/* Where no executable is known, the process's name must tell callers apart. */
static const char *caller__exe_or_comm(const struct caller *caller)
{
	return caller->exe ? caller->exe : caller->comm;
}

static void identity__put(FILE *out, const char *text)
{
	_free_ char *folded = fold__text(text);

	fprintf(out, "%s%c", text && folded ? folded : "", text ? '\n' : '\t');
}

/* Whether it is only by its arguments that jobs of containers are told apart: nobody named them,
 * and their image is not known. */
static bool caller__goes_by_args(const struct caller *caller)
{
	size_t size;

	return workload__is_passing(&caller->workload) &&
	       !workload__image(&caller->workload, &size);
}

/* The texts by which callers are told apart. NULL: no memory. */
static char *caller__identity(const struct caller *caller, bool with_args)
{
	char *identity = NULL;
	size_t size;
	FILE *out = open_memstream(&identity, &size);

	if (!out)
		return NULL;
	identity__put(out, caller__exe_or_comm(caller));
	identity__put(out, caller->script);
	identity__put(out, caller->parent);
	for (size_t i = 0; with_args && caller->args && caller->args[i] && i < CALLER_ARGS_MAX; i++)
		identity__put(out, caller->args[i]);
	if (fclose(out)) {
		free(identity);
		return NULL;
	}
	return identity;
}

static uint64_t caller__own_hash(const struct caller *caller)
{
	return (uint64_t)caller->uid << 3 | caller->network << 1 | !caller->exe;
}

uint64_t caller__identity_hash(const struct caller *caller)
{
	return workload__hash(
		hash__text(caller__own_hash(caller), caller->identity), &caller->workload);
}

bool caller__is_same(const void *entry, const void *key)
{
	const struct caller *a = entry, *b = key;

	return a->uid == b->uid && a->network == b->network && !a->exe == !b->exe &&
	       text__same(a->identity, b->identity) && workload__same(&a->workload, &b->workload);
}

static void texts__free(char **texts)
{
	for (size_t i = 0; texts && texts[i]; i++)
		free(texts[i]);
	free(texts);
}

void caller__free(struct caller *caller)
{
	if (!caller)
		return;
	for (size_t i = 0; i < caller->path_count; i++) {
		free(caller->paths[i].method);
		free(caller->paths[i].path);
	}
	for (unsigned int i = 0; i < caller->agent_count; i++)
		free(caller->agents[i]);
	for (unsigned int i = 0; i < caller->host_count; i++)
		free(caller->hosts[i]);
	for (unsigned int i = 0; i < caller->forwards_count; i++)
		free(caller->forwards[i]);
	free(caller->through);
	texts__free(caller->args);
	free(caller->paths);
	free(caller->identity);
	free(caller->name);
	free(caller->comm);
	free(caller->exe);
	free(caller->script);
	free(caller->parent);
	free(caller->workload.unit);
	free(caller->workload.slice);
	free(caller->workload.container.runtime);
	free(caller->workload.container.id);
	free(caller->workload.container.name);
	free(caller->workload.container.image);
	free(caller->workload.pod.uid);
	free(caller->workload.pod.name);
	free(caller->workload.pod.namespace);
	free(caller);
}

static size_t args__count(char *const *args)
{
	size_t count = 0;

	while (args && args[count])
		count++;
	return count;
}

static int caller__copy_args(struct caller *caller, const struct caller *like)
{
	size_t count = args__count(like->args);

	caller->args_cut = like->args_cut || count > CALLER_ARGS_MAX;
	if (count > CALLER_ARGS_MAX)
		count = CALLER_ARGS_MAX;
	caller->args = calloc(count + 1, sizeof(*caller->args));
	if (!caller->args)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (text__copy(&caller->args[i], like->args[i]))
			return -ENOMEM;
	return 0;
}

static int workload__copy(struct workload *copy, const struct workload *workload)
{
	const struct {
		char **to;
		const char *from;
	} texts[] = {
		{&copy->unit, workload->unit},
		{&copy->slice, workload->slice},
		{&copy->container.runtime, workload->container.runtime},
		{&copy->container.id, workload->container.id},
		{&copy->container.name, workload->container.name},
		{&copy->container.image, workload->container.image},
		{&copy->pod.uid, workload->pod.uid},
		{&copy->pod.name, workload->pod.name},
		{&copy->pod.namespace, workload->pod.namespace},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (text__copy(texts[i].to, texts[i].from))
			return -ENOMEM;
	return 0;
}

const struct software *caller__program(const struct caller *caller)
{
	return software__find(&(struct software_signs){
		.exe = caller->exe,
		.comm = caller->comm,
		.script = caller->script,
		.parent = caller->parent,
		.container = caller->workload.container.name,
		.agents = caller->agents,
		.agent_count = caller->agent_count,
	});
}

/* Told by its executable or container, so it is known before its first call. */
static bool caller__is_proxy(const struct caller *caller)
{
	const struct software *program = caller__program(caller);

	return program && program->kind == SOFTWARE_PROXY;
}

static struct caller *caller__new(const struct caller *like)
{
	struct caller *caller = calloc(1, sizeof(*caller));

	if (!caller)
		return NULL;
	caller->uid = like->uid;
	caller->network = like->network;
	caller->hosts_exact = true;
	if (!text__copy(&caller->identity, like->identity) &&
		!text__copy(&caller->name, like->name) && !text__copy(&caller->comm, like->comm) &&
		!text__copy(&caller->exe, like->exe) &&
		!text__copy(&caller->script, like->script) &&
		!text__copy(&caller->parent, like->parent) &&
		!workload__copy(&caller->workload, &like->workload) &&
		!caller__copy_args(caller, like)) {
		caller->proxy = caller__is_proxy(caller);
		return caller;
	}
	caller__free(caller);
	return NULL;
}

static size_t caller__weight(const struct caller *like)
{
	const struct workload *in = &like->workload;
	size_t weight = CALLER_WEIGHT + NAME_REPEATS * text__weight(like->name) +
			text__weight(like->comm) + text__weight(like->exe) +
			text__weight(like->script) + 2 * text__weight(like->parent) +
			2 * text__weight(in->unit) + text__weight(in->slice) +
			text__weight(in->container.runtime) + text__weight(in->container.id) +
			2 * text__weight(in->container.name) +
			2 * text__weight(in->container.image) + text__weight(in->pod.uid) +
			2 * text__weight(in->pod.name) + 2 * text__weight(in->pod.namespace);

	for (size_t i = 0; like->args && like->args[i] && i < CALLER_ARGS_MAX; i++)
		weight += text__weight(like->args[i]) + 1;
	return weight;
}

/* Full at each power of two, so it grows there. */
static int report__append_caller(struct report *report, struct caller *caller)
{
	size_t count = report->caller_count;

	if (!(count & (count - 1))) {
		struct caller **grown = reallocarray(
			report->callers, count ? count * 2 : 1, sizeof(*report->callers));

		if (!grown)
			return -ENOMEM;
		report->callers = grown;
	}
	report->callers[report->caller_count++] = caller;
	return 0;
}

static struct caller *report__rest(struct report *report)
{
	const struct caller like = {.name = REPORT_REST, .comm = REPORT_REST};
	struct caller *rest = report->index->rest;

	if (rest)
		return rest;
	rest = caller__new(&like);
	if (!rest)
		return NULL;
	rest->rest = true;
	if (report__append_caller(report, rest)) {
		caller__free(rest);
		return NULL;
	}
	return report->index->rest = rest;
}

static struct caller *report__caller_of_identity(struct report *report, const struct caller *like)
{
	struct table *callers = &report->index->callers;
	uint64_t hash = caller__identity_hash(like);
	struct caller *caller = table__find(callers, hash, caller__is_same, like);

	if (caller)
		return caller;
	if (like->rest || callers->count >= REPORT_CALLERS_MAX ||
		!report__take_detail(report, caller__weight(like)))
		return report__rest(report);
	caller = caller__new(like);
	if (!caller)
		return NULL;
	/* Appended first: from then on the report frees it. */
	if (report__append_caller(report, caller)) {
		caller__free(caller);
		return NULL;
	}
	return table__insert(callers, hash, caller) ? NULL : caller;
}

/* Two runs under names that differ have the folded one; a single one keeps its own. 0 or -ENOMEM.
 */
static int caller__share_name(struct caller *caller, const char *name)
{
	char *folded;

	if (caller->rest || !strcmp(caller->name, name))
		return 0;
	folded = fold__text(name);
	if (!folded)
		return -ENOMEM;
	free(caller->name);
	caller->name = folded;
	return 0;
}

static bool caller__same_program(const void *entry, const void *key)
{
	const struct caller *a = entry, *b = key;

	return caller__own_hash(a) == caller__own_hash(b) &&
	       text__same(a->workload.container.runtime, b->workload.container.runtime);
}

/* In one container that nobody named, one program is one caller whatever its arguments are: the
 * first call of a script and its next. *hash is 0 where that does not apply. */
static int report__caller_in_container(const struct report *report, const struct caller *like,
	uint64_t *hash, struct caller **caller)
{
	_free_ char *program = NULL;

	*hash = 0;
	*caller = NULL;
	if (like->rest || !like->workload.container.id || !workload__is_passing(&like->workload))
		return 0;
	program = caller__identity(like, false);
	if (!program)
		return -ENOMEM;
	*hash = hash__text(
		hash__text(caller__own_hash(like), program), like->workload.container.id);
	*caller = table__find(&report->index->containers, *hash, caller__same_program, like);
	return 0;
}

struct caller *report__caller_like(struct report *report, const struct caller *like)
{
	struct table *containers = &report->index->containers;
	struct caller keyed = *like;
	struct caller *caller;
	uint64_t hash;

	if (report__caller_in_container(report, like, &hash, &caller))
		return NULL;
	if (!caller) {
		keyed.identity = caller__identity(like, caller__goes_by_args(like));
		caller = keyed.identity ? report__caller_of_identity(report, &keyed) : NULL;
		free(keyed.identity);
		if (caller && hash && !caller->rest && containers->count < REPORT_CONTAINERS_MAX &&
			table__insert(containers, hash, caller))
			return NULL;
	}
	return caller && caller__share_name(caller, like->name) ? NULL : caller;
}

const struct caller *report__find_caller(const struct report *report, const struct caller *like)
{
	struct caller keyed = *like, *caller = NULL;
	uint64_t hash;

	if (!like->rest && report__caller_in_container(report, like, &hash, &caller))
		return NULL;
	if (!like->rest && !caller) {
		keyed.identity = caller__identity(like, caller__goes_by_args(like));
		if (keyed.identity)
			caller = table__find(&report->index->callers, caller__identity_hash(&keyed),
				caller__is_same, &keyed);
		free(keyed.identity);
	}
	return caller ? caller : report->index->rest;
}

void caller__add_container(struct caller *caller, const char *id)
{
	uint64_t hash = id ? hash__text(1, id) : 0;

	for (size_t i = 0; id && i < REPORT_CONTAINERS_SEEN; i++)
		if (caller->seen_containers[i] == hash)
			return;
	if (id)
		caller->seen_containers[caller->containers++ % REPORT_CONTAINERS_SEEN] = hash;
}

void caller__add_pid(struct caller *caller, uint32_t pid)
{
	for (unsigned int i = 0; i < caller->pid_count; i++)
		if (caller->pids[i] == pid)
			return;
	if (caller->pid_count < REPORT_PIDS_MAX)
		caller->pids[caller->pid_count++] = pid;
}

bool caller__has_host(const struct caller *caller, const char *machine_id)
{
	for (unsigned int i = 0; i < caller->host_count; i++)
		if (!strcmp(caller->hosts[i], machine_id))
			return true;
	return false;
}

int caller__sample_host(struct caller *caller, const char *machine_id)
{
	if (caller->host_count >= REPORT_HOSTS_PER_CALLER_MAX)
		return 0;
	if (text__copy(&caller->hosts[caller->host_count], machine_id))
		return -ENOMEM;
	caller->host_count++;
	return 0;
}

int caller__add_host(struct caller *caller, const char *machine_id)
{
	if (!machine_id || caller__has_host(caller, machine_id))
		return 0;
	/* One of those that are counted, but not among the samples? Nobody can tell any more. */
	if (caller->hosts_total > caller->host_count) {
		caller->hosts_exact = false;
		return 0;
	}
	count__add(&caller->hosts_total, 1);
	return caller__sample_host(caller, machine_id);
}

struct caller *report__caller(struct report *report, const struct process *process,
	bool new_process, const char *machine_id)
{
	struct caller like = {
		.name = process__name(process),
		.comm = process->comm,
		.exe = process->exe,
		.script = process->script,
		.parent = process__parent_name(process),
		.uid = process->uid,
		.network = process->network,
		.workload = process->workload,
		.args = process->args,
		.args_cut = process->args_cut,
	};
	struct caller *caller = like.name ? report__caller_like(report, &like) : NULL;

	free(like.name);
	free(like.parent);
	if (!caller || caller__add_host(caller, machine_id))
		return NULL;
	caller__add_container(caller, process->workload.container.id);
	if (new_process) {
		count__add(&caller->processes, 1);
		caller__add_pid(caller, process->key.pid);
	}
	return caller;
}

int caller__add_agent(struct report *report, struct caller *caller, const char *agent)
{
	if (!agent)
		return 0;
	for (unsigned int i = 0; i < caller->agent_count; i++)
		if (!strcmp(caller->agents[i], agent))
			return 0;
	if (caller->agent_count >= REPORT_AGENTS_MAX ||
		!report__take_detail(report, text__weight(agent) + 1))
		return 0;
	if (text__copy(&caller->agents[caller->agent_count], agent))
		return -ENOMEM;
	caller->agent_count++;
	return 0;
}

/* How much a client matters: one that is too old is to be upgraded, whatever else was seen. */
static int client__rank(const struct client *client)
{
	return client->too_old ? 4 : client->sdk ? 3 : client->known ? 2 : !!client->name[0];
}

void caller__client(const struct caller *caller, struct client *client)
{
	client__recognise(client, NULL);
	for (unsigned int i = 0; i < caller->agent_count; i++) {
		struct client other;

		client__recognise(&other, caller->agents[i]);
		if (client__rank(&other) > client__rank(client))
			*client = other;
	}
}
