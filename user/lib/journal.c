/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/journal.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/scope.h"

#define SOCKET "/run/systemd/journal/socket"

bool journal__has_stderr(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &status) && status.st_dev == device && status.st_ino == inode;
}

/* A value of several lines has its size in front (systemd's "Native Journal Protocol"). */
static void field__write(FILE *out, const struct journal_field *field)
{
	uint64_t size = htole64(strlen(field->value));

	if (!strchr(field->value, '\n')) {
		fprintf(out, "%s=%s\n", field->name, field->value);
		return;
	}
	fprintf(out, "%s\n", field->name);
	fwrite(&size, sizeof(size), 1, out);
	fprintf(out, "%s\n", field->value);
}

static int journal = -1;

int journal__open(void)
{
	if (journal < 0)
		journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return journal < 0 ? -errno : 0;
}

int journal__send(const struct journal_field *fields, size_t count)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};
	_free_ char *entry = NULL;
	size_t size = 0;
	int error = journal__open();
	FILE *out;

	if (error)
		return error;
	out = open_memstream(&entry, &size);
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (fields[i].value)
			field__write(out, &fields[i]);
	if (fclose(out))
		return -ENOMEM;
	if (sendto(journal, entry, size, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&address,
		    sizeof(address)) < 0)
		return -errno;
	return 0;
}
