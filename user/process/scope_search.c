/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process/scope_search.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scope.h"
#include "process/cgroups.h"
#include "process/workload.h"

#define LISTED      8    /* names in a sentence */
#define OTHERS_MAX  4096 /* that are remembered */
#define ID_SHORTEST 4    /* letters of an id that tell a container */
#define ID_SHOWN    12

static const char *path__leaf(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool text__equals(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

/* Takes label. */
static void search__match(
	struct scope_search *search, const char *key, const char *path, char *label, bool exact)
{
	struct scope_match match = {strdup(key), strdup(path), label, exact}, *grown;

	grown = reallocarray(search->matches, search->match_count + 1, sizeof(*grown));
	if (grown)
		search->matches = grown;
	if (grown && match.key && match.path && label) {
		grown[search->match_count++] = match;
		return;
	}
	free(match.key);
	free(match.path);
	free(label);
	search->error = -ENOMEM;
}

/* Takes name; NULL is no memory. */
static void search__remember(struct scope_search *search, char *name)
{
	char **grown;

	for (size_t i = 0; name && i < search->other_count; i++)
		if (!strcmp(search->others[i], name)) {
			free(name);
			return;
		}
	if (name && search->other_count == OTHERS_MAX) {
		free(name);
		return;
	}
	grown = name ? reallocarray(search->others, search->other_count + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(name);
		search->error = -ENOMEM;
		return;
	}
	search->others = grown;
	grown[search->other_count++] = name;
}

/* --- What fits -------------------------------------------------------------------------------- */

/* Each of these has a cgroup's path and what it says: true: what is below belongs to it. */

static bool search__look_at_unit(
	struct scope_search *search, const char *path, const struct workload *in)
{
	const char *leaf = path__leaf(path);
	bool slice = in->slice && !strcmp(leaf, in->slice);
	const char *name = slice ? leaf : in->unit;

	if (!name)
		return false;
	if (strcmp(name, search->what)) {
		/* Who asks for a service is not helped by slices. */
		if (!slice || strstr(search->what, ".slice"))
			search__remember(search, strdup(name));
		return false;
	}
	search__match(search, path, path, strdup(name), true);
	return true;
}

/* "orders", with the beginning of its id where that is not all that it is called. */
static char *container__label(const struct container *container)
{
	char *label;

	if (!container->name)
		return strdup(container->id);
	if (!strcmp(container->name, container->id))
		return strdup(container->name);
	return asprintf(&label, "%s (%.*s)", container->name, ID_SHOWN, container->id) < 0 ? NULL
											   : label;
}

static bool search__look_at_container(
	struct scope_search *search, const char *path, const struct workload *in)
{
	const struct container *container = &in->container;
	size_t size = strlen(search->what);
	bool exact;

	if (!container->id)
		return false;
	exact = text__equals(container->name, search->what) || !strcmp(container->id, search->what);
	if (!exact && (size < ID_SHORTEST || strncmp(container->id, search->what, size))) {
		search__remember(search, container__label(container));
		return false;
	}
	search__match(search, container->id, path, container__label(container), exact);
	return true;
}

static char *pod__label(const struct pod *pod)
{
	char *label;

	if (!pod->name)
		return strdup(pod->uid);
	return asprintf(&label, "%s%s%s", pod->namespace ? pod->namespace : "",
		       pod->namespace ? "/" : "", pod->name) < 0
		       ? NULL
		       : label;
}

static bool pod__is(const struct pod *pod, const char *what)
{
	const char *slash = strchr(what, '/');

	if (!strcmp(pod->uid, what) || (!slash && text__equals(pod->name, what)))
		return true;
	return slash && pod->namespace && text__equals(pod->name, slash + 1) &&
	       strlen(pod->namespace) == (size_t)(slash - what) &&
	       !strncmp(pod->namespace, what, slash - what);
}

/* Whether a component holds uid, perhaps with "_" for "-". */
static bool component__has_uid(const char *component, size_t size, const char *uid)
{
	size_t length = strlen(uid);

	for (size_t at = 0; at + length <= size; at++) {
		size_t same = 0;

		while (same < length &&
			(component[at + same] == '_' ? '-' : component[at + same]) == uid[same])
			same++;
		if (same == length)
			return true;
	}
	return false;
}

/* The pod's own cgroup, where a container's says what the pod is called. */
static void pod__shorten(char *path, const char *uid)
{
	for (char *at = path; *at == '/';) {
		char *end = strchrnul(at + 1, '/');

		if (component__has_uid(at + 1, (size_t)(end - at - 1), uid)) {
			*end = '\0';
			return;
		}
		at = end;
	}
}

static bool search__look_at_pod(
	struct scope_search *search, const char *path, const struct workload *in)
{
	_free_ char *own = NULL;

	if (!in->pod.uid)
		return false;
	if (!pod__is(&in->pod, search->what)) {
		/* Its containers may say more. */
		if (in->pod.name || in->container.id)
			search__remember(search, pod__label(&in->pod));
		return false;
	}
	own = strdup(path);
	if (own)
		pod__shorten(own, in->pod.uid);
	else
		search->error = -ENOMEM;
	if (own)
		search__match(search, in->pod.uid, own, pod__label(&in->pod), true);
	return true;
}

static bool (*const looks[])(struct scope_search *, const char *, const struct workload *) = {
	[SCOPE_UNIT] = search__look_at_unit,
	[SCOPE_CONTAINER] = search__look_at_container,
	[SCOPE_POD] = search__look_at_pod,
};

static enum cgroup_step search__visit(void *context, const char *path)
{
	struct scope_search *search = context;
	struct workload in;
	bool found;

	search->error = workload__find(&in, path, search->root);
	if (search->error)
		return CGROUP_STOP;
	found = looks[search->kind](search, path, &in);
	workload__clear(&in);
	if (search->error)
		return CGROUP_STOP;
	return found ? CGROUP_PRUNE : CGROUP_DESCEND;
}

static void match__clear(struct scope_match *match)
{
	free(match->key);
	free(match->path);
	free(match->label);
}

/* Where one is called so, those of which the id begins so are not meant; and each path counts once.
 */
static void search__settle(struct scope_search *search)
{
	bool exact = false;
	size_t kept = 0;

	for (size_t i = 0; i < search->match_count; i++)
		exact |= search->matches[i].exact;
	for (size_t i = 0; i < search->match_count; i++) {
		bool known = exact && !search->matches[i].exact;

		for (size_t j = 0; j < kept && !known; j++)
			known = !strcmp(search->matches[j].path, search->matches[i].path);
		if (known)
			match__clear(&search->matches[i]);
		else
			search->matches[kept++] = search->matches[i];
	}
	search->match_count = kept;
}

int scope_search__run(struct scope_search *search)
{
	cgroups__visit(search->root, search__visit, search);
	search__settle(search);
	return search->error;
}

/* Whether none before it has its key. */
static bool match__is_first(const struct scope_search *search, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (!strcmp(search->matches[i].key, search->matches[at].key))
			return false;
	return true;
}

size_t scope_search__keys(const struct scope_search *search)
{
	size_t keys = 0;

	for (size_t i = 0; i < search->match_count; i++)
		keys += match__is_first(search, i);
	return keys;
}

/* --- What there is ---------------------------------------------------------------------------- */

static int name__compare(const void *left, const void *right, void *what)
{
	const char *a = *(const char *const *)left, *b = *(const char *const *)right;
	bool a_like = strcasestr(a, what), b_like = strcasestr(b, what);

	if (a_like != b_like)
		return a_like ? -1 : 1;
	return strcmp(a, b);
}

static char *names__join(const char *const *names, size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < count && i < LISTED; i++)
		fprintf(out, "%s%s", i ? ", " : "", names[i]);
	if (count > LISTED)
		fprintf(out, " and %zu more", count - LISTED);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

/* What a name is asked for by, without what was added to it: "etl" of "etl.service". */
static char *search__stem(const struct scope_search *search)
{
	const char *dot = search->kind == SCOPE_UNIT ? strrchr(search->what, '.') : NULL;
	const char *slash = search->kind == SCOPE_POD ? strchr(search->what, '/') : NULL;

	if (slash)
		return strdup(slash + 1);
	return dot ? strndup(search->what, dot - search->what) : strdup(search->what);
}

char *scope_search__list(const struct scope_search *search)
{
	size_t most = search->match_count ? search->match_count : search->other_count, count = 0;
	_free_ const char **names = calloc(most + 1, sizeof(*names));
	_free_ char *stem = search__stem(search);

	if (!names || !stem)
		return NULL;
	for (size_t i = 0; i < search->match_count; i++)
		if (match__is_first(search, i))
			names[count++] = search->kind == SCOPE_UNIT ? search->matches[i].path
								    : search->matches[i].label;
	for (size_t i = 0; i < search->other_count && !search->match_count; i++)
		names[count++] = search->others[i];
	qsort_r(names, count, sizeof(*names), name__compare, stem);
	return names__join(names, count);
}

void scope_search__clear(struct scope_search *search)
{
	for (size_t i = 0; i < search->match_count; i++)
		match__clear(&search->matches[i]);
	for (size_t i = 0; i < search->other_count; i++)
		free(search->others[i]);
	free(search->matches);
	free(search->others);
	search->matches = NULL;
	search->others = NULL;
	search->match_count = search->other_count = 0;
}
