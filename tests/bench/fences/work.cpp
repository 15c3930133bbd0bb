#include "work.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../check.h"
#include "experiments.h"

namespace fences {

void check(sporkle_status status, const char* what) {
  if (status >= 0 && status != SPORKLE_TIMEOUT) return;
  char text[512];
  sporkle_last_error(text, sizeof text);
  throw Failure{std::string(what) + ": " + sporkle_status_name(status) + ": " + text};
}

Library::Library(const char* name, uint32_t fences) {
  sporkle_context_desc desc = SPORKLE_CONTEXT_DESC_INIT;
  desc.device = name;
  desc.fence_capacity = fences;
  check(sporkle_context_create(&desc, &context), "context");
  check(sporkle_device_find(context, name, &device), "device");
  check(sporkle_device_describe(context, device, &info), "device");
}

std::unique_ptr<Library> open_with_kernel(const Library& like, const char* kernel) {
  struct Wish {
    explicit Wish(const char* name) { setenv("SPORKLE_GL_KERNEL", name, 1); }
    ~Wish() { unsetenv("SPORKLE_GL_KERNEL"); }
  } wish(kernel);
  return std::make_unique<Library>(like.info.spec, 16384);
}

namespace {

// Offsets suit every storage-block alignment that drivers ask for.
constexpr uint64_t stride_of(uint64_t bytes) { return (bytes + 255) / 256 * 256; }
constexpr double error_limit = 1e-5;
constexpr float poison_value = -77777.0f;

sporkle_buffer make_buffer(const Library& library, uint64_t size, uint32_t usage, void** data) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = library.device;
  desc.size = size;
  desc.usage = usage;
  sporkle_buffer buffer = nullptr;
  check(sporkle_buffer_create(library.context, &desc, &buffer), "buffer");
  if (data != nullptr) check(sporkle_buffer_data(buffer, data), "buffer data");
  return buffer;
}

sporkle_plan make_plan(const Library& library, const sporkle_conv2d_desc& desc,
                       const float* weights, const float* bias) {
  sporkle_plan plan = nullptr;
  check(sporkle_plan_create(library.context, library.device, &desc, weights, bias, &plan), "plan");
  return plan;
}

void wait_and_destroy(sporkle_fence fence) {
  check(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE), "wait");
  check(sporkle_fence_destroy(fence), "destroy");
}

}  // namespace

Work::Work(Library& library, const sporkle_conv2d_desc& desc, uint32_t slots)
    : library_(library), desc_(desc), slots_(slots) {
  check(sporkle_conv2d_describe(&desc, &sizes_), "problem");
  weights_.resize(sizes_.weights_size / sizeof(float));
  bench_fill(weights_.data(), weights_.size(), 2);
  plan_ = make_plan(library, desc, weights_.data(), nullptr);
  check(sporkle_plan_describe(plan_, &info_), "plan");
  in_stride_ = stride_of(sizes_.input_size);
  out_stride_ = stride_of(sizes_.output_size);
  void* data = nullptr;
  in_ = make_buffer(library, in_stride_ * inputs,
                    SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_DEVICE_READ, &data);
  out_ = make_buffer(library, out_stride_ * slots,
                     SPORKLE_BUFFER_DEVICE_WRITE | SPORKLE_BUFFER_DEVICE_READ, nullptr);
  readable_ = make_buffer(library, out_stride_ * slots, 0, nullptr);
  x_.resize(values_in() * inputs);
  bench_fill(x_.data(), x_.size(), 1);
  for (uint32_t i = 0; i < inputs; ++i) {
    std::memcpy(static_cast<char*>(data) + i * in_stride_, input(i), sizes_.input_size);
  }
  check(sporkle_buffer_flush(in_, 0, in_stride_ * inputs), "flush");

  sporkle_conv2d_desc filled = desc;
  filled.flags |= SPORKLE_CONV2D_BIAS;
  const std::vector<float> zeros(weights_.size());
  const std::vector<float> bias(static_cast<size_t>(desc.k), poison_value);
  poison_ = make_plan(library, filled, zeros.data(), bias.data());
  // One weight of 1 per channel copies exactly.
  sporkle_conv2d_desc identity = problem(desc.n, desc.k, desc.k, sizes_.out_h, 1);
  identity.w = sizes_.out_w;
  identity.groups = desc.k;
  const std::vector<float> ones(static_cast<size_t>(desc.k), 1.0f);
  copy_ = make_plan(library, identity, ones.data(), nullptr);
}

Work::~Work() {
  for (const sporkle_plan plan : {plan_, poison_, copy_}) sporkle_plan_destroy(plan);
  for (const sporkle_buffer buffer : {in_, out_, readable_}) sporkle_buffer_destroy(buffer);
}

sporkle_fence Work::submit_to(sporkle_plan plan, uint64_t in, uint64_t out) const {
  sporkle_plan_bindings bindings = SPORKLE_PLAN_BINDINGS_INIT;
  bindings.input = {plan == copy_ ? out_ : in_, in};
  bindings.output = {plan == copy_ ? readable_ : out_, out};
  sporkle_fence fence = nullptr;
  check(sporkle_plan_submit(plan, &bindings, &fence), "submit");
  return fence;
}

sporkle_fence Work::submit(uint64_t i) const {
  return submit_to(plan_, i % inputs * in_stride_, i % slots_ * out_stride_);
}

void Work::run(uint64_t i) const { wait_and_destroy(submit(i)); }

void Work::poison() const {
  for (uint32_t s = 0; s < slots_; ++s) {
    wait_and_destroy(submit_to(poison_, 0, s * out_stride_));
  }
}

uint64_t Work::verify(uint64_t count) const {
  void* data = nullptr;
  check(sporkle_buffer_data(readable_, &data), "buffer data");
  uint64_t compared = 0;
  std::vector<float> output(sizes_.output_size / sizeof(float));
  std::vector<std::vector<float>> known(inputs);
  for (uint64_t i = count > slots_ ? count - slots_ : 0; i < count; ++i) {
    const uint64_t offset = i % slots_ * out_stride_;
    wait_and_destroy(submit_to(copy_, offset, offset));
    check(sporkle_buffer_invalidate(readable_, offset, sizes_.output_size), "invalidate");
    std::memcpy(output.data(), static_cast<const char*>(data) + offset, sizes_.output_size);
    // Equal inputs give equal bits; the first of each is compared in double.
    std::vector<float>& first = known[i % inputs];
    if (first.empty()) {
      if (!right(i, output.data())) {
        throw Failure{"wrong output of operation " + std::to_string(i)};
      }
      compared += std::min<uint64_t>(output.size(), 4096);
      first = output;
    } else if (std::memcmp(first.data(), output.data(), sizes_.output_size) != 0) {
      throw Failure{"outputs of equal inputs differ at operation " + std::to_string(i)};
    } else {
      compared += output.size();
    }
  }
  return compared;
}

bool Work::right(uint64_t i, const float* output) const {
  BenchError error;
  return bench_compare(&desc_, input(i), weights_.data(), output, &error) &&
         error.rel_l2 < error_limit;
}

double Work::stream_ns(double budget_ns) const {
  const auto stream = [this](uint64_t count) {
    std::vector<sporkle_fence> fences(count);
    const double start = wall_ns();
    for (uint64_t i = 0; i < count; ++i) {
      fences[i] = submit_to(plan_, i % inputs * in_stride_, 0);
    }
    check(sporkle_fence_wait(fences.back(), SPORKLE_TIMEOUT_INFINITE), "wait");
    const double took = wall_ns() - start;
    for (const sporkle_fence fence : fences) check(sporkle_fence_destroy(fence), "destroy");
    return took;
  };
  const double once = stream(8) / 8;
  const auto count = static_cast<uint64_t>(std::clamp(budget_ns / once, 2.0, 2000.0));
  std::vector<double> times;
  for (int i = 0; i < 5; ++i) {
    const double one = stream(count);
    times.push_back((stream(2 * count) - one) / static_cast<double>(count));
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

sporkle_conv2d_desc problem(int64_t n, int64_t c, int64_t k, int64_t edge, int64_t kernel) {
  sporkle_conv2d_desc desc = SPORKLE_CONV2D_DESC_INIT;
  sporkle_conv2d_desc_set(&desc, n, c, edge, edge, k, kernel, 1, kernel / 2);
  return desc;
}

namespace {

// A device that was idle has a low clock rate: on an H100 the first 0.1 s of work told
// twice the time that the same kernel took later.
double warm_length_of(Library& library, const sporkle_conv2d_desc& desc, double warm_ns) {
  const Work work(library, desc, 1);
  work.run(0);
  for (const double start = wall_ns(); wall_ns() - start < warm_ns;) work.stream_ns(4e6);
  return work.stream_ns(10e6);
}

// Single images in the order of their reductions' depths. How long they take does not
// follow it everywhere: small ones are read from the host's memory.
std::vector<sporkle_conv2d_desc> candidates() {
  std::vector<sporkle_conv2d_desc> list;
  for (const int64_t c : {4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56}) {
    list.push_back(problem(1, c, c, 14, 5));
  }
  for (const int64_t c : {16, 24, 32, 48, 64, 96, 128, 160, 192, 224, 256, 320, 384}) {
    list.push_back(problem(1, c, c, 14, 11));
  }
  return list;
}

constexpr double warm_ns = 0.03e9;

sporkle_conv2d_desc more_images(Library& library, sporkle_conv2d_desc best, double length,
                                double target_ns) {
  for (int i = 0; i < 6 && length < 0.9 * target_ns; ++i) {
    const double n = static_cast<double>(best.n) * std::clamp(target_ns / length, 0.25, 8.0);
    const int64_t next = std::max<int64_t>(1, std::llround(n));
    if (next == best.n) break;
    best.n = next;
    length = warm_length_of(library, best, warm_ns);
  }
  return best;
}

}  // namespace

sporkle_conv2d_desc problem_of_length(Library& library, double target_ns) {
  constexpr double begin_ns = 0.3e9;
  const auto distance = [&](double length) { return std::fabs(std::log(length / target_ns)); };
  // The image that comes closest, then more images. A software driver takes seconds for the
  // deepest and needs no warming.
  const bool software = (library.info.flags & SPORKLE_DEVICE_SOFTWARE) != 0;
  sporkle_conv2d_desc best = software ? candidates().front() : candidates().back();
  double length = warm_length_of(library, best, software ? 0 : begin_ns);
  if (!software && length < target_ns) return more_images(library, best, length, target_ns);
  for (const sporkle_conv2d_desc& next : candidates()) {
    const double took = warm_length_of(library, next, warm_ns);
    if (distance(took) < distance(length)) {
      best = next;
      length = took;
    }
    if (took > 4 * target_ns) break;
  }
  return more_images(library, best, length, target_ns);
}

sporkle_conv2d_desc problem_of_64_groups(Library& library, double target_ns) {
  // A workgroup makes 4 channels of 256 pixels: 16 x 64 x 64 outputs.
  sporkle_conv2d_desc desc = problem(1, 16, 16, 64, 5);
  for (int i = 0; i < 6; ++i) {
    const Work work(library, desc, 1);
    if (std::strcmp(work.algorithm(), kernel_of_64_groups) != 0) {
      throw Failure{std::string("not the kernel asked for but ") + work.algorithm()};
    }
    work.run(0);
    const double length = work.stream_ns(4e6);
    const int64_t next = std::clamp<int64_t>(
        std::llround(static_cast<double>(desc.c) * target_ns / length), 1, 256);
    if (next == desc.c || std::fabs(length / target_ns - 1) < 0.04) break;
    desc.c = next;
  }
  return desc;
}

}  // namespace fences
