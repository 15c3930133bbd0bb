#include "core/fence_records.h"

#include <bit>
#include <cstdio>

#include "base/log.h"

namespace sporkle {

FenceRecords::FenceRecords(std::pmr::memory_resource* memory, uint32_t fences)
    : records_(std::bit_ceil(fences * 2u), memory) {}

FenceRecords::Record* FenceRecords::find(uint32_t slot) noexcept {
  const size_t mask = records_.size() - 1;
  for (size_t i = 0; i < records_.size(); ++i) {
    Record& record = records_[(slot * 2654435761u + i) & mask];
    if (record.generation == 0 || record.slot == slot) return &record;
  }
  return nullptr;
}

void FenceRecords::note(FenceRef fence, const char* label) noexcept {
  const std::lock_guard lock(mutex_);
  Record* record = find(fence.slot);
  if (record == nullptr) return;
  record->slot = fence.slot;
  record->generation = fence.generation;
  record->created_ns = now_ns();
  std::snprintf(record->label, sizeof record->label, "%s", label == nullptr ? "" : label);
}

void FenceRecords::report(FencePool* pool, Log& log) noexcept {
  struct Job {
    FenceRecords* records;
    Log* log;
  } job{this, &log};
  fence_pool_visit(
      pool,
      [](void* data, FenceRef fence, FenceState) {
        const Job* j = static_cast<const Job*>(data);
        const std::lock_guard lock(j->records->mutex_);
        const Record* record = j->records->find(fence.slot);
        const bool known = record != nullptr && record->generation == fence.generation;
        const Status status = fence_poll(fence_handle(fence));
        j->log->write(SPORKLE_LOG_WARNING,
                      "SPORKLE-LEAK-0002: fence \"%s\" not destroyed, %s, age %.3f s",
                      known ? record->label : "?",
                      status == SPORKLE_NOT_READY ? "pending" : "ended",
                      known ? static_cast<double>(now_ns() - record->created_ns) * 1e-9 : 0.0);
      },
      &job);
}

}  // namespace sporkle
