// The library's side: a context, and operations that can be submitted, timed
// and verified. Everything goes through the public interface.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sporkle.h"

namespace fences {

// A library call failed where the benchmark cannot go on.
struct Failure {
  std::string reason;
};

void check(sporkle_status status, const char* what);

class Library {
 public:
  explicit Library(const char* device, uint32_t fences);
  ~Library() { sporkle_context_destroy(context); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  sporkle_context context = nullptr;
  uint32_t device = 0;
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
};

// One convolution problem with a ring of inputs and outputs in device memory:
// operation i reads input i % inputs and writes output i % slots, so operations
// less than `slots` apart are independent. The timed outputs are memory that
// the CPU never touches; verify() copies them out by an identity convolution.
class Work {
 public:
  Work(Library& library, const sporkle_conv2d_desc& desc, uint32_t slots);
  ~Work();
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  sporkle_fence submit(uint64_t i) const;
  // Submits, waits, destroys the fence.
  void run(uint64_t i) const;

  // Fills every output with a value that no operation gives.
  void poison() const;
  // Compares the outputs of operations [0, count) of which each slot keeps the
  // last. Returns the number of values compared in double precision; throws
  // Failure when one is wrong.
  uint64_t verify(uint64_t count) const;

  // Time of one operation in a dependent stream: the wall time of 2 R operations
  // minus that of R, over R. All write one output, so nothing overlaps.
  double stream_ns(double budget_ns = 40e6) const;
  // Whether an output of input `i` is right, in double precision.
  bool right(uint64_t i, const float* output) const;

  const char* algorithm() const { return info_.algorithm; }
  const sporkle_conv2d_desc& desc() const { return desc_; }
  const sporkle_conv2d_info& sizes() const { return sizes_; }
  sporkle_plan plan() const { return plan_; }
  const float* input(uint64_t i) const { return x_.data() + i % inputs * values_in(); }
  const std::vector<float>& weights() const { return weights_; }
  uint32_t slots() const { return slots_; }

  // A prime: in consecutive passes over the ring a slot gets other inputs.
  static constexpr uint32_t inputs = 7;

 private:
  uint64_t values_in() const { return sizes_.input_size / sizeof(float); }
  sporkle_fence submit_to(sporkle_plan plan, uint64_t in, uint64_t out) const;

  Library& library_;
  sporkle_conv2d_desc desc_;
  sporkle_conv2d_info sizes_ = SPORKLE_CONV2D_INFO_INIT;
  sporkle_plan_info info_ = SPORKLE_PLAN_INFO_INIT;
  uint32_t slots_;
  uint64_t in_stride_, out_stride_;
  std::vector<float> weights_, x_;
  sporkle_plan plan_ = nullptr, poison_ = nullptr, copy_ = nullptr;
  sporkle_buffer in_ = nullptr, out_ = nullptr, readable_ = nullptr;
};

// k output and c input channels, a square kernel that keeps the size.
sporkle_conv2d_desc problem(int64_t n, int64_t c, int64_t k, int64_t edge, int64_t kernel);

// A library on the same device whose plans take the kernel of that name, so that the
// length of an operation depends on no choice by time and changes in no run.
std::unique_ptr<Library> open_with_kernel(const Library& like, const char* kernel);

// Plain tiles, without parts that need a second dispatch: a long reduction takes long
// and its tensors stay small.
constexpr const char* kernel_of_length = "igemm_64x32x16_4x4_l4";

// A problem whose operation takes about `target_ns` on the device and whose
// tensors are small, with that kernel: below 1 MB up to about 1 ms on a large GPU.
sporkle_conv2d_desc problem_of_length(Library& library, double target_ns);

// A problem whose operation is one dispatch of 64 workgroups of 64 threads and
// takes about `target_ns`, with the kernel `kernel_of_64_groups` of a library that
// was opened while SPORKLE_GL_KERNEL named it: a kernel chosen by time would
// fill the device. Throws Failure when the plan takes another kernel.
constexpr const char* kernel_of_64_groups = "direct_4x4";
sporkle_conv2d_desc problem_of_64_groups(Library& library, double target_ns);

}  // namespace fences
