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

bool FenceRecords::reported_before(const char* function, Misuse misuse,
                                   sporkle_fence fence) noexcept {
  const uint64_t key = (reinterpret_cast<uintptr_t>(fence) * 31u +
                        reinterpret_cast<uintptr_t>(function)) * 31u +
                       static_cast<uint64_t>(misuse);
  if (std::find(recent_, recent_ + recent_limit, key) != recent_ + recent_limit) return true;
  recent_[recent_next_++ % recent_limit] = key;
  return false;
}

void FenceRecords::report_misuse(const char* function, Misuse misuse,
                                 sporkle_fence fence) noexcept {
  const std::lock_guard lock(mutex_);
  if (reported_before(function, misuse, fence)) return;
  const auto number = static_cast<unsigned>(misuse);
  if (const Birth* birth = find(ref_of(fence))) {
    log_.write(SPORKLE_LOG_WARNING,
               "SPORKLE-FENCE-%04u: %s: fence \"%s\" made by %s, age %.3f s: %s", number, function,
               birth->label, birth->maker, seconds_since(birth->created_ns), text_of(misuse));
  } else {
    log_.write(SPORKLE_LOG_WARNING, "SPORKLE-FENCE-%04u: %s: fence %p: %s", number, function,
               static_cast<void*>(fence), text_of(misuse));
  }
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
  if (pool->records != nullptr) pool->records->report_misuse(function, misuse, nullptr);
}

void fence_misused(const char* function, Misuse misuse, sporkle_fence fence) noexcept {
  if (pools_in_debug.load(std::memory_order_relaxed) == 0) return;
  FencePool* owner = fence_slot(fence) == nullptr ? nullptr
                                                  : fence_pool_of(decode_handle(fence).slot);
  struct Job {
    const char* function;
    Misuse misuse;
    sporkle_fence fence;
    FencePool* owner;  // null: nobody's
  } job{function, misuse, fence, fence_is_foreign(fence) ? nullptr : owner};
  fence_pools_visit(
      [](void* data, FencePool& pool) {
        const Job* j = static_cast<const Job*>(data);
        if (j->owner != nullptr && j->owner != &pool) return;
        // The log and the locks of a parent process are not this one's.
        if (pool.epoch.load(std::memory_order_relaxed) != process_epoch()) return;
        const std::lock_guard lock(pool.records_mutex);
        if (pool.records != nullptr) pool.records->report_misuse(j->function, j->misuse, j->fence);
      },
      &job);
}

}  // namespace sporkle
