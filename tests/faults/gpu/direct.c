// shaders/direct.cpp, invocation by invocation.
#include <math.h>
#include <string.h>

#include "gpu.h"

enum { most_pixels = 16, most_channels = 8 };

static const float nothing[4];

static const float *read_at(const Command *command, int slot, uint64_t index) {
  const Range *range = &command->ranges[slot];
  if (range->storage != NULL && (index + 1) * sizeof(float) <= range->bytes) {
    return (const float *)(range->storage->data + range->offset) + index;
  }
  stray_access();
  return nothing;
}

static float from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static float activate(const DirectSizes *s, float v) {
  if (s->activation == 0 || isnan(v)) return v;
  if (s->activation == 1) return v > 0.0f ? v : 0.0f;
  const float low = from_bits(s->clamp_min_bits), high = from_bits(s->clamp_max_bits);
  return v < low ? low : v > high ? high : v;
}

typedef struct Invocation {
  const Command *command;
  const DirectSizes *s;
  uint32_t slab, first;
  uint32_t pixel[most_pixels];
  int row[most_pixels], column[most_pixels];
  int64_t at[most_pixels];
  float sums[most_pixels][most_channels];
} Invocation;

static void place(Invocation *v) {
  const DirectSizes *s = v->s;
  const uint32_t *args = v->command->arguments;
  const int group = (int)(v->slab / (uint32_t)s->slabs);
  for (int j = 0; j < s->tn; ++j) {
    v->pixel[j] = v->first + (uint32_t)(j * s->threads);
    const uint32_t p = v->pixel[j] < args[1] - 1 ? v->pixel[j] : args[1] - 1;
    const int q = (int)(p % (uint32_t)s->plane_out);
    v->row[j] = q / s->out_w * s->stride_h - s->pad_top;
    v->column[j] = q % s->out_w * s->stride_w - s->pad_left;
    v->at[j] = (int)args[2] + (int)(p / (uint32_t)s->plane_out) * s->image_in +
               group * (s->group_c * s->plane_in) + v->row[j] * s->in_w + v->column[j];
  }
}

typedef float Quad __attribute__((vector_size(16)));

static Quad quad_at(const float *values) {
  Quad quad;
  memcpy(&quad, values, sizeof quad);
  return quad;
}

static bool inside(const Invocation *v, int j, int row, int column) {
  return (unsigned)(v->row[j] + row) < (unsigned)v->s->in_h &&
         (unsigned)(v->column[j] + column) < (unsigned)v->s->in_w;
}

// Where the slab's weights begin: counted in the shader's elements, modulo 2^32
// as there.
static const float *weights_of(const Invocation *v) {
  const DirectSizes *s = v->s;
  const int taps = s->group_c * s->kernel_h * s->kernel_w;
  const uint32_t begin = v->slab * (uint32_t)(taps * s->lanes) - v->command->arguments[5];
  const uint64_t at = (uint64_t)begin * (uint64_t)(s->bm / s->lanes);
  const uint64_t count = (uint64_t)taps * (uint64_t)s->bm;
  const float *last = read_at(v->command, 1, at + count - 1);
  return last == nothing ? NULL : last - (count - 1);
}

// `tn` pixels of `quads` times four channels; constants where it is called, so
// that the sums stay in registers.
static inline __attribute__((always_inline)) void sum_quads(Invocation *v, const float *w,
                                                            const int tn, const int quads) {
  const DirectSizes *s = v->s;
  Quad sums[4][2] = {{{0}}};
  for (int channel = 0; channel < s->group_c; ++channel) {
    for (int r = 0; r < s->kernel_h; ++r) {
      for (int c = 0; c < s->kernel_w; ++c, w += 4 * quads) {
        const int row = r * s->dilation_h, column = c * s->dilation_w;
        const int64_t offset = (int64_t)channel * s->plane_in + (int64_t)row * s->in_w + column;
        for (int j = 0; j < tn; ++j) {
          const bool in = inside(v, j, row, column);
          if (!in && s->exact_padding) continue;
          const float x = in ? *read_at(v->command, 0, (uint64_t)(v->at[j] + offset)) : 0.0f;
          for (int q = 0; q < quads; ++q) sums[j][q] += quad_at(w + 4 * q) * x;
        }
      }
    }
  }
  for (int j = 0; j < tn; ++j) memcpy(v->sums[j], sums[j], (size_t)quads * sizeof(Quad));
}

static void sum_singly(Invocation *v, const float *w) {
  const DirectSizes *s = v->s;
  for (int channel = 0; channel < s->group_c; ++channel) {
    for (int r = 0; r < s->kernel_h; ++r) {
      for (int c = 0; c < s->kernel_w; ++c, w += s->bm) {
        const int row = r * s->dilation_h, column = c * s->dilation_w;
        const int64_t offset = (int64_t)channel * s->plane_in + (int64_t)row * s->in_w + column;
        for (int j = 0; j < s->tn; ++j) {
          const bool in = inside(v, j, row, column);
          if (!in && s->exact_padding) continue;
          const float x = in ? *read_at(v->command, 0, (uint64_t)(v->at[j] + offset)) : 0.0f;
          for (int m = 0; m < s->bm; ++m) v->sums[j][m] += w[m] * x;
        }
      }
    }
  }
}

static __attribute__((optimize("O3"))) void sum_up(Invocation *v) {
  const DirectSizes *s = v->s;
  memset(v->sums, 0, sizeof v->sums);
  const float *w = weights_of(v);
  if (w == NULL) return;
  if (s->tn == 4 && s->bm == 4) {
    sum_quads(v, w, 4, 1);
  } else if (s->tn == 4 && s->bm == 8) {
    sum_quads(v, w, 4, 2);
  } else {
    sum_singly(v, w);
  }
}

static void store(const Invocation *v) {
  const DirectSizes *s = v->s;
  const Command *command = v->command;
  const Range *out = &command->ranges[4];
  const uint32_t *args = command->arguments;
  const uint32_t group = v->slab / (uint32_t)s->slabs;
  const uint32_t first = v->slab % (uint32_t)s->slabs * (uint32_t)s->bm;
  const uint32_t y_at = args[3] + group * (uint32_t)(s->group_k * s->plane_out);
  for (int j = 0; j < s->tn; ++j) {
    const uint32_t p = v->pixel[j], plane = (uint32_t)s->plane_out;
    if (p >= args[1]) continue;
    for (uint32_t i = 0; i < (uint32_t)s->bm && first + i < (uint32_t)s->group_k; ++i) {
      const uint32_t m = first + i;
      const uint32_t o = y_at + p / plane * (uint32_t)s->image_out + p % plane + m * plane;
      float value = v->sums[j][i];
      if (s->has_bias) value += *read_at(command, 2, group * (uint32_t)(s->slabs * s->bm) + m);
      if (s->has_residual) value += *read_at(command, 3, o);
      if (out->storage == NULL || ((uint64_t)o + 1) * sizeof(float) > out->bytes) {
        stray_access();
        continue;
      }
      ((float *)(out->storage->data + out->offset))[o] = activate(s, value);
    }
  }
}

void run_direct(const Command *command) {
  const DirectSizes *s = &command->program.sizes;
  const uint32_t *groups = command->groups;
  Invocation v = {.command = command, .s = s};
  for (uint32_t tile = 0; tile < groups[1] * groups[2]; ++tile) {
    for (uint32_t x = 0; x < groups[0]; ++x) {
      for (int thread = 0; thread < s->threads; ++thread) {
        v.slab = command->arguments[4] + x;
        v.first = tile * (uint32_t)(s->threads * s->tn) + (uint32_t)thread;
        // Past the end in all of its pixels: it computes and stores nothing.
        if (v.first >= command->arguments[1]) continue;
        place(&v);
        sum_up(&v);
        store(&v);
      }
    }
  }
}
