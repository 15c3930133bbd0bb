/* A C window on the packet tools, for tests and the benchmark. */
#ifndef SPORKLE_TESTS_PM4_SHIM_H
#define SPORKLE_TESTS_PM4_SHIM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { PM4_NO_SGPR = 0xff };
enum { PM4_RING = 0, PM4_INDIRECT = 1 };
enum { PM4_ARGUMENTS = 1, PM4_FENCES = 2, PM4_INTERRUPTS = 4 };
enum { PM4_POINTWISE = 0, PM4_THREE = 1, PM4_GENERAL = 2 };

typedef struct pm4_kernel {
  uint32_t target;
  uint32_t rsrc1, rsrc2, rsrc3;
  uint32_t wave_size, lds_bytes, scratch_bytes, kernarg_bytes;
  uint64_t entry, code, code_bytes;
  uint32_t user_sgprs, kernarg_sgpr;
  uint32_t workgroup[3], max_threads;
} pm4_kernel;

typedef struct pm4_range {
  uint64_t address, bytes;
  uint32_t access;
} pm4_range;

typedef struct pm4_buffer {
  uint64_t address;
  uint32_t dwords;
} pm4_buffer;

typedef struct pm4_dispatch {
  uint32_t conv_class;
  uint32_t groups[3], threads[3];
  uint64_t kernarg;
  uint32_t depends;
} pm4_dispatch;

/* Encoder and validator of one queue, with what is registered. Copies the arrays. */
typedef struct pm4_queue pm4_queue;
pm4_queue *pm4_queue_create(const char *gfx, const pm4_kernel *kernels, uint32_t kernel_count,
                            const pm4_range *ranges, uint32_t range_count,
                            const pm4_buffer *buffers, uint32_t buffer_count);
void pm4_queue_destroy(pm4_queue *queue);
/* Why the last call refused. */
const char *pm4_queue_reason(pm4_queue *queue);
uint32_t pm4_queue_refused_dword(pm4_queue *queue);

/* The number of dwords, 0 when refused. Kernels are those of pm4_queue_create, by index. */
uint32_t pm4_encode(pm4_queue *queue, uint32_t kernel, const pm4_dispatch *dispatch,
                    uint64_t fence, uint64_t value, uint32_t *out, uint32_t capacity);
uint32_t pm4_encode_batch(pm4_queue *queue, const uint32_t *kernels, const pm4_dispatch *items,
                          uint32_t count, uint64_t fence, uint64_t value, uint32_t *out,
                          uint32_t capacity);
uint32_t pm4_encode_interrupt(pm4_queue *queue, uint64_t slot, uint32_t event, uint32_t *out,
                              uint32_t capacity);
uint32_t pm4_encode_prebuilt(pm4_queue *queue, uint32_t kernel, const pm4_dispatch *dispatch,
                             uint64_t fence, uint64_t value, uint32_t *out, uint32_t capacity,
                             uint32_t *out_kernarg, uint32_t *out_value);
uint32_t pm4_encode_call(pm4_queue *queue, uint64_t address, uint32_t dwords, uint32_t *out,
                         uint32_t capacity);
/* Encoder and validator know nothing of the registers. */
void pm4_forget(pm4_queue *queue);
/* Only the encoder. */
void pm4_forget_encoder(pm4_queue *queue);
/* pointwise, 3x3, general hits; templates built. */
void pm4_template_counts(pm4_queue *queue, uint64_t out[4]);

/* 1: accepted. */
int pm4_validate(pm4_queue *queue, const uint32_t *words, uint32_t count, int kind);

uint64_t pm4_decode(const char *gfx, const uint32_t *words, uint32_t count, char *text,
                    uint64_t capacity);
/* Reads every packet as a command and writes it again; 0 when a packet cannot be taken. */
uint32_t pm4_rewrite(const char *gfx, const uint32_t *words, uint32_t count, uint32_t *out,
                     uint32_t capacity);
/* A file of packets with everything registered, as the library writes it. The
 * size of the whole. */
uint64_t pm4_write_image(pm4_queue *queue, const uint32_t *words, uint32_t count, int kind,
                         void *image, uint64_t capacity);
/* 1 when the packet tables cover the chip. */
int pm4_covers(const char *gfx);
uint32_t pm4_register_at(const char *gfx, const char *name);

/* A ring in memory of the test, with a clock of the test: idling moves the time. */
typedef struct pm4_ring pm4_ring;
typedef struct pm4_ring_view {
  uint32_t *words;
  uint32_t dwords;
  uint64_t *read_position, *write_position, *doorbell;
  uint64_t *now;
} pm4_ring_view;
/* Called when the ring idles. */
typedef void (*pm4_ring_idle)(void *user, uint64_t ns);
pm4_ring *pm4_ring_create(uint32_t dwords, pm4_ring_idle idle, void *user, int real_clock);
void pm4_ring_destroy(pm4_ring *ring);
pm4_ring_view pm4_ring_memory(pm4_ring *ring);
/* Submits a NOP packet of `count` dwords after validating it. Returns a sporkle_status. */
int32_t pm4_ring_submit_nops(pm4_ring *ring, uint32_t count, uint64_t timeout_ns);
/* Validates `words` for the queue and submits them. */
int32_t pm4_ring_submit(pm4_ring *ring, pm4_queue *queue, const uint32_t *words, uint32_t count,
                        uint64_t timeout_ns);
/* A stream that no validator has seen. */
int32_t pm4_ring_submit_unvalidated(pm4_ring *ring);
const char *pm4_ring_reason(pm4_ring *ring);
/* streams, padding, waits, timeouts */
void pm4_ring_counts(pm4_ring *ring, uint64_t out[4]);
int32_t pm4_ring_bad_size(uint32_t dwords);

#ifdef __cplusplus
}
#endif

#endif
