/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What reached the service, by connection: the bytes of a run beside a rehearsal must be those of a
 * run without one, and a rehearsal's line in front of some heads' empty lines.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../service/service.h"
#include "lib/complain.h"
#include "lib/file.h"
#include "lib/scope.h"
#include "wire.h"

#define LINE      REHEARSAL_LINE
#define LINE_SIZE (sizeof(LINE) - 1)
#define FILE_MAX  (256UL << 20)

/* A case's name stands where a connection's bytes would, under a number that none has. */
#define NO_CONNECTION 0

struct stream {
	uint64_t connection;
	const char *name; /* of its case, or of the next one where its bytes came late */
	char *bytes;
	size_t size;
	bool matched;
};

struct streams {
	struct stream *list;
	size_t count;
	char *text; /* of the file: the names */
};

void bytes__begin_case(int fd, const char *name)
{
	struct service_bytes head = {NO_CONNECTION, strlen(name) + 1};

	if (write(fd, &head, sizeof(head)) < 0 || write(fd, name, head.size) < 0)
		complain("the bytes cannot be written: %s", strerror(errno));
}

static struct stream *streams__of(struct streams *streams, uint64_t connection, const char *name)
{
	struct stream *grown;

	for (size_t i = streams->count; i--;)
		if (streams->list[i].connection == connection)
			return &streams->list[i];
	grown = reallocarray(streams->list, streams->count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	streams->list = grown;
	grown[streams->count] = (struct stream){.connection = connection, .name = name};
	return &grown[streams->count++];
}

static int stream__add(struct stream *stream, const char *bytes, size_t size)
{
	char *grown = stream ? realloc(stream->bytes, stream->size + size) : NULL;

	if (!grown)
		return -ENOMEM;
	memcpy(grown + stream->size, bytes, size);
	stream->bytes = grown;
	stream->size += size;
	return 0;
}

/* 0 or -errno after a complaint. */
static int streams__read(struct streams *streams, const char *path)
{
	const char *name = "";
	size_t size, at = 0;
	int error = file__read(path, FILE_MAX, &streams->text, &size);

	while (!error && size - at >= sizeof(struct service_bytes)) {
		struct service_bytes head;
		const char *bytes = streams->text + at + sizeof(head);

		memcpy(&head, streams->text + at, sizeof(head));
		at += sizeof(head);
		if (head.size > size - at)
			error = -EINVAL;
		else if (head.connection == NO_CONNECTION)
			name = bytes;
		else
			error = stream__add(
				streams__of(streams, head.connection, name), bytes, head.size);
		at += head.size;
	}
	if (error)
		complain("cannot read %s: %s", path, strerror(-error));
	return error;
}

/* Takes the lines out that stand at the end of a head. How many. */
static unsigned int stream__take_lines(struct stream *stream)
{
	unsigned int count = 0;
	size_t out = 0;

	for (size_t at = 0; at < stream->size;) {
		const char *here = stream->bytes + at, *behind = here + LINE_SIZE;
		size_t left = stream->size - at;

		if (left >= LINE_SIZE && !memcmp(here, LINE, LINE_SIZE) && out &&
			stream->bytes[out - 1] == '\n' &&
			(left == LINE_SIZE || *behind == '\r' || *behind == '\n')) {
			at += LINE_SIZE;
			count++;
			continue;
		}
		stream->bytes[out++] = *here;
		at++;
	}
	stream->size = out;
	return count;
}

static bool streams__match(struct streams *before, const struct stream *stream)
{
	for (size_t i = 0; i < before->count; i++) {
		struct stream *other = &before->list[i];

		if (other->matched || other->size != stream->size ||
			(stream->size && memcmp(other->bytes, stream->bytes, stream->size)))
			continue;
		other->matched = true;
		return true;
	}
	return false;
}

static void streams__clear(struct streams *streams)
{
	for (size_t i = 0; i < streams->count; i++)
		free(streams->list[i].bytes);
	free(streams->list);
	free(streams->text);
}

int bytes__compare(const char *before_path, const char *rehearsed_path)
{
	__attribute__((cleanup(streams__clear))) struct streams before = {0}, rehearsed = {0};
	unsigned int lines = 0, failed = 0;

	if (streams__read(&before, before_path) || streams__read(&rehearsed, rehearsed_path))
		return 1;
	for (size_t i = 0; i < rehearsed.count; i++) {
		struct stream *stream = &rehearsed.list[i];

		lines += stream__take_lines(stream);
		stream->matched = streams__match(&before, stream);
		if (stream->matched)
			continue;
		failed++;
		printf("FAILED %s: %zu bytes came that were not sent so\n", stream->name,
			stream->size);
	}
	for (size_t i = 0; i < before.count; i++) {
		if (before.list[i].matched)
			continue;
		failed++;
		printf("FAILED %s: %zu bytes did not come so\n", before.list[i].name,
			before.list[i].size);
	}
	printf("%u lines in %zu connections\n", lines, rehearsed.count);
	printf("%zu passed, %u failed, 0 skipped\n", rehearsed.count, failed);
	return failed > 0;
}
