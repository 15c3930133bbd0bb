#include "tools/problem_shape.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

// One direction with every value known.
typedef struct Extent {
  int64_t in, out, kernel, stride, before, after, dilation;
} Extent;

int problem_fail(ProblemError *error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->text, sizeof error->text, format, arguments);
  va_end(arguments);
  error->column = 0;
  return -1;
}

// (kernel - 1) * dilation + 1.
static bool kernel_span(const Extent *e, int64_t *out) {
  int64_t span = 0;
  return !__builtin_mul_overflow(e->kernel - 1, e->dilation, &span) &&
         !__builtin_add_overflow(span, (int64_t)1, out);
}

// The output size, or -1 when the kernel does not fit, -2 on overflow.
static int64_t output_size(const Extent *e) {
  int64_t span = 0, padded = 0;
  if (!kernel_span(e, &span) || __builtin_add_overflow(e->in, e->before, &padded) ||
      __builtin_add_overflow(padded, e->after, &padded)) {
    return -2;
  }
  return padded < span ? -1 : (padded - span) / e->stride + 1;
}

// The padding of both sides together that gives exactly the output asked for.
static bool total_padding(const Extent *e, int64_t out, int64_t *total) {
  int64_t span = 0, reach = 0;
  return kernel_span(e, &span) && !__builtin_mul_overflow(out - 1, e->stride, &reach) &&
         !__builtin_add_overflow(reach, span, &reach) &&
         !__builtin_sub_overflow(reach, e->in, total);
}

static int64_t at_least_0(int64_t value) { return value > 0 ? value : 0; }

// An output size was given: it decides the padding that was not.
static int fit_padding(Extent *e, const Axis *axis, char name, ProblemError *error) {
  int64_t total = 0;
  if (!total_padding(e, axis->out, &total)) {
    return problem_fail(error, "the padding that o%c%lld needs overflows", name,
                        (long long)axis->out);
  }
  if (axis->padding >= 0) {
    e->before = e->after = axis->padding;
    // The difference of a total below 0 and a large padding overflows.
    if (output_size(e) != axis->out) e->after = total > e->before ? total - e->before : 0;
  } else {
    e->before = at_least_0(total) / 2;
    e->after = at_least_0(total) - e->before;
  }
  int64_t found = output_size(e);
  if (found == axis->out) return 0;
  return problem_fail(error, "o%c%lld does not follow from the other sizes, which give %lld", name,
                      (long long)axis->out, (long long)at_least_0(found));
}

static int check_extent(Extent *e, char name, ProblemError *error) {
  e->out = output_size(e);
  if (e->out == -2) return problem_fail(error, "the sizes in direction %c overflow", name);
  if (e->out > 0) return 0;
  int64_t span = 0;
  kernel_span(e, &span);
  return problem_fail(error,
                      "the kernel covers %lld elements in direction %c, the padded input has %lld",
                      (long long)span, name, (long long)(e->in + e->before + e->after));
}

static int64_t value_or(int64_t value, int64_t fallback) { return value >= 0 ? value : fallback; }

static int dilation_of(int64_t written, char name, int64_t *out, ProblemError *error) {
  if (__builtin_add_overflow(written, (int64_t)1, out)) {
    return problem_fail(error, "d%c is too large", name);
  }
  return 0;
}

static int resolve_height(const Axis *axis, Extent *e, ProblemError *error) {
  if (axis->in < 0) return problem_fail(error, "ih (input height) is missing");
  if (axis->kernel < 0) return problem_fail(error, "kh (kernel height) is missing");
  e->in = axis->in;
  e->kernel = axis->kernel;
  e->stride = value_or(axis->stride, 1);
  if (dilation_of(value_or(axis->dilation, 0), 'h', &e->dilation, error) != 0) return -1;
  if (axis->out >= 0) return fit_padding(e, axis, 'h', error);
  e->before = e->after = value_or(axis->padding, 0);
  return 0;
}

// A missing width value is the height's, padding side by side.
static int resolve_width(const Axis *axis, const Extent *high, Extent *e, ProblemError *error) {
  e->in = value_or(axis->in, high->in);
  e->kernel = value_or(axis->kernel, high->kernel);
  e->stride = value_or(axis->stride, high->stride);
  if (dilation_of(value_or(axis->dilation, high->dilation - 1), 'w', &e->dilation, error) != 0) {
    return -1;
  }
  if (axis->out >= 0) return fit_padding(e, axis, 'w', error);
  e->before = value_or(axis->padding, high->before);
  e->after = value_or(axis->padding, high->after);
  return 0;
}

static bool is_absent(const Axis *a) {
  return a->in < 0 && a->out < 0 && a->kernel < 0 && a->stride < 0 && a->padding < 0 &&
         a->dilation < 0;
}

int problem_resolve_axes(const Axis *height, const Axis *width, Problem *problem,
                         ProblemError *error) {
  const Axis flat = {1, -1, 1, 1, 0, 0};
  bool one_dimensional = is_absent(height) && !is_absent(width);
  Extent h = {0}, w = {0};
  if (one_dimensional && width->in < 0) return problem_fail(error, "iw (input width) is missing");
  if (one_dimensional && width->kernel < 0) {
    return problem_fail(error, "kw (kernel width) is missing");
  }
  if (resolve_height(one_dimensional ? &flat : height, &h, error) != 0) return -1;
  if (resolve_width(width, &h, &w, error) != 0) return -1;
  problem->h = h.in;
  problem->w = w.in;
  problem->kernel_h = h.kernel;
  problem->kernel_w = w.kernel;
  problem->stride_h = h.stride;
  problem->stride_w = w.stride;
  problem->padding_top = h.before;
  problem->padding_bottom = h.after;
  problem->padding_left = w.before;
  problem->padding_right = w.after;
  problem->dilation_h = h.dilation;
  problem->dilation_w = w.dilation;
  return 0;
}

static bool product(const int64_t *factors, int count, int64_t *out) {
  *out = 1;
  for (int i = 0; i < count; ++i) {
    if (__builtin_mul_overflow(*out, factors[i], out)) return false;
  }
  return true;
}

static int check_products(const Problem *p, ProblemError *error) {
  const int64_t input[] = {4, p->n, p->c, p->h, p->w};
  const int64_t weights[] = {4, p->k, p->c / p->groups, p->kernel_h, p->kernel_w};
  const int64_t output[] = {4, p->n, p->k, p->out_h, p->out_w};
  const int64_t flops[] = {2,        p->n,        p->k, p->out_h, p->out_w, p->c / p->groups,
                           p->kernel_h, p->kernel_w};
  int64_t ignored = 0;
  if (!product(input, 5, &ignored)) return problem_fail(error, "the size of the input overflows");
  if (!product(weights, 5, &ignored)) {
    return problem_fail(error, "the size of the weights overflows");
  }
  if (!product(output, 5, &ignored)) return problem_fail(error, "the size of the output overflows");
  if (!product(flops, 8, &ignored)) return problem_fail(error, "the number of FLOPs overflows");
  return 0;
}

static int check_range(const Problem *p, ProblemError *error) {
  const struct {
    const char *name;
    int64_t value, minimum;
  } sizes[] = {
      {"batch", p->n, 1},           {"input channels", p->c, 1}, {"input height", p->h, 1},
      {"input width", p->w, 1},     {"output channels", p->k, 1}, {"kernel height", p->kernel_h, 1},
      {"kernel width", p->kernel_w, 1}, {"stride", p->stride_h, 1}, {"stride", p->stride_w, 1},
      {"padding", p->padding_top, 0},   {"padding", p->padding_left, 0},
      {"padding", p->padding_bottom, 0}, {"padding", p->padding_right, 0},
      {"dilation", p->dilation_h, 1},    {"dilation", p->dilation_w, 1}, {"groups", p->groups, 1},
  };
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    if (sizes[i].value < sizes[i].minimum) {
      return problem_fail(error, "%s is %lld; it must be at least %lld", sizes[i].name,
                          (long long)sizes[i].value, (long long)sizes[i].minimum);
    }
  }
  return 0;
}

int problem_complete(Problem *p, ProblemError *error) {
  if (check_range(p, error) != 0) return -1;
  if (p->c % p->groups != 0) {
    return problem_fail(error, "%lld groups do not divide %lld input channels",
                        (long long)p->groups, (long long)p->c);
  }
  if (p->k % p->groups != 0) {
    return problem_fail(error, "%lld groups do not divide %lld output channels",
                        (long long)p->groups, (long long)p->k);
  }
  Extent h = {p->h, 0, p->kernel_h, p->stride_h, p->padding_top, p->padding_bottom, p->dilation_h};
  Extent w = {p->w, 0, p->kernel_w, p->stride_w, p->padding_left, p->padding_right, p->dilation_w};
  if (check_extent(&h, 'h', error) != 0 || check_extent(&w, 'w', error) != 0) return -1;
  p->out_h = h.out;
  p->out_w = w.out;
  return check_products(p, error);
}

uint64_t problem_flops(const Problem *p) {
  return 2u * (uint64_t)p->n * (uint64_t)p->k * (uint64_t)p->out_h * (uint64_t)p->out_w *
         (uint64_t)(p->c / p->groups) * (uint64_t)p->kernel_h * (uint64_t)p->kernel_w;
}
