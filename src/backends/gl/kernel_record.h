// Which kernels failed on an open device: no problem takes them while it is open. Any thread.
#pragma once

#include <mutex>

#include "backends/gl/kernels/recipe.h"

namespace sporkle::gl {

class KernelRecord {
 public:
  explicit KernelRecord(std::pmr::memory_resource* memory);

  // One that hung, computed wrongly or did not compile in a trial.
  void reject(const Variant& variant) noexcept;
  bool rejected(const Variant& variant) const noexcept;
  void drop_rejected(std::pmr::vector<const Variant*>* list) const noexcept;

 private:
  mutable std::mutex mutex_;
  std::pmr::vector<bool> rejected_;  // per entry of variants()
};

}  // namespace sporkle::gl
