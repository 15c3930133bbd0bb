#include "backends/gl/shaders/shaders.h"

namespace sporkle::gl::shaders {

// Groups of one input channel: a thread keeps the input patch of TILE_H x TILE_W output
// pixels in registers. Loads are clamped instead of branched around, as in the Winograd
// transforms. All indices into the patch are constant.
const char depthwise[] = R"glsl(
layout(std430, binding = 0) readonly buffer Input { float x[]; };
layout(std430, binding = 1) readonly buffer Weights { float w[]; };
#if OUT_W % 4 == 0
#define QUAD vec4
#else
#define QUAD float
#endif
#if HAS_RESIDUAL
layout(std430, binding = 3) readonly buffer Residual { QUAD residual[]; };
#endif
layout(std430, binding = 4) writeonly buffer Output { QUAD y[]; };

void store(uint o, QUAD v, float bias_k) {
  v += bias_k;
#if HAS_RESIDUAL
  v += residual[o];
#endif
  y[o] = activate(v);
}

void main() {
  uint channel = args[1].x + gl_WorkGroupID.x;
  uint id = pixel_tile() * THREADS + gl_LocalInvocationIndex;
  uint image = id / (TILES_Y * TILES_X);
  if (image >= args[0].y) return;
  int oh = int(id / TILES_X % TILES_Y) * TILE_H;
  int ow = int(id % TILES_X) * TILE_W;
  int ih = oh * STRIDE_H - PAD_TOP;
  int iw = ow * STRIDE_W - PAD_LEFT;
  int plane = int(args[0].z) + int(image) * IMAGE_IN + int(channel / GROUP_K) * PLANE_IN;
  float patch_[PATCH_H * PATCH_W];
@for j PATCH_W
  int col$j = clamp(iw + $j, 0, IN_W - 1);
  bool in$j = uint(iw + $j) < uint(IN_W);
@end
@for i PATCH_H
  {
    int line = plane + clamp(ih + $i, 0, IN_H - 1) * IN_W;
    bool row = uint(ih + $i) < uint(IN_H);
@for j PATCH_W
    float v$j = x[line + col$j];
@end
@for j PATCH_W
    patch_[$i * PATCH_W + $j] = row && in$j ? v$j : 0.0;
@end
  }
@end
@for a TILE_H
  vec4 acc$a = vec4(0.0);
@end
  uint w_at = channel * uint(KERNEL_H * KERNEL_W) - args[1].y;
@for r KERNEL_H
@for s KERNEL_W
  {
    float wt = w[w_at + uint($r * KERNEL_W + $s)];
@for a TILE_H
    acc$a = fma(vec4(wt),
                vec4(patch_[($a * STRIDE_H + $r * DILATION_H) * PATCH_W + $s * DILATION_W],
                     patch_[($a * STRIDE_H + $r * DILATION_H) * PATCH_W + $s * DILATION_W + STRIDE_W],
                     patch_[($a * STRIDE_H + $r * DILATION_H) * PATCH_W + $s * DILATION_W + 2 * STRIDE_W],
                     patch_[($a * STRIDE_H + $r * DILATION_H) * PATCH_W + $s * DILATION_W + 3 * STRIDE_W]),
                acc$a);
@end
  }
@end
@end
  uint o = args[0].w + image * IMAGE_OUT + channel * PLANE_OUT + uint(oh * OUT_W + ow);
  float b = BIAS(channel);
@for a TILE_H
  if (oh + $a < OUT_H) {
#if OUT_W % 4 == 0
    store((o + $a * OUT_W) / 4u, acc$a, b);
#else
@for l 4
    if (ow + $l < OUT_W) store(o + uint($a * OUT_W + $l), acc$a[$l], b);
@end
#endif
  }
@end
}
)glsl";

}  // namespace sporkle::gl::shaders
