! A device that hangs: calls time out, their output stays untouched, nothing that
! the device may still write to is used again, and after recovery all is right.
! Needs the null device, whose faults can be injected: SPORKLE_DEVICE=null.
! SPDX-License-Identifier: MIT
module test_juggler_timeout_recovery_module
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_ptr
  use kinds
  use compat_check
  use gpu_fence_primitives
  use gpu_opengl_interface_fence
  use sporkle_c, only: SPORKLE_NULL_FAIL, SPORKLE_NULL_HANG, SPORKLE_NULL_RECOVER, &
    SPORKLE_NULL_RESET, SPORKLE_OK, sporkle_context_stats, sporkle_null_control, sporkle_stats
  use sporkle_compat_session, only: session_devices, session_drop, session_retain
  use sporkle_compat_devices, only: device_set
  use sporkle_conv2d_juggling_fence_prod
  implicit none
  private
  public :: test_juggler_timeout_recovery

  integer, parameter :: N = 1, C = 3, H = 10, W = 10, K = 4, ks = 3
  integer(i64), parameter :: timeout_ns = 50000000_i64
  real(sp), save :: x(N * C * H * W), weights(K * C * ks * ks), y(N * K * H * W)
  real(dp), save :: expected(N * K * H * W)

contains

  subroutine test_juggler_timeout_recovery()
    type(c_ptr) :: context
    type(device_set) :: set
    integer :: i
    call fill(x, 50)
    call fill(weights, 51)
    expected = oracle(x, weights, N, C, H, W, K, ks, 1, 1)
    call set_fence_config(timeout_ns=timeout_ns, min_gpu_flops_in=0)
    call init_juggling_system_fence_prod()
    call check(session_retain(context), "the session")
    set = session_devices()
    if (.not. set%gpu%simulated) then
      write (*, "(a)") "skipped: set SPORKLE_DEVICE=null"
      return
    end if
    call right("before the fault")
    call control(context, set, SPORKLE_NULL_HANG, 0_i64, 0_i64)
    do i = 1, 5
      call timed_out("while the device hangs")
    end do
    call set_aside(context)
    call control(context, set, SPORKLE_NULL_RECOVER, 0_i64, 0_i64)
    do i = 1, 20
      call right("after recovery")
    end do
    call control(context, set, SPORKLE_NULL_FAIL, 0_i64, 1_i64)
    call right("one failed operation is computed again")
    call fences(context, set)
    call control(context, set, SPORKLE_NULL_RESET, 0_i64, 0_i64)
    call right("a lost device falls back")
    call control(context, set, SPORKLE_NULL_RECOVER, 0_i64, 0_i64)
    call right("the device is back")
    call session_drop()
    call cleanup_juggling_system_fence_prod()
    call right("after cleanup")
    call finish("timeout and recovery of the juggler")
  end subroutine test_juggler_timeout_recovery

  subroutine right(what)
    character(len=*), intent(in) :: what
    real(sp) :: time_ms
    y = mark
    time_ms = conv2d_auto_juggling_fence_prod(x, weights, y, N, C, H, W, K, ks, 1, 1, H, W)
    call check(time_ms > 0.0_sp, what // ": a positive time")
    call check(close_to(y, expected), what // ": the right values")
  end subroutine right

  subroutine timed_out(what)
    character(len=*), intent(in) :: what
    real(sp) :: time_ms
    integer(i64) :: start, finish_count, rate
    y = mark
    call system_clock(start, rate)
    time_ms = conv2d_auto_juggling_fence_prod(x, weights, y, N, C, H, W, K, ks, 1, 1, H, W)
    call system_clock(finish_count)
    call check(time_ms < 0.0_sp, what // ": a negative time")
    call check(untouched(y), what // ": the output is untouched")
    call check((finish_count - start) / (rate / 1000) < 2000, what // ": the timeout is kept")
  end subroutine timed_out

  ! The asynchronous call: a timeout is an answer, a failure stays one.
  subroutine fences(context, set)
    type(c_ptr), intent(in) :: context
    type(device_set), intent(in) :: set
    type(gpu_fence) :: fence
    call check(gpu_init_fence(), "gpu_init_fence")
    call control(context, set, SPORKLE_NULL_HANG, 0_i64, 0_i64)
    y = mark
    call gpu_execute_conv2d_fence_async(x, weights, y, N, C, H, W, K, ks, 1, 1, H, W, fence)
    call check(.not. gpu_fence_is_signaled(fence), "hanging work is not signalled")
    call check(gpu_fence_wait(fence, timeout_ns) == FENCE_TIMEOUT .and. untouched(y), &
      "waiting for it times out")
    call control(context, set, SPORKLE_NULL_RECOVER, 0_i64, 0_i64)
    call check(gpu_fence_wait(fence, 100 * timeout_ns) == FENCE_READY, "it ends after all")
    call check(close_to(y, expected), "with the right values")
    call gpu_fence_destroy(fence)
    call control(context, set, SPORKLE_NULL_FAIL, 0_i64, 1_i64)
    y = mark
    call gpu_execute_conv2d_fence_async(x, weights, y, N, C, H, W, K, ks, 1, 1, H, W, fence)
    call check(gpu_fence_wait(fence, 100 * timeout_ns) == FENCE_ERROR .and. untouched(y), &
      "failed work is an error")
    call check(gpu_fence_wait(fence, 0_i64) == FENCE_ERROR, "and stays one")
    call gpu_fence_destroy(fence)
    call gpu_cleanup_fence()
  end subroutine fences

  subroutine set_aside(context)
    type(c_ptr), intent(in) :: context
    type(sporkle_stats) :: stats
    call check(sporkle_context_stats(context, stats) == SPORKLE_OK, "statistics")
    call check(stats%slots_set_aside >= 1, "the busy slots were set aside")
  end subroutine set_aside

  subroutine control(context, set, command, value, count)
    type(c_ptr), intent(in) :: context
    type(device_set), intent(in) :: set
    integer(c_int32_t), intent(in) :: command
    integer(i64), intent(in) :: value, count
    call check(sporkle_null_control(context, set%gpu%index, command, value, count) == SPORKLE_OK, &
      "the fault is planned")
  end subroutine control
end module test_juggler_timeout_recovery_module
