#include "backends/gl/shaders/shaders.h"

namespace sporkle::gl::shaders {

// One thread computes TN pixels, THREADS apart, of BM output channels; no shared
// memory and no barrier. Takes any problem; the choice for depthwise and for groups
// of a few channels, where there is little to share. With EXACT_PADDING a tap
// outside the input is skipped instead of multiplied by zero, which matters when a
// weight is infinite or NaN.
const char direct[] = R"glsl(
#if BM == 1
#define LANE float
#else
#define LANE vec4
#endif
layout(std430, binding = 0) readonly buffer Input { float x[]; };
layout(std430, binding = 1) readonly buffer Weights { LANE w[]; };
#if HAS_RESIDUAL
layout(std430, binding = 3) readonly buffer Residual { float residual[]; };
#endif
layout(std430, binding = 4) writeonly buffer Output { float y[]; };

void main() {
  int zero = int(args[0].x);
  uint slab = args[1].x + gl_WorkGroupID.x;
  int group = int(slab / SLABS);
  uint pixels = args[0].y;
  uint first = pixel_tile() * uint(THREADS * TN) + gl_LocalInvocationIndex;
@for j TN
  uint p$j = first + uint($j * THREADS);
  int q$j = int(min(p$j, pixels - 1u) % PLANE_OUT);
  int ih$j = (q$j / OUT_W) * STRIDE_H - PAD_TOP;
  int iw$j = (q$j % OUT_W) * STRIDE_W - PAD_LEFT;
  int at$j = int(args[0].z) + int(min(p$j, pixels - 1u) / PLANE_OUT) * IMAGE_IN +
             group * (GROUP_C * PLANE_IN) + ih$j * IN_W + iw$j;
@for q BM_LANES
  LANE acc$q_$j = LANE(0.0);
@end
@end
  int w_at = int(slab * uint(GROUP_C * KERNEL_H * KERNEL_W * BM_LANES) - args[1].y);

  for (int c = 0; c < GROUP_C + zero; ++c) {
    for (int r = 0; r < KERNEL_H + zero; ++r) {
@for j TN
      bool row$j = uint(ih$j + r * DILATION_H) < uint(IN_H);
      int line$j = at$j + c * PLANE_IN + r * (DILATION_H * IN_W);
@end
      for (int s = 0; s < KERNEL_W; ++s) {
@for j TN
        bool in$j = row$j && uint(iw$j + s * DILATION_W) < uint(IN_W);
        float v$j = in$j ? x[line$j + s * DILATION_W] : 0.0;
@end
@for q BM_LANES
        LANE w$q = w[w_at + $q];
@for j TN
#ifdef EXACT_PADDING
        if (in$j) acc$q_$j = fma(w$q, LANE(v$j), acc$q_$j);
#else
        acc$q_$j = fma(w$q, LANE(v$j), acc$q_$j);
#endif
@end
@end
        w_at += BM_LANES;
      }
    }
  }

  uint m_first = (slab % SLABS) * BM;
  uint y_at = args[0].w + uint(group) * uint(GROUP_K * PLANE_OUT);
@for j TN
  if (p$j < pixels) {
    uint at = y_at + (p$j / PLANE_OUT) * IMAGE_OUT + p$j % PLANE_OUT;
@for q BM_LANES
@for c CHANNELS_PER_LANE
    {
      uint m = m_first + uint($q * CHANNELS_PER_LANE + $c);
      if (m < GROUP_K) {
        uint o = at + m * PLANE_OUT;
#if BM == 1
        float v = acc$q_$j;
#else
        float v = acc$q_$j[$c];
#endif
        v += BIAS(uint(group) * (SLABS * BM) + m);
#if HAS_RESIDUAL
        v += residual[o];
#endif
        y[o] = activate(v);
      }
    }
@end
@end
  }
@end
}
)glsl";

}  // namespace sporkle::gl::shaders
