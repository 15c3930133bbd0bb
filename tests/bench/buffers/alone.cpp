// What an operation costs and moves by itself: its device time without transfers, and the bytes
// that are copied for it.
#include <cstring>
#include <stdexcept>

#include "backends/gl/gl_backend.h"
#include "backends/gl/gl_context.h"
#include "buffers/bench.h"

namespace buffers {

namespace {

constexpr uint32_t device_only = SPORKLE_BUFFER_DEVICE_READ | SPORKLE_BUFFER_DEVICE_WRITE;
constexpr uint32_t outputs_in_turn = 8;

}  // namespace

void Bench::run_identity(sporkle_buffer from, sporkle_buffer to, int64_t channels, int64_t h,
                         int64_t w) {
  std::vector<float> identity(static_cast<size_t>(channels * channels));
  for (int64_t i = 0; i < channels; ++i) identity[static_cast<size_t>(i * channels + i)] = 1;
  sporkle_conv2d_desc copy;
  sporkle_conv2d_desc_init(&copy);
  sporkle_conv2d_desc_set(&copy, desc_.n, channels, h, w, channels, 1, 1, 0);
  sporkle_plan plan;
  check(sporkle_plan_create(context_, device_, &copy, identity.data(), nullptr, &plan), "plan");
  sporkle_plan_bindings bindings = SPORKLE_PLAN_BINDINGS_INIT;
  bindings.input.buffer = from;
  bindings.output.buffer = to;
  sporkle_fence fence;
  check(sporkle_plan_submit(plan, &bindings, &fence), "submit");
  check(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE), "wait");
  sporkle_fence_destroy(fence);
  sporkle_plan_destroy(plan);
}

double Bench::alone(Records* records) {
  const sporkle_buffer staged = buffer(info_.input_size,
                                       SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_DEVICE_READ);
  void* data;
  check(sporkle_buffer_data(staged, &data), "data");
  std::memcpy(data, x_.data(), info_.input_size);
  check(sporkle_buffer_flush(staged, 0, info_.input_size), "flush");
  const sporkle_buffer in = buffer(info_.input_size, device_only);
  run_identity(staged, in, desc_.c, desc_.h, desc_.w);
  sporkle_buffer_destroy(staged);
  sporkle_buffer outputs[outputs_in_turn];
  for (sporkle_buffer& out : outputs) out = buffer(info_.output_size, device_only);
  const uint32_t stream = software_ ? outputs_in_turn : 128;
  std::vector<sporkle_fence> fences(stream);
  std::vector<double> samples = time_us(2, 11, [&] {
    for (uint32_t i = 0; i < stream; ++i) {
      sporkle_plan_bindings bindings = SPORKLE_PLAN_BINDINGS_INIT;
      bindings.input.buffer = in;
      bindings.output.buffer = outputs[i % outputs_in_turn];
      check(sporkle_plan_submit(plan_, &bindings, &fences[i]), "submit");
    }
    check(sporkle_fence_wait_all(fences.data(), stream, SPORKLE_TIMEOUT_INFINITE), "wait");
    for (sporkle_fence fence : fences) sporkle_fence_destroy(fence);
  }, warm_us_);
  for (double& us : samples) us /= stream;
  uint64_t verified = 0;
  for (const sporkle_buffer out : outputs) {
    fetch(out);
    verified += verify(y_);
    sporkle_buffer_destroy(out);
  }
  sporkle_buffer_destroy(in);
  return records->add(label("device time alone, no transfers"), "us", samples, verified);
}

// Bytes per operation of a pipeline of three slots, by the context's counters.
Bench::Moved Bench::count_moved() {
  const sporkle_executor e = executor(3);
  stream(e, 3, false);  // what the first operations set up is not theirs
  sporkle_stats before = SPORKLE_STATS_INIT, after = SPORKLE_STATS_INIT;
  check(sporkle_context_stats(context_, &before), "stats");
  stream(e, 3, false);
  check(sporkle_context_stats(context_, &after), "stats");
  sporkle_executor_destroy(e);
  Moved moved;
  moved.verified = verify(y_);
  const auto each = [&](uint64_t a, uint64_t b) { return static_cast<double>(b - a) / count(); };
  moved.cpu = each(before.cpu_copied_bytes, after.cpu_copied_bytes);
  moved.gpu = each(before.gpu_copied_bytes, after.gpu_copied_bytes);
  moved.maps = each(before.map_calls, after.map_calls);
  return moved;
}

// What shaders take over the link themselves, at least: each mapped tensor once.
double Bench::mapped_bytes() const {
  const sporkle_buffer probes[] = {
      buffer(info_.input_size, SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_DEVICE_READ),
      buffer(info_.output_size, SPORKLE_BUFFER_CPU_READ | SPORKLE_BUFFER_DEVICE_WRITE)};
  double bytes = 0;
  for (const sporkle_buffer probe : probes) {
    sporkle_buffer_info info = SPORKLE_BUFFER_INFO_INIT;
    check(sporkle_buffer_describe(probe, &info), "buffer");
    if (info.placement == SPORKLE_PLACEMENT_MAPPED) bytes += static_cast<double>(info.size);
    sporkle_buffer_destroy(probe);
  }
  return bytes;
}

bool Bench::linked() const {
  sporkle_device_info device = SPORKLE_DEVICE_INFO_INIT;
  check(sporkle_device_describe(context_, device_, &device), "device");
  return device.kind == SPORKLE_DEVICE_KIND_GL && (device.flags & SPORKLE_DEVICE_SOFTWARE) == 0;
}

void Bench::moved(Records* records) {
  const Moved ours = count_moved();
  // What the driver copies for a buffer without mapping crosses the link as well.
  const double link = linked() ? ours.gpu + mapped_bytes() + ours.cpu : 0;
  const auto add = [&](const char* what, double value, const char* unit, uint64_t verified) {
    records->add(label(what), unit, {value}, verified);
  };
  add("copied by the CPU per operation", ours.cpu, "bytes", ours.verified);
  add("copied by the GPU per operation", ours.gpu, "bytes", ours.verified);
  add("over the link per operation", link, "bytes", ours.verified);
  add("map calls per operation", ours.maps, "calls", ours.verified);
  if (staging_ == nullptr) return;
  Bench other(staging_, staging_device_, w_);
  const Moved staged = other.count_moved();
  const double staged_link = linked() ? staged.gpu + other.mapped_bytes() + staged.cpu : 0;
  add("staging, copied by the CPU per operation", staged.cpu, "bytes", staged.verified);
  add("staging, over the link per operation", staged_link, "bytes", staged.verified);
  const double most = staged.cpu + staged_link;
  if (most <= 0) throw std::runtime_error("the staging placement copied nothing");
  ratio("moved by CPU and link, fewer than staging", 100 * (1 - (ours.cpu + link) / most), records,
        "percent");
}

// A second context of the same device whose buffers cannot be mapped. Null where it is no
// OpenGL device.
sporkle_context open_staging(const char* device, const char* name, uint32_t* out) {
  sporkle::gl::OpenRules& rules = sporkle::gl::scan_rules();
  sporkle_context context = nullptr;
  rules.without_buffer_storage = true;
  const sporkle_status status = sporkle_context_create(nullptr, &context);
  rules.without_buffer_storage = false;
  if (status != SPORKLE_OK) return nullptr;
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  if (sporkle_device_find(context, device, out) == SPORKLE_OK &&
      sporkle_device_describe(context, *out, &info) == SPORKLE_OK &&
      info.kind == SPORKLE_DEVICE_KIND_GL && std::strcmp(info.name, name) == 0) {
    return context;
  }
  sporkle_context_destroy(context);
  return nullptr;
}

}  // namespace buffers
