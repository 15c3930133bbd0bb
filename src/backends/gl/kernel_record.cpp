#include "backends/gl/kernel_record.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "core/cache_store.h"

namespace sporkle::gl {

namespace {

constexpr const char* store_kind = "glproof";
constexpr size_t proven_limit = 512;

// A recipe holds a copy of its variant.
size_t index_of(const Variant& variant) noexcept {
  return static_cast<size_t>(find_variant(variant.name) - variants().data());
}

}  // namespace

KernelRecord::KernelRecord(const DeviceEnvironment& environment, const Facts& facts)
    : environment_(environment),
      facts_(facts),
      rejected_(variants().size(), false, environment.memory),
      proven_(environment.memory) {}

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

void KernelRecord::write_key(uint64_t programs, Key& out) const noexcept {
  std::snprintf(out, sizeof out, "1|%s|%s|%s|%08x|%016" PRIx64, facts_.vendor, facts_.name,
                facts_.version, catalogue_mark(), programs);
}

void KernelRecord::add_proven(uint64_t programs) noexcept try {
  const std::lock_guard lock(mutex_);
  if (std::find(proven_.begin(), proven_.end(), programs) != proven_.end()) return;
  if (proven_.size() == proven_limit) proven_.erase(proven_.begin());
  proven_.push_back(programs);
} catch (const std::bad_alloc&) {
}

void KernelRecord::note_proven(uint64_t programs) noexcept {
  add_proven(programs);
  Key key;
  write_key(programs, key);
  constexpr unsigned char content[] = {'1', '\n'};
  environment_.cache->put(store_kind, key, content);
}

bool KernelRecord::proven(uint64_t programs) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (std::find(proven_.begin(), proven_.end(), programs) != proven_.end()) return true;
  }
  Key key;
  write_key(programs, key);
  std::pmr::vector<unsigned char> content(environment_.memory);
  if (!environment_.cache->get(store_kind, key, &content)) return false;
  add_proven(programs);
  return true;
}

}  // namespace sporkle::gl
