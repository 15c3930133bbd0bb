#include "buffers/reference.h"

#include <math.h>

#include "tools/oracle.h"
#include "tools/random.h"

static int64_t below(uint64_t *state, int64_t limit) {
  return (int64_t)(random_next(state) % (uint64_t)limit);
}

void reference_make(Reference *reference, const sporkle_conv2d_desc *desc, const float *input,
                    const float *weights) {
  const OracleTensors tensors = {input, weights, NULL, NULL};
  const int64_t out_h = oracle_out_h(desc), out_w = oracle_out_w(desc), size = out_h * out_w;
  const int64_t planes = desc->n * desc->k, total = planes * size;
  uint64_t state = 1;
  reference->count = total < REFERENCE_MOST ? total : REFERENCE_MOST;
  for (int64_t i = 0; i < reference->count; ++i) {
    int64_t plane = i % planes, y = below(&state, out_h), x = below(&state, out_w);
    if (total <= REFERENCE_MOST) {
      plane = i / size;
      y = i % size / out_w;
      x = i % out_w;
    } else {
      // A quarter of the outputs: top, bottom, left, right, a plane's turn by chance.
      switch (below(&state, 16)) {
        case 0: y = 0; break;
        case 1: y = out_h - 1; break;
        case 2: x = 0; break;
        case 3: x = out_w - 1; break;
        default: break;
      }
    }
    reference->index[i] = (plane * out_h + y) * out_w + x;
    reference->value[i] = oracle_output(desc, &tensors, plane / desc->k, plane % desc->k, y, x);
  }
}

double reference_error(const Reference *reference, const float *output) {
  double difference = 0, size = 0;
  for (int64_t i = 0; i < reference->count; ++i) {
    const double got = (double)output[reference->index[i]], want = reference->value[i];
    difference += (got - want) * (got - want);
    size += want * want;
  }
  return sqrt(difference / size);
}
