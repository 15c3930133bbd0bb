// What debug mode knows about fences beside their slots: label, maker and birth;
// and its reports of misuse and leaks.
#pragma once

#include <memory_resource>
#include <mutex>
#include <vector>

#include "core/fence_pool.h"

namespace sporkle {

enum class Misuse : uint32_t {
#define SPORKLE_MISUSE(name, number, text) name = number,
#include "core/misuse.def"
#undef SPORKLE_MISUSE
};

class FenceRecords {
 public:
  // Room for `fences` different slots; nothing is allocated afterwards.
  FenceRecords(std::pmr::memory_resource* memory, uint32_t fences, Log& log);

  // `maker`: the function that made the fence, static text.
  void note(FenceRef fence, const char* label, const char* maker) noexcept;

  // What is known of a fence: its label, its maker and when it was made.
  struct Birth {
    uint64_t generation = 0;  // 0: none
    uint64_t created_ns = 0;
    const char* maker = "";
    char label[40] = {};
  };

  // Null when the fence is not known, or no longer.
  const Birth* find(FenceRef fence) noexcept;

  // Writes one warning, once per handle, function, misuse and detail while it is
  // among the last few: a loop over a stale handle does not flood the log.
  // `detail`: which argument, which value; may be empty. `birth`: of the fence,
  // from a parent process's records; null: look in these.
  void report_misuse(const char* function, Misuse misuse, sporkle_fence fence,
                     const char* detail, const Birth* birth) noexcept;

  // Writes one warning for every live fence of the pool.
  void report_leaks(FencePool* pool) noexcept;

 private:
  // A slot's fence and the one before it, which a stale handle may mean.
  struct Record {
    bool used = false;
    uint32_t slot = 0;
    Birth newest, older;
  };

  // Open addressing by slot; entries are only overwritten, never removed.
  Record* find(uint32_t slot) noexcept;
  bool reported_before(const char* function, Misuse misuse, sporkle_fence fence,
                       const char* detail) noexcept;

  std::mutex mutex_;
  std::pmr::vector<Record> records_;
  Log& log_;
  static constexpr uint32_t recent_limit = 32;
  uint64_t recent_[recent_limit] = {};
  uint32_t recent_next_ = 0;
};

// Debug mode begins (or, with null, ends) for the context that owns the pool.
void fence_records_attach(FencePool* pool, FenceRecords* records) noexcept;

// Reports to the context of the fence when it is in debug mode; what belongs to
// no context is reported to every context in debug mode. Costs one load when
// there is none.
void fence_misused(const char* function, Misuse misuse, sporkle_fence fence,
                   const char* detail = "") noexcept;
void fence_pool_misused(FencePool* pool, const char* function, Misuse misuse) noexcept;

}  // namespace sporkle
