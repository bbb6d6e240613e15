/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which paths are the metadata service's, and which another cloud's. */
#ifndef IMDSTRACE_IMDS_PATHS_H
#define IMDSTRACE_IMDS_PATHS_H

#include "abi.h"

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

/* clang-format off */
#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
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
#undef NEITHER
#undef VERSION
#pragma GCC diagnostic pop
/* clang-format on */

#endif
