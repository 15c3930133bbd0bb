// What the machine can do: multiply-adds in registers, one read of an array.
#include <latch>
#include <sched.h>
#include <thread>
#include <vector>

#include "runner.h"
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace bench {

namespace {

constexpr int64_t loop_count = 1 << 22;

// Left to Linux, two threads were measured at 115 to 160 GFLOP/s in most problems and
// at 220 in others: they may start on one core. Threads of a measurement of the machine
// therefore have a core each, and the first one begins when the others are there.
class Cores {
 public:
  Cores() {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &allowed)) cores_.push_back(cpu);
    }
  }
  // Moves this thread; where there are fewer cores they are shared.
  void take(int index) const {
    if (cores_.empty()) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cores_[static_cast<size_t>(index) % cores_.size()], &one);
    sched_setaffinity(0, sizeof one, &one);
  }

 private:
  std::vector<int> cores_;
};

// Runs `loop_count` rounds of independent multiply-adds and returns their FLOPs.
using Peak = double (*)();

volatile float peak_sink;

#if defined(__x86_64__)
// Twelve accumulators fill 16 registers' worth of latency on every core with
// two units and a latency of up to six cycles; 24 likewise with 32 registers.
__attribute__((target("avx2,fma"))) double peak_avx2() {
  constexpr int count = 12;
  __m256 sum[count];
  const __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
  for (auto& s : sum) s = b;
  for (int64_t i = 0; i < loop_count; ++i) {
#pragma GCC unroll 12
    for (auto& s : sum) s = _mm256_fmadd_ps(s, a, b);
  }
  for (int i = 1; i < count; ++i) sum[0] = _mm256_add_ps(sum[0], sum[i]);
  peak_sink = _mm256_cvtss_f32(sum[0]);
  return 2.0 * 8 * count * loop_count;
}

__attribute__((target("avx512f"))) double peak_avx512() {
  constexpr int count = 24;
  __m512 sum[count];
  const __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f);
  for (auto& s : sum) s = b;
  for (int64_t i = 0; i < loop_count / 2; ++i) {
#pragma GCC unroll 24
    for (auto& s : sum) s = _mm512_fmadd_ps(s, a, b);
  }
  for (int i = 1; i < count; ++i) sum[0] = _mm512_add_ps(sum[0], sum[i]);
  peak_sink = _mm512_cvtss_f32(sum[0]);
  return 2.0 * 16 * count * (loop_count / 2);
}
#endif

#if defined(__aarch64__)
double peak_neon() {
  constexpr int count = 24;
  float32x4_t sum[count];
  const float32x4_t a = vdupq_n_f32(0.999f), b = vdupq_n_f32(1e-3f);
  for (auto& s : sum) s = b;
  for (int64_t i = 0; i < loop_count; ++i) {
#pragma GCC unroll 24
    for (auto& s : sum) s = vfmaq_f32(b, s, a);
  }
  for (int i = 1; i < count; ++i) sum[0] = vaddq_f32(sum[0], sum[i]);
  peak_sink = vgetq_lane_f32(sum[0], 0);
  return 2.0 * 4 * count * loop_count;
}
#endif

double peak_scalar() {
  constexpr int count = 12;
  float sum[count];
  for (auto& s : sum) s = 1e-3f;
  for (int64_t i = 0; i < loop_count; ++i) {
#pragma GCC unroll 12
    for (auto& s : sum) s = s * 0.999f + 1e-3f;
  }
  for (int i = 1; i < count; ++i) sum[0] += sum[i];
  peak_sink = sum[0];
  return 2.0 * count * loop_count;
}

Peak choose_peak(Kind kind, const char** name) {
#if defined(__x86_64__)
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (kind == Kind::peak && __builtin_cpu_supports("avx512f")) {
    *name = "avx512";
    return peak_avx512;
  }
  if (has_avx2) {
    *name = "avx2";
    return peak_avx2;
  }
#elif defined(__aarch64__)
  if (kind == Kind::peak) {
    *name = "neon";
    return peak_neon;
  }
#endif
  if (kind == Kind::peak_avx2) throw Absent("the CPU has no AVX2");
  *name = "scalar";
  return peak_scalar;
}

class PeakRunner final : public Runner {
 public:
  PeakRunner(Kind kind, int threads) : peak_(choose_peak(kind, &name_)), threads_(threads) {}

  void run() override {
    std::vector<std::thread> others;
    std::latch there(threads_);
    for (int i = 1; i < threads_; ++i) {
      others.emplace_back([this, i, &there] {
        cores_.take(i);
        there.count_down();
        peak_();
      });
    }
    if (threads_ > 1) cores_.take(0);
    there.arrive_and_wait();
    work_ = peak_() * threads_;
    for (auto& other : others) other.join();
  }
  std::string algorithm() const override { return name_; }
  double work() const override { return work_; }

 private:
  const char* name_ = "";
  Peak peak_;
  int threads_;
  Cores cores_;
  double work_ = 0;
};

volatile uint64_t read_sink;

void read_once(const unsigned char* bytes, uint64_t count) {
  // Four independent sums of 16 bytes keep the loads of a core busy.
  using Vector __attribute__((vector_size(16))) = uint64_t;
  using Load __attribute__((vector_size(16), may_alias, aligned(4))) = uint64_t;
  Vector a{}, b{}, c{}, d{};
  uint64_t i = 0;
  for (; i + 64 <= count; i += 64) {
    const auto* block = reinterpret_cast<const Load*>(bytes + i);
    a ^= block[0];
    b ^= block[1];
    c ^= block[2];
    d ^= block[3];
  }
  a ^= b ^ c ^ d;
  uint64_t rest = a[0] ^ a[1];
  for (; i < count; ++i) rest ^= bytes[i];
  read_sink = rest;
}

class ReadRunner final : public Runner {
 public:
  ReadRunner(const float* data, uint64_t bytes, int threads)
      : data_(reinterpret_cast<const unsigned char*>(data)), bytes_(bytes), threads_(threads) {}

  void run() override {
    const uint64_t part = bytes_ / static_cast<uint64_t>(threads_) / 64 * 64;
    std::vector<std::thread> others;
    std::latch there(threads_);
    for (int i = 1; i < threads_; ++i) {
      others.emplace_back([this, part, i, &there] {
        cores_.take(i);
        there.count_down();
        read_once(data_ + part * (i - 1), part);
      });
    }
    if (threads_ > 1) cores_.take(0);
    there.arrive_and_wait();
    const uint64_t done = part * static_cast<uint64_t>(threads_ - 1);
    read_once(data_ + done, bytes_ - done);
    for (auto& other : others) other.join();
  }
  std::string algorithm() const override {
    return threads_ == 1 ? "one thread" : std::to_string(threads_) + " threads";
  }
  double work() const override { return static_cast<double>(bytes_); }

 private:
  const unsigned char* data_;
  uint64_t bytes_;
  int threads_;
  Cores cores_;
};

class MemoryRunner final : public Runner {
 public:
  explicit MemoryRunner(int threads)
      : data_(size_t{128 << 20} / sizeof(float), 1.0f),
        reader_(data_.data(), data_.size() * sizeof(float), threads) {}

  void run() override { reader_.run(); }
  std::string algorithm() const override { return reader_.algorithm(); }
  double work() const override { return reader_.work(); }

 private:
  std::vector<float> data_;
  ReadRunner reader_;
};

}  // namespace

std::unique_ptr<Runner> make_machine(Kind kind, int threads, const float* weights,
                                     uint64_t weights_bytes) {
  if (kind == Kind::weights_read) {
    return std::make_unique<ReadRunner>(weights, weights_bytes, 1);
  }
  if (kind == Kind::memory_read) return std::make_unique<MemoryRunner>(threads);
  return std::make_unique<PeakRunner>(kind, threads);
}

}  // namespace bench
