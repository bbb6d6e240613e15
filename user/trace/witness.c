/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/witness.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "imdstrace.skel.h"
#include "lib/array.h"
#include "lib/scope.h"
#include "process/procfs.h"

/* include/uapi/linux/bpf.h and netfilter.h, since 6.4: newer than the headers that this is built
 * with */
#define LINK_CREATE       28
#define NETFILTER_PROGRAM 32
#define ATTACH_NETFILTER  45
#define HOOK_FORWARD      2
#define BEHIND_FILTERS    100
#define PLACES_MAX        32

/* include/uapi/linux/nsfs.h: the first network namespace's, since 6.18; before, no namespace's */
#define NET_INIT_INO 0xeffffff9U

/* union bpf_attr's link_create for netfilter. */
struct netfilter_link {
	uint32_t program, target, attach_type, flags;
	uint32_t family, hook;
	int32_t priority;
	uint32_t netfilter_flags;
	uint64_t reserved[4];
};

static const char *const forward_sections[] = {"fentry/ip_forward", "fentry/ip6_forward",
	"kprobe/ip_forward", "kprobe/ip6_forward", "netfilter"};

static bool is_forward(const char *section)
{
	for (size_t i = 0; i < ARRAY_SIZE(forward_sections); i++)
		if (!strcmp(section, forward_sections[i]))
			return true;
	return false;
}

bool witness__leave_out(struct witness *witness, struct witness_programs *programs,
	const struct tracer_failure *refused)
{
	if (programs->connects && !strcmp(refused->section, "sockops")) {
		programs->connects = false;
	} else if (programs->forwards && is_forward(refused->section)) {
		programs->forwards = false;
		witness->failures[WITNESS_FORWARDED] = *refused;
	} else if (programs->sent && !strcmp(refused->section, "cgroup_skb/egress")) {
		/* without the segments that leave here, each forwarded one seems to have no socket
		 */
		programs->sent = programs->forwards = false;
		witness__give_up(witness, refused);
	} else {
		return false;
	}
	return true;
}

void witness__set_type(struct bpf_program *program)
{
	bpf_program__set_type(program, (enum bpf_prog_type)NETFILTER_PROGRAM);
	bpf_program__set_expected_attach_type(program, (enum bpf_attach_type)ATTACH_NETFILTER);
}

void witness__give_up(struct witness *witness, const struct tracer_failure *why)
{
	for (int kind = 0; kind < WITNESS_KINDS; kind++)
		witness->failures[kind] = *why;
}

static void witness__fail(
	struct witness *witness, enum witness_kind kind, const char *section, int error)
{
	struct tracer_failure *failure = &witness->failures[kind];

	*failure = (struct tracer_failure){.step = TRACER_ATTACH, .error = error};
	snprintf(failure->section, sizeof(failure->section), "%s", section);
}

static int link_forward(int program, int family, int priority)
{
	struct netfilter_link link = {
		.program = program,
		.attach_type = ATTACH_NETFILTER,
		.family = family,
		.hook = HOOK_FORWARD,
		.priority = priority,
	};

	return syscall(SYS_bpf, LINK_CREATE, &link, sizeof(link));
}

/* A priority holds one program of BPF: another tracer's may be there. */
static int link_forward_beside(int program, int family)
{
	int link = -1;

	for (int places = 0; places < PLACES_MAX; places++) {
		link = link_forward(program, family, BEHIND_FILTERS + places);
		if (link >= 0 || errno != EBUSY)
			break;
	}
	return link;
}

static int link_forwards(struct witness *witness, int program)
{
	static const int families[] = {2 /* IPv4 */, 10 /* IPv6 */};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		int link = link_forward_beside(program, families[i]);

		if (link >= 0)
			witness->forward_links[i] = link;
		else if (i == 0 || errno != EAFNOSUPPORT)
			return -errno;
	}
	return 0;
}

static uint64_t inode(int fd)
{
	struct stat file;

	return fd >= 0 && !fstat(fd, &file) ? file.st_ino : 0;
}

/* In the machine's first network namespace, where the first process lives: a unit may run in one of
 * its own, and then no other sees what is forwarded. 0, -EXDEV where it cannot be entered, or
 * -errno. */
static int witness__link_forwards(struct witness *witness, int program)
{
	_close_ int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	_close_ int first = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);
	bool moves = inode(own) != NET_INIT_INO && inode(own) != inode(first);
	int error;

	if (own < 0)
		return -errno;
	/* another's first process may live anywhere */
	if (inode(own) != NET_INIT_INO && (first < 0 || !procfs__shows_all()))
		return -EXDEV;
	if (moves && setns(first, CLONE_NEWNET))
		return -EXDEV;
	error = link_forwards(witness, program);
	if (moves && setns(own, CLONE_NEWNET) && !error)
		error = -errno;
	return error;
}

/* A program that was loaded and did not attach. */
static bool is_missing(const struct bpf_program *program, const struct bpf_link *link)
{
	return bpf_program__fd(program) >= 0 && !link;
}

static void witness__attach_forward(struct witness *witness, struct imdstrace_bpf *skeleton)
{
	const struct {
		const struct bpf_program *program;
		const struct bpf_link *link;
	} hooks[] = {
		{skeleton->progs.forward_enter, skeleton->links.forward_enter},
		{skeleton->progs.forward6_enter, skeleton->links.forward6_enter},
		{skeleton->progs.forward_probe, skeleton->links.forward_probe},
		{skeleton->progs.forward6_probe, skeleton->links.forward6_probe},
	};
	int link = bpf_program__fd(skeleton->progs.on_forward);
	bool attached = false;
	int error;

	if (witness->failures[WITNESS_FORWARDED].error)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		attached = attached || hooks[i].link;
		if (is_missing(hooks[i].program, hooks[i].link)) {
			witness__fail(witness, WITNESS_FORWARDED,
				bpf_program__section_name(hooks[i].program), EOPNOTSUPP);
			return;
		}
	}
	if (attached)
		return;
	error = link < 0 ? -ENOENT : witness__link_forwards(witness, link);
	if (error)
		witness__fail(witness, WITNESS_FORWARDED, "netfilter", -error);
}

void witness__attach(struct witness *witness, struct imdstrace_bpf *skeleton, int cgroup)
{
	const struct bpf_program *egress = skeleton->progs.on_egress;

	if (bpf_program__fd(egress) < 0)
		return;
	skeleton->links.on_egress = bpf_program__attach_cgroup(egress, cgroup);
	if (!skeleton->links.on_egress) {
		struct tracer_failure failure = {.step = TRACER_ATTACH, .error = errno};

		snprintf(failure.section, sizeof(failure.section), "cgroup_skb/egress");
		witness__give_up(witness, &failure);
		return;
	}
	if (bpf_program__fd(skeleton->progs.on_connect) >= 0)
		skeleton->links.on_connect =
			bpf_program__attach_cgroup(skeleton->progs.on_connect, cgroup);
	witness__attach_forward(witness, skeleton);
	skeleton->bss->witnessing = !witness->failures[WITNESS_FORWARDED].error;
}

void witness__detach(struct witness *witness)
{
	for (size_t i = 0; i < ARRAY_SIZE(witness->forward_links); i++) {
		if (witness->forward_links[i] > 0)
			close(witness->forward_links[i]);
		witness->forward_links[i] = 0;
	}
}
