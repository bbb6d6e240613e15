/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SipHash-1-3 (Aumasson and Bernstein) and a hash table with linear probing over it. */
#include "lib/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define FIRST_CAPACITY 64

static const uint64_t *hash__key(void)
{
	static uint64_t key[2];
	static bool ready;

	if (ready)
		return key;
	/* Early in boot there may be no randomness yet: a clock is a weaker secret, yet no
	 * constant. */
	if (getrandom(key, sizeof(key), GRND_NONBLOCK) != sizeof(key)) {
		struct timespec now;

		clock_gettime(CLOCK_MONOTONIC, &now);
		key[0] = (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec;
		key[1] = (uint64_t)(uintptr_t)&now;
	}
	ready = true;
	return key;
}

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static inline void sip__round(struct sip *sip)
{
	sip->v0 += sip->v1;
	sip->v1 = rotate(sip->v1, 13) ^ sip->v0;
	sip->v0 = rotate(sip->v0, 32);
	sip->v2 += sip->v3;
	sip->v3 = rotate(sip->v3, 16) ^ sip->v2;
	sip->v0 += sip->v3;
	sip->v3 = rotate(sip->v3, 21) ^ sip->v0;
	sip->v2 += sip->v1;
	sip->v1 = rotate(sip->v1, 17) ^ sip->v2;
	sip->v2 = rotate(sip->v2, 32);
}

static inline void sip__word(struct sip *sip, uint64_t word)
{
	sip->v3 ^= word;
	sip__round(sip);
	sip->v0 ^= word;
}

uint64_t hash__bytes(uint64_t seed, const void *bytes, size_t size)
{
	const uint64_t *key = hash__key();
	struct sip sip = {
		.v0 = key[0] ^ 0x736f6d6570736575ULL,
		.v1 = key[1] ^ 0x646f72616e646f6dULL,
		.v2 = key[0] ^ 0x6c7967656e657261ULL,
		.v3 = key[1] ^ 0x7465646279746573ULL,
	};
	const unsigned char *at = bytes;
	size_t left = size;
	uint64_t word;

	sip__word(&sip, seed);
	for (; left >= sizeof(word); left -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sip__word(&sip, word);
	}
	word = 0;
	if (left)
		memcpy(&word, at, left);
	sip__word(&sip, word | (uint64_t)size << 56);
	sip.v2 ^= 0xff;
	sip__round(&sip);
	sip__round(&sip);
	sip__round(&sip);
	return sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
}

uint64_t hash__text(uint64_t seed, const char *text)
{
	return text ? hash__bytes(seed, text, strlen(text)) : hash__bytes(~seed, "", 0);
}

void *table__find(const struct table *table, uint64_t hash,
	bool (*same)(const void *entry, const void *key), const void *key)
{
	if (!table->capacity)
		return NULL;
	for (size_t at = hash & (table->capacity - 1);; at = (at + 1) & (table->capacity - 1)) {
		const struct table_slot *slot = &table->slots[at];

		if (!slot->entry)
			return NULL;
		if (slot->hash == hash && same(slot->entry, key))
			return slot->entry;
	}
}

static void table__place(struct table *table, uint64_t hash, void *entry)
{
	size_t at = hash & (table->capacity - 1);

	while (table->slots[at].entry)
		at = (at + 1) & (table->capacity - 1);
	table->slots[at] = (struct table_slot){.hash = hash, .entry = entry};
}

static int table__grow(struct table *table)
{
	struct table grown = {.capacity = table->capacity ? table->capacity * 2 : FIRST_CAPACITY,
		.count = table->count};

	grown.slots = calloc(grown.capacity, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; i < table->capacity; i++)
		if (table->slots[i].entry)
			table__place(&grown, table->slots[i].hash, table->slots[i].entry);
	free(table->slots);
	*table = grown;
	return 0;
}

int table__insert(struct table *table, uint64_t hash, void *entry)
{
	/* At most half full: the probes stay short, and an empty slot always ends them. */
	if (table->count >= table->capacity / 2) {
		int error = table__grow(table);

		if (error)
			return error;
	}
	table__place(table, hash, entry);
	table->count++;
	return 0;
}

void table__clear(struct table *table)
{
	free(table->slots);
	*table = (struct table){0};
}
