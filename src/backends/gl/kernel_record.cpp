#include "backends/gl/kernel_record.h"

namespace sporkle::gl {

// A recipe holds a copy of its variant.
static size_t index_of(const Variant& variant) noexcept {
  return static_cast<size_t>(find_variant(variant.name) - variants().data());
}

KernelRecord::KernelRecord(std::pmr::memory_resource* memory)
    : rejected_(variants().size(), false, memory) {}

void KernelRecord::reject(const Variant& variant) noexcept {
  const std::lock_guard lock(mutex_);
  rejected_[index_of(variant)] = true;
}

bool KernelRecord::rejected(const Variant& variant) const noexcept {
  const std::lock_guard lock(mutex_);
  return rejected_[index_of(variant)];
}

void KernelRecord::drop_rejected(std::pmr::vector<const Variant*>* list) const noexcept {
  std::erase_if(*list, [this](const Variant* variant) { return rejected(*variant); });
}

}  // namespace sporkle::gl
