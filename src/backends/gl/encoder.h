// Turns operations into OpenGL commands: uploads, barriers where operations
// depend on each other, dispatches, downloads. For the submission thread.
#pragma once

#include "backends/gl/bound_state.h"
#include "backends/gl/command_queue.h"
#include "backends/gl/copy_shader.h"
#include "backends/gl/dispatch.h"
#include "backends/gl/dispatch_waits.h"
#include "backends/gl/gl_memory.h"
#include "backends/gl/gl_plan.h"
#include "backends/gl/hazards.h"

namespace sporkle::gl {

class Encoder {
 public:
  Encoder(std::pmr::memory_resource* memory, Stats* stats, const OpenRules& rules,
          Reclaim reclaim)
      : memory_(memory), stats_(stats), rules_(rules), reclaim_(reclaim) {}

  void start(const GlContext* context, uint64_t generation) noexcept;
  void stop(const GladGLContext& gl) noexcept;
  void forget() noexcept;

  // Emits one operation. Returns the status it ends with if this fails. `next`: the
  // operation behind it, whose input may be copied beside this one; or null.
  Status encode(Entry& entry, uint64_t value, const Operation* next) noexcept;

  // What must follow the last operation of a batch: copies to where the CPU
  // reads, and the client barrier. An operation whose copy fails, fails.
  void finish_batch() noexcept;

  // Instead: leaves the copies to where the CPU reads for the next encode(), where
  // they run beside the kernel. Returns the first operation that has not ended
  // then; 0 when that is not possible and finish_batch() is needed.
  uint64_t defer_downloads() noexcept;
  // Orders everything emitted so far before what follows, downloads excepted.
  void order_all() noexcept;

  // All operations encoded so far have ended.
  void note_all_ended() noexcept { hazards_.all_ended(); }
  // After the completion word: a barrier that orders everything, and a dispatch.
  void note_word() noexcept {
    hazards_.barrier_done();
    waits_.count(1);
  }
  // An operation has taken longer than expected, as when a dispatch beside another waits.
  // Not on AMD's, Intel's and software drivers, of which that is not known.
  void note_late(const Entry& entry) noexcept {
    const Vendor vendor = context_->facts().limits.vendor;
    const bool known = vendor == Vendor::nvidia || vendor == Vendor::other;
    if (known && entry.beside_count != 0) waits_.learn(entry.beside_first, entry.beside_count);
  }
  // After anything else has bound or deleted something in the context.
  void note_foreign_calls() noexcept { bound_.reset(); }

  // Gives the device next to nothing to do. Nothing is in flight.
  void touch() noexcept;

  // Makes every workspace at least so large. Throws OUT_OF_MEMORY; what was grown until
  // then is given back.
  void reserve_workspace(uint64_t bytes);
  // What the next operation works on, as large as was reserved; for commands with barriers
  // before and behind them.
  GLuint next_workspace() const noexcept { return workspaces_[next_workspace_].name; }

  // For an operation with a sink whose batch has ended: its shadow copies and
  // its device time.
  void collect(Entry& entry) noexcept;

 private:
  Status check(const Operation& operation) const noexcept;
  // Emits one step and what must come before it.
  void encode_step(const Operation& operation, const GlWork& work, const GlStep& step,
                   GLuint workspace, Beside beside) noexcept;
  void order() noexcept;
  // Copies beside kernels (encoder_beside.cpp).
  void prepare_beside(const Operation& operation) noexcept;
  void pad_dispatches() noexcept;
  void run_beside() noexcept;
  void download_beside() noexcept;
  void look_ahead(const Operation& next) noexcept;
  void upload_beside(GlMemory& memory) noexcept;
  void note_downloads(Status status) noexcept;
  void note_copy(uint64_t bytes) noexcept;
  void upload(GlMemory* memory);
  void plan_download(Entry& entry, uint64_t value) noexcept;
  void note_error() noexcept;
  void flush_downloads() noexcept;
  GLuint take_workspace(uint64_t bytes);
  void forget_workspace(BufferObject* workspace) noexcept;
  void start_timer(Entry& entry, uint64_t value) noexcept;

  struct Download {
    // Kept alive by the operation of the open batch.
    GlMemory* memory;
    Stretch stretch;
    Entry* entry;
    uint64_t value;  // of the timeline
  };
  static constexpr uint32_t download_limit = 64;
  static constexpr uint32_t workspace_count = 2;
  static constexpr uint32_t timer_count = 32;

  std::pmr::memory_resource* memory_;
  Stats* stats_;
  OpenRules rules_;
  Reclaim reclaim_;
  const GlContext* context_ = nullptr;
  uint64_t generation_ = 0;
  HazardTracker hazards_;
  BoundState bound_;
  BufferObject workspaces_[workspace_count];
  uint32_t next_workspace_ = 0;
  Download downloads_[download_limit];
  uint32_t download_count_ = 0;
  bool deferred_ = false;  // downloads of an earlier batch are among them
  const Operation* next_ = nullptr;  // whose input is copied beside the present one
  uint64_t beside_ns_ = 0;           // how long the present one is expected to take
  uint64_t first_beside_ = 0;        // number of the first dispatch beside another of it
  uint32_t copies_beside_ = 0;       // its copies, all but the first of which are such
  DispatchWaits waits_;
  CopyShader copy_;
  bool client_barrier_ = false;
  GLenum error_ = GL_NO_ERROR;  // the first of the operation being encoded
  GLuint timers_[timer_count * 2] = {};
};

}  // namespace sporkle::gl
