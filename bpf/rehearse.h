/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A rehearsal: each tokenless request of the scope leaves with one more header line, at the end of
 * its head, whose token is invalid. Loaded for `rehearse` alone.
 *
 * A connection of the scope is put into a sockhash when it is established. From then on its sends
 * pass tcp_sendmsg() by and come to an sk_msg program, inside the socket's lock. That one is told
 * what is to be sent and passes it on piece by piece: a body, or a head up to its end, in front of
 * whose empty line it may put the line. It is called again for what follows a piece. Nothing is
 * ever held back (corked) or redirected.
 *
 * What a piece holds is counted before the socket takes it. Where the socket then has no room, the
 * next send finds fewer bytes in it than were passed on, and takes the piece back.
 */
#ifndef IMDSTRACE_REHEARSE_H
#define IMDSTRACE_REHEARSE_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "connection.h"
#include "compat.h"
#include "emit.h"
#include "filter.h"
#include "identity.h"
#include "loop.h"
#include "maps.h"
#include "rehearse_maps.h"
#include "scope.h"
#include "send.h"

#define LINE_SIZE  (sizeof(REHEARSAL_LINE) - 1)
#define PULL_MAX   4096 /* of pages that user space may still write to: read through a copy */
#define O_NONBLOCK 04000

#define BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB 4

#define PIECE_STEPS (PIECE_MAX / SCRATCH_SIZE)

/* What a socket takes for a segment beside its bytes, on the safe side. */
#define SEGMENT_OVERHEAD 4096

/* connects */

/* The counts of the current process, which is in the scope. NULL: their map is full. */
static __always_inline struct process_stats *rehearse__stats(void)
{
	struct process_key key = {};
	struct process_stats *stats;

	identity__ensure();
	identity__current(&key);
	stats = bpf_map_lookup_elem(&process_stats, &key);
	if (stats)
		stats->in_scope = 1;
	return stats;
}

static __always_inline void rehearse__connect(const struct sock *sk, u64 key)
{
	struct process_stats *stats;
	u8 yes = 1;

	/* an MPTCP connection has no address yet, but its first subflow has */
	if (sock__is_mptcp(sk) || !scope__has_current())
		return;
	stats = rehearse__stats();
	if (sock__is_subflow(sk) || bpf_map_update_elem(&connecting_in_scope, &key, &yes, BPF_ANY))
		emit__count_not_covered(stats);
}

/* Bytes that were passed on and that the socket never took: the connection ends without them. */
static __always_inline void rehearse__close(const struct sock *sk, u64 key)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	u32 written;

	if (!connection || !connection->rehearsed)
		return;
	written = sock__write_seq(sk) - connection->fin;
	if ((s32)(written - connection->next) < 0)
		connection->next = written;
}

/* Every change of a TCP state. Runs before the connection is checked (connection__tcp_state). */
static __always_inline void rehearse__state(const struct sock *sk, u64 key, int to)
{
	if (to == TCP_SYN_SENT)
		rehearse__connect(sk, key);
	if (to == TCP_FIN_WAIT1 || to == TCP_LAST_ACK || to == TCP_CLOSE)
		rehearse__close(sk, key);
	if (to == TCP_CLOSE) {
		bpf_map_delete_elem(&connecting_in_scope, &key);
		bpf_map_delete_elem(&rehearsals, &key);
	}
}

/* Whether its owner waits for notices that pages may be used again, which do not come for what is
 * sent through a sockmap before 6.5. */
static __always_inline bool rehearse__has_zerocopy(u64 key)
{
	return BPF_CORE_READ((const struct sock *)key, __sk_common.skc_flags) >>
		       bpf_core_enum_value(enum sock_flags, SOCK_ZEROCOPY) &
	       1;
}

/* A connection is established: if it is the scope's, it goes into the sockhash. */
static __always_inline void rehearse__established(struct bpf_sock_ops *ops)
{
	u64 key = (u64)BPF_CORE_READ((struct bpf_sock_ops_kern *)ops, sk);
	struct connection *connection;
	struct process_stats *stats = NULL;
	u64 cookie;

	if (!bpf_map_lookup_elem(&connecting_in_scope, &key))
		return;
	bpf_map_delete_elem(&connecting_in_scope, &key);
	cookie = bpf_get_socket_cookie(ops);
	if (!rehearse__has_zerocopy(key) &&
		!bpf_sock_hash_update(ops, &rehearsed_sockets, &cookie, BPF_ANY))
		return;
	connection = bpf_map_lookup_elem(&connections, &key);
	if (connection && connection->uncovered)
		return; /* what SYN took of a send was a request */
	if (connection) {
		connection->uncovered = true;
		stats = bpf_map_lookup_elem(&process_stats, &connection->opener);
	}
	emit__count_not_covered(stats);
}

/* sends */

/* One scratch buffer of the piece. Global for the same reason as parse__step(). */
__noinline int rehearse__parse_step(u64 key)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	struct parse_cursor *cursor;
	u32 size;

	if (!connection)
		return STEP_DONE;
	cursor = &connection->cursor;
	size = cursor->left < SCRATCH_SIZE ? cursor->left : SCRATCH_SIZE;
	if (!size)
		return STEP_DONE;
	if (parse__copy(connection->scratch, size, SCRATCH_SIZE, cursor->piece, true)) {
		cursor->event = HTTP_NOT;
		return STEP_DONE;
	}
	parse__scratch(connection, size);
	cursor->piece += cursor->scanned;
	cursor->left -= cursor->scanned;
	return cursor->event == HTTP_MORE ? STEP_MORE : STEP_DONE;
}

LOOP_BODY rehearse__step(u32 round, u64 *key)
{
	int result = rehearse__parse_step(*key);

	barrier_var(result); /* as in parse__loop_step() */
	return result != STEP_MORE;
}

/* The piece before did not go into the socket whole: missing bytes of it are sent again, or not at
 * all. What was taken of a head is parsed again. */
static __always_inline void rehearse__take_back(
	u64 key, struct connection *connection, struct rehearsal *rehearsal, u32 missing, u32 tid)
{
	u32 taken = rehearsal->size - missing;
	struct parse_cursor *cursor = &connection->cursor;

	if (missing > rehearsal->size || (taken && rehearsal->line)) {
		parse__lose_sync(connection, UNKNOWN_CONTENDED, tid);
		return;
	}
	connection->requests = rehearsal->before;
	connection->marked = rehearsal->marked_before;
	rehearsal->recounts |= rehearsal->counted;
	taken -= http__skip(&connection->requests, taken);
	if (!taken)
		return;
	cursor->piece = (u64)rehearsal->bytes;
	cursor->left = taken;
	cursor->event = HTTP_MORE;
	LOOP(PIECE_STEPS, PIECE_STEPS, rehearse__step, &key);
}

/*
 * Compares where the parser is with where the socket is. A thread cannot be inside two
 * sends, and one that does not wait is over; else the bytes that are missing may still come.
 */
static __always_inline void rehearse__reconcile(const struct sock *sk, u64 key,
	struct connection *connection, struct rehearsal *rehearsal, u64 thread)
{
	u32 written = sock__write_seq(sk) - connection->fin;
	s32 gap = written - connection->next;

	if (!gap || connection->sync == SYNC_NEVER)
		return;
	if (gap < 0 && rehearsal->thread != thread && !rehearsal->nonblocking) {
		connection__report_unknown(
			connection, UNKNOWN_CONTENDED, &connection->sender, thread);
		connection->sync = SYNC_NEVER;
		return;
	}
	connection->next = written;
	if (gap > 0)
		parse__skip(connection, gap, UNKNOWN_UNSEEN, thread);
	else
		rehearse__take_back(key, connection, rehearsal, -gap, thread);
}

/* What a rehearsed connection keeps, made at its first send. */
static __always_inline struct rehearsal *rehearse__find(u64 key)
{
	struct rehearsal *rehearsal = bpf_map_lookup_elem(&rehearsals, &key);

	if (rehearsal)
		return rehearsal;
	bpf_map_update_elem(&rehearsals, &key, &blank_rehearsal, BPF_NOEXIST);
	return bpf_map_lookup_elem(&rehearsals, &key);
}

/* Who sends may be another process of the scope than the one that connected. */
static __always_inline void rehearse__greet(const struct connection *connection)
{
	struct process_stats *stats = bpf_map_lookup_elem(&process_stats, &connection->sender);

	if (stats && !stats->in_scope && scope__has_current())
		stats->in_scope = 1;
}

/* Everything that a send that begins must know. */
static __always_inline void rehearse__begin(const struct sock *sk, u64 key,
	struct connection *connection, struct rehearsal *rehearsal, u64 thread)
{
	if (!connection->based)
		connection__set_base(connection, sock__write_seq(sk));
	connection->rehearsed = true;
	connection->inflight.thread = 0;
	connection->inflight.responses_seen = connection->responses_seen;
	connection->inflight.responses_idle =
		!connection->responses_lost && connection->responses.state == S_RESPONSE;
	identity__ensure();
	identity__current(&connection->sender);
	rehearse__greet(connection);
	rehearse__reconcile(sk, key, connection, rehearsal, thread);
	rehearsal->before = connection->requests;
	rehearsal->marked_before = connection->marked;
	rehearsal->counted = false;
	rehearsal->line = false;
	rehearsal->thread = thread;
	rehearsal->nonblocking = BPF_CORE_READ(sk, sk_socket, file, f_flags) & O_NONBLOCK;
}

/* Whether the head whose last byte so far is the CR of its empty line will be v1. */
__noinline int rehearse__peek(u64 key)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	struct rehearsal *rehearsal = bpf_map_lookup_elem(&rehearsals, &key);

	if (!connection || !rehearsal)
		return false;
	rehearsal->peek = connection->requests;
	return http__byte(&rehearsal->peek, '\n') == HTTP_HEAD &&
	       http__class(&rehearsal->peek) == CLASS_V1;
}

/* What of a message is looked at. */
struct piece {
	u64 data;  /* where its first bytes are */
	u32 whole; /* bytes that can be read there */
	u32 size;  /* bytes of the piece */
	u32 event;
};

/* Bytes of a message that can be read: those of its first buffer, or a copy of their beginning. */
static __always_inline bool rehearse__map(struct sk_msg_md *msg, struct piece *piece)
{
	struct sk_msg *kernel = (struct sk_msg *)msg;
	u32 size = msg->size < PULL_MAX ? msg->size : PULL_MAX;
	u64 end;

	piece->data = (u64)BPF_CORE_READ(kernel, data);
	end = (u64)BPF_CORE_READ(kernel, data_end);
	if (end <= piece->data) {
		if (bpf_msg_pull_data(msg, 0, size, 0))
			return false;
		piece->data = (u64)BPF_CORE_READ(kernel, data);
		end = (u64)BPF_CORE_READ(kernel, data_end);
	}
	piece->whole = end - piece->data;
	return end > piece->data && piece->whole <= msg->size;
}

/* Where in the piece the line belongs: before the CR, or the bare LF, of the empty line. -1: it
 * ends no head, or the CR has left already. */
static __always_inline long rehearse__place(
	const struct rehearsal *rehearsal, const struct piece *piece)
{
	u8 byte = 0;

	if (piece->event == HTTP_MORE)
		return piece->size - 1;
	if (piece->size == 1)
		return rehearsal->before.state == S_HEAD_LF ? -1 : 0;
	bpf_probe_read_kernel(&byte, 1, (const void *)(piece->data + piece->size - 2));
	return piece->size - 1 - (byte == '\r');
}

/* SK_PASS, with *size grown, also where nothing was inserted. */
static __always_inline int rehearse__insert(struct sk_msg_md *msg, u32 at, u32 *size)
{
	void *data, *end;

	if (bpf_msg_push_data(msg, at, LINE_SIZE, 0))
		return SK_PASS;
	/* As one buffer, because the kernel sends each by itself: Nagle's algorithm would keep what
	 * follows the first one until that is acknowledged. */
	if (msg->size <= PULL_MAX)
		bpf_msg_pull_data(msg, 0, msg->size, 0);
	/* what was made room for must not leave unwritten */
	if (bpf_msg_pull_data(msg, at, at + LINE_SIZE, 0))
		return SK_DROP;
	data = msg->data;
	end = msg->data_end;
	if (data + LINE_SIZE > end)
		return SK_DROP;
	__builtin_memcpy(data, REHEARSAL_LINE, LINE_SIZE);
	*size += LINE_SIZE;
	return SK_PASS;
}

/* Whether the socket will take a piece with the line whole. If it did not, the kernel would tell
 * the sender as many bytes too few as it left of the line. */
static __always_inline bool rehearse__has_room(const struct sock *sk, u32 size)
{
	return BPF_CORE_READ(sk, sk_wmem_queued) + (s32)(size + LINE_SIZE + SEGMENT_OVERHEAD) <=
	       BPF_CORE_READ(sk, sk_sndbuf);
}

/* A process that had its first call rejected. */
static __always_inline void rehearse__remember(void)
{
	struct rehearsed_process process = {.first_ns = bpf_ktime_get_boot_ns()};
	struct process_key key = {};

	identity__current(&key);
	key.exec_count = 0;
	bpf_map_update_elem(&rehearsed_processes, &key, &process, BPF_NOEXIST);
}

/* Whether a piece ends what shall be a v1 request of the scope, and has not got its line. */
static __always_inline bool rehearse__wants_line(
	u64 key, const struct connection *connection, const struct piece *piece)
{
	if (connection->marked || *(volatile bool *)&rehearsal_over || rehearse__has_zerocopy(key))
		return false;
	if (piece->event == HTTP_HEAD) {
		if (http__class(&connection->requests) != CLASS_V1)
			return false;
	} else if (piece->event != HTTP_MORE || connection->requests.state != S_HEAD_LF ||
		   !rehearse__peek(key)) {
		return false;
	}
	return scope__has_current();
}

/* Puts the line into a piece that wants it. */
static __always_inline int rehearse__mark(struct sk_msg_md *msg, u64 key,
	struct connection *connection, struct rehearsal *rehearsal, struct piece *piece)
{
	u32 size = piece->size;
	int verdict = SK_PASS;
	long at;

	if (!rehearse__wants_line(key, connection, piece))
		return SK_PASS;
	at = rehearse__place(rehearsal, piece);
	if (at < 0 || !rehearse__has_room((const struct sock *)key, size))
		return SK_PASS;
	verdict = rehearse__insert(msg, at, &piece->size);
	rehearsal->line = connection->marked = piece->size != size;
	return verdict;
}

static __always_inline void rehearse__count(u64 key, struct connection *connection,
	struct rehearsal *rehearsal, const struct piece *piece, u32 tid)
{
	if (piece->event == HTTP_NOT) {
		connection->sync = SYNC_NEVER;
		connection__report_unknown(connection,
			connection->requests.oversized ? UNKNOWN_OVERSIZED : UNKNOWN_NOT_HTTP,
			&connection->sender, tid);
	}
	if (piece->event != HTTP_HEAD)
		return;
	rehearsal->counted = true;
	if (!rehearsal->recounts) {
		if (connection->marked) {
			struct process_stats *stats = rehearse__stats();

			if (stats)
				ATOMIC_INC(&stats->rehearsed);
			rehearse__remember();
		}
		emit__request(key, connection, tid);
	}
	rehearsal->recounts = false;
	connection->marked = false;
}

/* Looks at the beginning of a message, up to the end of a head. piece->size is its length. */
static __always_inline int rehearse__look(struct sk_msg_md *msg, u64 key,
	struct connection *connection, struct rehearsal *rehearsal, struct piece *piece, u32 tid)
{
	struct parse_cursor *cursor = &connection->cursor;
	bool mapped = rehearse__map(msg, piece);
	u32 size = piece->whole < PIECE_MAX ? piece->whole : PIECE_MAX;
	int verdict;

	piece->whole = size;
	if (!mapped || parse__copy(rehearsal->bytes, size, PIECE_MAX, piece->data, true)) {
		piece->size = msg->size;
		parse__lose_sync(connection, UNKNOWN_UNREADABLE, tid);
		return SK_PASS;
	}
	cursor->piece = (u64)rehearsal->bytes;
	cursor->left = size;
	cursor->event = HTTP_MORE;
	LOOP(PIECE_STEPS, PIECE_STEPS, rehearse__step, &key);
	piece->size = piece->whole - cursor->left;
	piece->event = cursor->event;
	if (!piece->size || piece->event == HTTP_NOT) {
		piece->size = msg->size;
		piece->event = HTTP_NOT;
	}
	verdict = rehearse__mark(msg, key, connection, rehearsal, piece);
	rehearse__count(key, connection, rehearsal, piece, tid);
	return verdict;
}

/* Whether nothing of the connection can be looked at: another layer has its bytes, or none will
 * leave it. */
static __always_inline bool rehearse__is_closed(const struct sock *sk)
{
	return BPF_CORE_READ((const struct inet_connection_sock *)sk, icsk_ulp_ops) ||
	       BPF_CORE_READ(sk, sk_err) || (BPF_CORE_READ(sk, sk_shutdown) & SEND_SHUTDOWN);
}

/* A message that a socket of the sockhash is given, or what is left of it. An enum sk_action. */
static __always_inline int rehearse__message(struct sk_msg_md *msg)
{
	u64 key = (u64)BPF_CORE_READ((struct sk_msg *)msg, sk), thread = bpf_get_current_pid_tgid();
	const struct sock *sk = (const struct sock *)key;
	struct connection *connection = send__find_connection(key);
	struct rehearsal *rehearsal = connection ? rehearse__find(key) : NULL;
	struct piece piece = {.event = HTTP_MORE};
	int verdict = SK_PASS;

	if (!connection || !rehearsal) {
		if (!connection)
			send__untracked(sk, thread);
		return SK_PASS;
	}
	if (rehearse__is_closed(sk))
		return SK_PASS; /* the gap tells what left all the same */
	rehearse__begin(sk, key, connection, rehearsal, thread);
	if (connection->sync == SYNC_NEVER || !parse__resync(connection))
		piece.size = msg->size;
	else
		piece.size = http__skip(&connection->requests, msg->size);
	if (!piece.size)
		verdict = rehearse__look(msg, key, connection, rehearsal, &piece, thread);
	connection->next += piece.size;
	rehearsal->size = piece.size;
	bpf_msg_apply_bytes(msg, piece.size);
	return verdict;
}

/* processes */

/* A process that is in the scope by its number has a child. One that there is no room for is none
 * whose calls are seen. */
static __always_inline void rehearse__fork(struct task_struct *parent, struct task_struct *child)
{
	u32 pid = BPF_CORE_READ(child, tgid), parent_pid = BPF_CORE_READ(parent, tgid);
	u8 yes = 1;

	if ((u32)BPF_CORE_READ(child, pid) != pid || !bpf_map_lookup_elem(&scope_pids, &parent_pid))
		return;
	if (bpf_map_update_elem(&scope_pids, &pid, &yes, BPF_ANY))
		ATOMIC_INC(&counters.unnamed_processes);
}

/* A thread ends, and if it is the last one, its process. */
static __always_inline void rehearse__exit(struct task_struct *task)
{
	struct rehearsed_process *process;
	struct process_key key = {};

	if (BPF_CORE_READ(task, signal, live.counter))
		return;
	/* the kernel takes the programs back some time after it was killed */
	if ((u64)BPF_CORE_READ(task, group_leader) == rehearsal_owner)
		*(volatile bool *)&rehearsal_over = true;
	identity__key(BPF_CORE_READ(task, group_leader), &key);
	key.exec_count = 0;
	bpf_map_delete_elem(&scope_pids, &key.pid);
	process = bpf_map_lookup_elem(&rehearsed_processes, &key);
	if (!process)
		return;
	process->status = BPF_CORE_READ(task, exit_code);
	process->ended_ns = bpf_ktime_get_boot_ns();
}

#endif
