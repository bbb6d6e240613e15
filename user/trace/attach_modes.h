/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The attach modes: which programs of the BPF object each one loads. For tracer.c alone. */
#ifndef IMDSTRACE_ATTACH_MODES_H
#define IMDSTRACE_ATTACH_MODES_H

#include <stdbool.h>
#include <stddef.h>

#define PROGRAMS_MAX 16

enum hook_need {
	ALWAYS,
	PREEMPTED,     /* only where tasks are preempted inside the kernel */
	SECOND_CHANCE, /* there, too, and only if it can be had: a kprobe, whose handler is not
			  preempted */
	FORWARDS,      /* sees what the machine passes on: worth having, and not worth failing for,
			  as the next */
	CONNECTS,      /* sees the send that a connect waited for */
};

/* A program of an attach mode, and the kernel function that it is attached to. */
struct hook {
	const char *program;
	enum hook_need need;
	const char *function; /* NULL: the mode does not work without it */
};

struct mode {
	struct hook hooks[PROGRAMS_MAX];
	bool kprobes;                    /* has nothing else to see sends with */
	bool may_hold_cpu;               /* has a variant that keeps preemption off */
	const struct mode *without_push; /* the same for kernels that have no tcp_push() to hook */
};

/* Hooks of MPTCP, which is an option of the kernel, and of sendfile up to 6.4. */
#define FENTRY_OPTIONS                                                   \
	{"mptcp_sendmsg_enter", ALWAYS, "mptcp_release_cb"},             \
		{"mptcp_released", ALWAYS, "mptcp_release_cb"},          \
		{"tcp_sendpage_enter", ALWAYS, "tcp_sendpage"},          \
		{"tcp_sendmsg_probe", SECOND_CHANCE, NULL},              \
		{"forward_enter", FORWARDS, "ip_forward"},               \
		{"forward6_enter", FORWARDS, "ip6_forward"},             \
	{                                                                \
		"mptcp_sendmsg_probe", SECOND_CHANCE, "mptcp_release_cb" \
	}
#define KPROBE_OPTIONS                                                \
	{"mptcp_sendmsg_probe", ALWAYS, "mptcp_release_cb"},          \
		{"mptcp_released_probe", ALWAYS, "mptcp_release_cb"}, \
		{"forward_probe", FORWARDS, "ip_forward"},            \
		{"forward6_probe", FORWARDS, "ip6_forward"},          \
	{                                                             \
		"tcp_sendpage_probe", ALWAYS, "tcp_sendpage"          \
	}

static const struct mode fentry_without_push = {
	.hooks =
		{
			{"tcp_sendmsg_enter", ALWAYS, NULL},
			{"tcp_released", ALWAYS, NULL},
			FENTRY_OPTIONS,
		},
	.may_hold_cpu = true,
};

static const struct mode kprobe_without_push = {
	.hooks =
		{
			{"tcp_sendmsg_probe", ALWAYS, NULL},
			{"tcp_released_probe", ALWAYS, NULL},
			KPROBE_OPTIONS,
		},
	.kprobes = true,
};

/* Rows as in tracer_ways. */
static const struct mode modes[] = {
	{
		.hooks =
			{
				{"tcp_sendmsg_enter", ALWAYS, NULL},
				{"tcp_pushed", ALWAYS, NULL},
				{"tcp_connected", ALWAYS, NULL},
				{"tcp_push_probe", SECOND_CHANCE, NULL},
				FENTRY_OPTIONS,
			},
		.may_hold_cpu = true,
		.without_push = &fentry_without_push,
	},
	{
		.hooks =
			{
				{"sendmsg_locked", ALWAYS, NULL},
				{"send_length", ALWAYS, NULL},
				{"send_length_again", PREEMPTED, NULL},
				{"tcp_sendmsg_probe", SECOND_CHANCE, NULL},
				{"tcp_push_probe", SECOND_CHANCE, NULL},
				{"on_connect", CONNECTS, NULL},
				{"on_forward", FORWARDS, "bpf_nf_link_attach"},
			},
	},
	{
		.hooks =
			{
				{"tcp_sendmsg_probe", ALWAYS, NULL},
				{"tcp_push_probe", ALWAYS, NULL},
				{"tcp_connect_probe", ALWAYS, NULL},
				{"tcp_connect_return", ALWAYS, NULL},
				KPROBE_OPTIONS,
			},
		.kprobes = true,
		.without_push = &kprobe_without_push,
	},
};

#endif
