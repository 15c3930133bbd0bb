#include "buffers/bench.h"
#include "buffers/best_gl.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <initializer_list>
#include <stdexcept>
#include <thread>

namespace buffers {

void Bench::run(NaiveGl* naive, Records* records) {
  const double device = stage_device(records);
  resident(records);
  const double compute = alone(records);
  for (const uint32_t ring : {4u, 32u}) in_place(ring, records);
  pipelines(device, compute, records);
  moved(records);
  const double fill_alone = stage_fill(1, records);
  double fill = 0, read = 0;
  stages_in_turn(records, &fill, &read);
  const double sync = synchronous(records);
  ratio("sync - sum of stages", sync - fill - device - read, records, "us");
  ratio("sync - sum of stages, fill of memory that nobody reads", sync - fill_alone - device - read,
        records, "us");
  if (naive == nullptr) return;
  const double raw = compare(naive, records);
  ratio("naive/sync", raw / sync, records);
  ratio("naive/fastest pipeline", raw / fastest_wall_, records);
  if (naive->storage()) compare_best(naive, sync, records);
}

void Bench::pipelines(double device, double compute, Records* records) {
  for (const uint32_t depth : {1u, 2u, 3u, 4u, 8u}) pipeline(depth, false, records);
  // Deeper ones where a sync object costs more than a tenth of an operation.
  const std::initializer_list<uint32_t> depths = {2, 3, 4, 8, 16, 32};
  for (const uint32_t depth : depths) {
    if (depth > 8 && compute > 100) break;
    const double slowest =
        std::max({stage_fill(depth, records), stage_read(depth, records), device});
    const double wall = pipeline(depth, true, records);
    const std::string name = "pipeline depth " + std::to_string(depth) + ", two threads";
    ratio(name + "/slowest stage", wall / slowest, records);
    ratio(name + ", busy by compute", 100 * compute / wall, records, "percent");
    if (fastest_wall_ == 0 || wall < fastest_wall_) fastest_wall_ = wall;
  }
}

double Bench::pipeline(uint32_t depth, bool two_threads, Records* records) {
  const sporkle_executor e = executor(depth);
  std::fill(y_.begin(), y_.end(), -7.0f);
  const std::string name =
      "pipeline depth " + std::to_string(depth) + (two_threads ? ", two threads" : "");
  std::vector<double> reads;
  auto samples = time_us(1, 5, [&] {
    read_us_ = 0;
    stream(e, depth, two_threads);
    reads.push_back(read_us_ / count());
  }, warm_us_);
  for (double& us : samples) us /= count();
  sporkle_executor_destroy(e);
  const double wall = records->add(label(name), "us", samples, verify(y_));
  reads.erase(reads.begin(), reads.end() - static_cast<long>(samples.size()));
  if (two_threads) records->add(label(name + ", reading in it"), "us", reads);
  return wall;
}

void Bench::take_samples() {
  samples_.clear();
  for (size_t i = 0; i < sample_count; ++i) samples_.push_back(y_[sample_at(i, y_.size())]);
}

void Bench::launch(sporkle_executor e, Flight* flight, size_t operation) {
  flight->slot = SPORKLE_SLOT_INIT;
  check(sporkle_executor_acquire(e, SPORKLE_TIMEOUT_INFINITE, &flight->slot), "acquire");
  const double start = now_us();
  std::memcpy(flight->slot.input, inputs_[operation % inputs_.size()].data(), info_.input_size);
  filled_us_ = now_us() - start;
  check(sporkle_executor_submit(e, flight->slot.index, plan_, &flight->fence), "submit");
}

void Bench::land(sporkle_executor e, const Flight& flight, size_t operation) {
  check(sporkle_fence_wait(flight.fence, SPORKLE_TIMEOUT_INFINITE), "wait");
  const double start = now_us();
  std::memcpy(y_.data(), flight.slot.output, info_.output_size);
  read_us_ += now_us() - start;
  const float factor = factors[operation % inputs_.size()];
  for (size_t i = 0; i < samples_.size(); ++i) {
    // Powers of two: the same roundings.
    if (y_[sample_at(i, y_.size())] != factor * samples_[i]) {
      throw std::runtime_error("an operation's output is wrong");
    }
  }
  check(sporkle_executor_release(e, flight.slot.index), "release");
}

void Bench::stream(sporkle_executor e, uint32_t depth, bool two_threads) {
  // The last one's factor is 1: what is left in y_ is verified.
  const auto turn = [this](int i) { return static_cast<size_t>(count() - 1 - i); };
  std::vector<Flight> flights(static_cast<size_t>(count()));
  if (!two_threads) {
    for (int i = 0; i < count() + static_cast<int>(depth) - 1; ++i) {
      if (i < count()) launch(e, &flights[static_cast<size_t>(i)], turn(i));
      const int done = i - static_cast<int>(depth) + 1;
      if (done >= 0) land(e, flights[static_cast<size_t>(done)], turn(done));
    }
    return;
  }
  std::atomic<int> launched{0};
  std::thread filler([&] {
    for (int i = 0; i < count(); ++i) {
      launch(e, &flights[static_cast<size_t>(i)], turn(i));
      launched.fetch_add(1);
      launched.notify_one();
    }
  });
  for (int i = 0; i < count(); ++i) {
    for (int seen = launched.load(); seen <= i; seen = launched.load()) launched.wait(seen);
    land(e, flights[static_cast<size_t>(i)], turn(i));
  }
  filler.join();
}

double Bench::synchronous(Records* records) {
  auto samples = time_us(3, count(), [&] {
    check(sporkle_plan_run(plan_, x_.data(), nullptr, y_.data(), nullptr), "run");
  }, warm_us_);
  return records->add(label("synchronous call"), "us", samples, verify(y_));
}

double Bench::compare(NaiveGl* naive, Records* records) {
  naive->prepare(desc_, weights_.data());
  std::vector<float> y(y_.size());
  // Its kernel takes tens of milliseconds for the long ones: a second of those.
  const double once = time_us(1, 1, [&] { naive->run(x_.data(), y.data()); })[0];
  const int runs = std::clamp(static_cast<int>(1e6 / once), 9, 100);
  auto samples = time_us(2, std::min(count(), runs), [&] { naive->run(x_.data(), y.data()); },
                         warm_us_);
  naive->drop();
  return records->add(label("naive OpenGL program"), "us", samples,
                      verify(y, "the naive program is wrong"));
}

void Bench::compare_best(NaiveGl* naive, double sync_us, Records* records) {
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  check(sporkle_plan_describe(plan_, &info), "plan");
  BestGl best(naive, desc_, weights_.data(), info.algorithm);
  std::vector<float> y(y_.size());
  const auto add = [&](const char* what, void (BestGl::*run)(const float*, float*)) {
    std::fill(y.begin(), y.end(), -7.0f);
    auto samples = time_us(3, std::min(count(), 100),
                           [&] { (best.*run)(x_.data(), y.data()); }, warm_us_);
    return records->add(label(what), "us", samples, verify(y, what));
  };
  const double mapped = add("raw OpenGL at best, mapped", &BestGl::run_mapped);
  const double copies = add("raw OpenGL at best, copies", &BestGl::run_copies);
  const double naively = add("naive OpenGL program, the library's kernel", &BestGl::run_naively);
  ratio("sync/raw OpenGL at best", sync_us / std::min(mapped, copies), records);
  ratio("naive with the library's kernel/sync", naively / sync_us, records);
  ratio("naive with the library's kernel/fastest pipeline", naively / fastest_wall_, records);
}

void measure(const Place& place, const Workload& workload, NaiveGl* naive, Records* records) try {
  Bench bench(place.context, place.device, workload);
  bench.compare_with_staging(place.staging, place.staging_device);
  bench.run(naive, records);
} catch (const std::exception& error) {
  records->fail(workload.name, error.what());
}

}  // namespace buffers
