#include "base/process.h"

#include <atomic>
#include <climits>
#include <sys/mman.h>
#include <unistd.h>

#include "base/futex.h"

namespace sporkle {

namespace {

// A page that the kernel replaces by zeros in a child (MADV_WIPEONFORK, Linux
// 4.14): reading it tells parent from child.
struct Page {
  std::atomic<uint64_t> epoch;
  std::atomic<uint32_t> step;
};
enum Step : uint32_t { untouched, entering, entered };
// A cache line of its own: each call reads it, and a neighbour would be a lock.
struct alignas(64) OwnPage : std::atomic<Page*> {};
constinit OwnPage own_page;

// Ordinary memory, inherited by a child: the newest epoch of the chain.
constinit std::atomic<uint64_t> newest_epoch{0};

Page* map_page() noexcept {
  const auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* page = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  madvise(page, size, MADV_WIPEONFORK);
  auto* mine = static_cast<Page*>(page);
  Page* expected = nullptr;
  if (!own_page.compare_exchange_strong(expected, mine)) {
    munmap(page, size);
    return expected;
  }
  return mine;
}

}  // namespace

uint64_t process_epoch() noexcept {
  const Page* page = own_page.load(std::memory_order_acquire);
  return page == nullptr ? 0 : page->epoch.load(std::memory_order_relaxed);
}

void process_enter(void (*reset)() noexcept) noexcept {
  Page* page = own_page.load(std::memory_order_acquire);
  if (page == nullptr) page = map_page();
  if (page == nullptr) return;
  uint32_t step = untouched;
  if (page->step.compare_exchange_strong(step, entering, std::memory_order_acq_rel)) {
    // Raised before the reset: a child that is forked during it has to reset as well.
    const uint64_t before = newest_epoch.fetch_add(1);
    if (before != 0) reset();
    page->epoch.store(before + 1, std::memory_order_relaxed);
    page->step.store(entered, std::memory_order_release);
    futex_wake(page->step, INT_MAX);
    return;
  }
  while (page->step.load(std::memory_order_acquire) != entered) {
    futex_wait(page->step, entering, Deadline{});
  }
}

}  // namespace sporkle
