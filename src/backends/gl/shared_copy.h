// A large copy of a synchronous call, divided between its caller and the submission
// thread while that one has nothing better to do: the caller copies from the front,
// the thread from the back, until they meet. One core alone reaches a fraction of the
// memory's rate.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

namespace sporkle::gl {

class SharedCopy {
 public:
  // Smaller copies are over before the other thread has seen them.
  static constexpr uint64_t shared_min = uint64_t{64} << 10;
  // Larger ones last longer than a thread needs to wake up.
  static constexpr uint64_t wake_min = uint64_t{2} << 20;

  // As memcpy, the two together. False: another caller's copy is under way.
  bool begin(void* to, const void* from, uint64_t bytes) noexcept;
  void finish() noexcept;

  // The submission thread's side. Whether there is something to help with.
  bool wanted() const noexcept { return wanted_.load(std::memory_order_relaxed); }
  // Copies one chunk. False: there was none.
  bool help() noexcept;

 private:
  struct Chunk {
    uint64_t begin, bytes;
  };
  Chunk take_front() noexcept;
  Chunk take_back() noexcept;
  void await_helper() noexcept;

  std::mutex mutex_;
  bool taken_ = false;  // a copy is under way
  char* to_ = nullptr;
  const char* from_ = nullptr;
  uint64_t front_ = 0, back_ = 0, chunk_ = 0;  // [front, back) is left
  std::atomic<bool> wanted_{false};
  // Of the helper: idle, copying a chunk, copying while the caller sleeps.
  std::atomic<uint32_t> helper_{0};
};

}  // namespace sporkle::gl
