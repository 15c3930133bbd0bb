// CPU preparation beside GPU work: the executor against raw OpenGL that
// finishes every operation, and against raw OpenGL with the same number of
// slots. Preparation fills the slot's input, for which each contestant's own time
// is measured, and works on for as long as the operation takes on the GPU; every
// output is checked against known values.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>

#include "experiments.h"

namespace fences {

namespace {

constexpr int rounds = 7;
constexpr uint32_t variants = 5;
constexpr uint32_t probes = 16;
// Of the raw kernel with 64 workgroups, each way.
constexpr uint64_t raw_bytes = 64 * RawGl::group_size * 4;

// Deterministic work whose time does not depend on data.
uint64_t churn(uint64_t passes) {
  uint64_t x = passes | 1;
  for (uint64_t i = 0; i < passes; ++i) x = x * 6364136223846793005u + 1442695040888963407u;
  return x;
}

uint64_t passes_for(double target_ns) {
  double best = 1e18;
  for (int i = 0; i < 20; ++i) {
    const double start = wall_ns();
    volatile uint64_t sink = churn(20000);
    (void)sink;
    best = std::min(best, (wall_ns() - start) / 20000);
  }
  return static_cast<uint64_t>(std::max(0.0, target_ns) / best);
}

// Time of `fill(i)`, the median of many.
template <class Fill>
double fill_time(Fill fill) {
  Samples samples;
  for (uint64_t i = 0; i < 101; ++i) {
    const double start = wall_ns();
    fill(i);
    samples.add(wall_ns() - start);
  }
  return samples.median();
}

struct Shape {
  uint64_t items;
  uint32_t slots;
  uint64_t passes;
};

uint64_t place(uint32_t probe, uint64_t count) { return probe * (count - 1) / (probes - 1); }

class LibraryPipeline {
 public:
  LibraryPipeline(Bench& bench, const Work& work, uint32_t slots) : work_(work) {
    sporkle_executor_desc desc = SPORKLE_EXECUTOR_DESC_INIT;
    desc.device = bench.library.device;
    desc.slot_count = slots;
    desc.input_size = work.sizes().input_size;
    desc.output_size = work.sizes().output_size;
    check(sporkle_executor_create(bench.library.context, &desc, &executor_), "executor");
    // Known outputs, verified in double precision.
    for (uint32_t v = 0; v < variants; ++v) {
      known_[v].resize(work.sizes().output_size / sizeof(float));
      check(sporkle_plan_run(work.plan(), work.input(v), nullptr, known_[v].data(), nullptr),
            "run");
      if (!work.right(v, known_[v].data())) throw Failure{"wrong output"};
    }
  }
  ~LibraryPipeline() { sporkle_executor_destroy(executor_); }

  double fill_ns() {
    sporkle_slot slot = SPORKLE_SLOT_INIT;
    check(sporkle_executor_acquire(executor_, SPORKLE_TIMEOUT_INFINITE, &slot), "acquire");
    const double took = fill_time([&](uint64_t i) { fill(slot, i); });
    check(sporkle_executor_release(executor_, slot.index), "release");
    return took;
  }

  // Time per item. `checked` counts compared values.
  double run(Shape shape, uint64_t* checked) {
    std::vector<Flight> flights(shape.slots);
    const double start = wall_ns();
    for (uint64_t i = 0; i < shape.items + shape.slots; ++i) {
      Flight& flight = flights[i % shape.slots];
      if (flight.live) retire(&flight, checked);
      if (i >= shape.items) continue;
      flight.slot = SPORKLE_SLOT_INIT;
      check(sporkle_executor_acquire(executor_, SPORKLE_TIMEOUT_INFINITE, &flight.slot),
            "acquire");
      flight.variant = static_cast<uint32_t>(i % variants);
      fill(flight.slot, i);
      sink_ = churn(shape.passes);
      check(sporkle_executor_submit(executor_, flight.slot.index, work_.plan(), &flight.fence),
            "submit");
      flight.live = true;
    }
    return (wall_ns() - start) / static_cast<double>(shape.items);
  }

 private:
  struct Flight {
    sporkle_slot slot;
    sporkle_fence fence = nullptr;
    uint32_t variant = 0;
    bool live = false;
  };

  void fill(const sporkle_slot& slot, uint64_t i) const {
    std::memcpy(slot.input, work_.input(i % variants), work_.sizes().input_size);
  }

  void retire(Flight* flight, uint64_t* checked) {
    check(sporkle_fence_wait(flight->fence, SPORKLE_TIMEOUT_INFINITE), "wait");
    const std::vector<float>& known = known_[flight->variant];
    for (uint32_t p = 0; p < probes; ++p) {
      const uint64_t at = place(p, known.size());
      if (std::memcmp(&flight->slot.output[at], &known[at], sizeof(float)) != 0) {
        throw Failure{"a pipeline's output is wrong"};
      }
    }
    *checked += probes;
    check(sporkle_executor_release(executor_, flight->slot.index), "release");
    flight->live = false;
  }

  const Work& work_;
  sporkle_executor executor_ = nullptr;
  std::vector<float> known_[variants];
  volatile uint64_t sink_ = 0;
};

class RawPipeline {
 public:
  RawPipeline(RawGl& raw, RawWork work) : raw_(raw), work_(work) {}

  double fill_ns() {
    return fill_time([&](uint64_t i) { fill(i, 0); });
  }
  double device_ns() const { return raw_.stream_ns(work_); }

  double run_finish(Shape shape, uint64_t* checked) {
    const double start = wall_ns();
    for (uint64_t i = 0; i < shape.items; ++i) {
      prepare(i, 0, shape.passes);
      raw_.gl().Finish();
      compare(i, 0, checked);
    }
    return (wall_ns() - start) / static_cast<double>(shape.items);
  }

  double run_sync(Shape shape, uint64_t* checked) {
    std::vector<GLsync> syncs(shape.slots, nullptr);
    const double start = wall_ns();
    for (uint64_t i = 0; i < shape.items + shape.slots; ++i) {
      const auto slot = static_cast<uint32_t>(i % shape.slots);
      if (syncs[slot] != nullptr) {
        if (!raw_.wait(syncs[slot])) throw Failure{"glClientWaitSync failed"};
        raw_.gl().DeleteSync(syncs[slot]);
        syncs[slot] = nullptr;
        compare(i - shape.slots, slot, checked);
      }
      if (i >= shape.items) continue;
      prepare(i, slot, shape.passes);
      syncs[slot] = raw_.gl().FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
      raw_.gl().Flush();
    }
    return (wall_ns() - start) / static_cast<double>(shape.items);
  }

 private:
  uint32_t words() const { return work_.groups * RawGl::group_size; }
  static uint32_t first_word(uint64_t i, uint32_t at) {
    return static_cast<uint32_t>(i % variants) * 7919u + at;
  }

  void fill(uint64_t i, uint32_t slot) {
    uint32_t* input = raw_.mapped_input(slot);
    for (uint32_t w = 0; w < words(); ++w) input[w] = first_word(i, w);
  }

  void prepare(uint64_t i, uint32_t slot, uint64_t passes) {
    fill(i, slot);
    sink_ = churn(passes);
    raw_.dispatch_mapped(work_, slot);
    raw_.client_barrier();
  }

  void compare(uint64_t i, uint32_t slot, uint64_t* checked) {
    const uint32_t* output = raw_.mapped_output(slot);
    for (uint32_t p = 0; p < probes; ++p) {
      const auto at = static_cast<uint32_t>(place(p, words()));
      if (output[at] != RawGl::expected(first_word(i, at), work_.rounds)) {
        throw Failure{"the raw pipeline's output is wrong"};
      }
    }
    *checked += probes;
  }

  RawGl& raw_;
  RawWork work_;
  volatile uint64_t sink_ = 0;
};

void measure_pipeline(Bench& bench, const Work& work, const std::string& name, double device,
                      uint32_t slots, Bar bar) {
  LibraryPipeline library(bench, work, slots);
  const uint64_t items = std::clamp<uint64_t>(static_cast<uint64_t>(150e6 / device), 64, 4000);
  // Filling the input is part of the preparation.
  const double fill = library.fill_ns();
  const Shape shape{items, slots, passes_for(device - fill)};
  std::unique_ptr<RawPipeline> raw;
  if (bench.raw != nullptr) {
    raw = std::make_unique<RawPipeline>(*bench.raw,
                                        RawWork{64, bench.raw->calibrate(64, device)});
  }
  const double raw_device = raw != nullptr ? raw->device_ns() : 0;
  const double raw_fill = raw != nullptr ? raw->fill_ns() : 0;
  const Shape raw_shape{items, slots, passes_for(device - raw_fill)};
  const bool finish = raw != nullptr && bench.raw->finish_is_sound();
  // And one whose operations move as many bytes in and out as the library's.
  const uint64_t bytes = work.sizes().input_size;
  std::unique_ptr<RawPipeline> equal;
  Shape equal_shape = raw_shape;
  double equal_fill = 0;
  if (raw != nullptr && bytes > 2 * raw_bytes && bytes <= RawGl::most_bytes) {
    const auto groups = static_cast<uint32_t>((bytes + 255) / 256);
    equal = std::make_unique<RawPipeline>(*bench.raw,
                                          RawWork{groups, bench.raw->calibrate(groups, device)});
    equal_fill = equal->fill_ns();
    equal_shape.passes = passes_for(device - equal_fill);
  }
  Samples ours, finished, synced, synced_equal;
  uint64_t checked = 0, raw_checked = 0, equal_checked = 0;
  library.run({items / 4 + 8, slots, shape.passes}, &checked);
  for (int r = 0; r < rounds; ++r) {
    ours.add(library.run(shape, &checked) * 1e-3);
    if (finish) finished.add(raw->run_finish(raw_shape, &raw_checked) * 1e-3);
    if (raw != nullptr) synced.add(raw->run_sync(raw_shape, &raw_checked) * 1e-3);
    if (equal != nullptr) synced_equal.add(equal->run_sync(equal_shape, &equal_checked) * 1e-3);
  }
  const double after = work.stream_ns(), raw_after = raw != nullptr ? raw->device_ns() : 0;
  char note[320];
  std::snprintf(note, sizeof note,
                "per item; %s; CPU preparation %.1f us, of it %.1f us (raw: %.1f) to fill %.0f KB; "
                "GPU work %.1f us before and %.1f us after (raw: %.1f, %.1f); %u slots",
                work.algorithm(), device * 1e-3, fill * 1e-3, raw_fill * 1e-3,
                static_cast<double>(work.sizes().input_size) * 1e-3, device * 1e-3, after * 1e-3,
                raw_device * 1e-3, raw_after * 1e-3, slots);
  bench.records.add({name, "us", note, ours, {}, checked});
  if (raw != nullptr) {
    bench.records.add({name + "_raw_sync", "us", note, synced, {}, raw_checked});
  }
  if (equal != nullptr) {
    bench.records.add({name + "_raw_sync_equal_bytes", "us",
                       "per item; as many bytes in and out as the library's, fill " +
                           std::to_string(std::lround(equal_fill * 1e-3)) + " us",
                       synced_equal, {}, equal_checked});
  }
  if (!finish) return;
  bench.records.add({name + "_raw_finish", "us", note, finished, {}, raw_checked});
  add_ratio(bench.records, (name + "_over_raw_finish").c_str(), (name + "_raw_finish").c_str(),
            name.c_str(), bar);
}

// Work of a length between `least_ns` and `most_ns`, the middle of which is aimed at.
struct Length {
  const char* label;
  double least_ns, most_ns;
  double bar;
};

void measure_length(Bench& bench, const Length& length) {
  const double target_ns = (length.least_ns + length.most_ns) / 2;
  std::unique_ptr<Work> work;
  double device = 0;
  // Clock rates move between the choice and the measurement that is reported.
  for (int i = 0; i < 3 && (device < length.least_ns || device > length.most_ns); ++i) {
    work = std::make_unique<Work>(bench.library, problem_of_length(bench.library, target_ns), 1);
    device = work->stream_ns();
  }
  const std::string name = std::string("pipeline_") + length.label;
  measure_pipeline(bench, *work, name, device, 8, bench.bar(at_least(length.bar)));
  measure_pipeline(bench, *work, name + "_3_slots", device, 3, {});
}

}  // namespace

void measure_pipelines(Bench& all) {
  const auto library = open_with_kernel(all.library, kernel_of_length);
  Bench bench{*library, all.raw, all.records, all.software};
  measure_length(bench, {"20us", 20e3, 26e3, 2.0});
  measure_length(bench, {"50us", 40e3, 50e3, 2.0});
  measure_length(bench, {"1ms", 0.9e6, 1.1e6, 1.8});
}

}  // namespace fences
