// Reproducible inputs: xorshift64*, the same numbers on every machine.
#pragma once

#include <stddef.h>
#include <stdint.h>

// `state` is not zero.
static inline uint64_t random_next(uint64_t *state) {
  uint64_t x = *state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * 0x2545f4914f6cdd1du;
}

// Uniform in [-1, 1), a multiple of 2^-23.
static inline float random_float(uint64_t *state) {
  return (float)((int64_t)(random_next(state) >> 40) - 8388608) / 8388608.0f;
}

static inline void random_fill(float *data, size_t count, uint64_t seed) {
  uint64_t state = seed * 0x9e3779b97f4a7c15u | 1u;
  for (int i = 0; i < 8; ++i) random_next(&state);
  for (size_t i = 0; i < count; ++i) data[i] = random_float(&state);
}
