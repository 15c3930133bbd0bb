#include "pm4_shim.h"

#include <algorithm>
#include <cstring>

#include "backends/amdgpu/pm4/decoder.h"
#include "backends/amdgpu/stream_file.h"
#include "queue_shim.h"

using namespace sporkle;
using namespace sporkle::pm4;

namespace {

KernelObject convert(const pm4_kernel& k) {
  KernelObject out{};
  out.name = "test";
  out.target = k.target;
  out.entry_address = k.entry;
  out.code_address = k.code;
  out.code_bytes = k.code_bytes;
  out.rsrc1 = k.rsrc1;
  out.rsrc2 = k.rsrc2;
  out.rsrc3 = k.rsrc3;
  out.wave_size = k.wave_size;
  out.lds_bytes = k.lds_bytes;
  out.scratch_bytes = k.scratch_bytes;
  out.kernarg_bytes = k.kernarg_bytes;
  out.user_sgpr_count = static_cast<uint8_t>(k.user_sgprs);
  out.kernarg_sgpr = static_cast<uint8_t>(k.kernarg_sgpr);
  for (int i = 0; i < 3; ++i) out.workgroup[i] = static_cast<uint16_t>(k.workgroup[i]);
  out.max_workgroup_threads = static_cast<uint16_t>(k.max_threads);
  return out;
}

DispatchRequest request_of(const pm4_queue& queue, uint32_t kernel, const pm4_dispatch& d) {
  DispatchRequest out{&queue.kernels[kernel], {}, {}, d.kernarg};
  for (int i = 0; i < 3; ++i) {
    out.groups[i] = d.groups[i];
    out.threads[i] = static_cast<uint16_t>(d.threads[i]);
  }
  return out;
}

}  // namespace

pm4_queue* pm4_queue_create(const char* gfx, const pm4_kernel* kernels, uint32_t kernel_count,
                            const pm4_range* ranges, uint32_t range_count,
                            const pm4_buffer* buffers, uint32_t buffer_count) {
  auto queue = std::make_unique<pm4_queue>();
  if (!parse_target(gfx, &queue->target)) return nullptr;
  for (uint32_t i = 0; i < kernel_count; ++i) queue->kernels.push_back(convert(kernels[i]));
  for (uint32_t i = 0; i < range_count; ++i) {
    queue->ranges.push_back({ranges[i].address, ranges[i].bytes, ranges[i].access, 0});
  }
  for (uint32_t i = 0; i < buffer_count; ++i) {
    queue->buffers.push_back({buffers[i].address, buffers[i].dwords, 0});
  }
  queue->registry = {queue->target, queue->kernels, queue->ranges, queue->buffers};
  queue->encoder = std::make_unique<Encoder>(queue->target);
  queue->validator = std::make_unique<Validator>(queue->registry);
  return queue.release();
}

void pm4_queue_destroy(pm4_queue* queue) { delete queue; }

const char* pm4_queue_reason(pm4_queue* queue) { return queue->refusal.reason.text; }

uint32_t pm4_queue_refused_dword(pm4_queue* queue) { return queue->refusal.dword; }

uint32_t pm4_encode(pm4_queue* queue, uint32_t kernel, const pm4_dispatch* dispatch,
                    uint64_t fence, uint64_t value, uint32_t* out, uint32_t capacity) {
  return queue->encoder->dispatch(static_cast<ConvClass>(dispatch->conv_class),
                                  request_of(*queue, kernel, *dispatch), {fence, value},
                                  {out, capacity}, &queue->refusal.reason);
}

uint32_t pm4_encode_batch(pm4_queue* queue, const uint32_t* kernels, const pm4_dispatch* items,
                          uint32_t count, uint64_t fence, uint64_t value, uint32_t* out,
                          uint32_t capacity) {
  std::vector<BatchItem> batch;
  for (uint32_t i = 0; i < count; ++i) {
    batch.push_back({request_of(*queue, kernels[i], items[i]),
                     static_cast<ConvClass>(items[i].conv_class), items[i].depends != 0});
  }
  return queue->encoder->batch(batch, {fence, value}, {out, capacity}, &queue->refusal.reason);
}

uint32_t pm4_encode_interrupt(pm4_queue* queue, uint64_t slot, uint32_t event, uint32_t* out,
                              uint32_t capacity) {
  return queue->encoder->interrupt({slot, event}, {out, capacity}, &queue->refusal.reason);
}

uint32_t pm4_encode_prebuilt(pm4_queue* queue, uint32_t kernel, const pm4_dispatch* dispatch,
                             uint64_t fence, uint64_t value, uint32_t* out, uint32_t capacity,
                             uint32_t* out_kernarg, uint32_t* out_value) {
  PrebuiltBuffer places{};
  const uint32_t dwords =
      queue->encoder->prebuild(request_of(*queue, kernel, *dispatch), {fence, value},
                               {out, capacity}, &places, &queue->refusal.reason);
  *out_kernarg = places.kernarg;
  *out_value = places.fence_data;
  return dwords;
}

uint32_t pm4_encode_call(pm4_queue* queue, uint64_t address, uint32_t dwords, uint32_t* out,
                         uint32_t capacity) {
  return queue->encoder->call(address, dwords, {out, capacity}, &queue->refusal.reason);
}

void pm4_forget(pm4_queue* queue) {
  queue->encoder->forget_registers();
  queue->validator->forget_registers();
}

void pm4_forget_encoder(pm4_queue* queue) { queue->encoder->forget_registers(); }

void pm4_template_counts(pm4_queue* queue, uint64_t out[4]) {
  const TemplateCounts& counts = queue->encoder->counts();
  out[0] = counts.pointwise_hits;
  out[1] = counts.three_by_three_hits;
  out[2] = counts.general_hits;
  out[3] = counts.built;
}

int pm4_validate(pm4_queue* queue, const uint32_t* words, uint32_t count, int kind) {
  ValidatedStream stream;
  return queue->validator->check({words, count}, static_cast<StreamKind>(kind), &stream,
                                 &queue->refusal);
}

uint64_t pm4_decode(const char* gfx, const uint32_t* words, uint32_t count, char* text,
                    uint64_t capacity) {
  Target target;
  if (!parse_target(gfx, &target)) return 0;
  return decode({words, count}, target.generation, text, capacity);
}

uint32_t pm4_rewrite(const char* gfx, const uint32_t* words, uint32_t count, uint32_t* out,
                     uint32_t capacity) {
  Target target;
  if (!parse_target(gfx, &target)) return 0;
  Writer writer({out, capacity});
  std::span<const uint32_t> left(words, count);
  while (!left.empty()) {
    Packet packet;
    if (take_packet(left, target.generation, &packet) != nullptr) return 0;
    if (packet.row == nullptr || !packet.row->allowed) return 0;
    write_command(read_command(packet, target.generation), target.generation, &writer);
    left = left.subspan(packet.words.size());
  }
  return writer.overflow() ? 0 : writer.used();
}

uint64_t pm4_write_image(pm4_queue* queue, const uint32_t* words, uint32_t count, int kind,
                         void* image, uint64_t capacity) {
  auto file = std::make_unique<amdgpu::StreamFile>();
  file->target = queue->target;
  file->kind = static_cast<StreamKind>(kind);
  file->kernel_count = static_cast<uint32_t>(queue->kernels.size());
  file->range_count = static_cast<uint32_t>(queue->ranges.size());
  file->buffer_count = static_cast<uint32_t>(queue->buffers.size());
  std::copy(queue->kernels.begin(), queue->kernels.end(), file->kernels);
  std::copy(queue->ranges.begin(), queue->ranges.end(), file->ranges);
  std::copy(queue->buffers.begin(), queue->buffers.end(), file->buffers);
  file->words = {words, count};
  return amdgpu::write_stream_file(*file, static_cast<unsigned char*>(image), capacity);
}

int pm4_covers(const char* gfx) {
  Target target;
  return parse_target(gfx, &target);
}

uint32_t pm4_register_at(const char* gfx, const char* name) {
  Target target;
  if (!parse_target(gfx, &target)) return 0;
  for (int reg = 0; reg < static_cast<int>(Register::none); ++reg) {
    if (std::strcmp(register_name(static_cast<Register>(reg)), name) == 0) {
      return address(static_cast<Register>(reg), target.generation);
    }
  }
  return 0;
}
