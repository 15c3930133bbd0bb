#include "check.h"

#include "tools/oracle.h"
#include "tools/random.h"

double bench_error(const sporkle_conv2d_desc *desc, const float *input, const float *weights,
                   const float *output) {
  const OracleTensors tensors = {input, weights, NULL, NULL};
  OracleError error;
  oracle_compare_sample(desc, &tensors, output, 4096, 1, &error);
  return error.rel_l2;
}

void bench_fill(float *data, uint64_t count, uint64_t seed) { random_fill(data, count, seed); }
