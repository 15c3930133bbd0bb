// What the submission thread does with OpenGL: owns the context, emits
// operations in batches, finds out when they have ended, survives resets.
#pragma once

#include <atomic>
#include <vector>

#include "backends/gl/batch_list.h"
#include "backends/gl/busy_span.h"
#include "backends/gl/driver_thread.h"
#include "backends/gl/encoder.h"

namespace sporkle::gl {

class Engine {
 public:
  Engine(const DeviceEnvironment& environment, const EglFunctions& egl, const EglDevice& device,
         const OpenRules& rules, CommandQueue& queue, Reclaim reclaim);

  // Opens the context on this thread and checks the driver.
  bool open(DriverSlot* slot, Error* error) noexcept;
  void close() noexcept;

  // One round: emits what is waiting, closes batches, ends what has ended.
  // Emits nothing more once `stop` is set.
  void advance(DriverSlot& slot, const std::atomic<bool>& stop) noexcept;
  bool busy() const noexcept { return batches_.in_flight() || batches_.has_open(); }
  Deadline next_look() const noexcept { return batches_.next_look(); }
  // Whether what is in flight ends too soon to sleep.
  bool stays_awake() const noexcept { return batches_.stays_awake(); }
  uint64_t last_end_ns() const noexcept { return batches_.last_end_ns(); }

  bool lost() const noexcept { return lost_; }
  // Lost because work does not end: the GPU may still write to its memory.
  bool hung() const noexcept { return hung_; }
  // After a loss: a new context, with older objects kept until released; those
  // of a hung one until the device is closed.
  bool reopen(Error* error) noexcept;

  const Facts& facts() const noexcept { return context_->facts(); }
  const GlContext& context() const noexcept { return *context_; }
  const EglFunctions& egl() const noexcept { return egl_; }
  const EglDevice& device() const noexcept { return device_; }
  // Changes with the context. From any thread.
  uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }
  bool hinted() const noexcept { return batches_.hinted(); }
  // From any thread.
  uint64_t contradictions() const noexcept {
    return contradictions_.load(std::memory_order_relaxed);
  }

  // After a service has used the context.
  void note_foreign_calls() noexcept { encoder_.note_foreign_calls(); }

  // Keeps an idle device from falling asleep.
  void touch() noexcept { encoder_.touch(); }
  // Wakes who waits for what will end soon. `late`: how late this thread wakes up.
  void announce(uint64_t now, Lateness late) noexcept;

  // Services for calls from other threads.
  // Gives back what is idle and tries once more when the driver has no memory.
  void create_buffer(BufferKind kind, uint64_t bytes, BufferObject* out);
  // Maps buffers as the placement says from now on.
  void set_map_choice(BufferKind kind, const MapChoice& choice) noexcept {
    map_choices_[static_cast<uint32_t>(kind)] = choice;
  }
  void delete_buffer(BufferObject* object) noexcept;
  // Takes what a plan needs to run, while another kernel can still be chosen. Throws OUT_OF_MEMORY.
  void reserve_workspace(uint64_t bytes) { encoder_.reserve_workspace(bytes); }
  GLuint next_workspace() const noexcept { return encoder_.next_workspace(); }
  // Copies `bytes` of `data` to the bytes from `offset` on.
  void fill_local(const BufferObject& object, const void* data, uint64_t bytes,
                  uint64_t offset = 0);
  void flush_mapped(const BufferObject& object);
  const GladGLContext& gl() const noexcept { return context_->gl(); }
  // Begins to compile; acquire_program waits for it.
  void start_program(const std::pmr::string& source) noexcept;
  bool program_ready(const std::pmr::string& source) const noexcept;
  ProgramEntry* acquire_program(const std::pmr::string& source, const char* label);
  void upload_now(GlMemory& memory);
  void upload_stretch(GlMemory& memory, Stretch stretch);
  void download_stretch(GlMemory& memory, Stretch stretch);

 private:
  enum class Mapping : uint8_t { unknown, works, given_up };

  bool start_context(Reason* reason);
  bool settle_mapping(Reason* reason);
  void close_context() noexcept;
  void check_copy(const char* argument);
  // Whether an operation is held back until one of the batches in flight ends.
  bool emit_waiting(DriverSlot& slot, const std::atomic<bool>& stop) noexcept;
  static Prediction predict(const Entry& entry) noexcept;
  void emit(Entry& entry, uint64_t value) noexcept;
  // The operation behind `value` when it is queued and long and of the same plan: a
  // stream, whose copies go beside its kernels. Else null.
  const Operation* successor(uint64_t value) noexcept;
  // Whether `value` follows an operation of the same plan in flight, and is copied.
  bool continues_stream(uint64_t value) noexcept;
  void close_batch() noexcept;
  // Whether one has ended.
  bool end_batches() noexcept;
  void observe(const Batch& batch, uint64_t now) noexcept;
  void count_disagreements(uint64_t before) noexcept;
  void note_lost_word() noexcept;
  bool has_exchange(const Batch& batch) noexcept;
  bool copies_beside() const noexcept;

  // A lost context whose mapped memory somebody still may look at.
  struct Zombie {
    GlContext* context;
    uint64_t generation;
    uint64_t buffers;
    bool hung;
  };

  DeviceEnvironment environment_;
  const EglFunctions& egl_;
  EglDevice device_;
  DriverSlot* slot_ = nullptr;
  OpenRules rules_;
  Reclaim reclaim_;
  MapChoice map_choices_[buffer_kind_count];
  CommandQueue& queue_;
  GlContext* context_ = nullptr;
  // Read by other threads too.
  std::atomic<uint64_t> generation_{0};
  uint64_t buffers_ = 0;       // alive in the current context
  uint64_t buffer_bytes_ = 0;  // of all that have not been deleted
  std::pmr::vector<Zombie> zombies_;
  ProgramCache programs_;
  Encoder encoder_;
  BatchList batches_;
  BusySpan busy_;
  std::atomic<uint64_t> contradictions_{0};  // that disabled the completion word
  uint64_t emitted_;
  bool lost_ = false;
  bool hung_ = false;
  Mapping mapping_ = Mapping::unknown;
};

}  // namespace sporkle::gl
