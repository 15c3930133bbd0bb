// Operations of executor slots whose device was lost, run again by a thread of
// the context.
#pragma once

#include "core/job_thread.h"
#include "core/plan_source.h"

namespace sporkle {

class Context;

struct RetryJob {
  Operation operation;
  FenceRef fence;
};

class Retrier final : public Rescuer {
 public:
  explicit Retrier(Context& context, std::pmr::memory_resource* memory)
      : jobs_(memory, "sporkle-retry", &Retrier::execute, &context) {}

  bool take_over(Operation& operation) noexcept override;
  void refuse() noexcept { jobs_.refuse(); }
  void close() noexcept { jobs_.close(); }

 private:
  static Status execute(void* context, RetryJob& job, bool cancelled) noexcept;

  JobThread<RetryJob> jobs_;
};

}  // namespace sporkle
