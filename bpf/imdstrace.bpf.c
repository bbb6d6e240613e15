// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The entry points, and nothing else: each filters by port with a direct load and calls the header
 * that does the work. The socket's address is its key in the maps; it is read from the context as a
 * number, which global functions may be given.
 *
 * The loader loads the programs of one attach mode (user/trace/tracer.c); those on connects serve
 * all.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "responses.h"
#include "connection.h"
#include "filter.h"
#include "look_up.h"
#include "packet.h"
#include "rehearse.h"
#include "send.h"
#include "witness.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * The kernel skips a program that is entered while it runs on the same CPU, and counts it in
 * recursion_misses. Where it has bpf_preempt_disable() (6.10) and allows global functions under it
 * (6.15), fentry programs disable preemption for sockets to the endpoint, so that no task is
 * scheduled in the middle of one. The loader finds out by loading.
 * Objects for older kernels do not name it (PREEMPT_KFUNCS): libbpf before 1.5 would look for it in
 * the types of modules, which CAP_SYS_ADMIN alone may list.
 */
const volatile bool disable_preemption = false;

/* The kprobes are attached beside fentry programs, in case those are skipped. */
const volatile bool probes_are_second = false;

#ifdef PREEMPT_KFUNCS
extern void bpf_preempt_disable(void) __weak __ksym;
extern void bpf_preempt_enable(void) __weak __ksym;

#define WITH_PREEMPT_DISABLED(...)             \
	do {                                   \
		if (disable_preemption)        \
			bpf_preempt_disable(); \
		__VA_ARGS__;                   \
		if (disable_preemption)        \
			bpf_preempt_enable();  \
	} while (0)
#else
#define WITH_PREEMPT_DISABLED(...) \
	do {                       \
		__VA_ARGS__;       \
	} while (0)
#endif

/* A pointer argument as a number. */
static __always_inline u64 argument(const unsigned long long *ctx, int index)
{
	u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), &ctx[index]);
	return value;
}

#define DIRECTLY(field) (sk->__sk_common.field)

/* connects and closes, for every attach mode */

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, const struct sock *sk, int from, int to)
{
	u8 family = 0;

	if (!attached)
		attached = (u32)bpf_jiffies64() | 1;
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY) && filter__socket(sk, &family))
		connection__tcp_state(sk, argument(ctx, 0), family, from, to);
	return 0;
}

/* Checks again, because on_state is skipped where it interrupts itself. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(on_destroy, const struct sock *sk)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		connection__close(sk, argument(ctx, 0), true);
	return 0;
}

/*
 * The end of a trace, for a connection that stays: the loader runs it once for each key
 * (BPF_PROG_TEST_RUN, which raw tracepoints have since 5.10). An iterator would do the same, but
 * some sandboxes refuse those.
 */
SEC("raw_tp")
int on_end(u64 *arguments)
{
	connection__end_of_trace(arguments[0]);
	return 0;
}

/*
 * What user space asks about a process. Not by a map's system call, because a task that
 * is preempted inside one keeps its CPU's kprobes from running (bpf_disable_instrumentation(),
 * which does not keep preemption off since 5.11). A test run of a raw tracepoint keeps it off.
 */
SEC("raw_tp")
int look_up(u64 *arguments)
{
	struct process_key key = {
		.start_ns = arguments[0], .pid = arguments[1], .exec_count = arguments[1] >> 32};

	return look_up__answer(arguments[2], &key);
}

/*
 * fentry. Each send that took bytes calls tcp_push() under the socket's lock, before it waits for
 * memory and at its end.
 */

SEC("fentry/tcp_sendmsg")
int BPF_PROG(tcp_sendmsg_enter, struct sock *sk, struct msghdr *msg)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		WITH_PREEMPT_DISABLED(send__enter(argument(ctx, 0), msg, false));
	return 0;
}

SEC("fentry/tcp_push")
int BPF_PROG(tcp_pushed, struct sock *sk, int flags)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		WITH_PREEMPT_DISABLED({
			send__urgent(argument(ctx, 0), flags);
			send__progress(argument(ctx, 0), true);
		});
	return 0;
}

/* A Fast Open send, of which SYN may take all: then tcp_push() is not called. */
SEC("fexit/tcp_connect")
int BPF_PROG(tcp_connected, struct sock *sk)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		WITH_PREEMPT_DISABLED(send__progress(argument(ctx, 0), false));
	return 0;
}

/* For kernels whose compiler left no tcp_push() that can be hooked: whenever a socket's lock is
 * given up. 7.0 and later call it only where something was put off. */
SEC("fentry/tcp_release_cb")
int BPF_PROG(tcp_released, struct sock *sk)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		send__progress(argument(ctx, 0), false);
	return 0;
}

SEC("fentry/mptcp_sendmsg")
int BPF_PROG(mptcp_sendmsg_enter, struct sock *sk, struct msghdr *msg)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		WITH_PREEMPT_DISABLED(send__enter(argument(ctx, 0), msg, false));
	return 0;
}

SEC("fentry/mptcp_release_cb")
int BPF_PROG(mptcp_released, struct sock *sk)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		send__progress(argument(ctx, 0), false);
	return 0;
}

/* sendfile and splice up to 6.4 */
SEC("fentry/tcp_sendpage")
int BPF_PROG(tcp_sendpage_enter, struct sock *sk, void *page, int offset, size_t size)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		WITH_PREEMPT_DISABLED(send__enter_page(argument(ctx, 0), size));
	return 0;
}

/* BTF tracepoints */

SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(sendmsg_locked, const struct sock *sk, const struct msghdr *msg)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		send__enter_locked(argument(ctx, 0), msg);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(send_length, const struct sock *sk, int sent)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		send__exit(argument(ctx, 0), sent, false);
	return 0;
}

/*
 * For kernels with full preemption: while a task is scheduled out inside one of the two programs,
 * other tasks on its CPU skip that one and not this one. Whichever runs first does the work.
 */
SEC("tp_btf/sock_send_length")
int BPF_PROG(send_length_again, const struct sock *sk, int sent)
{
	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY))
		send__exit(argument(ctx, 0), sent, true);
	return 0;
}

/*
 * kprobes on the functions of fentry. Unlike kretprobes, of which each thread that waits inside a
 * send holds one, their number is not limited. Their handlers run with preemption disabled.
 */

#define BY_CORE(field) BPF_CORE_READ(sk, __sk_common.field)

SEC("kprobe/tcp_sendmsg")
int BPF_KPROBE(tcp_sendmsg_probe, struct sock *sk, struct msghdr *msg)
{
	if (FILTER_MAY_BE_ENDPOINT(BY_CORE))
		send__enter((u64)sk, msg, probes_are_second);
	return 0;
}

SEC("kprobe/tcp_push")
int BPF_KPROBE(tcp_push_probe, struct sock *sk, int flags)
{
	if (FILTER_MAY_BE_ENDPOINT(BY_CORE)) {
		send__urgent((u64)sk, flags);
		send__progress((u64)sk, true);
	}
	return 0;
}

SEC("kprobe/tcp_release_cb")
int BPF_KPROBE(tcp_released_probe, struct sock *sk)
{
	if (FILTER_MAY_BE_ENDPOINT(BY_CORE))
		send__progress((u64)sk, false);
	return 0;
}

SEC("kprobe/mptcp_sendmsg")
int BPF_KPROBE(mptcp_sendmsg_probe, struct sock *sk, struct msghdr *msg)
{
	if (FILTER_MAY_BE_ENDPOINT(BY_CORE))
		send__enter((u64)sk, msg, probes_are_second);
	return 0;
}

SEC("kprobe/mptcp_release_cb")
int BPF_KPROBE(mptcp_released_probe, struct sock *sk)
{
	if (FILTER_MAY_BE_ENDPOINT(BY_CORE))
		send__progress((u64)sk, false);
	return 0;
}

SEC("kprobe/tcp_sendpage")
int BPF_KPROBE(tcp_sendpage_probe, struct sock *sk, void *page, int offset, size_t size)
{
	if (FILTER_MAY_BE_ENDPOINT(BY_CORE))
		send__enter_page((u64)sk, size);
	return 0;
}

/*
 * A Fast Open send, of which SYN may take all: then tcp_push() is not called. No thread waits
 * inside tcp_connect(), so that kretprobes on it do not run out.
 */
SEC("kprobe/tcp_connect")
int BPF_KPROBE(tcp_connect_probe, struct sock *sk)
{
	u64 thread = bpf_get_current_pid_tgid();
	u64 key = (u64)sk;

	if (!FILTER_MAY_BE_ENDPOINT(BY_CORE) ||
		!BPF_CORE_READ((const struct tcp_sock *)sk, fastopen_req))
		return 0;
	if (bpf_map_lookup_elem(&connecting, &thread))
		ATOMIC_INC(&counters.missed_returns);
	bpf_map_update_elem(&connecting, &thread, &key, BPF_ANY);
	return 0;
}

SEC("kretprobe/tcp_connect")
int BPF_KRETPROBE(tcp_connect_return)
{
	u64 thread = bpf_get_current_pid_tgid();
	u64 *found = bpf_map_lookup_elem(&connecting, &thread);
	u64 key;

	if (!found)
		return 0;
	key = *found;
	bpf_map_delete_elem(&connecting, &thread);
	send__progress(key, false);
	return 0;
}

/* responses, for every attach mode */

SEC("cgroup_skb/ingress")
int on_packet(struct __sk_buff *packet)
{
	struct bpf_sock *sk = packet->sk;

	if (sk && sk->dst_port == TCP_PORT_NET && packet__may_be_ours(sk))
		responses__packet(packet, packet__key(sk));
	return 1; /* let it pass, whatever it is */
}

/* a rehearsal, for every attach mode (loaded for it alone) */

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(rehearse_state, const struct sock *sk, int from, int to)
{
	u8 family = 0;

	if (FILTER_MAY_BE_ENDPOINT(DIRECTLY) && filter__socket(sk, &family))
		rehearse__state(sk, argument(ctx, 0), to);
	return 0;
}

SEC("sockops")
int rehearse_established(struct bpf_sock_ops *ops)
{
	if (ops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		rehearse__established(ops);
	return 1;
}

SEC("sk_msg")
int rehearse_message(struct sk_msg_md *msg)
{
	return rehearse__message(msg);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(rehearse_fork, struct task_struct *parent, struct task_struct *child)
{
	rehearse__fork(parent, child);
	return 0;
}

/* Run by the rehearsal's own process, when it begins. */
SEC("raw_tp")
int rehearse_begin(void *context)
{
	rehearsal_owner = (__u64)identity__task();
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(rehearse_exit, struct task_struct *task)
{
	rehearse__exit(task);
	return 0;
}

/* packets that no socket to the endpoint sent */

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *packet)
{
	if (witness__may_be_endpoint(packet))
		witness__sent(packet);
	return 1;
}

SEC("fentry/ip_forward")
int BPF_PROG(forward_enter, struct sk_buff *packet)
{
	witness__forwarded(packet);
	return 0;
}

SEC("fentry/ip6_forward")
int BPF_PROG(forward6_enter, struct sk_buff *packet)
{
	witness__forwarded(packet);
	return 0;
}

SEC("kprobe/ip_forward")
int BPF_KPROBE(forward_probe, struct sk_buff *packet)
{
	witness__forwarded(packet);
	return 0;
}

SEC("kprobe/ip6_forward")
int BPF_KPROBE(forward6_probe, struct sk_buff *packet)
{
	witness__forwarded(packet);
	return 0;
}

/* A link of netfilter's (6.4), whose section libbpf knows from 1.3 on: the loader sets the type. */
SEC("netfilter")
int on_forward(const unsigned long long *ctx)
{
	struct bpf_nf_ctx nf = {};

	bpf_probe_read_kernel(&nf, sizeof(nf), ctx);
	witness__forwarded(nf.skb);
	return 1; /* NF_ACCEPT */
}

/*
 * A connect that waits for its first send (TCP_FASTOPEN_CONNECT): no tracepoint comes before SYN
 * has taken the send's bytes, and this is called before, with the message as it was given.
 */
SEC("sockops")
int on_connect(struct bpf_sock_ops *event)
{
	struct bpf_sock *sk = event->sk;

	if (event->op == BPF_SOCK_OPS_TCP_CONNECT_CB && sk && sk->dst_port == TCP_PORT_NET &&
		packet__may_be_ours(sk))
		send__connect(packet__key(sk));
	return 1;
}
