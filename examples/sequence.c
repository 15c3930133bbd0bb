/* A residual block as one sequence plan: a 3x3 convolution to 64 channels, two
 * more with the first one's output added to the last. One call runs all three;
 * the tensors between them belong to the plan.
 *
 *   cc sequence.c -lsporkle && ./a.out */
#include <stdio.h>
#include <stdlib.h>
#include <sporkle.h>

enum { planes = 64, side = 32, steps = 3 };

static float *filled(uint64_t bytes, float value) {
  float *data = malloc(bytes);
  for (uint64_t i = 0; data && i < bytes / sizeof *data; ++i) data[i] = value;
  return data;
}

int main(void) {
  sporkle_context context;
  sporkle_conv2d_desc desc[steps]; /* N 1, C, H, W, K, kernel 3x3, stride 1, padding 1 */
  sporkle_sequence_step step[steps];
  sporkle_plan plan;
  char text[512] = "";
  for (int i = 0; i < steps; ++i) {
    sporkle_conv2d_desc_set(&desc[i], 1, i == 0 ? 3 : planes, side, side, planes, 3, 1, 1);
    desc[i].activation = SPORKLE_ACTIVATION_RELU;
    step[i] = (sporkle_sequence_step)SPORKLE_SEQUENCE_STEP_INIT;
    step[i].desc = &desc[i];
    step[i].input = (uint32_t)i; /* tensor 0 is the input, i the output of step i - 1 */
    const uint64_t weights = (uint64_t)(desc[i].k * desc[i].c * 9) * sizeof(float);
    step[i].weights = filled(weights, 1.0f / (float)(9 * desc[i].c)); /* averages */
    if (step[i].weights == NULL) return 1;
  }
  desc[2].flags |= SPORKLE_CONV2D_RESIDUAL;
  step[2].residual = 1; /* what step 0 wrote */
  float *input = filled(3 * side * side * sizeof(float), 2.0f);
  float *output = filled(planes * side * side * sizeof(float), 0.0f);
  if (input == NULL || output == NULL) return 1;
  if (sporkle_context_create(NULL, &context) != SPORKLE_OK ||
      sporkle_plan_sequence(context, SPORKLE_DEVICE_AUTO, step, steps, &plan) != SPORKLE_OK ||
      sporkle_plan_run(plan, input, NULL, output, NULL) != SPORKLE_OK) {
    sporkle_last_error(text, sizeof text);
    fprintf(stderr, "%s\n", text);
    return 2;
  }
  /* Far from the padding averages of 2 stay 2, and the residual adds 2. */
  printf("%g\n", output[(side / 2) * side + side / 2]);
  sporkle_plan_destroy(plan);
  for (int i = 0; i < steps; ++i) free((void *)step[i].weights);
  free(input);
  free(output);
  return sporkle_context_destroy(context);
}
