#include "backends/gl/shaders/shaders.h"

namespace sporkle::gl::shaders {

// Sums the partial results of split-K and finishes them. LANES is 4 when planes are
// multiples of 4, else 1. Partials have the layout of the output, args[1].z apart.
const char reduce[] = R"glsl(
#if LANES == 4
#define QUAD vec4
#else
#define QUAD float
#endif
layout(std430, binding = 0) readonly buffer Input { QUAD x[]; };
#if HAS_RESIDUAL
layout(std430, binding = 3) readonly buffer Residual { QUAD residual[]; };
#endif
layout(std430, binding = 4) writeonly buffer Output { QUAD y[]; };

void main() {
  uint id = pixel_tile() * THREADS + gl_LocalInvocationIndex;
  if (id >= args[0].y / LANES) return;
  uint stride = args[1].z / LANES;
  QUAD v = x[id];
  for (uint split = 1u; split < SPLITS + args[0].x; ++split) v += x[id + split * stride];
  uint m = id / (PLANE_OUT / LANES) % OUT_C;
  v += BIAS(m / GROUP_K * (SLABS * BM) + m % GROUP_K);
  uint o = args[0].w / LANES + id;
#if HAS_RESIDUAL
  v += residual[o];
#endif
  y[o] = activate(v);
}
)glsl";

}  // namespace sporkle::gl::shaders
