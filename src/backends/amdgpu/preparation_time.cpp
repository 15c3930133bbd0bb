#include "backends/amdgpu/preparation_time.h"

#include <algorithm>

#include "base/clock.h"

namespace sporkle::amdgpu {

namespace {

constexpr int rounds = 11;
constexpr uint32_t repeats = 500;

struct Bench {
  pm4::Encoder encoder;
  pm4::Validator validator;
  pm4::ConvClass conv_class;
  pm4::DispatchRequest request;
  pm4::FenceWrite fence;
  uint32_t words[pm4::Encoder::most_dispatch_dwords];
  Reason why;
};

uint32_t encode(Bench* bench) {
  ++bench->fence.value;
  const uint32_t count = bench->encoder.dispatch(bench->conv_class, bench->request, bench->fence,
                                                 bench->words, &bench->why);
  // The words count as read: nothing of the loop may be left out.
  asm volatile("" : : "r"(bench->words) : "memory");
  if (count == 0) fail(SPORKLE_ERROR_INTERNAL, "%s", bench->why.text);
  return count;
}

uint32_t encode_full(Bench* bench) {
  bench->encoder.forget_registers();
  return encode(bench);
}

uint32_t encode_checked(Bench* bench) {
  const uint32_t count = encode_full(bench);
  pm4::ValidatedStream stream;
  pm4::Refusal refusal;
  if (!bench->validator.check({bench->words, count}, pm4::StreamKind::ring, &stream, &refusal)) {
    fail(SPORKLE_ERROR_INTERNAL, "%s", refusal.reason.text);
  }
  return count;
}

double median_ns(Bench* bench, uint32_t (*prepare)(Bench*)) {
  double times[rounds];
  for (double& time : times) {
    const uint64_t start = now_ns();
    for (uint32_t i = 0; i < repeats; ++i) prepare(bench);
    time = static_cast<double>(now_ns() - start) / repeats;
  }
  std::nth_element(times, times + rounds / 2, times + rounds);
  return times[rounds / 2];
}

}  // namespace

sporkle_pm4_info measure_preparation(const pm4::Registry& registry, pm4::ConvClass conv_class,
                                     const pm4::DispatchRequest& request,
                                     const pm4::FenceWrite& fence) {
  Bench bench{pm4::Encoder(registry.target), pm4::Validator(registry), conv_class, request, fence,
              {}, {}};
  sporkle_pm4_info info{};
  info.dwords_full = encode_checked(&bench);
  info.dwords_hot = encode(&bench);
  info.dwords_ring = pm4::Encoder::indirect_dwords;
  info.ns_full = median_ns(&bench, encode_full);
  info.ns_hot = median_ns(&bench, encode);
  info.ns_checked = median_ns(&bench, encode_checked);
  return info;
}

}  // namespace sporkle::amdgpu
