#include "tools/device_choice.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/session.h"

static bool find_option(sporkle_context context, const char *name, sporkle_option_info *out) {
  uint32_t count = 0;
  if (sporkle_option_count(context, &count) != SPORKLE_OK) return false;
  for (uint32_t i = 0; i < count; ++i) {
    *out = (sporkle_option_info)SPORKLE_OPTION_INFO_INIT;
    if (sporkle_option_describe(context, i, out) != SPORKLE_OK) return false;
    if (strcmp(out->name, name) == 0) return true;
  }
  return false;
}

// An ordinary layer with at least `flops` FLOPs.
static sporkle_conv2d_desc large_problem(double flops) {
  sporkle_conv2d_desc desc = SPORKLE_CONV2D_DESC_INIT;
  const double flops_of_one = 2.0 * 56 * 56 * 64 * 64 * 9;
  const double images = flops / flops_of_one + 1;
  sporkle_conv2d_desc_set(&desc, images < 1e6 ? (int64_t)images : 1000000, 64, 56, 56, 64, 3, 1,
                          1);
  return desc;
}

// What a device says about being the default, without its leading yes or no.
static bool device_reason(sporkle_context context, uint32_t device, char *out, size_t capacity) {
  sporkle_property property;
  if (!session_property(context, device, "default_reason", &property)) return false;
  const char *text = property.value;
  if (strncmp(text, "yes: ", 5) == 0) text += 5;
  if (strncmp(text, "no: ", 4) == 0) text += 4;
  snprintf(out, capacity, "%s", text);
  return true;
}

static void explain_cpu(sporkle_context context, DeviceChoice *out) {
  uint32_t count = 0;
  char reason[200];
  if (sporkle_device_count(context, &count) != SPORKLE_OK) count = 0;
  for (uint32_t i = 1; i < count; ++i) {
    if (!device_reason(context, i, reason, sizeof reason)) continue;
    snprintf(out->reason, sizeof out->reason, "no hardware GPU is usable; %s is %s",
             session_device(context, i).spec, reason);
    return;
  }
  snprintf(out->reason, sizeof out->reason, "no GPU is usable here");
}

static void explain_gpu(sporkle_context context, const char *threshold, DeviceChoice *out) {
  char reason[200];
  const bool known = device_reason(context, out->device, reason, sizeof reason);
  snprintf(out->reason, sizeof out->reason,
           "%s%sproblems below %s FLOPs go to the CPU (SPORKLE_GPU_MIN_FLOPS)",
           known ? reason : "", known ? "; " : "", threshold);
}

DeviceChoice device_choice(sporkle_context context) {
  DeviceChoice choice = {SPORKLE_DEVICE_AUTO, "", ""};
  sporkle_option_info wanted, threshold;
  if (!find_option(context, "SPORKLE_DEVICE", &wanted) ||
      !find_option(context, "SPORKLE_GPU_MIN_FLOPS", &threshold)) {
    return choice;
  }
  const sporkle_conv2d_desc desc = large_problem(strtod(threshold.value, NULL));
  if (sporkle_conv2d_select(context, SPORKLE_DEVICE_AUTO, &desc, &choice.device) != SPORKLE_OK) {
    session_error_text(SPORKLE_ERROR_UNSUPPORTED, choice.reason);
    choice.device = SPORKLE_DEVICE_AUTO;
    return choice;
  }
  snprintf(choice.spec, sizeof choice.spec, "%s", session_device(context, choice.device).spec);
  if (strcmp(wanted.value, "auto") != 0) {
    const char *by = strcmp(wanted.origin, "argument") == 0 ? "--device" : "SPORKLE_DEVICE";
    snprintf(choice.reason, sizeof choice.reason, "asked for by %s", by);
  } else if (choice.device == 0) {
    explain_cpu(context, &choice);
  } else {
    explain_gpu(context, threshold.value, &choice);
  }
  return choice;
}
