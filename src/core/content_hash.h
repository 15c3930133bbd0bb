// A keyed hash of tensors that stands for their content.
//
// For two different contents, chosen without knowledge of the key, the digests
// are equal with a probability below 2^-63 over the random key (up to 2 TiB).
// The argument is with the definition.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/parallel.h"

namespace sporkle {

struct ContentDigest {
  uint64_t low = 0, high = 0;

  bool operator==(const ContentDigest&) const = default;
};

// Bytes of one tensor; `data` may be null with 0 bytes.
struct ContentSpan {
  const void* data;
  uint64_t bytes;
};

class ContentHash {
 public:
  enum class Vectors { none, avx2, avx512 };

  // Draws a key from the system. Uses the widest vectors that the CPU has, up to
  // `most`, which is for tests.
  explicit ContentHash(Vectors most = Vectors::avx512) noexcept;

  // False when the system gave no random numbers: digests mean nothing then.
  bool keyed() const noexcept { return keyed_; }

  // The digest of two tensors in order, their sizes included. `parallel` may be
  // null; it gives the same digest.
  ContentDigest digest(ContentSpan first, ContentSpan second, ParallelFor* parallel) const noexcept;

  // The same key as another one has.
  void take_key(const ContentHash& other) noexcept { key_ = other.key_; }

  static constexpr size_t block_bytes = 4096;
  static constexpr uint64_t part_bytes = uint64_t{64} << 10;

 private:
  static constexpr size_t passes = 2;
  static constexpr size_t shift_words = 16;

  struct Key {
    uint32_t words[block_bytes / 4 + (passes - 1) * shift_words];
    uint64_t block_point[2], part_point[2];
  };
  using Sums = uint64_t[passes];
  using BlockFunction = void (*)(const unsigned char* data, size_t bytes, const uint32_t* key,
                                 Sums& sums);

  static void sum_block(const unsigned char* data, size_t bytes, const uint32_t* key, Sums& sums);
#if defined(__x86_64__)
  static void sum_block_avx2(const unsigned char* data, size_t bytes, const uint32_t* key,
                             Sums& sums);
  static void sum_block_avx512(const unsigned char* data, size_t bytes, const uint32_t* key,
                               Sums& sums);
#endif
  void sum_any_block(const unsigned char* data, size_t bytes, Sums& sums) const noexcept;
  ContentDigest part_digest(const unsigned char* data, uint64_t bytes) const noexcept;
  ContentDigest add_parts(ContentDigest digest, ContentSpan span,
                          ParallelFor* parallel) const noexcept;

  BlockFunction block_;
  bool keyed_;
  alignas(64) Key key_;
};

}  // namespace sporkle
