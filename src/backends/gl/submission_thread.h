// The one thread that owns a device's OpenGL context. Other threads queue
// operations, wait for calls, and release buffers through it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "backends/gl/command_queue.h"
#include "backends/gl/driver_thread.h"
#include "backends/gl/engine.h"
#include "backends/gl/memory_pool.h"
#include "backends/gl/shared_copy.h"

namespace sporkle::gl {

class SubmissionThread : public std::enable_shared_from_this<SubmissionThread> {
 public:
  SubmissionThread(const DeviceEnvironment& environment, const EglFunctions& egl,
                   const EglDevice& device, const OpenRules& rules);
  ~SubmissionThread();

  // Begins to open the context without waiting for the driver.
  void start();
  // Waits until the context is open. Throws DEVICE_UNAVAILABLE with the reason,
  // OUT_OF_MEMORY.
  void await_open(Deadline deadline);
  // Gives the context back until it is needed again; nothing may be alive in it.
  void suspend() noexcept;

  // What the driver said when it was opened.
  const Facts& facts() const noexcept { return facts_; }
  bool hinted() const noexcept { return hinted_; }
  // How often the completion word and a sync object contradicted each other.
  uint64_t contradictions() const noexcept { return engine_.contradictions(); }
  // Of the open context; what belongs to another one is lost. 0: none is open.
  uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }

  // As Device says. Returns the value that the timeline will reach.
  uint64_t submit(Operation&& operation, RunSink* sink);
  void submit_all(std::span<Operation> operations);
  // Work is about to be submitted: where the thread may spin, it is awake by then.
  void expect_work() noexcept;
  // As memcpy; the thread helps.
  void copy(void* to, const void* from, uint64_t bytes) noexcept;
  // Runs `touch` here, on mappings of the context, which another thread may be closing: it
  // stays open meanwhile. May not wait for this thread. Throws CANCELLED once it is closed.
  template <class F>
  void touch_mapped(F&& touch) {
    const Touch guard(*this);
    touch();
  }
  // Waits for a value of the timeline. A driver that does not answer ends the
  // wait: everything in flight has then failed.
  void await(uint64_t value) noexcept;
  // Queues a hand-over behind the operations submitted so far.
  void submit(std::shared_ptr<Exchange> exchange);
  void insert_fence(FenceRef fence, bool owned) { queue_.insert_fence(fence, owned); }
  bool drain(Deadline deadline) noexcept { return queue_.drain(deadline); }
  void close(Status status) noexcept;
  uint32_t timeline() const noexcept { return queue_.timeline(); }
  // Before the first buffer is created.
  void set_map_choice(BufferKind kind, const MapChoice& choice) noexcept {
    engine_.set_map_choice(kind, choice);
  }
  // What to trim when the driver has no memory left.
  void set_idle_memory(const std::shared_ptr<IdleMemory>& idle) noexcept;

  // Runs `f(Engine&)` on the thread and returns when it has; its Error is
  // thrown here.
  template <class F>
  void call(F&& f) {
    Call command;
    command.data = &f;
    command.run = [](void* data, Engine& engine) {
      (*static_cast<std::remove_reference_t<F>*>(data))(engine);
    };
    run_call(&command);
  }

  // Takes a buffer object over and deletes it when convenient. From any thread.
  void release(BufferObject* object) noexcept;

 private:
  // hung: recovering as well, but nobody waits for it.
  enum Phase : uint32_t { asleep, opening, running, recovering, hung, failed, closed, silent };
  static bool in_transit(uint32_t phase) noexcept {
    return phase == opening || phase == recovering;
  }

  class Touch {
   public:
    explicit Touch(SubmissionThread& thread);
    ~Touch();

   private:
    SubmissionThread& thread_;
  };

  static void body(void* self, DriverSlot& slot);
  void work(DriverSlot& slot) noexcept;
  void run_call(Call* call);
  void run_calls(DriverSlot& slot) noexcept;
  void delete_released() noexcept;
  // `slot`: of the calling thread, where that is the device's own.
  void await_touches(DriverSlot* slot) noexcept;
  static void reclaim(void* self) noexcept;
  void recover(DriverSlot& slot) noexcept;
  void rest(DriverSlot& slot, uint32_t seen) noexcept;
  bool linger(DriverSlot& slot, uint32_t seen) noexcept;
  Deadline touch_device() noexcept;
  void note_waking(uint64_t before, Deadline look) noexcept;
  void set_phase(Phase phase) noexcept;
  void abandon(Status status, Phase phase) noexcept;
  template <class Arrived>
  void await_answer(Arrived arrived) noexcept;
  void give_up(uint64_t passes) noexcept;
  void need_open();
  [[noreturn]] void fail_silent() const;
  [[noreturn]] static void fail_hung();

  DeviceEnvironment environment_;
  CommandQueue queue_;
  Engine engine_;
  Facts facts_;
  bool hinted_ = false;
  bool dead_ = false;
  uint32_t resets_ = 0;
  bool may_spin_ = false;
  SharedCopy copies_;
  uint64_t last_help_ns_ = 0;
  std::atomic<uint64_t> expected_until_ns_{0};
  uint64_t patience_ns_ = 0;  // with one call of the driver; 0: for ever
  Lateness late_;
  uint32_t touches_ = 0;     // of the device since its last work
  uint64_t touched_after_ns_ = 0;  // its end
  uint32_t vain_spins_ = 0;  // for new work, in succession
  std::mutex open_error_mutex_;
  Error open_error_;  // of the last try
  std::atomic<uint32_t> phase_{asleep};
  std::atomic<uint64_t> generation_{0};
  std::atomic<bool> stop_{false};
  // Callers on mappings; whether the context goes away, set by the thread behind its last call.
  std::atomic<uint32_t> touches_under_way_{0};
  std::atomic<bool> unmapping_{false};
  std::atomic<Call*> current_call_{nullptr};
  std::atomic<DriverSlot*> slot_{nullptr};
  std::atomic<BufferObject*> released_{nullptr};
  std::mutex lifecycle_;
  std::mutex idle_mutex_;
  std::weak_ptr<IdleMemory> idle_;
  DriverThread thread_;
  // Keeps everything the thread can reach alive after it has been given up.
  std::shared_ptr<SubmissionThread> self_;
};

}  // namespace sporkle::gl
