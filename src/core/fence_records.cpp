#include "core/fence_records.h"

#include <algorithm>
#include <bit>
#include <cstdio>

#include "base/log.h"
#include "base/process.h"
#include "core/fence_directory.h"

namespace sporkle {

namespace {

constinit std::atomic<uint32_t> pools_in_debug{0};

const char* text_of(Misuse misuse) noexcept {
  switch (misuse) {
#define SPORKLE_MISUSE(name, number, text) \
  case Misuse::name: return text;
#include "core/misuse.def"
#undef SPORKLE_MISUSE
  }
  return "";
}

double seconds_since(uint64_t ns) noexcept { return static_cast<double>(now_ns() - ns) * 1e-9; }

FenceRef ref_of(sporkle_fence fence) noexcept {
  if (fence_slot(fence) == nullptr) return {};
  const HandleBits bits = decode_handle(fence);
  return {bits.slot, bits.generation};
}

}  // namespace

FenceRecords::FenceRecords(std::pmr::memory_resource* memory, uint32_t fences, Log& log)
    : records_(std::bit_ceil(fences * 2u), memory), log_(log) {}

FenceRecords::Record* FenceRecords::find(uint32_t slot) noexcept {
  const size_t mask = records_.size() - 1;
  for (size_t i = 0; i < records_.size(); ++i) {
    Record& record = records_[(slot * 2654435761u + i) & mask];
    if (!record.used || record.slot == slot) return &record;
  }
  return nullptr;
}

const FenceRecords::Birth* FenceRecords::find(FenceRef fence) noexcept {
  if (!fence) return nullptr;
  const Record* record = find(fence.slot);
  if (record == nullptr || !record->used) return nullptr;
  if (record->newest.generation == fence.generation) return &record->newest;
  return record->older.generation == fence.generation ? &record->older : nullptr;
}

void FenceRecords::note(FenceRef fence, const char* label, const char* maker) noexcept {
  const std::lock_guard lock(mutex_);
  Record* record = find(fence.slot);
  if (record == nullptr) return;
  record->used = true;
  record->slot = fence.slot;
  record->older = record->newest;
  Birth& birth = record->newest;
  birth.generation = fence.generation;
  birth.created_ns = now_ns();
  birth.maker = maker;
  std::snprintf(birth.label, sizeof birth.label, "%s", label == nullptr ? "" : label);
}

bool FenceRecords::reported_before(const char* function, Misuse misuse, sporkle_fence fence,
                                   const char* detail) noexcept {
  uint64_t key = (reinterpret_cast<uintptr_t>(fence) * 31u +
                  reinterpret_cast<uintptr_t>(function)) * 31u +
                 static_cast<uint64_t>(misuse);
  for (const char* c = detail; *c != '\0'; ++c) {
    key = key * 1099511628211u + static_cast<unsigned char>(*c);
  }
  if (std::find(recent_, recent_ + recent_limit, key) != recent_ + recent_limit) return true;
  recent_[recent_next_++ % recent_limit] = key;
  return false;
}

void FenceRecords::report_misuse(const char* function, Misuse misuse, sporkle_fence fence,
                                 const char* detail, const Birth* birth) noexcept {
  const std::lock_guard lock(mutex_);
  if (reported_before(function, misuse, fence, detail)) return;
  if (birth == nullptr) birth = find(ref_of(fence));
  char subject[128] = "";
  if (birth != nullptr) {
    std::snprintf(subject, sizeof subject, "fence \"%s\" made by %s, age %.3f s: ", birth->label,
                  birth->maker, seconds_since(birth->created_ns));
  } else if (fence != nullptr || misuse == Misuse::null_handle) {
    std::snprintf(subject, sizeof subject, "fence %p: ", static_cast<void*>(fence));
  }
  const bool bare = detail[0] == '\0';
  log_.write(SPORKLE_LOG_WARNING, "SPORKLE-FENCE-%04u: %s: %s%s%s%s%s",
             static_cast<unsigned>(misuse), function, subject, text_of(misuse), bare ? "" : " (",
             detail, bare ? "" : ")");
}

void FenceRecords::report_leaks(FencePool* pool) noexcept {
  fence_pool_visit(
      pool,
      [](void* data, FenceRef fence, FenceState) {
        auto* self = static_cast<FenceRecords*>(data);
        const std::lock_guard lock(self->mutex_);
        const Birth* birth = self->find(fence);
        const bool pending = fence_poll(fence_handle(fence)) == SPORKLE_NOT_READY;
        self->log_.write(SPORKLE_LOG_WARNING,
                         "SPORKLE-LEAK-0002: fence \"%s\" made by %s not destroyed, %s, age %.3f s",
                         birth != nullptr ? birth->label : "?",
                         birth != nullptr ? birth->maker : "?", pending ? "pending" : "ended",
                         birth != nullptr ? seconds_since(birth->created_ns) : 0.0);
      },
      this);
}

void fence_records_attach(FencePool* pool, FenceRecords* records) noexcept {
  const std::lock_guard lock(pool->records_mutex);
  if (pool->records == nullptr && records != nullptr) pools_in_debug.fetch_add(1);
  if (pool->records != nullptr && records == nullptr) pools_in_debug.fetch_sub(1);
  pool->records = records;
}

void fence_pool_misused(FencePool* pool, const char* function, Misuse misuse) noexcept {
  if (pools_in_debug.load(std::memory_order_relaxed) == 0) return;
  const std::lock_guard lock(pool->records_mutex);
  if (pool->records != nullptr) {
    pool->records->report_misuse(function, misuse, nullptr, "", nullptr);
  }
}

namespace {

// What the parent knew. Its records are no longer written here; the lock over the
// pointer was made anew by the fork, the records' own may be held for ever.
const FenceRecords::Birth* inherited_birth(FencePool* parents, sporkle_fence fence) noexcept {
  if (parents == nullptr) return nullptr;
  const std::lock_guard lock(parents->records_mutex);
  return parents->records == nullptr ? nullptr : parents->records->find(ref_of(fence));
}

}  // namespace

void fence_misused(const char* function, Misuse misuse, sporkle_fence fence,
                   const char* detail) noexcept {
  if (pools_in_debug.load(std::memory_order_relaxed) == 0) return;
  FencePool* owner = fence_slot(fence) == nullptr ? nullptr
                                                  : fence_pool_of(decode_handle(fence).slot);
  const bool foreign = fence_is_foreign(fence);
  struct Job {
    const char* function;
    Misuse misuse;
    sporkle_fence fence;
    const char* detail;
    const FenceRecords::Birth* birth;
    FencePool* owner;  // null: nobody's
  } job{function, misuse,
        fence,    detail,
        foreign ? inherited_birth(owner, fence) : nullptr,
        foreign ? nullptr : owner};
  fence_pools_visit(
      [](void* data, FencePool& pool) {
        const Job* j = static_cast<const Job*>(data);
        if (j->owner != nullptr && j->owner != &pool) return;
        // The log and the locks of a parent process are not this one's.
        if (pool.epoch.load(std::memory_order_relaxed) != process_epoch()) return;
        const std::lock_guard lock(pool.records_mutex);
        if (pool.records != nullptr) {
          pool.records->report_misuse(j->function, j->misuse, j->fence, j->detail, j->birth);
        }
      },
      &job);
}

}  // namespace sporkle
