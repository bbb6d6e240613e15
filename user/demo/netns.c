/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "demo/netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/complain.h"
#include "lib/scope.h"

/* Survives exec, so that a client that was exec'ed into the namespace can prove where it is not. */
#define ORIGIN_VARIABLE "IMDSTRACE_ORIGIN_NETNS"

#define ROUTE_PAUSE_MS    5
#define ROUTE_PATIENCE_MS 10000

/* What a namespace is called: the inode of its file. */
struct namespace_id {
	uint64_t device, inode;
};

static int namespace__identify(struct namespace_id *id, const char *path)
{
	struct stat file;

	if (stat(path, &file))
		return -errno;
	id->device = file.st_dev;
	id->inode = file.st_ino;
	return 0;
}

static bool namespace__equal(const struct namespace_id *a, const struct namespace_id *b)
{
	return a->device == b->device && a->inode == b->inode;
}

static int origin__remember(const struct namespace_id *origin)
{
	char text[64];

	snprintf(text, sizeof(text), "%" PRIx64 ":%" PRIx64, origin->device, origin->inode);
	return setenv(ORIGIN_VARIABLE, text, 1) ? -errno : 0;
}

static int origin__recall(struct namespace_id *origin)
{
	const char *text = getenv(ORIGIN_VARIABLE);

	if (!text || sscanf(text, "%" SCNx64 ":%" SCNx64, &origin->device, &origin->inode) != 2)
		return -ENOENT;
	return 0;
}

/* A request to rtnetlink with room for its attributes. */
struct rtnetlink_request {
	struct nlmsghdr header;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
		struct rtmsg route;
	};
	char attributes[64];
};

/* What comes back: the kernel's verdict, or the route that was asked for. */
struct rtnetlink_answer {
	struct nlmsghdr header;
	union {
		struct nlmsgerr verdict;
		struct rtmsg route;
	};
	char rest[512];
};

static void rtnetlink__put(
	struct rtnetlink_request *request, unsigned short type, const void *value, size_t size)
{
	struct rtattr *attribute =
		(void *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(size);
	memcpy(RTA_DATA(attribute), value, size);
	request->header.nlmsg_len =
		NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

/* Sends request and waits for its answer, of which the part that is read is sure to be there. */
static int rtnetlink__ask(struct rtnetlink_request *request, struct rtnetlink_answer *answer)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	size_t least = sizeof(answer->header);
	ssize_t size;

	if (fd < 0)
		return -errno;
	request->header.nlmsg_flags |= NLM_F_REQUEST;
	if (sendto(fd, request, request->header.nlmsg_len, 0, (void *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	size = recv(fd, answer, sizeof(*answer), 0);
	if (size < 0)
		return -errno;
	if ((size_t)size < least)
		return -EPROTO;
	least += answer->header.nlmsg_type == NLMSG_ERROR ? sizeof(answer->verdict)
							  : sizeof(answer->route);
	return (size_t)size < least ? -EPROTO : 0;
}

/* Sends request and waits for the kernel's verdict on it. */
static int rtnetlink__do(struct rtnetlink_request *request)
{
	struct rtnetlink_answer answer;
	int error;

	request->header.nlmsg_flags |= NLM_F_ACK;
	error = rtnetlink__ask(request, &answer);
	if (error)
		return error;
	return answer.header.nlmsg_type == NLMSG_ERROR ? answer.verdict.error : -EPROTO;
}

static int loopback__up(unsigned int index)
{
	struct rtnetlink_request request = {
		.header = {.nlmsg_type = RTM_NEWLINK,
			.nlmsg_len = NLMSG_LENGTH(sizeof(request.link))},
		.link = {.ifi_family = AF_UNSPEC,
			.ifi_index = index,
			.ifi_flags = IFF_UP,
			.ifi_change = IFF_UP},
	};

	return rtnetlink__do(&request);
}

/* The whole address belongs to lo: a prefix as long as itself, no duplicate detection. */
static int loopback__add(unsigned int index, unsigned char family, const void *address, size_t size)
{
	struct rtnetlink_request request = {
		.header = {.nlmsg_type = RTM_NEWADDR,
			.nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL,
			.nlmsg_len = NLMSG_LENGTH(sizeof(request.address))},
		.address = {.ifa_family = family,
			.ifa_prefixlen = size * 8,
			.ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0,
			.ifa_scope = RT_SCOPE_UNIVERSE,
			.ifa_index = index},
	};

	rtnetlink__put(&request, IFA_LOCAL, address, size);
	rtnetlink__put(&request, IFA_ADDRESS, address, size);
	return rtnetlink__do(&request);
}

/* Whether what is sent to address is delivered to this machine itself. */
static bool route__is_local(unsigned char family, const void *address, size_t size)
{
	struct rtnetlink_request request = {
		.header = {.nlmsg_type = RTM_GETROUTE,
			.nlmsg_len = NLMSG_LENGTH(sizeof(request.route))},
		.route = {.rtm_family = family, .rtm_dst_len = size * 8},
	};
	struct rtnetlink_answer answer;

	rtnetlink__put(&request, RTA_DST, address, size);
	return !rtnetlink__ask(&request, &answer) && answer.header.nlmsg_type == RTM_NEWROUTE &&
	       answer.route.rtm_type == RTN_LOCAL;
}

/* The kernel adds the route of an IPv6 address later, from a work queue
 * (net/ipv6/addrconf.c, addrconf_dad_work()). */
static bool route__becomes_local(unsigned char family, const void *address, size_t size)
{
	static const struct timespec pause = {.tv_nsec = ROUTE_PAUSE_MS * 1000000L};

	for (int waited = 0; waited <= ROUTE_PATIENCE_MS; waited += ROUTE_PAUSE_MS) {
		if (route__is_local(family, address, size))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static void endpoint__ipv4(struct in_addr *address)
{
	address->s_addr = htonl(ENDPOINT_IPV4);
}

static void endpoint__ipv6(struct in6_addr *address)
{
	for (int i = 0; i < 8; i++) {
		address->s6_addr[i] = ENDPOINT_IPV6_HI >> (56 - 8 * i);
		address->s6_addr[8 + i] = ENDPOINT_IPV6_LO >> (56 - 8 * i);
	}
}

int netns__enter_private(struct endpoint_addresses *held)
{
	struct namespace_id origin = {0};
	struct in6_addr ipv6;
	struct in_addr ipv4;
	unsigned int index;
	int error;

	error = namespace__identify(&origin, "/proc/thread-self/ns/net");
	if (error)
		return complain_errno(
			-error, "cannot read /proc/thread-self/ns/net; is /proc mounted?");
	error = origin__remember(&origin);
	if (error)
		return complain_errno(-error,
			"cannot remember the network namespace that was left: %s",
			strerror(-error));
	if (unshare(CLONE_NEWNET))
		return complain_errno(errno,
			"cannot make a private network namespace: %s (it needs root, or CAP_SYS_ADMIN)",
			strerror(errno));

	index = if_nametoindex("lo");
	error = index ? loopback__up(index) : -errno;
	if (error)
		return complain_errno(-error,
			"cannot bring up lo in the private network namespace: %s",
			strerror(-error));

	endpoint__ipv4(&ipv4);
	endpoint__ipv6(&ipv6);
	error = loopback__add(index, AF_INET, &ipv4, sizeof(ipv4));
	if (error)
		return complain_errno(-error, "cannot give 169.254.169.254 to the private lo: %s",
			strerror(-error));
	if (!route__becomes_local(AF_INET, &ipv4, sizeof(ipv4)))
		return complain_errno(
			ENETUNREACH, "the private lo has no route to 169.254.169.254");
	held->ipv4 = true;
	if (loopback__add(index, AF_INET6, &ipv6, sizeof(ipv6)))
		return 0; /* a kernel without IPv6 */
	if (!route__becomes_local(AF_INET6, &ipv6, sizeof(ipv6)))
		return complain_errno(ENETUNREACH, "the private lo has no route to fd00:ec2::254");
	held->ipv6 = true;
	return 0;
}

/* The namespace is a new one, not the machine's. /proc/1/ns may be closed to us; then the origin
 * alone speaks, and without both nothing is proved. */
static int namespace__check_new(void)
{
	struct namespace_id current = {0}, first = {0}, origin = {0};
	bool first_known = !namespace__identify(&first, "/proc/1/ns/net");
	bool origin_known = !origin__recall(&origin);
	int error;

	error = namespace__identify(&current, "/proc/thread-self/ns/net");
	if (error)
		return complain_errno(
			-error, "cannot read /proc/thread-self/ns/net; is /proc mounted?");
	if ((first_known && namespace__equal(&current, &first)) ||
		(origin_known && namespace__equal(&current, &origin)) ||
		(!first_known && !origin_known))
		return complain_errno(EPERM,
			"will not call the metadata service: this is not a network namespace of our own");
	return 0;
}

static bool address__is_endpoint(const struct sockaddr *address, enum endpoint_family family)
{
	struct in6_addr ipv6;
	struct in_addr ipv4;

	if (!address)
		return false;
	if (family == FAMILY_IPV4) {
		endpoint__ipv4(&ipv4);
		return address->sa_family == AF_INET &&
		       !memcmp(&((const struct sockaddr_in *)address)->sin_addr, &ipv4,
			       sizeof(ipv4));
	}
	endpoint__ipv6(&ipv6);
	return address->sa_family == AF_INET6 &&
	       !memcmp(&((const struct sockaddr_in6 *)address)->sin6_addr, &ipv6, sizeof(ipv6));
}

/* Whether the kernel delivers to the endpoint's address of that family right here. */
static bool endpoint__is_local(enum endpoint_family family)
{
	struct in6_addr ipv6;
	struct in_addr ipv4;

	endpoint__ipv4(&ipv4);
	endpoint__ipv6(&ipv6);
	return family == FAMILY_IPV6 ? route__is_local(AF_INET6, &ipv6, sizeof(ipv6))
				     : route__is_local(AF_INET, &ipv4, sizeof(ipv4));
}

/* lo is all there is, is up, and holds the address. getifaddrs lists every link, also one without
 * an address. */
static int loopback__check(enum endpoint_family family)
{
	bool holds = false;
	struct ifaddrs *all;
	int error = 0;

	if (getifaddrs(&all))
		return complain_errno(
			errno, "cannot list the network interfaces: %s", strerror(errno));
	for (struct ifaddrs *each = all; each && !error; each = each->ifa_next) {
		if (strcmp(each->ifa_name, "lo"))
			error = complain_errno(EPERM,
				"will not call the metadata service: the network namespace has an interface beside lo, %s",
				each->ifa_name);
		else if ((each->ifa_flags & IFF_UP) && address__is_endpoint(each->ifa_addr, family))
			holds = true;
	}
	freeifaddrs(all);
	if (!error && !holds)
		error = complain_errno(EPERM,
			"will not call the metadata service: lo does not hold %s",
			family == FAMILY_IPV6 ? "fd00:ec2::254" : "169.254.169.254");
	if (!error && !endpoint__is_local(family))
		error = complain_errno(EPERM,
			"will not call the metadata service: the route to it does not end here");
	return error;
}

int netns__check_private(enum endpoint_family family)
{
	int error = namespace__check_new();

	return error ? error : loopback__check(family);
}
