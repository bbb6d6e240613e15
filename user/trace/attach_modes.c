/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/attach_modes.h"

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

const struct mode modes[] = {
	{
		.hooks =
			{
				{"tcp_sendmsg_enter", ALWAYS, NULL},
				{"tcp_pushed", ALWAYS, NULL},
				{"tcp_connected", ALWAYS, NULL},
				{"tcp_push_probe", SECOND_CHANCE, NULL},
				FENTRY_OPTIONS,
			},
		.entered = "tcp_sendmsg",
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
