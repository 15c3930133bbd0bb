/* Single-field corruptions of good streams: what a defect of ours could write
 * and hardware would hang, fault or misbehave on. */
#ifndef SPORKLE_TESTS_PM4_CORRUPTIONS_H
#define SPORKLE_TESTS_PM4_CORRUPTIONS_H

#include <stddef.h>
#include <stdint.h>

typedef struct Corruption {
  const char *golden;  /* GFX_full; the kind is a ring stream */
  uint32_t dword;
  uint32_t value;      /* instead of the golden one */
  const char *reason;  /* part of the validator's text */
} Corruption;

extern const Corruption corruptions[];
extern const size_t corruption_count;

#endif
