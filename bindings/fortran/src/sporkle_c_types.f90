! Structs and callback types of sporkle.h, in its order. A variable of one of
! these types starts with the values of the C macro *_INIT.
!
! A handle is a type(c_ptr) that is never dereferenced. Unsigned fields are
! signed here and have the same bits.
! SPDX-License-Identifier: MIT
module sporkle_c_types
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_float, c_funptr, c_int32_t, &
    c_int64_t, c_null_char, c_null_funptr, c_null_ptr, c_ptr
  use sporkle_c_constants, only: SPORKLE_ACTIVATION_NONE, SPORKLE_DEVICE_AUTO, &
    SPORKLE_SEQUENCE_NONE
  implicit none
  private
  public :: sporkle_allocator, sporkle_context_desc, sporkle_option_info, sporkle_device_info
  public :: sporkle_property, sporkle_unavailable_info, sporkle_conv2d_desc
  public :: sporkle_conv2d_info, sporkle_conv2d_result, sporkle_plan_info
  public :: sporkle_sequence_step
  public :: sporkle_buffer_desc, sporkle_buffer_info, sporkle_binding, sporkle_plan_bindings
  public :: sporkle_executor_desc, sporkle_executor_info, sporkle_slot, sporkle_stats, sporkle_pm4_info
  public :: sporkle_alloc_callback, sporkle_free_callback, sporkle_log_callback
  public :: sporkle_task, sporkle_parallel_for

  type, bind(C) :: sporkle_allocator
    type(c_funptr) :: alloc = c_null_funptr ! sporkle_alloc_callback
    type(c_funptr) :: free = c_null_funptr  ! sporkle_free_callback
    type(c_ptr) :: user = c_null_ptr
  end type sporkle_allocator

  type, bind(C) :: sporkle_context_desc
    integer(c_int32_t) :: struct_size = 112
    integer(c_int32_t) :: flags = 0
    type(sporkle_allocator) :: allocator
    type(c_funptr) :: log = c_null_funptr ! sporkle_log_callback
    type(c_ptr) :: log_user = c_null_ptr
    integer(c_int32_t) :: log_level = -1
    integer(c_int32_t) :: fence_capacity = 0
    type(c_funptr) :: parallel_for = c_null_funptr ! sporkle_parallel_for
    type(c_ptr) :: parallel_for_user = c_null_ptr
    integer(c_int32_t) :: parallel_for_threads = 0
    integer(c_int32_t) :: threads = 0
    type(c_ptr) :: device = c_null_ptr
    type(c_ptr) :: cpu_isa = c_null_ptr
    type(c_ptr) :: cache_dir = c_null_ptr
    integer(c_int64_t) :: plan_cache_bytes = 0
  end type sporkle_context_desc

  type, bind(C) :: sporkle_option_info
    integer(c_int32_t) :: struct_size = 504
    integer(c_int32_t) :: reserved = 0
    character(kind=c_char) :: name(32) = c_null_char
    character(kind=c_char) :: value(224) = c_null_char
    character(kind=c_char) :: origin(16) = c_null_char
    character(kind=c_char) :: description(224) = c_null_char
  end type sporkle_option_info

  type, bind(C) :: sporkle_device_info
    integer(c_int32_t) :: struct_size = 312
    integer(c_int32_t) :: index = 0
    integer(c_int32_t) :: kind = 0
    integer(c_int32_t) :: flags = 0
    character(kind=c_char) :: spec(32) = c_null_char
    character(kind=c_char) :: name(128) = c_null_char
    character(kind=c_char) :: driver(128) = c_null_char
    integer(c_int32_t) :: property_count = 0
    integer(c_int32_t) :: reserved = 0
  end type sporkle_device_info

  type, bind(C) :: sporkle_property
    integer(c_int32_t) :: struct_size = 256
    integer(c_int32_t) :: reserved = 0
    character(kind=c_char) :: key(48) = c_null_char
    character(kind=c_char) :: value(200) = c_null_char
  end type sporkle_property

  type, bind(C) :: sporkle_unavailable_info
    integer(c_int32_t) :: struct_size = 584
    integer(c_int32_t) :: reserved = 0
    character(kind=c_char) :: backend(32) = c_null_char
    character(kind=c_char) :: id(32) = c_null_char
    character(kind=c_char) :: reason(256) = c_null_char
    character(kind=c_char) :: cure(256) = c_null_char
  end type sporkle_unavailable_info

  type, bind(C) :: sporkle_conv2d_desc
    integer(c_int32_t) :: struct_size = 152
    integer(c_int32_t) :: flags = 0
    integer(c_int64_t) :: n = 0, c = 0, h = 0, w = 0
    integer(c_int64_t) :: k = 0
    integer(c_int64_t) :: kernel_h = 0, kernel_w = 0
    integer(c_int64_t) :: stride_h = 1, stride_w = 1
    integer(c_int64_t) :: padding_top = 0, padding_left = 0
    integer(c_int64_t) :: padding_bottom = 0, padding_right = 0
    integer(c_int64_t) :: dilation_h = 1, dilation_w = 1
    integer(c_int64_t) :: groups = 1
    integer(c_int32_t) :: activation = SPORKLE_ACTIVATION_NONE
    real(c_float) :: clamp_min = 0.0_c_float, clamp_max = 0.0_c_float
    integer(c_int32_t) :: reserved = 0
  end type sporkle_conv2d_desc

  type, bind(C) :: sporkle_conv2d_info
    integer(c_int32_t) :: struct_size = 64
    integer(c_int32_t) :: reserved = 0
    integer(c_int64_t) :: out_h = 0, out_w = 0
    integer(c_int64_t) :: input_size = 0, weights_size = 0, bias_size = 0, output_size = 0
    integer(c_int64_t) :: flops = 0
  end type sporkle_conv2d_info

  type, bind(C) :: sporkle_conv2d_result
    integer(c_int32_t) :: struct_size = 88
    integer(c_int32_t) :: device = 0
    integer(c_int64_t) :: elapsed_ns = 0
    integer(c_int64_t) :: device_ns = 0
    character(kind=c_char) :: algorithm(64) = c_null_char
  end type sporkle_conv2d_result

  type, bind(C) :: sporkle_plan_info
    integer(c_int32_t) :: struct_size = 88
    integer(c_int32_t) :: device = 0
    integer(c_int64_t) :: packed_bytes = 0
    integer(c_int64_t) :: workspace_bytes = 0
    character(kind=c_char) :: algorithm(64) = c_null_char
  end type sporkle_plan_info

  type, bind(C) :: sporkle_sequence_step
    integer(c_int32_t) :: struct_size = 40
    integer(c_int32_t) :: input = 0
    integer(c_int32_t) :: residual = SPORKLE_SEQUENCE_NONE
    integer(c_int32_t) :: reserved = 0
    type(c_ptr) :: desc = c_null_ptr ! a sporkle_conv2d_desc
    type(c_ptr) :: weights = c_null_ptr
    type(c_ptr) :: bias = c_null_ptr
  end type sporkle_sequence_step

  type, bind(C) :: sporkle_buffer_desc
    integer(c_int32_t) :: struct_size = 32
    integer(c_int32_t) :: usage = 0
    integer(c_int32_t) :: device = SPORKLE_DEVICE_AUTO
    integer(c_int32_t) :: reserved = 0
    integer(c_int64_t) :: size = 0
    type(c_ptr) :: label = c_null_ptr
  end type sporkle_buffer_desc

  type, bind(C) :: sporkle_buffer_info
    integer(c_int32_t) :: struct_size = 40
    integer(c_int32_t) :: device = 0
    integer(c_int32_t) :: usage = 0
    integer(c_int32_t) :: placement = 0
    integer(c_int64_t) :: size = 0
    type(c_ptr) :: data = c_null_ptr
    integer(c_int32_t) :: coherent = 0
    integer(c_int32_t) :: reserved = 0
  end type sporkle_buffer_info

  type, bind(C) :: sporkle_binding
    type(c_ptr) :: buffer = c_null_ptr
    integer(c_int64_t) :: offset = 0
  end type sporkle_binding

  type, bind(C) :: sporkle_plan_bindings
    integer(c_int32_t) :: struct_size = 56
    integer(c_int32_t) :: reserved = 0
    type(sporkle_binding) :: input
    type(sporkle_binding) :: residual
    type(sporkle_binding) :: output
  end type sporkle_plan_bindings

  type, bind(C) :: sporkle_executor_desc
    integer(c_int32_t) :: struct_size = 48
    integer(c_int32_t) :: device = SPORKLE_DEVICE_AUTO
    integer(c_int32_t) :: slot_count = 0
    integer(c_int32_t) :: retries = 0
    integer(c_int64_t) :: input_size = 0
    integer(c_int64_t) :: residual_size = 0
    integer(c_int64_t) :: output_size = 0
    type(c_ptr) :: label = c_null_ptr
  end type sporkle_executor_desc

  type, bind(C) :: sporkle_executor_info
    integer(c_int32_t) :: struct_size = 88
    integer(c_int32_t) :: device = 0, slots = 0, slots_free = 0, slots_in_flight = 0
    integer(c_int32_t) :: slots_aside = 0
    integer(c_int64_t) :: submitted = 0, ended = 0, failed = 0, retried = 0
    integer(c_int64_t) :: busy_ns = 0, idle_ns = 0, wall_ns = 0
    real(c_double) :: utilisation = 0
  end type sporkle_executor_info

  type, bind(C) :: sporkle_slot
    integer(c_int32_t) :: struct_size = 56
    integer(c_int32_t) :: index = 0
    type(c_ptr) :: input = c_null_ptr
    type(c_ptr) :: residual = c_null_ptr
    type(c_ptr) :: output = c_null_ptr
    integer(c_int64_t) :: input_size = 0, residual_size = 0, output_size = 0
  end type sporkle_slot

  type, bind(C) :: sporkle_stats
    integer(c_int32_t) :: struct_size = 216
    integer(c_int32_t) :: reserved = 0
    integer(c_int64_t) :: conv2d_calls = 0
    integer(c_int64_t) :: conv2d_flops = 0
    integer(c_int64_t) :: conv2d_errors = 0
    integer(c_int64_t) :: submits = 0
    integer(c_int64_t) :: submit_failures = 0
    integer(c_int64_t) :: fences_created = 0
    integer(c_int64_t) :: fences_destroyed = 0
    integer(c_int64_t) :: fences_now = 0
    integer(c_int64_t) :: fence_pool_exhausted = 0
    integer(c_int64_t) :: wait_timeouts = 0
    integer(c_int64_t) :: plans_created = 0
    integer(c_int64_t) :: plan_cache_hits = 0
    integer(c_int64_t) :: plan_cache_misses = 0
    integer(c_int64_t) :: plan_cache_evictions = 0
    integer(c_int64_t) :: plan_cache_bytes = 0
    integer(c_int64_t) :: buffer_bytes = 0
    integer(c_int64_t) :: cpu_copied_bytes = 0
    integer(c_int64_t) :: gpu_copied_bytes = 0
    integer(c_int64_t) :: map_calls = 0
    integer(c_int64_t) :: fallbacks = 0
    integer(c_int64_t) :: slots_set_aside = 0
    integer(c_int64_t) :: device_resets = 0
    integer(c_int64_t) :: mapped_bytes = 0
    integer(c_int64_t) :: stalls = 0
    integer(c_int64_t) :: completion_contradictions = 0
    integer(c_int64_t) :: workspace_bytes = 0
  end type sporkle_stats

  type, bind(C) :: sporkle_pm4_info
    integer(c_int32_t) :: struct_size = 40
    integer(c_int32_t) :: dwords_full = 0
    integer(c_int32_t) :: dwords_hot = 0
    integer(c_int32_t) :: dwords_ring = 0
    real(c_double) :: ns_full = 0
    real(c_double) :: ns_hot = 0
    real(c_double) :: ns_checked = 0
  end type sporkle_pm4_info

  abstract interface
    function sporkle_alloc_callback(user, size, alignment) bind(C) result(pointer)
      import :: c_int64_t, c_ptr
      type(c_ptr), value :: user
      integer(c_int64_t), value :: size, alignment
      type(c_ptr) :: pointer
    end function sporkle_alloc_callback

    subroutine sporkle_free_callback(user, pointer, size, alignment) bind(C)
      import :: c_int64_t, c_ptr
      type(c_ptr), value :: user, pointer
      integer(c_int64_t), value :: size, alignment
    end subroutine sporkle_free_callback

    subroutine sporkle_log_callback(user, level, message) bind(C)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: user
      integer(c_int32_t), value :: level
      type(c_ptr), value :: message
    end subroutine sporkle_log_callback

    subroutine sporkle_task(task_data, index) bind(C)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: task_data
      integer(c_int32_t), value :: index
    end subroutine sporkle_task

    subroutine sporkle_parallel_for(user, count, task, task_data) bind(C)
      import :: c_funptr, c_int32_t, c_ptr
      type(c_ptr), value :: user
      integer(c_int32_t), value :: count
      type(c_funptr), value :: task
      type(c_ptr), value :: task_data
    end subroutine sporkle_parallel_for
  end interface
end module sporkle_c_types
