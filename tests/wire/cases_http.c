/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* HTTP/1 as RFC 9112 has it, what looks like it, and what is none. */
#include <stdio.h>
#include <string.h>

#include "lib/scope.h"
#include "standard.h"
#include "wire.h"

#define GET_AMI "GET " AMI " HTTP/1.1\r\n"

#define ROW(title, bytes, ...)                                        \
	{                                                             \
		.name = title, TEXT(bytes), .expect = { __VA_ARGS__ } \
	}

/* Sends "GET <path> HTTP/1.1" with a path of size bytes. */
static int path_of(struct run *run, size_t size)
{
	_free_ char *text = malloc(size + 64), *path = malloc(size + 1);
	struct expected expected[] = {V1("GET", path), {0}};
	int fd = endpoint__connect(run, SOCKET_IPV4);
	int error;

	if (fd < 0)
		return fd;
	memset(path, 'p', size);
	memcpy(path, "/latest/", 8);
	path[size] = '\0';
	sprintf(text, "GET %s HTTP/1.1\r\n" HOST "\r\n", path);
	expected->path_cut = size > TARGET_SIZE - 1;
	error = run__say(run, fd, text);
	run__expect(run, expected);
	endpoint__finish(fd);
	return error;
}

static int path_of_255(struct run *run)
{
	return path_of(run, 255);
}

static int path_of_256(struct run *run)
{
	return path_of(run, 256);
}

static int path_of_5000(struct run *run)
{
	return path_of(run, 5000);
}

static int agent_of(struct run *run, size_t size)
{
	_free_ char *text = malloc(size + 128), *agent = malloc(size + 1);
	struct expected expected[] = {V1_BY("GET", AMI, agent), {0}};
	int fd = endpoint__connect(run, SOCKET_IPV4);
	int error;

	if (fd < 0)
		return fd;
	memset(agent, 'a', size);
	agent[size] = '\0';
	sprintf(text, GET_AMI "User-Agent: %s\r\n" HOST "\r\n", agent);
	error = run__say(run, fd, text);
	run__expect(run, expected);
	endpoint__finish(fd);
	return error;
}

static int agent_of_255(struct run *run)
{
	return agent_of(run, 255);
}

static int agent_of_2000(struct run *run)
{
	return agent_of(run, 2000);
}

/* Garbage, once more after a while, and once more: one event. */
static int garbage_goes_on(struct run *run)
{
	static const struct expected expected[] = {UNKNOWN, {0}};
	int fd = endpoint__connect(run, SOCKET_IPV4);
	int error;

	if (fd < 0)
		return fd;
	error = run__say(run, fd, "SSH-2.0-OpenSSH_9.2p1\r\n");
	rest(20);
	if (!error)
		error = run__say(run, fd, "\x01\x02 more of it\r\n\r\n");
	rest(20);
	if (!error)
		error = run__say(run, fd, "and more\r\n\r\n");
	run__expect(run, expected);
	endpoint__finish(fd);
	return error;
}

#define TLS_HELLO                                      \
	"\x16\x03\x01\x00\x2e\x01\x00\x00\x2a\x03\x03" \
	"abcdefghijklmnopqrstuvwxyz012345"             \
	"\x00\x00\x02\x13\x01\x01\x00"

const struct wire_case http_cases[] = {
	ROW("get", GET_AMI HOST EOL, V1("GET", AMI)),
	ROW("get-without-headers", GET_AMI EOL, V1("GET", AMI)),
	ROW("get-with-agent", GET_AMI "User-Agent: curl/7.88.1\r\n" EOL,
		V1_BY("GET", AMI, "curl/7.88.1")),
	ROW("head", "HEAD " AMI " HTTP/1.1\r\n" EOL, V1("HEAD", AMI)),
	ROW("post", "POST / HTTP/1.1\r\nContent-Length: 0\r\n" EOL, V1("POST", "/")),
	ROW("delete", "DELETE /x HTTP/1.1\r\n" EOL, FOREIGN("DELETE", "/x")),
	ROW("options-star", "OPTIONS * HTTP/1.1\r\n" EOL, V1("OPTIONS", "*")),
	ROW("connect-authority", "CONNECT 169.254.169.254:80 HTTP/1.1\r\n" EOL,
		V1("CONNECT", "169.254.169.254:80")),
	ROW("method-of-its-own", "M-SEARCH / HTTP/1.1\r\n" EOL, V1("M-SEARCH", "/")),
	ROW("method-in-small-letters", "get " AMI " HTTP/1.1\r\n" EOL, V1("get", AMI)),
	ROW("http-1.0", "GET " AMI " HTTP/1.0\r\n" EOL, V1("GET", AMI)),
	ROW("http-1.0-keep-alive",
		"GET " AMI " HTTP/1.0\r\nConnection: keep-alive\r\n" EOL "GET " MAC
		" HTTP/1.0\r\n" TOKEN_NAME ": a\r\n" EOL,
		V1("GET", AMI), V2("GET", MAC)),
	ROW("http-1.9", "GET " AMI " HTTP/1.9\r\n" EOL, V1("GET", AMI)),
	ROW("query-and-fragment", "GET /latest/?a=1&b=%20#c HTTP/1.1\r\n" EOL,
		V1("GET", "/latest/?a=1&b=%20#c")),
	ROW("bytes-above-ascii-in-path", "GET /\xff\xfe HTTP/1.1\r\n" EOL,
		FOREIGN("GET", "/\xef\xbf\xbd\xef\xbf\xbd")),
	ROW("utf-8-in-path", "GET /\xc3\xa4 HTTP/1.1\r\n" EOL, FOREIGN("GET", "/\xc3\xa4")),
	ROW("quotes-in-path", "GET /\"\\u0000<script> HTTP/1.1\r\n" EOL,
		V1("GET", "/\"\\u0000<script>")),

	ROW("absolute-form", "GET http://169.254.169.254" AMI " HTTP/1.1\r\n" EOL, V1("GET", AMI)),
	ROW("absolute-form-without-path", "GET http://169.254.169.254 HTTP/1.1\r\n" EOL,
		V1("GET", "/")),
	ROW("absolute-form-with-query-alone", "GET http://169.254.169.254?q=1 HTTP/1.1\r\n" EOL,
		V1("GET", "/?q=1")),
	ROW("absolute-form-with-port-and-query",
		"GET HTTP://[fd00:ec2::254]:80/latest?b HTTP/1.1\r\n" EOL, V1("GET", "/latest?b")),
	ROW("absolute-form-token", "PUT http://169.254.169.254" TOKEN_PATH " HTTP/1.1\r\n" EOL,
		TOKEN(TOKEN_PATH)),
	ROW("absolute-form-foreign", "GET http://169.254.169.254/opc/v2/instance/ HTTP/1.1\r\n" EOL,
		FOREIGN("GET", "/opc/v2/instance/")),

	ROW("token", TOKEN_TEXT, TOKEN_EVENT),
	ROW("token-without-ttl", "PUT " TOKEN_PATH " HTTP/1.1\r\n" EOL, TOKEN(TOKEN_PATH)),
	ROW("token-with-query", "PUT " TOKEN_PATH "?x=y HTTP/1.1\r\n" TTL_NAME ": 1\r\n" EOL,
		TOKEN(TOKEN_PATH "?x=y")),
	ROW("token-over-http-1.0", "PUT " TOKEN_PATH " HTTP/1.0\r\n" TTL_NAME ": 1\r\n" EOL,
		TOKEN(TOKEN_PATH)),
	ROW("token-with-token", "PUT " TOKEN_PATH " HTTP/1.1\r\n" TOKEN_NAME ": a\r\n" EOL,
		TOKEN(TOKEN_PATH)),
	ROW("token-with-foreign-header", "PUT " TOKEN_PATH " HTTP/1.1\r\nMetadata: true\r\n" EOL,
		TOKEN(TOKEN_PATH)),
	ROW("get-of-token-path", "GET " TOKEN_PATH " HTTP/1.1\r\n" EOL, V1("GET", TOKEN_PATH)),
	ROW("post-to-token-path", "POST " TOKEN_PATH " HTTP/1.1\r\n" TTL_NAME ": 1\r\n" EOL,
		V2("POST", TOKEN_PATH)),
	ROW("put-below-token-path", "PUT " TOKEN_PATH "/ HTTP/1.1\r\n" EOL,
		V1("PUT", TOKEN_PATH "/")),
	ROW("put-beside-token-path", "PUT " TOKEN_PATH "s HTTP/1.1\r\n" EOL,
		V1("PUT", TOKEN_PATH "s")),
	ROW("put-elsewhere", "PUT " AMI " HTTP/1.1\r\nContent-Length: 0\r\n" EOL, V1("PUT", AMI)),

	ROW("v2", V2_TEXT, V2_EVENT),
	ROW("v2-in-small-letters", GET_AMI "x-aws-ec2-metadata-token:a\r\n" EOL, V2("GET", AMI)),
	ROW("v2-in-capitals", GET_AMI "X-AWS-EC2-METADATA-TOKEN:a\r\n" EOL, V2("GET", AMI)),
	ROW("v2-with-empty-token", GET_AMI TOKEN_NAME ":\r\n" EOL, V2("GET", AMI)),
	ROW("v2-with-blank-token", GET_AMI TOKEN_NAME ":  \t \r\n" EOL, V2("GET", AMI)),
	ROW("v2-with-space-around-token", GET_AMI TOKEN_NAME ": \t a \t\r\n" EOL, V2("GET", AMI)),
	ROW("v2-by-ttl-alone", GET_AMI TTL_NAME ": 60\r\n" EOL, V2("GET", AMI)),
	ROW("v2-by-both", GET_AMI TTL_NAME ": 60\r\n" TOKEN_NAME ": a\r\n" EOL, V2("GET", AMI)),
	ROW("v2-folded-token", GET_AMI TOKEN_NAME ":\r\n AQAEA\r\n" EOL, V2("GET", AMI)),
	ROW("v2-token-first-and-last", GET_AMI TOKEN_NAME ": a\r\n" HOST TOKEN_NAME ": b\r\n" EOL,
		V2("GET", AMI)),
	ROW("v2-with-foreign-header", GET_AMI "Metadata: true\r\n" TOKEN_NAME ": a\r\n" EOL,
		V2("GET", AMI)),
	ROW("v2-with-agent", GET_AMI "user-agent:\taws-cli/2.9 \r\n" TOKEN_NAME ": a\r\n" EOL,
		V2_BY("GET", AMI, "aws-cli/2.9")),

	ROW("token-name-in-url", "GET /" TOKEN_NAME ":%20a HTTP/1.1\r\n" EOL,
		V1("GET", "/" TOKEN_NAME ":****")),
	ROW("token-name-in-value", GET_AMI "X-Note: " TOKEN_NAME ": a\r\n" EOL, V1("GET", AMI)),
	ROW("token-name-in-agent", GET_AMI "User-Agent: " TOKEN_NAME "\r\n" EOL,
		V1_BY("GET", AMI, TOKEN_NAME)),
	ROW("token-name-with-prefix", GET_AMI "Not-" TOKEN_NAME ": a\r\n" EOL, V1("GET", AMI)),
	ROW("token-name-with-suffix", GET_AMI TOKEN_NAME "s: a\r\n" EOL, V1("GET", AMI)),
	ROW("token-name-with-longer-suffix", GET_AMI TTL_NAME "-x: a\r\n" EOL, V1("GET", AMI)),
	ROW("token-name-cut", GET_AMI "X-aws-ec2-metadata-toke: a\r\n" EOL, V1("GET", AMI)),
	ROW("token-name-half-ttl", GET_AMI TOKEN_NAME "-ttl: a\r\n" EOL, V1("GET", AMI)),
	ROW("token-name-with-underscores", GET_AMI "X_aws_ec2_metadata_token: a\r\n" EOL,
		V1("GET", AMI)),
	ROW("token-name-on-folded-line", GET_AMI "X-Note: a\r\n " TOKEN_NAME ": a\r\n" EOL,
		V1("GET", AMI)),
	ROW("token-name-behind-the-head", GET_AMI HOST EOL TOKEN_NAME ": a\r\n" EOL, V1("GET", AMI),
		UNKNOWN),

	ROW("foreign-google", "GET / HTTP/1.1\r\nMetadata-Flavor: Google\r\n" EOL,
		FOREIGN("GET", "/")),
	ROW("foreign-azure", "GET / HTTP/1.1\r\nMetadata: true\r\n" EOL, FOREIGN("GET", "/")),
	ROW("foreign-oracle", "GET / HTTP/1.1\r\nAuthorization: Bearer Oracle\r\n" EOL,
		FOREIGN("GET", "/")),
	ROW("foreign-google-name-in-capitals", "GET / HTTP/1.1\r\nMETADATA-FLAVOR:Google\r\n" EOL,
		FOREIGN("GET", "/")),
	ROW("foreign-google-path", "GET /computeMetadata/v1/instance/id HTTP/1.1\r\n" EOL,
		FOREIGN("GET", "/computeMetadata/v1/instance/id")),
	ROW("foreign-azure-path", "GET /metadata/instance?api-version=2021-02-01 HTTP/1.1\r\n" EOL,
		FOREIGN("GET", "/metadata/instance?api-version=2021-02-01")),
	ROW("foreign-oracle-path", "GET /opc/v1/instance/ HTTP/1.1\r\n" EOL,
		FOREIGN("GET", "/opc/v1/instance/")),
	ROW("foreign-openstack-path", "GET /openstack/latest/meta_data.json HTTP/1.1\r\n" EOL,
		FOREIGN("GET", "/openstack/latest/meta_data.json")),
	ROW("foreign-put", "PUT /computeMetadata/v1/x HTTP/1.1\r\nContent-Length: 0\r\n" EOL,
		FOREIGN("PUT", "/computeMetadata/v1/x")),
	ROW("not-foreign-other-flavor", "GET / HTTP/1.1\r\nMetadata-Flavor: Amazon\r\n" EOL,
		V1("GET", "/")),
	ROW("not-foreign-metadata-false", "GET / HTTP/1.1\r\nMetadata: false\r\n" EOL,
		V1("GET", "/")),
	ROW("not-foreign-metadata-truely", "GET / HTTP/1.1\r\nMetadata: truely\r\n" EOL,
		V1("GET", "/")),
	ROW("not-foreign-other-bearer", "GET / HTTP/1.1\r\nAuthorization: Bearer Oracles\r\n" EOL,
		V1("GET", "/")),
	ROW("not-foreign-longer-name", "GET / HTTP/1.1\r\nX-Metadata: true\r\n" EOL,
		V1("GET", "/")),
	ROW("not-foreign-path-deeper", "GET /latest/metadata/x HTTP/1.1\r\n" EOL,
		V1("GET", "/latest/metadata/x")),
	ROW("foreign-any-path", "GET /metadatas/x HTTP/1.1\r\n" EOL,
		FOREIGN("GET", "/metadatas/x")),
	ROW("foreign-longer-than-latest", "GET /latestfoo HTTP/1.1\r\n" EOL,
		FOREIGN("GET", "/latestfoo")),
	ROW("foreign-go-probe", "GET / HTTP/1.1\r\nUser-Agent: gcloud-golang/0.1\r\n" EOL,
		FOREIGN_BY("GET", "/", "gcloud-golang/0.1")),
	ROW("not-foreign-go-client-at-ec2", GET_AMI "User-Agent: gcloud-golang/0.1\r\n" EOL,
		V1_BY("GET", AMI, "gcloud-golang/0.1")),
	ROW("not-foreign-google-at-ec2", GET_AMI "Metadata-Flavor: Google\r\n" EOL, V1("GET", AMI)),
	ROW("not-foreign-number", "GET /1.0/meta-data/ HTTP/1.1\r\nMetadata: true\r\n" EOL,
		V1("GET", "/1.0/meta-data/")),
	ROW("not-foreign-date", "GET /2007-01-19/ HTTP/1.1\r\nMetadata: true\r\n" EOL,
		V1("GET", "/2007-01-19/")),
	ROW("not-foreign-slashes", "GET //latest/ HTTP/1.1\r\n" EOL, V1("GET", "//latest/")),
	ROW("not-foreign-encoded", "GET /%6Catest HTTP/1.1\r\n" EOL, V1("GET", "/%6Catest")),
	ROW("not-foreign-by-way-of-another", "GET /opc/../latest/ HTTP/1.1\r\n" EOL,
		V1("GET", "/opc/../latest/")),
	ROW("not-foreign-path-in-query", "GET /?/opc/ HTTP/1.1\r\n" EOL, V1("GET", "/?/opc/")),

	ROW("agent-twice", GET_AMI "User-Agent: one\r\nUser-Agent: two\r\n" EOL,
		V1_BY("GET", AMI, "one")),
	ROW("agent-empty", GET_AMI "User-Agent:\r\n" EOL, V1_BY("GET", AMI, "")),
	ROW("agent-with-space-around", GET_AMI "USER-AGENT: \t a b \t \r\n" EOL,
		V1_BY("GET", AMI, "a b")),
	ROW("agent-of-one-does-not-stay", GET_AMI "User-Agent: one\r\n" EOL GET_AMI EOL,
		V1_BY("GET", AMI, "one"), V1("GET", AMI)),
	ROW("bytes-above-ascii-in-agent", GET_AMI "User-Agent: a\x80z\r\n" EOL,
		V1_BY("GET", AMI, "a\xef\xbf\xbdz")),
	ROW("empty-values", GET_AMI "Accept:\r\nX-A: \r\n" HOST EOL, V1("GET", AMI)),
	ROW("obs-fold", GET_AMI "X-A: a\r\n b\r\n\tc\r\n" HOST EOL, V1("GET", AMI)),
	ROW("bare-lf", "GET " AMI " HTTP/1.1\nHost: a\n" TOKEN_NAME ": a\n\n", V2("GET", AMI)),
	ROW("bare-lf-and-crlf-mixed",
		"GET " AMI " HTTP/1.1\nHost: a\r\nAccept: b\n\r\n" GET_AMI "\n", V1("GET", AMI),
		V1("GET", AMI)),
	ROW("empty-lines-before", EOL EOL GET_AMI EOL EOL "\n" V2_TEXT, V1("GET", AMI), V2_EVENT),
	ROW("empty-lines-alone", EOL EOL),
	ROW("spaces-in-request-line", "GET \t " AMI "  HTTP/1.1 \t\r\n" EOL, V1("GET", AMI)),
	{.name = "path-of-255-bytes", .run = path_of_255},
	{.name = "path-of-256-bytes", .run = path_of_256},
	{.name = "path-of-5000-bytes", .run = path_of_5000},
	{.name = "agent-of-255-bytes", .run = agent_of_255},
	{.name = "agent-of-2000-bytes", .run = agent_of_2000},

	ROW("unknown-http-0.9", "GET " AMI "\r\n" EOL, UNKNOWN),
	ROW("unknown-http-2-preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", UNKNOWN),
	ROW("unknown-http-2-version", "GET / HTTP/2.0\r\n" EOL, UNKNOWN),
	ROW("unknown-http-0-version", "GET / HTTP/0.9\r\n" EOL, UNKNOWN),
	ROW("unknown-version-word", "GET / HTTQ/1.1\r\n" EOL, UNKNOWN),
	ROW("unknown-tls", TLS_HELLO, UNKNOWN),
	ROW("unknown-ssh", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", UNKNOWN),
	{.name = "unknown-once", .run = garbage_goes_on},
	ROW("unknown-binary", "\x00\x01\x02\xff\xfe", UNKNOWN),
	ROW("unknown-nul-in-method", "G\0T / HTTP/1.1\r\n" EOL, UNKNOWN),
	ROW("unknown-nul-in-path", "GET /\0 HTTP/1.1\r\n" EOL, UNKNOWN),
	ROW("unknown-nul-in-header", GET_AMI "X-A: \0\r\n" EOL, UNKNOWN),
	ROW("unknown-space-before-colon", GET_AMI TOKEN_NAME " : a\r\n" EOL, UNKNOWN),
	ROW("unknown-line-without-colon", GET_AMI TOKEN_NAME "\r\n" EOL, UNKNOWN),
	ROW("unknown-first-line-folded", GET_AMI " " TOKEN_NAME ": a\r\n" EOL, UNKNOWN),
	ROW("unknown-bare-cr", GET_AMI "X-A: a\rb\r\n" EOL, UNKNOWN),
	ROW("unknown-after-known", V1_TEXT V2_TEXT "\x01\x02\x03\r\n\r\n", V1_EVENT, V2_EVENT,
		UNKNOWN),
	ROW("closed-in-method", "GE", UNKNOWN),
	ROW("closed-in-path", "GET /lat", UNKNOWN),
	ROW("closed-in-header", GET_AMI "Host: 169", UNKNOWN),
	ROW("closed-before-last-line", GET_AMI HOST, UNKNOWN),
	ROW("closed-before-last-byte", GET_AMI HOST "\r", UNKNOWN),
	ROW("closed-in-second-head", V1_TEXT "GET /", V1_EVENT, UNKNOWN),
	{.name = NULL},
};
