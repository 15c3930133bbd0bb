/* sporkle.h - convolution and GPU synchronisation behind one C interface.
 *
 * This is the only public header of libsporkle. It is C11 and C++11 clean and
 * includes nothing but <stdint.h>.
 *
 * SPDX-License-Identifier: MIT
 *
 * Conventions that hold for every function in this file
 *
 *   Returns        A function that can fail returns a sporkle_status: 0 is
 *                  success, positive values are answers that are not failures
 *                  (SPORKLE_TIMEOUT, SPORKLE_NOT_READY), negative values are
 *                  errors. After an error sporkle_last_error() gives the text
 *                  `function: argument: reason` for the calling thread. Every
 *                  function that takes a handle can return
 *                  SPORKLE_ERROR_INVALID_HANDLE (null, stale, destroyed, of
 *                  another type, or garbage) and SPORKLE_ERROR_FORKED; these
 *                  two are not repeated below. Any function that creates
 *                  something can return SPORKLE_ERROR_OUT_OF_MEMORY.
 *   Failure        A failed call changes no output tensor and leaves every
 *                  object usable. Pointer out parameters are set to NULL, or
 *                  left alone when they themselves are at fault.
 *   Handles        Opaque values with pointer type. They are never
 *                  dereferenced; the lowest bit is always set, so the address
 *                  of an aligned object is never a valid handle. All 64 bits
 *                  are significant: a host that packs pointers into 47 bits
 *                  must carry a handle as an integer.
 *   Structs        The first field, struct_size, is sizeof the struct as the
 *                  caller compiled it. Fields are only ever appended. A larger
 *                  struct whose unknown tail is not all zero is refused; a
 *                  smaller one gets the defaults of the missing fields. The
 *                  *_INIT macro and the *_init function set struct_size and
 *                  the defaults. In an out struct only struct_size is read.
 *   Strings        UTF-8, NUL-terminated. Input strings are copied before the
 *                  call returns.
 *   Units          Sizes are bytes (uint64_t), times are nanoseconds
 *                  (uint64_t); a timeout of 0 polls, SPORKLE_TIMEOUT_INFINITE
 *                  waits without limit, values above INT64_MAX count as
 *                  infinite.
 *   Thread-safety  "any thread" means that calls may overlap on the same
 *                  handle. "one thread at a time" means that the caller
 *                  serialises calls on the same handle; different handles are
 *                  independent. Destroying an object while another thread
 *                  uses it is defined: the other call finishes or returns
 *                  SPORKLE_ERROR_INVALID_HANDLE.
 *   Never          No function prints, exits, aborts, throws, installs a
 *                  signal handler or changes the environment. Warnings go to
 *                  the log callback, or to standard error when there is none.
 *
 * Tensors are fp32. Input is NCHW, weights are KCRS (K, C/groups, kernel_h,
 * kernel_w), output and residual are NKHW, all row-major and contiguous: the
 * last index varies fastest. The operation is cross-correlation (the kernel is
 * not flipped), as in every deep-learning library.
 */
#ifndef SPORKLE_H
#define SPORKLE_H

#include <stdint.h>

#define SPORKLE_VERSION_MAJOR 0
#define SPORKLE_VERSION_MINOR 1
#define SPORKLE_VERSION_PATCH 0

/* Version as one integer: major * 10000 + minor * 100 + patch. */
#define SPORKLE_VERSION \
  (SPORKLE_VERSION_MAJOR * 10000 + SPORKLE_VERSION_MINOR * 100 + SPORKLE_VERSION_PATCH)

#if defined(SPORKLE_STATIC)
#define SPORKLE_EXPORT
#elif defined(__GNUC__)
#define SPORKLE_EXPORT __attribute__((visibility("default")))
#else
#define SPORKLE_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------
 * Status
 * Thread-safety: any thread.   Ownership: returned strings are static.
 * ---------------------------------------------------------------------- */

typedef int32_t sporkle_status;

/* The values are pinned: a value never changes its meaning. */
enum {
  SPORKLE_OK = 0,
  SPORKLE_TIMEOUT = 1,   /* a wait reached its deadline; the work goes on */
  SPORKLE_NOT_READY = 2, /* a poll found the work still pending */

  SPORKLE_ERROR_INVALID_ARGUMENT = -1, /* an argument is out of its domain */
  SPORKLE_ERROR_INVALID_HANDLE = -2,   /* null, stale, destroyed, wrong type or garbage */
  SPORKLE_ERROR_OVERFLOW = -3,         /* a size or a product of sizes does not fit */
  SPORKLE_ERROR_OUT_OF_MEMORY = -4,    /* the allocator or the device has no memory left */
  SPORKLE_ERROR_POOL_EXHAUSTED = -5,   /* a fixed pool (fences, handles) is full */
  SPORKLE_ERROR_UNSUPPORTED = -6,      /* this device lacks the ability; the text says which */
  SPORKLE_ERROR_DEVICE_UNAVAILABLE = -7, /* no such device, or present and not usable */
  SPORKLE_ERROR_DEVICE_LOST = -8,      /* the device was reset, removed, or hung with work in flight */
  SPORKLE_ERROR_OPERATION_FAILED = -9, /* one submitted operation failed alone */
  SPORKLE_ERROR_BUSY = -10,            /* the object is in use by work in flight */
  SPORKLE_ERROR_FORKED = -11,          /* the handle was created in the parent process */
  SPORKLE_ERROR_IO = -12,              /* a file could not be read or written */
  SPORKLE_ERROR_VERSION = -13,         /* struct_size, unknown tail or API major not understood */
  SPORKLE_ERROR_CANCELLED = -14,       /* the object or its context was destroyed before the work ran */
  SPORKLE_ERROR_INTERNAL = -15         /* a defect in libsporkle; please report it */
};

/* Name of a status, for example "SPORKLE_ERROR_BUSY".
 * Returns: a static string; "SPORKLE_STATUS_UNKNOWN" for other values. */
SPORKLE_EXPORT const char *sporkle_status_name(sporkle_status status);

/* Copies the text of the last error of the calling thread, `function: argument:
 * reason`, into `buffer`, always NUL-terminated when capacity > 0. A call that
 * succeeds leaves the text alone; the status says whether it is current.
 * Returns: the length of the whole text in bytes without its NUL, so that a
 * value >= capacity means "truncated"; 0 when there was no error. `buffer` may
 * be NULL when `capacity` is 0. */
SPORKLE_EXPORT uint64_t sporkle_last_error(char *buffer, uint64_t capacity);

/* ------------------------------------------------------------------------
 * Version
 * Thread-safety: any thread.   Ownership: returned strings are static.
 * ---------------------------------------------------------------------- */

/* Version of the library that is loaded. Returns: as SPORKLE_VERSION. */
SPORKLE_EXPORT uint32_t sporkle_version(void);

/* Version of the library that is loaded. Returns: a string such as "0.1.0". */
SPORKLE_EXPORT const char *sporkle_version_string(void);

/* ------------------------------------------------------------------------
 * Handles and constants
 * ---------------------------------------------------------------------- */

typedef struct sporkle_context_t *sporkle_context;
typedef struct sporkle_buffer_t *sporkle_buffer;
typedef struct sporkle_fence_t *sporkle_fence;
typedef struct sporkle_executor_t *sporkle_executor;
typedef struct sporkle_plan_t *sporkle_plan;

#define SPORKLE_TIMEOUT_INFINITE UINT64_MAX

/* Let the selector pick the device. */
#define SPORKLE_DEVICE_AUTO UINT32_MAX

/* ------------------------------------------------------------------------
 * Context: the root of every other object
 * Thread-safety: any thread.
 * Ownership: the creator destroys it; destroying it destroys what was created
 * from it.
 * ---------------------------------------------------------------------- */

enum {
  SPORKLE_LOG_OFF = 0,
  SPORKLE_LOG_ERROR = 1,
  SPORKLE_LOG_WARNING = 2,
  SPORKLE_LOG_INFO = 3,
  SPORKLE_LOG_DEBUG = 4
};

enum {
  SPORKLE_CONTEXT_DEBUG = 1u << 0,       /* report misuse and leaks through the log */
  SPORKLE_CONTEXT_REQUIRE_GPU = 1u << 1, /* a fallback to the CPU is an error; software GPUs count only where named */
  SPORKLE_CONTEXT_ENABLE_NULL = 1u << 2, /* also list the null device (for tests) */
  /* The same results, bit by bit, on the same device with the same library for
   * any number of threads, any split of a batch, a cold or warm cache:
   * algorithms are chosen by rule alone, never by time. Also SPORKLE_REPRODUCIBLE=on. */
  SPORKLE_CONTEXT_REPRODUCIBLE = 1u << 3
};

/* Memory that the library allocates for this context comes from here. `alloc`
 * returns memory aligned to `alignment` (a power of two) or NULL; `free` gets
 * the size and alignment of the allocation. Both are called from any thread,
 * may not re-enter the library, throw or longjmp. Not allocated here: the
 * fixed tables of handles, fence slots and timelines (shared by all contexts
 * and never returned to the system), thread stacks, and what a device driver
 * allocates by itself. */
typedef struct sporkle_allocator {
  void *(*alloc)(void *user, uint64_t size, uint64_t alignment);
  void (*free)(void *user, void *pointer, uint64_t size, uint64_t alignment);
  void *user;
} sporkle_allocator;

/* Called with one message without newline, from any thread, possibly at the
 * same time from several. May not re-enter the library, throw or longjmp. */
typedef void (*sporkle_log_callback)(void *user, int32_t level, const char *message);

/* One task of a parallel loop; the library's side. */
typedef void (*sporkle_task)(void *task_data, uint32_t index);

/* Runs task(task_data, i) once for every i in [0, count), in any order and on
 * any threads, and returns when all have returned. Called from the thread that
 * called the library or from a library thread. May not re-enter the library,
 * throw or longjmp. */
typedef void (*sporkle_parallel_for)(void *user, uint32_t count, sporkle_task task,
                                     void *task_data);

typedef struct sporkle_context_desc {
  uint32_t struct_size;
  uint32_t flags;           /* SPORKLE_CONTEXT_*, default 0 */
  sporkle_allocator allocator; /* all NULL: the C++ runtime's operator new */
  sporkle_log_callback log; /* NULL: warnings to standard error, once per cause */
  void *log_user;
  int32_t log_level;        /* SPORKLE_LOG_*; -1: SPORKLE_LOG, else warnings */
  uint32_t fence_capacity;  /* fences alive at once, executor slots' apart; 0: 128. At most 262144. */
  sporkle_parallel_for parallel_for; /* NULL: the library's own threads */
  void *parallel_for_user;
  uint32_t parallel_for_threads; /* tasks that parallel_for runs at once; 0: 1 */
  uint32_t threads;         /* CPU threads; 0: SPORKLE_THREADS, else affinity and cgroup */
  const char *device;       /* default device, for example "cpu"; NULL: SPORKLE_DEVICE, else "auto" */
  const char *cpu_isa;      /* "scalar" ...; NULL: SPORKLE_CPU_ISA, else the best the CPU has */
  const char *cache_dir;    /* NULL: SPORKLE_CACHE_DIR, else $XDG_CACHE_HOME/sporkle or ~/.cache/sporkle; "" or "off": no cache on disk */
  uint64_t plan_cache_bytes; /* limit of the one-call form's plan cache; 0: 256 MiB */
} sporkle_context_desc;

#define SPORKLE_CONTEXT_DESC_INIT \
  { (uint32_t)sizeof(sporkle_context_desc), 0, {0, 0, 0}, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* Sets the defaults. Returns: nothing; NULL is ignored. */
SPORKLE_EXPORT void sporkle_context_desc_init(sporkle_context_desc *desc);

/* Creates a context and enumerates the devices. Looking for OpenGL devices opens
 * the drivers and starts a thread; with the device set to "cpu" neither happens.
 * `desc` may be NULL for the defaults.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (only one allocator function given,
 * unknown flags, device or ISA name malformed), SPORKLE_ERROR_DEVICE_UNAVAILABLE
 * (the default device named by `desc` or SPORKLE_DEVICE does not exist, or a
 * GPU is required and there is none), SPORKLE_ERROR_UNSUPPORTED (the CPU lacks
 * the ISA), SPORKLE_ERROR_VERSION. */
SPORKLE_EXPORT sporkle_status sporkle_context_create(const sporkle_context_desc *desc,
                                                     sporkle_context *out_context);

/* Destroys the context and everything created from it; all their handles become
 * invalid at once. Work in flight is given up to two seconds to end, then it is
 * cancelled. Threads that wait for its fences return SPORKLE_ERROR_CANCELLED or
 * SPORKLE_ERROR_INVALID_HANDLE. In debug mode what was not destroyed before is
 * reported through the log.
 * Returns: SPORKLE_OK. */
SPORKLE_EXPORT sporkle_status sporkle_context_destroy(sporkle_context context);

/* Destroys every context of the process and joins every library thread. A
 * context may be created afterwards. A host that unloads a module containing
 * the library calls this first.
 * Returns: SPORKLE_OK. */
SPORKLE_EXPORT sporkle_status sporkle_shutdown(void);

/* One setting: what it is called, its value, where the value came from. */
typedef struct sporkle_option_info {
  uint32_t struct_size;
  uint32_t reserved;
  char name[32];          /* environment variable, for example "SPORKLE_THREADS" */
  char value[224];        /* effective value */
  char origin[16];        /* "argument", "environment" or "default" */
  char description[224];
} sporkle_option_info;

#define SPORKLE_OPTION_INFO_INIT { (uint32_t)sizeof(sporkle_option_info), 0, {0}, {0}, {0}, {0} }

/* Number of settings. Returns: SPORKLE_ERROR_INVALID_ARGUMENT (out_count NULL). */
SPORKLE_EXPORT sporkle_status sporkle_option_count(sporkle_context context, uint32_t *out_count);

/* Describes setting `index`.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (index out of range), SPORKLE_ERROR_VERSION. */
SPORKLE_EXPORT sporkle_status sporkle_option_describe(sporkle_context context, uint32_t index,
                                                      sporkle_option_info *out_info);

/* ------------------------------------------------------------------------
 * Devices
 * Thread-safety: any thread.   Ownership: everything is copied out.
 * A device is named by its index in [0, count), constant for the life of the
 * context. Device 0 is always the CPU.
 * ---------------------------------------------------------------------- */

enum {
  SPORKLE_DEVICE_KIND_CPU = 1,
  SPORKLE_DEVICE_KIND_GL = 2,
  SPORKLE_DEVICE_KIND_AMDGPU = 3,
  SPORKLE_DEVICE_KIND_NULL = 4
};

enum {
  SPORKLE_DEVICE_SOFTWARE = 1u << 0,  /* a GPU interface computed by the CPU */
  SPORKLE_DEVICE_SIMULATED = 1u << 1, /* no real hardware: times mean nothing */
  SPORKLE_DEVICE_DEFAULT = 1u << 2    /* what SPORKLE_DEVICE_AUTO prefers */
};

typedef struct sporkle_device_info {
  uint32_t struct_size;
  uint32_t index;
  uint32_t kind;           /* SPORKLE_DEVICE_KIND_* */
  uint32_t flags;          /* SPORKLE_DEVICE_* */
  char spec[32];           /* how to name it: "cpu", "gl", "gl:1", "null" */
  char name[128];          /* for example the CPU's model or GL_RENDERER */
  char driver[128];        /* driver and version, or the instruction set */
  uint32_t property_count; /* see sporkle_device_property */
  uint32_t reserved;
} sporkle_device_info;

#define SPORKLE_DEVICE_INFO_INIT \
  { (uint32_t)sizeof(sporkle_device_info), 0, 0, 0, {0}, {0}, {0}, 0, 0 }

/* One ability or fact of a device as text, for example "threads" = "2". */
typedef struct sporkle_property {
  uint32_t struct_size;
  uint32_t reserved;
  char key[48];
  char value[200];
} sporkle_property;

#define SPORKLE_PROPERTY_INIT { (uint32_t)sizeof(sporkle_property), 0, {0}, {0} }

/* A backend or device that exists in this build and cannot be used here. */
typedef struct sporkle_unavailable_info {
  uint32_t struct_size;
  uint32_t reserved;
  char backend[32];  /* "gl", "amdgpu" */
  char id[32];       /* stable identifier such as "SPORKLE-ENV-03", or empty */
  char reason[256];
  char cure[256];    /* what to type or to ask for */
} sporkle_unavailable_info;

#define SPORKLE_UNAVAILABLE_INFO_INIT \
  { (uint32_t)sizeof(sporkle_unavailable_info), 0, {0}, {0}, {0}, {0} }

/* Number of usable devices. Returns: SPORKLE_ERROR_INVALID_ARGUMENT (out_count NULL). */
SPORKLE_EXPORT sporkle_status sporkle_device_count(sporkle_context context, uint32_t *out_count);

/* Describes one device.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (index out of range), SPORKLE_ERROR_VERSION. */
SPORKLE_EXPORT sporkle_status sporkle_device_describe(sporkle_context context, uint32_t device,
                                                      sporkle_device_info *out_info);

/* Reads one property of a device.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (device or index out of range), SPORKLE_ERROR_VERSION. */
SPORKLE_EXPORT sporkle_status sporkle_device_property(sporkle_context context, uint32_t device,
                                                      uint32_t index,
                                                      sporkle_property *out_property);

/* Finds a device by its spec ("cpu", "gl", "gl:1", "null", "auto"). "auto" gives
 * SPORKLE_DEVICE_AUTO.
 * Returns: SPORKLE_ERROR_DEVICE_UNAVAILABLE with the reason and the devices
 * that exist; SPORKLE_ERROR_INVALID_ARGUMENT. */
SPORKLE_EXPORT sporkle_status sporkle_device_find(sporkle_context context, const char *spec,
                                                  uint32_t *out_device);

/* Number of backends or devices that are not usable here.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (out_count NULL). */
SPORKLE_EXPORT sporkle_status sporkle_unavailable_count(sporkle_context context,
                                                        uint32_t *out_count);

/* Why something is not usable, and what would cure it.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (index out of range), SPORKLE_ERROR_VERSION. */
SPORKLE_EXPORT sporkle_status sporkle_unavailable_describe(sporkle_context context, uint32_t index,
                                                           sporkle_unavailable_info *out_info);

/* ------------------------------------------------------------------------
 * Convolution problems
 * Thread-safety: any thread; nothing is kept.
 * Ownership: the caller owns every struct and array.
 * ---------------------------------------------------------------------- */

enum {
  SPORKLE_ACTIVATION_NONE = 0,
  SPORKLE_ACTIVATION_RELU = 1, /* max(x, 0); NaN stays NaN */
  SPORKLE_ACTIVATION_CLAMP = 2 /* min(max(x, clamp_min), clamp_max); NaN stays NaN */
};

enum {
  SPORKLE_CONV2D_BIAS = 1u << 0,    /* one value per output channel is added */
  SPORKLE_CONV2D_RESIDUAL = 1u << 1 /* an NKHW tensor is added before the activation */
};

/* y = activation(conv(x, weights) + bias + residual).
 * Output height = (h + padding_top + padding_bottom - dilation_h * (kernel_h - 1) - 1)
 * / stride_h + 1, width alike. All sizes are elements. */
typedef struct sporkle_conv2d_desc {
  uint32_t struct_size;
  uint32_t flags; /* SPORKLE_CONV2D_*, default 0 */
  int64_t n, c, h, w; /* batch, input channels, input height and width; >= 1 */
  int64_t k;          /* output channels; >= 1 */
  int64_t kernel_h, kernel_w;     /* >= 1 */
  int64_t stride_h, stride_w;     /* >= 1, default 1 */
  int64_t padding_top, padding_left, padding_bottom, padding_right; /* >= 0, default 0 */
  int64_t dilation_h, dilation_w; /* >= 1, default 1 = dense */
  int64_t groups;                 /* >= 1, divides c and k, default 1 */
  int32_t activation;             /* SPORKLE_ACTIVATION_*, default none */
  float clamp_min, clamp_max;     /* used by SPORKLE_ACTIVATION_CLAMP; min <= max, not NaN */
  uint32_t reserved;              /* 0 */
} sporkle_conv2d_desc;

#define SPORKLE_CONV2D_DESC_INIT                                                           \
  { (uint32_t)sizeof(sporkle_conv2d_desc), 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1, \
    0, 0.0f, 0.0f, 0 }

/* What a problem amounts to. */
typedef struct sporkle_conv2d_info {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t out_h, out_w;
  uint64_t input_size, weights_size, bias_size, output_size; /* bytes; bias_size 0 without bias */
  uint64_t flops; /* 2 * n * k * out_h * out_w * (c / groups) * kernel_h * kernel_w */
} sporkle_conv2d_info;

#define SPORKLE_CONV2D_INFO_INIT { (uint32_t)sizeof(sporkle_conv2d_info), 0, 0, 0, 0, 0, 0, 0, 0 }

/* Sets the defaults; the sizes stay 0 and must be filled in.
 * Returns: nothing; NULL is ignored. */
SPORKLE_EXPORT void sporkle_conv2d_desc_init(sporkle_conv2d_desc *desc);

/* The short form: a square kernel, one stride for both directions, one padding
 * for all four sides; the rest as sporkle_conv2d_desc_init.
 * Returns: nothing; NULL is ignored. The values are checked where the
 * descriptor is used. */
SPORKLE_EXPORT void sporkle_conv2d_desc_set(sporkle_conv2d_desc *desc, int64_t n, int64_t c,
                                            int64_t h, int64_t w, int64_t k, int64_t kernel,
                                            int64_t stride, int64_t padding);

/* Checks a problem and gives output size, byte sizes and FLOPs.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT naming the field, SPORKLE_ERROR_OVERFLOW
 * when a tensor or the FLOP count does not fit, SPORKLE_ERROR_VERSION. */
SPORKLE_EXPORT sporkle_status sporkle_conv2d_describe(const sporkle_conv2d_desc *desc,
                                                      sporkle_conv2d_info *out_info);

/* Asks whether a device can run a problem; for SPORKLE_DEVICE_AUTO, which one
 * the selector would take. `out_device` may be NULL.
 * Returns: as sporkle_conv2d_describe; SPORKLE_ERROR_UNSUPPORTED with the
 * device's reason; SPORKLE_ERROR_DEVICE_UNAVAILABLE. */
SPORKLE_EXPORT sporkle_status sporkle_conv2d_select(sporkle_context context, uint32_t device,
                                                    const sporkle_conv2d_desc *desc,
                                                    uint32_t *out_device);

/* ------------------------------------------------------------------------
 * Convolution: the one-call form and the plan
 * Thread-safety: any thread.
 * Ownership: the library keeps no pointer to host tensors after a call
 * returns; the caller destroys plans.
 * Host tensors need the alignment of float only; 64 bytes is fastest. The
 * output may not overlap an input; residual may be the output itself.
 * Taps outside the input contribute nothing. NaN and infinity propagate as
 * IEEE 754 says, with one exception: an OpenGL algorithm whose name begins with
 * "w2_", "w2k5_", "w3k4_", "w4_" (Winograd) or "f16_" (Fourier) lets those of the
 * input reach every output of a tile: at most 4x4, for "f16_" at most 16x16.
 * The CPU keeps denormals; a GPU may take them as zero (GLSL 4.60, 4.7.1).
 * ---------------------------------------------------------------------- */

/* What one synchronous call did. */
typedef struct sporkle_conv2d_result {
  uint32_t struct_size;
  uint32_t device;        /* index of the device that computed */
  uint64_t elapsed_ns;    /* wall time of the computation, without plan creation */
  uint64_t device_ns;     /* time on the device where it can be measured, else 0 */
  char algorithm[64];     /* name of the implementation */
} sporkle_conv2d_result;

#define SPORKLE_CONV2D_RESULT_INIT { (uint32_t)sizeof(sporkle_conv2d_result), 0, 0, 0, {0} }

/* Computes one convolution on host memory and returns when the output is
 * complete. The prepared weights are cached by device, problem and the full
 * content of weights and bias: every call reads all of them once and computes a
 * digest under a random key of the context. Tensors that differ in any bit (-0.0
 * and 0.0 do, NaN payloads do) are taken for others but with a probability below
 * 2^-63 over the key (docs/architecture.md). `bias` and `residual` are NULL
 * exactly when the flags do not ask for them.
 * `out_result` may be NULL.
 * Returns: as sporkle_conv2d_select; SPORKLE_ERROR_INVALID_ARGUMENT (NULL,
 * misaligned or overlapping tensors), SPORKLE_ERROR_DEVICE_LOST,
 * SPORKLE_ERROR_OPERATION_FAILED. */
SPORKLE_EXPORT sporkle_status sporkle_conv2d(sporkle_context context, uint32_t device,
                                             const sporkle_conv2d_desc *desc, const float *input,
                                             const float *weights, const float *bias,
                                             const float *residual, float *output,
                                             sporkle_conv2d_result *out_result);

/* Prepares a problem: chooses the device and the implementation, packs the
 * weights and copies the bias. The arrays may be freed afterwards. On a device
 * other than the CPU the plan also keeps a copy of the weights in host memory,
 * from which an executor goes on after the device has been lost.
 * Returns: as sporkle_conv2d. */
SPORKLE_EXPORT sporkle_status sporkle_plan_create(sporkle_context context, uint32_t device,
                                                  const sporkle_conv2d_desc *desc,
                                                  const float *weights, const float *bias,
                                                  sporkle_plan *out_plan);

/* sporkle_plan_create in the background: returns once the arguments have been
 * checked and weights and bias copied (the arrays may be freed then); a thread
 * of the context chooses, compiles, tunes and packs, one plan after another.
 * The fence signals when the plan is ready, or fails with what
 * sporkle_plan_create would have returned; it belongs to the caller. Until it
 * ends, calls that use the plan (describe, run, submit, executor_submit) wait;
 * after a failure they return its status and text, and the plan can only be
 * destroyed. A plan destroyed earlier is prepared all the same and then freed;
 * destroying the context fails what has not begun with SPORKLE_ERROR_CANCELLED.
 * Returns: as sporkle_plan_create where the arguments alone decide;
 * SPORKLE_ERROR_POOL_EXHAUSTED (fences). */
SPORKLE_EXPORT sporkle_status sporkle_plan_prepare(sporkle_context context, uint32_t device,
                                                   const sporkle_conv2d_desc *desc,
                                                   const float *weights, const float *bias,
                                                   sporkle_plan *out_plan,
                                                   sporkle_fence *out_fence);

/* Destroys a plan. Work in flight that uses it still ends normally.
 * Returns: SPORKLE_OK. */
SPORKLE_EXPORT sporkle_status sporkle_plan_destroy(sporkle_plan plan);

typedef struct sporkle_plan_info {
  uint32_t struct_size;
  uint32_t device;
  uint64_t packed_bytes;    /* prepared weights, owned by the plan */
  uint64_t workspace_bytes; /* scratch memory of one call in flight */
  char algorithm[64];
} sporkle_plan_info;

#define SPORKLE_PLAN_INFO_INIT { (uint32_t)sizeof(sporkle_plan_info), 0, 0, 0, {0} }

/* Describes a plan. Returns: SPORKLE_ERROR_INVALID_ARGUMENT, SPORKLE_ERROR_VERSION. */
SPORKLE_EXPORT sporkle_status sporkle_plan_describe(sporkle_plan plan, sporkle_plan_info *out_info);

/* Runs a plan on host memory and returns when the output is complete.
 * `residual` is NULL exactly when the problem has none; `out_result` may be NULL.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT, SPORKLE_ERROR_OUT_OF_MEMORY,
 * SPORKLE_ERROR_DEVICE_LOST, SPORKLE_ERROR_OPERATION_FAILED. */
SPORKLE_EXPORT sporkle_status sporkle_plan_run(sporkle_plan plan, const float *input,
                                               const float *residual, float *output,
                                               sporkle_conv2d_result *out_result);

/* ------------------------------------------------------------------------
 * Sequence plans: a chain of convolutions as one plan
 * Thread-safety: any thread.
 * Ownership: as plans.
 * Tensors are numbered: 0 is the input of the sequence, i + 1 the output of
 * step i; the output of the last step is that of the sequence. Tensors between
 * steps live in scratch memory of the device (workspace_bytes), where a tensor
 * takes the place of one that no later step reads; they are never visible.
 * ---------------------------------------------------------------------- */

#define SPORKLE_SEQUENCE_NONE UINT32_MAX
#define SPORKLE_SEQUENCE_LIMIT 1024u /* steps */

typedef struct sporkle_sequence_step {
  uint32_t struct_size;
  uint32_t input;    /* number of an earlier tensor, of the shape of desc's input */
  uint32_t residual; /* the same for the residual; SPORKLE_SEQUENCE_NONE without one */
  uint32_t reserved; /* 0 */
  const sporkle_conv2d_desc *desc;
  const float *weights;
  const float *bias; /* NULL exactly when desc->flags does not ask for it */
} sporkle_sequence_step;

#define SPORKLE_SEQUENCE_STEP_INIT \
  { (uint32_t)sizeof(sporkle_sequence_step), 0, SPORKLE_SEQUENCE_NONE, 0, 0, 0, 0 }

/* Prepares `count` convolutions, each with its bias, residual and activation, as
 * one plan: one call runs all of them, one submit queues them, one fence ends
 * them. The plan takes the input of the first and gives the output of the last
 * step; it has no residual of its own. Otherwise it is a plan like any other.
 * Array and descriptors may be freed afterwards, as the weights and biases. All
 * elements of `steps` have the struct_size of the first. In statistics a run
 * counts as `count` convolutions.
 * Returns: as sporkle_plan_create; SPORKLE_ERROR_INVALID_ARGUMENT also for a
 * count outside of [1, SPORKLE_SEQUENCE_LIMIT], a tensor that is not an earlier
 * one or of another shape, an output that no later step reads;
 * SPORKLE_ERROR_UNSUPPORTED naming the first step that the device refuses. */
SPORKLE_EXPORT sporkle_status sporkle_plan_sequence(sporkle_context context, uint32_t device,
                                                    const sporkle_sequence_step *steps,
                                                    uint32_t count, sporkle_plan *out_plan);

/* ------------------------------------------------------------------------
 * Buffers: device-visible memory with a CPU address
 * Thread-safety: any thread; the contents are the caller's to synchronise.
 * Ownership: the creator destroys it; the memory stays until work in flight
 * that uses it has ended.
 * ---------------------------------------------------------------------- */

enum {
  SPORKLE_BUFFER_CPU_WRITE = 1u << 0,
  SPORKLE_BUFFER_CPU_READ = 1u << 1,
  SPORKLE_BUFFER_DEVICE_READ = 1u << 2,
  SPORKLE_BUFFER_DEVICE_WRITE = 1u << 3,
  SPORKLE_BUFFER_OPENGL = 1u << 4 /* sporkle_gl_buffer_name will be asked: an OpenGL object of
                                     its own; without meaning for other devices */
};

enum {
  SPORKLE_PLACEMENT_HOST = 1,    /* ordinary memory that the device uses directly */
  SPORKLE_PLACEMENT_MAPPED = 2,  /* device allocation mapped for its whole life */
  SPORKLE_PLACEMENT_WINDOW = 3,  /* device-local with a mapped window the GPU copies */
  SPORKLE_PLACEMENT_STAGING = 4  /* no mapping: the library copies */
};

typedef struct sporkle_buffer_desc {
  uint32_t struct_size;
  uint32_t usage;  /* SPORKLE_BUFFER_*; none of the first four: all of them */
  uint32_t device; /* device index; SPORKLE_DEVICE_AUTO: the default device */
  uint32_t reserved;
  uint64_t size;   /* bytes, >= 1 */
  const char *label; /* for diagnostics; may be NULL */
} sporkle_buffer_desc;

#define SPORKLE_BUFFER_DESC_INIT \
  { (uint32_t)sizeof(sporkle_buffer_desc), 0, SPORKLE_DEVICE_AUTO, 0, 0, 0 }

typedef struct sporkle_buffer_info {
  uint32_t struct_size;
  uint32_t device;
  uint32_t usage;
  uint32_t placement; /* SPORKLE_PLACEMENT_* */
  uint64_t size;
  void *data;         /* 64-byte aligned, valid for the buffer's whole life; NULL without
                         SPORKLE_BUFFER_CPU_WRITE and SPORKLE_BUFFER_CPU_READ */
  uint32_t coherent;  /* 1: flush and invalidate cost nothing here */
  uint32_t reserved;
} sporkle_buffer_info;

#define SPORKLE_BUFFER_INFO_INIT { (uint32_t)sizeof(sporkle_buffer_info), 0, 0, 0, 0, 0, 0, 0 }

/* Sets the defaults. Returns: nothing; NULL is ignored. */
SPORKLE_EXPORT void sporkle_buffer_desc_init(sporkle_buffer_desc *desc);

/* Creates a buffer; its contents are undefined.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT, SPORKLE_ERROR_OUT_OF_MEMORY (also
 * when the device cannot hold one buffer of that size), SPORKLE_ERROR_OVERFLOW,
 * SPORKLE_ERROR_VERSION. */
SPORKLE_EXPORT sporkle_status sporkle_buffer_create(sporkle_context context,
                                                    const sporkle_buffer_desc *desc,
                                                    sporkle_buffer *out_buffer);

/* Destroys a buffer. Returns: SPORKLE_OK; the storage of a buffer in flight is
 * released when the work has ended. */
SPORKLE_EXPORT sporkle_status sporkle_buffer_destroy(sporkle_buffer buffer);

/* Describes a buffer. Returns: SPORKLE_ERROR_INVALID_ARGUMENT, SPORKLE_ERROR_VERSION. */
SPORKLE_EXPORT sporkle_status sporkle_buffer_describe(sporkle_buffer buffer,
                                                      sporkle_buffer_info *out_info);

/* The CPU address of a buffer, NULL when it was created without
 * SPORKLE_BUFFER_CPU_WRITE and SPORKLE_BUFFER_CPU_READ. Through a buffer with one
 * of them the CPU may only do that: a write-only mapping may not be readable.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT. */
SPORKLE_EXPORT sporkle_status sporkle_buffer_data(sporkle_buffer buffer, void **out_data);

/* Makes CPU writes to [offset, offset + size) visible to work submitted
 * afterwards. Required before submit on every device; free where memory is
 * coherent.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (range outside the buffer, or a
 * buffer without SPORKLE_BUFFER_CPU_WRITE). */
SPORKLE_EXPORT sporkle_status sporkle_buffer_flush(sporkle_buffer buffer, uint64_t offset,
                                                   uint64_t size);

/* Makes device writes to [offset, offset + size) that have ended (their fence
 * has signalled) visible to the CPU.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (range outside the buffer, or a
 * buffer without SPORKLE_BUFFER_CPU_READ), SPORKLE_ERROR_BUSY (an operation that
 * was submitted writes there and has not ended; not known once its fence has
 * been destroyed), SPORKLE_ERROR_DEVICE_LOST. */
SPORKLE_EXPORT sporkle_status sporkle_buffer_invalidate(sporkle_buffer buffer, uint64_t offset,
                                                        uint64_t size);

/* One tensor of a submitted operation. */
typedef struct sporkle_binding {
  sporkle_buffer buffer;
  uint64_t offset; /* bytes from the buffer's start, a multiple of 64 */
} sporkle_binding;

typedef struct sporkle_plan_bindings {
  uint32_t struct_size;
  uint32_t reserved;
  sporkle_binding input;
  sporkle_binding residual; /* buffer NULL exactly when the problem has none */
  sporkle_binding output;
} sporkle_plan_bindings;

#define SPORKLE_PLAN_BINDINGS_INIT \
  { (uint32_t)sizeof(sporkle_plan_bindings), 0, {0, 0}, {0, 0}, {0, 0} }

/* Submits a plan on buffers of the plan's device and returns at once. Work on
 * one device runs in submission order as far as results can tell. The fence
 * belongs to the caller.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (range, alignment, overlap, usage,
 * another device), SPORKLE_ERROR_POOL_EXHAUSTED, SPORKLE_ERROR_DEVICE_LOST. */
SPORKLE_EXPORT sporkle_status sporkle_plan_submit(sporkle_plan plan,
                                                  const sporkle_plan_bindings *bindings,
                                                  sporkle_fence *out_fence);

/* ------------------------------------------------------------------------
 * Fences: the completion of submitted work
 * Thread-safety: any thread, without a GL context, also while others wait.
 * Ownership: the receiver destroys a fence, except an executor slot's.
 * A fence is born by a submit or by sporkle_fence_insert and ends once: it is
 * signalled, or it fails with a status. A timeout is an answer to the waiter
 * and does not change the fence.
 * ---------------------------------------------------------------------- */

/* Inserts a fence behind everything submitted to a device so far. `label` may
 * be NULL.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (device), SPORKLE_ERROR_POOL_EXHAUSTED,
 * SPORKLE_ERROR_DEVICE_LOST. */
SPORKLE_EXPORT sporkle_status sporkle_fence_insert(sporkle_context context, uint32_t device,
                                                   const char *label, sporkle_fence *out_fence);

/* Asks for the state of a fence without any driver call; a few nanoseconds.
 * Returns: SPORKLE_OK (signalled), SPORKLE_NOT_READY (pending), the error the
 * work failed with, or SPORKLE_ERROR_INVALID_HANDLE. In a forked child the
 * answer is that of the moment of the fork. No text is set. */
SPORKLE_EXPORT sporkle_status sporkle_fence_poll(sporkle_fence fence);

/* Sleeps until the fence ends or `timeout_ns` has passed.
 * Returns: SPORKLE_OK, SPORKLE_TIMEOUT, the error the work failed with; a
 * fence destroyed by another thread meanwhile gives SPORKLE_ERROR_INVALID_HANDLE. */
SPORKLE_EXPORT sporkle_status sporkle_fence_wait(sporkle_fence fence, uint64_t timeout_ns);

/* Sleeps until one of `count` fences (of any devices) has ended; `out_index`
 * (may be NULL) names the first such fence in the array.
 * Returns: that fence's status, SPORKLE_TIMEOUT, SPORKLE_ERROR_INVALID_ARGUMENT
 * (count 0 or above 4096, or NULL), SPORKLE_ERROR_INVALID_HANDLE (with `out_index`
 * set to the first bad one, whatever has ended before the call). */
SPORKLE_EXPORT sporkle_status sporkle_fence_wait_any(const sporkle_fence *fences, uint32_t count,
                                                     uint64_t timeout_ns, uint32_t *out_index);

/* Sleeps until all of `count` fences have ended.
 * Returns: SPORKLE_OK when all are signalled; the status of the first in the
 * array that failed, after all have ended; SPORKLE_TIMEOUT;
 * SPORKLE_ERROR_INVALID_ARGUMENT and SPORKLE_ERROR_INVALID_HANDLE as
 * sporkle_fence_wait_any. A count of 0 is SPORKLE_OK. */
SPORKLE_EXPORT sporkle_status sporkle_fence_wait_all(const sporkle_fence *fences, uint32_t count,
                                                     uint64_t timeout_ns);

/* Destroys a fence; the work goes on. Waiters return SPORKLE_ERROR_INVALID_HANDLE.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT when an executor slot owns the fence. */
SPORKLE_EXPORT sporkle_status sporkle_fence_destroy(sporkle_fence fence);

/* Makes a file descriptor (an eventfd, close-on-exec, non-blocking) for poll(2),
 * epoll or an event loop. It is readable from the moment on at which
 * sporkle_fence_poll answers anything but SPORKLE_NOT_READY: the fence has ended
 * or has been destroyed, also by the destruction of its context. Ask the fence
 * itself how it ended. Works for fences of every device, any number of times per
 * fence; a fence that has ended gives a readable descriptor. Reading gives a 1 of
 * 8 bytes and leaves every descriptor of the fence readable; poll it instead.
 * Ownership: the caller closes the descriptor, at any time. A forked child's copy
 * stays usable: it becomes readable when the parent's fence ends.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (out_fd NULL),
 * SPORKLE_ERROR_POOL_EXHAUSTED (no descriptor is left; the library keeps one for
 * each exported fence), SPORKLE_ERROR_OUT_OF_MEMORY. `*out_fd` is -1 then. */
SPORKLE_EXPORT sporkle_status sporkle_fence_export_fd(sporkle_fence fence, int32_t *out_fd);

/* ------------------------------------------------------------------------
 * Executor: a pipeline of slots with mapped input and output
 * Thread-safety: any thread; one slot belongs to one thread at a time, from
 * acquire to release.
 * Ownership: the creator destroys the executor; slots, their memory and their
 * fences belong to it.
 *
 *   acquire -> fill slot.input -> submit -> wait the fence -> read slot.output
 *   -> release
 * ---------------------------------------------------------------------- */

typedef struct sporkle_executor_desc {
  uint32_t struct_size;
  uint32_t device;      /* device index; SPORKLE_DEVICE_AUTO: the default device */
  uint32_t slot_count;  /* 1..256; 0: 3 */
  uint32_t retries;     /* 0..8: how often an operation is run again whose device was lost */
  uint64_t input_size;    /* bytes of each slot's input, >= 1 */
  uint64_t residual_size; /* bytes of each slot's residual; 0: none */
  uint64_t output_size;   /* bytes of each slot's output, >= 1 */
  const char *label;
} sporkle_executor_desc;

#define SPORKLE_EXECUTOR_DESC_INIT \
  { (uint32_t)sizeof(sporkle_executor_desc), SPORKLE_DEVICE_AUTO, 0, 0, 0, 0, 0, 0 }

typedef struct sporkle_slot {
  uint32_t struct_size;
  uint32_t index;
  float *input;    /* 64-byte aligned, write it before submit */
  float *residual; /* NULL without residual */
  float *output;   /* read it after the fence, before release */
  uint64_t input_size, residual_size, output_size;
} sporkle_slot;

#define SPORKLE_SLOT_INIT { (uint32_t)sizeof(sporkle_slot), 0, 0, 0, 0, 0, 0, 0 }

/* Sets the defaults. Returns: nothing; NULL is ignored. */
SPORKLE_EXPORT void sporkle_executor_desc_init(sporkle_executor_desc *desc);

/* Creates an executor and the memory of its slots.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT, SPORKLE_ERROR_OUT_OF_MEMORY,
 * SPORKLE_ERROR_VERSION. */
SPORKLE_EXPORT sporkle_status sporkle_executor_create(sporkle_context context,
                                                      const sporkle_executor_desc *desc,
                                                      sporkle_executor *out_executor);

/* Destroys an executor and its slots; waits up to two seconds for work in flight.
 * Returns: SPORKLE_OK. */
SPORKLE_EXPORT sporkle_status sporkle_executor_destroy(sporkle_executor executor);

/* Takes a free slot, waiting up to `timeout_ns` for one.
 * Returns: SPORKLE_TIMEOUT when none became free, SPORKLE_ERROR_INVALID_ARGUMENT,
 * SPORKLE_ERROR_VERSION. */
SPORKLE_EXPORT sporkle_status sporkle_executor_acquire(sporkle_executor executor,
                                                       uint64_t timeout_ns,
                                                       sporkle_slot *out_slot);

/* Submits an acquired slot with a plan of the same device; flush and
 * invalidate are done by the executor. The fence belongs to the slot: it is
 * valid until release and is not destroyed by the caller. Work in flight when
 * the device is lost is run again by a thread of the context as often as
 * `retries` says, on the device when it is back and the last time on the CPU
 * (counted as `fallbacks`) unless a GPU is required; the fence stays pending
 * meanwhile. Then, or without retries, it fails with SPORKLE_ERROR_DEVICE_LOST.
 * Not run again: work inside a driver that does not answer. Later submits use
 * the device once it is back, and until then the CPU likewise.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (slot not acquired, tensors larger
 * than the slot, another device), SPORKLE_ERROR_BUSY (already submitted),
 * SPORKLE_ERROR_POOL_EXHAUSTED, SPORKLE_ERROR_DEVICE_LOST. */
SPORKLE_EXPORT sporkle_status sporkle_executor_submit(sporkle_executor executor, uint32_t slot,
                                                      sporkle_plan plan, sporkle_fence *out_fence);

/* Submits `count` acquired slots, slots[i] with plans[i], in this order and as
 * one group: on OpenGL they share sync objects as far as their lengths allow.
 * out_fences[i] gets the fence of slots[i]. All or nothing: after an error no
 * slot has been submitted and every fence is NULL.
 * Returns: as sporkle_executor_submit, naming the element;
 * SPORKLE_ERROR_INVALID_ARGUMENT (count outside of [1, 256], an array NULL),
 * SPORKLE_ERROR_BUSY (also for a slot that comes twice). */
SPORKLE_EXPORT sporkle_status sporkle_executor_submit_many(sporkle_executor executor,
                                                           const uint32_t *slots,
                                                           const sporkle_plan *plans,
                                                           uint32_t count,
                                                           sporkle_fence *out_fences);

/* Gives a slot back. A slot whose work is still pending is set aside and
 * becomes free when the work has really ended; it never stalls the others.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (slot not acquired). */
SPORKLE_EXPORT sporkle_status sporkle_executor_release(sporkle_executor executor, uint32_t slot);

/* What an executor has done since it was created. Utilisation of a stretch of
 * time is the difference of two busy_ns over that of wall_ns. */
typedef struct sporkle_executor_info {
  uint32_t struct_size;
  uint32_t device;
  uint32_t slots;
  uint32_t slots_free;
  uint32_t slots_in_flight; /* submitted, fence pending, not set aside */
  uint32_t slots_aside;     /* released with work pending, until that has ended */
  uint64_t submitted;       /* operations accepted */
  uint64_t ended;           /* of these, failed ones included */
  uint64_t failed;
  uint64_t retried;         /* further runs of operations whose device was lost */
  /* Time in which the device worked on the executor's operations. CPU: measured
   * around each; OpenGL: batches, every moment once, between estimates of their
   * begin and end, shared out by expected lengths; null device: on its virtual
   * clock; run again after a loss: the whole call. */
  uint64_t busy_ns;
  uint64_t idle_ns;         /* wall_ns - busy_ns, not below 0 */
  uint64_t wall_ns;         /* since the executor was created */
  double utilisation;       /* busy_ns / wall_ns, at most 1 */
} sporkle_executor_info;

#define SPORKLE_EXECUTOR_INFO_INIT \
  { (uint32_t)sizeof(sporkle_executor_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0 }

/* Describes an executor. Returns: SPORKLE_ERROR_INVALID_ARGUMENT, SPORKLE_ERROR_VERSION. */
SPORKLE_EXPORT sporkle_status sporkle_executor_describe(sporkle_executor executor,
                                                        sporkle_executor_info *out_info);

/* ------------------------------------------------------------------------
 * Statistics
 * Thread-safety: any thread.   Ownership: copied out.
 * Counters since the context was created; they only grow, except the *_now
 * and *_bytes fields, which are gauges.
 * ---------------------------------------------------------------------- */

typedef struct sporkle_stats {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t conv2d_calls;         /* synchronous convolutions that succeeded */
  uint64_t conv2d_flops;         /* their FLOPs */
  uint64_t conv2d_errors;        /* synchronous convolutions that failed */
  uint64_t submits;              /* asynchronous operations accepted */
  uint64_t submit_failures;      /* asynchronous operations that failed */
  uint64_t fences_created;
  uint64_t fences_destroyed;
  uint64_t fences_now;           /* alive, without those of executor slots */
  uint64_t fence_pool_exhausted;
  uint64_t wait_timeouts;
  uint64_t plans_created;
  uint64_t plan_cache_hits;
  uint64_t plan_cache_misses;
  uint64_t plan_cache_evictions;
  uint64_t plan_cache_bytes;
  uint64_t buffer_bytes;         /* live buffers, executor slots included */
  uint64_t cpu_copied_bytes;     /* bytes of tensors that the CPU copied */
  uint64_t gpu_copied_bytes;     /* bytes that a device's copy engine moved */
  uint64_t map_calls;            /* mappings of driver objects; buffers share them */
  uint64_t fallbacks;            /* problems that a preferred device refused or lost */
  uint64_t slots_set_aside;      /* slots released with work pending */
  uint64_t device_resets;        /* losses of devices: resets, work that does not end */
  uint64_t mapped_bytes;         /* mapped by drivers now, what is kept for reuse included */
  uint64_t stalls;               /* calls on buffers and slots that had to wait for a device */
  uint64_t completion_contradictions; /* an OpenGL sync object signalled before the completion
                                         word in front of it was there, or much later */
  uint64_t workspace_bytes;      /* tensors between the steps of sequences and scratch memory of
                                    kernels, in the devices' memory; what is kept for reuse
                                    included */
} sporkle_stats;

#define SPORKLE_STATS_INIT                                                                   \
  { (uint32_t)sizeof(sporkle_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
    0, 0, 0, 0, 0, 0, 0, 0 }

/* One snapshot of all counters.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT, SPORKLE_ERROR_VERSION. */
SPORKLE_EXPORT sporkle_status sporkle_context_stats(sporkle_context context,
                                                    sporkle_stats *out_stats);

/* ------------------------------------------------------------------------
 * The null device: a testing aid (experimental, outside the ABI promise)
 * Thread-safety: any thread.   Ownership: nothing is kept.
 * Listed only with SPORKLE_CONTEXT_ENABLE_NULL or when SPORKLE_DEVICE or the
 * descriptor names "null". It computes with the reference, in submission
 * order, on a virtual clock, so that a program can test what it does when a
 * device hangs, fails, is reset or runs out of memory.
 * ---------------------------------------------------------------------- */

enum {
  SPORKLE_NULL_CLOCK_AUTO = 0,   /* work ends by itself, in order (the default) */
  SPORKLE_NULL_CLOCK_MANUAL = 1, /* work ends only as the clock is advanced */
  SPORKLE_NULL_ADVANCE = 2,      /* advance the virtual clock by `value` ns */
  SPORKLE_NULL_OP_TIME = 3,      /* virtual duration of the operations submitted from now on, ns */
  SPORKLE_NULL_FAIL = 4,  /* operations number [value, value + count) from now fail alone */
  SPORKLE_NULL_HANG = 5,  /* operation number `value` from now never ends, until RECOVER */
  SPORKLE_NULL_RESET = 6, /* at operation number `value` from now the device is lost */
  SPORKLE_NULL_OOM = 7,   /* device allocations [value, value + count) from now fail */
  SPORKLE_NULL_RECOVER = 8 /* ends a hang, brings a lost device back, drops planned faults */
};

/* Controls the null device. `value` and `count` as the command says, else 0;
 * numbering starts at 0 for the next operation or allocation.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (not a null device, unknown command). */
SPORKLE_EXPORT sporkle_status sporkle_null_control(sporkle_context context, uint32_t device,
                                                   uint32_t command, uint64_t value,
                                                   uint64_t count);

/* ------------------------------------------------------------------------
 * OpenGL interop (experimental, outside the ABI promise)
 * Thread-safety: any thread; what a call does to the "attached context" is
 * about the calling thread alone.
 * Ownership: names belong to the share group, not to a thread: the caller
 * deletes those it created; a buffer's name goes with the buffer.
 *
 * For programs that issue OpenGL commands themselves. sporkle_gl_attach makes a
 * context of the device's share group current on the calling thread; the names
 * below are real there, for the caller's own glBindBuffer, glUseProgram and so
 * on. Between the caller's commands and work submitted to the library stands a
 * hand-over in one direction or the other: a flush and a wait on the GPU.
 *
 * Every function that works in the attached context returns
 * SPORKLE_ERROR_INVALID_ARGUMENT when the thread is not attached to the device,
 * SPORKLE_ERROR_BUSY when another context has been made current meanwhile,
 * SPORKLE_ERROR_DEVICE_LOST when the device was reset after the attach (detach,
 * attach again; the old names are gone), and SPORKLE_ERROR_UNSUPPORTED for a
 * device without OpenGL; these are not repeated below. They keep the caller's
 * bindings but for what they are named after, and they read the context's
 * glGetError until it is clear.
 *
 * A thread that ends while attached is detached. Destroying the sporkle_context
 * detaches the thread that does it; the others keep their context current until
 * they attach again or end, and the names in it stay usable by gl* calls. A
 * child forked by an attached thread gets SPORKLE_ERROR_FORKED and leaves by
 * _exit or exec: exit handlers of drivers (NVIDIA 580.159, zink of Mesa 22.3)
 * hang or crash there.
 * ---------------------------------------------------------------------- */

/* Attaches the calling thread: makes a context of the share group of `device`
 * current on it, with the robustness of the library's own. Counted: each attach
 * wants its detach. The state of the context (bindings, current program) is
 * that of a new context or what an earlier user left.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (device out of range),
 * SPORKLE_ERROR_UNSUPPORTED (no OpenGL device, or the driver refuses another
 * context), SPORKLE_ERROR_BUSY (a context of the caller's own is current on the
 * thread, or one of another device: nothing is changed), SPORKLE_ERROR_DEVICE_LOST,
 * SPORKLE_ERROR_POOL_EXHAUSTED. */
SPORKLE_EXPORT sporkle_status sporkle_gl_attach(sporkle_context context, uint32_t device);

/* Undoes one attach of the calling thread; the last one makes no context
 * current, unless the caller has made another one current meanwhile: that one
 * stays.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (not attached to this device). Works
 * on a lost device. */
SPORKLE_EXPORT sporkle_status sporkle_gl_detach(sporkle_context context, uint32_t device);

/* Orders the commands that the caller has issued in the attached context before
 * whatever is submitted to the device afterwards; a fence inserted afterwards
 * covers them. Does not wait. `buffer` (may be NULL) is one whose content the
 * CPU will read: after such a fence and sporkle_buffer_invalidate it sees what
 * the caller's commands wrote.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (buffer of another context or device),
 * SPORKLE_ERROR_POOL_EXHAUSTED (too many operations in flight). */
SPORKLE_EXPORT sporkle_status sporkle_gl_hand_over(sporkle_context context, uint32_t device,
                                                   sporkle_buffer buffer);

/* Orders everything submitted to the device so far before the commands that the
 * caller issues afterwards in the attached context. Waits until the library's
 * thread has told the driver, not for the GPU. `buffer` (may be NULL) is one
 * that the CPU has flushed: required before the caller's commands read or write
 * it, because a flush may take effect as late as the buffer's next use.
 * Returns: as sporkle_gl_hand_over; SPORKLE_ERROR_DEVICE_UNAVAILABLE (the driver
 * takes no commands for 10 seconds). */
SPORKLE_EXPORT sporkle_status sporkle_gl_take_over(sporkle_context context, uint32_t device,
                                                   sporkle_buffer buffer);

/* The OpenGL name of a buffer of the library that was created with
 * SPORKLE_BUFFER_OPENGL, constant for the buffer's life.
 * Do not delete or resize it. Needs no attached context. For its content see
 * sporkle_gl_take_over and sporkle_gl_hand_over.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (also without that usage),
 * SPORKLE_ERROR_UNSUPPORTED (a device without OpenGL), SPORKLE_ERROR_DEVICE_LOST. */
SPORKLE_EXPORT sporkle_status sporkle_gl_buffer_name(sporkle_buffer buffer, uint32_t *out_name);

/* Creates a buffer object of `size` bytes with the content at `data`, or
 * undefined content when `data` is NULL. Its storage is mutable: glBufferData
 * may size it anew.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (size 0), SPORKLE_ERROR_OUT_OF_MEMORY. */
SPORKLE_EXPORT sporkle_status sporkle_gl_buffer_create(sporkle_context context, uint32_t device,
                                                       uint64_t size, const void *data,
                                                       uint32_t *out_name);

/* Deletes a buffer object that sporkle_gl_buffer_create or the caller made.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (no buffer object). */
SPORKLE_EXPORT sporkle_status sporkle_gl_buffer_delete(sporkle_context context, uint32_t device,
                                                       uint32_t name);

/* Copies `size` bytes at `data` to `offset` of a buffer object.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (no buffer object, range outside of it,
 * data NULL), SPORKLE_ERROR_UNSUPPORTED (its storage does not allow that). */
SPORKLE_EXPORT sporkle_status sporkle_gl_buffer_write(sporkle_context context, uint32_t device,
                                                      uint32_t name, uint64_t offset,
                                                      uint64_t size, const void *data);

/* Copies `size` bytes from `offset` of a buffer object to `data` when the
 * attached context's commands that write it have ended. After writes by the
 * library's work, take over first.
 * Returns: as sporkle_gl_buffer_write. */
SPORKLE_EXPORT sporkle_status sporkle_gl_buffer_read(sporkle_context context, uint32_t device,
                                                     uint32_t name, uint64_t offset, uint64_t size,
                                                     void *data);

/* Binds a buffer object to a storage binding of the attached context; 0 unbinds.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (binding beyond the driver's limit, no
 * buffer object). */
SPORKLE_EXPORT sporkle_status sporkle_gl_buffer_bind(sporkle_context context, uint32_t device,
                                                     uint32_t binding, uint32_t name);

/* Compiles and links a compute shader; `length` bytes of GLSL, no NUL needed.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (source NULL, length 0 or above
 * INT32_MAX, a NUL inside), SPORKLE_ERROR_OPERATION_FAILED with the first line
 * of the driver's log. */
SPORKLE_EXPORT sporkle_status sporkle_gl_program_create(sporkle_context context, uint32_t device,
                                                        const char *source, uint64_t length,
                                                        uint32_t *out_program);

/* Deletes a program object of the caller's.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (no program object). */
SPORKLE_EXPORT sporkle_status sporkle_gl_program_delete(sporkle_context context, uint32_t device,
                                                        uint32_t program);

/* Copies the driver's binary of a linked program to `data`, its size to
 * `out_size` and its format to `out_format`. With `data` NULL only the size is
 * given and the format is 0.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (no program object; capacity below the
 * size, which is given then), SPORKLE_ERROR_UNSUPPORTED (not linked, or a driver
 * without binaries). */
SPORKLE_EXPORT sporkle_status sporkle_gl_program_save(sporkle_context context, uint32_t device,
                                                      uint32_t program, void *data,
                                                      uint64_t capacity, uint64_t *out_size,
                                                      uint32_t *out_format);

/* Makes a program of a binary that sporkle_gl_program_save gave on the same GPU
 * with the same driver.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (data NULL, size 0 or above INT32_MAX),
 * SPORKLE_ERROR_OPERATION_FAILED (the driver refuses it). */
SPORKLE_EXPORT sporkle_status sporkle_gl_program_load(sporkle_context context, uint32_t device,
                                                      uint32_t format, const void *data,
                                                      uint64_t size, uint32_t *out_program);

/* Dispatches a compute program on what is bound, followed by a barrier for every
 * kind of access. Does not wait.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (no linked program; groups outside of
 * [1, the driver's limit]), SPORKLE_ERROR_OPERATION_FAILED. */
SPORKLE_EXPORT sporkle_status sporkle_gl_dispatch(sporkle_context context, uint32_t device,
                                                  uint32_t program, uint32_t groups_x,
                                                  uint32_t groups_y, uint32_t groups_z);

/* ------------------------------------------------------------------------
 * AMD packet tools (experimental, outside the ABI promise)
 * Thread-safety: any thread.   Ownership: nothing is kept.
 * What the AMD backend would write into a GPU's ring (PM4 packets), for reading
 * and checking; no device is opened and nothing runs. `gfx` is LLVM's name of
 * a chip, for example "gfx1100". An image is a file that sporkle_pm4_encode
 * made: the packets with the kernels and address ranges that they may name
 * (docs/pm4_design.md). Images and plain dwords are aligned to 4 bytes.
 * ---------------------------------------------------------------------- */

typedef struct sporkle_pm4_info {
  uint32_t struct_size;
  uint32_t dwords_full; /* one dispatch with all state and its fence */
  uint32_t dwords_hot;  /* when the queue's registers hold the kernel */
  uint32_t dwords_ring; /* in the ring, when a prebuilt buffer holds the packets */
  double ns_full;       /* time to prepare the full form on this CPU; median */
  double ns_hot;        /* the hot form */
  double ns_checked;    /* the full form and its validation */
} sporkle_pm4_info;

#define SPORKLE_PM4_INFO_INIT { (uint32_t)sizeof(sporkle_pm4_info), 0, 0, 0, 0, 0, 0 }

/* Encodes one convolution with its fence for a chip. `image` gets up to
 * `capacity` bytes, nothing when it does not fit; `out_size` gets the size of
 * the whole. Addresses stand for allocations that a device would make.
 * `out_info` may be NULL; else the preparation is timed, about 2 ms.
 * Returns: SPORKLE_OK, also when it does not fit; SPORKLE_ERROR_UNSUPPORTED (a
 * chip that is not covered, for which this build has no machine code, or a
 * problem too large for the kernels, with the reason);
 * SPORKLE_ERROR_INVALID_ARGUMENT, SPORKLE_ERROR_OVERFLOW, SPORKLE_ERROR_VERSION. */
SPORKLE_EXPORT sporkle_status sporkle_pm4_encode(const char *gfx, const sporkle_conv2d_desc *desc,
                                                 void *image, uint64_t capacity,
                                                 uint64_t *out_size, sporkle_pm4_info *out_info);

/* Prints packets by names, valid or not. With `gfx` NULL, `image` is an image;
 * else `size` bytes of plain dwords for that chip. `text` gets up to `capacity`
 * bytes, NUL-terminated when capacity > 0; `out_length` gets the length of the
 * whole text without its NUL.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (not an image, cut off, misaligned),
 * SPORKLE_ERROR_UNSUPPORTED (a chip that is not covered). */
SPORKLE_EXPORT sporkle_status sporkle_pm4_decode(const char *gfx, const void *image, uint64_t size,
                                                 char *text, uint64_t capacity,
                                                 uint64_t *out_length);

/* Checks an image as every stream is checked before it may reach a GPU.
 * Returns: SPORKLE_OK; SPORKLE_ERROR_INVALID_ARGUMENT with the number of the
 * dword, the packet and the reason, or what is wrong with the image. */
SPORKLE_EXPORT sporkle_status sporkle_pm4_validate(const void *image, uint64_t size);

/* Lists a code object (ELF of machine code for AMD GPUs) as JSON: target,
 * segments, and each kernel with its descriptor and metadata by LLVM's names
 * (docs/amdgpu_kernels.md). `object` of `size` bytes, of any alignment; NULL:
 * the one that the library carries for the chip `gfx`. With both, the object
 * must run on the chip. `text`, `capacity` and `out_length` as above.
 * Returns: SPORKLE_ERROR_INVALID_ARGUMENT (damaged, cut off, not for the chip;
 * object and gfx both NULL), SPORKLE_ERROR_UNSUPPORTED (a chip that is not
 * covered, or for which this build has no machine code). */
SPORKLE_EXPORT sporkle_status sporkle_pm4_list_code(const char *gfx, const void *object,
                                                    uint64_t size, char *text, uint64_t capacity,
                                                    uint64_t *out_length);

/* ------------------------------------------------------------------------
 * Function table, for hosts that load the library with dlopen
 * Thread-safety: any thread.   Ownership: the table is static.
 * ---------------------------------------------------------------------- */

/* Every function above, in order of entrypoints.def; entries are only ever
 * appended. An entry beyond struct_size does not exist in the loaded library. */
typedef struct sporkle_api {
  uint64_t struct_size;
  const char *(*status_name)(sporkle_status);
  uint64_t (*last_error)(char *, uint64_t);
  uint32_t (*version)(void);
  const char *(*version_string)(void);
  void (*context_desc_init)(sporkle_context_desc *);
  sporkle_status (*context_create)(const sporkle_context_desc *, sporkle_context *);
  sporkle_status (*context_destroy)(sporkle_context);
  sporkle_status (*shutdown)(void);
  sporkle_status (*option_count)(sporkle_context, uint32_t *);
  sporkle_status (*option_describe)(sporkle_context, uint32_t, sporkle_option_info *);
  sporkle_status (*device_count)(sporkle_context, uint32_t *);
  sporkle_status (*device_describe)(sporkle_context, uint32_t, sporkle_device_info *);
  sporkle_status (*device_property)(sporkle_context, uint32_t, uint32_t, sporkle_property *);
  sporkle_status (*device_find)(sporkle_context, const char *, uint32_t *);
  sporkle_status (*unavailable_count)(sporkle_context, uint32_t *);
  sporkle_status (*unavailable_describe)(sporkle_context, uint32_t, sporkle_unavailable_info *);
  void (*conv2d_desc_init)(sporkle_conv2d_desc *);
  void (*conv2d_desc_set)(sporkle_conv2d_desc *, int64_t, int64_t, int64_t, int64_t, int64_t,
                          int64_t, int64_t, int64_t);
  sporkle_status (*conv2d_describe)(const sporkle_conv2d_desc *, sporkle_conv2d_info *);
  sporkle_status (*conv2d_select)(sporkle_context, uint32_t, const sporkle_conv2d_desc *,
                                  uint32_t *);
  sporkle_status (*conv2d)(sporkle_context, uint32_t, const sporkle_conv2d_desc *, const float *,
                           const float *, const float *, const float *, float *,
                           sporkle_conv2d_result *);
  sporkle_status (*plan_create)(sporkle_context, uint32_t, const sporkle_conv2d_desc *,
                                const float *, const float *, sporkle_plan *);
  sporkle_status (*plan_destroy)(sporkle_plan);
  sporkle_status (*plan_describe)(sporkle_plan, sporkle_plan_info *);
  sporkle_status (*plan_run)(sporkle_plan, const float *, const float *, float *,
                             sporkle_conv2d_result *);
  void (*buffer_desc_init)(sporkle_buffer_desc *);
  sporkle_status (*buffer_create)(sporkle_context, const sporkle_buffer_desc *, sporkle_buffer *);
  sporkle_status (*buffer_destroy)(sporkle_buffer);
  sporkle_status (*buffer_describe)(sporkle_buffer, sporkle_buffer_info *);
  sporkle_status (*buffer_data)(sporkle_buffer, void **);
  sporkle_status (*buffer_flush)(sporkle_buffer, uint64_t, uint64_t);
  sporkle_status (*buffer_invalidate)(sporkle_buffer, uint64_t, uint64_t);
  sporkle_status (*plan_submit)(sporkle_plan, const sporkle_plan_bindings *, sporkle_fence *);
  sporkle_status (*fence_insert)(sporkle_context, uint32_t, const char *, sporkle_fence *);
  sporkle_status (*fence_poll)(sporkle_fence);
  sporkle_status (*fence_wait)(sporkle_fence, uint64_t);
  sporkle_status (*fence_wait_any)(const sporkle_fence *, uint32_t, uint64_t, uint32_t *);
  sporkle_status (*fence_wait_all)(const sporkle_fence *, uint32_t, uint64_t);
  sporkle_status (*fence_destroy)(sporkle_fence);
  void (*executor_desc_init)(sporkle_executor_desc *);
  sporkle_status (*executor_create)(sporkle_context, const sporkle_executor_desc *,
                                    sporkle_executor *);
  sporkle_status (*executor_destroy)(sporkle_executor);
  sporkle_status (*executor_acquire)(sporkle_executor, uint64_t, sporkle_slot *);
  sporkle_status (*executor_submit)(sporkle_executor, uint32_t, sporkle_plan, sporkle_fence *);
  sporkle_status (*executor_release)(sporkle_executor, uint32_t);
  sporkle_status (*context_stats)(sporkle_context, sporkle_stats *);
  sporkle_status (*null_control)(sporkle_context, uint32_t, uint32_t, uint64_t, uint64_t);
  sporkle_status (*gl_attach)(sporkle_context, uint32_t);
  sporkle_status (*gl_detach)(sporkle_context, uint32_t);
  sporkle_status (*gl_hand_over)(sporkle_context, uint32_t, sporkle_buffer);
  sporkle_status (*gl_take_over)(sporkle_context, uint32_t, sporkle_buffer);
  sporkle_status (*gl_buffer_name)(sporkle_buffer, uint32_t *);
  sporkle_status (*gl_buffer_create)(sporkle_context, uint32_t, uint64_t, const void *,
                                     uint32_t *);
  sporkle_status (*gl_buffer_delete)(sporkle_context, uint32_t, uint32_t);
  sporkle_status (*gl_buffer_write)(sporkle_context, uint32_t, uint32_t, uint64_t, uint64_t,
                                    const void *);
  sporkle_status (*gl_buffer_read)(sporkle_context, uint32_t, uint32_t, uint64_t, uint64_t,
                                   void *);
  sporkle_status (*gl_buffer_bind)(sporkle_context, uint32_t, uint32_t, uint32_t);
  sporkle_status (*gl_program_create)(sporkle_context, uint32_t, const char *, uint64_t,
                                      uint32_t *);
  sporkle_status (*gl_program_delete)(sporkle_context, uint32_t, uint32_t);
  sporkle_status (*gl_program_save)(sporkle_context, uint32_t, uint32_t, void *, uint64_t,
                                    uint64_t *, uint32_t *);
  sporkle_status (*gl_program_load)(sporkle_context, uint32_t, uint32_t, const void *, uint64_t,
                                    uint32_t *);
  sporkle_status (*gl_dispatch)(sporkle_context, uint32_t, uint32_t, uint32_t, uint32_t,
                                uint32_t);
  sporkle_status (*fence_export_fd)(sporkle_fence, int32_t *);
  sporkle_status (*pm4_encode)(const char *, const sporkle_conv2d_desc *, void *, uint64_t,
                               uint64_t *, sporkle_pm4_info *);
  sporkle_status (*pm4_decode)(const char *, const void *, uint64_t, char *, uint64_t, uint64_t *);
  sporkle_status (*pm4_validate)(const void *, uint64_t);
  sporkle_status (*pm4_list_code)(const char *, const void *, uint64_t, char *, uint64_t,
                                  uint64_t *);
  sporkle_status (*plan_sequence)(sporkle_context, uint32_t, const sporkle_sequence_step *,
                                  uint32_t, sporkle_plan *);
  sporkle_status (*plan_prepare)(sporkle_context, uint32_t, const sporkle_conv2d_desc *,
                                 const float *, const float *, sporkle_plan *, sporkle_fence *);
  sporkle_status (*executor_submit_many)(sporkle_executor, const uint32_t *, const sporkle_plan *,
                                         uint32_t, sporkle_fence *);
  sporkle_status (*executor_describe)(sporkle_executor, sporkle_executor_info *);
} sporkle_api;

/* The function table of API major version `major` (SPORKLE_VERSION_MAJOR).
 * Returns: SPORKLE_ERROR_VERSION when the library does not speak that major,
 * SPORKLE_ERROR_INVALID_ARGUMENT (out_api NULL). */
SPORKLE_EXPORT sporkle_status sporkle_get_api(uint32_t major, const sporkle_api **out_api);

#ifdef __cplusplus
}
#endif

#endif /* SPORKLE_H */
