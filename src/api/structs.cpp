// Defaults of the descriptors.
#include "sporkle.h"

void sporkle_context_desc_init(sporkle_context_desc* desc) {
  if (desc != nullptr) *desc = sporkle_context_desc SPORKLE_CONTEXT_DESC_INIT;
}

void sporkle_buffer_desc_init(sporkle_buffer_desc* desc) {
  if (desc != nullptr) *desc = sporkle_buffer_desc SPORKLE_BUFFER_DESC_INIT;
}

void sporkle_executor_desc_init(sporkle_executor_desc* desc) {
  if (desc != nullptr) *desc = sporkle_executor_desc SPORKLE_EXECUTOR_DESC_INIT;
}

void sporkle_conv2d_desc_init(sporkle_conv2d_desc* desc) {
  if (desc != nullptr) *desc = sporkle_conv2d_desc SPORKLE_CONV2D_DESC_INIT;
}

void sporkle_conv2d_desc_set(sporkle_conv2d_desc* desc, int64_t n, int64_t c, int64_t h,
                             int64_t w, int64_t k, int64_t kernel, int64_t stride,
                             int64_t padding) {
  if (desc == nullptr) return;
  sporkle_conv2d_desc_init(desc);
  desc->n = n;
  desc->c = c;
  desc->h = h;
  desc->w = w;
  desc->k = k;
  desc->kernel_h = desc->kernel_w = kernel;
  desc->stride_h = desc->stride_w = stride;
  desc->padding_top = desc->padding_left = padding;
  desc->padding_bottom = desc->padding_right = padding;
}
