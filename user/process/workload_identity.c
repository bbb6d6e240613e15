/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which workloads are one and the same: replicas of a service, on one host or on a thousand, and
 * the same service started again. So of what names a workload only that counts which its owner
 * chose; what systemd, a runtime or Kubernetes drew or numbered does not.
 */
#include "lib/array.h"
#include "process/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"

#define DIGITS "0123456789"
#define HEX    DIGITS "abcdef"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
/* What Kubernetes draws names from (k8s.io/apimachinery/pkg/util/rand, SafeEncodeString too). */
#define DRAWN "bcdfghjklmnpqrstvwxz2456789"

/* A part of a name. No text: what it would name is not there. */
struct part {
	const char *text;
	size_t size;
};

static struct part part__whole(const char *text)
{
	return (struct part){text, text ? strlen(text) : 0};
}

/* Names that are made for one run: of a login or a cron job (pam_systemd), of systemd-run. */
static const struct {
	const char *prefix, *letters; /* one of letters may stand in front of the number */
	const char *number;
} passing_units[] = {
	{"session-", "c", DIGITS},
	{"run-", "upr", HEX "-i"},
};

static struct part part__of_unit(const char *unit)
{
	for (size_t i = 0; unit && i < ARRAY_SIZE(passing_units); i++) {
		size_t size = strlen(passing_units[i].prefix);
		const char *number = unit + size;
		size_t length;

		if (strncmp(unit, passing_units[i].prefix, size))
			continue;
		number += *number && strchr(passing_units[i].letters, *number);
		length = strspn(number, passing_units[i].number);
		if (length && strpbrk(number, DIGITS) && number[length] == '.')
			return (struct part){unit, size};
	}
	return part__whole(unit);
}

/* Without "-" and so many of letters at its end, if something is left then. */
static bool part__drop(struct part *part, const char *letters, size_t least, size_t most)
{
	size_t count = 0;

	while (count < part->size && strchr(letters, part->text[part->size - count - 1]))
		count++;
	if (count < least || count > most || part->size < count + 2 ||
		part->text[part->size - count - 1] != '-')
		return false;
	part->size -= count + 1;
	return true;
}

/* NAME-5d8c7f9b6c-x7x2k of a Deployment, NAME-x7x2k of a DaemonSet or Job, NAME-28374650-x7x2k of
 * a CronJob, NAME-0 of a StatefulSet. */
static struct part part__of_pod(const char *name)
{
	struct part part = part__whole(name);

	if (part__drop(&part, DRAWN, 5, 5)) {
		if (!part__drop(&part, DRAWN, 8, 10))
			part__drop(&part, DIGITS, 6, 10);
	} else {
		part__drop(&part, DIGITS, 1, 4);
	}
	return part;
}

char *pod__replicas(const struct pod *pod)
{
	struct part part = part__of_pod(pod->name);
	char *text = part.text ? malloc(part.size + sizeof("-*")) : NULL;

	if (text)
		sprintf(text, "%.*s%s", (int)part.size, part.text,
			part.text[part.size] ? "-*" : "");
	return text;
}

/* What Docker and Podman draw a container's first name from (moby, pkg/namesgenerator); the second
 * is a scientist's, and a digit where that was taken. */
static const char drawn_adjectives[] =
	" admiring adoring affectionate agitated amazing angry awesome beautiful blissful bold "
	"boring brave busy charming clever compassionate competent condescending confident cool "
	"cranky crazy dazzling determined distracted dreamy eager ecstatic elastic elated "
	"elegant eloquent epic exciting fervent festive flamboyant focused friendly frosty "
	"funny gallant gifted goofy gracious great happy hardcore heuristic hopeful hungry "
	"infallible inspiring intelligent interesting jolly jovial keen kind laughing loving "
	"lucid magical modest musing mystifying naughty nervous nice nifty nostalgic objective "
	"optimistic peaceful pedantic pensive practical priceless quirky quizzical recursing "
	"relaxed reverent romantic sad serene sharp silly sleepy stoic strange stupefied "
	"suspicious sweet tender thirsty trusting unruffled upbeat vibrant vigilant vigorous "
	"wizardly wonderful xenodochial youthful zealous zen ";

static bool name__is_drawn(const char *name)
{
	size_t adjective = strspn(name, LOWER), surname;
	char word[24];

	if (!adjective || adjective + sizeof("  ") > sizeof(word) || name[adjective] != '_')
		return false;
	snprintf(word, sizeof(word), " %.*s ", (int)adjective, name);
	surname = strspn(name + adjective + 1, LOWER);
	name += adjective + 1 + surname;
	return surname && !name[strspn(name, DIGITS)] && strstr(drawn_adjectives, word);
}

/* Of ECS a container's name is one only together with its task's family. */
static bool container__is_named(const struct container *container)
{
	return container->name && *container->name && container->runtime &&
	       !name__is_drawn(container->name) &&
	       (strcmp(container->runtime, "ecs") || strchr(container->name, '/'));
}

/* Nobody chose its name. ECS' names are chosen, and say too little. */
static bool container__is_passing(const struct container *container)
{
	const char *name = container->name;

	return container->id && (!name || !*name || name__is_drawn(name));
}

bool workload__is_passing(const struct workload *workload)
{
	bool pod_named = workload->pod.uid && workload->pod.name && *workload->pod.name;

	return container__is_passing(&workload->container) && !pod_named;
}

/* An id stands for one build of an image, and is another one after the next. */
static bool image__is_id(const char *image)
{
	size_t digits = strspn(image, HEX);

	return !strncmp(image, "sha256:", strlen("sha256:")) || (digits >= 12 && !image[digits]);
}

/* "registry:5000/team/app:1.2@sha256:..." is "registry:5000/team/app": another version of it does
 * the same job. */
static struct part part__of_image(const char *image)
{
	struct part part = {image, strcspn(image, "@")};
	const char *name = memrchr(image, '/', part.size);
	const char *tag =
		memchr(name ? name : image, ':', part.size - (name ? (size_t)(name - image) : 0));

	if (tag)
		part.size = (size_t)(tag - image);
	return part;
}

/* Of whom nobody chose a name that tells it apart. */
static struct part part__of_nameless(const struct container *container)
{
	const char *image = container->image;

	if (container__is_named(container) || !container->id || !image || !*image ||
		image__is_id(image))
		return part__whole(NULL);
	return part__of_image(image);
}

const char *workload__image(const struct workload *workload, size_t *size)
{
	const struct pod *pod = &workload->pod;
	struct part part = part__of_nameless(&workload->container);

	if (pod->uid && pod->name && *pod->name)
		return NULL;
	*size = part.size;
	return part.text;
}

#define PARTS 6

static void workload__parts(const struct workload *workload, struct part parts[PARTS])
{
	const struct container *container = &workload->container;
	const struct pod *pod = &workload->pod;
	bool named = container__is_named(container);
	bool pod_named = pod->uid && pod->name && *pod->name;

	parts[0] = part__of_unit(workload->unit);
	parts[1] = part__whole(named ? container->runtime : NULL);
	parts[2] = part__of_nameless(container);
	if (!parts[2].text || pod_named)
		parts[2] = part__whole(named                              ? container->name
				       : container__is_passing(container) ? ""
									  : container->id);
	parts[3] = part__whole(pod_named ? pod->namespace : NULL);
	parts[4] = pod_named ? part__of_pod(pod->name) : part__whole(NULL);
	parts[5] = part__whole(
		pod_named || !pod->uid || workload__is_passing(workload) ? NULL : pod->uid);
}

static bool part__same(const struct part *a, const struct part *b)
{
	if (!a->text || !b->text)
		return a->text == b->text;
	return a->size == b->size && !memcmp(a->text, b->text, a->size);
}

bool workload__same(const struct workload *a, const struct workload *b)
{
	struct part left[PARTS], right[PARTS];

	workload__parts(a, left);
	workload__parts(b, right);
	for (size_t i = 0; i < PARTS; i++)
		if (!part__same(&left[i], &right[i]))
			return false;
	return true;
}

uint64_t workload__hash(uint64_t seed, const struct workload *workload)
{
	struct part parts[PARTS];

	workload__parts(workload, parts);
	for (size_t i = 0; i < PARTS; i++)
		seed = parts[i].text ? hash__bytes(seed, parts[i].text, parts[i].size)
				     : hash__text(seed, NULL);
	return seed;
}
