/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/sha256.h"

#include <stdint.h>
#include <string.h>

#define BLOCK_SIZE  64
#define LENGTH_SIZE 8 /* of the length at the end of the last block */

/* Fractional parts of the cube roots of the first 64 primes (section 4.2.2). */
static const uint32_t constants[64] = {
	0x428a2f98,
	0x71374491,
	0xb5c0fbcf,
	0xe9b5dba5,
	0x3956c25b,
	0x59f111f1,
	0x923f82a4,
	0xab1c5ed5,
	0xd807aa98,
	0x12835b01,
	0x243185be,
	0x550c7dc3,
	0x72be5d74,
	0x80deb1fe,
	0x9bdc06a7,
	0xc19bf174,
	0xe49b69c1,
	0xefbe4786,
	0x0fc19dc6,
	0x240ca1cc,
	0x2de92c6f,
	0x4a7484aa,
	0x5cb0a9dc,
	0x76f988da,
	0x983e5152,
	0xa831c66d,
	0xb00327c8,
	0xbf597fc7,
	0xc6e00bf3,
	0xd5a79147,
	0x06ca6351,
	0x14292967,
	0x27b70a85,
	0x2e1b2138,
	0x4d2c6dfc,
	0x53380d13,
	0x650a7354,
	0x766a0abb,
	0x81c2c92e,
	0x92722c85,
	0xa2bfe8a1,
	0xa81a664b,
	0xc24b8b70,
	0xc76c51a3,
	0xd192e819,
	0xd6990624,
	0xf40e3585,
	0x106aa070,
	0x19a4c116,
	0x1e376c08,
	0x2748774c,
	0x34b0bcb5,
	0x391c0cb3,
	0x4ed8aa4a,
	0x5b9cca4f,
	0x682e6ff3,
	0x748f82ee,
	0x78a5636f,
	0x84c87814,
	0x8cc70208,
	0x90befffa,
	0xa4506ceb,
	0xbef9a3f7,
	0xc67178f2,
};

/* Of the square roots of the first eight (section 5.3.3). */
static const uint32_t initial[8] = {
	0x6a09e667,
	0xbb67ae85,
	0x3c6ef372,
	0xa54ff53a,
	0x510e527f,
	0x9b05688c,
	0x1f83d9ab,
	0x5be0cd19,
};

static uint32_t rotate(uint32_t word, int bits)
{
	return word >> bits | word << (32 - bits);
}

static void schedule__fill(uint32_t schedule[64], const unsigned char block[BLOCK_SIZE])
{
	for (int t = 0; t < 16; t++)
		schedule[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
			      (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
	for (int t = 16; t < 64; t++) {
		uint32_t a = schedule[t - 15], b = schedule[t - 2];

		schedule[t] = schedule[t - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
			      schedule[t - 7] + (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
}

/* Section 6.2.2: words[0] is a, words[7] is h. */
static void hash__add_block(uint32_t hash[8], const unsigned char block[BLOCK_SIZE])
{
	uint32_t schedule[64], words[8];

	schedule__fill(schedule, block);
	memcpy(words, hash, sizeof(words));
	for (int t = 0; t < 64; t++) {
		uint32_t a = words[0], e = words[4];
		uint32_t first = words[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
				 ((e & words[5]) ^ (~e & words[6])) + constants[t] + schedule[t];
		uint32_t second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
				  ((a & words[1]) ^ (a & words[2]) ^ (words[1] & words[2]));

		memmove(words + 1, words, 7 * sizeof(*words));
		words[4] += first;
		words[0] = first + second;
	}
	for (int i = 0; i < 8; i++)
		hash[i] += words[i];
}

void sha256__digest(unsigned char digest[SHA256_SIZE], const void *bytes, size_t size)
{
	const unsigned char *in = bytes;
	size_t whole = size / BLOCK_SIZE * BLOCK_SIZE, rest = size - whole;
	unsigned char last[2 * BLOCK_SIZE] = {0};
	size_t last_size = rest + 1 + LENGTH_SIZE > BLOCK_SIZE ? 2 * BLOCK_SIZE : BLOCK_SIZE;
	uint64_t bits = (uint64_t)size * 8;
	uint32_t hash[8];

	memcpy(hash, initial, sizeof(hash));
	for (size_t at = 0; at < whole; at += BLOCK_SIZE)
		hash__add_block(hash, in + at);
	if (rest)
		memcpy(last, in + whole, rest);
	last[rest] = 0x80;
	for (int i = 0; i < LENGTH_SIZE; i++)
		last[last_size - 1 - (size_t)i] = (unsigned char)(bits >> 8 * i);
	for (size_t at = 0; at < last_size; at += BLOCK_SIZE)
		hash__add_block(hash, last + at);
	for (int i = 0; i < SHA256_SIZE; i++)
		digest[i] = (unsigned char)(hash[i / 4] >> (24 - i % 4 * 8));
}

void sha256__base64(char out[SHA256_BASE64_SIZE], const void *bytes, size_t size)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char digest[SHA256_SIZE + 1] = {0};
	char *end = out;

	sha256__digest(digest, bytes, size);
	for (int i = 0; i < SHA256_SIZE; i += 3) {
		uint32_t group = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 |
				 (i + 2 < SHA256_SIZE ? digest[i + 2] : 0);

		for (int shift = 18; shift >= 0; shift -= 6)
			*end++ = alphabet[group >> shift & 0x3f];
	}
	/* 32 bytes are 43 characters; the 44th holds no bit of them. */
	end[-1] = '=';
	*end = '\0';
}
