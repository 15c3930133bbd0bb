#include "backends/gl/shaders/shaders.h"

namespace sporkle::gl::shaders {

// args[0]: x always 0 (a loop bound that uses it cannot be unrolled), y pixels or
// tiles of this dispatch, z and w first element of input and output inside their
// bindings. args[1]: x first slab of this dispatch, y where the bound weights start
// (in elements of the shader's weight array), z elements between two splits, w tiles of a
// row of the workspace where they are not compiled in. Sums of these wrap around 2^32
// where a start is subtracted; the result is in range again.
const char common[] = R"glsl(
layout(local_size_x = THREADS) in;
layout(location = 0) uniform uvec4 args[2];

// NaN is told by its bits: compilers turn float comparisons into min and max, which
// may drop it.
bool is_nan(float v) { return (floatBitsToUint(v) & 0x7fffffffu) > 0x7f800000u; }
#if ACTIVATION == 1
float activate(float v) { return is_nan(v) ? v : max(v, 0.0); }
#elif ACTIVATION == 2
float activate(float v) {
  float limited = clamp(v, uintBitsToFloat(CLAMP_MIN_BITS), uintBitsToFloat(CLAMP_MAX_BITS));
  return is_nan(v) ? v : limited;
}
#else
float activate(float v) { return v; }
#endif
vec2 activate(vec2 v) { return vec2(activate(v.x), activate(v.y)); }
vec4 activate(vec4 v) { return vec4(activate(v.x), activate(v.y), activate(v.z), activate(v.w)); }

#if HAS_BIAS
layout(std430, binding = 2) readonly buffer Bias { float bias[]; };
#define BIAS(i) bias[i]
#else
#define BIAS(i) 0.0
#endif

#ifdef LANES_M
// A warp's threads along channels and pixels. Bit 0 of the thread's number counts pixels, bit
// 1 channels: of two neighbours one always reads the same element of either operand, so that
// shared memory serves a whole vec4 per thread in fewer passes.
#if MIXED_LANES
int lane_m(int lane) { return (lane >> 1) % 2 + lane / (2 * LANES_N) * 2; }
int lane_n(int lane) { return lane % 2 + (lane >> 2) % (LANES_N / 2) * 2; }
#else
int lane_m(int lane) { return lane / LANES_N; }
int lane_n(int lane) { return lane % LANES_N; }
#endif
#endif

// Pixel tiles are folded over y and z; the last ones may lie past the end.
uint pixel_tile() { return gl_WorkGroupID.y + gl_WorkGroupID.z * gl_NumWorkGroups.y; }
)glsl";

}  // namespace sporkle::gl::shaders
