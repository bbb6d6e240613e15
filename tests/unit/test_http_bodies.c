/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bodies of requests, what follows them, and how much is read of all. */
#include "http_fixture.h"

#include "lib/array.h"

static void bodies_of_a_length(void **state)
{
	static const struct row rows[] = {
		ROW("has a body", POST "Content-Length: 3\r\n" END "abc" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("has a body of many bytes", POST "Content-Length: 248\r\n" END P248 NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("has a body that looks like a request",
			POST "content-length:22\r\n" END NEXT NEXT, "v1 POST / | v1 GET /1.0/"),
		ROW("has an empty body", POST "Content-Length: 0\r\n" END NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("has a body with a GET", LINE "Content-Length: 1\r\n" END "a" NEXT,
			"v1 GET / | v1 GET /1.0/"),
		ROW("says no length", POST END NEXT, "v1 POST / | v1 GET /1.0/"),
		ROW("stops in its body", POST "Content-Length: 30\r\n" END NEXT, "v1 POST /"),
		ROW("has blanks around its length", POST "Content-Length: \t1 \t\r\n" END "a" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("has zeros before its length",
			POST "Content-Length: 000000000000000000000001\r\n" END "a" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("says its length twice",
			POST "Content-Length: 2\r\nContent-Length: 02\r\n" END "ab" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("says its length three times",
			POST "Content-Length: 12 , 12,\t12\r\n" END "abcdefghijkl" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("says two lengths", POST "Content-Length: 2\r\nContent-Length: 3\r\n" END "abc",
			"v1 POST / | no HTTP"),
		ROW("lists two lengths", POST "Content-Length: 2, 3\r\n" END "abc",
			"v1 POST / | no HTTP"),
		ROW("lists two that begin alike", POST "Content-Length: 1, 12\r\n" END "a",
			"v1 POST / | no HTTP"),
		ROW("lists the shorter one last", POST "Content-Length: 12, 1\r\n" END "a",
			"v1 POST / | no HTTP"),
		ROW("lists a third that differs", POST "Content-Length: 2, 2, 3\r\n" END "abc",
			"v1 POST / | no HTTP"),
		ROW("lists zero and one", POST "Content-Length: 0, 1\r\n" END "a",
			"v1 POST / | no HTTP"),
		ROW("lists nothing behind", POST "Content-Length: 2,\r\n" END "ab",
			"v1 POST / | no HTTP"),
		ROW("lists nothing before", POST "Content-Length: ,2\r\n" END "ab",
			"v1 POST / | no HTTP"),
		ROW("has an empty length", POST "Content-Length:\r\n" END "a",
			"v1 POST / | no HTTP"),
		ROW("has an empty length behind a good one",
			POST "Content-Length: 1\r\nContent-Length:\r\n" END "a",
			"v1 POST / | no HTTP"),
		ROW("has a negative length", POST "Content-Length: -1\r\n" END "a",
			"v1 POST / | no HTTP"),
		ROW("has a plus sign", POST "Content-Length: +1\r\n" END "a",
			"v1 POST / | no HTTP"),
		ROW("has a hexadecimal length", POST "Content-Length: 0x1\r\n" END "a",
			"v1 POST / | no HTTP"),
		ROW("has a unit", POST "Content-Length: 1b\r\n" END "a", "v1 POST / | no HTTP"),
		ROW("has a point", POST "Content-Length: 1.0\r\n" END "a", "v1 POST / | no HTTP"),
		ROW("has two numbers", POST "Content-Length: 1 1\r\n" END "a",
			"v1 POST / | no HTTP"),
		ROW("has the longest length",
			POST "Content-Length: 720575940379279369\r\n" END "a" NEXT, "v1 POST /"),
		ROW("has one past all memory",
			POST "Content-Length: 7205759403792793690\r\n" END "a",
			"v1 POST / | no HTTP"),
		ROW("has one that wraps at 64 bits",
			POST "Content-Length: 18446744073709551617\r\n" END "a",
			"v1 POST / | no HTTP"),
		ROW("has a bad length, and nothing follows", POST "Content-Length: x\r\n" END,
			"v1 POST /"),
		ROW("has another header's length",
			POST "Content-Lengths: 1\r\nX-Content-Length: 1\r\n" END NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("has empty lines behind its body",
			POST "Content-Length: 1\r\n" END "a\r\n" NEXT, "v1 POST / | v1 GET /1.0/"),
	};
	(void)state;

	rows__hold(rows, ARRAY_SIZE(rows), false);
}

#define CODING(value) POST "Transfer-Encoding: " value "\r\n" END

static void bodies_in_chunks(void **state)
{
	static const struct row rows[] = {
		ROW("sends one chunk", CODING("chunked") "3\r\nabc\r\n0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("sends several",
			CODING("chunked") "1\r\na\r\n16\r\n" NEXT "\r\n2\r\nbc\r\n0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("sends none", CODING("chunked") "0\r\n\r\n" NEXT, "v1 POST / | v1 GET /1.0/"),
		ROW("ends chunks with LF", CODING("chunked") "1\na\n0\n\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("writes sizes in capitals", CODING("chunked") "1F\r\n" P31 "\r\n0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("writes sizes in small letters",
			CODING("chunked") "1f\r\n" P31 "\r\n0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("writes zeros before a size",
			CODING("chunked") "0000000000000000000001\r\na\r\n000\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("extends a chunk", CODING("chunked") "1;a=\"b\";c\r\na\r\n0 ; d\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("puts blanks behind a size", CODING("chunked") "1 \t\r\na\r\n0 \r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("sends trailers",
			CODING("chunked") "0\r\nA: b\r\nContent-Length: 9\r\n c\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("ends trailers with LF", CODING("chunked") "0\nA: b\n\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("writes its coding in any case", CODING("ChUnKeD") "0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("stops in a chunk", CODING("chunked") "ff\r\n" NEXT, "v1 POST /"),
		ROW("stops in a size", CODING("chunked") "f", "v1 POST /"),
		ROW("stops in its trailers", CODING("chunked") "0\r\nA: b", "v1 POST /"),
		ROW("goes on without chunks", CODING("chunked") NEXT, "v1 POST / | no HTTP"),
		ROW("sends an empty size", CODING("chunked") "\r\n", "v1 POST / | no HTTP"),
		ROW("sends a size in no digits", CODING("chunked") "1g\r\n", "v1 POST / | no HTTP"),
		ROW("sends a negative size", CODING("chunked") "-1\r\n", "v1 POST / | no HTTP"),
		ROW("sends 0x", CODING("chunked") "0x1\r\n", "v1 POST / | no HTTP"),
		ROW("sends a blank before a size", CODING("chunked") " 1\r\n",
			"v1 POST / | no HTTP"),
		ROW("sends the longest size", CODING("chunked") "fffffffffffffff\r\n" NEXT,
			"v1 POST /"),
		ROW("sends one that wraps at 64 bits", CODING("chunked") "10000000000000001\r\n",
			"v1 POST / | no HTTP"),
		ROW("ends a size with CR", CODING("chunked") "1\ra", "v1 POST / | no HTTP"),
		ROW("sends a NUL behind a size", CODING("chunked") "1;\0\r\n",
			"v1 POST / | no HTTP"),
		ROW("sends more than it said", CODING("chunked") "1\r\nab\r\n",
			"v1 POST / | no HTTP"),
		ROW("sends less than it said", CODING("chunked") "3\r\na\r\n0\r\n",
			"v1 POST / | no HTTP"),
		ROW("ends its trailers with CR", CODING("chunked") "0\r\n\rx",
			"v1 POST / | no HTTP"),

		ROW("ends a chunk's bytes with LF", CODING("chunked") "2\r\na\r\n0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("sends a size above ASCII", CODING("chunked") "\xfb\r\n",
			"v1 POST / | no HTTP"),
		ROW("sends a size in letters", CODING("chunked") "z\r\n", "v1 POST / | no HTTP"),
		ROW("ends a chunk with other bytes", CODING("chunked") "1\r\na--0\r\n\r\n",
			"v1 POST / | no HTTP"),
		ROW("sends a CR in a trailer", CODING("chunked") "0\r\nA: b\rc\r\n\r\n" NEXT,
			"v1 POST / | no HTTP"),
		ROW("sends a NUL in a trailer", CODING("chunked") "0\r\nA: \0\r\n\r\n" NEXT,
			"v1 POST / | no HTTP"),
		ROW("begins a trailer with a NUL", CODING("chunked") "0\r\n\0\r\n\r\n" NEXT,
			"v1 POST / | no HTTP"),

		ROW("lists chunked last", CODING("gzip, chunked") "0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("lists it without a blank", CODING("gzip,chunked") "0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("lists it in a second line",
			POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n" END
			     "0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("lists something behind it", CODING("chunked, gzip") "0\r\n\r\n",
			"v1 POST / | no HTTP"),
		ROW("lists something behind it in a second line",
			POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n" END
			     "0\r\n\r\n",
			"v1 POST / | no HTTP"),
		ROW("lists nothing behind it", CODING("chunked,") "0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("lists nothing behind it, at length", CODING("chunked , ,\t,") "0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("lists nothing in a second line",
			POST
			"Transfer-Encoding: chunked\r\nTransfer-Encoding: ,\r\nTransfer-Encoding:\r\n" END
			"0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("lists nothing before it", CODING(", chunked") "0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("uses another coding", CODING("gzip") "abc", "v1 POST / | no HTTP"),
		ROW("uses identity", CODING("identity") NEXT, "v1 POST / | no HTTP"),
		ROW("uses no coding", CODING("") NEXT, "v1 POST / | no HTTP"),
		ROW("writes chunked and more", CODING("chunkedx") "0\r\n\r\n",
			"v1 POST / | no HTTP"),
		ROW("writes more and chunked", CODING("xchunked") "0\r\n\r\n",
			"v1 POST / | no HTTP"),
		ROW("writes half of chunked", CODING("chunk") "0\r\n\r\n", "v1 POST / | no HTTP"),
		ROW("writes two words", CODING("chunked chunked") "0\r\n\r\n",
			"v1 POST / | no HTTP"),
		ROW("writes a blank into it", CODING("chun ked") "0\r\n\r\n",
			"v1 POST / | no HTTP"),
		ROW("gives chunked a parameter", CODING("chunked;a=b") "0\r\n\r\n",
			"v1 POST / | no HTTP"),
		ROW("hides chunked in a parameter", CODING("gzip;a=\"b, chunked\"") "0\r\n\r\n",
			"v1 POST / | no HTTP"),
		ROW("puts vertical tabs around chunked", CODING("\vchunked") "0\r\n\r\n",
			"v1 POST / | no HTTP"),

		ROW("names another header with a longer name",
			POST "Transfer-Encodings: chunked\r\nTransfer-Encoding-: gzip\r\n" END NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("sends a body with CONNECT",
			"CONNECT h:80 HTTP/1.1\r\nContent-Length: 1\r\n" END "a" NEXT,
			"v1 CONNECT h:80 | v1 GET /1.0/"),
		ROW("says a length and chunks",
			POST "Content-Length: 99\r\nTransfer-Encoding: chunked\r\n" END
			     "1\r\na\r\n0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("says chunks and a length",
			POST "Transfer-Encoding: chunked\r\nContent-Length: 99\r\n" END
			     "1\r\na\r\n0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("says chunks and a bad length",
			POST "Transfer-Encoding: chunked\r\nContent-Length: x\r\n" END
			     "0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
		ROW("says a length and another coding",
			POST "Content-Length: 1\r\nTransfer-Encoding: gzip\r\n" END "a" NEXT,
			"v1 POST / | no HTTP"),
		ROW("says chunks in HTTP/1.0",
			"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END "0\r\n\r\n" NEXT,
			"v1 POST / | v1 GET /1.0/"),
	};
	(void)state;

	rows__hold(rows, ARRAY_SIZE(rows), false);
}

static void pipelines(void **state)
{
	static const struct row rows[] = {
		ROW("pipelines two requests", LINE END NEXT, "v1 GET / | v1 GET /1.0/"),
		ROW("pipelines all classes",
			"PUT /latest/api/token HTTP/1.1\r\n" TTL ": 1\r\n" END LINE TOKEN
			": a\r\n" END LINE "Metadata: true\r\n" END LINE END,
			"token PUT /latest/api/token | v2 GET / | foreign GET / | v1 GET /"),
		ROW("shows a token once", LINE TOKEN ": a\r\n" END NEXT, "v2 GET / | v1 GET /1.0/"),
		ROW("probes once", LINE "Metadata: true\r\n" END NEXT,
			"foreign GET / | v1 GET /1.0/"),
		ROW("has a body once", POST "Content-Length: 2\r\n" END "ab" POST END NEXT,
			"v1 POST / | v1 POST / | v1 GET /1.0/"),
		ROW("has chunks once", CODING("chunked") "0\r\n\r\n" POST END NEXT,
			"v1 POST / | v1 POST / | v1 GET /1.0/"),
		ROW("has a body of each kind",
			CODING("chunked") "1\r\na\r\n0\r\n\r\n" POST "Content-Length: 3\r\n" END
					  "abc" NEXT,
			"v1 POST / | v1 POST / | v1 GET /1.0/"),
		ROW("cuts its path once", "GET /" P255 " HTTP/1.1\r\n" END NEXT,
			"foreign GET /" P248 "tuvwxy+ | v1 GET /1.0/"),
		ROW("cuts its name once",
			LINE "User-Agent: " P255 P31 "\r\n" END LINE "User-Agent: a\r\n" END,
			"v1 GET / \"" P255 "\"+ | v1 GET / \"a\""),
		ROW("asks to be upgraded", LINE "Connection: Upgrade\r\nUpgrade: h2c\r\n" END NEXT,
			"v1 GET / | v1 GET /1.0/"),
		ROW("asks to be closed, and goes on", LINE "Connection: close\r\n" END NEXT,
			"v1 GET / | v1 GET /1.0/"),
	};
	(void)state;

	rows__hold(rows, ARRAY_SIZE(rows), false);
}

/* A head of size bytes, of which the last header is what it says. */
static void head__write(FILE *text, size_t size, const char *last)
{
	static const char start[] = LINE "X-Filler: ";
	size_t filler = size - (sizeof(start) - 1) - strlen("\r\n" END) - strlen(last);

	fputs(start, text);
	while (filler--)
		fputc('f', text);
	fprintf(text, "\r\n%s" END, last);
}

/* Cuts a long row only where it may matter: near its ends, and at distances that share no factor.
 */
static bool long_row__holds(const struct row *row)
{
	for (size_t cut = 1; cut < row->size; cut += cut < 200 || cut + 400 > row->size ? 1 : 131)
		if (!outcome__is(row, cut, row->size, false))
			return false;
	return outcome__is(row, row->size, 1, false) && outcome__is(row, 0, 1, false) &&
	       outcome__is(row, 0, 128, false);
}

static void heads_up_to_16_kib(void **state)
{
	static const char token[] = TOKEN ": a\r\n";
	static const struct {
		const char *name, *before;
		size_t size;
		const char *last, *outcome;
	} cases[] = {
		{"sends the longest head", "", HTTP_HEAD_MAX, "", "v1 GET / | v1 GET /1.0/"},
		{"sends it with a token at its end", "", HTTP_HEAD_MAX, token,
			"v2 GET / | v1 GET /1.0/"},
		{"sends one byte more", "", HTTP_HEAD_MAX + 1, "", "too long"},
		{"sends one byte more, with a token", "", HTTP_HEAD_MAX + 1, token, "too long"},
		{"sends twice as much", "", 2 * HTTP_HEAD_MAX, token, "too long"},
		{"sends empty lines before it", "\r\n\r\n\n", HTTP_HEAD_MAX, token,
			"v2 GET / | v1 GET /1.0/"},
		{"sends empty lines before one byte more", "\r\n\r\n\n", HTTP_HEAD_MAX + 1, token,
			"too long"},
		{"sends it second", NEXT, HTTP_HEAD_MAX, token,
			"v1 GET /1.0/ | v2 GET / | v1 GET /1.0/"},
		{"sends one byte more second", NEXT, HTTP_HEAD_MAX + 1, token,
			"v1 GET /1.0/ | too long"},
		{"sends it behind a body", POST "Content-Length: 3\r\n" END "abc", HTTP_HEAD_MAX,
			token, "v1 POST / | v2 GET / | v1 GET /1.0/"},
		{"sends one byte more behind a body", POST "Content-Length: 3\r\n" END "abc",
			HTTP_HEAD_MAX + 1, token, "v1 POST / | too long"},
		{"sends it behind chunks", CODING("chunked") "1\r\na\r\n0\r\nA: b\r\n\r\n",
			HTTP_HEAD_MAX, token, "v1 POST / | v2 GET / | v1 GET /1.0/"},
		{"sends one byte more behind chunks", CODING("chunked") "1\r\na\r\n0\r\n\r\n",
			HTTP_HEAD_MAX + 1, token, "v1 POST / | too long"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_free_ char *bytes = NULL;
		struct row row = {.name = cases[i].name, .outcome = cases[i].outcome};
		FILE *text = open_memstream(&bytes, &row.size);

		assert_non_null(text);
		fputs(cases[i].before, text);
		head__write(text, cases[i].size, cases[i].last);
		fputs(NEXT, text);
		fclose(text);
		row.bytes = bytes;
		assert_true(long_row__holds(&row));
	}
}

/* Chunked framing has no end of its own: each chunk's line, and the trailers, are held to the same
 * size. */
static void framing_up_to_16_kib(void **state)
{
	static const struct {
		const char *name, *before;
		size_t filler;
		const char *after, *outcome;
	} cases[] = {
		{"extends a chunk at length", "1;", 16000, "\r\na\r\n0\r\n\r\n",
			"v1 POST / | v1 GET /1.0/"},
		{"extends it without end", "1;", 2 * HTTP_HEAD_MAX, "", "v1 POST / | too long"},
		{"extends two chunks at length", "1\r\na\r\n1;", 16000, "\r\na\r\n0\r\n\r\n",
			"v1 POST / | v1 GET /1.0/"},
		{"sends long trailers", "0\r\nA: ", 16000, "\r\n\r\n", "v1 POST / | v1 GET /1.0/"},
		{"sends trailers without end", "0\r\nA: ", 2 * HTTP_HEAD_MAX, "",
			"v1 POST / | too long"},
		{"sends a long body", "20000\r\n", 0x20000, "\r\n0\r\n\r\n",
			"v1 POST / | v1 GET /1.0/"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_free_ char *bytes = NULL;
		struct row row = {.name = cases[i].name, .outcome = cases[i].outcome};
		FILE *text = open_memstream(&bytes, &row.size);

		assert_non_null(text);
		fputs(CODING("chunked"), text);
		fputs(cases[i].before, text);
		for (size_t n = cases[i].filler; n; n--)
			fputc('f', text);
		fprintf(text, "%s" NEXT, cases[i].after);
		fclose(text);
		row.bytes = bytes;
		assert_true(outcome__is(&row, row.size, 1, false));
		assert_true(outcome__is(&row, 0, 1, false));
		assert_true(outcome__is(&row, 0, 127, false));
	}
}

/* A gap in what was seen (bpf/send.h) starts afresh, wherever it comes. */
static void a_reset_forgets_everything(void **state)
{
	static const char before[] =
		POST TOKEN ": a\r\nMetadata: true\r\nUser-Agent: a\r\nContent-Length: 5\r\n" END
			   "abcde" CODING("chunked") "1;a\r\nb\r\n0\r\nA: b\r\n\r\n"
						     "GET /" P255 " HTTP/1.1\r\n" END "\x01";
	static const char after[] = LINE "User-Agent: b\r\n" END POST END NEXT;
	(void)state;

	for (size_t size = 0; size < sizeof(before); size++) {
		struct stream stream = {0};
		_free_ char *forgotten = NULL, *text = NULL;
		size_t text_size;

		stream__open(&stream, &forgotten, &text_size, false);
		stream__feed(&stream, before, size);
		fclose(stream.text);
		stream__open(&stream, &text, &text_size, false);
		assert_true(http__idle(&stream.http));
		stream__feed(&stream, after, sizeof(after) - 1);
		fclose(stream.text);
		assert_string_equal(text, "v1 GET / \"b\" | v1 POST / | v1 GET /1.0/");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_of_a_length),
		cmocka_unit_test(bodies_in_chunks),
		cmocka_unit_test(pipelines),
		cmocka_unit_test(heads_up_to_16_kib),
		cmocka_unit_test(framing_up_to_16_kib),
		cmocka_unit_test(a_reset_forgets_everything),
	};

	return cmocka_run_group_tests_name("http_bodies", tests, NULL, NULL);
}
