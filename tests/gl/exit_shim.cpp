#include "gl/exit_shim.h"

#include <memory_resource>
#include <unistd.h>

#include "backends/gl/driver_thread.h"
#include "base/process.h"

using namespace sporkle;
using namespace sporkle::gl;

namespace {

[[noreturn]] void hang(void*, DriverSlot&) {
  driver_guard_exit();
  for (;;) pause();
}

void sleep_until_stopped(void*, DriverSlot& slot) {
  driver_guard_exit();
  for (;;) {
    const uint32_t seen = slot.wakeups.load();
    driver_checkpoint(slot);
    driver_sleep(slot, seen, Deadline{});
  }
}

// Gives it up after 50 ms, in which it has come to hang or to sleep.
int start(DriverThread::Body body) {
  process_enter([]() noexcept {});
  DriverThread thread;
  if (!thread.start(std::pmr::new_delete_resource(), "test-driver", body, nullptr)) return 0;
  thread.finish(Deadline::after(50000000));
  return 1;
}

}  // namespace

int shim_start_hung() { return start(hang); }

int shim_start_asleep() { return start(sleep_until_stopped); }
