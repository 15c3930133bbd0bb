// The baseline: OpenGL used directly, in a context of its own, by the thread
// that calls. One kernel whose length is set by its number of rounds and whose
// output the CPU can tell in closed form.
#pragma once

#include <cstdint>
#include <glad/gl.h>
#include <string>

namespace fences {

// One size of the raw kernel: `groups` workgroups of 64 invocations that each
// do `rounds` dependent integer steps.
struct RawWork {
  uint32_t groups = 64;
  uint32_t rounds = 0;
};

class RawGl {
 public:
  static constexpr uint32_t slot_count = 128;
  static constexpr uint32_t group_size = 64;
  static constexpr uint32_t most_groups = 1024;
  static constexpr uint64_t most_bytes = uint64_t{most_groups} * group_size * 4;

  // Opens a context on the device whose GL_RENDERER is `renderer`.
  bool open(const std::string& renderer, std::string* reason);
  ~RawGl();
  RawGl() = default;
  RawGl(const RawGl&) = delete;
  RawGl& operator=(const RawGl&) = delete;

  const GladGLContext& gl() const { return gl_; }
  // zink's glFinish returns before the work has ended.
  bool finish_is_sound() const;

  // Writes output slot `slot` from input slot 0, all in device memory.
  void dispatch(RawWork work, uint32_t slot);
  // Writes the mapped output slot from the mapped input slot.
  void dispatch_mapped(RawWork work, uint32_t slot);
  uint32_t* mapped_input(uint32_t slot) { return map_in_ + slot * most_words; }
  const uint32_t* mapped_output(uint32_t slot) const { return map_out_ + slot * most_words; }
  void client_barrier() const { gl_.MemoryBarrier(GL_CLIENT_MAPPED_BUFFER_BARRIER_BIT); }

  // The word that the kernel makes of `x`.
  static uint32_t expected(uint32_t x, uint32_t rounds);

  // Writes zeros to every output slot.
  void poison();
  // Compares every word of the slots; 0 on a mismatch, else words compared.
  uint64_t verify(RawWork work, uint32_t slots);

  // Time of one dispatch in a dependent stream: that of 2 R dispatches with a
  // barrier between each and the next, minus that of R, over R.
  double stream_ns(RawWork work);
  // Rounds for which that time is `target_ns`.
  uint32_t calibrate(uint32_t groups, double target_ns);

  // Waits until the sync object has signalled; false on an error.
  bool wait(GLsync sync) const;

 private:
  static constexpr uint32_t most_words = most_groups * group_size;
  bool make_context(void* device, std::string* reason);
  bool make_objects(std::string* reason);

  void* library_ = nullptr;
  void* display_ = nullptr;
  void* context_ = nullptr;
  GladGLContext gl_{};
  GLuint program_ = 0;
  GLuint buffers_[4] = {};  // input, output, mapped input, mapped output
  uint32_t* map_in_ = nullptr;
  uint32_t* map_out_ = nullptr;
};

}  // namespace fences
