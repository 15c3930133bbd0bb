// A context with one device under test, a counting allocator and captured
// messages. Test programs take the device's spec as their first argument.
#pragma once

#include "support/allocator.h"
#include "support/expect.h"
#include "support/logs.h"

#define TEST_SKIPPED 77

typedef struct World {
  sporkle_context context;
  uint32_t device;
  CountingAllocator allocator;
  LogCapture log;
} World;

// The device under test: "cpu", "null", "gl".
extern const char *test_device;
bool test_device_is(const char *spec);

// Takes the device from the command line. Leaves the program when there is none.
void test_device_select(int argc, char **argv);
// Leaves the program, with the reason printed, because of the status of looking for
// the device: TEST_SKIPPED when it is not here, a failure when something else went
// wrong or the environment's TEST_REQUIRE ("gl", "gl,cpu") names the device.
_Noreturn void test_device_missing(sporkle_status status);

// A descriptor with the world's allocator and log that lists the device.
sporkle_context_desc world_desc(World *world);

void world_open(World *world);
void world_open_with(World *world, const sporkle_context_desc *desc);
// Destroys the context and checks that no memory is left.
void world_close(World *world);
// Only checks: after the context has been destroyed by other means.
void world_check_memory(const World *world);

// Controls the null device.
void world_null(World *world, uint32_t command, uint64_t value, uint64_t count);

// Work is done after this: a convolution gives the right answer.
void world_check_usable(World *world);

sporkle_stats world_stats(World *world);

void sleep_ms(unsigned ms);
uint64_t clock_ns(void);
