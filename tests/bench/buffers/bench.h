// One workload on the library: stages, pipelines, calls. Throws std::runtime_error.
#pragma once

#include <string>
#include <vector>

#include "buffers/reference.h"
#include "buffers/workload.h"

namespace buffers {

// What an operation's input is multiplied by. Five, which divides no number of slots here.
constexpr float factors[] = {1, -1, 2, -2, 4};

constexpr size_t sample_count = 64;
constexpr size_t sample_at(size_t i, size_t values) { return i * (values - 1) / (sample_count - 1); }

class Bench {
 public:
  Bench(sporkle_context context, uint32_t device, const Workload& workload);
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() { sporkle_plan_destroy(plan_); }

  void run(NaiveGl* naive, Records* records);
  // On a context of the same device without mapping; null: no comparison.
  void compare_with_staging(sporkle_context context, uint32_t device) {
    staging_ = context;
    staging_device_ = device;
  }

 private:
  struct Flight {
    sporkle_slot slot;
    sporkle_fence fence;
  };

  std::string label(const std::string& what) const { return std::string(w_.name) + "/" + what; }
  int count() const { return count_; }
  void ratio(const std::string& what, double value, Records* records, const char* unit = "ratio") {
    records->add(label(what), unit, {value});
  }
  // Throws when the output is wrong; else how many values it holds.
  uint64_t verify(const std::vector<float>& output, const char* what = "wrong output") const;
  sporkle_executor executor(uint32_t slots) const;

  // The CPU's parts alone, over as many slots in turn as a pipeline uses: what
  // caches hold depends on it.
  double stage_fill(uint32_t slots, Records* records);
  double stage_read(uint32_t slots, Records* records);
  // One operation after the other in one slot, as a synchronous call's memory is used:
  // what the CPU fills has been read by the device since, and its caches hold the
  // output. In `fill_us` the fill, in `read_us` the read.
  void stages_in_turn(Records* records, double* fill_us, double* read_us);
  // Device work of one operation, its transfers included: a stream of them
  // without the CPU's part. The slots' inputs are written beforehand and stay.
  double stage_device(Records* records);
  // Everything on the device: submits on resident buffers.
  double resident(Records* records);
  // Device work without the CPU's part and, but for its last, without waits: slots' worth of
  // buffers as executors make them, in turn.
  void in_place(uint32_t buffers, Records* records);
  // The operation's device time without transfers: input and outputs in memory that the CPU
  // cannot reach, a stream of operations of which no two neighbours depend on each other.
  // "Busy by compute" is this over a pipeline's wall time per operation.
  double alone(Records* records);
  // A 1x1 convolution with the identity, whose sums have one product that is not zero: a copy.
  void run_identity(sporkle_buffer from, sporkle_buffer to, int64_t channels, int64_t h,
                    int64_t w);
  // Brings an output that the CPU cannot read into y_.
  void fetch(sporkle_buffer output);
  sporkle_buffer buffer(uint64_t size, uint32_t usage) const;

  // Wall time per operation over `count` batches, fill and read included.
  double pipeline(uint32_t depth, bool two_threads, Records* records);
  // Inputs differ from one operation to the next by a factor, so that an output
  // that a slot still holds from before is seen; land() checks samples of each.
  void launch(sporkle_executor e, Flight* flight, size_t operation = 0);
  void land(sporkle_executor e, const Flight& flight, size_t operation = 0);
  void take_samples();
  void stream(sporkle_executor e, uint32_t depth, bool two_threads);
  void pipelines(double device_us, double compute_us, Records* records);
  struct Moved {
    double cpu = 0, gpu = 0, maps = 0;
    uint64_t verified = 0;
  };
  Moved count_moved();
  double mapped_bytes() const;
  bool linked() const;
  // Bytes that the CPU copied and that crossed the link for one operation, here and on the
  // context whose buffers cannot be mapped.
  void moved(Records* records);
  double synchronous(Records* records);
  double compare(NaiveGl* naive, Records* records);
  // The library's own kernel in raw OpenGL.
  void compare_best(NaiveGl* naive, double sync_us, Records* records);

  sporkle_context context_;
  uint32_t device_;
  sporkle_context staging_ = nullptr;
  uint32_t staging_device_ = 0;
  const Workload& w_;
  int count_;  // batches; at most ten on software, which is no figure anyway
  bool software_ = false;
  double warm_us_ = warm_up_us;
  sporkle_conv2d_desc desc_;
  sporkle_conv2d_info info_ = SPORKLE_CONV2D_INFO_INIT;
  sporkle_plan plan_ = nullptr;
  std::vector<float> weights_, y_;
  Reference reference_;  // of the output that belongs to x_
  std::vector<std::vector<float>> inputs_;  // the first is x_ times 1
  const std::vector<float>& x_;
  std::vector<float> samples_;  // of the output that belongs to x_
  double filled_us_ = 0;    // the last fill of launch()
  double read_us_ = 0;    // of land(), summed
  double fastest_wall_ = 0;  // of the pipelines with two threads
};

}  // namespace buffers
