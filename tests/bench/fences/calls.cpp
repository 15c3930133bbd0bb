// Cost of single calls, by Google Benchmark.
#include <benchmark/benchmark.h>
#include <thread>

#include "experiments.h"

namespace fences {

namespace {

// Takes the repetitions of one benchmark as samples.
class Collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      if (run.error_occurred) error = run.error_message;
      else samples.add(run.GetAdjustedRealTime());
    }
  }
  Samples samples;
  std::string error;
};

template <class Body>
void measure(Bench& bench, const char* name, Bar bar, const char* note, int64_t iterations,
             Body body) {
  benchmark::ClearRegisteredBenchmarks();
  benchmark::RegisterBenchmark(name, body)
      ->Unit(benchmark::kNanosecond)
      ->Iterations(iterations)
      ->Repetitions(21)
      ->UseRealTime();
  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  if (collector.error.empty() && collector.samples.count() > 0) {
    bench.records.add(name, "ns", collector.samples, bench.bar(bar), note);
  } else {
    bench.records.fail(name, collector.error);
  }
}

// Polls `iterations` times while the work is in flight.
void poll_pending(benchmark::State& state, const Work& work, bool other_thread) {
  const sporkle_fence fence = work.submit(0);
  sporkle_status last = SPORKLE_NOT_READY;
  const auto body = [&] {
    for (auto _ : state) benchmark::DoNotOptimize(last = sporkle_fence_poll(fence));
  };
  if (other_thread) std::thread(body).join();
  else body();
  if (last != SPORKLE_NOT_READY) state.SkipWithError("the work ended while polled");
  sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE);
  sporkle_fence_destroy(fence);
}

void measure_library(Bench& bench, const Work& slow) {
  measure(bench, "poll_pending", at_most(10), "", 100000,
          [&](benchmark::State& state) { poll_pending(state, slow, false); });
  measure(bench, "poll_pending_other_thread", at_most(10), "thread that did not submit", 100000,
          [&](benchmark::State& state) { poll_pending(state, slow, true); });
  const sporkle_fence fence = slow.submit(0);
  check(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE), "wait");
  measure(bench, "poll_done", at_most(10), "", 1000000, [&](benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(sporkle_fence_poll(fence));
  });
  measure(bench, "wait_done", at_most(1000), "", 1000000, [&](benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(sporkle_fence_wait(fence, 1000000000u));
  });
  sporkle_fence_destroy(fence);
  measure(bench, "insert_destroy", {}, "sporkle_fence_insert, sporkle_fence_destroy", 100000,
          [&](benchmark::State& state) {
            for (auto _ : state) {
              sporkle_fence inserted = nullptr;
              sporkle_fence_insert(bench.library.context, bench.library.device, nullptr, &inserted);
              sporkle_fence_destroy(inserted);
            }
          });
}

void measure_raw(Bench& bench) {
  const GladGLContext& gl = bench.raw->gl();
  const RawWork slow{64, bench.raw->calibrate(64, 60e6)};
  measure(bench, "raw_poll_pending", {}, "glClientWaitSync with timeout 0", 1000,
          [&](benchmark::State& state) {
            bench.raw->dispatch(slow, 0);
            const GLsync sync = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
            gl.Flush();
            GLenum last = 0;
            for (auto _ : state) {
              benchmark::DoNotOptimize(last = gl.ClientWaitSync(sync, 0, 0));
            }
            if (last != GL_TIMEOUT_EXPIRED) state.SkipWithError("never pending on this driver");
            bench.raw->wait(sync);
            gl.DeleteSync(sync);
          });
  const GLsync sync = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
  bench.raw->wait(sync);
  measure(bench, "raw_poll_done", {}, "glClientWaitSync with timeout 0", 100000,
          [&](benchmark::State& state) {
            for (auto _ : state) benchmark::DoNotOptimize(gl.ClientWaitSync(sync, 0, 0));
          });
  measure(bench, "raw_wait_done", {}, "glClientWaitSync, 1 s", 100000,
          [&](benchmark::State& state) {
            for (auto _ : state) {
              benchmark::DoNotOptimize(gl.ClientWaitSync(sync, 0, 1000000000u));
            }
          });
  gl.DeleteSync(sync);
  measure(bench, "raw_create_delete", {}, "glFenceSync, glDeleteSync", 2000,
          [&](benchmark::State& state) {
            for (auto _ : state) {
              gl.DeleteSync(gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0));
            }
          });
}

}  // namespace

void measure_calls(Bench& bench) {
  {
    const Work slow(bench.library, problem_of_length(bench.library, 20e6), 1);
    slow.run(0);
    measure_library(bench, slow);
  }
  if (bench.raw != nullptr) measure_raw(bench);
}

}  // namespace fences
