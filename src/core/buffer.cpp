#include "core/buffer.h"

#include <cinttypes>
#include <cstdarg>
#include <cstdio>

#include "core/free_flush.h"

namespace sporkle {

namespace {

constexpr uint32_t full_usage = SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_CPU_READ |
                                SPORKLE_BUFFER_DEVICE_READ | SPORKLE_BUFFER_DEVICE_WRITE;
constexpr uint32_t every_usage = full_usage | SPORKLE_BUFFER_OPENGL;

// Reports of missing flushes per buffer: a program that forgets one in a loop is told
// often enough.
constexpr uint32_t missing_flush_limit = 16;

// Whether output that nobody has looked at is a mistake. OpenGL commands of the
// caller's own may have read it.
bool wants_invalidate(const Context& context, uint32_t usage) noexcept {
  return context.debug() && (usage & SPORKLE_BUFFER_CPU_READ) != 0 &&
         (usage & SPORKLE_BUFFER_OPENGL) == 0;
}

}  // namespace

Buffer::Buffer(std::shared_ptr<Context> context, uint32_t device, uint32_t usage,
               std::shared_ptr<DeviceMemory> memory, const char* label)
    : Child(handle_type, std::move(context), label),
      device_(device),
      usage_(usage),
      memory_(std::move(memory)),
      output_(context_->memory(), wants_invalidate(*context_, usage)) {
  // OpenGL commands of the caller's own may write where nobody tells us.
  if (context_->debug() && (usage & SPORKLE_BUFFER_CPU_WRITE) != 0 &&
      (usage & SPORKLE_BUFFER_OPENGL) == 0) {
    watch_.emplace(context_->memory(), *memory_);
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
  if (output_.unseen()) {
    report(2, "destroyed, and its output was never made visible by sporkle_buffer_invalidate");
  }
  keep->remove_child(this);
  keep->stats().add(Counter::buffer_bytes_removed, memory_->size());
  std::pmr::polymorphic_allocator<>(keep->memory()).delete_object(this);
}

void Buffer::flush(uint64_t offset, uint64_t bytes) {
  memory_->flush(offset, bytes);
  if (watch_) watch_->flushed(offset, bytes);
  forget_unended(offset, bytes);
  output_.seen(offset, bytes);
}

void Buffer::forget_unended(uint64_t offset, uint64_t bytes) noexcept {
  if (!watch_) return;
  output_.each_not_ended(offset, bytes, [this](uint64_t at, uint64_t size) {
    watch_->device_writes(at, size);
  });
}

void Buffer::invalidate(uint64_t offset, uint64_t bytes) {
  if (output_.pending(offset, bytes)) {
    report(3, "sporkle_buffer_invalidate: offset %" PRIu64 " and size %" PRIu64
              ": the operation that writes there has not ended", offset, bytes);
    fail(SPORKLE_ERROR_BUSY, "buffer: the operation that writes to it has not ended");
  }
  if (context_->debug()) {
    output_.each_abandoned(offset, bytes, [this](uint64_t at, uint64_t size) {
      report(3, "sporkle_buffer_invalidate: offset %" PRIu64 " and size %" PRIu64
                ": the operation that writes there was not seen to end, and its fence has been "
                "destroyed", at, size);
    });
  }
  memory_->invalidate(offset, bytes);
  if (watch_) {
    watch_->made_visible(offset, bytes, memory_->placement() == SPORKLE_PLACEMENT_STAGING);
  }
  forget_unended(offset, bytes);
  output_.seen(offset, bytes);
}

void Buffer::note_read(const char* argument, uint64_t offset, uint64_t bytes) noexcept {
  output_.seen(offset, bytes);
  FlushWatch::Missed missed;
  if (watch_ && watch_->misses(offset, bytes, &missed)) report_missing_flush(argument, missed);
}

void Buffer::report_missing_flush(const char* argument, const FlushWatch::Missed& missed) noexcept {
  const uint32_t before = missing_flushes_.fetch_add(1, std::memory_order_relaxed);
  if (before >= missing_flush_limit) return;
  context_->log().write(SPORKLE_LOG_WARNING,
                        "SPORKLE-BUFFER-0001: buffer \"%s\": sporkle_plan_submit: %s: the CPU wrote "
                        "%" PRIu64 " bytes in [%" PRIu64 ", %" PRIu64 ") and did not flush them%s",
                        label(), argument, missed.bytes, missed.begin, missed.end,
                        before + 1 == missing_flush_limit ? "; the last report on this buffer" : "");
}

void Buffer::note_submitted(sporkle_fence fence, uint64_t offset, uint64_t bytes) noexcept {
  if (!output_.written(fence, offset, bytes)) return;
  report(2, "sporkle_plan_submit: bindings.output: its output from before was never made visible "
            "by sporkle_buffer_invalidate");
}

void Buffer::note_write(uint64_t offset, uint64_t bytes) noexcept {
  if (watch_) watch_->device_writes(offset, bytes);
}

void* Buffer::data() const noexcept {
  constexpr uint32_t cpu = SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_CPU_READ;
  return (usage_ & cpu) != 0 ? memory_->data() : nullptr;
}

void Buffer::check_range(const char* function, const char* argument, uint64_t offset,
                         uint64_t bytes) const {
  const uint64_t size = memory_->size();
  if (offset <= size && bytes <= size - offset) return;
  report(4, "%s: %s: offset %" PRIu64 " and size %" PRIu64 " reach outside its %" PRIu64 " bytes",
         function, argument, offset, bytes, size);
  fail(SPORKLE_ERROR_INVALID_ARGUMENT,
       "%s: offset %" PRIu64 " and size %" PRIu64 " reach outside a buffer of %" PRIu64 " bytes",
       argument, offset, bytes, size);
}

void Buffer::check_alignment(const char* function, const char* argument,
                             uint64_t offset) const {
  if (offset % 64 == 0) return;
  report(5, "%s: %s: offset %" PRIu64 " is no multiple of 64", function, argument, offset);
  fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: the offset is no multiple of 64", argument);
}

void Buffer::check_usage(const char* function, const char* argument, uint32_t bit,
                         const char* name) const {
  if ((usage_ & bit) != 0) return;
  report(6, "%s: %s: created without %s", function, argument, name);
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
  const bool free_flush =
      memory->coherent() && !context->debug() && (usage & SPORKLE_BUFFER_CPU_WRITE) != 0;
  const uint64_t size = memory->size();
  auto* buffer = new_object<Buffer>(context->memory(), context, device, usage, std::move(memory),
                                    desc.label);
  void* const handle = publish_child(buffer);
  if (free_flush) allow_free_flush(handle, HandleType::buffer, size);
  return static_cast<sporkle_buffer>(handle);
}

}  // namespace sporkle
