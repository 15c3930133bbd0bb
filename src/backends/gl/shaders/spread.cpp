#include "backends/gl/shaders/shaders.h"

namespace sporkle::gl::shaders {

// For problems too small to fill a GPU with tiles: the warps of a workgroup share the
// reduction of 32 TN pixels and BM channels, a thread has TN pixels. Loads of UNROLL steps
// are in flight at once; the parts meet in shared memory, in a fixed order.
const char spread[] = R"glsl(
layout(std430, binding = 0) readonly buffer Input { float x[]; };
layout(std430, binding = 1) readonly buffer Weights { vec4 w[]; };
#if HAS_RESIDUAL
layout(std430, binding = 3) readonly buffer Residual { float residual[]; };
#endif
layout(std430, binding = 4) writeonly buffer Output { float y[]; };

#define PIXELS (32 * TN)
shared float part[WARPS * BM * PIXELS];

void main() {
  int zero = int(args[0].x);
  int lane = int(gl_LocalInvocationIndex) % 32;
  int warp = int(gl_LocalInvocationIndex) / 32;
  uint slab = args[1].x + gl_WorkGroupID.x;
  uint group = slab / SLABS;
  uint pixels = args[0].y;
  uint first = pixel_tile() * PIXELS;
@for j TN
  uint p$j = min(first + uint(lane + 32 * $j), pixels - 1u);
  int q$j = int(p$j % PLANE_OUT);
  int ih$j = (q$j / OUT_W) * STRIDE_H - PAD_TOP;
  int iw$j = (q$j % OUT_W) * STRIDE_W - PAD_LEFT;
  int at$j = int(args[0].z) + int(p$j / PLANE_OUT) * IMAGE_IN +
             int(group) * (GROUP_C * PLANE_IN) + ih$j * IN_W + iw$j;
@for q BM4
  vec4 acc$q_$j = vec4(0.0);
@end
@end
  int w_at = int(slab * uint(BLOCKS * UNROLL * BM4) - args[1].y);
  int end = (warp + 1) * BLOCKS / WARPS;

  for (int t = warp * BLOCKS / WARPS; t < end + zero; ++t) {
    int tap = t / BLOCKS_C;
    int channel = t % BLOCKS_C * UNROLL;
    int dy = tap / KERNEL_W * DILATION_H;
    int dx = tap % KERNEL_W * DILATION_W;
    int offset = channel * PLANE_IN + dy * IN_W + dx;
@for j TN
#if CHECKED
    bool in$j = uint(ih$j + dy) < uint(IN_H) && uint(iw$j + dx) < uint(IN_W);
    int from$j = in$j ? at$j + offset : 0;
#else
    int from$j = at$j + offset;
#endif
@end
@for u UNROLL
#if GROUP_C % UNROLL != 0
    int step$u = min(channel + $u, GROUP_C - 1) - channel;
#else
    const int step$u = $u;
#endif
@for j TN
#if CHECKED
    float v$u_$j = x[from$j + (in$j ? step$u * PLANE_IN : 0)];
#else
    float v$u_$j = x[from$j + step$u * PLANE_IN];
#endif
@end
@for q BM4
    vec4 w$u_$q = w[w_at + (t * UNROLL + $u) * BM4 + $q];
@end
@end
@for u UNROLL
@for j TN
#if CHECKED && GROUP_C % UNROLL != 0
    v$u_$j = in$j && channel + $u < GROUP_C ? v$u_$j : 0.0;
#elif CHECKED
    v$u_$j = in$j ? v$u_$j : 0.0;
#elif GROUP_C % UNROLL != 0
    v$u_$j = channel + $u < GROUP_C ? v$u_$j : 0.0;
#endif
@for q BM4
    acc$q_$j = fma(w$u_$q, vec4(v$u_$j), acc$q_$j);
@end
@end
@end
  }
@for q BM4
@for c 4
@for j TN
  part[(warp * BM + 4 * $q + $c) * PIXELS + 32 * $j + lane] = acc$q_$j[$c];
@end
@end
@end
  barrier();

  for (uint e = gl_LocalInvocationIndex; e < BM * PIXELS; e += THREADS) {
    uint m = (slab % SLABS) * BM + e / PIXELS;
    uint p = first + e % PIXELS;
    if (m >= GROUP_K || p >= pixels) continue;
    float v = part[e];
    for (uint i = 1u; i < WARPS; ++i) v += part[i * uint(BM * PIXELS) + e];
    v += BIAS(group * (SLABS * BM) + m);
    uint o = args[0].w + (p / PLANE_OUT) * IMAGE_OUT + (group * GROUP_K + m) * PLANE_OUT +
             p % PLANE_OUT;
#if HAS_RESIDUAL
    v += residual[o];
#endif
    y[o] = activate(v);
  }
}
)glsl";

}  // namespace sporkle::gl::shaders
