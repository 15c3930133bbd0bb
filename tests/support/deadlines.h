/* Whether waits keep their deadlines, on machines of any load. */
#ifndef SPORKLE_TESTS_SUPPORT_DEADLINES_H
#define SPORKLE_TESTS_SUPPORT_DEADLINES_H

#include <stdio.h>
#include <time.h>

#include "sporkle.h"

enum { deadline_tries = 20, deadline_ns = 20000000, deadline_late_ns = 10000000 };

typedef enum DeadlineWait { WAIT_ONE, WAIT_ANY, WAIT_ALL, WAIT_FORMS } DeadlineWait;

static inline uint64_t deadline_clock_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline sporkle_status wait_in_form(DeadlineWait form, const sporkle_fence *fences,
                                          uint32_t count) {
  uint32_t index = 0;
  if (form == WAIT_ONE) return sporkle_fence_wait(fences[0], deadline_ns);
  if (form == WAIT_ANY) return sporkle_fence_wait_any(fences, count, deadline_ns, &index);
  return sporkle_fence_wait_all(fences, count, deadline_ns);
}

/* Twenty waits of 20 ms in one form for fences that stay pending (for WAIT_ALL at least one,
 * for WAIT_ANY each): none returns early. Returns how late the median is. */
static inline uint64_t median_lateness(DeadlineWait form, const sporkle_fence *fences,
                                       uint32_t count) {
  uint64_t late[deadline_tries];
  for (int i = 0; i < deadline_tries; ++i) {
    const uint64_t start = deadline_clock_ns();
    const sporkle_status status = wait_in_form(form, fences, count);
    const uint64_t took = deadline_clock_ns() - start;
    if (status != SPORKLE_TIMEOUT) {
      fail_msg("form %d, wait %d: %s", form, i, sporkle_status_name(status));
    }
    if (took < deadline_ns) {
      fail_msg("form %d, wait %d of 20 ms returned after %.3f ms", form, i, (double)took * 1e-6);
    }
    int k = i;
    for (; k > 0 && late[k - 1] > took - deadline_ns; --k) late[k] = late[k - 1];
    late[k] = took - deadline_ns;
  }
  return late[deadline_tries / 2];
}

/* The median is at most 10 ms late. A loaded machine may wake most of twenty late: once more. */
static inline void expect_deadlines_kept(DeadlineWait form, const sporkle_fence *fences,
                                         uint32_t count) {
  uint64_t late = median_lateness(form, fences, count);
  if (late <= deadline_late_ns) return;
  fprintf(stderr, "form %d: the median of %d waits was %.3f ms late; once more\n", form,
          deadline_tries, (double)late * 1e-6);
  late = median_lateness(form, fences, count);
  if (late > deadline_late_ns) {
    fail_msg("form %d: the median of %d waits was %.3f ms late, twice", form, deadline_tries,
             (double)late * 1e-6);
  }
}

#endif
