/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What this machine is called: read from files, never by a call to the metadata service. */
#ifndef IMDSTRACE_HOST_H
#define IMDSTRACE_HOST_H

struct host {
	char *hostname, *machine_id, *kernel, *boot_id;
	char *instance_id; /* NULL: not known (DMI board_asset_tag on Nitro, cloud-init's
			      instance-data.json) */
	char *region;      /* NULL: not known */
	char *account_id;  /* twelve digits; NULL: not known */
};

/* The directory in front of the machine's own files: "", or in a container that sees the host's
 * pids (and may look into pid 1) "/proc/1/root". Found out once. */
const char *host__root(void);

/* root: the directory in front of every file that is read: host__root() in production. Where
 * machine-id is missing, the machine's id is derived from the DMI product UUID, else the boot id. 0
 * or -errno. */
int host__read(struct host *host, const char *root);
void host__clear(struct host *host);

#endif
