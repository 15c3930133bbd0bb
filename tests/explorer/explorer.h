/* Explores what threads may do to fences, access by access. */
#ifndef SPORKLE_TESTS_EXPLORER_H
#define SPORKLE_TESTS_EXPLORER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct explorer_report {
  uint64_t scenarios, states, ends; /* ends: states in which every thread is done */
  uint64_t walks, steps;
  char violation[96]; /* empty: none */
  char trace[8192];   /* the accesses that lead to it, one per line */
} explorer_report;

/* Every interleaving of every scenario of a family, up to the first violation. */
enum { EXPLORER_LIFE, EXPLORER_RECYCLE, EXPLORER_MOVE, EXPLORER_SEVERAL,
       EXPLORER_LOSS, EXPLORER_RELEASE, EXPLORER_DEADLINES, EXPLORER_FAMILIES };
void explorer_exhaust(int family, explorer_report *report);

/* Random interleavings of random programs of up to six threads, from a seed. */
void explorer_walk(uint64_t seed, int walks, explorer_report *report);

#ifdef __cplusplus
}
#endif

#endif
