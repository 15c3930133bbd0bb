#include "unit/preparation_shim.h"

#include <memory_resource>

#include "base/process.h"
#include "core/preparer.h"

using namespace sporkle;

namespace {

struct World {
  sporkle_status failure;
  shim_preparation_seen* seen;
  // Of the job: the thread waits for it before it looks.
  std::atomic<uint32_t> armed{0};
};

Status execute(void* user, PreparationJob& job, bool) noexcept {
  auto* world = static_cast<World*>(user);
  while (world->armed.load() == 0) futex_wait(world->armed, 0, Deadline{});
  if (world->failure < 0) job.preparation->fail_with({world->failure, {}});
  else job.preparation->succeed(0, nullptr);
  world->seen->ended_in_job = job.preparation->ended() ? 1 : 0;
  world->seen->fence_in_job = fence_poll(fence_handle(job.fence));
  return world->failure;
}

}  // namespace

void shim_preparation_run(sporkle_status failure, shim_preparation_seen* seen) {
  process_enter([]() noexcept {});
  auto* memory = std::pmr::new_delete_resource();
  FencePool* pool = fence_pool_acquire(1);
  World world{failure, seen};
  {
    Preparer preparer(memory, "preparer", execute, &world);
    const float value = 0;
    const auto preparation = std::make_shared<Preparation>(
        PlanSource(ConvProblem{}, &value, nullptr), false, memory);
    const FenceRef fence = fence_take(pool, false, "test");
    preparation->set_end(preparer.submit({preparation, 0, false, fence}));
    world.armed.store(1);
    futex_wake(world.armed, 1);
    try {
      preparation->settle();
      seen->settled = SPORKLE_OK;
    } catch (const Error& error) {
      seen->settled = error.status;
    }
    seen->fence_settled = fence_poll(fence_handle(fence));
    fence_destroy(fence_handle(fence), true);
  }
  fence_pool_release(pool, SPORKLE_ERROR_CANCELLED);
}
