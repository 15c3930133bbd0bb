#include <cstring>
#include <functional>

#include "buffers/workload.h"

namespace buffers {

// 4 KiB written in place and submitted: what the caller pays per operation.
static void measure_submits(sporkle_context context, uint32_t device, Records* records) {
  constexpr uint32_t slots = 64;
  sporkle_conv2d_desc problem;
  sporkle_conv2d_desc_init(&problem);
  sporkle_conv2d_desc_set(&problem, 1, 1, 32, 32, 1, 1, 1, 0);
  const float weight = 2;
  sporkle_plan plan;
  check(sporkle_plan_create(context, device, &problem, &weight, nullptr, &plan), "plan");
  sporkle_executor_desc desc;
  sporkle_executor_desc_init(&desc);
  desc.device = device;
  desc.slot_count = slots;
  desc.input_size = desc.output_size = 4096;
  sporkle_executor executor;
  check(sporkle_executor_create(context, &desc, &executor), "executor");
  static float content[1024];
  for (int i = 0; i < 1024; ++i) content[i] = static_cast<float>(i);
  std::vector<double> samples;
  int wrong = 0;
  for (int round = 0; round < 60; ++round) {
    sporkle_slot held[slots];
    sporkle_fence fences[slots];
    for (auto& slot : held) {
      slot = SPORKLE_SLOT_INIT;
      check(sporkle_executor_acquire(executor, SPORKLE_TIMEOUT_INFINITE, &slot), "acquire");
    }
    const double start = now_us();
    for (uint32_t i = 0; i < slots; ++i) {
      std::memcpy(held[i].input, content, sizeof content);
      check(sporkle_executor_submit(executor, held[i].index, plan, &fences[i]), "submit");
    }
    if (round >= 10) samples.push_back((now_us() - start) / slots);
    check(sporkle_fence_wait_all(fences, slots, SPORKLE_TIMEOUT_INFINITE), "wait");
    for (auto& slot : held) {
      for (int i = 0; i < 1024; ++i) wrong += slot.output[i] != 2 * content[i];
      sporkle_executor_release(executor, slot.index);
    }
  }
  if (wrong == 0) records->add("update4k/update and submit", "us", samples, 60 * slots * 1024);
  else records->fail("update4k/update and submit", "wrong output");
  sporkle_executor_destroy(executor);
  sporkle_plan_destroy(plan);
}

void measure_updates(sporkle_context context, uint32_t device, Records* records) {
  constexpr uint64_t bytes = 4096;
  constexpr int rounds = 250, blocks = 5;
  static char content[bytes], plain[bytes];
  std::memset(content, 3, bytes);
  sporkle_buffer_desc desc;
  sporkle_buffer_desc_init(&desc);
  desc.device = device;
  desc.size = bytes;
  desc.usage = SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_DEVICE_READ;
  sporkle_buffer buffer;
  check(sporkle_buffer_create(context, &desc, &buffer), "buffer");
  void* data;
  check(sporkle_buffer_data(buffer, &data), "data");
  void* volatile mapped = data;
  void* volatile ordinary = plain;
  struct Update {
    const char* label;
    std::function<void()> run;
    std::vector<double> samples;
  } updates[] = {{"memcpy to ordinary memory", [&] { std::memcpy(ordinary, content, bytes); }, {}},
                 {"in place", [&] { std::memcpy(mapped, content, bytes); }, {}},
                 {"in place and flush",
                  [&] {
                    std::memcpy(mapped, content, bytes);
                    sporkle_buffer_flush(buffer, 0, bytes);
                  },
                  {}}};
  // In turns, so that what disturbs the machine for a while is seen to.
  for (int block = 1; block <= blocks; ++block) {
    double median[3] = {};
    for (size_t i = 0; i < 3; ++i) {
      auto samples = time_us(3, 63, [&] {
        for (int k = 0; k < rounds; ++k) {
          updates[i].run();
          __asm__ volatile("" ::: "memory");
        }
      });
      for (double& us : samples) us = us * 1000.0 / rounds;
      updates[i].samples.insert(updates[i].samples.end(), samples.begin(), samples.end());
      median[i] = records->add("update4k/block " + std::to_string(block) + ", " + updates[i].label, "ns",
                               std::move(samples));
    }
    records->add("update4k/block " + std::to_string(block) + ", in place and flush above a memcpy",
                 "ns", {median[2] - median[0]});
  }
  for (Update& update : updates) {
    records->add(std::string("update4k/") + update.label, "ns", std::move(update.samples));
  }
  sporkle_buffer_destroy(buffer);
  measure_submits(context, device, records);
}

}  // namespace buffers
