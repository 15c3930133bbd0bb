! One juggler call on the smallest problem, 1x3x32x32, K=16, 3x3, weights
! unchanged: both of the juggler's paths, and below them the library's one-call
! form and a plan, in turns of 20 calls. The first output of each is compared with
! the oracle, every later one with the first, bit for bit. Prints JSON.
! SPDX-License-Identifier: MIT
module benchmark_juggler_call_module
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_int64_t, c_loc, c_null_ptr, c_ptr
  use kinds
  use compat_bench
  use compat_check
  use sporkle_c
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_session, only: session_devices, session_drop, session_retain
  use sporkle_conv2d_juggling
  implicit none
  private
  public :: benchmark_juggler_call

  integer, parameter :: N = 1, C = 3, H = 32, W = 32, K = 16, ks = 3
  integer, parameter :: warm = 200, repeats = 2000, turn = 20
  character(len=12), parameter :: names(4) = [character(len=12) :: "juggler", "juggler_sync", &
    "conv2d", "plan_run"]
  real(sp), target :: x(N * C * H * W), weights(K * C * ks * ks), y(N * K * H * W)
  real(sp) :: first(N * K * H * W, 4)
  real(dp), allocatable :: expected(:)

contains

  subroutine benchmark_juggler_call()
    integer(i64) :: ns(repeats, 4), start
    type(device_set) :: set
    type(sporkle_conv2d_desc) :: desc
    type(c_ptr) :: context, plan
    integer :: i, way, base, bits(1)
    logical :: good
    call fill(x, 70)
    call fill(weights, 71)
    expected = oracle(x, weights, N, C, H, W, K, ks, 1, 1)
    call init_juggling_system()
    call check(session_retain(context), "the library's context")
    set = session_devices()
    call sporkle_conv2d_desc_set(desc, 1_i64, 3_i64, 32_i64, 32_i64, 16_i64, 3_i64, 1_i64, 1_i64)
    call check(sporkle_plan_create(context, set%gpu%index, desc, c_loc(weights), c_null_ptr, plan) &
      == SPORKLE_OK, "plan")
    do way = 1, 4
      y = mark
      call choose(way)
      call check(call_once(way, context, set%gpu%index, desc, plan), trim(names(way)))
      call check(close_to(y, expected), trim(names(way)) // ": output")
      first(:, way) = y
    end do
    do base = -warm, repeats - turn, turn
      do way = 1, 4
        call choose(way)
        do i = base + 1, base + turn
          y = mark
          start = now_ns()
          good = call_once(way, context, set%gpu%index, desc, plan)
          if (i > 0) ns(i, way) = now_ns() - start
          call check(good .and. all(transfer(y, bits) == transfer(first(:, way), bits)), &
            trim(names(way)) // ": output again")
        end do
      end do
    end do
    call print_json(set, ns)
    call check(sporkle_plan_destroy(plan) == SPORKLE_OK, "plan")
    call session_drop()
    call cleanup_juggling_system()
  end subroutine benchmark_juggler_call

  subroutine choose(way)
    integer, intent(in) :: way
    if (way == 1) call enable_async_gpu()
    if (way == 2) call disable_async_gpu()
  end subroutine choose

  logical function call_once(way, context, device, desc, plan) result(good)
    integer, intent(in) :: way
    type(c_ptr), intent(in) :: context, plan
    integer(c_int32_t), intent(in) :: device
    type(sporkle_conv2d_desc), intent(in) :: desc
    select case (way)
    case (1, 2)
      good = conv2d_auto_juggling(x, weights, y, N, C, H, W, K, ks, 1, 1, H, W) > 0.0_sp
    case (3)
      good = sporkle_conv2d(context, device, desc, c_loc(x), c_loc(weights), c_null_ptr, &
        c_null_ptr, c_loc(y)) == SPORKLE_OK
    case default
      good = sporkle_plan_run(plan, c_loc(x), c_null_ptr, c_loc(y)) == SPORKLE_OK
    end select
  end function call_once

  subroutine print_json(set, ns)
    type(device_set), intent(in) :: set
    integer(i64), intent(in) :: ns(:, :)
    integer :: way
    write (*, "(a)") "{", '  "benchmark": "juggler_call",', &
      '  "problem": "1x3x32x32 k16 3x3 s1 p1",', '  "verified": "every output",'
    write (*, "(3a)") '  "gpu": "', trim(set%gpu%name), '",'
    write (*, "(3a)") '  "cpu": "', trim(set%cpu%name), '",'
    write (*, "(a,i0,a)") '  "calls": ', repeats, ',', '  "unit": "us",'
    do way = 1, 4
      write (*, "(3a,4(a,f0.2),a)") '  "', trim(names(way)), '": {', '"min": ', &
        percentile(ns(:, way), 0), ', "median": ', percentile(ns(:, way), 50), ', "p90": ', &
        percentile(ns(:, way), 90), ', "p99": ', percentile(ns(:, way), 99), &
        trim(merge("},", "} ", way < 4))
    end do
    write (*, "(a)") "}"
  end subroutine print_json
end module benchmark_juggler_call_module
