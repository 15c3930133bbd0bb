#include "unit/threads_shim.h"

#include <memory_resource>

#include "backends/cpu/thread_pool.h"

using sporkle::cpu::ThreadPool;

struct shim_threads {
  ThreadPool pool;
};

shim_threads* shim_threads_create(uint32_t threads) {
  return new shim_threads{{threads, std::pmr::new_delete_resource()}};
}

void shim_threads_destroy(shim_threads* pool) { delete pool; }

int shim_threads_worth(shim_threads* pool, uint64_t ns) { return pool->pool.worth(ns) ? 1 : 0; }

void shim_threads_run(shim_threads* pool, uint32_t count, sporkle_task task, void* data) {
  pool->pool.run(count, task, data);
}
