#include "backends/gl/dispatch.h"

#include <algorithm>

#include "backends/gl/self_test.h"
#include "base/clock.h"

namespace sporkle::gl {

namespace {

// Copies too: Encoder counts it as a barrier between operations.
constexpr GLbitfield order_bits = GL_SHADER_STORAGE_BARRIER_BIT | GL_BUFFER_UPDATE_BARRIER_BIT;

constexpr uint32_t batch_limit = 32;
constexpr uint64_t run_limit = 256;  // runs per batch

// A pair of timestamp queries.
class Timer {
 public:
  explicit Timer(const GladGLContext& gl) : gl_(gl) { gl_.GenQueries(2, queries_); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { gl_.DeleteQueries(2, queries_); }

  void start() noexcept { gl_.QueryCounter(queries_[0], GL_TIMESTAMP); }
  // False when the commands between do not end in time.
  bool stop(uint64_t patience_ns, uint64_t* out_ns) noexcept {
    gl_.QueryCounter(queries_[1], GL_TIMESTAMP);
    const GLsync sync = gl_.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
    const bool ended = sync != nullptr && wait_sync(gl_, sync, patience_ns);
    gl_.DeleteSync(sync);
    if (!ended) return false;
    GLuint64 begin = 0, end = 0;
    gl_.GetQueryObjectui64v(queries_[0], GL_QUERY_RESULT, &begin);
    gl_.GetQueryObjectui64v(queries_[1], GL_QUERY_RESULT, &end);
    *out_ns = end > begin ? end - begin : 0;
    return true;
  }

 private:
  const GladGLContext& gl_;
  GLuint queries_[2] = {};
};

class Batches {
 public:
  Batches(const GladGLContext& gl, const Recipe& recipe, const GLuint* programs,
          const RecipeTensors& tensors, uint64_t patience_ns, const GlContext* context)
      : gl_(gl), recipe_(recipe), programs_(programs), tensors_(tensors),
        patience_ns_(patience_ns), context_(context), timer_(gl) {}

  // Nanoseconds per run of a batch of `runs`; 0 when it did not end.
  uint64_t run(uint64_t runs) noexcept {
    // As in a stream of like operations: only what differs is bound again.
    BoundState bound;
    timer_.start();
    for (uint64_t i = 0; i < runs; ++i) {
      dispatch_recipe(gl_, recipe_, programs_, tensors_, bound);
      gl_.MemoryBarrier(GL_SHADER_STORAGE_BARRIER_BIT);
    }
    uint64_t ns = 0;
    const bool ended = timer_.stop(patience_ns_, &ns);
    if (context_ != nullptr) context_->checkpoint();
    return ended ? std::max<uint64_t>(ns / runs, 1) : 0;
  }

 private:
  const GladGLContext& gl_;
  const Recipe& recipe_;
  const GLuint* programs_;
  const RecipeTensors& tensors_;
  uint64_t patience_ns_;
  const GlContext* context_;
  Timer timer_;
};

}  // namespace

static bool reads_weights(const Dispatch& d) noexcept {
  return std::any_of(d.bindings, d.bindings + d.binding_count,
                     [](const Binding& b) { return b.tensor == Tensor::packed; });
}

static void dispatch_all(const GladGLContext& gl, const std::pmr::vector<Dispatch>& dispatches,
                         const GLuint* programs, const RecipeTensors& tensors,
                         BoundState& bound, Beside beside = {}) noexcept {
  const TensorPlace* const places[] = {&tensors.input,  &tensors.packed,    &tensors.residual,
                                       &tensors.output, &tensors.workspace, &tensors.raw};
  for (const Dispatch& d : dispatches) {
    if (d.barrier != 0) gl.MemoryBarrier(order_bits);
    if (beside.run != nullptr && reads_weights(d)) {
      beside.run(beside.data);
      beside.run = nullptr;
    }
    bound.use(gl, programs[d.program], d.args);
    for (uint32_t i = 0; i < d.binding_count; ++i) {
      const Binding& b = d.bindings[i];
      const TensorPlace& place = *places[static_cast<uint32_t>(b.tensor)];
      bound.bind(gl, b.slot, place.name, place.offset + b.offset, b.bytes);
    }
    gl.DispatchCompute(d.groups[0], d.groups[1], d.groups[2]);
  }
}

uint32_t main_dispatch(const Recipe& recipe) noexcept {
  const auto main = std::find_if(recipe.dispatches.begin(), recipe.dispatches.end(), reads_weights);
  return static_cast<uint32_t>(main - recipe.dispatches.begin());
}

bool has_barrier(const Recipe& recipe) noexcept {
  return std::any_of(recipe.dispatches.begin(), recipe.dispatches.end(),
                     [](const Dispatch& d) { return d.barrier != 0; });
}

void dispatch_recipe(const GladGLContext& gl, const Recipe& recipe, const GLuint* programs,
                     const RecipeTensors& tensors, BoundState& bound,
                     Beside beside) noexcept {
  dispatch_all(gl, recipe.dispatches, programs, tensors, bound, beside);
}

void dispatch_packing(const GladGLContext& gl, const Recipe& recipe, const GLuint* packers,
                      GLuint raw, uint64_t weights_bytes, uint64_t bias_bytes,
                      GLuint packed) noexcept {
  RecipeTensors tensors;
  tensors.packed.name = packed;
  tensors.raw.name = raw;
  BoundState bound;
  dispatch_all(gl, recipe.packing, packers, tensors, bound);
  if (bias_bytes != 0) {
    gl.BindBuffer(GL_COPY_READ_BUFFER, raw);
    gl.BindBuffer(GL_COPY_WRITE_BUFFER, packed);
    gl.CopyBufferSubData(GL_COPY_READ_BUFFER, GL_COPY_WRITE_BUFFER,
                         static_cast<GLintptr>(weights_bytes),
                         static_cast<GLintptr>(recipe.bias_offset),
                         static_cast<GLsizeiptr>(bias_bytes));
    gl.BindBuffer(GL_COPY_READ_BUFFER, 0);
    gl.BindBuffer(GL_COPY_WRITE_BUFFER, 0);
  }
  gl.MemoryBarrier(GL_SHADER_STORAGE_BARRIER_BIT | GL_BUFFER_UPDATE_BARRIER_BIT);
}

Timing time_recipe(const GladGLContext& gl, const Recipe& recipe, const GLuint* programs,
                   const RecipeTensors& tensors, const TimingRules& given,
                   const GlContext* context) noexcept {
  const TimingRules rules = given;
  Timing timing;
  Batches batches(gl, recipe, programs, tensors, rules.patience_ns, context);
  const uint64_t start = now_ns();
  // The first run includes what the driver puts off until then.
  uint64_t last = batches.run(1);
  if (last != 0) last = batches.run(1);
  uint64_t runs = 1;
  while (last != 0) {
    runs = std::clamp<uint64_t>(rules.batch_ns / last, 1, run_limit);
    const uint64_t now = batches.run(runs);
    timing.warm_ns = now_ns() - start;
    const double change = static_cast<double>(now) / static_cast<double>(last) - 1.0;
    last = now;
    const bool steady = change < rules.steady && change > -rules.steady;
    if (timing.warm_ns >= (steady ? rules.least_warm_ns : rules.warm_ns)) break;
  }
  uint64_t found[batch_limit];
  const uint32_t count = std::clamp<uint32_t>(rules.batches, 1, batch_limit);
  for (uint32_t i = 0; i < count && last != 0; ++i) last = found[i] = batches.run(runs);
  if (last == 0) return timing;
  std::sort(found, found + count);
  timing.ended = true;
  timing.median_ns = found[count / 2];
  timing.fastest_ns = found[0];
  timing.slowest_ns = found[count - 1];
  return timing;
}

}  // namespace sporkle::gl
