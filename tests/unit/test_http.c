/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Heads of requests. */
#include "http_fixture.h"

#include "lib/array.h"

static void methods_and_targets(void **state)
{
	static const struct row rows[] = {
		ROW("makes up a method", "M-SEARCH!#$%&'*+.^_`|~9 / HTTP/1.1\r\n" END,
			"v1 M-SEARCH!#$%&'*+.^_`|~9 /"),
		ROW("uses a method of one letter", "X / HTTP/1.1\r\n" END, "v1 X /"),
		ROW("uses the longest method that is kept", P31 " / HTTP/1.1\r\n" END,
			"v1 " P31 " /"),
		ROW("uses a longer one", P31 "567 / HTTP/1.1\r\n" END, "v1 " P31 " /"),

		ROW("sends a query", "GET /?a=b&c#d HTTP/1.1\r\n" END, "v1 GET /?a=b&c#d"),
		ROW("sends a query alone", "GET ?a HTTP/1.1\r\n" END, "v1 GET ?a"),
		ROW("sends an asterisk", "OPTIONS * HTTP/1.1\r\n" END, "v1 OPTIONS *"),
		ROW("sends an authority", "CONNECT a.b:80 HTTP/1.1\r\n" END, "v1 CONNECT a.b:80"),
		ROW("sends an IPv6 authority", "CONNECT [fd00:ec2::254]:80 HTTP/1.1\r\n" END,
			"v1 CONNECT [fd00:ec2::254]:80"),
		ROW("sends a name without a slash", "GET latest HTTP/1.1\r\n" END, "v1 GET latest"),
		ROW("sends bytes above ASCII", "GET /\xc3\xa4\xff HTTP/1.1\r\n" END,
			"foreign GET /\xc3\xa4\xff"),
		ROW("sends what stands in no URL", "GET /\"<\\>^`{|} HTTP/1.1\r\n" END,
			"v1 GET /\"<\\>^`{|}"),
		ROW("sends two slashes", "GET //a HTTP/1.1\r\n" END, "foreign GET //a"),
		ROW("sends a URL in its path", "GET /http://a/b HTTP/1.1\r\n" END,
			"foreign GET /http://a/b"),
		ROW("sends a URL in its query", "GET /?u=http://a/b HTTP/1.1\r\n" END,
			"v1 GET /?u=http://a/b"),

		ROW("sends an absolute form", "GET http://a/b?c HTTP/1.1\r\n" END,
			"foreign GET /b?c"),
		ROW("sends one in capitals", "GET HTTP://A/B HTTP/1.1\r\n" END, "foreign GET /B"),
		ROW("sends one with everything", "GET http://u:p@[::1]:80//b HTTP/1.1\r\n" END,
			"foreign GET //b"),
		ROW("sends one of another scheme", "GET a+b-c.1://h/b HTTP/1.1\r\n" END,
			"foreign GET /b"),
		ROW("sends one of a scheme that is none", "GET *2://h/b HTTP/1.1\r\n" END,
			"foreign GET /b"),
		ROW("connects to one", "CONNECT http://h/b HTTP/1.1\r\n" END, "foreign CONNECT /b"),
		ROW("sends a host alone", "GET http://h HTTP/1.1\r\n" END, "v1 GET /"),
		ROW("sends a host and a query", "GET http://h?q HTTP/1.1\r\n" END, "v1 GET /?q"),
		ROW("sends a host and an empty query", "GET http://h? HTTP/1.1\r\n" END,
			"v1 GET /?"),
		ROW("sends a host, a query and a path in it", "GET http://h?q/r HTTP/1.1\r\n" END,
			"v1 GET /?q/r"),
		ROW("sends no host", "GET http:///b HTTP/1.1\r\n" END, "foreign GET /b"),
		ROW("sends neither host nor path", "GET http:// HTTP/1.1\r\n" END, "v1 GET /"),
		ROW("sends a scheme alone", "GET http: HTTP/1.1\r\n" END, "v1 GET http:"),
		ROW("sends a scheme and one slash", "GET http:/ HTTP/1.1\r\n" END, "v1 GET http:/"),
		ROW("sends one slash too few", "GET http:/a//b HTTP/1.1\r\n" END,
			"v1 GET http:/a//b"),
		ROW("sends two absolute forms", "GET http://a/http://b/c HTTP/1.1\r\n" END,
			"foreign GET /http://b/c"),

		ROW("sends 255 bytes", "GET /" P254 " HTTP/1.1\r\n" END, "foreign GET /" P254),
		ROW("sends 256 bytes", "GET /" P255 " HTTP/1.1\r\n" END,
			"foreign GET /" P248 "tuvwxy+"),
		ROW("sends 2,000 bytes", "GET /" EIGHT(P255) " HTTP/1.1\r\n" END,
			"foreign GET /" P248 "tuvwxy+"),
		ROW("sends 255 bytes behind a host", "GET http://h/" P254 " HTTP/1.1\r\n" END,
			"foreign GET /" P254),
		ROW("sends 256 bytes behind a host", "GET http://h/" P255 " HTTP/1.1\r\n" END,
			"foreign GET /" P248 "tuvwxy+"),
		ROW("sends a host of 255 bytes", "GET http://" P255 "/b HTTP/1.1\r\n" END,
			"foreign GET /b"),
		ROW("sends a scheme of 255 bytes", "GET " P255 "://h/b HTTP/1.1\r\n" END,
			"foreign GET /b"),
		ROW("sends 253 bytes of query behind a host",
			"GET http://h?" P248 "12345 HTTP/1.1\r\n" END, "v1 GET /?" P248 "12345"),
		ROW("sends 254 bytes of query behind a host",
			"GET http://h?" P254 " HTTP/1.1\r\n" END, "v1 GET /?" P248 "uvwxy+"),
		ROW("cuts a foreign path", "GET /opc/" P255 " HTTP/1.1\r\n" END,
			"foreign GET /opc/" P248 "tu+"),
	};
	(void)state;

	rows__hold(rows, ARRAY_SIZE(rows), false);
}

static void user_agents(void **state)
{
	static const struct row rows[] = {
		ROW("names itself", LINE "User-Agent: curl/7.88.1\r\n" END,
			"v1 GET / \"curl/7.88.1\""),
		ROW("names itself in capitals", LINE "USER-AGENT: A B\r\n" END, "v1 GET / \"A B\""),
		ROW("names itself with blanks around", LINE "user-agent:\t a  b \t \r\n" END,
			"v1 GET / \"a  b\""),
		ROW("names itself without a blank", LINE "User-Agent:a\r\n" END, "v1 GET / \"a\""),
		ROW("has an empty name", LINE "User-Agent:\r\n" END, "v1 GET / \"\""),
		ROW("has a blank name", LINE "User-Agent: \t\r\n" END, "v1 GET / \"\""),
		ROW("names itself twice", LINE "User-Agent: a\r\nUser-Agent: b\r\n" END,
			"v1 GET / \"a\""),
		ROW("is nameless at first", LINE "User-Agent:\r\nUser-Agent: b\r\n" END,
			"v1 GET / \"\""),
		ROW("folds its name", LINE "User-Agent: a\r\n b\r\n" END, "v1 GET / \"a b\""),
		ROW("folds before its name", LINE "User-Agent:\r\n\ta\r\n" END, "v1 GET / \"a\""),
		ROW("folds behind its name", LINE "User-Agent: a \r\n \r\n\t\r\n" END,
			"v1 GET / \"a\""),
		ROW("names itself in any bytes", LINE "User-Agent: \xc3\xa4\x01\x7f\"\r\n" END,
			"v1 GET / \"\xc3\xa4\x01\x7f\"\""),
		ROW("names a token", LINE "User-Agent: " TOKEN ": a\r\n" END,
			"v1 GET / \"" TOKEN ": a\""),
		ROW("names somebody else's agent",
			LINE "X-User-Agent: a\r\nUser-Agents: b\r\nUser: c\r\n" END, "v1 GET /"),
		ROW("has a name of 255 bytes", LINE "User-Agent: " P255 "\r\n" END,
			"v1 GET / \"" P255 "\""),
		ROW("has one of 255 bytes and blanks behind it",
			LINE "User-Agent: " P255 " \t\r\n" END, "v1 GET / \"" P255 "\""),
		ROW("has one of 256 bytes", LINE "User-Agent: " P255 "0\r\n" END,
			"v1 GET / \"" P255 "\"+"),
		ROW("has one with a blank where it is cut", LINE "User-Agent: " P254 " 0\r\n" END,
			"v1 GET / \"" P254 "\"+"),
		ROW("has one of 2,000 bytes", LINE "User-Agent: " EIGHT(P255) "\r\n" END,
			"v1 GET / \"" P255 "\"+"),
		ROW("names itself in one request of two", LINE "User-Agent: a\r\n" END LINE END,
			"v1 GET / \"a\" | v1 GET /"),
	};
	(void)state;

	rows__hold(rows, ARRAY_SIZE(rows), false);
}

static void names_that_matter(void **state)
{
	static const struct row rows[] = {
		ROW("writes a token in capitals", LINE "X-AWS-EC2-METADATA-TOKEN: a\r\n" END,
			"v2 GET /"),
		ROW("writes a token in small letters", LINE "x-aws-ec2-metadata-token: a\r\n" END,
			"v2 GET /"),
		ROW("writes a lifetime in a mixture",
			LINE "x-AWS-ec2-METADATA-token-TTL-seconds: 1\r\n" END, "v2 GET /"),
		ROW("writes no blank", LINE TOKEN ":a\r\n" END, "v2 GET /"),
		ROW("writes a name that the token's begins with",
			LINE "X-aws-ec2-metadata-toke: a\r\n" END, "v1 GET /"),
		ROW("writes a name that begins with the token's", LINE TOKEN "s: a\r\n" END,
			"v1 GET /"),
		ROW("writes a dash too many", LINE TOKEN "-: a\r\n" END, "v1 GET /"),
		ROW("writes half of the lifetime's name", LINE TOKEN "-ttl: a\r\n" END, "v1 GET /"),
		ROW("writes all but a letter of it", LINE TOKEN "-ttl-second: a\r\n" END,
			"v1 GET /"),
		ROW("writes a letter more", LINE TTL "s: a\r\n" END, "v1 GET /"),
		ROW("writes a name that ends with the token's", LINE "X-" TOKEN ": a\r\n" END,
			"v1 GET /"),
		ROW("writes underscores", LINE "X_aws_ec2_metadata_token: a\r\n" END, "v1 GET /"),
		ROW("writes a name of one letter", LINE "x: a\r\n" END, "v1 GET /"),
		ROW("writes a name of 4,000 letters", LINE "x-" EIGHT(EIGHT(P31 P31)) ": a\r\n" END,
			"v1 GET /"),
		ROW("puts the name into a value", LINE "A: " TOKEN ": a\r\n" END, "v1 GET /"),
		ROW("puts the name into a folded value", LINE "A: b\r\n " TOKEN ": a\r\n" END,
			"v1 GET /"),
		ROW("puts the name into its path", "GET /" TOKEN ": HTTP/1.1\r\n" END,
			"foreign GET /" TOKEN ":"),
		ROW("puts the name into a body",
			POST "Content-Length: 30\r\n" END "\r\n" TOKEN ": a\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("puts the name into a trailer",
			POST "Transfer-Encoding: chunked\r\n" END "0\r\n" TOKEN ": a\r\n" END NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("puts the name behind its head", LINE END TOKEN ": a\r\n",
			"v1 GET / | no HTTP"),
		ROW("has another metadata", LINE "Metadata2: true\r\nMetadat: true\r\n" END,
			"v1 GET /"),
		ROW("has another flavour",
			LINE "Metadata-Flavors: Google\r\nMetadata-: true\r\n" END, "v1 GET /"),
	};
	(void)state;

	rows__hold(rows, ARRAY_SIZE(rows), false);
}

static void lines_and_folds(void **state)
{
	static const struct row rows[] = {
		ROW("ends lines with LF", "GET / HTTP/1.1\nHost: a\n" TOKEN ": a\n\n", "v2 GET /"),
		ROW("mixes line ends",
			"GET / HTTP/1.1\r\nHost: a\nUser-Agent: b\r\n\nGET /c HTTP/1.1\n\r\n",
			"v1 GET / \"b\" | foreign GET /c"),
		ROW("begins with an empty line", "\r\n" LINE END, "v1 GET /"),
		ROW("begins with several", "\r\n\n\r\n\n" LINE END "\n\r\n" NEXT,
			"v1 GET / | v1 GET /1.0/"),
		ROW("sends empty lines alone", "\r\n\n\r\n", ""),
		ROW("sends nothing", "", ""),
		ROW("speaks HTTP/1.0", "GET / HTTP/1.0\r\n" END, "v1 GET /"),
		ROW("speaks HTTP/1.9", "GET / HTTP/1.9\r\n" END, "v1 GET /"),
		ROW("separates by many blanks", "GET  \t /  \tHTTP/1.1 \t\r\n" END, "v1 GET /"),
		ROW("separates by a tab", "GET\t/\tHTTP/1.1\n\n", "v1 GET /"),

		ROW("folds a value", LINE "A: b\r\n c\r\n\td\r\n" TOKEN ": a\r\n" END, "v2 GET /"),
		ROW("folds with LF", "GET / HTTP/1.1\nA: b\n c\n\n", "v1 GET /"),
		ROW("folds its token", LINE TOKEN ":\r\n a\r\n" END, "v2 GET /"),
		ROW("folds the flavour's line", LINE "Metadata-Flavor:\r\n Google\r\n" END,
			"foreign GET /"),
		ROW("folds behind the flavour", LINE "Metadata-Flavor: Google\r\n \r\n" END,
			"foreign GET /"),
		ROW("folds the flavour itself", LINE "Metadata-Flavor: Goo\r\n gle\r\n" END,
			"v1 GET /"),
		ROW("goes on behind the flavour", LINE "Metadata-Flavor: Google\r\n x\r\n" END,
			"v1 GET /"),
		ROW("folds at the flavour's blank", LINE "Authorization: Bearer\r\n Oracle\r\n" END,
			"foreign GET /"),
		ROW("folds before its length", POST "Content-Length:\r\n 2\r\n" END "ab" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("folds behind its length", POST "Content-Length: 2\r\n\t\r\n" END "ab" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("folds inside its length", POST "Content-Length: 2\r\n 2\r\n" END "ab",
			"v1 POST / | no HTTP"),
		ROW("folds its coding",
			POST "Transfer-Encoding:\r\n chunked\r\n \r\n" END "0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("folds a list of codings",
			POST "Transfer-Encoding: gzip,\r\n chunked\r\n" END "0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("folds a further coding behind chunked",
			POST "Transfer-Encoding: chunked\r\n , gzip\r\n" END "0\r\n\r\n",
			"v1 POST / | no HTTP"),
		ROW("puts control characters into a value", LINE "A: \x01\x0b\x7f\r\n" END,
			"v1 GET /"),
		ROW("sends an empty value", LINE "A:\r\nB: \r\n" END, "v1 GET /"),
		ROW("sends colons in a value", LINE "Host: [::1]:80\r\n" END, "v1 GET /"),

		ROW("stops in its method", "GE", "half a head"),
		ROW("stops in its target", "GET /a", "half a head"),
		ROW("stops behind the request line", LINE, "half a head"),
		ROW("stops in a name", LINE "Hos", "half a head"),
		ROW("stops in a value", LINE TOKEN ": a", "half a head"),
		ROW("stops before the empty line", LINE TOKEN ": a\r\n", "half a head"),
		ROW("stops in the empty line", LINE "A: b\r\n\r", "half a head"),
		ROW("stops in its second head", LINE END "G", "v1 GET / | half a head"),
		ROW("stops in an empty line before a head", LINE END "\r", "v1 GET /"),
	};
	(void)state;

	rows__hold(rows, ARRAY_SIZE(rows), false);
}

static void what_is_no_http(void **state)
{
	static const struct row rows[] = {
		ROW("speaks SSH", "SSH-2.0-OpenSSH_9.2p1\r\n", "no HTTP"),
		ROW("speaks TLS", "\x16\x03\x01\x02\x00\x01\x00", "no HTTP"),
		ROW("speaks HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "no HTTP"),
		ROW("speaks HTTP/0.9", "GET /\r\n", "no HTTP"),
		ROW("speaks HTTP/0.9 with an LF", "GET /\n", "no HTTP"),
		ROW("speaks HTTP/1", "GET / HTTP/1\r\n" END, "no HTTP"),
		ROW("speaks HTTP/1.", "GET / HTTP/1.\r\n" END, "no HTTP"),
		ROW("speaks HTTP/1.10", "GET / HTTP/1.10\r\n" END, "no HTTP"),
		ROW("speaks HTTP/1.a", "GET / HTTP/1.a\r\n" END, "no HTTP"),
		ROW("speaks HTTP/11", "GET / HTTP/11\r\n" END, "no HTTP"),
		ROW("speaks http", "GET / http/1.1\r\n" END, "no HTTP"),
		ROW("speaks HTTp", "GET / HTTp/1.1\r\n" END, "no HTTP"),
		ROW("speaks RTSP", "GET / RTSP/1.0\r\n" END, "no HTTP"),
		ROW("has no version", "GET / \r\n" END, "no HTTP"),
		ROW("has no target", "GET HTTP/1.1\r\n" END, "no HTTP"),
		ROW("sends a blank in its target", "GET /a b HTTP/1.1\r\n" END, "no HTTP"),
		ROW("sends a control character in its target", "GET /\x01 HTTP/1.1\r\n" END,
			"no HTTP"),
		ROW("sends DEL in its target", "GET /\x7f HTTP/1.1\r\n" END, "no HTTP"),
		ROW("sends a NUL in its target", "GET /\0 HTTP/1.1\r\n" END, "no HTTP"),
		ROW("sends a CR in its target", "GET /\rHTTP/1.1\r\n" END, "no HTTP"),
		ROW("ends the line after the version", "GET / HTTP/1.1 x\r\n" END, "no HTTP"),
		ROW("ends its line with CR", "GET / HTTP/1.1\rHost: a\r\n" END, "no HTTP"),
		ROW("ends its line with two", "GET / HTTP/1.1\r\r\n" END, "no HTTP"),
		ROW("begins with a blank", " " LINE END, "no HTTP"),
		ROW("begins with a CR", "\rGET / HTTP/1.1\r\n" END, "no HTTP"),
		ROW("begins with a NUL", "\0" LINE END, "no HTTP"),
		ROW("begins with a colon", ":" LINE END, "no HTTP"),
		ROW("has a delimiter in its method", "GE(T / HTTP/1.1\r\n" END, "no HTTP"),
		ROW("has its method alone", "GET\r\n", "no HTTP"),
		ROW("sends a response", "HTTP/1.1 200 OK\r\n\r\n", "no HTTP"),

		ROW("puts a blank before a colon", LINE TOKEN " : a\r\n" END, "no HTTP"),
		ROW("puts a tab before a colon", LINE "Host\t: a\r\n" END, "no HTTP"),
		ROW("puts a blank into a name", LINE "Ho st: a\r\n" END, "no HTTP"),
		ROW("puts a blank before the first name", LINE " Host: a\r\n" END, "no HTTP"),
		ROW("puts a tab before the first name", LINE "\tHost: a\r\n" END, "no HTTP"),
		ROW("sends a line without a colon", LINE "Host\r\n" END, "no HTTP"),
		ROW("sends an empty name", LINE ": a\r\n" END, "no HTTP"),
		ROW("sends a name of delimiters", LINE "(): a\r\n" END, "no HTTP"),
		ROW("sends a name above ASCII", LINE "\xc3\xa4: a\r\n" END, "no HTTP"),
		ROW("sends a NUL in a name", LINE "A\0: a\r\n" END, "no HTTP"),
		ROW("sends a NUL in a value", LINE TOKEN ": \0\r\n" END, "no HTTP"),
		ROW("sends a CR in a value", LINE "A: b\rc\r\n" END, "no HTTP"),
		ROW("ends a value with two CRs", LINE "A: b\r\r\n" END, "no HTTP"),
		ROW("hides a token behind a CR", LINE "A: b\r" TOKEN ": a\r\n" END, "no HTTP"),
		ROW("ends its head with a CR", LINE "A: b\r\n\rx", "no HTTP"),
		ROW("ends its request line and its head with a CR", LINE "\rx", "no HTTP"),
		ROW("goes on after what is no HTTP", "GET /\r\n\r\n" LINE TOKEN ": a\r\n" END,
			"no HTTP"),
		ROW("speaks SSH after a request", LINE END "SSH-2.0-a\r\n", "v1 GET / | no HTTP"),
		ROW("speaks TLS after a request", LINE END "\x16\x03\x01", "v1 GET / | no HTTP"),
	};
	(void)state;

	rows__hold(rows, ARRAY_SIZE(rows), false);
}

/* http__name_word() finds a name by its first letter alone. */
static void no_two_names_share_a_first_letter(void **state)
{
	(void)state;
	for (int word = W_TOKEN; word <= W_AUTHORIZATION; word++) {
		/* Metadata and Metadata-Flavor are one word */
		assert_int_equal(http__name_word(http_words[word][0]), word);
		assert_true(strlen(http_words[word]) < HTTP_MISMATCH);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_names_share_a_first_letter),
		cmocka_unit_test(methods_and_targets),
		cmocka_unit_test(user_agents),
		cmocka_unit_test(names_that_matter),
		cmocka_unit_test(lines_and_folds),
		cmocka_unit_test(what_is_no_http),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
