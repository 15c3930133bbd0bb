#include "base/process.h"

#include <atomic>
#include <sys/mman.h>
#include <unistd.h>

namespace sporkle {

namespace {

// A page that the kernel replaces by zeros in a child (MADV_WIPEONFORK, Linux
// 4.14): reading it tells parent from child.
constinit std::atomic<std::atomic<uint64_t>*> epoch_page{nullptr};

// Ordinary memory, inherited by a child: the newest epoch of the chain.
constinit std::atomic<uint64_t> newest_epoch{0};

std::atomic<uint64_t>* map_page() noexcept {
  const auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* page = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  madvise(page, size, MADV_WIPEONFORK);
  auto* mine = static_cast<std::atomic<uint64_t>*>(page);
  std::atomic<uint64_t>* expected = nullptr;
  if (!epoch_page.compare_exchange_strong(expected, mine)) {
    munmap(page, size);
    return expected;
  }
  return mine;
}

}  // namespace

uint64_t process_epoch() noexcept {
  const std::atomic<uint64_t>* page = epoch_page.load(std::memory_order_acquire);
  return page == nullptr ? 0 : page->load(std::memory_order_relaxed);
}

bool process_enter() noexcept {
  std::atomic<uint64_t>* page = epoch_page.load(std::memory_order_acquire);
  if (page == nullptr) page = map_page();
  if (page == nullptr) return false;
  if (page->load(std::memory_order_acquire) != 0) return false;
  const uint64_t before = newest_epoch.load();
  uint64_t expected = 0;
  if (!page->compare_exchange_strong(expected, before + 1)) return false;
  newest_epoch.store(before + 1);
  return before != 0;
}

}  // namespace sporkle
