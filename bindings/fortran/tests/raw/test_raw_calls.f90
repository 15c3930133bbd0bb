! Calls through the raw module: each kind of argument once, and refusals.
! SPDX-License-Identifier: MIT
program test_raw_calls
  use, intrinsic :: iso_c_binding
  use sporkle_c
  implicit none
  type(c_ptr) :: context, plan, fence, buffer, executor, data
  type(sporkle_context_desc) :: desc
  type(sporkle_conv2d_desc) :: problem
  type(sporkle_conv2d_info) :: info
  type(sporkle_conv2d_result) :: result
  type(sporkle_buffer_desc) :: buffer_desc
  type(sporkle_buffer_info) :: buffer_info
  type(sporkle_executor_desc) :: executor_desc
  type(sporkle_slot) :: slot
  type(sporkle_stats) :: stats
  real(c_float), target :: x(5, 5), weights(3, 3), y(5, 5)
  real(c_float), pointer :: output(:)
  character(kind=c_char) :: text(256)
  integer(c_int32_t) :: count, device, index
  integer(c_int64_t) :: length
  integer :: checks

  checks = 0
  desc%flags = SPORKLE_CONTEXT_ENABLE_NULL
  call check(sporkle_version() == SPORKLE_HEADER_VERSION, "version")
  call check(sporkle_context_create(desc, context) == SPORKLE_OK, "context_create")
  call check(sporkle_device_count(context, count) == SPORKLE_OK .and. count >= 2, "device_count")
  call check(sporkle_device_find(context, c_char_"null" // c_null_char, device) == SPORKLE_OK, &
             "device_find")

  call sporkle_conv2d_desc_set(problem, 1_c_int64_t, 1_c_int64_t, 5_c_int64_t, 5_c_int64_t, &
                               1_c_int64_t, 3_c_int64_t, 1_c_int64_t, 1_c_int64_t)
  call check(sporkle_conv2d_describe(problem, info) == SPORKLE_OK, "conv2d_describe")
  call check(info%out_h == 5 .and. info%flops == 450, "info")
  call check(sporkle_conv2d_select(context, device, problem) == SPORKLE_OK, "conv2d_select")
  x = 1
  weights = 1
  y = -1
  call check(sporkle_conv2d(context, device, problem, c_loc(x), c_loc(weights), c_null_ptr, &
                            c_null_ptr, c_loc(y), result) == SPORKLE_OK, "conv2d")
  call check(nint(y(3, 3)) == 9 .and. nint(y(1, 1)) == 4 .and. nint(y(1, 3)) == 6, "values")
  call check(result%device == device, "result")
  problem%stride_h = 0
  call check(sporkle_conv2d(context, device, problem, c_loc(x), c_loc(weights), c_null_ptr, &
                            c_null_ptr, c_loc(y)) == SPORKLE_ERROR_INVALID_ARGUMENT, "refusal")
  length = sporkle_last_error(text, 256_c_int64_t)
  call check(length > 0 .and. length == sporkle_last_error(capacity=0_c_int64_t), "last_error")
  problem%stride_h = 1

  call check(sporkle_plan_create(context, device, problem, c_loc(weights), c_null_ptr, plan) &
             == SPORKLE_OK, "plan_create")
  executor_desc%device = device
  executor_desc%input_size = info%input_size
  executor_desc%output_size = info%output_size
  call check(sporkle_executor_create(context, executor_desc, executor) == SPORKLE_OK, "executor")
  call check(sporkle_executor_acquire(executor, 0_c_int64_t, slot) == SPORKLE_OK, "acquire")
  call c_f_pointer(slot%input, output, [25])
  output = 2
  call check(sporkle_executor_submit(executor, slot%index, plan, fence) == SPORKLE_OK, "submit")
  call check(sporkle_fence_wait_any([fence], 1, SPORKLE_TIMEOUT_INFINITE, index) == SPORKLE_OK, &
             "wait_any")
  call check(index == 0 .and. sporkle_fence_poll(fence) == SPORKLE_OK, "poll")
  call c_f_pointer(slot%output, output, [25])
  call check(nint(output(13)) == 18, "slot values")
  call check(sporkle_executor_release(executor, slot%index) == SPORKLE_OK, "release")

  buffer_desc%device = device
  buffer_desc%size = 4096
  call check(sporkle_buffer_create(context, buffer_desc, buffer) == SPORKLE_OK, "buffer_create")
  call check(sporkle_buffer_describe(buffer, buffer_info) == SPORKLE_OK, "buffer_describe")
  call check(sporkle_buffer_data(buffer, data) == SPORKLE_OK, "buffer_data")
  call check(c_associated(data, buffer_info%data) .and. buffer_info%size == 4096, "buffer")
  call check(sporkle_fence_insert(context, device, out_fence=fence) == SPORKLE_OK, "fence_insert")
  call check(sporkle_fence_wait_all([fence], 1, SPORKLE_TIMEOUT_INFINITE) == SPORKLE_OK, &
             "wait_all")
  call check(sporkle_fence_destroy(fence) == SPORKLE_OK, "fence_destroy")
  call check(sporkle_fence_destroy(fence) == SPORKLE_ERROR_INVALID_HANDLE, "stale fence")
  call check(sporkle_context_stats(context, stats) == SPORKLE_OK .and. stats%conv2d_calls == 1, &
             "stats")
  call check(sporkle_context_destroy(context) == SPORKLE_OK, "context_destroy")
  call check(sporkle_plan_destroy(plan) == SPORKLE_ERROR_INVALID_HANDLE, "orphan")
  print "(i0,a)", checks, " answers of the raw module are right"

contains

  subroutine check(condition, what)
    logical, intent(in) :: condition
    character(len=*), intent(in) :: what

    checks = checks + 1
    if (condition) return
    print "(2a)", "wrong: ", what
    stop 1
  end subroutine check
end program test_raw_calls
