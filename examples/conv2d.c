#include <stdio.h>
#include <sporkle.h>
int main(void) {
  float x[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, w[4] = {1, 0, 0, 2}, y[4];
  sporkle_context context;
  sporkle_conv2d_desc desc; /* N 1, C 1, H 3, W 3, K 1, kernel 2x2, stride 1, padding 0 */
  sporkle_conv2d_desc_set(&desc, 1, 1, 3, 3, 1, 2, 1, 0);
  if (sporkle_context_create(NULL, &context) != SPORKLE_OK) return 1;
  if (sporkle_conv2d(context, SPORKLE_DEVICE_AUTO, &desc, x, w, NULL, NULL, y, NULL)) return 2;
  printf("%g %g %g %g\n", y[0], y[1], y[2], y[3]);
  return sporkle_context_destroy(context);
}
