// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The entry points, and nothing else: each filters by port with a direct load, and hands the
 * socket to the room that does the work. The socket's address is both its key in the maps and,
 * read from the context as a number, what global functions may be given.
 *
 * The loader loads the programs of one way (user/trace/tracer.c); those on connects serve all ways.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "answers.h"
#include "books.h"
#include "filter.h"
#include "send.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * A program that is entered again on one CPU while it runs there is skipped. Where the kernel has
 * bpf_preempt_disable() (6.10) and takes it around global functions (6.15), preemption is kept off
 * while a program of the fentry way has the endpoint in hand, so that no task waits in the middle.
 * Decided by loading.
 */
const volatile bool hold_cpu = false;

extern void bpf_preempt_disable(void) __weak __ksym;
extern void bpf_preempt_enable(void) __weak __ksym;

#define HOLDING_CPU(...)                       \
	do {                                   \
		if (hold_cpu)                  \
			bpf_preempt_disable(); \
		__VA_ARGS__;                   \
		if (hold_cpu)                  \
			bpf_preempt_enable();  \
	} while (0)

/* A pointer argument as a number. */
static __always_inline u64 argument(const unsigned long long *ctx, int index)
{
	u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), &ctx[index]);
	return value;
}

#define DIRECTLY(field) (sk->__sk_common.field)

/* connects and closes, for every way */

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, const struct sock *sk, int from, int to)
{
	u8 family = 0;

	if (!attached)
		attached = (u32)bpf_jiffies64() | 1;
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY) && filter__socket(sk, &family))
		books__state(sk, argument(ctx, 0), family, from, to);
	return 0;
}

/* A second chance to settle: a program that interrupts itself is skipped, another one is not. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(on_destroy, const struct sock *sk)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		books__close(sk, argument(ctx, 0), true);
	return 0;
}

/* fentry and fexit */

SEC("fentry/tcp_sendmsg")
int BPF_PROG(tcp_sendmsg_enter, struct sock *sk, struct msghdr *msg)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		HOLDING_CPU(send__enter(argument(ctx, 0), msg, false));
	return 0;
}

SEC("fexit/tcp_sendmsg")
int BPF_PROG(tcp_sendmsg_exit, struct sock *sk, struct msghdr *msg, size_t size, int sent)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		HOLDING_CPU(send__exit(argument(ctx, 0), sent, UNKNOWN_UNSEEN, false));
	return 0;
}

/*
 * A second chance, for kernels that preempt tasks in the kernel: while a task waits inside one of
 * the two programs, others on its CPU skip that one, and not the other. Whichever comes first does
 * the work.
 */
SEC("fexit/tcp_sendmsg")
int BPF_PROG(tcp_sendmsg_exit_again, struct sock *sk, struct msghdr *msg, size_t size, int sent)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		HOLDING_CPU(send__exit(argument(ctx, 0), sent, UNKNOWN_UNSEEN, true));
	return 0;
}

SEC("fentry/mptcp_sendmsg")
int BPF_PROG(mptcp_sendmsg_enter, struct sock *sk, struct msghdr *msg)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		HOLDING_CPU(send__enter(argument(ctx, 0), msg, false));
	return 0;
}

SEC("fexit/mptcp_sendmsg")
int BPF_PROG(mptcp_sendmsg_exit, struct sock *sk, struct msghdr *msg, size_t size, int sent)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		HOLDING_CPU(send__exit(argument(ctx, 0), sent, UNKNOWN_UNSEEN, false));
	return 0;
}

/* sendfile and splice up to 6.4: a page, without an address to read it at */
SEC("fexit/tcp_sendpage")
int BPF_PROG(tcp_sendpage_exit, struct sock *sk, void *page, int offset, size_t size, int flags,
	int sent)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		HOLDING_CPU(send__exit(argument(ctx, 0), sent, UNKNOWN_UNREADABLE, false));
	return 0;
}

/* BTF tracepoints */

SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(sendmsg_locked, const struct sock *sk, const struct msghdr *msg)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		send__enter(argument(ctx, 0), msg, true);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(send_length, const struct sock *sk, int sent)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		send__exit(argument(ctx, 0), sent, UNKNOWN_UNSEEN, false);
	return 0;
}

/* As tcp_sendmsg_exit_again. */
SEC("tp_btf/sock_send_length")
int BPF_PROG(send_length_again, const struct sock *sk, int sent)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		send__exit(argument(ctx, 0), sent, UNKNOWN_UNSEEN, true);
	return 0;
}

/* kprobes and kretprobes */

#define MSG_FASTOPEN 0x20000000

#define BY_CORE(field) BPF_CORE_READ(sk, __sk_common.field)

static __always_inline void probe__enter(enum probe probe, const struct sock *sk)
{
	struct probe_key at = {bpf_get_current_pid_tgid(), probe};
	u64 key = (u64)sk;

	if (bpf_map_lookup_elem(&probed, &at))
		COUNT(counters.missed_returns);
	bpf_map_update_elem(&probed, &at, &key, BPF_ANY);
}

static __always_inline void probe__exit(enum probe probe, int sent, enum unknown_reason reason)
{
	struct probe_key at = {bpf_get_current_pid_tgid(), probe};
	u64 *found = bpf_map_lookup_elem(&probed, &at);
	u64 key;

	if (!found)
		return;
	key = *found;
	bpf_map_delete_elem(&probed, &at);
	send__exit(key, sent, reason, false);
}

static __always_inline void probe__sendmsg(
	enum probe probe, const struct sock *sk, const struct msghdr *msg)
{
	if (FILTER_MAY_BE_ENDPOINT(BY_CORE)) {
		probe__enter(probe, sk);
		send__enter((u64)sk, msg, false);
	} else if (!BPF_CORE_READ(sk, __sk_common.skc_dport) &&
		   (BPF_CORE_READ(msg, msg_flags) & MSG_FASTOPEN) && filter__name(msg)) {
		probe__enter(probe, sk); /* the rest is known at the connect: see books.h */
	}
}

SEC("kprobe/tcp_sendmsg")
int BPF_KPROBE(tcp_sendmsg_probe, struct sock *sk, struct msghdr *msg)
{
	probe__sendmsg(PROBE_TCP_SENDMSG, sk, msg);
	return 0;
}

SEC("kretprobe/tcp_sendmsg")
int BPF_KRETPROBE(tcp_sendmsg_return, int sent)
{
	probe__exit(PROBE_TCP_SENDMSG, sent, UNKNOWN_UNSEEN);
	return 0;
}

SEC("kprobe/mptcp_sendmsg")
int BPF_KPROBE(mptcp_sendmsg_probe, struct sock *sk, struct msghdr *msg)
{
	probe__sendmsg(PROBE_MPTCP_SENDMSG, sk, msg);
	return 0;
}

SEC("kretprobe/mptcp_sendmsg")
int BPF_KRETPROBE(mptcp_sendmsg_return, int sent)
{
	probe__exit(PROBE_MPTCP_SENDMSG, sent, UNKNOWN_UNSEEN);
	return 0;
}

SEC("kprobe/tcp_sendpage")
int BPF_KPROBE(tcp_sendpage_probe, struct sock *sk)
{
	if (FILTER_MAY_BE_ENDPOINT(BY_CORE))
		probe__enter(PROBE_TCP_SENDPAGE, sk);
	return 0;
}

SEC("kretprobe/tcp_sendpage")
int BPF_KRETPROBE(tcp_sendpage_return, int sent)
{
	probe__exit(PROBE_TCP_SENDPAGE, sent, UNKNOWN_UNREADABLE);
	return 0;
}

/* responses, for every way */

/* A packet's socket as a number: through memory, because verifiers before 5.13 have no other way
 * from a pointer of this kind to one. */
static __always_inline u64 packet_key(struct bpf_sock *sk)
{
	u32 zero = 0;
	volatile u64 *key = bpf_map_lookup_elem(&packet_keys, &zero);

	if (!key)
		return 0;
	*key = (u64)sk;
	return *key;
}

static __always_inline bool packet_may_be_ours(const struct bpf_sock *sk)
{
	return filter__ipv4(sk->dst_ip4) || sk->dst_ip6[3] == bpf_htonl((u32)ENDPOINT_IPV6_LO);
}

SEC("cgroup_skb/ingress")
int on_packet(struct __sk_buff *packet)
{
	struct bpf_sock *sk = packet->sk;

	if (sk && sk->dst_port == TCP_PORT_NET && packet_may_be_ours(sk))
		answers__packet(packet, packet_key(sk));
	return 1; /* let it pass, whatever it is */
}
