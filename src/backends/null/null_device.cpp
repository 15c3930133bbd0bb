#include "backends/null/null_device.h"

#include <cinttypes>
#include <cstdio>
#include <mutex>

#include "backends/null/null_plan.h"
#include "backends/null/null_queue.h"
#include "core/host_memory.h"

namespace sporkle::null {

namespace {

constexpr uint32_t property_total = 3;

class NullDevice final : public Device {
 public:
  explicit NullDevice(const DeviceEnvironment& environment)
      : memory_(environment.memory), stats_(environment.stats), queue_(environment) {}

  DeviceClass device_class() const noexcept override { return DeviceClass::simulated; }
  void describe(sporkle_device_info* info) const noexcept override;
  void property(uint32_t index, sporkle_property* out) const noexcept override;
  bool supports(const ConvProblem&, Reason*) const noexcept override { return true; }

  std::shared_ptr<DevicePlan> create_plan(const ConvProblem& problem, const float* weights,
                                          const float* bias) override {
    count_allocation();
    return make_shared_in<NullPlan>(memory_, problem, memory_, weights, bias);
  }
  std::shared_ptr<DevicePlan> create_sequence(SequenceSteps steps) override {
    count_allocation();
    return make_shared_in<NullSequence>(memory_, steps, memory_, stats_);
  }
  std::shared_ptr<DeviceMemory> create_memory(uint64_t bytes, uint32_t) override {
    count_allocation();
    return make_host_memory(memory_, bytes);
  }

  void run(const std::shared_ptr<DevicePlan>& plan, const HostTensors& tensors,
           RunReport*) override {
    queue_.run(plan, tensors);
  }
  void submit_all(std::span<Operation> operations) override { queue_.submit_all(operations); }
  uint64_t clock_ns() const noexcept override { return queue_.snapshot().virtual_ns; }
  void insert_fence(FenceRef fence, bool owned) override { queue_.insert_fence(fence, owned); }
  bool drain(Deadline deadline) noexcept override { return queue_.drain(deadline); }
  void close(Status status) noexcept override { queue_.close(status); }
  void control(uint32_t command, uint64_t value, uint64_t count) override;

 private:
  void count_allocation();
  void plan_out_of_memory(uint64_t first, uint64_t count);
  void recover() noexcept;

  std::pmr::memory_resource* memory_;
  std::mutex mutex_;  // guards the next two
  FaultPlan allocation_faults_;
  uint64_t allocations_ = 0;
  Stats* stats_;
  NullQueue queue_;
};

void NullDevice::describe(sporkle_device_info* info) const noexcept {
  info->kind = SPORKLE_DEVICE_KIND_NULL;
  info->flags = SPORKLE_DEVICE_SIMULATED;
  std::snprintf(info->spec, sizeof info->spec, "null");
  std::snprintf(info->name, sizeof info->name, "null device");
  std::snprintf(info->driver, sizeof info->driver, "virtual clock, float64 reference");
  info->property_count = property_total;
}

void NullDevice::property(uint32_t index, sporkle_property* out) const noexcept {
  static constexpr const char* keys[property_total] = {"virtual_time_ns", "operations", "clock"};
  const NullQueue::Snapshot now = queue_.snapshot();
  std::snprintf(out->key, sizeof out->key, "%s", keys[index]);
  if (index == 2) {
    std::snprintf(out->value, sizeof out->value, "%s", now.manual ? "manual" : "auto");
  } else {
    std::snprintf(out->value, sizeof out->value, "%" PRIu64,
                  index == 0 ? now.virtual_ns : now.operations);
  }
}

void NullDevice::count_allocation() {
  const std::lock_guard lock(mutex_);
  if (!allocation_faults_.covers(Fault::out_of_memory, allocations_++)) return;
  fail(SPORKLE_ERROR_OUT_OF_MEMORY, "device: it has no memory left, as planned");
}

void NullDevice::plan_out_of_memory(uint64_t first, uint64_t count) {
  const std::lock_guard lock(mutex_);
  const uint64_t begin = first > UINT64_MAX - allocations_ ? UINT64_MAX : allocations_ + first;
  allocation_faults_.add(Fault::out_of_memory, begin, count, allocations_);
}

void NullDevice::recover() noexcept {
  {
    const std::lock_guard lock(mutex_);
    allocation_faults_.clear();
  }
  queue_.recover();
}

// A value that a command does not take is a mistake in the caller's test.
void check_unused(const char* name, uint64_t value) {
  if (value != 0) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: this command takes none", name);
}

void check_arguments(uint32_t command, uint64_t value, uint64_t count) {
  switch (command) {
    case SPORKLE_NULL_FAIL:
    case SPORKLE_NULL_OOM:
      if (count == 0) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "count: must be at least 1");
      return;
    case SPORKLE_NULL_CLOCK_AUTO:
    case SPORKLE_NULL_CLOCK_MANUAL:
    case SPORKLE_NULL_RECOVER: check_unused("value", value); break;
    default: break;
  }
  check_unused("count", count);
}

void NullDevice::control(uint32_t command, uint64_t value, uint64_t count) {
  if (command > SPORKLE_NULL_RECOVER) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "command: %u is not a SPORKLE_NULL_* command", command);
  }
  check_arguments(command, value, count);
  switch (command) {
    case SPORKLE_NULL_CLOCK_AUTO: return queue_.set_manual(false);
    case SPORKLE_NULL_CLOCK_MANUAL: return queue_.set_manual(true);
    case SPORKLE_NULL_ADVANCE: return queue_.advance(value);
    case SPORKLE_NULL_OP_TIME: return queue_.set_operation_time(value);
    case SPORKLE_NULL_FAIL: return queue_.plan_fault(Fault::fail, value, count);
    case SPORKLE_NULL_HANG: return queue_.plan_fault(Fault::hang, value, 1);
    case SPORKLE_NULL_RESET: return queue_.plan_fault(Fault::reset, value, 1);
    case SPORKLE_NULL_OOM: return plan_out_of_memory(value, count);
    default: return recover();
  }
}

}  // namespace

void enumerate(const DeviceEnvironment& environment, DeviceList* list) {
  list->devices.push_back(make_shared_in<NullDevice>(environment.memory, environment));
}

}  // namespace sporkle::null
