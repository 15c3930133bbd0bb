#include "backends/gl/placement_probe.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>

#include "backends/gl/program_cache.h"
#include "backends/gl/self_test.h"
#include "base/clock.h"
#include "core/cache_store.h"

namespace sporkle::gl {

namespace {

constexpr uint64_t size_hardware = uint64_t{1} << 20;
constexpr uint64_t size_software = uint64_t{256} << 10;
constexpr uint64_t size_slow = uint64_t{16} << 10;  // softpipe interprets every instruction
constexpr uint64_t slow_ns = 1000000;
constexpr uint64_t patience_ns = 2000000000u;
constexpr int tries = 3;
constexpr uint32_t group_bytes = 64 * 16;

// Mode 0 reads every word and writes almost none, 1 writes every word.
constexpr const char* source = R"(#version 430
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer From { uvec4 from[]; };
layout(std430, binding = 1) writeonly buffer To { uvec4 to[]; };
layout(location = 0) uniform uint mode;
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (mode == 0u) {
    uvec4 x = from[i];
    if ((x.x ^ x.y ^ x.z ^ x.w) == 0x9e3779b9u) to[0] = x;
  } else {
    to[i] = uvec4(i);
  }
}
)";

double rate(uint64_t bytes, uint64_t ns) noexcept {
  return ns == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(ns);
}

// Reads every byte; the sum keeps the compiler from leaving it out.
uint64_t sum_words(const void* memory, uint64_t bytes) noexcept {
  const auto* words = static_cast<const uint64_t*>(memory);
  uint64_t sum = 0;
  for (uint64_t i = 0; i < bytes / sizeof *words; ++i) sum += words[i];
  return sum;
}

class Probe {
 public:
  Probe(const GlContext& context, const OpenRules& rules)
      : context_(context), rules_(rules), gl_(context.gl()) {}
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  ~Probe() {
    gl_.DeleteQueries(2, timers_);
    if (program_ != 0) gl_.DeleteProgram(program_);
    drop(&local_);
    drop(&sink_);
    clear_gl_errors(gl_);
  }

  void run(ProbeRates* out) {
    const uint64_t start = now_ns();
    program_ = compile_program(gl_, source, "placement probe");
    gl_.GenQueries(2, timers_);
    bytes_ = context_.facts().software ? size_software : size_hardware;
    make_local();
    // A short dispatch tells how patient the rest has to be; the one before it
    // pays for the driver's compiler.
    const uint64_t full = bytes_;
    bytes_ = size_slow;
    gpu_ns([&] { dispatch(local_, sink_, 0); }, 1);
    if (gpu_ns([&] { dispatch(local_, sink_, 0); }, 1) < slow_ns) bytes_ = full;
    out->bytes = bytes_;
    out->local_read = rate(bytes_, gpu_ns([&] { dispatch(local_, sink_, 0); }));
    out->local_write = rate(bytes_, gpu_ns([&] { dispatch(sink_, local_, 1); }));
    for (const BufferKind kind :
         {BufferKind::upload, BufferKind::readback, BufferKind::shared}) {
      for (const bool client : {false, true}) {
        out->mapped[static_cast<uint32_t>(kind)][client] = measure(kind, client);
      }
    }
    out->took_ns = now_ns() - start;
  }

 private:
  void make_local() {
    create_buffer_object(context_, rules_, BufferKind::local, {}, bytes_, &local_);
    create_buffer_object(context_, rules_, BufferKind::local, {}, bytes_, &sink_);
  }

  void drop(BufferObject* object) noexcept {
    if (object->name != 0) gl_.DeleteBuffers(1, &object->name);
    *object = BufferObject{};
  }

  void dispatch(const BufferObject& from, const BufferObject& to, GLuint mode) noexcept {
    gl_.UseProgram(program_);
    gl_.Uniform1ui(0, mode);
    gl_.BindBufferRange(GL_SHADER_STORAGE_BUFFER, 0, from.name, 0, as_size(bytes_));
    gl_.BindBufferRange(GL_SHADER_STORAGE_BUFFER, 1, to.name, 0, as_size(bytes_));
    gl_.DispatchCompute(static_cast<GLuint>(bytes_ / group_bytes), 1, 1);
  }

  void copy(const BufferObject& from, const BufferObject& to) noexcept {
    gl_.BindBuffer(GL_COPY_READ_BUFFER, from.name);
    gl_.BindBuffer(GL_COPY_WRITE_BUFFER, to.name);
    gl_.CopyBufferSubData(GL_COPY_READ_BUFFER, GL_COPY_WRITE_BUFFER, 0, 0, as_size(bytes_));
    gl_.BindBuffer(GL_COPY_READ_BUFFER, 0);
    gl_.BindBuffer(GL_COPY_WRITE_BUFFER, 0);
  }

  static GLsizeiptr as_size(uint64_t bytes) noexcept { return static_cast<GLsizeiptr>(bytes); }

  // The shortest of a few tries, by the device's clock; 0 when it has none.
  template <class F>
  uint64_t gpu_ns(F work, int count = tries) noexcept {
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < count; ++i) {
      gl_.MemoryBarrier(GL_ALL_BARRIER_BITS);
      gl_.QueryCounter(timers_[0], GL_TIMESTAMP);
      work();
      gl_.QueryCounter(timers_[1], GL_TIMESTAMP);
      const GLsync sync = gl_.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
      const bool ended = sync != nullptr && wait_sync(gl_, sync, patience_ns);
      gl_.DeleteSync(sync);
      if (!ended || gl_.GetError() != GL_NO_ERROR) return 0;
      GLuint64 begin = 0, end = 0;
      gl_.GetQueryObjectui64v(timers_[0], GL_QUERY_RESULT, &begin);
      gl_.GetQueryObjectui64v(timers_[1], GL_QUERY_RESULT, &end);
      if (end > begin) best = std::min<uint64_t>(best, end - begin);
    }
    return best == UINT64_MAX ? 0 : best;
  }

  template <class F>
  static uint64_t cpu_ns(F work) noexcept {
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < tries; ++i) {
      const uint64_t start = now_ns();
      work();
      best = std::min(best, now_ns() - start);
    }
    return std::max<uint64_t>(best, 1);
  }

  MapRates measure(BufferKind kind, bool client) noexcept {
    MapRates rates;
    BufferObject object;
    const bool writes = kind != BufferKind::readback;
    const bool reads = kind != BufferKind::upload;
    try {
      create_buffer_object(context_, rules_, kind, {reads, writes, client}, bytes_, &object);
    } catch (const Error&) {
      return rates;
    }
    if (writes) {
      rates.cpu_write = rate(bytes_, cpu_ns([&] { std::memset(object.map, 0x11, bytes_); }));
      rates.gpu_read = rate(bytes_, gpu_ns([&] { dispatch(object, sink_, 0); }));
      rates.copy = rate(bytes_, gpu_ns([&] { copy(object, local_); }));
    }
    if (reads) {
      rates.gpu_write = rate(bytes_, gpu_ns([&] { dispatch(sink_, object, 1); }));
      const double out = rate(bytes_, gpu_ns([&] { copy(local_, object); }));
      rates.copy = writes ? std::min(rates.copy, out) : out;
      rates.cpu_read =
          rate(bytes_, cpu_ns([&] { sums_ = sums_ + sum_words(object.map, bytes_); }));
    }
    drop(&object);
    return rates;
  }

  const GlContext& context_;
  const OpenRules& rules_;
  const GladGLContext& gl_;
  uint64_t bytes_ = 0;
  GLuint program_ = 0;
  GLuint timers_[2] = {};
  BufferObject local_, sink_;
  volatile uint64_t sums_ = 0;
};

constexpr const char* store_kind = "placement";

void store_key(const Facts& facts, char* out, size_t capacity) noexcept {
  std::snprintf(out, capacity, "1|%s|%s|%s", facts.vendor, facts.name, facts.version);
}

}  // namespace

ProbeRates probe_rates(const GlContext& context, const OpenRules& rules) noexcept {
  ProbeRates rates;
  if (!context.facts().buffer_storage || rules.without_probe) return rates;
  try {
    Probe(context, rules).run(&rates);
  } catch (const Error&) {
    rates = ProbeRates{};
  }
  return rates;
}

bool load_rates(const CacheStore& store, std::pmr::memory_resource* memory, const Facts& facts,
                ProbeRates* out) noexcept try {
  char key[512];
  store_key(facts, key, sizeof key);
  std::pmr::vector<unsigned char> content(memory);
  if (!store.enabled() || !store.get(store_kind, key, &content)) return false;
  if (content.size() != sizeof *out) {
    store.blame(store_kind, key, "it holds no rates of this library");
    return false;
  }
  std::memcpy(out, content.data(), sizeof *out);
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

void save_rates(CacheStore& store, const Facts& facts, const ProbeRates& rates) noexcept {
  if (!store.enabled() || rates.took_ns == 0) return;
  char key[512];
  store_key(facts, key, sizeof key);
  const auto* bytes = reinterpret_cast<const unsigned char*>(&rates);
  store.put(store_kind, key, {bytes, sizeof rates});
}

}  // namespace sporkle::gl
