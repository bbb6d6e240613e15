/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of the HTTP/1 parser (http.h): classes of characters, states, and what a character does
 * in a state. A transition that is not in it leads to S_DEAD.
 */
#ifndef IMDSTRACE_HTTP_TABLE_H
#define IMDSTRACE_HTTP_TABLE_H

#include "abi.h"

#ifndef HTTP_INLINE
#define HTTP_INLINE static inline __attribute__((always_inline))
#endif

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
	S_RESPONSE_VERSION,
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
	A_RESPONSE_FIRST,
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

#define LENGTH_OF(name) (sizeof(name) - 1)

/* Where in its word a name may end, and the field that it then is. */
HTTP_INLINE __u8 http__field(__u8 word, __u8 match)
{
	switch (word) {
	case W_TOKEN:
		return match == LENGTH_OF("x-aws-ec2-metadata-token")               ? F_TOKEN
		       : match == LENGTH_OF("x-aws-ec2-metadata-token-ttl-seconds") ? F_TTL
										    : F_OTHER;
	case W_AGENT:
		return match == LENGTH_OF("user-agent") ? F_AGENT : F_OTHER;
	case W_LENGTH:
		return match == LENGTH_OF("content-length") ? F_LENGTH : F_OTHER;
	case W_CODING:
		return match == LENGTH_OF("transfer-encoding") ? F_CODING : F_OTHER;
	case W_FLAVOR:
		return match == LENGTH_OF("metadata")          ? F_METADATA
		       : match == LENGTH_OF("metadata-flavor") ? F_FLAVOR
							       : F_OTHER;
	case W_AUTHORIZATION:
		return match == LENGTH_OF("authorization") ? F_AUTHORIZATION : F_OTHER;
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
	[S_RESPONSE] = { [C_TOKEN] = {S_RESPONSE_VERSION, A_RESPONSE_FIRST}, [C_CR] = {S_RESPONSE, A_NONE}, [C_LF] = {S_RESPONSE, A_NONE} },
	[S_RESPONSE_VERSION] = {
		TCHAR({S_RESPONSE_VERSION, A_VERSION}), [C_SLASH] = {S_RESPONSE_VERSION, A_VERSION},
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
#undef TCHAR
#undef DELIMITER
#undef VISIBLE
#undef ANY
#pragma GCC diagnostic pop
/* clang-format on */

#endif
