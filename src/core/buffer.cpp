#include "core/buffer.h"

#include <cinttypes>
#include <cstdarg>
#include <cstdio>

namespace sporkle {

namespace {

constexpr uint32_t full_usage = SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_CPU_READ |
                                SPORKLE_BUFFER_DEVICE_READ | SPORKLE_BUFFER_DEVICE_WRITE;
constexpr uint32_t every_usage = full_usage | SPORKLE_BUFFER_OPENGL;

}  // namespace

Buffer::Buffer(std::shared_ptr<Context> context, uint32_t device, uint32_t usage,
               std::shared_ptr<DeviceMemory> memory, const char* label)
    : Child(handle_type, std::move(context), label),
      device_(device),
      usage_(usage),
      memory_(std::move(memory)) {
  // OpenGL commands of the caller's own may write where nobody tells us.
  if (context_->debug() && (usage & SPORKLE_BUFFER_CPU_WRITE) != 0 &&
      (usage & SPORKLE_BUFFER_OPENGL) == 0) {
    watch_.emplace(context_->memory(), memory_->data(), memory_->size());
  }
  context_->stats().add(Counter::buffer_bytes_added, memory_->size());
}

void Buffer::report(int id, const char* format, ...) const noexcept {
  if (!context_->debug()) return;
  char cause[64], text[256];
  std::snprintf(cause, sizeof cause, "buffer-%d-%p", id, handle());
  va_list args;
  va_start(args, format);
  std::vsnprintf(text, sizeof text, format, args);
  va_end(args);
  context_->log().warn_once(cause, "SPORKLE-BUFFER-%04d: buffer \"%s\": %s", id, label(), text);
}

void Buffer::dispose() noexcept {
  const std::shared_ptr<Context> keep = context_;
  if (wants_invalidate() && output_.unseen()) {
    report(2, "destroyed, and its output was never made visible by sporkle_buffer_invalidate");
  }
  keep->remove_child(this);
  keep->stats().add(Counter::buffer_bytes_removed, memory_->size());
  std::pmr::polymorphic_allocator<>(keep->memory()).delete_object(this);
}

void Buffer::flush(uint64_t offset, uint64_t bytes) {
  memory_->flush(offset, bytes);
  if (watch_) watch_->flushed(offset, bytes);
  output_.seen();
}

void Buffer::invalidate(uint64_t offset, uint64_t bytes) {
  if (output_.pending(offset, bytes)) {
    report(3, "sporkle_buffer_invalidate: offset %" PRIu64 " and size %" PRIu64
              ": the operation that writes there has not ended", offset, bytes);
    fail(SPORKLE_ERROR_BUSY, "buffer: the operation that writes to it has not ended");
  }
  memory_->invalidate(offset, bytes);
  output_.seen();
}

void Buffer::note_read(const char* argument, uint64_t offset, uint64_t bytes) noexcept {
  output_.seen();
  uint64_t at = 0;
  if (!watch_ || !watch_->misses(offset, bytes, &at)) return;
  report(1, "sporkle_plan_submit: %s: bytes from %" PRIu64
            " on were not flushed since the CPU wrote them", argument, at);
}

void Buffer::note_submitted(sporkle_fence fence, uint64_t offset, uint64_t bytes) noexcept {
  if (!output_.written(fence, offset, bytes) || !wants_invalidate()) return;
  report(2, "sporkle_plan_submit: bindings.output: its output from before was never made visible "
            "by sporkle_buffer_invalidate");
}

// Whether output that nobody has looked at is a mistake. OpenGL commands of the
// caller's own may have read it.
bool Buffer::wants_invalidate() const noexcept {
  return (usage_ & SPORKLE_BUFFER_CPU_READ) != 0 && (usage_ & SPORKLE_BUFFER_OPENGL) == 0;
}

void Buffer::note_write(uint64_t offset, uint64_t bytes) noexcept {
  if (watch_) watch_->device_writes(offset, bytes);
}

void* Buffer::data() const noexcept {
  constexpr uint32_t cpu = SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_CPU_READ;
  return (usage_ & cpu) != 0 ? memory_->data() : nullptr;
}

void Buffer::check_range(const char* argument, uint64_t offset, uint64_t bytes) const {
  const uint64_t size = memory_->size();
  if (offset <= size && bytes <= size - offset) return;
  report(4, "%s: offset %" PRIu64 " and size %" PRIu64 " reach outside its %" PRIu64 " bytes",
         argument, offset, bytes, size);
  fail(SPORKLE_ERROR_INVALID_ARGUMENT,
       "%s: offset %" PRIu64 " and size %" PRIu64 " reach outside a buffer of %" PRIu64 " bytes",
       argument, offset, bytes, size);
}

void Buffer::check_alignment(const char* argument, uint64_t offset) const {
  if (offset % 64 == 0) return;
  report(5, "%s: offset %" PRIu64 " is no multiple of 64", argument, offset);
  fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: the offset is no multiple of 64", argument);
}

void Buffer::check_usage(const char* argument, uint32_t bit, const char* name) const {
  if ((usage_ & bit) != 0) return;
  report(6, "%s: created without %s", argument, name);
  fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: the buffer was created without %s", argument, name);
}

void* publish_child(Child* child) {
  Context& context = child->context();
  const HandleType type = child->type();
  try {
    object_publish(child);
  } catch (...) {
    child->dispose();
    throw;
  }
  void* handle = child->handle();
  if (context.add_child(child)) return handle;
  object_destroy(handle, type);
  fail(SPORKLE_ERROR_INVALID_HANDLE, "context: being destroyed");
}

sporkle_buffer create_buffer(const std::shared_ptr<Context>& context,
                             const sporkle_buffer_desc& desc) {
  if ((desc.usage & ~every_usage) != 0) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "desc.usage: unknown bits 0x%x",
         desc.usage & ~every_usage);
  }
  if (desc.size == 0) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "desc.size: 0 bytes");
  if (desc.size > (uint64_t{1} << 62)) {
    fail(SPORKLE_ERROR_OVERFLOW, "desc.size: %" PRIu64 " exceeds 2^62", desc.size);
  }
  if (desc.reserved != 0) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "desc.reserved: must be 0");
  const uint32_t device =
      desc.device == SPORKLE_DEVICE_AUTO ? context->default_device() : desc.device;
  const uint32_t usage = (desc.usage & full_usage) == 0 ? desc.usage | full_usage : desc.usage;
  auto memory = context->checked_device(device, "desc.device").create_memory(desc.size, usage);
  auto* buffer = new_object<Buffer>(context->memory(), context, device, usage, std::move(memory),
                                    desc.label);
  return static_cast<sporkle_buffer>(publish_child(buffer));
}

}  // namespace sporkle
