// What was found out about kernels on a device: which failed, and no problem takes them while
// it is open; which programs computed what the definition says. Any thread.
#pragma once

#include <mutex>

#include "backends/gl/gl_context.h"
#include "core/device.h"

namespace sporkle::gl {

class KernelRecord {
 public:
  KernelRecord(const DeviceEnvironment& environment, const Facts& facts);

  // One that hung, computed wrongly or did not compile in a trial.
  void reject(const Variant& variant) noexcept;
  bool rejected(const Variant& variant) const noexcept;
  void drop_rejected(std::pmr::vector<const Variant*>* list) const noexcept;

  // Programs, by program_hash(), whose result was right, here or, says the cache store, in
  // another process with the same driver and the same kernels.
  void note_proven(uint64_t programs) noexcept;
  bool proven(uint64_t programs) noexcept;

 private:
  using Key = char[512];
  void write_key(uint64_t programs, Key& out) const noexcept;
  void add_proven(uint64_t programs) noexcept;

  DeviceEnvironment environment_;
  Facts facts_;
  mutable std::mutex mutex_;
  std::pmr::vector<bool> rejected_;    // per entry of variants()
  std::pmr::vector<uint64_t> proven_;  // newest last
};

}  // namespace sporkle::gl
