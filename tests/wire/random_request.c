/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "random_request.h"

#include <ctype.h>
#include <string.h>

#include "standard.h"

#include "lib/array.h"

#define HEADERS_MAX 16
#define HEADER_SIZE 3000

#define ONE_OF(chance, array) ((array)[chance__below((chance), ARRAY_SIZE(array))])

/* No two calls with chance stand in the arguments of one: compilers evaluate them in different
 * orders, and the same seed would make other traffic. */
uint64_t chance__below(struct chance *chance, uint64_t limit)
{
	uint64_t mixed = chance->state += 0x9e3779b97f4a7c15ULL; /* splitmix64 */

	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
	return (mixed ^ (mixed >> 31)) % limit;
}

bool chance__happens(struct chance *chance, unsigned int percent)
{
	return chance__below(chance, 100) < percent;
}

/* size bytes of letters that may stand in a target or a value. */
static void letters(char *out, size_t size, struct chance *chance)
{
	static const char all[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%+=&;:@!$'()*,";

	for (size_t i = 0; i < size; i++)
		out[i] = all[chance__below(chance, sizeof(all) - 1)];
	out[size] = '\0';
}

static const char *line_end(struct chance *chance)
{
	return chance__happens(chance, 8) ? "\n" : "\r\n";
}

/* The same letters in another case. */
static void swap_case(char *text, struct chance *chance)
{
	for (; *text; text++)
		if (chance__happens(chance, 40))
			*text = isupper((unsigned char)*text) ? tolower((unsigned char)*text)
							      : toupper((unsigned char)*text);
}

static void path__make(struct random_request *request, struct chance *chance)
{
	/* what follows is a query: an encoded path would count as EC2's */
	static const char *const foreign[] = {"/computeMetadata/v1/?", "/metadata/instance?",
		"/opc/v2/?", "/openstack/latest/?", "/latest.json?"};
	size_t size = chance__happens(chance, 10) ? 200 + chance__below(chance, 600)
						  : chance__below(chance, 60);
	char *path = request->path;

	switch (request->expected[0].cls) {
	case CLASS_TOKEN:
		strcpy(path, TOKEN_PATH);
		if (chance__happens(chance, 10))
			strcat(path, "?a=b");
		return;
	case CLASS_FOREIGN:
		strcpy(path, ONE_OF(chance, foreign));
		break;
	default:
		strcpy(path, "/latest/");
	}
	letters(path + strlen(path), size, chance);
	request->expected[0].path_cut = strlen(path) > TARGET_SIZE - 1;
}

struct headers {
	char text[HEADERS_MAX][HEADER_SIZE];
	unsigned int count;
};

static char *headers__add(struct headers *headers)
{
	return headers->text[headers->count++];
}

/* Headers that prove nothing. */
static void headers__add_decoy(struct headers *headers, struct chance *chance)
{
	static const char *const decoys[] = {
		"X-Note: " TOKEN_NAME ": a",
		"X-" TOKEN_NAME ": a",
		TOKEN_NAME "-ttl: 60",
		TOKEN_NAME "2: a",
		TTL_NAME "s: 60",
		"X-Folded: a\r\n " TOKEN_NAME ": a",
		"X-Folded: a\r\n\t" TOKEN_NAME ": a\r\n b",
		"Metadata: truer",
		"X-Metadata-Flavor: Google",
		"Accept:",
		"Host: 169.254.169.254",
		"Connection: keep-alive",
		"Referer: http://a/latest/api/token",
	};
	char *header = headers__add(headers);

	if (chance__happens(chance, 70)) {
		strcpy(header, ONE_OF(chance, decoys));
		return;
	}
	strcpy(header, "X-Filler: ");
	letters(header + strlen(header),
		chance__below(chance, chance__happens(chance, 5) ? 2000 : 80), chance);
}

static void headers__add_named(
	struct headers *headers, const char *name, const char *value, struct chance *chance)
{
	static const char *const gaps[] = {"", " ", " ", " ", "\t", " \t ", "  "};
	char *header = headers__add(headers);
	const char *gap, *end;

	strcpy(header, name);
	swap_case(header, chance);
	gap = ONE_OF(chance, gaps);
	end = chance__happens(chance, 10) ? " \t" : "";
	sprintf(header + strlen(header), ":%s%s%s", gap, value, end);
}

static void headers__add_for_class(
	struct headers *headers, enum request_class cls, struct chance *chance)
{
	static const char *const values[] = {"AQAEAwire==", "", "a", "\"quoted\"", "x y"};

	if (cls == CLASS_V2 && chance__happens(chance, 80))
		headers__add_named(headers, TOKEN_NAME, ONE_OF(chance, values), chance);
	else if (cls == CLASS_V2)
		headers__add_named(headers, TTL_NAME, "60", chance);
	else if (cls == CLASS_TOKEN && chance__happens(chance, 90))
		headers__add_named(headers, TTL_NAME, "21600", chance);
}

static void headers__shuffle(struct headers *headers, struct chance *chance)
{
	static __thread char swap[HEADER_SIZE];

	for (unsigned int i = headers->count; i > 1; i--) {
		unsigned int j = chance__below(chance, i);

		memcpy(swap, headers->text[i - 1], HEADER_SIZE);
		memcpy(headers->text[i - 1], headers->text[j], HEADER_SIZE);
		memcpy(headers->text[j], swap, HEADER_SIZE);
	}
}

static void headers__add_agent(
	struct headers *headers, struct random_request *request, struct chance *chance)
{
	if (!chance__happens(chance, 50))
		return;
	letters(request->agent, 1 + chance__below(chance, 200), chance);
	headers__add_named(headers, "User-Agent", request->agent, chance);
	request->expected[0].agent = request->agent;
}

enum framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED };

/* What a body is made of: nothing that may count. */
static void body__fill(char *body, size_t size)
{
	static const char bait[] = V1_TEXT V2_TEXT TOKEN_TEXT;

	for (size_t i = 0; i < size; i++)
		body[i] = bait[i % (sizeof(bait) - 1)];
}

static void body__write_chunks(FILE *text, const char *body, size_t size, struct chance *chance)
{
	while (size) {
		size_t part = 1 + chance__below(chance, size);
		bool small = chance__happens(chance, 50);
		const char *extension = chance__happens(chance, 20) ? ";name=value" : "";

		fprintf(text, small ? "%zx%s\r\n" : "%zX%s\r\n", part, extension);
		fwrite(body, 1, part, text);
		fputs("\r\n", text);
		body += part;
		size -= part;
	}
	fputs("0\r\n", text);
	if (chance__happens(chance, 20))
		fputs(TOKEN_NAME ": trailer\r\n", text);
	fputs("\r\n", text);
}

static void body__write(
	FILE *text, enum framing framing, const char *body, size_t size, struct chance *chance)
{
	if (framing == FRAMING_LENGTH)
		fwrite(body, 1, size, text);
	else if (framing == FRAMING_CHUNKED)
		body__write_chunks(text, body, size, chance);
}

static void target__write(FILE *text, const struct random_request *request, struct chance *chance)
{
	static const char *const authorities[] = {
		"http://169.254.169.254", "HTTP://[fd00:ec2::254]:80"};

	if (chance__happens(chance, 8))
		fputs(ONE_OF(chance, authorities), text);
	fputs(request->path, text);
}

static void head__write(FILE *text, const struct random_request *request, enum framing framing,
	const struct headers *headers, struct chance *chance)
{
	static const char *const versions[] = {"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"};
	const char *version;

	if (chance__happens(chance, 5))
		fputs(line_end(chance), text);
	fprintf(text, "%s ", request->expected[0].method);
	target__write(text, request, chance);
	/* RFC 9112, 6.1: HTTP/1.0 knows no chunks. */
	version = framing == FRAMING_CHUNKED ? versions[0] : ONE_OF(chance, versions);
	fprintf(text, " %s%s", version, line_end(chance));
	for (unsigned int i = 0; i < headers->count; i++)
		fprintf(text, "%s%s", headers->text[i], line_end(chance));
	fputs(line_end(chance), text);
}

static enum request_class class__choose(struct chance *chance)
{
	static const enum request_class classes[] = {CLASS_V1, CLASS_V1, CLASS_V1, CLASS_V1,
		CLASS_V2, CLASS_V2, CLASS_TOKEN, CLASS_FOREIGN};

	return ONE_OF(chance, classes);
}

static const char *method__choose(enum request_class cls, struct chance *chance)
{
	static const char *const methods[] = {"GET", "GET", "GET", "GET", "HEAD", "POST", "PUT",
		"DELETE", "OPTIONS", "PATCH", "M-SEARCH"};

	return cls == CLASS_TOKEN ? "PUT" : ONE_OF(chance, methods);
}

void random_request__make(struct random_request *request, FILE *text, struct chance *chance)
{
	static __thread struct headers headers;
	enum framing framing = chance__happens(chance, 25) ? 1 + chance__below(chance, 2) : 0;
	char body[4096], number[32];
	size_t size = framing ? chance__below(chance, chance__happens(chance, 10) ? 4096 : 200) : 0;

	*request = (struct random_request){.expected[0].cls = class__choose(chance)};
	request->expected[0].method = method__choose(request->expected[0].cls, chance);
	request->expected[0].path = request->path;
	path__make(request, chance);

	headers.count = 0;
	headers__add_for_class(&headers, request->expected[0].cls, chance);
	headers__add_agent(&headers, request, chance);
	for (uint64_t decoys = chance__below(chance, 8); decoys; decoys--)
		headers__add_decoy(&headers, chance);
	snprintf(number, sizeof(number), "%zu", size);
	if (framing == FRAMING_LENGTH)
		headers__add_named(&headers, "Content-Length", number, chance);
	else if (framing == FRAMING_CHUNKED)
		headers__add_named(&headers, "Transfer-Encoding", "chunked", chance);
	headers__shuffle(&headers, chance);

	head__write(text, request, framing, &headers, chance);
	body__fill(body, size);
	body__write(text, framing, body, size, chance);
}

void random_request__start(FILE *text, struct chance *chance)
{
	size_t size = 1 + chance__below(chance, sizeof(V2_TEXT) - 3);

	fwrite(V2_TEXT, 1, size, text);
}

void random_request__garbage(FILE *text, struct chance *chance)
{
	static const char *const garbage[] = {"SSH-2.0-x\r\n", "GET /\r\n\r\n", "\x16\x03\x01\x02",
		"GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.1\r\nbroken\r\n\r\n", "\xff\xfe\xfd"};

	fputs(ONE_OF(chance, garbage), text);
}
