/* The ring against a model: every dword the device reads is what was submitted,
 * in order, once; nothing unread is overwritten; it recovers from everything. */
#include <pthread.h>

#include "scene.h"
#include "support/test.h"

enum { NOP_DWORD = (int)0xffff1000 };

static uint64_t random_state = 1234567;

static uint32_t random_below(uint32_t limit) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (uint32_t)(random_state >> 33) % limit;
}

/* Reads NOP packets as a device does: whole packets, never across the end. The
 * number of dwords read. Padding is counted apart. */
static uint64_t consume(pm4_ring_view ring, uint64_t limit, uint64_t *packets, uint64_t *padding) {
  uint64_t read = *ring.read_position;
  const uint64_t end = *ring.write_position;
  const uint64_t before = read;
  while (read < end && read - before < limit) {
    const uint32_t place = (uint32_t)(read & (ring.dwords - 1));
    const uint32_t header = ring.words[place];
    if (header == (uint32_t)NOP_DWORD) {
      ++*padding;
      ++read;
      continue;
    }
    const uint32_t length = (header >> 16 & 0x3fff) + 2;
    assert_int_equal(header & 0xc000ffff, 0xc0001000);
    assert_true(place + length <= ring.dwords);
    assert_true(read + length <= end);
    for (uint32_t i = 1; i < length; ++i) assert_int_equal(ring.words[place + i], 0);
    read += length;
    ++*packets;
  }
  *ring.read_position = read;
  return read - before;
}

static void random_traffic_matches_a_model(void **state) {
  (void)state;
  const uint32_t sizes[] = {64, 128, 1024, 16384};
  uint64_t total = 0;
  for (size_t s = 0; s < COUNT_OF(sizes); ++s) {
    pm4_ring *ring = pm4_ring_create(sizes[s], NULL, NULL, 0);
    const pm4_ring_view view = pm4_ring_memory(ring);
    uint64_t submitted = 0, packets = 0, padding = 0, counts[4];
    for (int step = 0; step < 50000; ++step) {
      if (random_below(2)) {
        const uint32_t length = 2 + random_below(sizes[s] / 2 - 1);
        const uint64_t put = *view.write_position;
        const int32_t status = pm4_ring_submit_nops(ring, length, 0);
        assert_true(status == SPORKLE_OK || status == SPORKLE_TIMEOUT);
        if (status == SPORKLE_OK) ++submitted;
        if (status == SPORKLE_TIMEOUT) assert_int_equal(*view.write_position, put);
        assert_true(*view.write_position - *view.read_position < sizes[s]);
        assert_int_equal(*view.doorbell, *view.write_position);
      } else {
        consume(view, 1 + random_below(sizes[s]), &packets, &padding);
      }
    }
    consume(view, UINT64_MAX, &packets, &padding);
    assert_int_equal(packets, submitted);
    assert_int_equal(*view.read_position, *view.write_position);
    pm4_ring_counts(ring, counts);
    assert_int_equal(counts[0], submitted);
    assert_int_equal(counts[1], padding);
    assert_true(padding > 0);
    assert_true(counts[3] > 0);
    total += submitted;
    pm4_ring_destroy(ring);
  }
  print_message("checked: %llu random submissions came out whole and in order\n",
                (unsigned long long)total);
}

static void words_arrive_unchanged(void **state) {
  (void)state;
  uint32_t full[SCENE_MOST_DWORDS];
  pm4_queue *queue = scene_queue(scene_find("gfx1100"));
  const uint32_t count = golden_read("gfx1100_full", full, SCENE_MOST_DWORDS);
  pm4_ring *ring = pm4_ring_create(128, NULL, NULL, 0);
  const pm4_ring_view view = pm4_ring_memory(ring);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t before = *view.write_position;
    assert_int_equal(pm4_ring_submit(ring, queue, full, count, 0), SPORKLE_OK);
    const uint64_t start = *view.write_position - count;
    assert_memory_equal(view.words + (start & 127), full, count * sizeof *full);
    for (uint64_t p = before; p < start; ++p) assert_int_equal(view.words[p & 127], (uint32_t)NOP_DWORD);
    *view.read_position = *view.write_position;
  }
  full[0] = 0;
  assert_int_equal(pm4_ring_submit(ring, queue, full, count, 0), SPORKLE_ERROR_INVALID_ARGUMENT);
  assert_int_equal(*view.read_position, *view.write_position);
  assert_int_equal(pm4_ring_submit_unvalidated(ring), SPORKLE_ERROR_INVALID_ARGUMENT);
  pm4_ring_destroy(ring);
  pm4_queue_destroy(queue);
}

typedef struct Reader {
  pm4_ring *ring;
  uint64_t idles, read_after;
} Reader;

static void read_after_some_idles(void *user, uint64_t ns) {
  Reader *reader = user;
  (void)ns;
  if (++reader->idles != reader->read_after) return;
  const pm4_ring_view view = pm4_ring_memory(reader->ring);
  *view.read_position = *view.write_position;
}

static void full_ring_waits_until_the_deadline(void **state) {
  (void)state;
  Reader reader = {NULL, 0, UINT64_MAX};
  pm4_ring *ring = pm4_ring_create(256, read_after_some_idles, &reader, 0);
  const pm4_ring_view view = pm4_ring_memory(ring);
  reader.ring = ring;
  assert_int_equal(pm4_ring_submit_nops(ring, 128, 0), SPORKLE_OK);
  /* 127 of 255 fit beside 128; one dword stays free. */
  assert_int_equal(pm4_ring_submit_nops(ring, 128, 0), SPORKLE_TIMEOUT);
  assert_non_null(strstr(pm4_ring_reason(ring), "full"));
  const uint64_t start = *view.now;
  assert_int_equal(pm4_ring_submit_nops(ring, 128, 50000000), SPORKLE_TIMEOUT);
  assert_true(*view.now - start >= 50000000 && *view.now - start < 60000000);
  assert_int_equal(*view.write_position, 128);
  /* The device goes on while we wait. */
  reader.read_after = reader.idles + 3;
  assert_int_equal(pm4_ring_submit_nops(ring, 128, 50000000), SPORKLE_OK);
  assert_int_equal(*view.write_position, 256);
  pm4_ring_destroy(ring);
}

static void impossible_read_positions_are_a_lost_device(void **state) {
  (void)state;
  pm4_ring *ring = pm4_ring_create(64, NULL, NULL, 0);
  const pm4_ring_view view = pm4_ring_memory(ring);
  assert_int_equal(pm4_ring_submit_nops(ring, 20, 0), SPORKLE_OK);
  *view.read_position = 21;
  assert_int_equal(pm4_ring_submit_nops(ring, 20, 0), SPORKLE_ERROR_DEVICE_LOST);
  assert_non_null(strstr(pm4_ring_reason(ring), "read position 21"));
  *view.read_position = UINT64_MAX;
  assert_int_equal(pm4_ring_submit_nops(ring, 20, 0), SPORKLE_ERROR_DEVICE_LOST);
  *view.read_position = 20;
  assert_int_equal(pm4_ring_submit_nops(ring, 20, 0), SPORKLE_OK);
  *view.read_position = 19; /* backwards */
  assert_int_equal(pm4_ring_submit_nops(ring, 20, 0), SPORKLE_ERROR_DEVICE_LOST);
  *view.read_position = 40;
  assert_int_equal(pm4_ring_submit_nops(ring, 20, 0), SPORKLE_OK);
  pm4_ring_destroy(ring);
}

static void oversized_streams_and_bad_sizes_are_refused(void **state) {
  (void)state;
  pm4_ring *ring = pm4_ring_create(64, NULL, NULL, 0);
  assert_int_equal(pm4_ring_submit_nops(ring, 33, 0), SPORKLE_ERROR_INVALID_ARGUMENT);
  assert_non_null(strstr(pm4_ring_reason(ring), "half"));
  assert_int_equal(pm4_ring_submit_nops(ring, 32, 0), SPORKLE_OK);
  pm4_ring_destroy(ring);
  const uint32_t bad[] = {0, 1, 32, 63, 65, 96, 1u << 21, UINT32_MAX};
  for (size_t i = 0; i < COUNT_OF(bad); ++i) {
    assert_int_equal(pm4_ring_bad_size(bad[i]), SPORKLE_ERROR_INVALID_ARGUMENT);
  }
  assert_int_equal(pm4_ring_bad_size(64), SPORKLE_OK);
}

enum { THREADED_STREAMS = 20000 };

typedef struct Device {
  pm4_ring_view ring;
  uint64_t packets;
  int faults;
} Device;

/* Reads what the write position allows and gives the place back. */
static void *device_thread(void *data) {
  Device *device = data;
  const pm4_ring_view ring = device->ring;
  uint64_t read = 0;
  while (device->packets < THREADED_STREAMS) {
    const uint64_t end = __atomic_load_n(ring.write_position, __ATOMIC_ACQUIRE);
    while (read < end) {
      const uint32_t header = ring.words[read & (ring.dwords - 1)];
      const uint32_t length = header == (uint32_t)NOP_DWORD ? 1 : (header >> 16 & 0x3fff) + 2;
      if ((header & 0xffff) != 0x1000 || read + length > end) device->faults++;
      device->packets += header != (uint32_t)NOP_DWORD;
      read += length;
    }
    __atomic_store_n(ring.read_position, read, __ATOMIC_RELEASE);
  }
  return NULL;
}

static void a_reading_thread_sees_every_stream(void **state) {
  (void)state;
  pm4_ring *ring = pm4_ring_create(256, NULL, NULL, 1);
  Device device = {pm4_ring_memory(ring), 0, 0};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, device_thread, &device), 0);
  for (int i = 0; i < THREADED_STREAMS; ++i) {
    assert_int_equal(pm4_ring_submit_nops(ring, 2 + i % 100, UINT64_C(10000000000)), SPORKLE_OK);
  }
  pthread_join(thread, NULL);
  assert_int_equal(device.faults, 0);
  assert_int_equal(device.packets, THREADED_STREAMS);
  pm4_ring_destroy(ring);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_traffic_matches_a_model),
      cmocka_unit_test(words_arrive_unchanged),
      cmocka_unit_test(full_ring_waits_until_the_deadline),
      cmocka_unit_test(impossible_read_positions_are_a_lost_device),
      cmocka_unit_test(oversized_streams_and_bad_sizes_are_refused),
      cmocka_unit_test(a_reading_thread_sees_every_stream),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
