#include "buffers/workload.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "check.h"

namespace buffers {

void check(sporkle_status status, const char* what) {
  if (status == SPORKLE_OK) return;
  char text[400];
  sporkle_last_error(text, sizeof text);
  throw std::runtime_error(std::string(what) + ": " + text);
}

namespace {

class Bench {
 public:
  Bench(sporkle_context context, uint32_t device, const Workload& w)
      : context_(context), device_(device), w_(w) {
    sporkle_conv2d_desc_init(&desc_);
    sporkle_conv2d_desc_set(&desc_, w.n, w.c, w.h, w.h, w.k, w.kernel, w.stride, w.padding);
    check(sporkle_conv2d_describe(&desc_, &info_), "problem");
    x_.resize(info_.input_size / 4);
    weights_.resize(info_.weights_size / 4);
    y_.resize(info_.output_size / 4);
    bench_fill(x_.data(), x_.size(), 1);
    bench_fill(weights_.data(), weights_.size(), 2);
    check(sporkle_plan_create(context, device, &desc_, weights_.data(), nullptr, &plan_), "plan");
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() { sporkle_plan_destroy(plan_); }

  void run(NaiveGl* naive, Records* records) {
    const double fill = stage_fill(records), read = stage_read(records);
    const double gpu = stage_device(records);
    const double compute = resident(records);
    const double slowest = std::max({fill, read, gpu});
    for (const uint32_t depth : {1u, 2u, 3u, 4u, 8u}) {
      const double wall = pipeline(depth, false, records);
      if (depth == 3) ratio("pipeline3/slowest stage", wall / slowest, records);
    }
    const double wall = pipeline(4, true, records);
    ratio("pipeline4x2threads/slowest stage", wall / slowest, records);
    ratio("pipeline4x2threads busy by compute", 100 * compute / wall, records, "percent");
    const double sync = synchronous(records);
    ratio("sync - sum of stages", sync - fill - gpu - read, records, "us");
    if (naive == nullptr) return;
    const double raw = compare(naive, records);
    ratio("naive/sync", raw / sync, records);
    ratio("naive/pipeline4x2threads", raw / wall, records);
  }

 private:
  struct Flight {
    sporkle_slot slot;
    sporkle_fence fence;
  };

  std::string label(const std::string& what) const { return std::string(w_.name) + "/" + what; }
  int count() const { return w_.batches; }

  void ratio(const std::string& what, double value, Records* records, const char* unit = "ratio") {
    records->add(label(what), unit, {value});
  }

  // Throws when the output is wrong; else how many values it holds.
  uint64_t verify(const std::vector<float>& output, const char* what = "wrong output") const {
    BenchError error;
    if (!bench_compare(&desc_, x_.data(), weights_.data(), output.data(), &error) ||
        !(error.rel_l2 < 1e-5)) {
      throw std::runtime_error(what);
    }
    return output.size();
  }

  sporkle_executor executor(uint32_t slots) const {
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

  double stage_fill(Records* records) {
    const sporkle_executor e = executor(2);
    sporkle_slot slots[2] = {SPORKLE_SLOT_INIT, SPORKLE_SLOT_INIT};
    for (auto& slot : slots) check(sporkle_executor_acquire(e, 0, &slot), "acquire");
    int turn = 0;
    auto samples = time_us(4, 2 * count(), [&] {
      std::memcpy(slots[turn++ % 2].input, x_.data(), info_.input_size);
    });
    sporkle_executor_destroy(e);
    return records->add(label("stage fill"), "us", samples);
  }

  double stage_read(Records* records) {
    const sporkle_executor e = executor(1);
    sporkle_slot slot = SPORKLE_SLOT_INIT;
    std::vector<double> samples;
    for (int i = 0; i < count() + 2; ++i) {
      round(e, &slot);
      const double start = now_us();
      std::memcpy(y_.data(), slot.output, info_.output_size);
      if (i >= 2) samples.push_back(now_us() - start);
      check(sporkle_executor_release(e, slot.index), "release");
    }
    sporkle_executor_destroy(e);
    return records->add(label("stage read"), "us", samples, verify(y_));
  }

  void round(sporkle_executor e, sporkle_slot* slot) {
    check(sporkle_executor_acquire(e, SPORKLE_TIMEOUT_INFINITE, slot), "acquire");
    std::memcpy(slot->input, x_.data(), info_.input_size);
    sporkle_fence fence;
    check(sporkle_executor_submit(e, slot->index, plan_, &fence), "submit");
    check(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE), "wait");
  }

  // Device work of one operation, its transfers included: a stream of them
  // without the CPU's part. The slots' inputs are written beforehand and stay.
  double stage_device(Records* records) {
    const sporkle_executor e = executor(8);
    std::vector<double> samples;
    std::vector<uint32_t> filled;
    for (int j = 0; j < 8; ++j) {
      sporkle_slot slot = SPORKLE_SLOT_INIT;
      check(sporkle_executor_acquire(e, 0, &slot), "acquire");
      std::memcpy(slot.input, x_.data(), info_.input_size);
      filled.push_back(slot.index);
    }
    for (const uint32_t index : filled) check(sporkle_executor_release(e, index), "release");
    std::fill(y_.begin(), y_.end(), -7.0f);
    for (int i = 0; i < 9; ++i) {
      std::vector<Flight> flying;
      const double start = now_us();
      for (int j = 0; j < 8; ++j) {
        sporkle_slot slot = SPORKLE_SLOT_INIT;
        check(sporkle_executor_acquire(e, SPORKLE_TIMEOUT_INFINITE, &slot), "acquire");
        sporkle_fence fence;
        check(sporkle_executor_submit(e, slot.index, plan_, &fence), "submit");
        flying.push_back({slot, fence});
      }
      for (const Flight& flight : flying) {
        check(sporkle_fence_wait(flight.fence, SPORKLE_TIMEOUT_INFINITE), "wait");
      }
      if (i >= 2) samples.push_back((now_us() - start) / 8);
      std::memcpy(y_.data(), flying[static_cast<size_t>(i % 8)].slot.output, info_.output_size);
      verify(y_);
      for (const Flight& flight : flying) {
        check(sporkle_executor_release(e, flight.slot.index), "release");
      }
    }
    sporkle_executor_destroy(e);
    return records->add(label("stage device (in, compute, out)"), "us", samples, 9 * y_.size());
  }

  // Everything on the device: submits on resident buffers.
  double resident(Records* records) {
    sporkle_buffer buffers[2];
    for (int i = 0; i < 2; ++i) {
      sporkle_buffer_desc desc;
      sporkle_buffer_desc_init(&desc);
      desc.device = device_;
      desc.size = i == 0 ? info_.input_size : info_.output_size;
      desc.usage = i == 0 ? SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_DEVICE_READ
                          : SPORKLE_BUFFER_DEVICE_WRITE | SPORKLE_BUFFER_DEVICE_READ;
      check(sporkle_buffer_create(context_, &desc, &buffers[i]), "buffer");
    }
    void* data;
    check(sporkle_buffer_data(buffers[0], &data), "data");
    std::memcpy(data, x_.data(), info_.input_size);
    check(sporkle_buffer_flush(buffers[0], 0, info_.input_size), "flush");
    sporkle_plan_bindings bindings = SPORKLE_PLAN_BINDINGS_INIT;
    bindings.input.buffer = buffers[0];
    bindings.output.buffer = buffers[1];
    constexpr int stream = 32;
    std::vector<double> samples = time_us(3, 11, [&] {
      sporkle_fence fences[stream];
      for (auto& fence : fences) check(sporkle_plan_submit(plan_, &bindings, &fence), "submit");
      check(sporkle_fence_wait_all(fences, stream, SPORKLE_TIMEOUT_INFINITE), "wait");
      for (auto& fence : fences) sporkle_fence_destroy(fence);
    });
    for (double& us : samples) us /= stream;
    fetch(buffers[1]);
    for (auto& buffer : buffers) sporkle_buffer_destroy(buffer);
    const double us =
        records->add(label("resident, dependent stream"), "us", samples, verify(y_));
    ratio("resident rate", static_cast<double>(info_.flops) / us * 1e-3, records, "GFLOP/s");
    return us;
  }

  // Brings an output that the CPU cannot read into y_: a 1x1 convolution with
  // the identity, whose sums have one product that is not zero, copies it.
  void fetch(sporkle_buffer output) {
    const int64_t k = desc_.k;
    std::vector<float> identity(static_cast<size_t>(k * k));
    for (int64_t i = 0; i < k; ++i) identity[static_cast<size_t>(i * k + i)] = 1;
    sporkle_conv2d_desc copy;
    sporkle_conv2d_desc_init(&copy);
    sporkle_conv2d_desc_set(&copy, desc_.n, k, info_.out_h, info_.out_w, k, 1, 1, 0);
    sporkle_plan plan;
    check(sporkle_plan_create(context_, device_, &copy, identity.data(), nullptr, &plan), "plan");
    sporkle_buffer_desc desc;
    sporkle_buffer_desc_init(&desc);
    desc.device = device_;
    desc.size = info_.output_size;
    desc.usage = SPORKLE_BUFFER_CPU_READ | SPORKLE_BUFFER_DEVICE_WRITE;
    sporkle_plan_bindings bindings = SPORKLE_PLAN_BINDINGS_INIT;
    bindings.input.buffer = output;
    check(sporkle_buffer_create(context_, &desc, &bindings.output.buffer), "buffer");
    sporkle_fence fence;
    check(sporkle_plan_submit(plan, &bindings, &fence), "submit");
    check(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE), "wait");
    sporkle_fence_destroy(fence);
    check(sporkle_buffer_invalidate(bindings.output.buffer, 0, desc.size), "invalidate");
    void* data;
    check(sporkle_buffer_data(bindings.output.buffer, &data), "data");
    std::memcpy(y_.data(), data, info_.output_size);
    sporkle_buffer_destroy(bindings.output.buffer);
    sporkle_plan_destroy(plan);
  }

  // Wall time per operation over `count` batches, fill and read included.
  double pipeline(uint32_t depth, bool two_threads, Records* records) {
    const sporkle_executor e = executor(depth);
    std::vector<double> samples;
    for (int repeat = 0; repeat < 7; ++repeat) {
      std::fill(y_.begin(), y_.end(), -7.0f);
      const double start = now_us();
      stream(e, depth, two_threads);
      if (repeat >= 2) samples.push_back((now_us() - start) / count());
    }
    sporkle_executor_destroy(e);
    return records->add(label("pipeline depth " + std::to_string(depth) +
                              (two_threads ? ", two threads" : "")), "us", samples, verify(y_));
  }

  void launch(sporkle_executor e, Flight* flight) {
    flight->slot = SPORKLE_SLOT_INIT;
    check(sporkle_executor_acquire(e, SPORKLE_TIMEOUT_INFINITE, &flight->slot), "acquire");
    std::memcpy(flight->slot.input, x_.data(), info_.input_size);
    check(sporkle_executor_submit(e, flight->slot.index, plan_, &flight->fence), "submit");
  }

  void land(sporkle_executor e, const Flight& flight) {
    check(sporkle_fence_wait(flight.fence, SPORKLE_TIMEOUT_INFINITE), "wait");
    std::memcpy(y_.data(), flight.slot.output, info_.output_size);
    check(sporkle_executor_release(e, flight.slot.index), "release");
  }

  void stream(sporkle_executor e, uint32_t depth, bool two_threads) {
    std::vector<Flight> flights(static_cast<size_t>(count()));
    if (!two_threads) {
      for (int i = 0; i < count() + static_cast<int>(depth) - 1; ++i) {
        if (i < count()) launch(e, &flights[static_cast<size_t>(i)]);
        const int done = i - static_cast<int>(depth) + 1;
        if (done >= 0) land(e, flights[static_cast<size_t>(done)]);
      }
      return;
    }
    std::atomic<int> launched{0};
    std::thread filler([&] {
      for (auto& flight : flights) {
        launch(e, &flight);
        launched.fetch_add(1);
        launched.notify_one();
      }
    });
    for (int i = 0; i < count(); ++i) {
      for (int seen = launched.load(); seen <= i; seen = launched.load()) launched.wait(seen);
      land(e, flights[static_cast<size_t>(i)]);
    }
    filler.join();
  }

  double synchronous(Records* records) {
    auto samples = time_us(3, count(), [&] {
      check(sporkle_plan_run(plan_, x_.data(), nullptr, y_.data(), nullptr), "run");
    });
    return records->add(label("synchronous call"), "us", samples, verify(y_));
  }

  double compare(NaiveGl* naive, Records* records) {
    naive->prepare(desc_, weights_.data());
    std::vector<float> y(y_.size());
    auto samples = time_us(2, count(), [&] { naive->run(x_.data(), y.data()); });
    naive->drop();
    return records->add(label("naive OpenGL program"), "us", samples,
                        verify(y, "the naive program is wrong"));
  }

  sporkle_context context_;
  uint32_t device_;
  const Workload& w_;
  sporkle_conv2d_desc desc_;
  sporkle_conv2d_info info_ = SPORKLE_CONV2D_INFO_INIT;
  sporkle_plan plan_ = nullptr;
  std::vector<float> x_, weights_, y_;
};

}  // namespace

void measure(sporkle_context context, uint32_t device, const Workload& workload, NaiveGl* naive,
             Records* records) try {
  Bench(context, device, workload).run(naive, records);
} catch (const std::exception& error) {
  records->fail(workload.name, error.what());
}

}  // namespace buffers
