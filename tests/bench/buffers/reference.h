/* What outputs of a workload must be: sums of the oracle, made once, for they take longer than
 * what is measured. */
#ifndef SPORKLE_BENCH_BUFFERS_REFERENCE_H
#define SPORKLE_BENCH_BUFFERS_REFERENCE_H

#include <stdint.h>

#include "sporkle.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { REFERENCE_MOST = 4096 };

typedef struct Reference {
  int64_t count;
  int64_t index[REFERENCE_MOST];
  double value[REFERENCE_MOST];
} Reference;

/* 4096 outputs or all: of every image and channel as far as that reaches, one in four on the
 * border of its plane. */
void reference_make(Reference *reference, const sporkle_conv2d_desc *desc, const float *input,
                    const float *weights);

/* Relative L2 error over those; not below any limit where one is not finite. */
double reference_error(const Reference *reference, const float *output);

#ifdef __cplusplus
}
#endif

#endif
