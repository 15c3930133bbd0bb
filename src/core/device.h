// What a device is to the rest of the library: it accepts or refuses problems,
// prepares plans, owns memory and runs operations in submission order.
//
// A backend implements the four classes below and is named in
// src/backends/registry.cpp. Calls may come from any thread at the same time
// unless a comment says otherwise. Errors are thrown as sporkle::Error or
// std::bad_alloc; noexcept functions never throw.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <type_traits>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "core/conv_problem.h"
#include "core/fence_pool.h"
#include "core/parallel.h"
#include "core/sequence.h"
#include "core/stats.h"

namespace sporkle {

class CacheStore;
class GlInterop;

// What a device gets from its context. Everything outlives the device.
struct DeviceEnvironment {
  std::pmr::memory_resource* memory = nullptr;
  Log* log = nullptr;
  Options* options = nullptr;
  Stats* stats = nullptr;
  CacheStore* cache = nullptr;
  FencePool* fences = nullptr;
  uint32_t queue_capacity = 0;  // most operations in flight
  bool debug = false;
  // Algorithms by rule alone, never by time; one order of summation for any
  // thread count and batch split.
  bool reproducible = false;
  sporkle_parallel_for parallel_for = nullptr;
  void* parallel_for_user = nullptr;
  uint32_t parallel_for_threads = 0;
};

// A prepared problem or sequence on one device: packed weights, bias, chosen
// algorithms. Immutable; used by several operations at once.
class DevicePlan {
 public:
  explicit DevicePlan(const ConvProblem& problem)
      : problem_(problem), extent_(extent_of(problem)) {}
  explicit DevicePlan(const Extent& extent) : problem_{}, extent_(extent) {}
  DevicePlan(const DevicePlan&) = delete;
  DevicePlan& operator=(const DevicePlan&) = delete;
  virtual ~DevicePlan() = default;

  // Of a plan for one convolution; all zero for a sequence.
  const ConvProblem& problem() const noexcept { return problem_; }
  const Extent& extent() const noexcept { return extent_; }
  virtual const char* algorithm() const noexcept = 0;
  virtual uint64_t packed_bytes() const noexcept = 0;
  virtual uint64_t workspace_bytes() const noexcept = 0;
  // False once the device has been reset: the plan must be created again.
  virtual bool usable() const noexcept { return true; }

 private:
  ConvProblem problem_;
  Extent extent_;
};

// Device-visible memory with a CPU address.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  virtual ~DeviceMemory() = default;

  // 64-byte aligned, constant for the life of the object.
  virtual void* data() const noexcept = 0;
  virtual uint64_t size() const noexcept = 0;
  virtual uint32_t placement() const noexcept = 0;  // SPORKLE_PLACEMENT_*
  virtual bool coherent() const noexcept = 0;
  // The range has been checked against size().
  virtual void flush(uint64_t offset, uint64_t bytes) = 0;
  virtual void invalidate(uint64_t offset, uint64_t bytes) = 0;

  // Runs `use`, a noexcept function that reads or writes the bytes at data() and does
  // not wait for the device: whoever closes that lets it end first. False, and nothing
  // has run: the device has been closed, and the bytes may be gone.
  template <class F>
  bool touch(F&& use) noexcept {
    return touch_with(
        [](void* user) noexcept { (*static_cast<std::remove_reference_t<F>*>(user))(); }, &use);
  }

 private:
  virtual bool touch_with(void (*use)(void* user) noexcept, void* user) noexcept {
    use(user);
    return true;
  }
};

// A tensor inside a memory; offset is a multiple of 64 and the range is checked.
struct MemoryRange {
  std::shared_ptr<DeviceMemory> memory;
  uint64_t offset = 0;

  float* floats() const noexcept {
    return reinterpret_cast<float*>(static_cast<char*>(memory->data()) + offset);
  }
};

// What an executor's operations amounted to; counted where they end.
struct OperationMeter {
  std::atomic<uint64_t> busy_ns{0};  // device time, on the clock of Device::clock_ns
  std::atomic<uint64_t> ended{0}, failed{0}, retried{0};

  void note_end(Status status, uint64_t ns) noexcept {
    busy_ns.fetch_add(ns, std::memory_order_relaxed);
    ended.fetch_add(1, std::memory_order_relaxed);
    if (status < 0) failed.fetch_add(1, std::memory_order_relaxed);
  }
};

struct Operation;
class Preparation;

// Who takes over operations that a device lost.
class Rescuer {
 public:
  // Moves the operation, and its fence to another timeline. To be called before
  // its value is published, by a thread that lets nothing use it any more. False:
  // nothing has happened, and the fence is to fail.
  virtual bool take_over(Operation& operation) noexcept = 0;

 protected:
  ~Rescuer() = default;
};

// One asynchronous run of a plan. Holds what it needs until it has ended.
struct Operation {
  std::shared_ptr<DevicePlan> plan;
  MemoryRange input, residual, output;  // residual.memory null without residual
  FenceRef fence;       // taken, not yet armed; the device arms it
  bool fence_owned = false;  // passed to fence_arm
  // The output must be readable by the CPU when the fence signals, without an
  // invalidate by the user (executor slots).
  bool publish_output = false;
  // Of executor slots; null otherwise.
  std::shared_ptr<OperationMeter> meter;
  Rescuer* rescuer = nullptr;  // outlives every device
  std::shared_ptr<Preparation> origin;
  uint32_t retries = 0;

  void note_end(Status status, uint64_t ns) noexcept {
    if (meter != nullptr) meter->note_end(status, ns);
  }
  bool rescue(Status status) noexcept {
    return status == SPORKLE_ERROR_DEVICE_LOST && rescuer != nullptr && rescuer->take_over(*this);
  }
};

// What a synchronous run tells about itself.
struct RunReport {
  bool timed = false;      // asked for: the device's own clock costs a small call much
  uint64_t device_ns = 0;  // 0: not measurable
};

// How the selector treats a device.
enum class DeviceClass : uint32_t {
  cpu,         // the fallback that always works
  gpu,         // hardware: taken above the FLOP threshold
  software,    // only when asked for by name
  simulated    // only when asked for by name; never timed
};

class Device {
 public:
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;

  virtual DeviceClass device_class() const noexcept = 0;
  // Threads of the CPU that computations share; null: the device has none.
  virtual ParallelFor* host_threads() noexcept { return nullptr; }
  // Fills kind, flags (not DEFAULT), spec, name, driver and property_count.
  virtual void describe(sporkle_device_info* info) const noexcept = 0;
  // index < property_count.
  virtual void property(uint32_t index, sporkle_property* out) const noexcept = 0;

  // Whether a plan could be made; `reason` says why not.
  virtual bool supports(const ConvProblem& problem, Reason* reason) const noexcept = 0;

  // Prepares a problem that supports() accepts. weights and bias are host
  // arrays of the problem's sizes; they are not kept.
  virtual std::shared_ptr<DevicePlan> create_plan(const ConvProblem& problem,
                                                  const float* weights, const float* bias) = 0;

  // Prepares a checked sequence whose every step supports() accepts. Devices
  // without that throw UNSUPPORTED.
  virtual std::shared_ptr<DevicePlan> create_sequence(SequenceSteps steps);

  // usage: SPORKLE_BUFFER_*. Throws SPORKLE_ERROR_OUT_OF_MEMORY or UNSUPPORTED.
  virtual std::shared_ptr<DeviceMemory> create_memory(uint64_t bytes, uint32_t usage) = 0;

  // Runs on ordinary host memory and returns when the output is complete. On
  // failure the output is untouched. `plan` is of this device.
  virtual void run(const std::shared_ptr<DevicePlan>& plan, const HostTensors& tensors,
                   RunReport* report) = 0;

  // Queues operations behind the earlier ones, in their order and as one group,
  // and arms their fences. When it throws, none is queued and none is touched.
  virtual void submit_all(std::span<Operation> operations) = 0;
  void submit(Operation&& operation) { submit_all({&operation, 1}); }

  // What its operations' times are measured on.
  virtual uint64_t clock_ns() const noexcept { return now_ns(); }

  // Arms a fence that signals when everything submitted so far has ended.
  virtual void insert_fence(FenceRef fence, bool owned) = 0;

  // Waits until nothing is in flight or the deadline has passed.
  virtual bool drain(Deadline deadline) noexcept = 0;

  // Stops the device for good: no operation runs after it returns, threads are
  // joined, fences still pending fail with `status`. Bounded in time also when
  // the hardware hangs. Called once, before the destructor.
  virtual void close(Status status) noexcept = 0;

  // Null: the device has no OpenGL context to share.
  virtual GlInterop* gl_interop() noexcept { return nullptr; }

  // Null-device controls; other devices refuse.
  virtual void control(uint32_t command, uint64_t value, uint64_t count);
};

}  // namespace sporkle
