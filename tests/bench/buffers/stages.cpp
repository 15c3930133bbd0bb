#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "buffers/bench.h"
#include "check.h"

namespace buffers {

void check(sporkle_status status, const char* what) {
  if (status == SPORKLE_OK) return;
  char text[400];
  sporkle_last_error(text, sizeof text);
  throw std::runtime_error(std::string(what) + ": " + text);
}

Bench::Bench(sporkle_context context, uint32_t device, const Workload& w)
    : context_(context), device_(device), w_(w), count_(w.batches),
      inputs_(std::size(factors)), x_(inputs_[0]) {
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  check(sporkle_device_describe(context, device, &info), "device");
  if ((info.flags & SPORKLE_DEVICE_SOFTWARE) != 0) {
    count_ = std::clamp(w.batches / 10, 2, 10);
    software_ = true;
    warm_us_ = 0;
  }
  sporkle_conv2d_desc_init(&desc_);
  sporkle_conv2d_desc_set(&desc_, w.n, w.c, w.h, w.h, w.k, w.kernel, w.stride, w.padding);
  check(sporkle_conv2d_describe(&desc_, &info_), "problem");
  for (auto& input : inputs_) input.resize(info_.input_size / 4);
  weights_.resize(info_.weights_size / 4);
  y_.resize(info_.output_size / 4);
  bench_fill(inputs_[0].data(), x_.size(), 1);
  for (size_t i = 1; i < inputs_.size(); ++i) {
    for (size_t j = 0; j < x_.size(); ++j) inputs_[i][j] = factors[i] * x_[j];
  }
  bench_fill(weights_.data(), weights_.size(), 2);
  reference_make(&reference_, &desc_, x_.data(), weights_.data());
  check(sporkle_plan_create(context, device, &desc_, weights_.data(), nullptr, &plan_), "plan");
}

uint64_t Bench::verify(const std::vector<float>& output, const char* what) const {
  if (!(reference_error(&reference_, output.data()) < 1e-5)) throw std::runtime_error(what);
  return output.size();
}

sporkle_executor Bench::executor(uint32_t slots) const {
  sporkle_executor_desc desc;
  sporkle_executor_desc_init(&desc);
  desc.device = device_;
  desc.slot_count = slots;
  desc.input_size = info_.input_size;
  desc.output_size = info_.output_size;
  sporkle_executor made;
  check(sporkle_executor_create(context_, &desc, &made), "executor");
  return made;
}

sporkle_buffer Bench::buffer(uint64_t size, uint32_t usage) const {
  sporkle_buffer_desc desc;
  sporkle_buffer_desc_init(&desc);
  desc.device = device_;
  desc.size = size;
  desc.usage = usage;
  sporkle_buffer made;
  check(sporkle_buffer_create(context_, &desc, &made), "buffer");
  return made;
}

double Bench::stage_fill(uint32_t slots, Records* records) {
  const sporkle_executor e = executor(slots);
  std::vector<sporkle_slot> held(slots, sporkle_slot(SPORKLE_SLOT_INIT));
  for (auto& slot : held) check(sporkle_executor_acquire(e, 0, &slot), "acquire");
  size_t turn = 0;
  auto samples = time_us(static_cast<int>(2 * slots), 2 * count(), [&] {
    std::memcpy(held[turn++ % slots].input, x_.data(), info_.input_size);
  });
  sporkle_executor_destroy(e);
  return records->add(label("stage fill, " + std::to_string(slots) + " slots"), "us", samples);
}

double Bench::stage_read(uint32_t slots, Records* records) {
  const sporkle_executor e = executor(slots);
  std::vector<Flight> flying(slots);
  std::vector<double> samples;
  for (int i = 0; i < count() + static_cast<int>(slots); i += static_cast<int>(slots)) {
    for (Flight& flight : flying) launch(e, &flight);
    for (const Flight& flight : flying) {
      check(sporkle_fence_wait(flight.fence, SPORKLE_TIMEOUT_INFINITE), "wait");
    }
    for (const Flight& flight : flying) {
      const double start = now_us();
      std::memcpy(y_.data(), flight.slot.output, info_.output_size);
      if (i > 0) samples.push_back(now_us() - start);
    }
    for (const Flight& flight : flying) {
      check(sporkle_executor_release(e, flight.slot.index), "release");
    }
  }
  sporkle_executor_destroy(e);
  return records->add(label("stage read, " + std::to_string(slots) + " slots"), "us", samples,
                      verify(y_));
}

void Bench::stages_in_turn(Records* records, double* fill_us, double* read_us) {
  const sporkle_executor e = executor(1);
  std::vector<double> fills, reads;
  Flight flight;
  for (int i = -3; i < count(); ++i) {
    launch(e, &flight);
    check(sporkle_fence_wait(flight.fence, SPORKLE_TIMEOUT_INFINITE), "wait");
    const double start = now_us();
    std::memcpy(y_.data(), flight.slot.output, info_.output_size);
    if (i >= 0) reads.push_back(now_us() - start);
    if (i >= 0) fills.push_back(filled_us_);
    check(sporkle_executor_release(e, flight.slot.index), "release");
  }
  sporkle_executor_destroy(e);
  const uint64_t verified = verify(y_);
  *fill_us = records->add(label("stage fill, in turn"), "us", fills, verified);
  *read_us = records->add(label("stage read, in turn"), "us", reads, verified);
}

double Bench::stage_device(Records* records) {
  const sporkle_executor e = executor(8);
  std::vector<Flight> flying(8);
  for (Flight& flight : flying) {
    flight.slot = SPORKLE_SLOT_INIT;
    check(sporkle_executor_acquire(e, 0, &flight.slot), "acquire");
    std::memcpy(flight.slot.input, x_.data(), info_.input_size);
  }
  for (const Flight& f : flying) check(sporkle_executor_release(e, f.slot.index), "release");
  auto samples = time_us(2, 9, [&] {
    for (Flight& flight : flying) {
      flight.slot = SPORKLE_SLOT_INIT;
      check(sporkle_executor_acquire(e, SPORKLE_TIMEOUT_INFINITE, &flight.slot), "acquire");
      check(sporkle_executor_submit(e, flight.slot.index, plan_, &flight.fence), "submit");
    }
    for (const Flight& flight : flying) {
      check(sporkle_fence_wait(flight.fence, SPORKLE_TIMEOUT_INFINITE), "wait");
      check(sporkle_executor_release(e, flight.slot.index), "release");
    }
  }, warm_us_);
  for (double& us : samples) us /= 8;
  // The outputs stay in the slots until the next submit.
  uint64_t outputs = 0;
  for (const Flight& flight : flying) {
    std::memcpy(y_.data(), flight.slot.output, info_.output_size);
    outputs += verify(y_);
  }
  take_samples();
  sporkle_executor_destroy(e);
  return records->add(label("stage device (in, compute, out)"), "us", samples, outputs);
}

double Bench::resident(Records* records) {
  const sporkle_buffer in = buffer(info_.input_size,
                                   SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_DEVICE_READ);
  const sporkle_buffer out = buffer(info_.output_size,
                                    SPORKLE_BUFFER_DEVICE_WRITE | SPORKLE_BUFFER_DEVICE_READ);
  void* data;
  check(sporkle_buffer_data(in, &data), "data");
  std::memcpy(data, x_.data(), info_.input_size);
  check(sporkle_buffer_flush(in, 0, info_.input_size), "flush");
  sporkle_plan_bindings bindings = SPORKLE_PLAN_BINDINGS_INIT;
  bindings.input.buffer = in;
  bindings.output.buffer = out;
  const uint32_t stream = software_ ? 2 : 32;
  std::vector<sporkle_fence> fences(stream);
  std::vector<double> samples = time_us(3, 11, [&] {
    for (auto& fence : fences) check(sporkle_plan_submit(plan_, &bindings, &fence), "submit");
    check(sporkle_fence_wait_all(fences.data(), stream, SPORKLE_TIMEOUT_INFINITE), "wait");
    for (auto& fence : fences) sporkle_fence_destroy(fence);
  }, warm_us_);
  for (double& us : samples) us /= stream;
  fetch(out);
  sporkle_buffer_destroy(in);
  sporkle_buffer_destroy(out);
  const double us = records->add(label("resident, dependent stream"), "us", samples, verify(y_));
  ratio("resident rate", static_cast<double>(info_.flops) / us * 1e-3, records, "GFLOP/s");
  return us;
}

void Bench::in_place(uint32_t buffers, Records* records) {
  std::vector<sporkle_plan_bindings> ring(buffers, sporkle_plan_bindings(SPORKLE_PLAN_BINDINGS_INIT));
  for (sporkle_plan_bindings& each : ring) {
    each.input.buffer = buffer(info_.input_size, SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_DEVICE_READ);
    each.output.buffer = buffer(info_.output_size, SPORKLE_BUFFER_CPU_READ | SPORKLE_BUFFER_DEVICE_WRITE);
    void* data;
    check(sporkle_buffer_data(each.input.buffer, &data), "data");
    std::memcpy(data, x_.data(), info_.input_size);
  }
  const uint32_t stream = software_ ? buffers : 128;
  std::vector<sporkle_fence> fences(stream);
  std::vector<double> samples = time_us(2, 9, [&] {
    for (uint32_t i = 0; i < stream; ++i) {
      const sporkle_plan_bindings& each = ring[i % buffers];
      check(sporkle_buffer_flush(each.input.buffer, 0, info_.input_size), "flush");
      check(sporkle_plan_submit(plan_, &each, &fences[i]), "submit");
    }
    check(sporkle_fence_wait_all(fences.data(), stream, SPORKLE_TIMEOUT_INFINITE), "wait");
    for (auto& fence : fences) sporkle_fence_destroy(fence);
  }, warm_us_);
  for (double& us : samples) us /= stream;
  uint64_t outputs = 0;
  for (const sporkle_plan_bindings& each : ring) {
    check(sporkle_buffer_invalidate(each.output.buffer, 0, info_.output_size), "invalidate");
    void* data;
    check(sporkle_buffer_data(each.output.buffer, &data), "data");
    std::memcpy(y_.data(), data, info_.output_size);
    outputs += verify(y_);
    sporkle_buffer_destroy(each.input.buffer);
    sporkle_buffer_destroy(each.output.buffer);
  }
  records->add(label("stream of " + std::to_string(buffers) + " buffers in turn, no CPU"), "us",
               samples, outputs);
}

void Bench::fetch(sporkle_buffer output) {
  const sporkle_buffer readable =
      buffer(info_.output_size, SPORKLE_BUFFER_CPU_READ | SPORKLE_BUFFER_DEVICE_WRITE);
  run_identity(output, readable, desc_.k, info_.out_h, info_.out_w);
  check(sporkle_buffer_invalidate(readable, 0, info_.output_size), "invalidate");
  void* data;
  check(sporkle_buffer_data(readable, &data), "data");
  std::memcpy(y_.data(), data, info_.output_size);
  sporkle_buffer_destroy(readable);
}

}  // namespace buffers
