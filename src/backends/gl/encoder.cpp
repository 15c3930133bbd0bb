#include "backends/gl/encoder.h"

#include <algorithm>

namespace sporkle::gl {

namespace {

GlMemory* memory_of(const MemoryRange& range) noexcept {
  return static_cast<GlMemory*>(range.memory.get());
}

TensorPlace bound(const MemoryRange& range) noexcept {
  const GlMemory& memory = *memory_of(range);
  return {memory.name(), memory.base() + range.offset};
}

constexpr GLbitfield shader_and_copy =
    GL_SHADER_STORAGE_BARRIER_BIT | GL_BUFFER_UPDATE_BARRIER_BIT;

}  // namespace

void Encoder::start(const GlContext* context, uint64_t generation) noexcept {
  context_ = context;
  generation_ = generation;
  context_->gl().GenQueries(timer_count * 2, timers_);
}

void Encoder::stop(const GladGLContext& gl) noexcept {
  copy_.destroy(gl);
  for (BufferObject& workspace : workspaces_) gl.DeleteBuffers(1, &workspace.name);
  gl.DeleteQueries(timer_count * 2, timers_);
}

void Encoder::forget() noexcept {
  for (BufferObject& workspace : workspaces_) forget_workspace(&workspace);
  hazards_.barrier_done();
  bound_.reset();
  download_count_ = 0;
  deferred_ = client_barrier_ = false;
  copy_.forget();
  waits_ = DispatchWaits();
  context_ = nullptr;
}

Status Encoder::check(const Operation& operation) const noexcept {
  const auto& plan = static_cast<const GlWork&>(*operation.plan);
  // Plans and memory of a context that was lost do not exist in this one.
  if (plan.generation() != generation_) return SPORKLE_ERROR_DEVICE_LOST;
  for (const MemoryRange* range : {&operation.input, &operation.residual, &operation.output}) {
    if (range->memory == nullptr) continue;
    if (memory_of(*range)->generation() != generation_) return SPORKLE_ERROR_DEVICE_LOST;
    if (range->offset % context_->facts().limits.offset_alignment != 0) {
      return SPORKLE_ERROR_UNSUPPORTED;
    }
  }
  return SPORKLE_OK;
}

void Encoder::order() noexcept {
  flush_downloads();
  context_->gl().MemoryBarrier(shader_and_copy);
  hazards_.barrier_done();
}

void Encoder::note_error() noexcept {
  const GLenum error = context_->gl().GetError();
  if (error_ == GL_NO_ERROR) error_ = error;
}

void Encoder::upload(GlMemory* memory) {
  if (memory == nullptr || memory->coherent()) return;
  Stretch stretches[GlMemory::stretch_limit];
  const uint32_t count = memory->take_flushed(stretches);
  if (count == 0) return;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t begin = memory->base() + stretches[i].offset;
    const Access access{memory->name(), begin, begin + stretches[i].bytes, true};
    // The copy must not overtake an operation that still reads or writes there.
    if (hazards_.needs_barrier(&access, 1)) order();
    memory->upload(context_->gl(), stretches[i]);
  }
  note_error();
  if (error_ == GL_NO_ERROR) return;
  memory->give_back_flushed(stretches, count);
  fail(status_of_gl_error(error_), "buffer: the OpenGL driver did not copy (error 0x%04x)", error_);
}

void Encoder::forget_workspace(BufferObject* workspace) noexcept {
  stats_->add(Counter::workspace_bytes_removed, workspace->size);
  *workspace = BufferObject{};
}

GLuint Encoder::take_workspace(uint64_t bytes) {
  if (bytes == 0) return 0;
  BufferObject& workspace = workspaces_[next_workspace_];
  next_workspace_ = (next_workspace_ + 1) % workspace_count;
  if (workspace.size < bytes) {
    refuse_beyond_memory(*context_, BufferKind::local, bytes);
    // OpenGL keeps the old storage until the operations that use it have ended.
    context_->gl().DeleteBuffers(1, &workspace.name);
    context_->checkpoint();
    bound_.reset();
    forget_workspace(&workspace);
    reclaim_.retry([&] {
      create_buffer_object(*context_, rules_, BufferKind::local, MapChoice{}, bytes, &workspace);
    });
    stats_->add(Counter::workspace_bytes_added, workspace.size);
  }
  return workspace.name;
}

void Encoder::reserve_workspace(uint64_t bytes) {
  const uint64_t before = std::min(workspaces_[0].size, workspaces_[1].size);
  try {
    for (uint32_t i = 0; i < workspace_count; ++i) take_workspace(bytes);
  } catch (const Error&) {
    for (const BufferObject& workspace : workspaces_) {
      context_->gl().DeleteBuffers(1, &workspace.name);
    }
    context_->checkpoint();
    for (BufferObject& workspace : workspaces_) forget_workspace(&workspace);
    bound_.reset();
    reserve_workspace(before);  // plans made earlier count on it
    throw;
  }
}

namespace {

TensorPlace place_of(const StepTensor& tensor, const Operation& operation,
                     GLuint workspace) noexcept {
  switch (tensor.source) {
    case StepTensor::Source::none: break;
    case StepTensor::Source::input: return bound(operation.input);
    case StepTensor::Source::residual: return bound(operation.residual);
    case StepTensor::Source::output: return bound(operation.output);
    case StepTensor::Source::workspace: return {workspace, tensor.offset};
  }
  return {};
}

}  // namespace

void Encoder::encode_step(const Operation& operation, const GlWork& work, const GlStep& step,
                          GLuint workspace, Beside beside) noexcept {
  RecipeTensors tensors;
  tensors.input = place_of(step.input, operation, workspace);
  tensors.packed = {step.plan->packed_name(), 0};
  tensors.residual = place_of(step.residual, operation, workspace);
  tensors.output = place_of(step.output, operation, workspace);
  tensors.workspace = {workspace, work.arena_bytes()};
  Access accesses[4];
  uint32_t count = 0;
  const auto add = [&](const TensorPlace& place, uint64_t bytes, bool write) {
    if (bytes > 0) accesses[count++] = {place.name, place.offset, place.offset + bytes, write};
  };
  const ConvProblem& p = step.plan->problem();
  add(tensors.input, p.input_bytes(), false);
  add(tensors.residual, p.residual_bytes(), false);
  add(tensors.output, p.output_bytes(), true);
  add(tensors.workspace, step.plan->workspace_bytes(), true);
  if (hazards_.needs_barrier(accesses, count)) order();
  const uint32_t earlier = hazards_.mark();
  hazards_.add(accesses, count);
  const Recipe& recipe = step.plan->recipe();
  const uint32_t before = beside.run != nullptr ? main_dispatch(recipe) : 0;
  waits_.count(before);
  dispatch_recipe(context_->gl(), recipe, step.plan->program_names(), tensors, bound_, beside);
  waits_.count(recipe.dispatches.size() - before);
  // A neighbour of several dispatches needs no other barrier: its first one runs
  // beside the last of this operation.
  if (has_barrier(step.plan->recipe())) hazards_.ordered(earlier);
}

Status Encoder::encode(Entry& entry, uint64_t value, const Operation* next) noexcept try {
  const Operation& operation = entry.operation;
  const auto& work = static_cast<const GlWork&>(*operation.plan);
  const Status checked = check(operation);
  if (checked != SPORKLE_OK) return checked;
  const GladGLContext& gl = context_->gl();
  // Of our own calls every error has been taken.
  if (!bound_.known()) clear_gl_errors(gl);
  error_ = GL_NO_ERROR;
  if (deferred_) prepare_beside(operation);
  upload(memory_of(operation.input));
  upload(memory_of(operation.residual));
  upload(memory_of(operation.output));
  const GLuint workspace = take_workspace(work.workspace_bytes());
  start_timer(entry, value);
  next_ = next;
  beside_ns_ = work.predicted().ns;
  copies_beside_ = 0;
  Beside beside{[](void* self) noexcept { static_cast<Encoder*>(self)->run_beside(); }, this};
  for (const GlStep& step : work.steps()) {
    encode_step(operation, work, step, workspace, beside);
    beside = {};
  }
  entry.beside_first = first_beside_;
  entry.beside_count = copies_beside_;
  note_error();
  const Status status = status_of_gl_error(error_);
  if (entry.timer >= 0) gl.QueryCounter(timers_[entry.timer * 2 + 1], GL_TIMESTAMP);
  if (status == SPORKLE_OK) plan_download(entry, value);
  return status;
} catch (const Error& error) {
  return error.status;
}

void Encoder::start_timer(Entry& entry, uint64_t value) noexcept {
  // Only synchronous calls report device time; two timestamps per operation
  // would cost a stream of small ones more than they tell.
  if (entry.sink == nullptr || !entry.sink->timed) return;
  entry.timer = static_cast<int32_t>(value % timer_count);
  context_->gl().QueryCounter(timers_[entry.timer * 2], GL_TIMESTAMP);
}

void Encoder::touch() noexcept {
  const GladGLContext& gl = context_->gl();
  gl.QueryCounter(timers_[0], GL_TIMESTAMP);
  gl.Flush();
  // Of our own calls every error has been taken.
  clear_gl_errors(gl);
  context_->checkpoint();
}

void Encoder::plan_download(Entry& entry, uint64_t value) noexcept {
  const Operation& operation = entry.operation;
  GlMemory* memory = memory_of(operation.output);
  client_barrier_ |= memory->wants_client_barrier();
  if (memory->form() != MemoryForm::window || !memory->cpu_reads()) return;
  if (download_count_ == download_limit) order();
  downloads_[download_count_++] = {
      memory, {operation.output.offset, operation.plan->extent().output_bytes}, &entry, value};
}

void Encoder::flush_downloads() noexcept {
  if (download_count_ == 0) return;
  // What has gone wrong so far belongs to the operation being encoded.
  note_error();
  context_->gl().MemoryBarrier(GL_BUFFER_UPDATE_BARRIER_BIT);
  for (uint32_t i = 0; i < download_count_; ++i) {
    downloads_[i].memory->download(context_->gl(), downloads_[i].stretch);
  }
  note_downloads(status_of_gl_error(context_->gl().GetError()));
}

// Which of the copies failed is not known: none counts as done.
void Encoder::note_downloads(Status status) noexcept {
  for (uint32_t i = 0; i < download_count_; ++i) {
    if (status < 0) downloads_[i].entry->status = status;
  }
  download_count_ = 0;
  deferred_ = false;
}

void Encoder::finish_batch() noexcept {
  flush_downloads();
  if (client_barrier_) context_->gl().MemoryBarrier(GL_CLIENT_MAPPED_BUFFER_BARRIER_BIT);
  client_barrier_ = false;
}

void Encoder::collect(Entry& entry) noexcept {
  const GladGLContext& gl = context_->gl();
  const Operation& operation = entry.operation;
  if (entry.status != SPORKLE_OK || operation.plan == nullptr) return;
  GlMemory* memory = memory_of(operation.output);
  const bool publish = entry.sink != nullptr || operation.publish_output;
  if (publish && memory->form() == MemoryForm::shadow) {
    clear_gl_errors(gl);
    gl.MemoryBarrier(GL_BUFFER_UPDATE_BARRIER_BIT);
    memory->download(gl, {operation.output.offset, operation.plan->extent().output_bytes});
    entry.status = status_of_gl_error(gl.GetError());
  }
  if (entry.timer < 0 || entry.sink == nullptr) return;
  GLuint64 begin = 0, end = 0;
  gl.GetQueryObjectui64v(timers_[entry.timer * 2], GL_QUERY_RESULT, &begin);
  gl.GetQueryObjectui64v(timers_[entry.timer * 2 + 1], GL_QUERY_RESULT, &end);
  // The caller may have given the thread up.
  context_->checkpoint();
  entry.sink->device_ns = end > begin ? end - begin : 0;
}

}  // namespace sporkle::gl
