/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The recogniser: a streaming HTTP/1 state machine (RFC 9112), the same source in the kernel and
 * on the host. Comes in: the bytes of one direction of one connection, in order, in any pieces.
 * Goes out: an event at the end of each head, and what the head said, in the same struct.
 *
 * It keeps nothing but struct http: no buffering, no allocation, no libc. Every step is a look-up
 * of the byte's character class, one of the transition, and a short action. A transition that is
 * not in the table leads to S_DEAD: these bytes are no HTTP.
 *
 * Where RFC 9112 lets a recipient choose, it is lenient where a server answers such a request
 * (bare LF, empty lines before a request, runs of blanks in the request line, obs-fold) and strict
 * where a server must refuse it (blank before a colon, bare CR, NUL).
 */
#ifndef IMDSTRACE_HTTP_H
#define IMDSTRACE_HTTP_H

#include "abi.h"

#define HTTP_HEAD_MAX                                                                              \
	16384 /* bytes of one head, from its first byte to its last LF; of one chunk's framing too \
	       */

#ifndef HTTP_INLINE
#define HTTP_INLINE static inline __attribute__((always_inline))
#endif

/* libbpf's barrier_var() before each check of an index: clang likes to check one copy of it and to
 * use another, which the verifier cannot follow. Verifiers before 5.13 forget the bounds of a
 * register that is spilled, so an index has 64 bits and its base is loaded before the check. */
#ifdef __bpf__
#ifndef barrier_var /* libbpf before 0.4 */
#define barrier_var(value) asm volatile("" : "+r"(value))
#endif
#else
#define barrier_var(value)
#endif

enum http_event {
	HTTP_MORE, /* nothing to tell yet */
	HTTP_HEAD, /* this byte ended a head: the struct describes it until the next byte */
	HTTP_BODY, /* a chunk's data begins: http__skip() comes before the next byte */
	HTTP_NOT,  /* these bytes are no HTTP; so is all that follows */
};

enum http_seen {
	SEEN_TOKEN = 1 << 0,     /* X-aws-ec2-metadata-token */
	SEEN_TTL = 1 << 1,       /* X-aws-ec2-metadata-token-ttl-seconds */
	SEEN_FOREIGN = 1 << 2,   /* a header that only another cloud's client sends */
	SEEN_AGENT = 1 << 3,     /* User-Agent */
	SEEN_LENGTH = 1 << 4,    /* Content-Length */
	SEEN_CODING = 1 << 5,    /* Transfer-Encoding */
	SEEN_CHUNKED = 1 << 6,   /* its last coding is chunked */
	SEEN_BAD_FRAME = 1 << 7, /* a Content-Length that is no number, or several that differ */
};

struct http {
	__u8 state;
	__u8 word;        /* row of http_words that the name or value is compared with */
	__u8 match;       /* bytes of that word matched so far, or HTTP_MISMATCH */
	__u8 field;       /* enum http_field of the header whose value is being read */
	__u8 seen;        /* enum http_seen */
	__u8 pending;     /* what the value being read adds to seen if it ends here */
	__u8 is_response; /* this direction carries responses */
	__u8 to_head;     /* the response that comes next answers a HEAD */
	__u8 path_cut;
	__u8 agent_cut;
	__u8 oversized;
	__u8 route;   /* enum http_route of the target so far */
	__u16 status; /* of a response */
	__u16 method_size;
	__u16 path_size;
	__u16 agent_size; /* without trailing blanks */
	__u16 agent_at;   /* with them */
	__u32 head_size;
	__u64 length;   /* Content-Length being read, or bytes of body left */
	__u64 declared; /* Content-Length as said */
	char method[METHOD_SIZE];
	char path[TARGET_SIZE];
	char agent[AGENT_SIZE];
};

enum http_char {
	C_OTHER, /* control characters but those below */
	C_NUL,
	C_LF,
	C_CR,
	C_BLANK, /* SP, HTAB */
	C_TOKEN, /* tchar (RFC 9110, 5.6.2) that is none of the next two */
	C_HEX,   /* a-f, A-F */
	C_DIGIT,
	C_SLASH,
	C_COLON,
	C_QUERY, /* ? */
	C_COMMA,
	C_SEMI,
	C_VISIBLE, /* the other delimiters */
	C_HIGH,    /* 0x80 and up */
	C_COUNT = 16,
};

enum http_state {
	S_DEAD,
	/* request-line */
	S_START,
	S_START_LF,
	S_METHOD,
	S_BEFORE_TARGET,
	S_TARGET,
	S_SCHEME_COLON,
	S_SCHEME_SLASH,
	S_AUTHORITY,
	S_TARGET_REST,
	S_BEFORE_VERSION,
	S_VERSION,
	S_AFTER_VERSION,
	S_LINE_LF,
	/* status-line */
	S_RESPONSE,
	S_ANSWER_VERSION,
	S_STATUS,
	S_REASON,
	/* field-line */
	S_FIRST_FIELD,
	S_NAME,
	S_VALUE,
	S_VALUE_LF,
	S_NEXT_FIELD,
	S_HEAD_LF,
	/* message-body */
	S_FRAME,
	S_BODY,
	S_UNTIL_CLOSE,
	S_CHUNK,
	S_CHUNK_SIZE,
	S_CHUNK_EXT,
	S_CHUNK_LF,
	S_CHUNK_DATA,
	S_CHUNK_END,
	S_CHUNK_END_LF,
	S_TRAILER,
	S_TRAILER_LINE,
	S_TRAILER_LINE_LF,
	S_TRAILER_LF,
	S_COUNT = 64, /* a power of two: the verifier takes a mask for a bound */
};

enum http_action {
	A_NONE,
	A_METHOD_FIRST,
	A_METHOD,
	A_TARGET,
	A_AUTHORITY,
	A_ROOT,
	A_ROOT_QUERY,
	A_ANSWER_FIRST,
	A_VERSION_FIRST,
	A_VERSION,
	A_VERSION_END,
	A_STATUS,
	A_STATUS_END,
	A_NAME_FIRST,
	A_NAME,
	A_NAME_END,
	A_VALUE,
	A_HEAD_END,
	A_CHUNK_FIRST,
	A_CHUNK_DIGIT,
	A_CHUNK,
	A_MESSAGE_END,
};

enum http_field {
	F_OTHER,
	F_TOKEN,
	F_TTL,
	F_AGENT,
	F_LENGTH,
	/* those with a value that counts, in the order of those values in enum http_word */
	F_CODING,
	F_FLAVOR,
	F_METADATA,
	F_AUTHORIZATION,
};

/*
 * Who has something at a target: decided byte by byte, because a path may be longer than what is
 * kept of it. What a server would have to decode or to normalise first (a percent sign, a
 * backslash, "..") may lead to EC2's own paths, and so may a target that is no path: both count as
 * EC2's.
 */
enum http_route {
	R_EC2, /* nothing that follows changes this one or the next two */
	R_ROOT,
	R_FOREIGN,
	R_START,
	R_SLASH, /* slashes, and "." between them, and nothing else yet */
	R_DOT,
	R_L, /* the beginnings of "latest", whose letter case does not count */
	R_LA,
	R_LAT,
	R_LATE,
	R_LATES,
	R_LATEST,
	R_DIGIT, /* the beginnings of a date, of which the first four are versions, too */
	R_DIGITS_2,
	R_DIGITS_3,
	R_YEAR,
	R_YEAR_DASH,
	R_MONTH_DIGIT,
	R_MONTH,
	R_MONTH_DASH,
	R_DAY_DIGIT,
	R_DATE,
	R_NUMBER, /* digits and dots */
	R_OTHER,  /* in a segment of a path that begins with another one */
	R_OTHER_SLASH,
	R_OTHER_DOT,
	R_OTHER_DOTS,
	R_COUNT = 32,
};

enum http_route_char {
	X_OTHER,
	X_SLASH,
	X_DOT,
	X_DASH,
	X_DIGIT,
	X_L,
	X_A,
	X_T,
	X_E,
	X_S,
	X_END,  /* ? and #: what follows is no path */
	X_SEMI, /* parameters of a segment, which some servers take off */
	X_ODD,  /* what a server may make another character of */
	X_COUNT = 16,
};

#define HTTP_WORD_SIZE 64
#define HTTP_MISMATCH  (HTTP_WORD_SIZE - 1) /* no word is as long, so it never matches on */

/* Names and values that count, in lower case. A name is told by its first letter alone: no two
 * share it. */
enum http_word {
	W_NONE,
	W_TOKEN,
	W_AGENT,
	W_LENGTH,
	W_CODING,
	W_FLAVOR,
	W_AUTHORIZATION,
	W_CHUNKED,
	W_GOOGLE,
	W_TRUE,
	W_ORACLE,
	W_VERSION,
	W_COUNT = 16,
};

static const char http_words[W_COUNT][HTTP_WORD_SIZE] = {
	[W_TOKEN] = "x-aws-ec2-metadata-token-ttl-seconds",
	[W_AGENT] = "user-agent",
	[W_LENGTH] = "content-length",
	[W_CODING] = "transfer-encoding",
	[W_FLAVOR] = "metadata-flavor",
	[W_AUTHORIZATION] = "authorization",
	[W_CHUNKED] = "chunked",
	[W_GOOGLE] = "google",
	[W_TRUE] = "true",
	[W_ORACLE] = "bearer oracle",
	[W_VERSION] = "HTTP/1.", /* and one digit */
};

#define HTTP_VERSION_SIZE 8

/* Where in its word a name may end, and the field that it then is. */
HTTP_INLINE __u8 http__field(__u8 word, __u8 match)
{
	switch (word) {
	case W_TOKEN: /* the longer name goes on with "-ttl-seconds" */
		return match == 24 ? F_TOKEN : match == 36 ? F_TTL : F_OTHER;
	case W_AGENT:
		return match == 10 ? F_AGENT : F_OTHER;
	case W_LENGTH:
		return match == 14 ? F_LENGTH : F_OTHER;
	case W_CODING:
		return match == 17 ? F_CODING : F_OTHER;
	case W_FLAVOR:
		return match == 8 ? F_METADATA : match == 15 ? F_FLAVOR : F_OTHER;
	case W_AUTHORIZATION:
		return match == 13 ? F_AUTHORIZATION : F_OTHER;
	}
	return F_OTHER;
}

/* What a field's presence tells, whatever its value. */
HTTP_INLINE __u8 http__presence(__u8 field)
{
	switch (field) {
	case F_TOKEN:
		return SEEN_TOKEN;
	case F_TTL:
		return SEEN_TTL;
	case F_AGENT:
		return SEEN_AGENT;
	case F_CODING:
		return SEEN_CODING;
	}
	return 0;
}

/* The word that a field's value is compared with. */
HTTP_INLINE __u8 http__value_word(__u8 field)
{
	return field < F_CODING ? W_NONE : field - F_CODING + W_CHUNKED;
}

static const __u8 http_chars[256] = {
	[0] = C_NUL,
	['\n'] = C_LF,
	['\r'] = C_CR,
	[' '] = C_BLANK,
	['\t'] = C_BLANK,
	['!'] = C_TOKEN,
	['"'] = C_VISIBLE,
	['#' ... '\''] = C_TOKEN,
	['('] = C_VISIBLE,
	[')'] = C_VISIBLE,
	['*'] = C_TOKEN,
	['+'] = C_TOKEN,
	[','] = C_COMMA,
	['-'] = C_TOKEN,
	['.'] = C_TOKEN,
	['/'] = C_SLASH,
	['0' ... '9'] = C_DIGIT,
	[':'] = C_COLON,
	[';'] = C_SEMI,
	['<'] = C_VISIBLE,
	['='] = C_VISIBLE,
	['>'] = C_VISIBLE,
	['?'] = C_QUERY,
	['@'] = C_VISIBLE,
	['A' ... 'F'] = C_HEX,
	['G' ... 'Z'] = C_TOKEN,
	['[' ... ']'] = C_VISIBLE,
	['^' ... '`'] = C_TOKEN,
	['a' ... 'f'] = C_HEX,
	['g' ... 'z'] = C_TOKEN,
	['{'] = C_VISIBLE,
	['|'] = C_TOKEN,
	['}'] = C_VISIBLE,
	['~'] = C_TOKEN,
	[0x80 ... 0xff] = C_HIGH,
};

static const __u8 http_route_chars[256] = {
	['/'] = X_SLASH,
	['.'] = X_DOT,
	['-'] = X_DASH,
	['0' ... '9'] = X_DIGIT,
	['L'] = X_L,
	['l'] = X_L,
	['A'] = X_A,
	['a'] = X_A,
	['T'] = X_T,
	['t'] = X_T,
	['E'] = X_E,
	['e'] = X_E,
	['S'] = X_S,
	['s'] = X_S,
	['?'] = X_END,
	['#'] = X_END,
	[';'] = X_SEMI,
	['%'] = X_ODD,
	['\\'] = X_ODD,
};

struct http_transition {
	__u8 next;
	__u8 action;
};

/* clang-format off */
/* A row names a set of characters first and then the exceptions in it. */
#pragma GCC diagnostic push
#if defined(__clang__)
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
#define TCHAR(...)   [C_TOKEN] = __VA_ARGS__, [C_HEX] = __VA_ARGS__, [C_DIGIT] = __VA_ARGS__
#define DELIMITER(...) [C_COLON] = __VA_ARGS__, [C_COMMA] = __VA_ARGS__, [C_SEMI] = __VA_ARGS__, \
	[C_VISIBLE] = __VA_ARGS__, [C_HIGH] = __VA_ARGS__
#define VISIBLE(...) TCHAR(__VA_ARGS__), DELIMITER(__VA_ARGS__), [C_SLASH] = __VA_ARGS__, [C_QUERY] = __VA_ARGS__
#define ANY(...)     [0 ... C_COUNT - 1] = __VA_ARGS__

static const struct http_transition http_transitions[S_COUNT][C_COUNT] = {
	/* request-line = method SP request-target SP HTTP-version CRLF, after empty lines (2.2) */
	[S_START] = { TCHAR({S_METHOD, A_METHOD_FIRST}), [C_CR] = {S_START_LF, A_NONE}, [C_LF] = {S_START, A_MESSAGE_END} },
	[S_START_LF] = { [C_LF] = {S_START, A_MESSAGE_END} },
	[S_METHOD] = { TCHAR({S_METHOD, A_METHOD}), [C_BLANK] = {S_BEFORE_TARGET, A_NONE} },
	[S_BEFORE_TARGET] = {
		TCHAR({S_TARGET, A_TARGET}), DELIMITER({S_TARGET_REST, A_TARGET}),
		[C_SLASH] = {S_TARGET_REST, A_TARGET}, [C_QUERY] = {S_TARGET_REST, A_TARGET},
		[C_BLANK] = {S_BEFORE_TARGET, A_NONE},
	},
	/* absolute-form (3.2.2): scheme "://" authority [ path ] [ "?" query ] becomes its path */
	[S_TARGET] = {
		VISIBLE({S_TARGET_REST, A_TARGET}), TCHAR({S_TARGET, A_TARGET}),
		[C_COLON] = {S_SCHEME_COLON, A_TARGET}, [C_BLANK] = {S_BEFORE_VERSION, A_NONE},
	},
	[S_SCHEME_COLON] = {
		VISIBLE({S_TARGET_REST, A_TARGET}),
		[C_SLASH] = {S_SCHEME_SLASH, A_TARGET}, [C_BLANK] = {S_BEFORE_VERSION, A_NONE},
	},
	[S_SCHEME_SLASH] = {
		VISIBLE({S_TARGET_REST, A_TARGET}),
		[C_SLASH] = {S_AUTHORITY, A_AUTHORITY}, [C_BLANK] = {S_BEFORE_VERSION, A_NONE},
	},
	[S_AUTHORITY] = {
		VISIBLE({S_AUTHORITY, A_NONE}), [C_SLASH] = {S_TARGET_REST, A_TARGET},
		[C_QUERY] = {S_TARGET_REST, A_ROOT_QUERY}, [C_BLANK] = {S_BEFORE_VERSION, A_ROOT},
	},
	/* origin-form, authority-form, asterisk-form: as sent */
	[S_TARGET_REST] = { VISIBLE({S_TARGET_REST, A_TARGET}), [C_BLANK] = {S_BEFORE_VERSION, A_NONE} },
	[S_BEFORE_VERSION] = { [C_BLANK] = {S_BEFORE_VERSION, A_NONE}, [C_TOKEN] = {S_VERSION, A_VERSION_FIRST} },
	[S_VERSION] = {
		TCHAR({S_VERSION, A_VERSION}), [C_SLASH] = {S_VERSION, A_VERSION},
		[C_BLANK] = {S_AFTER_VERSION, A_VERSION_END}, [C_CR] = {S_LINE_LF, A_VERSION_END},
		[C_LF] = {S_FIRST_FIELD, A_VERSION_END},
	},
	[S_AFTER_VERSION] = {
		[C_BLANK] = {S_AFTER_VERSION, A_NONE}, [C_CR] = {S_LINE_LF, A_NONE}, [C_LF] = {S_FIRST_FIELD, A_NONE},
	},
	[S_LINE_LF] = { [C_LF] = {S_FIRST_FIELD, A_NONE} },

	/* status-line = HTTP-version SP status-code SP [ reason-phrase ] CRLF (4) */
	[S_RESPONSE] = { [C_TOKEN] = {S_ANSWER_VERSION, A_ANSWER_FIRST}, [C_CR] = {S_RESPONSE, A_NONE}, [C_LF] = {S_RESPONSE, A_NONE} },
	[S_ANSWER_VERSION] = {
		TCHAR({S_ANSWER_VERSION, A_VERSION}), [C_SLASH] = {S_ANSWER_VERSION, A_VERSION},
		[C_BLANK] = {S_STATUS, A_VERSION_END},
	},
	[S_STATUS] = {
		[C_DIGIT] = {S_STATUS, A_STATUS}, [C_BLANK] = {S_REASON, A_STATUS_END},
		[C_CR] = {S_LINE_LF, A_STATUS_END}, [C_LF] = {S_FIRST_FIELD, A_STATUS_END},
	},
	[S_REASON] = {
		ANY({S_REASON, A_NONE}), [C_NUL] = {S_DEAD, A_NONE},
		[C_CR] = {S_LINE_LF, A_NONE}, [C_LF] = {S_FIRST_FIELD, A_NONE},
	},

	/* field-line = field-name ":" OWS field-value OWS CRLF; a line that begins with a blank goes on
	 * with the value before it (obs-fold, 5.2) */
	[S_FIRST_FIELD] = {
		TCHAR({S_NAME, A_NAME_FIRST}), [C_CR] = {S_HEAD_LF, A_NONE}, [C_LF] = {S_FRAME, A_HEAD_END},
	},
	[S_NAME] = { TCHAR({S_NAME, A_NAME}), [C_COLON] = {S_VALUE, A_NAME_END} },
	[S_VALUE] = {
		ANY({S_VALUE, A_VALUE}), [C_NUL] = {S_DEAD, A_NONE},
		[C_CR] = {S_VALUE_LF, A_NONE}, [C_LF] = {S_NEXT_FIELD, A_NONE},
	},
	[S_VALUE_LF] = { [C_LF] = {S_NEXT_FIELD, A_NONE} },
	[S_NEXT_FIELD] = {
		TCHAR({S_NAME, A_NAME_FIRST}), [C_BLANK] = {S_VALUE, A_VALUE},
		[C_CR] = {S_HEAD_LF, A_NONE}, [C_LF] = {S_FRAME, A_HEAD_END},
	},
	[S_HEAD_LF] = { [C_LF] = {S_FRAME, A_HEAD_END} },

	/* chunked-body (7.1), whose trailers are passed over. S_FRAME, S_BODY, S_UNTIL_CLOSE and
	 * S_CHUNK_DATA have no row: http__skip() leads out of them */
	[S_CHUNK] = { [C_HEX] = {S_CHUNK_SIZE, A_CHUNK_FIRST}, [C_DIGIT] = {S_CHUNK_SIZE, A_CHUNK_FIRST} },
	[S_CHUNK_SIZE] = {
		[C_HEX] = {S_CHUNK_SIZE, A_CHUNK_DIGIT}, [C_DIGIT] = {S_CHUNK_SIZE, A_CHUNK_DIGIT},
		[C_BLANK] = {S_CHUNK_EXT, A_NONE}, [C_SEMI] = {S_CHUNK_EXT, A_NONE},
		[C_CR] = {S_CHUNK_LF, A_NONE}, [C_LF] = {S_CHUNK_DATA, A_CHUNK},
	},
	[S_CHUNK_EXT] = {
		ANY({S_CHUNK_EXT, A_NONE}), [C_NUL] = {S_DEAD, A_NONE},
		[C_CR] = {S_CHUNK_LF, A_NONE}, [C_LF] = {S_CHUNK_DATA, A_CHUNK},
	},
	[S_CHUNK_LF] = { [C_LF] = {S_CHUNK_DATA, A_CHUNK} },
	[S_CHUNK_END] = { [C_CR] = {S_CHUNK_END_LF, A_NONE}, [C_LF] = {S_CHUNK, A_NONE} },
	[S_CHUNK_END_LF] = { [C_LF] = {S_CHUNK, A_NONE} },
	[S_TRAILER] = {
		ANY({S_TRAILER_LINE, A_NONE}), [C_NUL] = {S_DEAD, A_NONE},
		[C_CR] = {S_TRAILER_LF, A_NONE}, [C_LF] = {S_START, A_MESSAGE_END},
	},
	[S_TRAILER_LINE] = {
		ANY({S_TRAILER_LINE, A_NONE}), [C_NUL] = {S_DEAD, A_NONE},
		[C_CR] = {S_TRAILER_LINE_LF, A_NONE}, [C_LF] = {S_TRAILER, A_NONE},
	},
	[S_TRAILER_LINE_LF] = { [C_LF] = {S_TRAILER, A_NONE} },
	[S_TRAILER_LF] = { [C_LF] = {S_START, A_MESSAGE_END} },
};

/* A row names what most characters do first and then the exceptions. */
#define NEITHER(...) [0 ... X_COUNT - 1] = R_OTHER, [X_SLASH] = R_OTHER_SLASH, [X_SEMI] = R_OTHER, \
	[X_END] = R_FOREIGN, [X_ODD] = R_EC2, __VA_ARGS__
#define VERSION(...) NEITHER([X_SLASH] = R_EC2, [X_SEMI] = R_EC2, [X_END] = R_EC2, __VA_ARGS__)

static const __u8 http_routes[R_COUNT][X_COUNT] = {
	[R_EC2] = { [0 ... X_COUNT - 1] = R_EC2 },
	[R_ROOT] = { [0 ... X_COUNT - 1] = R_ROOT },
	[R_FOREIGN] = { [0 ... X_COUNT - 1] = R_FOREIGN },
	[R_START] = { [X_SLASH] = R_SLASH },
	[R_SLASH] = {
		NEITHER([X_SLASH] = R_SLASH, [X_DOT] = R_DOT, [X_DIGIT] = R_DIGIT, [X_L] = R_L, [X_SEMI] = R_EC2,
			[X_END] = R_ROOT),
	},
	[R_DOT] = {
		NEITHER([X_SLASH] = R_SLASH, [X_DOT] = R_OTHER_DOTS, [X_SEMI] = R_EC2, [X_END] = R_ROOT),
	},
	[R_L] = { NEITHER([X_A] = R_LA) },
	[R_LA] = { NEITHER([X_T] = R_LAT) },
	[R_LAT] = { NEITHER([X_E] = R_LATE) },
	[R_LATE] = { NEITHER([X_S] = R_LATES) },
	[R_LATES] = { NEITHER([X_T] = R_LATEST) },
	[R_LATEST] = { VERSION() },
	[R_DIGIT] = { VERSION([X_DIGIT] = R_DIGITS_2, [X_DOT] = R_NUMBER) },
	[R_DIGITS_2] = { VERSION([X_DIGIT] = R_DIGITS_3, [X_DOT] = R_NUMBER) },
	[R_DIGITS_3] = { VERSION([X_DIGIT] = R_YEAR, [X_DOT] = R_NUMBER) },
	[R_YEAR] = { VERSION([X_DIGIT] = R_NUMBER, [X_DOT] = R_NUMBER, [X_DASH] = R_YEAR_DASH) },
	[R_YEAR_DASH] = { NEITHER([X_DIGIT] = R_MONTH_DIGIT) },
	[R_MONTH_DIGIT] = { NEITHER([X_DIGIT] = R_MONTH) },
	[R_MONTH] = { NEITHER([X_DASH] = R_MONTH_DASH) },
	[R_MONTH_DASH] = { NEITHER([X_DIGIT] = R_DAY_DIGIT) },
	[R_DAY_DIGIT] = { NEITHER([X_DIGIT] = R_DATE) },
	[R_DATE] = { VERSION() },
	[R_NUMBER] = { VERSION([X_DIGIT] = R_NUMBER, [X_DOT] = R_NUMBER) },
	[R_OTHER] = { NEITHER() },
	[R_OTHER_SLASH] = { NEITHER([X_DOT] = R_OTHER_DOT) },
	[R_OTHER_DOT] = { NEITHER([X_DOT] = R_OTHER_DOTS) },
	[R_OTHER_DOTS] = { VERSION() }, /* may lead up to another path */
};
#undef TCHAR
#undef DELIMITER
#undef VISIBLE
#undef ANY
#undef NEITHER
#undef VERSION
#pragma GCC diagnostic pop
/* clang-format on */

/* Ready for the first byte of a connection's requests, or of its responses. A reset is always
 * possible; what was half read is forgotten. */
HTTP_INLINE void http__reset(struct http *h, bool is_response)
{
	h->is_response = is_response;
	h->state = is_response ? S_RESPONSE : S_START;
	h->head_size = 0;
	h->oversized = 0;
}

/* Whether the bytes so far end between two messages or inside a body: no head is half read. */
HTTP_INLINE bool http__idle(const struct http *h)
{
	return h->state == S_START || h->state == S_START_LF || h->state == S_RESPONSE ||
	       h->state >= S_FRAME || h->state == S_DEAD;
}

HTTP_INLINE void http__begin(struct http *h)
{
	h->seen = 0;
	h->pending = 0;
	h->path_cut = 0;
	h->agent_cut = 0;
	h->status = 0;
	h->route = R_START;
	h->method_size = 0;
	h->path_size = 0;
	h->agent_size = 0;
	h->agent_at = 0;
	h->head_size = 1; /* the byte that begins it */
	h->length = 0;
	h->declared = 0;
}

HTTP_INLINE void http__match(struct http *h, unsigned char byte)
{
	__u8 at = h->match & (HTTP_WORD_SIZE - 1);

	h->match = http_words[h->word & (W_COUNT - 1)][at] == (char)byte ? at + 1 : HTTP_MISMATCH;
}

HTTP_INLINE unsigned char http__lower(unsigned char byte)
{
	return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

/* Whether all of the word was matched. */
HTTP_INLINE bool http__matched(const struct http *h)
{
	__u8 at = h->match & (HTTP_WORD_SIZE - 1);

	return at && at != HTTP_MISMATCH && !http_words[h->word & (W_COUNT - 1)][at];
}

HTTP_INLINE void http__method(struct http *h, unsigned char byte)
{
	char *method = h->method;
	__u64 at = h->method_size;

	barrier_var(method);
	barrier_var(at);
	if (at >= METHOD_SIZE - 1)
		return;
	method[at] = byte;
	h->method_size = at + 1;
}

HTTP_INLINE __u8 http__route(__u8 route, __u8 route_char)
{
	return http_routes[route & (R_COUNT - 1)][route_char & (X_COUNT - 1)];
}

HTTP_INLINE void http__target(struct http *h, unsigned char byte)
{
	char *path = h->path;
	__u64 at = h->path_size;

	h->route = http__route(h->route, http_route_chars[byte]);
	barrier_var(path);
	barrier_var(at);
	if (at >= TARGET_SIZE - 1) {
		h->path_cut = 1;
		return;
	}
	path[at] = byte;
	h->path_size = at + 1;
}

HTTP_INLINE bool http__is_blank(unsigned char byte)
{
	return byte == ' ' || byte == '\t';
}

HTTP_INLINE void http__agent(struct http *h, unsigned char byte)
{
	bool blank = http__is_blank(byte);
	char *agent = h->agent;
	__u64 at = h->agent_at;

	if (blank && !at)
		return;
	barrier_var(agent);
	barrier_var(at);
	if (at >= AGENT_SIZE - 1) {
		h->agent_cut |= !blank;
		return;
	}
	agent[at] = byte;
	h->agent_at = at + 1;
	if (!blank)
		h->agent_size = at + 1;
}

/* Where in its value Content-Length is: h->match. */
enum { LENGTH_NONE, LENGTH_DIGITS, LENGTH_OVER };

#define HTTP_LENGTH_MAX (1ULL << 56) /* more is an attack, not a body */

/* The word that a name of this first letter may be. */
HTTP_INLINE __u8 http__name_word(unsigned char byte)
{
	switch (http__lower(byte)) {
	case 'x':
		return W_TOKEN;
	case 'u':
		return W_AGENT;
	case 'c':
		return W_LENGTH;
	case 't':
		return W_CODING;
	case 'm':
		return W_FLAVOR;
	case 'a':
		return W_AUTHORIZATION;
	}
	return W_NONE;
}

/* The line before is over, and with it its value. */
HTTP_INLINE void http__commit(struct http *h)
{
	h->seen |= h->pending;
	h->pending = 0;
}

HTTP_INLINE void http__name_first(struct http *h, unsigned char byte)
{
	http__commit(h);
	h->word = http__name_word(byte);
	h->match = 1; /* W_NONE matches nothing from there on */
}

HTTP_INLINE void http__name_end(struct http *h)
{
	__u8 field = http__field(h->word, h->match);

	if (field == F_AGENT && (h->seen & SEEN_AGENT))
		field = F_OTHER; /* the first one counts */
	h->seen |= http__presence(field);
	h->pending = field == F_LENGTH ? SEEN_BAD_FRAME : 0; /* until there is a digit */
	h->length = 0;
	h->field = field;
	h->word = http__value_word(field);
	h->match = 0;
}

/*
 * Content-Length: a number, or a list of equal ones (RFC 9112, 6.3), here or in several lines. The
 * first is declared, every other is compared with it as it is read.
 */
HTTP_INLINE void http__length(struct http *h, unsigned char byte)
{
	bool digit = byte >= '0' && byte <= '9';

	if (http__is_blank(byte)) {
		if (h->match == LENGTH_DIGITS)
			h->match = LENGTH_OVER;
	} else if (byte == ',') {
		http__commit(h);
		h->length = 0;
		h->pending = SEEN_BAD_FRAME;
		h->match = LENGTH_NONE;
	} else if (!digit || h->match == LENGTH_OVER || h->length > HTTP_LENGTH_MAX) {
		h->seen |= SEEN_BAD_FRAME;
	} else {
		h->length = h->length * 10 + (byte - '0');
		h->match = LENGTH_DIGITS;
		if (!(h->seen & SEEN_LENGTH))
			h->declared = h->length;
		h->pending = SEEN_LENGTH | (h->declared == h->length ? 0 : SEEN_BAD_FRAME);
	}
}

/*
 * A value that is compared with a word. Blanks around it do not count, one inside it does. Of a
 * list of transfer codings only the last decides (RFC 9112, 6.1), and an empty one is none.
 */
HTTP_INLINE void http__word(struct http *h, unsigned char byte)
{
	bool blank = http__is_blank(byte);
	bool coding = h->field == F_CODING;

	if (blank && (!h->match || http__matched(h)))
		return;
	if (coding && byte == ',') {
		h->match = 0;
		return;
	}
	if (coding)
		h->seen &= ~SEEN_CHUNKED; /* the last one of a line before, but not of the list */
	http__match(h, blank ? ' ' : http__lower(byte));
	h->pending = !http__matched(h) ? 0 : coding ? SEEN_CHUNKED : SEEN_FOREIGN;
}

HTTP_INLINE void http__value(struct http *h, unsigned char byte)
{
	if (h->field == F_AGENT)
		http__agent(h, byte);
	else if (h->field == F_LENGTH)
		http__length(h, byte);
	else if (h->field >= F_CODING)
		http__word(h, byte);
}

/* The body's framing (RFC 9112, 6.3). Bad framing makes all that follows unreadable. */
HTTP_INLINE __u8 http__after_head(struct http *h)
{
	h->length = h->declared;
	if (h->is_response) {
		if (h->status < 200)
			return h->status == 101 ? S_UNTIL_CLOSE : S_RESPONSE;
		if (h->to_head || h->status == 204 || h->status == 304)
			return S_RESPONSE;
	}
	if (h->seen & SEEN_CODING)
		return h->seen & SEEN_CHUNKED ? S_CHUNK : h->is_response ? S_UNTIL_CLOSE : S_DEAD;
	if (h->seen & SEEN_BAD_FRAME)
		return S_DEAD;
	if (h->length)
		return S_BODY;
	if (h->is_response)
		return h->seen & SEEN_LENGTH ? S_RESPONSE : S_UNTIL_CLOSE;
	return S_START;
}

HTTP_INLINE void http__version(struct http *h, unsigned char byte)
{
	if (h->match == HTTP_VERSION_SIZE - 1)
		h->match = byte >= '0' && byte <= '9' ? HTTP_VERSION_SIZE : HTTP_MISMATCH;
	else
		http__match(h, byte);
	if (h->match == HTTP_MISMATCH)
		h->state = S_DEAD;
}

HTTP_INLINE void http__version_first(struct http *h, unsigned char byte)
{
	h->word = W_VERSION;
	h->match = 0;
	http__version(h, byte);
}

HTTP_INLINE void http__chunk_digit(struct http *h, unsigned char byte)
{
	if (h->length > HTTP_LENGTH_MAX)
		h->state = S_DEAD;
	h->length = h->length << 4 | (byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
}

HTTP_INLINE __u8 http__after_body(struct http *h)
{
	if (h->state == S_CHUNK_DATA)
		return S_CHUNK_END;
	return h->is_response ? S_RESPONSE : S_START;
}

/*
 * To be called before a run of bytes is given to http__byte(): how many of the next size bytes are
 * body, which nobody needs to look at. They count as passed.
 */
HTTP_INLINE __u32 http__skip(struct http *h, __u32 size)
{
	if (h->state == S_FRAME)
		h->state = http__after_head(h);
	if (h->state == S_UNTIL_CLOSE)
		return size;
	if (h->state != S_BODY && h->state != S_CHUNK_DATA)
		return 0;
	if (size < h->length) {
		h->length -= size;
		return size;
	}
	size = h->length;
	h->length = 0;
	h->state = http__after_body(h);
	return size;
}

/* One byte of a head or of chunked framing. */
HTTP_INLINE enum http_event http__byte(struct http *h, unsigned char byte)
{
	/* volatile: a state that is loaded anew is one that the verifier knows nothing about, so
	 * that it looks at this function once for each byte and not once for each way of getting
	 * there */
	__u8 state = *(const volatile __u8 *)&h->state & (S_COUNT - 1);
	const struct http_transition *transition =
		&http_transitions[state][http_chars[byte] & (C_COUNT - 1)];

	if (++h->head_size > HTTP_HEAD_MAX) {
		h->oversized = 1;
		h->state = S_DEAD;
		return HTTP_NOT;
	}
	h->state = transition->next;

	switch (transition->action) {
	case A_METHOD_FIRST:
		http__begin(h);
		http__method(h, byte);
		break;
	case A_METHOD:
		http__method(h, byte);
		break;
	case A_TARGET:
		http__target(h, byte);
		break;
	case A_AUTHORITY: /* "scheme:/" was taken for the target */
		h->path_size = 0;
		h->path_cut = 0;
		h->route = R_START;
		break;
	case A_ROOT:
		http__target(h, '/');
		break;
	case A_ROOT_QUERY:
		h->path[0] = '/';
		h->path[1] = '?';
		h->path_size = 2;
		h->route = R_ROOT;
		break;
	case A_ANSWER_FIRST:
		http__begin(h);
		http__version_first(h, byte);
		break;
	case A_VERSION_FIRST:
		http__version_first(h, byte);
		break;
	case A_VERSION:
		http__version(h, byte);
		break;
	case A_VERSION_END:
		if (h->match != HTTP_VERSION_SIZE)
			h->state = S_DEAD;
		break;
	case A_STATUS:
		h->status = h->status * 10 + (byte - '0');
		if (h->status > 999)
			h->state = S_DEAD;
		break;
	case A_STATUS_END:
		if (h->status < 100)
			h->state = S_DEAD;
		break;
	case A_NAME_FIRST:
		http__name_first(h, byte);
		break;
	case A_NAME:
		http__match(h, http__lower(byte));
		break;
	case A_NAME_END:
		http__name_end(h);
		break;
	case A_VALUE:
		http__value(h, byte);
		break;
	case A_HEAD_END:
		http__commit(h);
		h->head_size = 0;
		return HTTP_HEAD;
	case A_CHUNK_FIRST:
		h->length = 0;
		http__chunk_digit(h, byte);
		break;
	case A_CHUNK_DIGIT:
		http__chunk_digit(h, byte);
		break;
	case A_CHUNK:
		h->head_size = 0;
		if (h->length)
			return HTTP_BODY;
		h->state = S_TRAILER;
		break;
	case A_MESSAGE_END:
		h->head_size = 0;
		h->state = h->is_response ? S_RESPONSE : S_START;
		break;
	}
	return h->state == S_DEAD ? HTTP_NOT : HTTP_MORE;
}

/* Whether a head that ended is a final one: an interim response (1xx) is followed by another. */
HTTP_INLINE bool http__final(const struct http *h)
{
	return !h->is_response || h->status >= 200;
}

HTTP_INLINE bool http__begins(const char *text, __u16 size, const char *word, __u16 word_size)
{
	if (size < word_size)
		return false;
#pragma GCC unroll 32
	for (__u16 i = 0; i < word_size; i++)
		if (text[i] != word[i])
			return false;
	return true;
}

#define HTTP_BEGINS(h, member, word) \
	http__begins((h)->member, (h)->member##_size, word, sizeof(word) - 1)

/* Whose the request is, once its head has ended: R_EC2, R_ROOT or R_FOREIGN. */
HTTP_INLINE __u8 http__destination(const struct http *h)
{
	return http__route(h->route, X_END);
}

/* At the root, which every cloud's service has: whether another cloud's client asks. */
HTTP_INLINE bool http__is_probe(const struct http *h)
{
	return (h->seen & SEEN_FOREIGN) || HTTP_BEGINS(h, agent, "gcloud-golang/");
}

/* The class of the request whose head has just ended: the first that fits, in enum request_class's
 * order. */
HTTP_INLINE enum request_class http__class(const struct http *h)
{
	const __u16 token_size = sizeof("/latest/api/token") - 1;
	__u8 destination = http__destination(h);

	if (h->method_size == 3 && HTTP_BEGINS(h, method, "PUT") &&
		HTTP_BEGINS(h, path, "/latest/api/token") &&
		(h->path_size == token_size || h->path[token_size] == '?'))
		return CLASS_TOKEN;
	if (h->seen & (SEEN_TOKEN | SEEN_TTL))
		return CLASS_V2;
	if (destination == R_FOREIGN || (destination == R_ROOT && http__is_probe(h)))
		return CLASS_FOREIGN;
	return CLASS_V1;
}

#endif
