/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hashing of untrusted names, and tables over it. The hash is keyed anew in each run, so that
 * nobody can pick names that collide and make the tables slow.
 */
#ifndef IMDSTRACE_HASH_H
#define IMDSTRACE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* seed chains: hash__text(hash__text(0, a), b) tells ("ab", "c") from ("a", "bc"). */
uint64_t hash__bytes(uint64_t seed, const void *bytes, size_t size);
/* NULL is allowed and differs from "". */
uint64_t hash__text(uint64_t seed, const char *text);

struct table_slot {
	uint64_t hash;
	void *entry; /* NULL: empty */
};

/* Open addressing; grows as needed. All zero is an empty one. Owns its slots, not the entries. */
struct table {
	struct table_slot *slots;
	size_t capacity, count;
};

/* The entry of that hash for which same(entry, key) holds, or NULL. */
void *table__find(const struct table *table, uint64_t hash,
	bool (*same)(const void *entry, const void *key), const void *key);
/* Adds an entry (not NULL) that the table does not hold. 0 or -ENOMEM. */
int table__insert(struct table *table, uint64_t hash, void *entry);
void table__clear(struct table *table);

#endif
