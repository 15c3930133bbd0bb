// Rate of independent operations, each with a fence of its own, against depth.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "experiments.h"

namespace fences {

namespace {

constexpr int rounds = 7;
constexpr double round_ns = 300e6;

// Submits `count` operations with at most `depth` in flight. Returns the time
// per operation.
double library_rate(const Work& work, uint64_t count, uint32_t depth, Samples* submits) {
  std::vector<sporkle_fence> ring(depth, nullptr);
  const auto retire = [&](sporkle_fence fence) {
    if (fence == nullptr) return;
    check(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE), "wait");
    sporkle_fence_destroy(fence);
  };
  const double start = wall_ns();
  for (uint64_t i = 0; i < count; ++i) {
    sporkle_fence& place = ring[i % depth];
    retire(place);
    if (submits == nullptr) {
      place = work.submit(i);
    } else {
      const double before = wall_ns();
      place = work.submit(i);
      submits->add(wall_ns() - before);
    }
  }
  for (uint64_t i = 0; i < depth; ++i) retire(ring[(count + i) % depth]);
  return (wall_ns() - start) / static_cast<double>(count);
}

double raw_sync_rate(RawGl& raw, RawWork work, uint64_t count, uint32_t depth) {
  const GladGLContext& gl = raw.gl();
  std::vector<GLsync> ring(depth, nullptr);
  const auto retire = [&](GLsync sync) {
    if (sync == nullptr) return;
    if (!raw.wait(sync)) throw Failure{"glClientWaitSync failed"};
    gl.DeleteSync(sync);
  };
  const double start = wall_ns();
  for (uint64_t i = 0; i < count; ++i) {
    GLsync& place = ring[i % depth];
    retire(place);
    raw.dispatch(work, static_cast<uint32_t>(i % RawGl::slot_count));
    place = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.Flush();
  }
  for (uint64_t i = 0; i < depth; ++i) retire(ring[(count + i) % depth]);
  return (wall_ns() - start) / static_cast<double>(count);
}

double raw_finish_rate(RawGl& raw, RawWork work, uint64_t count, bool each) {
  const double start = wall_ns();
  for (uint64_t i = 0; i < count; ++i) {
    raw.dispatch(work, static_cast<uint32_t>(i % RawGl::slot_count));
    if (each) raw.gl().Finish();
  }
  raw.gl().Finish();
  return (wall_ns() - start) / static_cast<double>(count);
}

struct Contestant {
  std::string name;
  std::function<double(uint64_t count)> run;
  uint64_t most;
  Bar bar;
  uint64_t count = 0;
  Samples samples;
};

// Contestants take turns; each runs as many operations as fit into a round.
void race(Bench& bench, std::vector<Contestant>& field, const char* note, uint64_t verified) {
  for (Contestant& c : field) {
    const double once = c.run(std::min<uint64_t>(c.most, 256));
    c.count = std::clamp<uint64_t>(static_cast<uint64_t>(round_ns / once), 128, c.most);
  }
  for (int r = 0; r < rounds; ++r) {
    for (Contestant& c : field) c.samples.add(c.run(c.count) * 1e-3);
  }
  for (const Contestant& c : field) {
    bench.records.add(c.name.c_str(), "us", c.samples, c.bar,
                      (std::string(note) + std::to_string(c.count) + " operations").c_str(),
                      verified);
  }
}

void add_raw(Bench& bench, std::vector<Contestant>& field, const std::string& kind, RawWork work,
             const std::vector<uint32_t>& depths, uint64_t most) {
  RawGl& raw = *bench.raw;
  for (const uint32_t depth : depths) {
    field.push_back({"raw_sync_" + kind + "_depth_" + std::to_string(depth),
                     [&raw, work, depth](uint64_t n) { return raw_sync_rate(raw, work, n, depth); },
                     most, {}, 0, {}});
  }
  if (!raw.finish_is_sound()) return;
  field.push_back({"raw_finish_each_" + kind,
                   [&raw, work](uint64_t n) { return raw_finish_rate(raw, work, n, true); }, most,
                   {}, 0, {}});
  field.push_back({"raw_finish_once_" + kind,
                   [&raw, work](uint64_t n) { return raw_finish_rate(raw, work, n, false); }, most,
                   {}, 0, {}});
}

void ratios(Bench& bench, const std::string& kind, const std::string& depth, double over_sync,
            double over_finish) {
  const std::string library = kind + "_depth_" + depth;
  add_ratio(bench.records, (library + "_over_raw_sync").c_str(),
            ("raw_sync_" + kind + "_depth_" + depth).c_str(), library.c_str(),
            bench.bar(at_least(over_sync)), "one raw sync per operation at the same depth");
  if (over_finish == 0) return;
  add_ratio(bench.records, (library + "_over_raw_finish").c_str(),
            ("raw_finish_each_" + kind).c_str(), library.c_str(),
            bench.bar(at_least(over_finish)), "raw glFinish per operation");
}

void measure_kind(Bench& bench, const std::string& kind, const Work& work, RawWork raw_work,
                  const std::vector<uint32_t>& depths, uint32_t bar_depth, Bar bar,
                  uint64_t most) {
  std::vector<Contestant> field;
  work.poison();
  if (bench.raw != nullptr) bench.raw->poison();
  for (const uint32_t depth : depths) {
    field.push_back({kind + "_depth_" + std::to_string(depth),
                     [&work, depth](uint64_t n) { return library_rate(work, n, depth, nullptr); },
                     most, depth == bar_depth ? bench.bar(bar) : Bar{}, 0, {}});
  }
  if (bench.raw != nullptr) add_raw(bench, field, kind, raw_work, depths, most);
  // One checked pass before anything is timed.
  library_rate(work, 4 * work.slots(), depths.back(), nullptr);
  uint64_t verified = work.verify(4 * work.slots());
  work.poison();
  race(bench, field, "", verified);
  // The last timed pass of the library left its outputs behind.
  const uint64_t last = field[depths.size() - 1].count;
  verified = work.verify(last);
  if (bench.raw != nullptr && bench.raw->verify(raw_work, RawGl::slot_count) == 0) {
    throw Failure{"wrong output of the raw kernel"};
  }
}

void measure_submit(Bench& bench, const Work& work) {
  Samples submits;
  const double clock_cost = [] {
    const double start = wall_ns();
    for (int i = 0; i < 1000; ++i) wall_ns();
    return (wall_ns() - start) / 1001;
  }();
  Samples net;
  library_rate(work, 1000, 128, nullptr);
  library_rate(work, 20000, 128, &submits);
  for (const double q : {0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95}) {
    net.add((submits.quantile(q) - clock_cost) * 1e-3);
  }
  bench.records.add("submit_call", "us", net, bench.bar(at_most(0.5)),
                    "caller's time of sporkle_plan_submit in a stream of depth 128, clock "
                    "subtracted; p10 and p90 are quantiles of 20,000 calls");
}

// 10,000 fences alive and in flight at once.
void measure_many(Bench& bench, const Work& work) {
  constexpr uint32_t many = 10000;
  std::vector<sporkle_fence> fences(many);
  Samples each;
  for (int round = 0; round < 5; ++round) {
    const double start = wall_ns();
    for (uint32_t i = 0; i < many; ++i) fences[i] = work.submit(i);
    for (const sporkle_fence fence : fences) {
      check(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE), "wait");
    }
    for (const sporkle_fence fence : fences) sporkle_fence_destroy(fence);
    each.add((wall_ns() - start) / many * 1e-3);
  }
  bench.records.add("in_flight_10000", "us", each, {},
                    "per operation: 10,000 submits, then 10,000 waits, then 10,000 destroys",
                    work.verify(many));
}

void measure_raw_many(Bench& bench, RawWork work) {
  constexpr uint32_t many = 10000;
  const GladGLContext& gl = bench.raw->gl();
  std::vector<GLsync> syncs(many);
  Samples each;
  for (int round = 0; round < 5; ++round) {
    const double start = wall_ns();
    for (uint32_t i = 0; i < many; ++i) {
      bench.raw->dispatch(work, i % RawGl::slot_count);
      syncs[i] = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
      gl.Flush();
    }
    for (const GLsync sync : syncs) bench.raw->wait(sync);
    for (const GLsync sync : syncs) gl.DeleteSync(sync);
    each.add((wall_ns() - start) / many * 1e-3);
  }
  bench.records.add("raw_in_flight_10000", "us", each, {}, "the same with a sync object each");
}

}  // namespace

RawWork raw_like(Bench& bench, uint32_t groups, const Work& work) {
  RawWork raw{groups, 1};
  if (bench.raw == nullptr) return raw;
  const double target = work.stream_ns();
  raw.rounds = bench.raw->calibrate(groups, target);
  return raw;
}

void add_ratio(Records& records, const char* name, const char* over, const char* under, Bar bar,
               const char* note) {
  const Result* a = records.find(over);
  const Result* b = records.find(under);
  if (a == nullptr || b == nullptr) return;
  // Medians, and what the spread of both allows.
  Samples ratio;
  ratio.add(a->samples.median() / b->samples.median());
  ratio.add(a->samples.quantile(0.1) / b->samples.quantile(0.9));
  ratio.add(a->samples.quantile(0.9) / b->samples.quantile(0.1));
  records.add(name, "x", ratio, bar, note);
}

void measure_rates(Bench& bench) {
  const std::vector<uint32_t> depths = {1, 3, 8, 32, 128};
  {
    const Work tiny(bench.library, tiny_problem(), RawGl::slot_count);
    const RawWork raw_tiny = raw_like(bench, 1, tiny);
    measure_kind(bench, "tiny", tiny, raw_tiny, depths, 128, at_most(2.2), 20000);
    ratios(bench, "tiny", "128", 6, 8);
    measure_submit(bench, tiny);
    measure_many(bench, tiny);
    if (bench.raw != nullptr) measure_raw_many(bench, raw_tiny);
  }
  // A kernel chosen by time would fill the device: this one stays small.
  const auto library = open_with_kernel(bench.library, kernel_of_64_groups);
  const Work wide(*library, problem_of_64_groups(*library, 37e3), RawGl::slot_count);
  const double alone = wide.stream_ns();
  Samples length;
  length.add(alone * 1e-3);
  bench.records.add("groups64_alone", "us", length, {},
                    (std::string(wide.algorithm()) +
                     ", 64 workgroups of 64 threads, time of one operation in a dependent "
                     "stream").c_str());
  const RawWork raw_work = raw_like(bench, 64, wide);
  measure_kind(bench, "groups64", wide, raw_work, {1, 4, 16, 128}, 16, {}, 20000);
  ratios(bench, "groups64", "16", 3, 0);
}

}  // namespace fences
