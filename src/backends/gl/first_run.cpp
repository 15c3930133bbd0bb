#include "backends/gl/first_run.h"

#include <algorithm>
#include <new>

namespace sporkle::gl {

namespace {

// Whether programs and packed weights of one serve the other.
bool interchangeable(const Recipe& a, const Recipe& b) noexcept {
  return a.packed_bytes == b.packed_bytes && a.bias_offset == b.bias_offset &&
         a.table_offset == b.table_offset &&
         std::equal(a.programs.begin(), a.programs.end(), b.programs.begin(), b.programs.end(),
                    [](const Program& x, const Program& y) {
                      return x.shader == y.shader && x.defines == y.defines;
                    });
}

// The first dispatch of each program, cut to one workgroup: what a driver puts off it does for
// any number of them, except none.
void dispatch_once_each(const GladGLContext& gl, const Recipe& recipe, const GLuint* programs,
                        const RecipeTensors& tensors, std::pmr::memory_resource* memory) {
  Recipe once(memory);
  std::pmr::vector<bool> seen(recipe.programs.size(), false, memory);
  for (Dispatch dispatch : recipe.dispatches) {
    if (seen[dispatch.program]) continue;
    seen[dispatch.program] = true;
    std::fill(dispatch.groups, dispatch.groups + 3, 1);
    dispatch.barrier = 1;  // the workspace may be in use, and tensors may share it
    once.dispatches.push_back(dispatch);
  }
  dispatch_recipe(gl, once, programs, tensors);
}

}  // namespace

bool take_part(const Recipe& whole, const ConvProblem& problem, int64_t images,
               const Limits& limits, std::pmr::memory_resource* memory, Part* out) {
  out->problem = problem;
  out->problem.n = images;
  if (!accepts(whole.variant, out->problem, limits, nullptr)) return false;
  out->recipe = build(whole.variant, out->problem, limits, memory, whole.any_batch);
  return interchangeable(out->recipe, whole);
}

Part least_part(const Recipe& whole, const ConvProblem& problem, const Limits& limits,
                std::pmr::memory_resource* memory) {
  Part part{problem, Recipe(memory)};
  if (take_part(whole, problem, 1, limits, memory, &part)) return part;
  return {problem, Recipe(whole, memory)};
}

void warm_up(SubmissionThread& thread, const Part& part, std::span<const GLuint> programs,
             const BufferObject& packed, std::pmr::memory_resource* memory) {
  const uint64_t bytes = std::max(part.problem.input_bytes(), part.problem.output_bytes());
  const uint64_t workspace_bytes = part.recipe.workspace_bytes;
  std::pmr::polymorphic_allocator<> allocator(memory);
  BufferObject* const scratch = allocator.new_object<BufferObject>();
  try {
    thread.call([&](Engine& engine) {
      if (packed.generation != thread.generation()) return;  // names of a context that is gone
      const GladGLContext& gl = engine.gl();
      // Of the two the one that the first call takes: drivers get the memory at its first use.
      const TensorPlace workspace{engine.next_workspace(), 0};
      if (workspace_bytes < bytes) engine.create_buffer(BufferKind::local, bytes, scratch);
      const TensorPlace place{workspace_bytes < bytes ? scratch->name : workspace.name, 0};
      // A plan that is given up in the first dispatch takes its own with it.
      const std::pmr::vector<GLuint> names(programs.begin(), programs.end(), memory);
      dispatch_once_each(gl, part.recipe, names.data(),
                         {place, {packed.name, 0}, place, place, workspace, {}}, memory);
      gl.MemoryBarrier(GL_SHADER_STORAGE_BARRIER_BIT);
      gl.Flush();
      clear_gl_errors(gl);  // a driver that has no memory for it may have some for the call
      engine.context().checkpoint();
    });
  } catch (const Error& error) {
    thread.release(scratch);
    if (error.status == SPORKLE_ERROR_DEVICE_LOST) throw;
    return;
  } catch (const std::bad_alloc&) {
    thread.release(scratch);
    return;
  }
  thread.release(scratch);
}

uint64_t program_hash(const Recipe& recipe) {
  uint64_t hash = 1469598103934665603u;  // FNV-1a
  std::pmr::string source(recipe.programs.get_allocator());
  for (const Program& program : recipe.programs) {
    source.clear();
    append_source(program, source);
    for (const char c : source) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return hash;
}

}  // namespace sporkle::gl
