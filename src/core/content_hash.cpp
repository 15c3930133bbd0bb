// Three layers of universal hashing (Carter and Wegman, 1979).
//
// 1. A block of at most 4096 bytes becomes two sums: NH (Black, Halevi,
//    Krawczyk, Krovetz, Rogaway: UMAC, CRYPTO 1999, section 4), the sum mod 2^64
//    of (m[2i] + k[2i] mod 2^32) * (m[2i+1] + k[2i+1] mod 2^32). For two blocks
//    of one size that differ, the sums are equal with probability 2^-32 at most
//    over the key words of any one pair in which they differ (lemma there).
//    Sum p uses the key from word 16 p on (Toeplitz). Let i be the last pair that
//    differs. Pairs that are equal cancel, so the sums before p depend on key
//    pairs below i + 8 p only, and pair i + 8 p is new to sum p: it collides
//    with 2^-32 whatever those before it did. Both: 2^-64.
// 2. The sums of a part of 64 KiB, 64 bits each, are the coefficients of a
//    polynomial over the integers mod 2^127 - 1 at a random point, of which each
//    is drawn with probability 2^-126 at most. Two of those that differ agree at
//    32 points at most: 2^-121.
// 3. The sizes and the parts' values are the coefficients of a polynomial at a
//    second random point: with n parts, agreement at n + 2 points at most.
//
// Different contents of equal sizes differ in some block, different sizes in the
// last polynomial: together 2^-64 + 2^-121 + (n + 2) 2^-126, below 2^-63 up to
// 2 TiB. A last block is filled up with zeros to 64 bytes, which is one-to-one
// for a given size.
#include "core/content_hash.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/random.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace sporkle {

namespace {

__extension__ typedef unsigned __int128 Wide;

constexpr Wide prime = (Wide{1} << 127) - 1;
constexpr size_t group_bytes = 64;
// Fewer parts are not worth a second thread: 256 KiB take about 7 us.
constexpr uint64_t parts_worth_splitting = 4;
// Values of parts that wait for their order at a time.
constexpr uint32_t parts_at_once = 256;

Wide wide(const ContentDigest& d) noexcept { return Wide{d.high} << 64 | d.low; }
Wide wide(const uint64_t (&d)[2]) noexcept { return Wide{d[1]} << 64 | d[0]; }

ContentDigest narrow(Wide x) noexcept {
  return {static_cast<uint64_t>(x), static_cast<uint64_t>(x >> 64)};
}

// Some representative in [0, 2^127].
Wide fold(Wide x) noexcept { return (x & prime) + (x >> 127); }

// The one in [0, 2^127 - 1).
Wide reduced(Wide x) noexcept {
  x = fold(x);
  return x >= prime ? x - prime : x;
}

// Of two numbers below 2^127. 2^128 is 2 and 2^127 is 1.
Wide multiplied(Wide a, Wide b) noexcept {
  const auto a0 = static_cast<uint64_t>(a), a1 = static_cast<uint64_t>(a >> 64);
  const auto b0 = static_cast<uint64_t>(b), b1 = static_cast<uint64_t>(b >> 64);
  const Wide low = Wide{a0} * b0;
  const Wide middle = Wide{a0} * b1 + Wide{a1} * b0;  // each below 2^127
  const Wide high = Wide{a1} * b1;                    // below 2^126
  const Wide shifted = (middle & ((Wide{1} << 63) - 1)) << 64;  // below 2^127
  const Wide sum = fold(fold(low) + (middle >> 63));            // below 2^127
  return reduced(reduced(sum + shifted) + 2 * high);
}

#if defined(__x86_64__)
using Vectors = ContentHash::Vectors;

// What the CPU has and whose registers the system saves. (GCC's own test would
// import abort.)
Vectors usable_vectors() noexcept {
  constexpr unsigned saved_ymm = 0x06, saved_zmm = 0xe6;
  unsigned a, b, c, d;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return Vectors::none;
  unsigned saved, high;
  __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return Vectors::none;
  if ((b & bit_AVX512F) != 0 && (saved & saved_zmm) == saved_zmm) return Vectors::avx512;
  return (b & bit_AVX2) != 0 && (saved & saved_ymm) == saved_ymm ? Vectors::avx2 : Vectors::none;
}
#endif

bool draw(void* to, size_t bytes) noexcept {
  auto* out = static_cast<unsigned char*>(to);
  while (bytes > 0) {
    const ssize_t got = getrandom(out, bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out += got;
    bytes -= static_cast<size_t>(got);
  }
  return true;
}

}  // namespace

ContentHash::ContentHash(Vectors most) noexcept : block_(sum_block), keyed_(false), key_{} {
#if defined(__x86_64__)
  const Vectors usable = std::min(usable_vectors(), most);
  if (usable == Vectors::avx2) block_ = sum_block_avx2;
  if (usable == Vectors::avx512) block_ = sum_block_avx512;
#else
  static_cast<void>(most);
#endif
  keyed_ = draw(&key_, sizeof key_);
}

void ContentHash::sum_block(const unsigned char* data, size_t bytes, const uint32_t* key,
                            Sums& sums) {
  for (uint64_t& sum : sums) sum = 0;
  for (size_t at = 0; at < bytes; at += group_bytes, key += group_bytes / 4) {
    uint32_t m[group_bytes / 4];
    std::memcpy(m, data + at, group_bytes);
    for (size_t p = 0; p < passes; ++p) {
      const uint32_t* k = key + p * shift_words;
      for (size_t i = 0; i < group_bytes / 4; i += 2) {
        sums[p] += uint64_t{m[i] + k[i]} * uint64_t{m[i + 1] + k[i + 1]};
      }
    }
  }
}

#if defined(__x86_64__)
// Half of every 64-bit lane times the other half.
__attribute__((target("avx2"))) void ContentHash::sum_block_avx2(const unsigned char* data,
                                                                 size_t bytes, const uint32_t* key,
                                                                 Sums& sums) {
  constexpr size_t vector = 32;
  __m256i acc[passes] = {};
  for (size_t at = 0; at < bytes; at += vector, key += vector / 4) {
    const __m256i m = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + at));
#pragma GCC unroll 4
    for (size_t p = 0; p < passes; ++p) {
      const __m256i k =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(key + p * shift_words));
      const __m256i t = _mm256_add_epi32(m, k);
      acc[p] = _mm256_add_epi64(acc[p], _mm256_mul_epu32(t, _mm256_srli_epi64(t, 32)));
    }
  }
  for (size_t p = 0; p < passes; ++p) {
    uint64_t lanes[vector / 8];
    std::memcpy(lanes, &acc[p], sizeof lanes);
    sums[p] = lanes[0] + lanes[1] + lanes[2] + lanes[3];
  }
}

__attribute__((target("avx512f"))) void ContentHash::sum_block_avx512(const unsigned char* data,
                                                                      size_t bytes,
                                                                      const uint32_t* key,
                                                                      Sums& sums) {
  // GCC 12 warns of the undefined operand in its forms without a mask.
  constexpr __mmask8 all = 0xff;
  __m512i acc[passes] = {};
#pragma GCC unroll 2
  for (size_t at = 0; at < bytes; at += group_bytes, key += group_bytes / 4) {
    const __m512i m = _mm512_loadu_si512(data + at);
#pragma GCC unroll 4
    for (size_t p = 0; p < passes; ++p) {
      const __m512i t = _mm512_add_epi32(m, _mm512_loadu_si512(key + p * shift_words));
      const __m512i upper = _mm512_maskz_srli_epi64(all, t, 32);
      acc[p] = _mm512_add_epi64(acc[p], _mm512_maskz_mul_epu32(all, t, upper));
    }
  }
  for (size_t p = 0; p < passes; ++p) {
    uint64_t lanes[group_bytes / 8];
    std::memcpy(lanes, &acc[p], sizeof lanes);
    sums[p] = 0;
    for (const uint64_t lane : lanes) sums[p] += lane;
  }
}
#endif

void ContentHash::sum_any_block(const unsigned char* data, size_t bytes,
                                Sums& sums) const noexcept {
  if (bytes % group_bytes == 0) return block_(data, bytes, key_.words, sums);
  unsigned char copy[block_bytes];
  const size_t filled = (bytes + group_bytes - 1) / group_bytes * group_bytes;
  std::memcpy(copy, data, bytes);
  std::memset(copy + bytes, 0, filled - bytes);
  block_(copy, filled, key_.words, sums);
}

ContentDigest ContentHash::part_digest(const unsigned char* data, uint64_t bytes) const noexcept {
  const Wide point = reduced(wide(key_.block_point));
  Wide value = 0;
  for (uint64_t at = 0; at < bytes; at += block_bytes) {
    Sums sums;
    sum_any_block(data + at, static_cast<size_t>(std::min<uint64_t>(bytes - at, block_bytes)),
                  sums);
    for (const uint64_t sum : sums) value = multiplied(reduced(value + sum), point);
  }
  return narrow(value);
}

ContentDigest ContentHash::add_parts(ContentDigest digest, ContentSpan span,
                                     ParallelFor* parallel) const noexcept {
  const auto* data = static_cast<const unsigned char*>(span.data);
  const Wide point = reduced(wide(key_.part_point));
  const uint64_t parts = (span.bytes + part_bytes - 1) / part_bytes;
  Wide value = wide(digest);
  for (uint64_t first = 0; first < parts; first += parts_at_once) {
    struct Wave {
      const ContentHash& hash;
      const unsigned char* data;
      uint64_t bytes;
      ContentDigest values[parts_at_once];
    } wave{*this, data + first * part_bytes, span.bytes - first * part_bytes, {}};
    const auto task = [](void* user, uint32_t i) {
      Wave& w = *static_cast<Wave*>(user);
      const uint64_t at = i * part_bytes;
      w.values[i] = w.hash.part_digest(w.data + at, std::min(w.bytes - at, part_bytes));
    };
    const auto count = static_cast<uint32_t>(std::min<uint64_t>(parts - first, parts_at_once));
    if (parallel != nullptr && count >= parts_worth_splitting) {
      parallel->run(count, task, &wave);
    } else {
      for (uint32_t i = 0; i < count; ++i) task(&wave, i);
    }
    for (uint32_t i = 0; i < count; ++i) {
      value = multiplied(reduced(value + wide(wave.values[i])), point);
    }
  }
  return narrow(value);
}

ContentDigest ContentHash::digest(ContentSpan first, ContentSpan second,
                                  ParallelFor* parallel) const noexcept {
  const Wide point = reduced(wide(key_.part_point));
  const Wide sizes = multiplied(reduced(multiplied(first.bytes, point) + second.bytes), point);
  return add_parts(add_parts(narrow(sizes), first, parallel), second, parallel);
}

}  // namespace sporkle
