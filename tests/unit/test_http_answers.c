/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Responses. */
#include "http_fixture.h"

#include "lib/array.h"

#define OK "HTTP/1.1 200 OK\r\n"

static void responses(void **state)
{
	static const struct row rows[] = {
		ROW("answers", OK "Content-Length: 2\r\n" END "ab", "200"),
		ROW("answers with nothing",
			OK "Content-Length: 0\r\n" END OK "Content-Length: 0\r\n" END, "200 | 200"),
		ROW("answers twice",
			OK "Content-Length: 2\r\n" END "abHTTP/1.1 401 Unauthorized\r\n"
			   "Content-Length: 3\r\n" END "abc" OK END,
			"200 | 401 | 200"),
		ROW("answers as HTTP/1.0",
			"HTTP/1.0 404 Not Found\r\nServer: EC2ws\r\n" END "body\r\n\r\n", "404"),
		ROW("answers in chunks",
			OK "Transfer-Encoding: chunked\r\n" END "3\r\nabc\r\n0\r\n\r\n"
			   "HTTP/1.1 500 x\r\n" END,
			"200 | 500"),
		ROW("answers in chunks with trailers",
			OK "Transfer-Encoding: gzip, chunked\r\n" END
			   "1;a\r\na\r\n0\r\nA: b\r\n\r\n"
			   "HTTP/1.1 500 x\r\n" END,
			"200 | 500"),
		ROW("answers until it closes", OK END "HTTP/1.1 500 x\r\n" END, "200"),
		ROW("answers in another coding until it closes",
			OK "Transfer-Encoding: gzip\r\nContent-Length: 1\r\n" END
			   "aHTTP/1.1 500 x\r\n" END,
			"200"),
		ROW("answers in a coding behind chunks until it closes",
			OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n" END
			   "0\r\n\r\n"
			   "HTTP/1.1 500 x\r\n" END,
			"200"),
		ROW("answers without a reason",
			"HTTP/1.1 200 \r\nContent-Length: 0\r\n" END
			"HTTP/1.1 404\r\nContent-Length: 0\r\n" END
			"HTTP/1.1 500\nContent-Length: 0\n\n",
			"200 | 404 | 500"),
		ROW("answers with any reason",
			"HTTP/1.1 200 \xc3\xa4\t\x01:;\r\nContent-Length: 0\r\n" END, "200"),
		ROW("answers after empty lines",
			"\r\n\n" OK "Content-Length: 0\r\n" END "\r\n" OK END, "200 | 200"),
		ROW("answers with LF", "HTTP/1.1 200 OK\nContent-Length: 1\n\naHTTP/1.1 500 x\n\n",
			"200 | 500"),
		ROW("has no content",
			"HTTP/1.1 204 a\r\nContent-Length: 5\r\n" END "HTTP/1.1 500 x\r\n" END,
			"204 | 500"),
		ROW("has no news",
			"HTTP/1.1 304 a\r\nTransfer-Encoding: chunked\r\n" END
			"HTTP/1.1 500 x\r\n" END,
			"304 | 500"),
		ROW("has no content and a bad length",
			"HTTP/1.1 204 a\r\nContent-Length: x\r\n" END "HTTP/1.1 500 x\r\n" END,
			"204 | 500"),
		ROW("says to go on first",
			"HTTP/1.1 100 Continue\r\n" END OK "Content-Length: 0\r\n" END,
			"(100) | 200"),
		ROW("gives hints first, with a length",
			"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n" END
			"HTTP/1.1 100 Continue\r\n" END OK END,
			"(103) | (100) | 200"),
		ROW("switches protocols", "HTTP/1.1 101 a\r\n" END "\x01\x02" OK END, "(101)"),
		HEAD_ROW("answers a HEAD",
			OK "Content-Length: 5\r\n" END "HTTP/1.1 401 x\r\nContent-Length: 1\r\n" END
			   "a" OK END,
			"200 | 401 | 200", 1),
		HEAD_ROW("answers a HEAD in chunks", OK "Transfer-Encoding: chunked\r\n" END OK END,
			"200 | 200", 1),
		HEAD_ROW("answers a HEAD without a length", OK END OK END "x" OK END, "200 | 200",
			1),
		HEAD_ROW("answers a HEAD second",
			OK "Content-Length: 1\r\n" END "a" OK "Content-Length: 5\r\n" END
			   "HTTP/1.1 401 x\r\n" END,
			"200 | 200 | 401", 2),
		HEAD_ROW("answers a HEAD after a hint",
			"HTTP/1.1 103 a\r\n" END OK "Content-Length: 5\r\n" END
			"HTTP/1.1 401 x\r\n" END,
			"(103) | 200 | 401", 1),
		ROW("says a length twice",
			OK "Content-Length: 2, 2\r\n" END "abHTTP/1.1 500 x\r\n" END, "200 | 500"),
		ROW("says two lengths", OK "Content-Length: 2, 3\r\n" END "ab", "200 | no HTTP"),
		ROW("says a bad length", OK "Content-Length: x\r\n" END "ab", "200 | no HTTP"),
		ROW("says a length and chunks",
			OK "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n" END "0\r\n\r\n"
			   "HTTP/1.1 500 x\r\n" END,
			"200 | 500"),
		ROW("folds", OK "A: b\r\n c\r\nContent-Length:\r\n 0\r\n" END OK END, "200 | 200"),
		ROW("has the lowest status", "HTTP/1.1 100 a\r\n" END "HTTP/1.1 200 a\r\n" END,
			"(100) | 200"),
		ROW("has the highest status", "HTTP/1.1 999 a\r\n" END, "999"),
		ROW("has a status too low", "HTTP/1.1 099 a\r\n" END, "no HTTP"),
		ROW("has a status too high", "HTTP/1.1 1000 a\r\n" END, "no HTTP"),
		ROW("has no status", "HTTP/1.1 OK\r\n" END, "no HTTP"),
		ROW("has no status and no reason", "HTTP/1.1\r\n" END, "no HTTP"),
		ROW("has letters in its status", "HTTP/1.1 20x a\r\n" END, "no HTTP"),
		ROW("is HTTP/2", "HTTP/2 200\r\n" END, "no HTTP"),
		ROW("is HTTP/1.10", "HTTP/1.10 200\r\n" END, "no HTTP"),
		ROW("is in small letters", "http/1.1 200 OK\r\n" END, "no HTTP"),
		ROW("is HTTp", "HTTp/1.1 200 OK\r\n" END, "no HTTP"),
		ROW("separates by a tab", "HTTP/1.1\t200\tOK\r\n" END, "200"),
		ROW("separates by two blanks", "HTTP/1.1  200 OK\r\n" END, "no HTTP"),
		ROW("is ICY", "ICY 200 OK\r\n" END, "no HTTP"),
		ROW("is a page without a head", "<html></html>", "no HTTP"),
		ROW("is a request", LINE END, "no HTTP"),
		ROW("is SSH", "SSH-2.0-a\r\n", "no HTTP"),
		ROW("has a NUL in its reason", "HTTP/1.1 200 \0\r\n" END, "no HTTP"),
		ROW("has a CR in its reason", "HTTP/1.1 200 a\rb\r\n" END, "no HTTP"),
		ROW("has a blank before a colon", OK "A : b\r\n" END, "no HTTP"),
		ROW("sends more than it said", OK "Content-Length: 1\r\n" END "abc",
			"200 | no HTTP"),
		ROW("stops in its status line", "HTTP/1.1 20", "half a head"),
		ROW("stops in its head", OK "A: b\r\n", "half a head"),
		ROW("stops after a hint", "HTTP/1.1 100 a\r\n" END, "(100)"),
	};
	(void)state;

	rows__hold(rows, ARRAY_SIZE(rows), true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(responses),
	};

	return cmocka_run_group_tests_name("http_answers", tests, NULL, NULL);
}
