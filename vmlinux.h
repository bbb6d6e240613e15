/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types that the BPF side reads, and only their fields that it reads. CO-RE relocates
 * every access against the running kernel's BTF, so neither order nor padding matters here and
 * the file is the same for every architecture. What differs between kernel releases is in
 * bpf/compat.h, beside the release that changed it.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u8 u8;
typedef __u16 u16;
typedef __s32 s32;
typedef __u32 u32;
typedef __s64 s64;
typedef __u64 u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef _Bool bool;
typedef unsigned long size_t;
typedef int pid_t;

enum { false, true };

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_SOCKHASH = 18,
	BPF_MAP_TYPE_RINGBUF = 27,
};

/* bpf_map_update_elem() */
enum { BPF_ANY, BPF_NOEXIST, BPF_EXIST };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next, *prev;
};

/* who */

typedef struct {
	u32 val;
} kuid_t;

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	unsigned int f_flags;
	struct path f_path;
};

struct task_struct;

struct mm_struct {
	struct file *exe_file;
	unsigned long arg_start, arg_end;
	struct task_struct *owner; /* CONFIG_MEMCG */
};

struct kernfs_node {
	const char *name;
};

struct cgroup_root;

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgroup_root {
	char name[64];
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
	struct list_head cgrp_links;
};

struct cgrp_cset_link {
	struct cgroup *cgrp;
	struct list_head cgrp_link;
};

enum cgroup_subsys_id { cpu_cgrp_id, memory_cgrp_id, pids_cgrp_id };

struct cred {
	kuid_t uid;
};

struct net;

struct nsproxy {
	struct net *net_ns;
};

struct pid_namespace {
	struct task_struct *child_reaper;
};

struct upid {
	struct pid_namespace *ns;
};

struct pid {
	struct upid numbers[1];
};

struct task_struct {
	unsigned int flags;
	pid_t pid, tgid;
	struct task_struct *real_parent, *group_leader;
	u64 start_boottime;
	u64 self_exec_id;
	struct mm_struct *mm;
	const struct cred *cred;
	struct css_set *cgroups;
	struct pid *thread_pid;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	int exit_code;
	char comm[16];
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
};

/* what is sent */

struct iovec {
	void *iov_base;
	size_t iov_len;
};

enum iter_type { ITER_IOVEC, ITER_KVEC, ITER_UBUF };

struct iov_iter {
	u8 iter_type;
	size_t iov_offset;
	size_t count;
	const struct iovec *__iov;
	void *ubuf;
	unsigned long nr_segs;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
	struct iov_iter msg_iter;
	unsigned int msg_flags;
};

/* where to */

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};

struct sock_common {
	__be32 skc_daddr;
	__be16 skc_dport;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned long skc_flags;
	struct in6_addr skc_v6_daddr;
};

enum sock_flags { SOCK_ZEROCOPY = 26 };

struct socket {
	struct file *file;
};

typedef struct {
	int owned;
} socket_lock_t;

struct sock {
	struct sock_common __sk_common;
	socket_lock_t sk_lock;
	u16 sk_protocol;
	u16 sk_type;
	u8 sk_shutdown;
	int sk_err, sk_wmem_queued, sk_sndbuf;
	struct socket *sk_socket;
};

struct tcp_ulp_ops;

struct inet_connection_sock {
	const struct tcp_ulp_ops *icsk_ulp_ops;
	void *icsk_ulp_data;
	struct {
		u32 lrcvtime;
	} icsk_ack;
};

struct tcp_sock {
	u32 write_seq;
	u32 snd_una;
	u32 snd_wl1;
	u32 rcv_nxt;
	u64 bytes_acked;
	u64 bytes_received;
	u32 lsndtime;
	bool is_mptcp;
	struct tcp_fastopen_request *fastopen_req;
};

struct tcp_fastopen_request {
	struct msghdr *data;
};

struct mptcp_sock {
	struct sock *first;
	u64 write_seq;
};

struct mptcp_subflow_context {
	struct sock *conn;
};

struct net_device {
	char name[16];
};

struct sk_buff {
	struct net_device *dev;
	unsigned int len, data_len;
	int skb_iif;
	u16 network_header;
	unsigned char *head;
};

/* What sk_msg and sockops programs are given stands in these of the kernel's own. */

struct sk_msg {
	void *data, *data_end;
	struct sock *sk;
};

struct bpf_sock_ops_kern {
	struct sock *sk;
};

#pragma clang attribute pop

/* What kprobe programs are given: the registers, in the layout of each architecture's user API. */

struct pt_regs { /* x86-64 */
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax;
	unsigned long ip, cs, flags, sp, ss;
};

struct user_pt_regs { /* arm64 */
	__u64 regs[31];
	__u64 sp, pc, pstate;
};

/* What cgroup_skb, sockops and sk_msg programs are given: the kernel's user API, whose layout never
 * changes. */

struct bpf_sock {
	__u32 bound_dev_if, family, type, protocol, mark, priority;
	__u32 src_ip4, src_ip6[4];
	__u32 src_port;
	__be16 dst_port, unused;
	__u32 dst_ip4, dst_ip6[4];
};

/* What a program of a netfilter link is given. */
struct bpf_nf_ctx {
	const void *state;
	struct sk_buff *skb;
};

enum { BPF_SOCK_OPS_TCP_CONNECT_CB = 3 };

struct bpf_sock_ops {
	__u32 op;
	__u32 args[4];
	__u32 family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4], remote_port, local_port;
	__u32 is_fullsock, snd_cwnd, srtt_us, bpf_sock_ops_cb_flags, state, rtt_min, snd_ssthresh;
	__u32 rcv_nxt, snd_nxt, snd_una, mss_cache, ecn_flags, rate_delivered, rate_interval_us;
	__u32 packets_out, retrans_out, total_retrans, segs_in, data_segs_in, segs_out;
	__u32 data_segs_out, lost_out, sacked_out, sk_txhash;
	__u64 bytes_received, bytes_acked;
	struct bpf_sock *sk __attribute__((aligned(8)));
};

struct __sk_buff {
	__u32 len, pkt_type, mark, queue_mapping;
	__u32 protocol; /* __be16 */
	__u32 vlan_present, vlan_tci, vlan_proto, priority, ingress_ifindex, ifindex, tc_index;
	__u32 cb[5];
	__u32 hash, tc_classid, data, data_end, napi_id;
	__u32 family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4], remote_port, local_port;
	__u32 data_meta;
	__u64 flow_keys;
	__u64 tstamp;
	__u32 wire_len, gso_segs;
	struct bpf_sock *sk __attribute__((aligned(8)));
};

struct sk_msg_md {
	void *data, *data_end;
	__u32 family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4], remote_port, local_port;
	__u32 size;
	struct bpf_sock *sk;
};

enum sk_action { SK_DROP, SK_PASS };

#endif
