// What is left when a device is lost or a driver silent: contexts set aside until
// nobody looks at their memory, a thread given up, a device opened again.
#include <cinttypes>
#include <cstdio>
#include <new>

#include "backends/gl/submission_thread.h"

namespace sporkle::gl {

namespace {

constexpr uint64_t reopen_pause_ns = 50000000u;
constexpr uint32_t reopen_tries = 3;
constexpr uint32_t reset_limit = 8;
constexpr uint64_t second_ns = 1000000000u;
constexpr const char* reset_text = "the GPU was reset and is being reopened";
constexpr const char* hung_text = "the GPU does not end its work and is being reopened";

}  // namespace

void Engine::close_context() noexcept {
  if (context_ == nullptr) return;
  if (context_->is_open() && !lost_) {
    if (generation_ != 0) {
      batches_.stop();
      encoder_.stop(context_->gl());
    }
    programs_.delete_unused(context_->gl());
  }
  batches_.forget();
  programs_.forget_names();
  context_->close();
  // A thread that was given up in one of these calls ends here: the caller's
  // allocator and the context's statistics may be gone.
  context_->checkpoint();
  encoder_.forget();
  programs_.trim(context_->gl());
  std::pmr::polymorphic_allocator<>(environment_.memory).delete_object(context_);
  context_ = nullptr;
}

void Engine::close() noexcept {
  std::pmr::polymorphic_allocator<> allocator(environment_.memory);
  close_context();
  for (const Zombie& zombie : zombies_) {
    zombie.context->close();
    zombie.context->checkpoint();
    allocator.delete_object(zombie.context);
  }
  zombies_.clear();
  ++generation_;
}

bool Engine::reopen(Error* error) noexcept {
  const bool opened_before = context_ != nullptr;
  if (opened_before) {
    batches_.forget();
    encoder_.forget();
    programs_.forget_names();
    context_->detach();
    try {
      zombies_.push_back({context_, generation_, buffers_, hung_});
      context_ = nullptr;
    } catch (const std::bad_alloc&) {
      error->reason.set("no memory to recreate the context");
      return false;
    }
  }
  emitted_ = queue_.completed();
  return open(slot_, error);
}

void Engine::delete_buffer(BufferObject* object) noexcept {
  std::pmr::polymorphic_allocator<> allocator(environment_.memory);
  buffer_bytes_ -= object->size;
  if (object->map != nullptr) {
    environment_.stats->add(Counter::mapped_bytes_removed, object->size);
  }
  if (object->name != 0 && object->generation == generation_ && context_ != nullptr) {
    context_->gl().DeleteBuffers(1, &object->name);
    context_->checkpoint();
    --buffers_;
  } else if (object->name != 0) {
    for (auto it = zombies_.begin(); it != zombies_.end(); ++it) {
      if (it->generation != object->generation || --it->buffers != 0 || it->hung) continue;
      allocator.delete_object(it->context);
      zombies_.erase(it);
      break;
    }
  }
  allocator.delete_object(object);
}

void SubmissionThread::fail_silent() const {
  fail(SPORKLE_ERROR_DEVICE_UNAVAILABLE,
       "device: the OpenGL driver has not answered for %" PRIu64 " s", patience_ns_ / second_ns);
}

void SubmissionThread::fail_hung() { fail(SPORKLE_ERROR_DEVICE_LOST, "device: %s", hung_text); }

void SubmissionThread::abandon(Status status, Phase phase) noexcept {
  // The thread is inside the driver and may come back at any time, as far as
  // its next checkpoint: nothing that it can reach is freed.
  self_ = weak_from_this().lock();
  slot_.store(nullptr, std::memory_order_release);
  queue_.fail_calls(current_call_.exchange(nullptr), status);
  queue_.abandon_all(status);
  set_phase(phase);
}

void SubmissionThread::give_up(uint64_t passes) noexcept {
  const std::lock_guard lock(lifecycle_);
  if (phase_.load() != running || !thread_.give_up(passes)) return;
  char text[80];
  std::snprintf(text, sizeof text, "the OpenGL driver has not answered for %" PRIu64 " s",
                patience_ns_ / second_ns);
  queue_.refuse(SPORKLE_ERROR_DEVICE_UNAVAILABLE, text);
  environment_.log->write(SPORKLE_LOG_WARNING, "%s: %s and is not used any more", facts_.name,
                          text);
  generation_.store(0, std::memory_order_release);
  abandon(SPORKLE_ERROR_DEVICE_LOST, silent);
}

void SubmissionThread::recover(DriverSlot& slot) noexcept {
  // After a reset whoever comes now waits for the outcome; a GPU that hangs may
  // take long to come back, or never does. Who is already past the gate and waits
  // for something in flight gets DEVICE_LOST.
  const bool hangs = engine_.hung();
  generation_.store(0, std::memory_order_release);
  set_phase(hangs ? hung : recovering);
  queue_.refuse(SPORKLE_ERROR_DEVICE_LOST, hangs ? hung_text : reset_text);
  environment_.stats->add(Counter::device_resets, 1);
  queue_.fail_all(SPORKLE_ERROR_DEVICE_LOST);
  environment_.log->write(SPORKLE_LOG_WARNING, "%s %s; work in flight has failed", facts_.name,
                          hangs ? "does not end its work" : "was reset");
  Error error;
  error.reason.set("it was lost %u times", ++resets_);
  for (uint32_t i = 0; i < reopen_tries && resets_ < reset_limit && !stop_.load(); ++i) {
    if (engine_.reopen(&error)) {
      generation_.store(engine_.generation(), std::memory_order_release);
      queue_.accept();
      set_phase(running);
      return;
    }
    driver_checkpoint(slot);
    driver_sleep(slot, slot.wakeups.load(), Deadline::after(reopen_pause_ns));
  }
  dead_ = true;
  queue_.refuse(SPORKLE_ERROR_DEVICE_LOST, error.reason.text);
  queue_.fail_all(SPORKLE_ERROR_DEVICE_LOST);
  set_phase(running);
}

}  // namespace sporkle::gl
