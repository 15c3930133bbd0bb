#include "backends/gl/shaders/shaders.h"

namespace sporkle::gl::shaders {

// Convolution by 16x16 Fourier transforms (overlap-save): V = F(tile), W = conj(F(filter)),
// and V W back-transformed is right at the outputs whose window does not wrap around.
//
// A real tile has 4 real and 126 complex values that count. A complex product is three
// real ones (Gauss): with V = a + bi and W = c + di, the planes a + b, a, b meet the planes
// c, d - c, c + d. Position 0..3 are the real values, then three planes per complex one.
// V carries a factor 2, W 1/1024 of twice its transform: exact, and 1/256 in all.
//
// 32 tiles per workgroup, 8 threads each: a thread transforms two rows as one complex
// row, then one column; columns 0 and 8 belong to real rows and go together as one.
const char fourier_common[] = R"glsl(
#define LANES 32
shared float s[2 * 128 * LANES];

vec2 times(vec2 a, float re, float im) {
  return vec2(a.x * re - a.y * im, a.x * im + a.y * re);
}
void radix4(inout vec2 p, inout vec2 q, inout vec2 r, inout vec2 t) {
  vec2 a = p + r;
  vec2 b = p - r;
  vec2 c = q + t;
  vec2 d = vec2(q.y - t.y, t.x - q.x);
  p = a + c;
  q = b + d;
  r = a - c;
  t = b - d;
}
void swap(inout vec2 a, inout vec2 b) {
  vec2 t = a;
  a = b;
  b = t;
}
// X[k] = sum over n of d[n] exp(-2 pi i n k / 16), in place.
void transform(inout vec2 d0, inout vec2 d1, inout vec2 d2, inout vec2 d3, inout vec2 d4,
               inout vec2 d5, inout vec2 d6, inout vec2 d7, inout vec2 d8, inout vec2 d9,
               inout vec2 d10, inout vec2 d11, inout vec2 d12, inout vec2 d13, inout vec2 d14,
               inout vec2 d15) {
  const float c1 = 0.92387953251128674;
  const float c2 = 0.70710678118654752;
  const float c3 = 0.38268343236508977;
  radix4(d0, d4, d8, d12);
  radix4(d1, d5, d9, d13);
  radix4(d2, d6, d10, d14);
  radix4(d3, d7, d11, d15);
  d5 = times(d5, c1, -c3);
  d6 = times(d6, c2, -c2);
  d7 = times(d7, c3, -c1);
  d9 = times(d9, c2, -c2);
  d10 = vec2(d10.y, -d10.x);
  d11 = times(d11, -c2, -c2);
  d13 = times(d13, c3, -c1);
  d14 = times(d14, -c2, -c2);
  d15 = times(d15, -c1, c3);
  radix4(d0, d1, d2, d3);
  radix4(d4, d5, d6, d7);
  radix4(d8, d9, d10, d11);
  radix4(d12, d13, d14, d15);
  swap(d1, d4);
  swap(d2, d8);
  swap(d3, d12);
  swap(d6, d9);
  swap(d7, d13);
  swap(d11, d14);
}
#define TRANSFORM transform(d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11, d12, d13, d14, d15)

void put(int row, int column, int lane, vec2 v) {
  int at = (row * 8 + column) * LANES + lane;
  s[at] = v.x;
  s[128 * LANES + at] = v.y;
}
vec2 get(int row, int column, int lane) {
  int at = (row * 8 + column) * LANES + lane;
  return vec2(s[at], s[128 * LANES + at]);
}
)glsl";

// Tiles of the input, or with FILTER the filters: one lane, one depth row and one tile or
// output channel. Output: [position][depth][tile], or [position][slab][depth][channel].
const char fourier_input[] = R"glsl(
layout(std430, binding = 0) readonly buffer Input { float x[]; };
layout(std430, binding = 4) writeonly buffer Output { float y[]; };

#if FILTER
// args[0]: y depth rows of all slabs times block_m, z block_m, w depth; args[1]: x input
// channels, y output channels, z depth rows without padding.
#define STEP args[0].y
void store_real(uint at, float v) { y[at] = v * (1.0 / 1024.0); }
void store(uint at, vec2 v) {
  v *= 1.0 / 1024.0;
  y[at] = v.x;
  y[at + STEP] = -v.y - v.x;
  y[at + 2u * STEP] = v.x - v.y;
}
#else
#define STEP uint(DEPTH * TILES)
void store_real(uint at, float v) { y[at] = v; }
void store(uint at, vec2 v) {
  y[at] = v.x + v.y;
  y[at + STEP] = v.x;
  y[at + 2u * STEP] = v.y;
}
#endif

// The two transforms of rows u + iv, from d[k] and d[16 - k]; both doubled.
#define SPLIT_ROWS(k, p, q) \
  put(row, k, lane, vec2(p.x + q.x, p.y - q.y)); \
  put(row + 1, k, lane, vec2(p.y + q.y, q.x - p.x));
// The same of columns 0 and 8.
#define SPLIT_COLUMNS(k, p, q) \
  store(id + uint(4 + 3 * (k - 1)) * STEP, vec2(p.x + q.x, p.y - q.y)); \
  store(id + uint(25 + 3 * (k - 1)) * STEP, vec2(p.y + q.y, q.x - p.x));

void main() {
  int lane = int(gl_LocalInvocationIndex) % LANES;
  int turn = int(gl_LocalInvocationIndex) / LANES;
  int row = 2 * turn;
  uint id = pixel_tile() * LANES + uint(lane);
#if FILTER
  uint m = id % args[0].z;
  uint depth = id / args[0].z % args[0].w;
  uint k = id / args[0].z / args[0].w * args[0].z + m;
  bool good = depth < DEPTH && k < OUT_C;
  bool valid = id < args[0].y;
#else
  uint tile = id % TILES;
  uint depth = id / TILES;
  bool good = depth < DEPTH && tile < args[0].y;
  bool valid = good;
#endif
  int channel = int(depth) / (STRIDE_H * STRIDE_W);
  int phase = int(depth) % (STRIDE_H * STRIDE_W);
  int phase_y = phase / STRIDE_W;
  int phase_x = phase % STRIDE_W;
#if FILTER
  int plane = good ? (int(k) * IN_C + channel) * (KERNEL_H * KERNEL_W) : 0;
@for j 16
  int col$j = $j * STRIDE_W + phase_x;
  bool in$j = good && col$j % DILATION_W == 0 && col$j < KERNEL_W * DILATION_W;
  col$j = in$j ? col$j / DILATION_W : 0;
@end
@for i 2
  int tap$i = (row + $i) * STRIDE_H + phase_y;
  bool row$i = tap$i % DILATION_H == 0 && tap$i < KERNEL_H * DILATION_H;
  int line$i = plane + (row$i ? tap$i / DILATION_H * KERNEL_W : 0);
@end
#else
  int image = int(tile / (TILES_Y * TILES_X));
  int ih = int(tile / TILES_X % TILES_Y) * (TILE_H * STRIDE_H) + phase_y - PAD_TOP;
  int iw = int(tile % TILES_X) * (TILE_W * STRIDE_W) + phase_x - PAD_LEFT;
  int plane = good ? int(args[0].z) + image * IMAGE_IN + channel * PLANE_IN : 0;
@for j 16
  int col$j = clamp(iw + $j * STRIDE_W, 0, IN_W - 1);
  bool in$j = good && uint(iw + $j * STRIDE_W) < uint(IN_W);
@end
@for i 2
  int at$i = ih + (row + $i) * STRIDE_H;
  int line$i = plane + clamp(at$i, 0, IN_H - 1) * IN_W;
  bool row$i = uint(at$i) < uint(IN_H);
@end
#endif
@for j 16
  vec2 d$j = vec2(x[line0 + col$j], x[line1 + col$j]);
@end
@for j 16
  d$j = vec2(row0 && in$j ? d$j.x : 0.0, row1 && in$j ? d$j.y : 0.0);
@end
  TRANSFORM;
  put(row, 0, lane, vec2(d0.x, d8.x));
  put(row + 1, 0, lane, vec2(d0.y, d8.y));
  SPLIT_ROWS(1, d1, d15)
  SPLIT_ROWS(2, d2, d14)
  SPLIT_ROWS(3, d3, d13)
  SPLIT_ROWS(4, d4, d12)
  SPLIT_ROWS(5, d5, d11)
  SPLIT_ROWS(6, d6, d10)
  SPLIT_ROWS(7, d7, d9)
  barrier();
@for j 16
  d$j = get($j, turn, lane);
@end
  TRANSFORM;
  if (!valid) return;
  if (turn == 0) {
    store_real(id, 2.0 * d0.x);
    store_real(id + STEP, 2.0 * d8.x);
    store_real(id + 2u * STEP, 2.0 * d0.y);
    store_real(id + 3u * STEP, 2.0 * d8.y);
    SPLIT_COLUMNS(1, d1, d15)
    SPLIT_COLUMNS(2, d2, d14)
    SPLIT_COLUMNS(3, d3, d13)
    SPLIT_COLUMNS(4, d4, d12)
    SPLIT_COLUMNS(5, d5, d11)
    SPLIT_COLUMNS(6, d6, d10)
    SPLIT_COLUMNS(7, d7, d9)
  } else {
    uint first = id + uint(46 + 48 * (turn - 1)) * STEP;
@for j 16
    store(first + uint(3 * $j) * STEP, d$j);
@end
  }
}
)glsl";

// Back-transform with bias, residual and activation; sums the splits of the product first.
// The outputs of a workgroup go through shared memory, so that neighbouring threads store
// neighbouring pixels.
const char fourier_output[] = R"glsl(
layout(std430, binding = 0) readonly buffer Input { float x[]; };
#if HAS_RESIDUAL
layout(std430, binding = 3) readonly buffer Residual { float residual[]; };
#endif
layout(std430, binding = 4) writeonly buffer Output { float y[]; };

#define STEP uint(OUT_C * TILES)
// Odd against bank conflicts; 15 rows of 17 (kernels of 2x1) would not fit with what follows them.
#define PITCH (TILE_W == 16 ? 16 : TILE_W | 1)
#define PLACES (TILE_H * LANES * PITCH)

float load_real(uint at) {
  float v = x[at];
#if SPLITS > 1
  for (uint split = 1u; split < SPLITS + args[0].x; ++split) v += x[at + split * (382u * STEP)];
#endif
  return v;
}
vec2 load(uint at) {
  float p = load_real(at);
  float q = load_real(at + STEP);
  float r = load_real(at + 2u * STEP);
  return vec2(p - r, p + q);
}

// The inverse transform is the forward one with real and imaginary parts exchanged, on
// the way in and on the way out.
#define MERGE_COLUMNS(k, p, q) \
  { \
    vec2 u = load(id + uint(4 + 3 * (k - 1)) * STEP); \
    vec2 v = load(id + uint(25 + 3 * (k - 1)) * STEP); \
    p = vec2(u.y + v.x, u.x - v.y); \
    q = vec2(v.x - u.y, u.x + v.y); \
  }
#define MERGE_ROWS(k, p, q) \
  { \
    vec2 u = get(row, k, lane); \
    vec2 v = get(row + 1, k, lane); \
    p = vec2(u.y + v.x, u.x - v.y); \
    q = vec2(v.x - u.y, u.x + v.y); \
  }

void main() {
  int lane = int(gl_LocalInvocationIndex) % LANES;
  int turn = int(gl_LocalInvocationIndex) / LANES;
  int row = 2 * turn;
  uint id = pixel_tile() * LANES + uint(lane);
  uint tile = id % TILES;
  uint channel = id / TILES;
  bool good = channel < OUT_C && tile < args[0].y;
@for j 16
  vec2 d$j = vec2(0.0);
@end
  if (good) {
    if (turn == 0) {
      d0 = vec2(load_real(id + 2u * STEP), load_real(id));
      d8 = vec2(load_real(id + 3u * STEP), load_real(id + STEP));
      MERGE_COLUMNS(1, d1, d15)
      MERGE_COLUMNS(2, d2, d14)
      MERGE_COLUMNS(3, d3, d13)
      MERGE_COLUMNS(4, d4, d12)
      MERGE_COLUMNS(5, d5, d11)
      MERGE_COLUMNS(6, d6, d10)
      MERGE_COLUMNS(7, d7, d9)
    } else {
      uint first = id + uint(46 + 48 * (turn - 1)) * STEP;
@for j 16
      d$j = load(first + uint(3 * $j) * STEP).yx;
@end
    }
  }
  TRANSFORM;
@for j 16
  put($j, turn, lane, d$j.yx);
@end
  barrier();
  {
    vec2 u = get(row, 0, lane);
    vec2 v = get(row + 1, 0, lane);
    d0 = vec2(v.x, u.x);
    d8 = vec2(v.y, u.y);
  }
  MERGE_ROWS(1, d1, d15)
  MERGE_ROWS(2, d2, d14)
  MERGE_ROWS(3, d3, d13)
  MERGE_ROWS(4, d4, d12)
  MERGE_ROWS(5, d5, d11)
  MERGE_ROWS(6, d6, d10)
  MERGE_ROWS(7, d7, d9)
  TRANSFORM;
  barrier();
  int at = (row * LANES + lane) * PITCH;
  if (row < TILE_H) {
@for j 16
    if ($j < TILE_W) s[at + $j] = d$j.y;
@end
  }
  if (row + 1 < TILE_H) {
@for j 16
    if ($j < TILE_W) s[at + LANES * PITCH + $j] = d$j.x;
@end
  }
  if (turn == 0) {
    int oh = int(tile / TILES_X % TILES_Y) * TILE_H;
    int ow = int(tile % TILES_X) * TILE_W;
    uint o = args[0].w + tile / (TILES_Y * TILES_X) * IMAGE_OUT + channel * PLANE_OUT +
             uint(oh * OUT_W + ow);
    s[PLACES + lane] = uintBitsToFloat(o);
    s[PLACES + LANES + lane] = intBitsToFloat(good ? min(OUT_H - oh, TILE_H) : 0);
    s[PLACES + 2 * LANES + lane] = intBitsToFloat(min(OUT_W - ow, TILE_W));
    s[PLACES + 3 * LANES + lane] = BIAS(good ? channel : 0u);
  }
  barrier();
  for (int e = int(gl_LocalInvocationIndex); e < TILE_H * LANES * TILE_W; e += THREADS) {
    int ow = e % TILE_W;
    int from = e / TILE_W % LANES;
    int oh = e / (TILE_W * LANES);
    if (oh < floatBitsToInt(s[PLACES + LANES + from]) &&
        ow < floatBitsToInt(s[PLACES + 2 * LANES + from])) {
      uint o = floatBitsToUint(s[PLACES + from]) + uint(oh * OUT_W + ow);
      float v = s[(oh * LANES + from) * PITCH + ow] + s[PLACES + 3 * LANES + from];
#if HAS_RESIDUAL
      v += residual[o];
#endif
      y[o] = activate(v);
    }
  }
}
)glsl";

}  // namespace sporkle::gl::shaders
