#include "core/flush_watch.h"

#include <algorithm>
#include <cstring>

namespace sporkle {

namespace {

constexpr uint64_t word_bits = 64;

}  // namespace

FlushWatch::FlushWatch(std::pmr::memory_resource* memory, DeviceMemory& watched)
    : watched_(watched),
      data_(static_cast<const char*>(watched.data())),
      copy_(memory, watched.size()),
      known_((watched.size() + word_bits - 1) / word_bits, uint64_t{0}, memory) {
  flushed(0, watched.size());
}

template <class Work>
void FlushWatch::each_word(uint64_t offset, uint64_t bytes, Work work) {
  const uint64_t end = offset + bytes;
  while (offset < end) {
    const uint64_t first = offset % word_bits;
    const uint64_t count = std::min(word_bits - first, end - offset);
    const uint64_t ones = count == word_bits ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
    work(offset / word_bits, ones << first);
    offset += count;
  }
}

void FlushWatch::flushed(uint64_t offset, uint64_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  watched_.touch([&]() noexcept {
    std::memcpy(copy() + offset, data_ + offset, bytes);
    each_word(offset, bytes, [this](uint64_t i, uint64_t mask) { known_[i] |= mask; });
  });
}

void FlushWatch::device_writes(uint64_t offset, uint64_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  each_word(offset, bytes, [this](uint64_t i, uint64_t mask) { known_[i] &= ~mask; });
}

void FlushWatch::made_visible(uint64_t offset, uint64_t bytes, bool copied) noexcept {
  const auto take = [&](uint64_t i, uint64_t mask) {
    uint64_t fresh = copied ? mask : mask & ~known_[i];
    known_[i] |= fresh;
    for (; fresh != 0; fresh &= fresh - 1) {
      const uint64_t at = i * word_bits + static_cast<uint64_t>(__builtin_ctzll(fresh));
      copy()[at] = data_[at];
    }
  };
  const std::lock_guard lock(mutex_);
  watched_.touch([&]() noexcept { each_word(offset, bytes, take); });
}

bool FlushWatch::misses(uint64_t offset, uint64_t bytes, Missed* missed) noexcept {
  *missed = {};
  const auto compare = [&](uint64_t i, uint64_t mask) {
    uint64_t known = mask & known_[i];
    const uint64_t start = i * word_bits;
    if (known == ~uint64_t{0} && std::memcmp(copy() + start, data_ + start, word_bits) == 0) {
      return;
    }
    for (; known != 0; known &= known - 1) {
      const uint64_t at = start + static_cast<uint64_t>(__builtin_ctzll(known));
      if (copy()[at] == data_[at]) continue;
      copy()[at] = data_[at];
      if (missed->bytes++ == 0) missed->begin = at;
      missed->end = at + 1;
    }
  };
  const std::lock_guard lock(mutex_);
  watched_.touch([&]() noexcept { each_word(offset, bytes, compare); });
  return missed->bytes != 0;
}

}  // namespace sporkle
