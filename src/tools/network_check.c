#include "tools/network_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double network_difference(const float *a, const float *reference, uint64_t bytes) {
  double difference = 0, norm = 0;
  for (uint64_t i = 0; i < bytes / sizeof *a; ++i) {
    const double d = (double)a[i] - (double)reference[i];
    difference += d * d;
    norm += (double)reference[i] * (double)reference[i];
  }
  const double error = norm > 0 ? sqrt(difference / norm) : difference > 0 ? INFINITY : 0;
  return isnan(error) ? INFINITY : error;
}

static void compare(const NetworkStep *step, const OracleTensors *tensors, const float *output,
                    NetworkCheck *check) {
  OracleError error = {.rel_l2 = INFINITY};
  if (check->samples > 0) {
    oracle_compare_sample(&step->desc, tensors, output, check->samples, 7, &error);
  } else if (!oracle_compare(&step->desc, tensors, output, 0, NULL, &error)) {
    error.rel_l2 = INFINITY;
  }
  if (!(error.rel_l2 <= check->worst)) check->worst = error.rel_l2;
}

static sporkle_status run_step(const NetworkStep *step, NetworkCheck *check,
                               const OracleTensors *tensors, float *output) {
  sporkle_plan plan = NULL;
  sporkle_status status = sporkle_plan_create(check->context, check->device, &step->desc,
                                              step->weights, step->bias, &plan);
  if (status != SPORKLE_OK) return status;
  sporkle_conv2d_result result = SPORKLE_CONV2D_RESULT_INIT;
  status = sporkle_plan_run(plan, tensors->input, tensors->residual, output, &result);
  check->single_ns += (double)result.elapsed_ns;
  sporkle_plan_destroy(plan);
  if (status == SPORKLE_OK) compare(step, tensors, output, check);
  return status;
}

static bool read_later(const Network *network, uint32_t step, uint32_t tensor) {
  for (uint32_t i = step + 1; i < network->count; ++i) {
    if (network->steps[i].input == tensor || network->steps[i].residual == tensor) return true;
  }
  return false;
}

static sporkle_status run_all(const Network *network, NetworkCheck *check, float **tensors,
                              float *output) {
  for (uint32_t i = 0; i < network->count; ++i) {
    const NetworkStep *step = &network->steps[i];
    const bool has_residual = step->residual != SPORKLE_SEQUENCE_NONE;
    const OracleTensors given = {tensors[step->input], step->weights, step->bias,
                                 has_residual ? tensors[step->residual] : NULL};
    sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
    sporkle_status status = sporkle_conv2d_describe(&step->desc, &info);
    if (status != SPORKLE_OK) return status;
    tensors[i + 1] = malloc(info.output_size);
    if (tensors[i + 1] == NULL) return SPORKLE_ERROR_OUT_OF_MEMORY;
    status = run_step(step, check, &given, tensors[i + 1]);
    if (status != SPORKLE_OK) return status;
    if (i + 1 == network->count) memcpy(output, tensors[i + 1], info.output_size);
    for (uint32_t t = 1; t <= i; ++t) {
      if (read_later(network, i, t)) continue;
      free(tensors[t]);
      tensors[t] = NULL;
    }
  }
  return SPORKLE_OK;
}

sporkle_status network_reference(const Network *network, NetworkCheck *check, const float *input,
                                 float *output) {
  float **tensors = calloc(network->count + 1, sizeof *tensors);
  if (tensors == NULL) return SPORKLE_ERROR_OUT_OF_MEMORY;
  tensors[0] = malloc(network_input_size(network));
  check->worst = check->single_ns = 0;
  sporkle_status status = SPORKLE_ERROR_OUT_OF_MEMORY;
  if (tensors[0] != NULL) {
    memcpy(tensors[0], input, network_input_size(network));
    status = run_all(network, check, tensors, output);
  }
  for (uint32_t t = 0; t <= network->count; ++t) free(tensors[t]);
  free(tensors);
  return status;
}
