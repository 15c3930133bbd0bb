! A caller's program with nothing but kinds and sporkle_conv2d_juggling: the
! 8 x 64 x 56 x 56, K = 128, 3 x 3 convolution.
! SPDX-License-Identifier: MIT
program test_compat_juggling
  use kinds
  use sporkle_conv2d_juggling
  implicit none
  integer, parameter :: N = 8, C = 64, H = 56, W = 56, K = 128, ks = 3
  integer, parameter :: in_count = N * C * H * W, w_count = K * C * ks * ks
  integer, parameter :: out_count = N * K * H * W
  real(sp), allocatable :: x(:), weights(:), y(:), wide(:), wide_out(:)
  real(dp), allocatable :: expected(:)
  type(device_capabilities) :: info
  real(sp) :: time_ms
  external :: skip_without_device
  integer :: failures

  failures = 0
  info = get_device_info()
  call check(info%cpu_available .and. .not. info%gpu_available .and. info%cpu_threads == 1 .and. &
    info%gpu_name == "None" .and. abs(info%cpu_gflops) + abs(info%gpu_gflops) < 1.0e-6_sp, &
    "the defaults before init")
  call skip_without_device()
  allocate (x(in_count), weights(w_count), y(out_count), expected(out_count))
  call random_number(x)
  call random_number(weights)
  x = 2.0_sp * x - 1.0_sp
  weights = 2.0_sp * weights - 1.0_sp
  call reference()

  call run("asynchronous, without init")
  call init_juggling_system()
  call init_juggling_system()
  info = get_device_info()
  call check(info%cpu_threads >= 1, "threads after init")
  call disable_async_gpu()
  call run("synchronous")
  call enable_async_gpu()
  call run("asynchronous")

  ! One weight in the middle, at no position a sampled hash would look at.
  weights(54321) = weights(54321) + 1.0_sp
  call reference()
  call run("one changed weight, asynchronous")
  call disable_async_gpu()
  weights(54322) = weights(54322) - 1.0_sp
  call reference()
  call run("one changed weight, synchronous")
  call enable_async_gpu()

  call cleanup_juggling_system()
  call run("between two cleanups")
  call cleanup_juggling_system()
  call run("after cleanup")
  call cleanup_juggling_system()
  call cleanup_juggling_system()

  allocate (wide(2 * in_count), wide_out(3 * out_count))
  wide = 1.0e30_sp
  wide(1::2) = x
  wide_out = -7.0_sp
  time_ms = conv2d_auto_juggling(wide(1::2), weights, wide_out(2::3), N, C, H, W, K, ks, 1, 1, H, W)
  call expect(time_ms, wide_out(2::3), "strided input and output")
  call check(all(abs(wide_out(1::3) + 7.0_sp) < 1.0e-6_sp) .and. &
    all(abs(wide_out(3::3) + 7.0_sp) < 1.0e-6_sp), "what lies between the strided output")

  info = get_device_info()
  call check(info%cpu_gflops > 0.0_sp .or. info%gpu_gflops > 0.0_sp .or. info%gpu_available, &
    "a measured rate after the calls")
  call refusals()
  if (failures > 0) error stop 1
  write (*, "(a)") "checked: 8x64x56x56 K=128 3x3 through sporkle_conv2d_juggling alone"

contains

  subroutine run(what)
    character(len=*), intent(in) :: what
    y = -12345.0_sp
    time_ms = conv2d_auto_juggling(x, weights, y, N, C, H, W, K, ks, 1, 1, H, W)
    call expect(time_ms, y, what)
  end subroutine run

  subroutine expect(milliseconds, values, what)
    real(sp), intent(in) :: milliseconds, values(:)
    character(len=*), intent(in) :: what
    real(dp) :: error
    error = sqrt(sum((real(values, dp) - expected)**2) / sum(expected**2))
    call check(milliseconds > 0.0_sp, what // ": a positive time")
    call check(error < 1.0e-5_dp, what // ": the right values")
  end subroutine expect

  subroutine refusals()
    y = -12345.0_sp
    call check(conv2d_auto_juggling(x, weights, y, N, C, H, W, K, ks, 1, 1, H + 1, W) < 0.0_sp, &
      "a wrong H_out is refused")
    call check(conv2d_auto_juggling(x, weights, y, N, C, H, W, K, ks, 0, 1, H, W) < 0.0_sp, &
      "stride 0 is refused")
    call check(conv2d_auto_juggling(x, weights, y, -N, C, H, W, K, ks, 1, 1, H, W) < 0.0_sp, &
      "a negative N is refused")
    call check(conv2d_auto_juggling(x(2:), weights, y, N, C, H, W, K, ks, 1, 1, H, W) < 0.0_sp, &
      "a short input is refused")
    call check(conv2d_auto_juggling(x, weights, y, 65536, 65536, 65536, 65536, 1, 1, 1, 0, 65536, &
      65536) < 0.0_sp, "sizes beyond 64 bits are refused")
    call check(all(abs(y + 12345.0_sp) < 1.0e-6_sp), "refused calls leave the output alone")
  end subroutine refusals

  ! Float64, over rows so that it ends in reasonable time.
  subroutine reference()
    real(dp), allocatable :: plane(:, :), padded(:, :, :), kernel(:, :, :, :)
    integer :: b, o, i, kh, kw
    allocate (plane(W, H), padded(0:W + 1, 0:H + 1, C), kernel(ks, ks, C, K))
    kernel = reshape(real(weights, dp), shape(kernel))
    do b = 0, N - 1
      padded = 0.0_dp
      padded(1:W, 1:H, :) = reshape(real(x(b * C * H * W + 1:(b + 1) * C * H * W), dp), [W, H, C])
      do o = 1, K
        plane = 0.0_dp
        do i = 1, C
          do kh = 1, ks
            do kw = 1, ks
              plane = plane + kernel(kw, kh, i, o) * padded(kw - 1:kw + W - 2, kh - 1:kh + H - 2, i)
            end do
          end do
        end do
        expected((b * K + o - 1) * H * W + 1:(b * K + o) * H * W) = reshape(plane, [H * W])
      end do
    end do
  end subroutine reference

  subroutine check(condition, what)
    logical, intent(in) :: condition
    character(len=*), intent(in) :: what
    if (condition) return
    failures = failures + 1
    write (*, "(2a)") "FAILED: ", what
  end subroutine check
end program test_compat_juggling
