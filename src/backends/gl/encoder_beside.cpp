// Copies that run beside a kernel: of the operation before to where the CPU reads,
// of the operation behind to where its kernel reads. All three lie between the same
// two barriers; the hazards of the copies are tracked like those of kernels.
#include "backends/gl/encoder.h"

namespace sporkle::gl {

namespace {

struct Copy {
  TensorPlace from, to;
  uint64_t bytes;
};

bool takes(const Limits& limits, const Copy& copy) noexcept {
  return CopyShader::takes(limits, copy.from.offset, copy.to.offset, copy.bytes);
}

Copy upload_of(const GlMemory& memory, Stretch stretch) noexcept {
  return {{memory.window_name(), memory.window_base() + stretch.offset},
          {memory.name(), memory.base() + stretch.offset}, stretch.bytes};
}

Copy download_of(const GlMemory& memory, Stretch stretch) noexcept {
  return {{memory.name(), memory.base() + stretch.offset},
          {memory.window_name(), memory.window_base() + stretch.offset}, stretch.bytes};
}

struct CopyAccesses {
  explicit CopyAccesses(const Copy& copy) noexcept
      : list{{copy.from.name, copy.from.offset, copy.from.offset + copy.bytes, false},
             {copy.to.name, copy.to.offset, copy.to.offset + copy.bytes, true}} {}
  Access list[2];
};

}  // namespace

uint64_t Encoder::defer_downloads() noexcept {
  if (download_count_ == 0 || !copy_.works(*context_)) return 0;
  for (uint32_t i = 0; i < download_count_; ++i) {
    const Download& download = downloads_[i];
    if (!download.memory->shader_copies() ||
        !takes(context_->facts().limits, download_of(*download.memory, download.stretch))) {
      return 0;
    }
  }
  if (client_barrier_) context_->gl().MemoryBarrier(GL_CLIENT_MAPPED_BUFFER_BARRIER_BIT);
  client_barrier_ = false;
  deferred_ = true;
  return downloads_[0].value;
}

void Encoder::order_all() noexcept {
  context_->gl().MemoryBarrier(GL_SHADER_STORAGE_BARRIER_BIT | GL_BUFFER_UPDATE_BARRIER_BIT);
  hazards_.barrier_done();
}

// Before an operation's own accesses are known: whatever the downloads must wait
// for, they wait for here, because a recipe cannot be interrupted by a barrier.
void Encoder::prepare_beside(const Operation& operation) noexcept {
  bool ordered = !hazards_.has_room(2 * download_count_), shared = false;
  for (uint32_t i = 0; i < download_count_; ++i) {
    const Download& download = downloads_[i];
    const CopyAccesses accesses(download_of(*download.memory, download.stretch));
    ordered |= hazards_.needs_barrier(accesses.list, 2);
    for (const MemoryRange* own : {&operation.input, &operation.residual, &operation.output}) {
      shared |= own->memory.get() == download.memory;
    }
  }
  if (ordered) order_all();
  // What this operation uses itself is copied before it.
  if (shared) download_beside();
}

void Encoder::run_beside() noexcept {
  pad_dispatches();
  // Behind the first copy: the others and the dispatch that they run beside.
  first_beside_ = waits_.next() + 1;
  copies_beside_ = 0;
  if (deferred_) download_beside();
  if (next_ != nullptr) look_ahead(*next_);
}

// In front of the first copy, behind the same barrier: whatever waits there has nothing
// to wait for.
void Encoder::pad_dispatches() noexcept {
  uint32_t copies = deferred_ ? download_count_ : 0;
  if (next_ != nullptr) copies += next_->residual.memory != nullptr ? 2 : 1;
  const uint32_t pad = waits_.padding(copies);
  if (copies == 0 || pad == 0 || !copy_.works(*context_)) return;
  for (uint32_t i = 0; i < pad; ++i) copy_.idle(context_->gl(), bound_);
  waits_.count(pad);
}

void Encoder::note_copy(uint64_t bytes) noexcept {
  waits_.count(1);
  ++copies_beside_;
  stats_->add(Counter::gpu_copied_bytes, bytes);
  if (rules_.beside != nullptr) rules_.beside->fetch_add(1, std::memory_order_relaxed);
}

void Encoder::download_beside() noexcept {
  if (!hazards_.has_room(2 * download_count_)) return;  // later, with the batch
  note_error();
  for (uint32_t i = 0; i < download_count_; ++i) {
    const Download& download = downloads_[i];
    const Copy copy = download_of(*download.memory, download.stretch);
    const CopyAccesses accesses(copy);
    hazards_.add(accesses.list, 2);
    copy_.copy(context_->gl(), bound_, copy.from, copy.to, copy.bytes,
               CopyShader::groups_for(CopyShader::Way::down, copy.bytes, beside_ns_));
    note_copy(copy.bytes);
  }
  note_downloads(status_of_gl_error(context_->gl().GetError()));
}

void Encoder::look_ahead(const Operation& next) noexcept {
  for (const MemoryRange* range : {&next.input, &next.residual}) {
    auto* memory = static_cast<GlMemory*>(range->memory.get());
    if (memory == nullptr || memory->generation() != generation_ || !memory->shader_copies()) {
      continue;
    }
    if (copy_.works(*context_)) upload_beside(*memory);
  }
}

void Encoder::upload_beside(GlMemory& memory) noexcept {
  Stretch stretches[GlMemory::stretch_limit];
  const uint32_t count = memory.take_flushed(stretches);
  for (uint32_t i = 0; i < count; ++i) {
    const Copy copy = upload_of(memory, stretches[i]);
    const CopyAccesses accesses(copy);
    if (!takes(context_->facts().limits, copy) || hazards_.needs_barrier(accesses.list, 2)) {
      // Its own encode() copies it, behind whatever it must wait for.
      memory.give_back_flushed(&stretches[i], 1);
      continue;
    }
    hazards_.add(accesses.list, 2);
    note_error();
    copy_.copy(context_->gl(), bound_, copy.from, copy.to, copy.bytes,
               CopyShader::groups_for(CopyShader::Way::up, copy.bytes, beside_ns_));
    if (context_->gl().GetError() == GL_NO_ERROR) {
      note_copy(copy.bytes);
    } else {
      // Not this operation's failure, and the next one must not go without its input.
      memory.give_back_flushed(&stretches[i], 1);
    }
  }
}

}  // namespace sporkle::gl
