// Runs workgroups of a kernel's source on the CPU: one fibre per work-item, one
// workgroup at a time. Between barriers the work-items run in an order that
// changes from barrier to barrier, so that a missing barrier shows.
#ifndef SPORKLE_TESTS_PM4_WORKGROUP_H
#define SPORKLE_TESTS_PM4_WORKGROUP_H

#include <stdbool.h>
#include <stdint.h>

enum { WORKGROUP_MOST = 256 };

// What the running work-item sees.
typedef struct WorkItem {
  int local, group[3];
} WorkItem;

extern WorkItem work_item;

// Called by a work-item: goes on when all have called.
void workgroup_barrier(void);

typedef struct WorkgroupCounts {
  int64_t workgroups, barriers;
} WorkgroupCounts;

// Runs `body(argument)` for every work-item of groups[0] * groups[1] * groups[2]
// workgroups of `threads`. Before each workgroup the LDS (the section "lds") is
// filled with NaN. Returns false when some work-items of a workgroup ended while
// others waited at a barrier.
bool workgroups_run(void (*body)(const void *), const void *argument, const uint32_t groups[3],
                    int threads, uint64_t seed, WorkgroupCounts *counts);

#endif
