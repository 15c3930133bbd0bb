#include <sporkle.h>
#include <stdio.h>

int main(void) {
  const float x[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, w[4] = {1, 0, 0, 2};
  float y[4] = {0};
  sporkle_context context = NULL;
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, 1, 1, 3, 3, 1, 2, 1, 0);
  sporkle_status status = sporkle_context_create(NULL, &context);
  if (status == SPORKLE_OK) {
    status = sporkle_conv2d(context, 0, &desc, x, w, NULL, NULL, y, NULL);
  }
  sporkle_context_destroy(context);
  printf("%s %g %g %g %g\n", sporkle_status_name(status), y[0], y[1], y[2], y[3]);
  return status != SPORKLE_OK;
}
