// The host's threads, lent through the parallel_for callback of the context.
#pragma once

#include "base/fp_environment.h"
#include "core/parallel.h"

namespace sporkle::cpu {

class CallbackThreads final : public ParallelFor {
 public:
  CallbackThreads(sporkle_parallel_for callback, void* user, uint32_t threads)
      : callback_(callback), user_(user), threads_(threads) {}

  uint32_t threads() const noexcept override { return threads_; }

  void run(uint32_t count, sporkle_task task, void* data) noexcept override {
    Call call{task, data};
    callback_(user_, count, &CallbackThreads::run_task, &call);
  }

 private:
  struct Call {
    sporkle_task task;
    void* data;
  };
  // The host's threads have an environment of their own.
  static void run_task(void* data, uint32_t index) {
    const Call& call = *static_cast<const Call*>(data);
    const FpEnvironmentScope scope;
    call.task(call.data, index);
  }

  sporkle_parallel_for callback_;
  void* user_;
  uint32_t threads_;
};

}  // namespace sporkle::cpu
