#include "backends/amdgpu/pm4/encoder.h"

#include "backends/amdgpu/pm4/words.h"

namespace sporkle::pm4 {

namespace {

uint32_t refuse_space(Reason* why) {
  why->set("out: too few dwords");
  return 0;
}

uint32_t slot_of(const DispatchRequest& request, uint32_t slots) {
  const uint64_t mixed = (request.kernel->entry_address >> 8) * 0x9E3779B97F4A7C15u +
                         request.threads[0] + request.threads[1] * 7u + request.threads[2] * 49u;
  return static_cast<uint32_t>(mixed >> 32) % slots;
}

}  // namespace

const DispatchTemplate* Encoder::find(ConvClass conv_class, const DispatchRequest& request,
                                      Reason* why) {
  DispatchTemplate* found = &pointwise_;
  uint64_t* hits = &counts_.pointwise_hits;
  if (conv_class == ConvClass::three_by_three) {
    found = &three_by_three_;
    hits = &counts_.three_by_three_hits;
  } else if (conv_class == ConvClass::general) {
    found = &general_[slot_of(request, general_slots)];
    hits = &counts_.general_hits;
  }
  if (found->fits(request)) {
    ++*hits;
    return found;
  }
  if (!check_kernel(*request.kernel, request.threads, target_, why)) return nullptr;
  if (held_ == found) held_ = nullptr;
  build_template(*request.kernel, request.threads, target_, found);
  ++counts_.built;
  return found;
}

uint32_t Encoder::dispatch(ConvClass conv_class, const DispatchRequest& request,
                           const FenceWrite& fence, std::span<uint32_t> out, Reason* why) {
  if (!check_request(request, fence, why)) return 0;
  const DispatchTemplate* found = find(conv_class, request, why);
  if (found == nullptr) return 0;
  const uint32_t from = held_ == found ? found->hot : 0;
  const uint32_t count = found->count - from;
  if (out.size() < count) return refuse_space(why);
  found->copy(from, found->count, request, fence, out.data());
  held_ = found;
  return count;
}

uint32_t Encoder::batch(std::span<const BatchItem> items, const FenceWrite& fence,
                        std::span<uint32_t> out, Reason* why) {
  const Generation g = target_.generation;
  Writer writer(out);
  write_acquire({acquire_system(g), whole_memory, 0, POLL_INTERVAL_DEFAULT}, g, &writer);
  for (const BatchItem& item : items) {
    const DispatchTemplate* found = nullptr;
    if (check_request(item.request, fence, why)) {
      found = find(item.conv_class, item.request, why);
    }
    if (found == nullptr) {
      held_ = nullptr;
      return 0;
    }
    if (item.depends_on_previous) {
      write_command({Opcode::EVENT_WRITE, {.event = {partial_flush(g)}}}, g, &writer);
      write_acquire({acquire_device(g), whole_memory, 0, POLL_INTERVAL_DEFAULT}, g, &writer);
    }
    uint32_t words[DispatchTemplate::capacity];
    found->copy(0, found->count, item.request, fence, words);
    if (held_ != found) writer.words({words, found->hot});
    writer.words({words + found->warm, words + found->fence});
    held_ = found;
  }
  write_release({release_event(g), fence_select(g), fence.address, fence.value, 0}, &writer);
  if (items.empty() || writer.overflow()) {
    held_ = nullptr;
    if (items.empty()) why->set("items: none");
    return items.empty() ? 0 : refuse_space(why);
  }
  return writer.used();
}

uint32_t Encoder::interrupt(const Interrupt& interrupt, std::span<uint32_t> out,
                            Reason* why) const {
  if (interrupt.address % 8 != 0 || interrupt.address == 0 || interrupt.address >= address_limit) {
    why->set("interrupt: its slot is not aligned to 8 bytes or no device address");
    return 0;
  }
  const Generation g = target_.generation;
  Writer writer(out);
  write_release({release_event(g), interrupt_select(g), interrupt.address, interrupt.event_id,
                 interrupt.event_id},
                &writer);
  return writer.overflow() ? refuse_space(why) : writer.used();
}

uint32_t Encoder::prebuild(const DispatchRequest& request, const FenceWrite& fence,
                           std::span<uint32_t> out, PrebuiltBuffer* places, Reason* why) const {
  if (!check_request(request, fence, why) ||
      !check_kernel(*request.kernel, request.threads, target_, why)) {
    return 0;
  }
  DispatchTemplate built;
  build_template(*request.kernel, request.threads, target_, &built);
  const uint32_t padded =
      (built.count + prebuilt_multiple - 1) / prebuilt_multiple * prebuilt_multiple;
  if (out.size() < padded) return refuse_space(why);
  built.copy(0, built.count, request, fence, out.data());
  for (uint32_t i = built.count; i < padded; ++i) out[i] = nop_dword;
  *places = {padded, built.kernarg, built.fence + 5u};
  return padded;
}

uint32_t Encoder::call(uint64_t address, uint32_t dwords, std::span<uint32_t> out, Reason* why) {
  const Generation g = target_.generation;
  const uint32_t size = place(Field::INDIRECT_BUFFER_IB_SIZE, g, dwords);
  if (dwords == 0 || size != dwords || address % 4 != 0 || address == 0 ||
      address >= address_limit) {
    why->set("address: %u dwords at 0x%llx cannot be called", dwords,
             static_cast<unsigned long long>(address));
    return 0;
  }
  if (out.size() < indirect_dwords) return refuse_space(why);
  Writer writer(out);
  const uint32_t control = size | place(Field::INDIRECT_BUFFER_VALID, g, 1);
  write_command({Opcode::INDIRECT_BUFFER, {.indirect = {address, control}}}, g, &writer);
  held_ = nullptr;
  return writer.used();
}

}  // namespace sporkle::pm4
