// A device of the OpenGL backend, opened with rules and driven directly.
#include <cstdio>
#include <cstring>
#include <thread>

#include "backends/gl/device_scan.h"
#include "backends/gl/gl_work.h"
#include "backends/gl/split.h"
#include "base/memory.h"
#include "base/process.h"
#include "core/cache_store.h"
#include "gl/gl_shim.h"

using namespace sporkle;
using namespace sporkle::gl;

struct shim_device {
  sporkle_allocator allocator{};
  AllocatorResource memory{allocator};
  Log log{nullptr, nullptr, SPORKLE_LOG_OFF};
  Options options;
  Stats stats;
  CacheStore cache;
  DeviceEnvironment environment;
  std::shared_ptr<Device> device;
  uint32_t pieces = 1;
  std::atomic<uint64_t> beside{0};
  uint64_t plans_cpu = 0, plans_gpu = 0;  // bytes copied while plans were made
};

namespace {

std::atomic<uint64_t> asked_beside{0};
constexpr uint64_t long_ns = 2'000'000;

OpenRules rules_of(uint32_t bits) {
  OpenRules rules;
  rules.without_buffer_storage = (bits & SHIM_NO_STORAGE) != 0;
  rules.without_coherent = (bits & SHIM_NO_COHERENT) != 0;
  rules.windowed = (bits & SHIM_WINDOWED) != 0;
  rules.without_probe = (bits & SHIM_PROBE) == 0;
  if ((bits & SHIM_BESIDE) != 0) rules.beside = &asked_beside;
  return rules;
}

void fill_environment(shim_device* d) {
  d->cache.open("off", nullptr);
  // Which kernel a device likes is not asked here, and trials copy as well.
  d->options.set_argument(Option::tune, "off");
  d->environment.memory = &d->memory;
  d->environment.log = &d->log;
  d->environment.options = &d->options;
  d->environment.stats = &d->stats;
  d->environment.cache = &d->cache;
  d->environment.fences = fence_pool_acquire(64);
  d->environment.queue_capacity = 128;
}

// Runs `f` and turns what it throws into a status.
template <class F>
sporkle_status guarded(F f) {
  try {
    f();
    return SPORKLE_OK;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.reason.text);
    return error.status;
  }
}

std::shared_ptr<DeviceMemory> filled(Device& device, const float* content, uint64_t bytes,
                                     uint32_t pieces) {
  auto memory = device.create_memory(bytes, SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_CPU_READ |
                                                SPORKLE_BUFFER_DEVICE_READ |
                                                SPORKLE_BUFFER_DEVICE_WRITE);
  std::memcpy(memory->data(), content, bytes);
  // Odd pieces first: they are no neighbours and cannot be merged.
  const uint64_t step = bytes / pieces / 4 * 4;
  for (uint32_t parity : {1u, 0u}) {
    for (uint32_t i = parity; i < pieces; i += 2) {
      const uint64_t begin = i * step;
      const uint64_t end = i + 1 == pieces ? bytes : begin + step;
      memory->flush(begin, end - begin);
    }
  }
  return memory;
}

std::shared_ptr<DevicePlan> make_plan(shim_device* d, const ConvProblem& problem,
                                      const float* weights, const float* bias) {
  const uint64_t cpu = d->stats.read(Counter::cpu_copied_bytes);
  const uint64_t gpu = d->stats.read(Counter::gpu_copied_bytes);
  auto plan = d->device->create_plan(problem, weights, bias);
  d->plans_cpu += d->stats.read(Counter::cpu_copied_bytes) - cpu;
  d->plans_gpu += d->stats.read(Counter::gpu_copied_bytes) - gpu;
  return plan;
}

sporkle_status wait(FenceRef fence) {
  const sporkle_fence handle = fence_handle(fence);
  const sporkle_status status = fence_wait(handle, Deadline::after(60000000000u));
  fence_destroy(handle, true);
  return status;
}

}  // namespace

static shim_device* open_with(OpenRules rules, char* reason) {
  process_enter([]() noexcept {});
  auto* d = new shim_device;
  rules.pieces = &d->pieces;
  if (rules.beside == &asked_beside) rules.beside = &d->beside;
  fill_environment(d);
  {
    DeviceScan scan(d->environment, rules);
    std::thread([&] { scan.run(); }).join();
    reason[0] = '\0';
    for (auto& device : scan.list().devices) {
      if (d->device == nullptr) {
        d->device = device;
      } else {
        device->close(SPORKLE_ERROR_CANCELLED);
      }
    }
    if (!scan.list().unavailable.empty()) {
      std::snprintf(reason, 256, "%s", scan.list().unavailable[0].reason);
    }
  }
  if (d->device != nullptr) return d;
  shim_device_close(d);
  return nullptr;
}

shim_device* shim_device_open(uint32_t rules, char* reason) {
  return shim_device_open_limited(rules, UINT64_MAX, reason);
}

shim_device* shim_device_open_limited(uint32_t bits, uint64_t limit, char* reason) {
  OpenRules rules = rules_of(bits);
  rules.memory_limit = limit;
  shim_device* d = open_with(rules, reason);
  if ((bits & SHIM_MAPPED) == 0 || d == nullptr ||
      shim_device_placement(d) != SPORKLE_PLACEMENT_WINDOW) {
    return d;
  }
  // A card with memory of its own: maps what it is told to share with the CPU.
  shim_device_close(d);
  rules.pretend_vendor = "Acme";
  rules.pretend_renderer = "unheard of";
  rules.pretend_integrated = true;
  return open_with(rules, reason);
}

shim_device* shim_device_open_as(const char* vendor, const char* renderer, int integrated,
                                 char* reason) {
  OpenRules rules = rules_of(0);
  rules.pretend_vendor = vendor;
  rules.pretend_renderer = renderer;
  rules.pretend_integrated = integrated != 0;
  return open_with(rules, reason);
}

int shim_device_property(shim_device* d, const char* key, char* value, uint64_t capacity) {
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  d->device->describe(&info);
  for (uint32_t i = 0; i < info.property_count; ++i) {
    sporkle_property property = SPORKLE_PROPERTY_INIT;
    d->device->property(i, &property);
    if (std::strcmp(property.key, key) != 0) continue;
    std::snprintf(value, capacity, "%s", property.value);
    return 1;
  }
  return 0;
}

struct shim_memory {
  std::shared_ptr<DeviceMemory> memory;
};

shim_memory* shim_memory_create(shim_device* d, uint64_t bytes, sporkle_status* status) {
  std::shared_ptr<DeviceMemory> memory;
  *status = guarded([&] { memory = d->device->create_memory(bytes, 15); });
  return *status == SPORKLE_OK ? new shim_memory{std::move(memory)} : nullptr;
}

void shim_memory_destroy(shim_memory* memory) { delete memory; }

uint64_t shim_device_close(shim_device* d) {
  if (d->device != nullptr) d->device->close(SPORKLE_ERROR_CANCELLED);
  d->device.reset();
  fence_pool_release(d->environment.fences, SPORKLE_ERROR_CANCELLED);
  const uint64_t live = d->memory.live_bytes();
  delete d;
  return live;
}

uint32_t shim_device_placement(shim_device* d) {
  return d->device->create_memory(4096, 15)->placement();
}

void shim_device_split(shim_device* d, uint32_t pieces) { d->pieces = pieces; }

uint32_t shim_choose_pieces(uint64_t copy_in_ns, uint64_t device_ns, uint64_t images,
                            uint64_t most) {
  return choose_pieces(copy_in_ns, device_ns, images, most);
}

sporkle_status shim_device_run(shim_device* d, const sporkle_conv2d_desc* desc, const float* input,
                               const float* weights, const float* bias, const float* residual,
                               float* output) {
  return guarded([&] {
    auto plan = make_plan(d, make_problem(*desc), weights, bias);
    RunReport report;
    d->device->run(plan, {input, residual, output}, &report);
  });
}

sporkle_status shim_device_submit(shim_device* d, const sporkle_conv2d_desc* desc,
                                  const float* input, const float* weights, const float* bias,
                                  const float* residual, uint32_t pieces, float* output) {
  sporkle_status status = SPORKLE_OK;
  const sporkle_status called = guarded([&] {
    const ConvProblem p = make_problem(*desc);
    Operation operation;
    operation.plan = make_plan(d, p, weights, bias);
    operation.input = {filled(*d->device, input, p.input_bytes(), pieces), 0};
    if (residual != nullptr) {
      operation.residual = {filled(*d->device, residual, p.output_bytes(), 1), 0};
    }
    auto out = d->device->create_memory(p.output_bytes(), 15);
    operation.output = {out, 0};
    const FenceRef fence = operation.fence = fence_take(d->environment.fences, false, "test");
    d->device->submit(std::move(operation));
    status = wait(fence);
    out->invalidate(0, p.output_bytes());
    std::memcpy(output, out->data(), p.output_bytes());
  });
  return called == SPORKLE_OK ? status : called;
}

sporkle_status shim_device_chain(shim_device* d, const sporkle_conv2d_desc* desc,
                                 const float* input, const float* weights, float* output) {
  sporkle_status status = SPORKLE_OK;
  const sporkle_status called = guarded([&] {
    const ConvProblem p = make_problem(*desc);
    auto plan = make_plan(d, p, weights, nullptr);
    auto first = filled(*d->device, input, p.input_bytes(), 1);
    auto middle = d->device->create_memory(p.output_bytes(), 15);
    auto last = d->device->create_memory(p.output_bytes(), 15);
    FenceRef fences[2];
    for (int i = 0; i < 2; ++i) {
      Operation operation;
      operation.plan = plan;
      operation.input = {i == 0 ? first : middle, 0};
      operation.output = {i == 0 ? middle : last, 0};
      fences[i] = operation.fence = fence_take(d->environment.fences, false, "test");
      d->device->submit(std::move(operation));
    }
    for (const FenceRef fence : fences) {
      const sporkle_status ended = wait(fence);
      if (ended != SPORKLE_OK) status = ended;
    }
    last->invalidate(0, p.output_bytes());
    std::memcpy(output, last->data(), p.output_bytes());
  });
  return called == SPORKLE_OK ? status : called;
}

sporkle_status shim_device_stream(shim_device* d, const sporkle_conv2d_desc* desc, int layout,
                                  uint32_t count, const float* inputs, const float* weights,
                                  float* outputs, uint64_t* beside) {
  sporkle_status status = SPORKLE_OK;
  const sporkle_status called = guarded([&] {
    const ConvProblem p = make_problem(*desc);
    const uint64_t in = p.input_bytes(), out = p.output_bytes();
    auto plan = make_plan(d, p, weights, nullptr);
    // Long enough for copies beside it, as far as anybody knows.
    auto* work = static_cast<GlWork*>(plan.get());
    if (work->predicted().ns < long_ns) work->observe(2 * long_ns, 2 * long_ns);
    const bool sliced = layout == SHIM_SLICES;
    std::shared_ptr<DeviceMemory> from, to;
    if (sliced) from = d->device->create_memory(count * in, 15);
    if (sliced || layout == SHIM_AGAIN) to = d->device->create_memory(sliced ? count * out : out, 15);
    std::vector<Operation> operations(count);
    std::vector<FenceRef> fences;
    std::vector<MemoryRange> results;
    for (uint32_t i = 0; i < count; ++i) {
      Operation& operation = operations[i];
      operation.plan = plan;
      const char* content = reinterpret_cast<const char*>(inputs) + i * in;
      if (layout == SHIM_CHAIN && i > 0) {
        operation.input = results.back();
      } else if (sliced) {
        operation.input = {from, i * in};
        std::memcpy(static_cast<char*>(from->data()) + i * in, content, in);
        from->flush(i * in, in);
      } else {
        operation.input = {filled(*d->device, reinterpret_cast<const float*>(content), in, 1), 0};
      }
      if (to == nullptr) operation.output = {d->device->create_memory(out, 15), 0};
      else operation.output = {to, sliced ? i * out : 0};
      results.push_back(operation.output);
      fences.push_back(operation.fence = fence_take(d->environment.fences, false, "test"));
    }
    d->device->submit_all(operations);
    for (uint32_t i = 0; i < count; ++i) {
      const sporkle_status ended = wait(fences[i]);
      if (ended != SPORKLE_OK) status = ended;
      // As soon as its fence says so: later ones are still in flight.
      const MemoryRange& result = results[i];
      if (layout == SHIM_AGAIN && i + 1 < count) continue;
      result.memory->invalidate(result.offset, out);
      std::memcpy(reinterpret_cast<char*>(outputs) + i * out,
                  static_cast<const char*>(result.memory->data()) + result.offset, out);
    }
  });
  *beside += d->beside.load();
  return called == SPORKLE_OK ? status : called;
}

void shim_device_counters(shim_device* d, uint64_t* map_calls, uint64_t* cpu_copied,
                          uint64_t* gpu_copied) {
  *map_calls = d->stats.read(Counter::map_calls);
  *cpu_copied = d->stats.read(Counter::cpu_copied_bytes) - d->plans_cpu;
  *gpu_copied = d->stats.read(Counter::gpu_copied_bytes) - d->plans_gpu;
}
