// Shaders are not compiled but recognised by their whole text. Of the direct kernels that is
// the text in the library's sources, whatever it is: where direct.c does not do the same, the
// outputs that the tests check are wrong. The small ones are refused until followed.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu.h"

enum { line_limit = 1024 };

// Marks of the texts that execute.c was written after.
static const uint64_t word_mark = 0xccf900971e9d859c;         // completion_hint.cpp
static const uint64_t self_test_mark = 0x384e4f28e6f3445f;    // self_test.cpp
static const uint64_t copy_mark = 0x27ee5a42c9ae8de6;         // copy_shader.cpp

static const uint64_t trial_mark = 0xecba4de90cf7c8d1;        // trial.cpp

// "#define NAME VALUE" or "#define NAME".
static bool is_parameter(const char *line, size_t length) {
  if (length < 8 || memcmp(line, "#define ", 8) != 0) return false;
  size_t at = 8;
  while (at < length && (line[at] == '_' || (line[at] >= 'A' && line[at] <= 'Z') ||
                         (line[at] >= '0' && line[at] <= '9'))) ++at;
  return at == length || (line[at] == ' ' && (line[at + 1] == '-' || (line[at + 1] >= '0' &&
                                                                      line[at + 1] <= '9')));
}

static uint64_t mark_line(const char *line, size_t length, bool digits) {
  uint64_t hash = 1469598103934665603u;
  for (size_t i = 0; i < length; ++i) {
    if (!digits && line[i] >= '0' && line[i] <= '9') continue;
    if (!digits && line[i] == '$') {  // of a template, a variable
      ++i;
      continue;
    }
    hash = (hash ^ (unsigned char)line[i]) * 1099511628211u;
  }
  return hash;
}

// Over the set of its lines. Without digits, the copies that @for makes of a
// line are one, and have the mark of the template.
static uint64_t mark_of(const char *source, bool digits) {
  uint64_t lines[line_limit], sum = 0;
  size_t count = 0;
  while (*source != '\0') {
    const size_t length = strcspn(source, "\n");
    const uint64_t hash = mark_line(source, length, digits);
    size_t i = 0;
    while (i < count && lines[i] != hash) ++i;
    if (i == count && !is_parameter(source, length) && source[0] != '@') {
      if (count == line_limit) return 0;
      lines[count++] = hash;
      sum += hash;
    }
    source += length + (source[length] == '\n');
  }
  return sum;
}

static uint64_t direct_mark(void) {
  static uint64_t mark;
  if (mark != 0) return mark;
  static const char version[] = "#version 430\n";
  const size_t capacity = sizeof version + strlen(library_common()) + strlen(library_direct());
  char *text = malloc(capacity);
  if (text == NULL) return 0;
  snprintf(text, capacity, "%s%s%s", version, library_common(), library_direct());
  mark = mark_of(text, false);
  free(text);
  return mark;
}

static long long parameter(const char *source, const char *name) {
  char line[64];
  const int length = snprintf(line, sizeof line, "#define %s ", name);
  const char *found = strstr(source, line);
  return found == NULL ? 0 : strtoll(found + length, NULL, 0);
}

static DirectSizes sizes_of(const char *source) {
  const struct {
    const char *name;
    size_t at;
  } fields[] = {
#define FIELD(name, member) {name, offsetof(DirectSizes, member)}
      FIELD("THREADS", threads), FIELD("BM", bm), FIELD("BM_LANES", lanes), FIELD("TN", tn),
      FIELD("ACTIVATION", activation), FIELD("HAS_BIAS", has_bias),
      FIELD("HAS_RESIDUAL", has_residual), FIELD("CLAMP_MIN_BITS", clamp_min_bits),
      FIELD("CLAMP_MAX_BITS", clamp_max_bits), FIELD("SLABS", slabs), FIELD("GROUP_K", group_k),
      FIELD("GROUP_C", group_c), FIELD("IN_H", in_h), FIELD("IN_W", in_w),
      FIELD("PLANE_IN", plane_in), FIELD("IMAGE_IN", image_in), FIELD("OUT_W", out_w),
      FIELD("PLANE_OUT", plane_out), FIELD("IMAGE_OUT", image_out), FIELD("KERNEL_H", kernel_h),
      FIELD("KERNEL_W", kernel_w), FIELD("STRIDE_H", stride_h), FIELD("STRIDE_W", stride_w),
      FIELD("PAD_TOP", pad_top), FIELD("PAD_LEFT", pad_left), FIELD("DILATION_H", dilation_h),
      FIELD("DILATION_W", dilation_w),
#undef FIELD
  };
  DirectSizes sizes = {0};
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; ++i) {
    const uint32_t value = (uint32_t)parameter(source, fields[i].name);
    memcpy((char *)&sizes + fields[i].at, &value, sizeof value);
  }
  sizes.exact_padding = strstr(source, "#define EXACT_PADDING\n") != NULL;
  return sizes;
}

static bool are_usable(const DirectSizes *s) {
  return s->threads > 0 && s->lanes > 0 && s->bm > 0 && s->bm <= 8 && s->bm % s->lanes == 0 &&
         s->tn > 0 && s->tn <= 16 && s->slabs > 0 && s->plane_out > 0 && s->out_w > 0;
}

Program program_of(const char *source, char *reason, size_t capacity) {
  Program program = {0};
  // Only what looks like one of them is compared as a whole.
  const bool by_lines = strstr(source, "LANE ") != NULL;
  const bool exactly = strstr(source, "buffer Word") != NULL ||
                       strstr(source, "uint row[64]") != NULL ||
                       strstr(source, "uvec4 from[]") != NULL ||
                       strstr(source, "uint unwritten") != NULL;
  const uint64_t mark = by_lines || exactly ? mark_of(source, exactly) : 0;
  if (exactly && mark == word_mark) {
    program.kind = PROGRAM_WORD;
  } else if (exactly && mark == self_test_mark) {
    program.kind = PROGRAM_SELF_TEST;
  } else if (exactly && mark == copy_mark) {
    program.kind = PROGRAM_COPY;
  } else if (exactly && mark == trial_mark) {
    program.kind = PROGRAM_TRIAL;
  } else if (by_lines && mark != 0 && mark == direct_mark()) {
    program.sizes = sizes_of(source);
    if (are_usable(&program.sizes)) program.kind = PROGRAM_DIRECT;
  }
  snprintf(reason, capacity, "the virtual GPU does not know this program (0x%016llx)",
           (unsigned long long)mark);
  return program;
}
