/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/array.h"
#include "process/process_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NO_TEXT   UINT32_MAX /* in place of a size: NULL */
#define ARGS_MOST (1U << 20) /* more in a message is none of ours */

static void number__write(FILE *out, uint32_t number)
{
	fwrite(&number, sizeof(number), 1, out);
}

static void text__write(FILE *out, const char *text)
{
	uint32_t size = text ? strlen(text) : NO_TEXT;

	number__write(out, size);
	if (text)
		fwrite(text, 1, size, out);
}

/* What is left of a message. */
struct message {
	const char *bytes;
	size_t size;
	int error; /* 0, -EBADMSG or -ENOMEM: the first that went wrong */
};

static void message__read(struct message *message, void *to, size_t size)
{
	if (!message->error && size > message->size)
		message->error = -EBADMSG;
	if (message->error) {
		memset(to, 0, size);
		return;
	}
	memcpy(to, message->bytes, size);
	message->bytes += size;
	message->size -= size;
}

static uint32_t number__read(struct message *message)
{
	uint32_t number;

	message__read(message, &number, sizeof(number));
	return number;
}

static char *text__read(struct message *message)
{
	uint32_t size = number__read(message);
	char *text;

	if (message->error || size == NO_TEXT)
		return NULL;
	if (size > message->size) {
		message->error = -EBADMSG;
		return NULL;
	}
	text = strndup(message->bytes, size);
	if (!text)
		message->error = -ENOMEM;
	message->bytes += size;
	message->size -= size;
	return text;
}

/* The texts of a process and of a host, in the order in which a message has them. */
#define PROCESS_TEXTS(process)                                                                    \
	{                                                                                         \
		&(process)->comm, &(process)->exe, &(process)->script, &(process)->workload.unit, \
			&(process)->workload.slice, &(process)->workload.container.runtime,       \
			&(process)->workload.container.id, &(process)->workload.container.name,   \
			&(process)->workload.container.image, &(process)->workload.pod.uid,       \
			&(process)->workload.pod.name, &(process)->workload.pod.namespace,        \
			&(process)->cgroup,                                                       \
	}
#define HOST_TEXTS(host)                                                                   \
	{                                                                                  \
		&(host)->hostname, &(host)->machine_id, &(host)->kernel, &(host)->boot_id, \
			&(host)->instance_id, &(host)->region, &(host)->account_id,        \
	}
_Static_assert(sizeof(struct host) == 7 * sizeof(char *), "a new field has to be in a message");
_Static_assert(sizeof(struct workload) == 9 * sizeof(char *), "a new field has to be in a message");

static void args__write(FILE *out, char *const *args)
{
	uint32_t count = 0;

	while (args && args[count])
		count++;
	number__write(out, count);
	for (uint32_t i = 0; i < count; i++)
		text__write(out, args[i]);
}

static char **args__read(struct message *message)
{
	uint32_t count = number__read(message);
	char **args;

	if (count > ARGS_MOST)
		message->error = -EBADMSG;
	args = message->error ? NULL : calloc(count + 1, sizeof(*args));
	if (!args) {
		message->error = message->error ? message->error : -ENOMEM;
		return NULL;
	}
	for (uint32_t i = 0; i < count && !message->error; i++)
		args[i] = text__read(message);
	return args;
}

void process_message__write(FILE *out, const struct process *process)
{
	char *const *const texts[] = PROCESS_TEXTS(process);

	fwrite(&process->key, sizeof(process->key), 1, out);
	number__write(out, process->uid);
	number__write(out, process->network);
	number__write(out, process->args_cut);
	number__write(out, process->ancestor_count);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		text__write(out, *texts[i]);
	args__write(out, process->args);
	for (unsigned int i = 0; i < process->ancestor_count; i++) {
		number__write(out, process->ancestry[i].pid);
		text__write(out, process->ancestry[i].comm);
		text__write(out, process->ancestry[i].exe);
		text__write(out, process->ancestry[i].script);
	}
}

static void process__receive(struct process *process, struct message *message)
{
	char **const texts[] = PROCESS_TEXTS(process);
	uint32_t network, ancestors;

	message__read(message, &process->key, sizeof(process->key));
	process->uid = number__read(message);
	network = number__read(message);
	process->args_cut = number__read(message);
	ancestors = number__read(message);
	if (network >= NETWORK_COUNT || ancestors > ANCESTORS_MAX) {
		message->error = -EBADMSG;
		return;
	}
	process->network = network;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		*texts[i] = text__read(message);
	process->args = args__read(message);
	for (; process->ancestor_count < ancestors && !message->error; process->ancestor_count++) {
		struct ancestor_process *ancestor = &process->ancestry[process->ancestor_count];

		ancestor->pid = number__read(message);
		ancestor->comm = text__read(message);
		ancestor->exe = text__read(message);
		ancestor->script = text__read(message);
		if (!ancestor->comm)
			message->error = message->error ? message->error : -EBADMSG;
	}
	if (!message->error && (message->size || !process->comm))
		message->error = -EBADMSG;
}

struct process *process_message__read(const char *bytes, size_t size)
{
	struct message message = {.bytes = bytes, .size = size};
	struct process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	process__receive(process, &message);
	if (!message.error)
		return process;
	process__free(process);
	return NULL;
}

void host_message__write(FILE *out, const struct host *host)
{
	char *const *const texts[] = HOST_TEXTS(host);

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		text__write(out, *texts[i]);
}

int host_message__read(struct host *host, const char *bytes, size_t size)
{
	struct message message = {.bytes = bytes, .size = size};
	char **const texts[] = HOST_TEXTS(host);

	*host = (struct host){0};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		*texts[i] = text__read(&message);
	if (!message.error && (message.size || !host->hostname || !host->machine_id ||
				      !host->kernel || !host->boot_id))
		message.error = -EBADMSG;
	if (message.error)
		host__clear(host);
	return message.error;
}
