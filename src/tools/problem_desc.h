// From a parsed problem to the library's descriptor.
#pragma once

#include "sporkle.h"
#include "tools/problem.h"

static inline sporkle_conv2d_desc problem_to_desc(const Problem *p) {
  sporkle_conv2d_desc desc = SPORKLE_CONV2D_DESC_INIT;
  desc.n = p->n;
  desc.c = p->c;
  desc.h = p->h;
  desc.w = p->w;
  desc.k = p->k;
  desc.kernel_h = p->kernel_h;
  desc.kernel_w = p->kernel_w;
  desc.stride_h = p->stride_h;
  desc.stride_w = p->stride_w;
  desc.padding_top = p->padding_top;
  desc.padding_left = p->padding_left;
  desc.padding_bottom = p->padding_bottom;
  desc.padding_right = p->padding_right;
  desc.dilation_h = p->dilation_h;
  desc.dilation_w = p->dilation_w;
  desc.groups = p->groups;
  return desc;
}
