// A line on standard error, only on a terminal and only once something has
// taken two seconds; it vanishes when the work ends.
#pragma once

#include <stdatomic.h>

// `done` of `total` gives a percentage; `done` may be NULL. One at a time.
void progress_begin(const char *what, atomic_llong *done, long long total);
void progress_end(void);
