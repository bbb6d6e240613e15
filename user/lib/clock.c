/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Times are int64_t nanoseconds since 1970, which reach from 1677 to 2262. */
#include "lib/array.h"
#include "lib/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SEC_PER_DAY 86400LL

static int64_t clock__read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

int64_t clock__now(void)
{
	return clock__read(CLOCK_REALTIME);
}

int64_t clock__steady(void)
{
	return clock__read(CLOCK_BOOTTIME);
}

int64_t clock__from_boot(uint64_t boot_ns)
{
	/* The boot clock is read on both sides of the wall clock, so that being scheduled away
	 * between two reads shifts the result by half of that pause and not by all of it. */
	int64_t before = clock__read(CLOCK_BOOTTIME), wall = clock__read(CLOCK_REALTIME);
	int64_t boot_now = before + (clock__read(CLOCK_BOOTTIME) - before) / 2;

	return (int64_t)((uint64_t)wall - (uint64_t)boot_now + boot_ns);
}

void clock__format(char out[RFC3339_SIZE], int64_t time_ns)
{
	int64_t seconds = time_ns / NSEC_PER_SEC, fraction = time_ns % NSEC_PER_SEC;
	struct tm utc = {0};
	time_t whole;

	if (fraction < 0) {
		fraction += NSEC_PER_SEC;
		seconds--;
	}
	whole = seconds;
	gmtime_r(&whole, &utc);
	/* The moduli are what an int64_t cannot exceed; they tell the compiler so. */
	snprintf(out, RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%09uZ",
		(unsigned int)(utc.tm_year + 1900) % 10000, (unsigned int)(utc.tm_mon + 1) % 100,
		(unsigned int)utc.tm_mday % 100, (unsigned int)utc.tm_hour % 100,
		(unsigned int)utc.tm_min % 100, (unsigned int)utc.tm_sec % 100,
		(unsigned int)fraction % 1000000000);
}

/* Reads exactly digits digits and steps over them. */
static bool digits__read(const char **text, int digits, int *number)
{
	int result = 0;

	for (; digits > 0; digits--, ++*text) {
		if (**text < '0' || **text > '9')
			return false;
		result = result * 10 + (**text - '0');
	}
	*number = result;
	return true;
}

static bool char__read(const char **text, const char *allowed)
{
	if (!**text || !strchr(allowed, **text))
		return false;
	++*text;
	return true;
}

/* ".5" is half a second. No dot: 0. */
static bool fraction__read(const char **text, int64_t *fraction)
{
	int64_t unit = NSEC_PER_SEC;

	*fraction = 0;
	if (!char__read(text, "."))
		return true;
	if (**text < '0' || **text > '9')
		return false;
	for (; **text >= '0' && **text <= '9'; ++*text) {
		unit /= 10;
		if (!unit)
			return false;
		*fraction += unit * (**text - '0');
	}
	return true;
}

/* "Z" or "+01:00", as seconds east of Greenwich. */
static bool offset__read(const char **text, int *offset)
{
	int sign = **text == '-' ? -1 : 1, hours, minutes;

	*offset = 0;
	if (char__read(text, "Zz"))
		return true;
	if (!char__read(text, "+-") || !digits__read(text, 2, &hours) || !char__read(text, ":") ||
		!digits__read(text, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*offset = sign * (hours * 3600 + minutes * 60);
	return true;
}

/* Seconds from 1970 to that time of the day; false: there is no such day. */
static bool date__seconds(int year, int month, int day, int64_t of_day, int64_t *seconds)
{
	struct tm utc = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
	time_t midnight = timegm(&utc); /* which makes the first of March of a 30th of February */

	*seconds = midnight + of_day;
	return utc.tm_year == year - 1900 && utc.tm_mon == month - 1 && utc.tm_mday == day;
}

int clock__parse(const char *text, int64_t *time_ns)
{
	int year, month, day, hour, minute, second, offset;
	int64_t fraction, seconds, result;

	if (!digits__read(&text, 4, &year) || !char__read(&text, "-") ||
		!digits__read(&text, 2, &month) || !char__read(&text, "-") ||
		!digits__read(&text, 2, &day) || !char__read(&text, "Tt ") ||
		!digits__read(&text, 2, &hour) || !char__read(&text, ":") ||
		!digits__read(&text, 2, &minute) || !char__read(&text, ":") ||
		!digits__read(&text, 2, &second) || !fraction__read(&text, &fraction) ||
		!offset__read(&text, &offset) || *text)
		return -EINVAL;
	/* RFC 3339, section 5.6: second 60 is a leap second. */
	if (year < 1 || hour > 23 || minute > 59 || second > 60 ||
		!date__seconds(
			year, month, day, hour * 3600 + minute * 60 + second - offset, &seconds))
		return -EINVAL;
	/* Before 1970 the product alone can leave the range that the sum is in. */
	if (seconds < 0) {
		seconds++;
		fraction -= NSEC_PER_SEC;
	}
	if (__builtin_mul_overflow(seconds, NSEC_PER_SEC, &result) ||
		__builtin_add_overflow(result, fraction, &result))
		return -EINVAL;
	*time_ns = result;
	return 0;
}

/* From the longest down: a duration names them in this order. */
static const struct unit {
	char letter;
	int64_t seconds;
} units[] = {{'d', SEC_PER_DAY}, {'h', 3600}, {'m', 60}, {'s', 1}};

#define UNIT_COUNT ARRAY_SIZE(units)

/* Steps over digits; false: there are none. What does not fit becomes INT64_MAX, which as any
 * number of seconds is out of range for the caller. */
static bool number__read(const char **text, int64_t *number)
{
	const char *start = *text;

	*number = 0;
	for (; **text >= '0' && **text <= '9'; ++*text)
		if (__builtin_mul_overflow(*number, 10, number) ||
			__builtin_add_overflow(*number, **text - '0', number))
			break;
	if (**text >= '0' && **text <= '9') {
		*number = INT64_MAX;
		*text += strspn(*text, "0123456789");
	}
	return *text > start;
}

/* Adds number times seconds to total, in ns. */
static int duration__add(int64_t *total, int64_t number, int64_t seconds)
{
	if (__builtin_mul_overflow(number, seconds, &number) ||
		__builtin_mul_overflow(number, NSEC_PER_SEC, &number) ||
		__builtin_add_overflow(*total, number, total))
		return -ERANGE;
	return 0;
}

int duration__parse(const char *text, int64_t *duration_ns)
{
	/* A bare number stands alone: "1h30" could mean minutes or seconds. */
	bool bare = *text && !text[strspn(text, "0123456789")];
	int64_t total = 0, number;
	size_t unit = 0;
	int error = 0;

	do {
		if (!number__read(&text, &number))
			return -EINVAL;
		while (unit < UNIT_COUNT && units[unit].letter != *text)
			unit++;
		if (unit == UNIT_COUNT && !bare)
			return -EINVAL;
		if (duration__add(&total, number, bare ? 1 : units[unit].seconds))
			error = -ERANGE;
		if (!bare) {
			unit++;
			text++;
		}
	} while (*text);
	if (!error)
		*duration_ns = total;
	return error;
}

void duration__format(char *out, size_t size, int64_t duration_ns)
{
	int64_t seconds = duration_ns / NSEC_PER_SEC, left = seconds < 0 ? -seconds : seconds;
	char text[64] = "";
	size_t used = 0;
	int shown = 0;

	for (size_t i = 0; i < UNIT_COUNT && shown < 2; i++) {
		int64_t count = left / units[i].seconds;

		left %= units[i].seconds;
		if (!count)
			continue;
		used += snprintf(text + used, sizeof(text) - used, "%s%lld%c",
			shown ? " " : (seconds < 0 ? "-" : ""), (long long)count, units[i].letter);
		shown++;
	}
	snprintf(out, size, "%s", shown ? text : "0s");
}

int clock__parse_moment(const char *text, int64_t now, int64_t *time_ns)
{
	char midnight[RFC3339_SIZE];
	int64_t moment, span;
	int error = 0;

	snprintf(midnight, sizeof(midnight), "%.10sT00:00:00Z", text);
	if (!duration__parse(text, &span))
		moment = now - span;
	else if (strlen(text) == strlen("2026-01-01"))
		error = clock__parse(midnight, &moment);
	else
		error = clock__parse(text, &moment);
	if (!error && moment < 0)
		error = -ERANGE;
	if (!error)
		*time_ns = moment;
	return error;
}
