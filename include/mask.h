/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which bytes of a process's arguments, or of any text, are secret: the same source in the kernel,
 * where the arguments are captured, and in user space.
 *
 * A text is read twice. Backwards, mask__look() says of each byte what only the bytes behind it
 * tell: that an IMDS token begins here, that an "@" ends this URL's userinfo. Forwards,
 * mask__step() is given that and says whether the byte is secret. Both keep their state in a
 * struct, with no buffer, no allocation and no libc; a NUL ends an argument.
 *
 *	secret    = token / name *separator value / option NUL value / "://" userinfo "@"
 *	token     = 1*("A".."Z" / "a".."z" / "0".."9" / "+" / "/" / "_" / "-" / "=") that begins
 *with "AQAE" and has 20 bytes, or with "AQAA" and has 56 name      = one of the names below in any
 *letter case, with "-" and "_" anywhere or nowhere separator = ":" / "=" / ">" / "," / "(" / "[" /
 *"]" / quote / blank / "\" / CR / LF / a literal's prefix (b"...") value     = to the closing
 *quote, else to a blank or to what ends an item of a list; all of the argument where it is that of
 *an option
 *
 * A password's and an Authorization's name is also a word of prose or a part of a path: only ":",
 * "=", "name", "value" or a dash in front of it make it a secret's.
 */
#ifndef IMDSTRACE_MASK_H
#define IMDSTRACE_MASK_H

#include "abi.h"

/* What an index is computed from is in one register, and the bound behind it stays in the code. */
#ifdef __bpf__
#define MASK_INDEX(value) asm volatile("" : "+r"(value))
#else
#define MASK_INDEX(value)
#endif

#ifndef MASK_INLINE
#define MASK_INLINE static inline __attribute__((always_inline))
#endif

#define MASK_TOKEN_MIN        20 /* the service's have 56: an end of one may be cut off */
#define MASK_TOKEN_SIZE       56 /* of older ones, whose beginning is too common to go by it alone */
#define MASK_FOUR(a, b, c, d) ((__u32)(a) | (__u32)(b) << 8 | (__u32)(c) << 16 | (__u32)(d) << 24)
#define MASK_EIGHT(a, b, c, d, e, f, g, h) \
	(MASK_FOUR(a, b, c, d) | (__u64)MASK_FOUR(e, f, g, h) << 32)

/* --- Bytes --------------------------------------------------------------------------------- */

enum mask_class {
	BYTE_NAME = 1 << 0,      /* letters, digits, "-" and "_" */
	BYTE_TOKEN = 1 << 1,     /* what a token or a key is made of */
	BYTE_SEPARATOR = 1 << 2, /* between a name and its value */
	BYTE_QUOTE = 1 << 3,
	BYTE_BLANK = 1 << 4,
	BYTE_WORD_END = 1 << 5,  /* behind a value without quotes */
	BYTE_ITEM_END = 1 << 6,  /* the same, where it is no password: those may hold it */
	BYTE_DELIMITER = 1 << 7, /* a word may begin behind it */
};

#define BYTE_AUTHORITY_END (1 << 8) /* RFC 3986, section 3.2 */

/* clang-format off */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const __u16 mask_classes[256] = {
	[0] = BYTE_AUTHORITY_END | BYTE_WORD_END,
	['a' ... 'z'] = BYTE_NAME | BYTE_TOKEN,
	['A' ... 'Z'] = BYTE_NAME | BYTE_TOKEN,
	['0' ... '9'] = BYTE_NAME | BYTE_TOKEN,
	['-'] = BYTE_NAME | BYTE_TOKEN,
	['_'] = BYTE_NAME | BYTE_TOKEN,
	['+'] = BYTE_TOKEN,
	['/'] = BYTE_TOKEN | BYTE_AUTHORITY_END,
	['='] = BYTE_TOKEN | BYTE_SEPARATOR | BYTE_DELIMITER,
	[':'] = BYTE_SEPARATOR | BYTE_DELIMITER,
	['>'] = BYTE_SEPARATOR | BYTE_ITEM_END | BYTE_DELIMITER | BYTE_AUTHORITY_END,
	[','] = BYTE_SEPARATOR | BYTE_ITEM_END | BYTE_DELIMITER,
	['('] = BYTE_SEPARATOR | BYTE_DELIMITER,
	['['] = BYTE_SEPARATOR | BYTE_DELIMITER,
	[']'] = BYTE_SEPARATOR | BYTE_ITEM_END | BYTE_DELIMITER,
	['\\'] = BYTE_SEPARATOR | BYTE_ITEM_END | BYTE_DELIMITER | BYTE_AUTHORITY_END,
	['"'] = BYTE_SEPARATOR | BYTE_QUOTE | BYTE_WORD_END | BYTE_DELIMITER | BYTE_AUTHORITY_END,
	['\''] = BYTE_SEPARATOR | BYTE_QUOTE | BYTE_WORD_END | BYTE_DELIMITER | BYTE_AUTHORITY_END,
	['`'] = BYTE_SEPARATOR | BYTE_QUOTE | BYTE_WORD_END | BYTE_DELIMITER | BYTE_AUTHORITY_END,
	[' '] = BYTE_SEPARATOR | BYTE_BLANK | BYTE_WORD_END | BYTE_DELIMITER | BYTE_AUTHORITY_END,
	['\t'] = BYTE_SEPARATOR | BYTE_BLANK | BYTE_WORD_END | BYTE_DELIMITER | BYTE_AUTHORITY_END,
	['\n'] = BYTE_SEPARATOR | BYTE_BLANK | BYTE_WORD_END | BYTE_DELIMITER | BYTE_AUTHORITY_END,
	['\r'] = BYTE_SEPARATOR | BYTE_BLANK | BYTE_WORD_END | BYTE_DELIMITER | BYTE_AUTHORITY_END,
	['&'] = BYTE_WORD_END | BYTE_DELIMITER,
	[';'] = BYTE_WORD_END | BYTE_DELIMITER,
	[')'] = BYTE_ITEM_END | BYTE_DELIMITER,
	['}'] = BYTE_ITEM_END | BYTE_DELIMITER,
	['|'] = BYTE_ITEM_END | BYTE_DELIMITER,
	['<'] = BYTE_ITEM_END | BYTE_DELIMITER | BYTE_AUTHORITY_END,
	['{'] = BYTE_DELIMITER,
	['?'] = BYTE_DELIMITER | BYTE_AUTHORITY_END,
	['#'] = BYTE_AUTHORITY_END,
	['@'] = BYTE_DELIMITER,
};
#pragma GCC diagnostic pop
/* clang-format on */

/* --- Names --------------------------------------------------------------------------------- */

enum mask_kind { MASK_TOKEN, MASK_KEY, MASK_PASSWORD, MASK_AUTHORIZATION };

/*
 * All names, one behind the other, without "-" and "_". A bit for each of their bytes says that the
 * text so far ends with the name's bytes up to there (Shift-And: Baeza-Yates and Gonnet, 1992).
 */
#define MASK_NAMES_0 "xawsec2metadatatokensecretaccesskeysecretkeysessiontoken"
#define MASK_NAMES_1 "securitytokenauthorizationpasswordpasswdpassphrase"

#define MASK_BIT(at) (1ULL << (at))

#define MASK_FIRST_0 (MASK_BIT(0) | MASK_BIT(20) | MASK_BIT(35) | MASK_BIT(44))
#define MASK_FIRST_1 (MASK_BIT(0) | MASK_BIT(13) | MASK_BIT(26) | MASK_BIT(34) | MASK_BIT(40))

#define MASK_LAST_TOKEN         MASK_BIT(19)                                 /* in names 0 */
#define MASK_LAST_KEY_0         (MASK_BIT(34) | MASK_BIT(43) | MASK_BIT(55)) /* in names 0 */
#define MASK_LAST_KEY_1         MASK_BIT(12)                                 /* in names 1 */
#define MASK_LAST_AUTHORIZATION MASK_BIT(25)                                 /* in names 1 */
#define MASK_LAST_PASSWORD      (MASK_BIT(33) | MASK_BIT(39) | MASK_BIT(49)) /* in names 1 */

/* Where a letter stands in the names: a constant, as a string's bytes are. */
#define MASK_AT(names, letter, at)                                                                 \
	((__u64)((at) < sizeof(names) - 1 && (names)[(at) < sizeof(names) ? (at) : 0] == (letter)) \
		<< (at))
#define MASK_AT_4(names, letter, at)                                     \
	(MASK_AT(names, letter, at) | MASK_AT(names, letter, (at) + 1) | \
		MASK_AT(names, letter, (at) + 2) | MASK_AT(names, letter, (at) + 3))
#define MASK_AT_16(names, letter, at)                                        \
	(MASK_AT_4(names, letter, at) | MASK_AT_4(names, letter, (at) + 4) | \
		MASK_AT_4(names, letter, (at) + 8) | MASK_AT_4(names, letter, (at) + 12))
#define MASK_AT_64(names, letter)                                       \
	(MASK_AT_16(names, letter, 0) | MASK_AT_16(names, letter, 16) | \
		MASK_AT_16(names, letter, 32) | MASK_AT_16(names, letter, 48))
#define MASK_LETTER(letter)                                                        \
	{                                                                          \
		MASK_AT_64(MASK_NAMES_0, letter), MASK_AT_64(MASK_NAMES_1, letter) \
	}

#define MASK_LETTERS 32

/* a to z, then 2, then what is in no name. */
static const __u64 mask_letters[MASK_LETTERS][2] = {
	MASK_LETTER('a'),
	MASK_LETTER('b'),
	MASK_LETTER('c'),
	MASK_LETTER('d'),
	MASK_LETTER('e'),
	MASK_LETTER('f'),
	MASK_LETTER('g'),
	MASK_LETTER('h'),
	MASK_LETTER('i'),
	MASK_LETTER('j'),
	MASK_LETTER('k'),
	MASK_LETTER('l'),
	MASK_LETTER('m'),
	MASK_LETTER('n'),
	MASK_LETTER('o'),
	MASK_LETTER('p'),
	MASK_LETTER('q'),
	MASK_LETTER('r'),
	MASK_LETTER('s'),
	MASK_LETTER('t'),
	MASK_LETTER('u'),
	MASK_LETTER('v'),
	MASK_LETTER('w'),
	MASK_LETTER('x'),
	MASK_LETTER('y'),
	MASK_LETTER('z'),
	MASK_LETTER('2'),
};

#define MASK_LETTER_2    26
#define MASK_LETTER_NONE 27

/* --- Backwards ----------------------------------------------------------------------------- */

enum mask_ahead {
	AHEAD_TOKEN = 1 << 0,  /* a token begins with this byte */
	AHEAD_AT = 1 << 1,     /* behind this byte an "@" comes before the authority's end */
	AHEAD_QUOTE = 1 << 2,  /* this byte is a literal's prefix: b"..." */
	AHEAD_SCHEME = 1 << 3, /* the name of a scheme of Authorization begins with this byte */
	AHEAD_URL = 1 << 4,    /* "http" begins with this byte */
	AHEAD_BLANK = 1 << 5,  /* a blank comes next */
};

/* What is volatile here and in struct mask goes through memory, where the verifier does not follow
 * it: in a register it would follow each value that a branch leaves there. */
struct mask_look {
	__u64 next;          /* this byte and the seven behind it, the first one lowest */
	volatile __u16 run;  /* BYTE_TOKENs from this byte on */
	volatile __u8 at;    /* an "@" comes before the authority's end */
	volatile __u8 ahead; /* enum mask_ahead of this byte */
};

/* cut: the text goes on behind its last byte, nobody knows how. */
MASK_INLINE void mask__look_from_end(struct mask_look *look, bool cut)
{
	look->next = 0;
	look->run = cut ? MASK_TOKEN_SIZE : 0;
	look->at = cut;
}

MASK_INLINE bool mask__is_prefix(__u8 byte)
{
	__u8 lower = byte | 0x20;

	return lower == 'b' || lower == 'u' || lower == 'r' || lower == 'f';
}

/* Of the bytes from the last to the first: enum mask_ahead. */
MASK_INLINE __u8 mask__look(struct mask_look *look, __u8 byte)
{
	__u16 cls = mask_classes[byte], behind = mask_classes[look->next & 0xff];
	__u64 next = look->next << 8 | byte, lower = next | 0x2020202020202020;
	__u32 four = (__u32)next;

	look->next = next;
	look->ahead = 0;
	if (look->at)
		look->ahead |= AHEAD_AT;
	if ((behind & BYTE_QUOTE) && mask__is_prefix(byte))
		look->ahead |= AHEAD_QUOTE;
	if (behind & BYTE_BLANK)
		look->ahead |= AHEAD_BLANK;
	if (!(cls & BYTE_TOKEN))
		look->run = 0;
	else if (look->run < MASK_TOKEN_SIZE)
		look->run++;
	if ((four == MASK_FOUR('A', 'Q', 'A', 'E') && look->run >= MASK_TOKEN_MIN) ||
		(four == MASK_FOUR('A', 'Q', 'A', 'A') && look->run >= MASK_TOKEN_SIZE))
		look->ahead |= AHEAD_TOKEN;
	if ((four | 0x20202020) == MASK_FOUR('h', 't', 't', 'p'))
		look->ahead |= AHEAD_URL;
	if (lower << 16 == MASK_EIGHT('b', 'a', 's', 'i', 'c', ' ', 0, 0) << 16 ||
		lower << 8 == MASK_EIGHT('b', 'e', 'a', 'r', 'e', 'r', ' ', 0) << 8 ||
		lower << 8 == MASK_EIGHT('d', 'i', 'g', 'e', 's', 't', ' ', 0) << 8 ||
		lower == MASK_EIGHT('a', 'w', 's', '4', '-', 'h', 'm', 'a'))
		look->ahead |= AHEAD_SCHEME;
	if (cls & BYTE_AUTHORITY_END)
		look->at = 0;
	if (byte == '@')
		look->at = 1;
	return look->ahead;
}

/* --- Forwards ------------------------------------------------------------------------------ */

/*
 *	IDLE -> BEHIND_NAME -> SEPARATORS -> SCHEME -> (a value) -> IDLE
 *	             |             '------------------> (a value)
 *	             '-> NEXT_ARGUMENT ---------------> (a value)
 */
enum mask_phase {
	PHASE_IDLE,
	PHASE_BEHIND_NAME,
	PHASE_SEPARATORS,
	PHASE_NEXT_ARGUMENT,
	PHASE_SCHEME,
	/* the values, and where they end */
	PHASE_ARGUMENT, /* with the argument */
	PHASE_LINE,     /* with the line or a quote; its blanks are no secret */
	PHASE_QUOTED,   /* with the quote that it began behind */
	PHASE_WORD,     /* with a blank or an item of a list */
	PHASE_ASSIGNED, /* with a blank */
	PHASE_TOKEN,    /* with what is in no token */
	PHASE_USERINFO, /* with the last "@" */
};

/* Where in an argument a word is. */
enum mask_place {
	PLACE_START,
	PLACE_OPTION, /* behind dashes at the argument's start */
	PLACE_WORD,   /* in its first word */
	PLACE_LATER,  /* behind a delimiter */
	PLACE_LATER_OPTION,
	PLACE_LATER_WORD,
	PLACE_OTHER, /* in a path, or in what is no word */
};

struct mask {
	__u64 names[2]; /* of the bytes of the names */
	__u32 last;     /* the bytes before, the last one lowest */
	volatile __u8 phase, kind, place;
	volatile __u8 secret;   /* this byte */
	volatile __u8 named;    /* this byte is a name's last one */
	volatile __u8 named_in; /* enum mask_place of the name */
	volatile __u8 sign;     /* something behind the name says that a value follows */
	__u8 quote;             /* that the value began behind */
	volatile __u8 escaped;  /* it had a backslash in front of it */
};

MASK_INLINE bool mask__is_lax(const struct mask *mask)
{
	return mask->kind == MASK_TOKEN || mask->kind == MASK_KEY;
}

MASK_INLINE bool mask__is_option(const struct mask *mask)
{
	return mask->named_in == PLACE_OPTION || mask->named_in == PLACE_LATER_OPTION;
}

/* Whether the value ends before this byte. */
MASK_INLINE bool mask__is_over(const struct mask *mask, __u8 byte, __u16 cls, __u8 ahead)
{
	if (!byte)
		return true;
	switch (mask->phase) {
	case PHASE_LINE:
		return (cls & BYTE_QUOTE) || byte == '\n' || byte == '\r';
	case PHASE_QUOTED:
		if (mask->escaped)
			return byte == '\\';
		return byte == mask->quote && (mask->last & 0xff) != '\\';
	case PHASE_WORD:
		return cls & (mask->kind == MASK_PASSWORD ? BYTE_WORD_END
							  : BYTE_WORD_END | BYTE_ITEM_END);
	case PHASE_ASSIGNED:
		return cls & BYTE_BLANK;
	case PHASE_TOKEN:
		return !(cls & BYTE_TOKEN);
	case PHASE_USERINFO:
		return byte == '@' && !(ahead & AHEAD_AT);
	default:
		return false;
	}
}

/* What the first byte of a value makes of it; PHASE_IDLE: it is none. */
MASK_INLINE __u8 mask__value(struct mask *mask, __u8 byte, __u16 cls, __u8 ahead)
{
	if (!mask__is_lax(mask) && !mask->sign && !mask__is_option(mask))
		return PHASE_IDLE;
	if (mask->kind == MASK_AUTHORIZATION)
		return ahead & AHEAD_SCHEME ? PHASE_SCHEME : PHASE_LINE;
	if (mask->named_in == PLACE_OPTION && (mask->last & 0xff) == '=')
		return PHASE_ARGUMENT;
	if (mask->named_in == PLACE_WORD && (mask->last & 0xff) == '=' && !mask__is_lax(mask))
		return PHASE_ASSIGNED;
	/* the next option, or the "+" of a sum */
	if ((byte == '-' && !mask->sign) || (byte == '+' && (ahead & AHEAD_BLANK)))
		return PHASE_IDLE;
	mask->quote = mask->last & 0xff;
	mask->escaped = (mask->last >> 8 & 0xff) == '\\';
	/* "$TOKEN", "{token}" and "<token>" say where a value comes from */
	if (byte == '{' || byte == '<' || (byte == '$' && mask->quote != '\''))
		return PHASE_IDLE;
	if (mask_classes[mask->quote] & BYTE_QUOTE)
		return PHASE_QUOTED;
	if (cls & (BYTE_WORD_END | BYTE_ITEM_END))
		return PHASE_IDLE;
	return PHASE_WORD;
}

MASK_INLINE __u8 mask__next_argument(const struct mask *mask, __u8 byte, __u8 ahead)
{
	/* the header's name alone: what follows may be anything */
	if (mask->kind == MASK_TOKEN && (byte == '/' || (ahead & AHEAD_URL)))
		return PHASE_IDLE;
	return !byte || byte == '-' ? PHASE_IDLE : PHASE_ARGUMENT;
}

MASK_INLINE __u8 mask__behind_name(const struct mask *mask, __u8 byte, __u16 cls)
{
	if (!byte)
		return mask__is_lax(mask) || mask__is_option(mask) ? PHASE_NEXT_ARGUMENT
								   : PHASE_IDLE;
	return cls & BYTE_SEPARATOR ? PHASE_SEPARATORS : PHASE_IDLE;
}

MASK_INLINE void mask__read_names(struct mask *mask, __u8 byte)
{
	__u32 letter = (__u32)(byte | 0x20) - 'a';

	if (byte == '-' || byte == '_')
		return;
	if (byte < 'A' || letter > 'z' - 'a')
		letter = byte == '2' ? MASK_LETTER_2 : MASK_LETTER_NONE;
	MASK_INDEX(letter);
	letter &= MASK_LETTERS - 1;
	mask->names[0] = (mask->names[0] << 1 | MASK_FIRST_0) & mask_letters[letter][0];
	mask->names[1] = (mask->names[1] << 1 | MASK_FIRST_1) & mask_letters[letter][1];
	mask->named = 1;
	if (mask->names[0] & MASK_LAST_TOKEN)
		mask->kind = MASK_TOKEN;
	else if ((mask->names[0] & MASK_LAST_KEY_0) || (mask->names[1] & MASK_LAST_KEY_1))
		mask->kind = MASK_KEY;
	else if (mask->names[1] & MASK_LAST_AUTHORIZATION)
		mask->kind = MASK_AUTHORIZATION;
	else if ((mask->names[1] & MASK_LAST_PASSWORD) && mask->place != PLACE_OTHER)
		mask->kind = MASK_PASSWORD;
	else
		mask->named = 0;
	if (!mask->named)
		return;
	mask->phase = PHASE_BEHIND_NAME;
	mask->named_in = mask->place;
	mask->sign = 0;
}

MASK_INLINE __u8 mask__place(__u8 place, __u8 byte, __u16 cls)
{
	if (!byte)
		return PLACE_START;
	if (cls & BYTE_DELIMITER)
		return PLACE_LATER;
	if (byte == '-' && (place == PLACE_START || place == PLACE_LATER))
		return place + 1;
	if ((cls & BYTE_NAME) || byte == '.')
		return place == PLACE_START || place == PLACE_LATER ? place + 2 : place;
	return PLACE_OTHER;
}

/* The phase that this byte, which is in no value yet, leads to. */
MASK_INLINE void mask__advance(struct mask *mask, __u8 byte, __u16 cls, __u8 ahead)
{
	switch (mask->phase) {
	case PHASE_BEHIND_NAME:
		mask->phase = mask__behind_name(mask, byte, cls);
		break;
	case PHASE_SEPARATORS:
		if (!byte)
			mask->phase = PHASE_IDLE;
		else if (!(cls & BYTE_SEPARATOR) && !(ahead & AHEAD_QUOTE))
			mask->phase = mask__value(mask, byte, cls, ahead);
		break;
	case PHASE_NEXT_ARGUMENT:
		mask->phase = mask__next_argument(mask, byte, ahead);
		break;
	case PHASE_SCHEME:
		if (cls & BYTE_BLANK)
			mask->phase = PHASE_LINE;
		else if (cls & BYTE_WORD_END)
			mask->phase = PHASE_IDLE;
		break;
	}
}

/* What begins without a name. */
MASK_INLINE void mask__begin(struct mask *mask, __u8 byte, __u8 ahead)
{
	if (ahead & AHEAD_TOKEN)
		mask->phase = PHASE_TOKEN;
	else if ((mask->last & 0xffffff) == MASK_FOUR('/', '/', ':', 0) && (ahead & AHEAD_AT) &&
		 byte != '@')
		mask->phase = PHASE_USERINFO;
}

MASK_INLINE void mask__read(struct mask *mask, __u8 byte, __u16 cls)
{
	mask->place = mask__place(mask->place, byte, cls);
	if (byte == ':' || byte == '=' ||
		(byte == ',' && (mask_classes[mask->last & 0xff] & BYTE_QUOTE)))
		mask->sign = 1;
	mask__read_names(mask, byte);
}

/* Whether this byte is secret, of the bytes from the first to the last. A mask of zeros is at a
 * text's beginning. */
MASK_INLINE bool mask__step(struct mask *mask, __u8 byte, __u8 ahead)
{
	__u16 cls = mask_classes[byte];

	if (mask->phase < PHASE_ARGUMENT)
		mask__advance(mask, byte, cls, ahead);
	else if (mask__is_over(mask, byte, cls, ahead))
		mask->phase = PHASE_IDLE;
	if (mask->phase < PHASE_ARGUMENT)
		mask__begin(mask, byte, ahead);
	mask->secret = mask->phase >= PHASE_ARGUMENT;
	if (!mask->secret) {
		mask__read(mask, byte, cls);
	} else {
		mask->names[0] = mask->names[1] = 0;
		mask->place = PLACE_OTHER;
	}
	if (mask->phase == PHASE_LINE && (cls & BYTE_BLANK))
		mask->secret = 0;
	mask->last = mask->last << 8 | byte;
	return mask->secret;
}

#endif
