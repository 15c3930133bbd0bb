// How soon a wait returns and what it costs the processor.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sys/resource.h>
#include <unistd.h>

#include "experiments.h"

namespace fences {

namespace {

double library_once(const Work& work, uint64_t i) {
  const double start = wall_ns();
  const sporkle_fence fence = work.submit(i);
  check(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE), "wait");
  const double took = wall_ns() - start;
  sporkle_fence_destroy(fence);
  return took;
}

double raw_once(RawGl& raw, RawWork work, bool finish) {
  const GladGLContext& gl = raw.gl();
  const double start = wall_ns();
  raw.dispatch(work, 0);
  if (finish) {
    gl.Finish();
    return wall_ns() - start;
  }
  const GLsync sync = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
  if (!raw.wait(sync)) throw Failure{"glClientWaitSync failed"};
  const double took = wall_ns() - start;
  gl.DeleteSync(sync);
  return took;
}

void measure_round_trip(Bench& bench, const Work& tiny) {
  constexpr int blocks = 20, block = 100, idles = 150;
  constexpr useconds_t idle_us = 10000;
  Samples library, raw, library_idle, raw_idle;
  const RawWork raw_tiny = raw_like(bench, 1, tiny);
  for (int b = 0; b < blocks; ++b) {
    library_once(tiny, 0);
    for (int i = 0; i < block; ++i) library.add(library_once(tiny, i) * 1e-3);
    if (bench.raw == nullptr) continue;
    raw_once(*bench.raw, raw_tiny, false);
    for (int i = 0; i < block; ++i) raw.add(raw_once(*bench.raw, raw_tiny, false) * 1e-3);
  }
  for (int i = 0; i < idles; ++i) {
    usleep(idle_us);
    library_idle.add(library_once(tiny, i) * 1e-3);
    if (bench.raw == nullptr) continue;
    usleep(idle_us);
    raw_idle.add(raw_once(*bench.raw, raw_tiny, false) * 1e-3);
  }
  const uint64_t verified = tiny.verify(idles);
  if (bench.raw != nullptr) {
    bench.records.add("raw_round_trip", "us", raw, {}, "dispatch, sync, wait, back to back");
    bench.records.add("raw_round_trip_idle", "us", raw_idle, {}, "the same after 10 ms idle");
  }
  bench.records.add("round_trip", "us", library,
                    bench.raw == nullptr ? Bar{} : bench.bar(at_most(raw.median() + 8)),
                    "submit, wait, back to back; bar: raw + 8 us", verified);
  bench.records.add("round_trip_idle", "us", library_idle,
                    bench.raw == nullptr ? Bar{} : bench.bar(at_most(raw_idle.median() + 60)),
                    "the same after 10 ms idle; bar: raw + 60 us", verified);
}

struct WaitCost {
  Samples cpu_percent, wall_ns;

  // `device_ns`: what the work itself takes.
  Samples late_us(double device_ns) const {
    Samples late;
    for (const double wall : wall_ns.values()) late.add((wall - device_ns) * 1e-3);
    return late;
  }
};

template <class Once>
WaitCost cost_of(Once once) {
  constexpr int waits = 60;
  WaitCost cost;
  for (int i = 0; i < 5; ++i) once(i);
  for (int i = 0; i < waits; ++i) {
    const double cpu = cpu_ns();
    const double took = once(i);
    cost.cpu_percent.add((cpu_ns() - cpu) / took * 100);
    cost.wall_ns.add(took);
  }
  return cost;
}

void report(Bench& bench, const std::string& name, const WaitCost& cost, double device_ns, Bar cpu,
            Bar late, uint64_t verified) {
  char note[160];
  std::snprintf(note, sizeof note, "one core is 100 %%; late: wall time of submit and wait less "
                "%.1f us of device time", device_ns * 1e-3);
  bench.records.add({name + "_cpu", "%", note, cost.cpu_percent, cpu, verified});
  bench.records.add({name + "_late", "us", note, cost.late_us(device_ns), late, verified});
}

void measure_raw_long_wait(Bench& bench, const std::string& length, double device_ns) {
  RawGl& raw = *bench.raw;
  const RawWork work{64, raw.calibrate(64, device_ns)};
  const WaitCost sync = cost_of([&](int) { return raw_once(raw, work, false); });
  report(bench, "raw_sync_" + length, sync, raw.stream_ns(work), {}, {}, 0);
  if (!raw.finish_is_sound()) return;
  const WaitCost finish = cost_of([&](int) { return raw_once(raw, work, true); });
  report(bench, "raw_finish_" + length, finish, raw.stream_ns(work), {}, {}, 0);
}

// Corrects the number of images by the measurement that is reported: on an H100 the
// short ones of problem_of_length() gave 1.9 and 3.2 ms for 4 ms.
void refine_length(Library& library, double target_ns, sporkle_conv2d_desc* desc) {
  for (int i = 0; i < 3; ++i) {
    const Work work(library, *desc, 1);
    work.poison();
    const double ratio = target_ns / work.stream_ns();
    const auto next = std::max<int64_t>(
        1, std::llround(static_cast<double>(desc->n) * std::clamp(ratio, 0.25, 4.0)));
    if (std::fabs(ratio - 1) < 0.08 || next == desc->n) return;
    desc->n = next;
  }
}

void measure_long_wait(Bench& bench, const std::string& length, double target_ns, bool bars) {
  sporkle_conv2d_desc desc = problem_of_length(bench.library, target_ns);
  refine_length(bench.library, target_ns, &desc);
  double device = 0;
  {
    const Work work(bench.library, desc, 1);
    // Uploads the inputs and lets the clock rate settle.
    work.poison();
    device = work.stream_ns();
    const WaitCost cost =
        cost_of([&](int i) { return library_once(work, static_cast<uint64_t>(i)); });
    device = (device + work.stream_ns()) / 2;
    work.poison();
    work.run(3);
    report(bench, length, cost, device, bars ? bench.bar(at_most(5)) : Bar{},
           bars ? bench.bar(at_most(60)) : Bar{}, work.verify(4));
  }
  // The first operations of a new plan, whose length nobody knows yet.
  const Work fresh(bench.library, desc, 1);
  fresh.poison();
  Samples first;
  for (int i = 0; i < 10; ++i) first.add((library_once(fresh, 0) - device) * 1e-3);
  bench.records.add({length + "_first_ten_late", "us", "the first ten operations of a new plan",
                     first, {}, 0});
  if (bench.raw != nullptr) measure_raw_long_wait(bench, length, device);
}

}  // namespace

void measure_waits(Bench& bench) {
  {
    const Work tiny(bench.library, tiny_problem(), 16);
    tiny.poison();
    measure_round_trip(bench, tiny);
  }
  const auto library = open_with_kernel(bench.library, kernel_of_length);
  Bench fixed{*library, bench.raw, bench.records, bench.software};
  measure_long_wait(fixed, "wait_1ms", 1e6, false);
  measure_long_wait(fixed, "wait_4ms", 4e6, true);
  measure_long_wait(fixed, "wait_20ms", 20e6, false);
}

void measure_idle(Bench& bench) {
  {
    const Work tiny(bench.library, tiny_problem(), 1);
    tiny.run(0);
  }
  constexpr unsigned seconds = 10;
  sleep(1);
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const double cpu = cpu_ns();
  sleep(seconds);
  getrusage(RUSAGE_SELF, &after);
  Samples switches, time;
  switches.add(static_cast<double>(after.ru_nvcsw - before.ru_nvcsw + after.ru_nivcsw -
                                   before.ru_nivcsw));
  time.add((cpu_ns() - cpu) * 1e-6);
  bench.records.add("idle_context_switches", "", switches, bench.bar(at_most(10)),
                    "all threads, 10 s, a device open and used before; this thread's own sleep "
                    "is one");
  bench.records.add("idle_cpu", "ms", time, bench.bar(at_most(1)), "all threads, 10 s");
}

}  // namespace fences
