// Checking one problem on the device under test.
#pragma once

#include "support/job.h"

typedef enum Route { by_call, by_plan, by_submit, route_count } Route;

typedef struct Worst {
  double rel_l2, max_abs;
  char problem[320];
  int checked, refused;
} Worst;

// Computes and compares; keeps the worst. A device may refuse a problem.
void numerics_check(World *world, const sporkle_conv2d_desc *desc, uint64_t seed, Route route,
                    Worst *worst);

void numerics_large(World *world, Worst *worst);
// Returns the number of problems compared bit by bit.
int numerics_exact(World *world);
