// The packets of one queue. Remembers which kernel the queue's registers hold,
// so that a dispatch of the same kernel writes no state again, and keeps one
// template per kernel: two slots for the 1x1 and 3x3 convolutions, a small cache
// for everything else. Nothing is allocated. One thread at a time.
#pragma once

#include "backends/amdgpu/pm4/conv_class.h"
#include "backends/amdgpu/pm4/dispatch.h"

namespace sporkle::pm4 {

struct TemplateCounts {
  uint64_t pointwise_hits;
  uint64_t three_by_three_hits;
  uint64_t general_hits;
  uint64_t built;
};

// Dispatches that go out together with one fence behind the last.
struct BatchItem {
  DispatchRequest request;
  ConvClass conv_class;
  bool depends_on_previous;  // reads what an earlier dispatch of the batch wrote
};

// A stream that lives in device memory and is run by four dwords in the ring.
// Between two runs only these places change.
struct PrebuiltBuffer {
  uint32_t dwords;      // a multiple of 8
  uint32_t kernarg;     // dword of the argument address; 0: none
  uint32_t fence_data;  // dword of the fence value
};

class Encoder {
 public:
  // Bounds for callers that size memory: one dispatch in full form with fence,
  // and an interrupt packet.
  static constexpr uint32_t most_dispatch_dwords = DispatchTemplate::capacity;
  static constexpr uint32_t interrupt_dwords = 8;
  static constexpr uint32_t indirect_dwords = 4;
  static constexpr uint32_t prebuilt_multiple = 8;  // dwords; libdrm, ib_size_alignment 32 bytes

  explicit Encoder(const Target& target) : target_(target) {}

  // One dispatch with cache invalidation before and a fence behind it; the full
  // form when the queue's registers do not hold the kernel, else the hot form.
  // Returns the number of dwords written; 0 with a reason.
  uint32_t dispatch(ConvClass conv_class, const DispatchRequest& request, const FenceWrite& fence,
                    std::span<uint32_t> out, Reason* why);

  // The items in order with one fence. Independent items may overlap on the device.
  uint32_t batch(std::span<const BatchItem> items, const FenceWrite& fence,
                 std::span<uint32_t> out, Reason* why);

  // An interrupt behind everything before it.
  uint32_t interrupt(const Interrupt& interrupt, std::span<uint32_t> out, Reason* why) const;

  // The full form of one dispatch, padded, for memory that the ring calls. Does
  // not look at the queue's registers.
  uint32_t prebuild(const DispatchRequest& request, const FenceWrite& fence,
                    std::span<uint32_t> out, PrebuiltBuffer* places, Reason* why) const;

  // Runs `dwords` at `address`. What the queue's registers hold is unknown afterwards.
  uint32_t call(uint64_t address, uint32_t dwords, std::span<uint32_t> out, Reason* why);

  // The queue's registers hold nothing that is known: after an error, or where
  // other submitters share the queue.
  void forget_registers() { held_ = nullptr; }

  const TemplateCounts& counts() const { return counts_; }

 private:
  static constexpr uint32_t general_slots = 16;

  const DispatchTemplate* find(ConvClass conv_class, const DispatchRequest& request, Reason* why);

  Target target_;
  const DispatchTemplate* held_ = nullptr;  // whose state the registers hold
  TemplateCounts counts_{};
  DispatchTemplate pointwise_{};
  DispatchTemplate three_by_three_{};
  DispatchTemplate general_[general_slots]{};
};

}  // namespace sporkle::pm4
