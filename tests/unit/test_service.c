/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The demo's and the tests' metadata service as a client sees them. Runs in a network namespace of
 * its own, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "skipping.h"
#include "lib/array.h"
#include "../service/service.h"
#include "demo/imds.h"
#include "demo/imds_http.h"
#include "demo/netns.h"
#include "lib/scope.h"

#define GET(path)    "GET " path " HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n"
#define PUT(headers) "PUT /latest/api/token HTTP/1.1\r\n" headers "\r\n"
#define TTL          "X-aws-ec2-metadata-token-ttl-seconds: "
#define TOKEN        "X-aws-ec2-metadata-token: "
#define AMI          "/latest/meta-data/ami-id"

static struct endpoint_addresses held;
static int outside_check; /* what netns__check_private said before the namespace was entered */
static int entered;

static int enter(void **state)
{
	(void)state;
	outside_check = netns__check_private(FAMILY_IPV4);
	entered = netns__enter_private(&held);
	return 0;
}

static void need_namespace(void)
{
	if (entered)
		skip_because("no private network can be made here");
	assert_int_equal(netns__check_private(FAMILY_IPV4), 0);
}

static int connect_to_endpoint(enum endpoint_family family)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	struct timeval limit = {.tv_sec = 20};
	bool six = family == FAMILY_IPV6;
	int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(netns__check_private(family), 0);
	inet_pton(AF_INET, "169.254.169.254", &ipv4.sin_addr);
	inet_pton(AF_INET6, "fd00:ec2::254", &ipv6.sin6_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(
		connect(fd, six ? (void *)&ipv6 : (void *)&ipv4, six ? sizeof(ipv6) : sizeof(ipv4)),
		0);
	return fd;
}

/* Reads until the service closes; out holds what came, ended by a NUL. */
static void read_all(int fd, char *out, size_t size)
{
	size_t at = 0;
	ssize_t got;

	while (at < size - 1 && (got = recv(fd, out + at, size - 1 - at, 0)) > 0)
		at += got;
	out[at] = '\0';
}

/* One connection: sends bytes, piece by piece, says that there is no more, and reads the answers.
 */
static void talk(const char *bytes, size_t piece, char *out, size_t size)
{
	_close_ int fd = connect_to_endpoint(FAMILY_IPV4);

	for (size_t at = 0; at < strlen(bytes); at += piece) {
		size_t left = strlen(bytes) - at;

		if (send(fd, bytes + at, left < piece ? left : piece, MSG_NOSIGNAL) < 0)
			break; /* closed or reset by the service: what came back tells */
	}
	shutdown(fd, SHUT_WR);
	read_all(fd, out, size);
}

static pid_t start(enum service_mode mode, enum service_style style)
{
	struct service_options options = {
		.mode = mode, .style = style, .addresses = {.ipv4 = true, .ipv6 = held.ipv6}};
	pid_t pid;

	need_namespace();
	assert_int_equal(service__start(&options, &pid), 0);
	return pid;
}

static const struct {
	const char *name;
	enum service_mode mode;
	const char *request;
	const char *starts; /* of all that came back */
	const char *holds;
} answers[] = {
	{"a tokenless GET", SERVICE_OPTIONAL, GET(AMI), "HTTP/1.1 200 OK\r\n", "\r\n\r\nami-0abc"},
	{"the service says its name", SERVICE_OPTIONAL, GET(AMI), "HTTP/1.1 200",
		"Server: EC2ws\r\n"},
	{"HTTP/1.0", SERVICE_OPTIONAL, "GET " AMI " HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n",
		"close"},
	{"HEAD has no body", SERVICE_OPTIONAL, "HEAD " AMI " HTTP/1.1\r\n\r\n", "HTTP/1.1 200",
		"Content-Length: 21\r\n"},
	{"a dated version", SERVICE_OPTIONAL, GET("/2021-03-23/meta-data/placement/region"),
		"HTTP/1.1 200", "us-east-1"},
	{"no such version", SERVICE_OPTIONAL, GET("/newest/meta-data/ami-id"), "HTTP/1.1 404", ""},
	{"no such path", SERVICE_OPTIONAL, GET("/latest/meta-data/nothing"), "HTTP/1.1 404", ""},
	{"another cloud's path", SERVICE_OPTIONAL, GET("/computeMetadata/v1/"), "HTTP/1.1 404", ""},
	{"a directory with its slash", SERVICE_OPTIONAL, GET("/latest/meta-data/"), "HTTP/1.1 200",
		"ami-id\nhostname"},
	{"a directory without it", SERVICE_OPTIONAL, GET("/latest/meta-data"), "HTTP/1.1 200",
		"ami-id\nhostname"},
	{"a query is not part of the path", SERVICE_OPTIONAL, GET(AMI "?x=1"), "HTTP/1.1 200",
		"ami-0"},
	{"an absolute target", SERVICE_OPTIONAL, GET("http://169.254.169.254" AMI), "HTTP/1.1 200",
		"ami-0"},
	{"the role's name", SERVICE_OPTIONAL, GET("/latest/meta-data/iam/security-credentials/"),
		"HTTP/1.1 200", "imdstrace-demo-role"},
	{"the role's credentials", SERVICE_OPTIONAL,
		GET("/latest/meta-data/iam/security-credentials/imdstrace-demo-role"),
		"HTTP/1.1 200", "\"AccessKeyId\""},
	{"the identity document", SERVICE_OPTIONAL,
		GET("/latest/dynamic/instance-identity/document"), "HTTP/1.1 200",
		"\"instanceId\" : \"i-"},
	{"a POST", SERVICE_OPTIONAL, "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 405", ""},
	{"OPTIONS *", SERVICE_OPTIONAL, "OPTIONS * HTTP/1.1\r\n\r\n", "HTTP/1.1 405", ""},
	{"a token", SERVICE_OPTIONAL, PUT(TTL "60\r\n"), "HTTP/1.1 200",
		"X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 60\r\n"},
	{"the longest ttl", SERVICE_OPTIONAL, PUT(TTL "21600\r\n"), "HTTP/1.1 200", "AQAEA"},
	{"a ttl that is too long", SERVICE_OPTIONAL, PUT(TTL "21601\r\n"), "HTTP/1.1 400", ""},
	{"a ttl of nothing", SERVICE_OPTIONAL, PUT(TTL "0\r\n"), "HTTP/1.1 400", ""},
	{"a ttl that is no number", SERVICE_OPTIONAL, PUT(TTL "6h\r\n"), "HTTP/1.1 400", ""},
	{"a PUT without ttl", SERVICE_OPTIONAL, PUT(""), "HTTP/1.1 400", ""},
	{"a forwarded PUT", SERVICE_OPTIONAL, PUT(TTL "60\r\nX-Forwarded-For: 10.0.0.1\r\n"),
		"HTTP/1.1 403", ""},
	{"a GET of the token's path", SERVICE_OPTIONAL, GET("/latest/api/token"), "HTTP/1.1 405",
		""},
	{"a wrong token", SERVICE_OPTIONAL, "GET " AMI " HTTP/1.1\r\n" TOKEN "wrong\r\n\r\n",
		"HTTP/1.1 401 Unauthorized\r\n", ""},
	{"an empty token", SERVICE_OPTIONAL, "GET " AMI " HTTP/1.1\r\n" TOKEN "\r\n\r\n",
		"HTTP/1.1 401", ""},
	{"no token where one is required", SERVICE_REQUIRED, GET(AMI), "HTTP/1.1 401", ""},
	{"silence", SERVICE_SILENT, GET(AMI), "", ""},
	{"a dropped PUT", SERVICE_PUT_DROPPED, PUT(TTL "60\r\n"), "", ""},
	{"a GET where PUTs are dropped", SERVICE_PUT_DROPPED, GET(AMI), "HTTP/1.1 200", "ami-0"},
	{"a refused PUT", SERVICE_PUT_REFUSED, PUT(TTL "60\r\n"), "HTTP/1.1 403", ""},
	{"a GET where PUTs are refused", SERVICE_PUT_REFUSED, GET(AMI), "HTTP/1.1 200", "ami-0"},
	{"closed at once", SERVICE_CLOSED, GET(AMI), "", ""},
	{"reset at once", SERVICE_RESET, GET(AMI), "", ""},
	{"no HTTP", SERVICE_OPTIONAL, "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400", "close"},
	{"HTTP/0.9", SERVICE_OPTIONAL, "GET /\r\n\r\n", "HTTP/1.1 400", ""},
	{"HTTP/2", SERVICE_OPTIONAL, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 400", ""},
	{"a head that never ends", SERVICE_OPTIONAL, "GET / HTTP/1.1\r\nHost:", "", ""},
	{"100-continue", SERVICE_OPTIONAL,
		"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 405", ""},
	{"two pipelined", SERVICE_OPTIONAL, GET(AMI) GET("/latest/meta-data/mac"), "HTTP/1.1 200",
		"ami-0abcdef1234567890HTTP/1.1 200 OK\r\n"},
	{"a request behind a body", SERVICE_OPTIONAL,
		"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /" GET(AMI), "HTTP/1.1 405",
		"</html>\nHTTP/1.1 200 OK\r\n"},
	{"a request behind a chunked body", SERVICE_OPTIONAL,
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5;a=b\r\nGET /\r\n0\r\nTrailer: x\r\n\r\n" GET(AMI),
		"HTTP/1.1 405", "</html>\nHTTP/1.1 200 OK\r\n"},
	{"a chunk that has no size", SERVICE_OPTIONAL,
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "HTTP/1.1 400", ""},
	{"bare line feeds", SERVICE_OPTIONAL, "GET " AMI " HTTP/1.1\nHost: a\n\n", "HTTP/1.1 200",
		""},
	{"empty lines before a request", SERVICE_OPTIONAL, "\r\n\r\n" GET(AMI), "HTTP/1.1 200", ""},
	{"nothing behind an answered PUT that was dropped", SERVICE_PUT_DROPPED,
		PUT(TTL "60\r\n") GET(AMI), "", ""},
};

static void check_answer(size_t row, const char *came)
{
	if (strncmp(came, answers[row].starts, strlen(answers[row].starts)) ||
		!strstr(came, answers[row].holds) || (!answers[row].starts[0] && came[0]))
		fail_msg("%s: \"%s\"", answers[row].name, came);
}

static void answers_as_the_real_service_does(void **state)
{
	static const size_t pieces[] = {65536, 7, 1};
	char came[8192];

	(void)state;
	for (int mode = 0; mode < SERVICE_MODE_COUNT; mode++) {
		pid_t pid = start(mode, SERVICE_LENGTH);

		for (size_t row = 0; row < ARRAY_SIZE(answers); row++)
			for (size_t i = 0; answers[row].mode == (enum service_mode)mode && i < 3;
				i++) {
				talk(answers[row].request, pieces[i], came, sizeof(came));
				check_answer(row, came);
			}
		imds__stop(pid);
	}
}

/* The demo's own, which has a thread for each connection. */
static void the_demo_s_answers_as_the_real_service_does(void **state)
{
	static const enum service_mode modes[] = {SERVICE_OPTIONAL, SERVICE_PUT_DROPPED};
	char came[8192];

	(void)state;
	need_namespace();
	for (size_t mode = 0; mode < ARRAY_SIZE(modes); mode++) {
		struct imds_options options = {
			.addresses = held, .drops_puts = modes[mode] == SERVICE_PUT_DROPPED};
		pid_t pid;

		assert_int_equal(imds__start(&options, &pid), 0);
		for (size_t row = 0; row < ARRAY_SIZE(answers); row++) {
			if (answers[row].mode != modes[mode])
				continue;
			talk(answers[row].request, 7, came, sizeof(came));
			check_answer(row, came);
		}
		imds__stop(pid);
	}
}

static const struct {
	enum service_style style;
	const char *holds;
} styles[] = {
	{SERVICE_LENGTH, "Content-Length: 21\r\n"},
	{SERVICE_CHUNKED, "\r\n\r\na\r\nami-0abcde\r\nb\r\nf1234567890\r\n0\r\n\r\n"},
	{SERVICE_CLOSE, "Connection: close\r\n\r\nami-0abcdef1234567890"},
	{SERVICE_PIECES, "Content-Length: 21\r\n"},
};

static void frames_answers_in_several_styles(void **state)
{
	char came[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(styles); i++) {
		pid_t pid = start(SERVICE_OPTIONAL, styles[i].style);

		talk(GET(AMI), 1000, came, sizeof(came));
		if (strncmp(came, "HTTP/1.1 200 OK\r\n", 17) || !strstr(came, styles[i].holds))
			fail_msg("%s: \"%s\"", service_style__name(styles[i].style), came);
		imds__stop(pid);
	}
}

static void a_token_opens_a_service_that_requires_one(void **state)
{
	pid_t pid = start(SERVICE_REQUIRED, SERVICE_LENGTH);
	char came[4096], request[512], *token;

	(void)state;
	talk(PUT(TTL "60\r\n"), 1000, came, sizeof(came));
	token = strstr(came, "\r\n\r\n");
	assert_non_null(token);
	snprintf(request, sizeof(request),
		"GET " AMI " HTTP/1.1\r\nx-AWS-ec2-METADATA-token:%s\r\n\r\n", token + 4);
	talk(request, 1000, came, sizeof(came));
	imds__stop(pid);
	if (strncmp(came, "HTTP/1.1 200", 12))
		fail_msg("\"%s\"", came);
}

static void answers_over_ipv6(void **state)
{
	_close_ int fd = -1;
	char came[4096];
	pid_t pid;

	(void)state;
	need_namespace();
	if (!held.ipv6)
		skip_because("lo has no IPv6 address here");
	pid = start(SERVICE_OPTIONAL, SERVICE_LENGTH);
	fd = connect_to_endpoint(FAMILY_IPV6);
	assert_true(send(fd, GET(AMI), strlen(GET(AMI)), MSG_NOSIGNAL) > 0);
	shutdown(fd, SHUT_WR);
	read_all(fd, came, sizeof(came));
	imds__stop(pid);
	assert_memory_equal(came, "HTTP/1.1 200", 12);
}

static void a_client_that_does_not_read_gets_all_its_answers_later(void **state)
{
	pid_t pid = start(SERVICE_OPTIONAL, SERVICE_LENGTH);
	_close_ int fd = connect_to_endpoint(FAMILY_IPV4);
	unsigned int answered = 0;
	static char came[4 << 20];

	(void)state;
	for (int i = 0; i < 5000; i++)
		assert_int_equal(send(fd, GET(AMI), strlen(GET(AMI)), 0), strlen(GET(AMI)));
	shutdown(fd, SHUT_WR);
	read_all(fd, came, sizeof(came));
	imds__stop(pid);
	for (char *at = came; (at = strstr(at, "HTTP/1.1 200")); at++)
		answered++;
	assert_int_equal(answered, 5000);
}

static void ends_with_its_parent(void **state)
{
	int ends[2], pidfd;
	pid_t parent, pid;

	(void)state;
	need_namespace();
	pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	if (pidfd < 0 && errno == ENOSYS)
		skip_because("there is no pidfd_open() here, as under valgrind 3.19");
	close(pidfd);
	assert_int_equal(pipe(ends), 0);
	parent = fork();
	if (!parent) {
		struct service_options options = {.addresses = {.ipv4 = true}};

		if (service__start(&options, &pid) || write(ends[1], &pid, sizeof(pid)) < 0)
			_exit(1);
		pause();
	}
	assert_int_equal(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	assert_true(pidfd >= 0);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	assert_int_equal(poll(&(struct pollfd){.fd = pidfd, .events = POLLIN}, 1, 20000), 1);
	close(pidfd);
	close(ends[0]);
	close(ends[1]);
}

static void records_what_it_received(void **state)
{
	struct service_options options = {.addresses = {.ipv4 = true}};
	char came[4096], record[256];
	int ends[2];
	ssize_t size;
	pid_t pid;

	(void)state;
	need_namespace();
	assert_int_equal(pipe(ends), 0);
	options.record = ends[1];
	assert_int_equal(service__start(&options, &pid), 0);
	talk(GET(AMI) PUT(TTL "1\r\n") "HEAD /\x01 HTTP/1.1\r\n" TOKEN "a\r\n\r\n", 1000, came,
		sizeof(came));
	imds__stop(pid);
	size = read(ends[0], record, sizeof(record) - 1);
	assert_true(size > 0);
	record[size] = '\0';
	assert_string_equal(record, "GET " AMI " none 200\nPUT /latest/api/token ttl 200\n"
				    "HEAD /? token 401\n");
	close(ends[0]);
	close(ends[1]);
}

static void nothing_is_sent_from_a_namespace_that_is_not_its_own(void **state)
{
	(void)state;
	assert_int_equal(outside_check, -EPERM);
}

static void every_mode_and_style_is_found_by_its_name(void **state)
{
	enum service_style style;
	enum service_mode mode;

	(void)state;
	for (int i = 0; i < SERVICE_MODE_COUNT; i++) {
		assert_int_equal(service_mode__find(service_mode__name(i), &mode), 0);
		assert_int_equal(mode, i);
	}
	for (int i = 0; i < SERVICE_STYLE_COUNT; i++) {
		assert_int_equal(service_style__find(service_style__name(i), &style), 0);
		assert_int_equal(style, i);
	}
	assert_int_equal(service_mode__find("", &mode), -EINVAL);
	assert_int_equal(service_style__find("lengthy", &style), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_sent_from_a_namespace_that_is_not_its_own),
		cmocka_unit_test(every_mode_and_style_is_found_by_its_name),
		cmocka_unit_test(answers_as_the_real_service_does),
		cmocka_unit_test(the_demo_s_answers_as_the_real_service_does),
		cmocka_unit_test(frames_answers_in_several_styles),
		cmocka_unit_test(a_token_opens_a_service_that_requires_one),
		cmocka_unit_test(answers_over_ipv6),
		cmocka_unit_test(a_client_that_does_not_read_gets_all_its_answers_later),
		cmocka_unit_test(ends_with_its_parent),
		cmocka_unit_test(records_what_it_received),
	};

	return cmocka_run_group_tests_name("imds", tests, enter, NULL);
}
