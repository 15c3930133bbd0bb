// An executor with a plan and the tensors of a small problem.
#pragma once

#include "conformance/conformance.h"
#include "support/tensors.h"
#include "support/world.h"

typedef struct Pipeline {
  World world;
  Tensors tensors;
  sporkle_plan plan;
  sporkle_executor executor;
} Pipeline;

void pipeline_open(Pipeline *p, uint32_t slots, bool residual);
// The same; operations are run again so often after a loss.
void pipeline_open_retrying(Pipeline *p, uint32_t slots, uint32_t retries);
void pipeline_close(Pipeline *p);
// Acquires a slot and fills it; submits it as well.
void pipeline_fill(Pipeline *p, sporkle_slot *slot);
sporkle_fence feed(Pipeline *p, sporkle_slot *slot);
void check_slot(const Pipeline *p, const sporkle_slot *slot);
sporkle_executor_info pipeline_info(const Pipeline *p);
// Whether the device's slots cannot be mapped, so that the CPU must copy.
bool pipeline_is_staged(Pipeline *p);
