#include "backends/cpu/cpu_device.h"

#include <cstdio>
#include <new>
#include <optional>

#include "backends/cpu/algorithm_choice.h"
#include "backends/cpu/blocked_sequence.h"
#include "backends/cpu/callback_threads.h"
#include "backends/cpu/conv_plan.h"
#include "backends/cpu/cpu_facts.h"
#include "backends/cpu/cpu_sequence.h"
#include "backends/cpu/scratch_pool.h"
#include "backends/cpu/thread_count.h"
#include "backends/cpu/thread_pool.h"
#include "core/host_memory.h"
#include "core/work_queue.h"

namespace sporkle::cpu {

namespace {

ThreadCount threads_of(const DeviceEnvironment& environment) {
  if (environment.parallel_for == nullptr) return count_threads(*environment.options);
  ThreadCount count;
  count.threads = environment.parallel_for_threads;
  if (count.threads > threads_limit) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "parallel_for_threads: %u exceeds %u", count.threads,
         threads_limit);
  }
  std::snprintf(count.reason, sizeof count.reason, "%u: lent by the host's parallel_for",
                count.threads);
  return count;
}

enum Property : uint32_t { property_threads, property_threads_reason, property_isa,
                           property_caches, property_algorithms, property_total };

class CpuDevice final : public Device {
 public:
  explicit CpuDevice(const DeviceEnvironment& environment);

  DeviceClass device_class() const noexcept override { return DeviceClass::cpu; }
  void describe(sporkle_device_info* info) const noexcept override;
  void property(uint32_t index, sporkle_property* out) const noexcept override;
  bool supports(const ConvProblem&, Reason*) const noexcept override { return true; }
  std::shared_ptr<DevicePlan> create_plan(const ConvProblem& problem, const float* weights,
                                          const float* bias) override;
  std::shared_ptr<DevicePlan> create_sequence(SequenceSteps steps) override;
  std::shared_ptr<DeviceMemory> create_memory(uint64_t bytes, uint32_t) override {
    return make_host_memory(memory_, bytes);
  }
  void run(const std::shared_ptr<DevicePlan>& plan, const HostTensors& tensors,
           RunReport* report) override;
  void submit_all(std::span<Operation> operations) override { queue_.submit_all(operations); }
  void insert_fence(FenceRef fence, bool owned) override { queue_.insert_fence(fence, owned); }
  bool drain(Deadline deadline) noexcept override { return queue_.drain(deadline); }
  void close(Status status) noexcept override;

  ParallelFor* host_threads() noexcept override { return &parallel(); }

 private:
  static std::shared_ptr<ConvPlan> choose(void* self, const PlanRequest& request);
  static Status execute(void* self, Operation& operation) noexcept;
  ParallelFor& parallel() noexcept {
    return lent_.has_value() ? static_cast<ParallelFor&>(*lent_) : own_;
  }

  std::pmr::memory_resource* memory_;
  const Kernels& kernels_;
  ThreadCount threads_;
  char model_[128];
  bool reproducible_;
  ScratchPool scratch_;
  ChoiceTable choices_;
  std::optional<CallbackThreads> lent_;
  ThreadPool own_;  // only the caller when threads are lent
  WorkQueue queue_;
};

Isa wanted_isa(const Options& options) {
  return isa_parse(options.value(Option::cpu_isa), options.source(Option::cpu_isa, "desc.cpu_isa"));
}

CpuDevice::CpuDevice(const DeviceEnvironment& environment)
    : memory_(environment.memory),
      kernels_(*kernels_compiled(wanted_isa(*environment.options))),
      threads_(threads_of(environment)),
      reproducible_(environment.reproducible),
      scratch_(environment.memory, environment.stats),
      own_(environment.parallel_for != nullptr ? 1 : threads_.threads, environment.memory),
      queue_(environment, "sporkle-cpu-q", &CpuDevice::execute, this) {
  model_name(model_, sizeof model_);
  if (environment.parallel_for != nullptr) {
    lent_.emplace(environment.parallel_for, environment.parallel_for_user, threads_.threads);
  }
  char number[16];
  std::snprintf(number, sizeof number, "%u", threads_.threads);
  environment.options->set_effective(Option::threads, number);
  environment.options->set_effective(Option::cpu_isa, isa_name(kernels_.isa));
}

void CpuDevice::describe(sporkle_device_info* info) const noexcept {
  info->kind = SPORKLE_DEVICE_KIND_CPU;
  info->flags = 0;
  std::snprintf(info->spec, sizeof info->spec, "cpu");
  std::snprintf(info->name, sizeof info->name, "%s", model_);
  std::snprintf(info->driver, sizeof info->driver, "%s", isa_name(kernels_.isa));
  info->property_count = property_total;
}

void CpuDevice::property(uint32_t index, sporkle_property* out) const noexcept {
  constexpr const char* keys[property_total] = {"threads", "threads_reason", "isa", "caches",
                                                "algorithms"};
  std::snprintf(out->key, sizeof out->key, "%s", keys[index]);
  switch (index) {
    case property_threads:
      std::snprintf(out->value, sizeof out->value, "%u", threads_.threads);
      break;
    case property_threads_reason:
      std::snprintf(out->value, sizeof out->value, "%s", threads_.reason);
      break;
    case property_isa:
      std::snprintf(out->value, sizeof out->value, "%s", isa_name(kernels_.isa));
      break;
    case property_caches: cache_sizes(out->value, sizeof out->value); break;
    default: {
      int used = 0;
      for (const Implementation* implementation : implementations) {
        const char* name = algorithm_name(*implementation, kernels_.isa);
        if (name == nullptr) continue;
        used += std::snprintf(out->value + used, sizeof out->value - static_cast<size_t>(used),
                              "%s%s", used == 0 ? "" : ", ", name);
      }
    }
  }
}

std::shared_ptr<ConvPlan> CpuDevice::choose(void* self, const PlanRequest& wanted) {
  auto& device = *static_cast<CpuDevice*>(self);
  PlanRequest request = wanted;
  request.cores = device.threads_.cores;
  if (device.reproducible_) return plan_by_rule(request);
  return plan_by_time(request, device.parallel(), device.scratch_, device.choices_);
}

std::shared_ptr<DevicePlan> CpuDevice::create_plan(const ConvProblem& problem,
                                                   const float* weights, const float* bias) {
  const PlanRequest request{problem, kernels_, parallel().threads(), level2_bytes(), weights, bias,
                            memory_};
  auto plan = choose(this, request);
  // A call then finds its scratch memory, and a lack of it shows here.
  const ScratchLease warm(scratch_, plan->workspace_bytes());
  return make_shared_in<CpuPlan>(memory_, std::move(plan));
}

std::shared_ptr<DevicePlan> CpuDevice::create_sequence(SequenceSteps steps) {
  const SequenceRequest request{steps,         kernels_,           parallel().threads(),
                                level2_bytes(), memory_,           reproducible_,
                                &CpuDevice::choose, this};
  std::shared_ptr<CpuWork> plan;
  if (BlockedSequence::usable(request)) {
    plan = make_shared_in<BlockedSequence>(memory_, request);
  } else {
    plan = make_shared_in<CpuSequence>(memory_, request);
  }
  const ScratchLease warm(scratch_, plan->workspace_bytes());
  return plan;
}

void CpuDevice::run(const std::shared_ptr<DevicePlan>& plan, const HostTensors& tensors,
                    RunReport*) {
  const auto& work = static_cast<const CpuWork&>(*plan);
  const ScratchLease scratch(scratch_, work.workspace_bytes());
  const FpEnvironmentScope scope;
  work.execute(tensors, parallel(), scratch.data());
}

Status CpuDevice::execute(void* self, Operation& operation) noexcept {
  const HostTensors tensors{operation.input.floats(),
                            operation.residual.memory ? operation.residual.floats() : nullptr,
                            operation.output.floats()};
  try {
    RunReport report;
    static_cast<CpuDevice*>(self)->run(operation.plan, tensors, &report);
    return SPORKLE_OK;
  } catch (const std::bad_alloc&) {
    return SPORKLE_ERROR_OUT_OF_MEMORY;
  }
}

void CpuDevice::close(Status status) noexcept {
  queue_.close(status);
  own_.close();
}

}  // namespace

void enumerate(const DeviceEnvironment& environment, DeviceList* list) {
  list->devices.push_back(make_shared_in<CpuDevice>(environment.memory, environment));
}

}  // namespace sporkle::cpu
