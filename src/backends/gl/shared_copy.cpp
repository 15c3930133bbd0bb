#include "backends/gl/shared_copy.h"

#include <algorithm>
#include <climits>
#include <cstring>

#include "base/futex.h"

namespace sporkle::gl {

namespace {

// A chunk takes 2 to 10 us: so long a completion or a submission waits for a helper.
constexpr uint64_t chunk_min = uint64_t{16} << 10, chunk_max = uint64_t{128} << 10;
constexpr uint64_t chunks_per_copy = 32;

enum : uint32_t { idle, copying, awaited };

// Longer than a chunk takes unless its thread has lost its core.
constexpr uint64_t await_spin_ns = 50000;

}  // namespace

bool SharedCopy::begin(void* to, const void* from, uint64_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  if (taken_) return false;
  taken_ = true;
  to_ = static_cast<char*>(to);
  from_ = static_cast<const char*>(from);
  front_ = 0;
  back_ = bytes;
  chunk_ = std::clamp(bytes / chunks_per_copy, chunk_min, chunk_max) / 64 * 64;
  wanted_.store(true, std::memory_order_relaxed);
  return true;
}

void SharedCopy::finish() noexcept {
  for (Chunk chunk = take_front(); chunk.bytes != 0; chunk = take_front()) {
    std::memcpy(to_ + chunk.begin, from_ + chunk.begin, chunk.bytes);
  }
  // Nothing is left to take; the helper may still be copying what it took.
  await_helper();
  const std::lock_guard lock(mutex_);
  taken_ = false;
}

SharedCopy::Chunk SharedCopy::take_front() noexcept {
  const std::lock_guard lock(mutex_);
  const uint64_t begin = front_, bytes = std::min(chunk_, back_ - front_);
  front_ += bytes;
  if (front_ == back_) wanted_.store(false, std::memory_order_relaxed);
  return {begin, bytes};
}

SharedCopy::Chunk SharedCopy::take_back() noexcept {
  const std::lock_guard lock(mutex_);
  const uint64_t bytes = std::min(chunk_, back_ - front_);
  back_ -= bytes;
  if (front_ == back_) wanted_.store(false, std::memory_order_relaxed);
  // Under the lock: who finds nothing left also finds the helper at work.
  if (bytes != 0) helper_.store(copying, std::memory_order_relaxed);
  return {back_, bytes};
}

bool SharedCopy::help() noexcept {
  if (!wanted()) return false;
  const Chunk chunk = take_back();
  if (chunk.bytes == 0) return false;
  std::memcpy(to_ + chunk.begin, from_ + chunk.begin, chunk.bytes);
  if (helper_.exchange(idle, std::memory_order_release) == awaited) {
    futex_wake(helper_, INT_MAX);
  }
  return true;
}

void SharedCopy::await_helper() noexcept {
  const uint64_t limit = now_ns() + await_spin_ns;
  while (helper_.load(std::memory_order_acquire) != idle) {
    if (now_ns() < limit) {
      cpu_pause();
      continue;
    }
    uint32_t expected = copying;
    helper_.compare_exchange_strong(expected, awaited, std::memory_order_acquire);
    if (expected != idle) futex_wait(helper_, awaited, Deadline{});
  }
}

}  // namespace sporkle::gl
