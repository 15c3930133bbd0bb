/* The hash of weights: every bit, every place and every size counts. A wrong
 * failure of these has a probability below 2^-50. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "content_shim.h"

/* Blocks are 4 KiB and parts 64 KiB: more than forty parts, a ragged end. */
enum { most_bytes = (5 << 19) + 4096 + 52 };

static shim_hash *hash;
static unsigned char *data;

static int start(void **state) {
  (void)state;
  hash = shim_hash_create();
  data = malloc(most_bytes + 64);
  if (hash == NULL || data == NULL) return -1;
  uint32_t seed = 1;
  for (int i = 0; i < most_bytes + 64; ++i) {
    seed = seed * 1664525u + 1013904223u;
    data[i] = (unsigned char)(seed >> 24);
  }
  return 0;
}

static int finish(void **state) {
  (void)state;
  shim_hash_destroy(hash);
  free(data);
  return 0;
}

static shim_digest digest(const void *bytes, uint64_t size) {
  return shim_hash_digest(hash, bytes, size, NULL, 0, 0);
}

static int equal(shim_digest a, shim_digest b) { return a.low == b.low && a.high == b.high; }

static void every_bit_counts(void **state) {
  (void)state;
  static const int sizes[] = {1, 4, 31, 32, 33, 63, 64, 100, 4096, 4097, 9000};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s) {
    const shim_digest whole = digest(data, (uint64_t)sizes[s]);
    assert_true(equal(whole, digest(data, (uint64_t)sizes[s])));
    for (int bit = 0; bit < 8 * sizes[s]; bit += sizes[s] > 4097 ? 37 : 1) {
      data[bit / 8] ^= (unsigned char)(1 << bit % 8);
      assert_false(equal(whole, digest(data, (uint64_t)sizes[s])));
      data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
  }
}

static void every_place_of_a_large_one_counts(void **state) {
  (void)state;
  const shim_digest whole = digest(data, most_bytes);
  static const int places[] = {0,           4095,        4096,      (1 << 16) - 1,
                               1 << 16,     3 << 18,     1 << 20,   (5 << 19) - 1,
                               5 << 19,     most_bytes - 33, most_bytes - 1};
  for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
    data[places[i]] ^= 1;
    assert_false(equal(whole, digest(data, most_bytes)));
    data[places[i]] ^= 1;
  }
  assert_true(equal(whole, digest(data, most_bytes)));
}

static void swap(size_t a, size_t b, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    const unsigned char keep = data[a + i];
    data[a + i] = data[b + i];
    data[b + i] = keep;
  }
}

/* Words of a pair, pairs, vectors, blocks, parts. */
static void order_counts(void **state) {
  (void)state;
  const shim_digest whole = digest(data, most_bytes);
  static const size_t bytes[] = {4, 8, 16, 32, 64, 4096, 1 << 16};
  for (size_t i = 0; i < sizeof bytes / sizeof *bytes; ++i) {
    swap(0, bytes[i], bytes[i]);
    assert_false(equal(whole, digest(data, most_bytes)));
    swap(0, bytes[i], bytes[i]);
  }
}

static void size_counts(void **state) {
  (void)state;
  static const unsigned char zeros[16384];
  shim_digest seen[300];
  for (int i = 0; i < 300; ++i) {
    seen[i] = digest(zeros, (uint64_t)(i < 260 ? i : (i - 256) * 256));
    for (int j = 0; j < i; ++j) {
      if (i < 260 || (i - 256) * 256 != j) assert_false(equal(seen[i], seen[j]));
    }
  }
  /* The border between the two tensors. */
  const shim_digest whole = shim_hash_digest(hash, data, 64, data + 64, 64, 0);
  assert_false(equal(whole, shim_hash_digest(hash, data, 96, data + 96, 32, 0)));
  assert_false(equal(whole, shim_hash_digest(hash, data, 128, NULL, 0, 0)));
  assert_false(equal(whole, shim_hash_digest(hash, NULL, 0, data, 128, 0)));
}

/* Bits, not values. */
static void values_are_compared_by_bits(void **state) {
  (void)state;
  static const uint32_t bits[] = {0x00000000u, 0x80000000u, 0x7fc00000u, 0x7fc00001u,
                                  0xffc00000u, 0x7f800001u, 0x00000001u, 0x7f800000u};
  uint32_t tensor[9];
  shim_digest seen[8];
  for (int i = 0; i < 8; ++i) {
    memset(tensor, 0, sizeof tensor);
    tensor[4] = bits[i];
    seen[i] = digest(tensor, sizeof tensor);
    for (int j = 0; j < i; ++j) assert_false(equal(seen[i], seen[j]));
  }
}

/* The same with and without SIMD, threads and alignment; another key differs. */
static void one_digest_for_one_key(void **state) {
  (void)state;
  shim_hash *plain = shim_hash_twin(hash, 0), *avx2 = shim_hash_twin(hash, 1);
  shim_hash *other = shim_hash_create();
  assert_non_null(other);
  unsigned char *moved = malloc(most_bytes + 4);
  assert_non_null(moved);
  memcpy(moved + 4, data, most_bytes);
  static const uint64_t sizes[] = {0, 4, 36, 4096, 5000, 1 << 20, most_bytes};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    const shim_digest whole = shim_hash_digest(hash, data, sizes[i], data, 40, 0);
    assert_true(equal(whole, shim_hash_digest(plain, data, sizes[i], data, 40, 0)));
    assert_true(equal(whole, shim_hash_digest(avx2, data, sizes[i], data, 40, 0)));
    assert_true(equal(whole, shim_hash_digest(hash, data, sizes[i], data, 40, 1)));
    assert_true(equal(whole, shim_hash_digest(hash, moved + 4, sizes[i], data, 40, 0)));
    assert_false(equal(whole, shim_hash_digest(other, data, sizes[i], data, 40, 0)));
  }
  free(moved);
  shim_hash_destroy(other);
  shim_hash_destroy(avx2);
  shim_hash_destroy(plain);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_bit_counts),
      cmocka_unit_test(every_place_of_a_large_one_counts),
      cmocka_unit_test(order_counts),
      cmocka_unit_test(size_counts),
      cmocka_unit_test(values_are_compared_by_bits),
      cmocka_unit_test(one_digest_for_one_key),
  };
  return cmocka_run_group_tests(tests, start, finish);
}
