! sporkle_conv2d, sporkle_conv2d_unified, sporkle_conv2d_auto_selector and
! cpu_conv2d_adaptive: every public name.
! SPDX-License-Identifier: MIT
program test_compat_conv2d
  use kinds
  use compat_check
  use cpu_conv2d_adaptive
  use sporkle_conv2d
  use sporkle_conv2d_auto_selector
  use sporkle_conv2d_juggling, only: device_capabilities, get_device_info
  use sporkle_conv2d_unified
  implicit none
  integer, parameter :: N = 3, C = 4, H = 11, W = 15, K = 6, ks = 5, stride = 1, pad = 2
  real(sp) :: x(N * C * H * W), weights(K * C * ks * ks), y(N * K * H * W), time_ms
  real(sp) :: strided(2 * N * K * H * W)
  real(dp), allocatable :: expected(:)
  type(device_capabilities) :: info
  external :: skip_without_device

  call skip_without_device()
  call fill(x, 3)
  call fill(weights, 4)
  expected = oracle(x, weights, N, C, H, W, K, ks, stride, pad)

  call autotune_tiles(64, 64, 64)
  y = mark
  time_ms = conv2d_adaptive(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W)
  call check(time_ms > 0.0_sp .and. close_to(y, expected), "conv2d_adaptive")
  y = mark
  time_ms = conv2d_adaptive(x, weights, y, 0, C, H, W, K, ks, stride, pad, H, W)
  call check(time_ms < 0.0_sp .and. untouched(y), "conv2d_adaptive refuses N = 0")

  call conv2d_select_implementation("cpu", "adaptive")
  call conv2d_select_implementation("cpu", "reference")
  y = mark
  call conv2d_cpu(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W)
  call check(close_to(y, expected), "conv2d_cpu")
  y = mark
  call conv2d_gpu(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W)
  call check(close_to(y, expected), "conv2d_gpu")
  y = mark
  call conv2d_auto(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W)
  call check(close_to(y, expected), "conv2d_auto")
  strided = mark
  call conv2d_auto(x, weights, strided(2::2), N, C, H, W, K, ks, stride, pad, H, W)
  call check(close_to(strided(2::2), expected) .and. untouched(strided(1::2)), "strided output")
  y = mark
  call conv2d_cpu(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W + 1)
  call check(untouched(y), "conv2d_cpu refuses a wrong W_out")

  call unified()
  call init_auto_selector()
  call set_profiling_mode(.false.)
  call set_profiling_mode(.true.)
  y = mark
  time_ms = conv2d_auto_select(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W)
  call check(time_ms > 0.0_sp .and. close_to(y, expected), "conv2d_auto_select")
  call get_selector_stats()
  call cleanup_auto_selector()
  time_ms = conv2d_auto_select(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W)
  call check(time_ms > 0.0_sp .and. close_to(y, expected), "conv2d_auto_select after cleanup")
  call finish("sporkle_conv2d, unified, auto selector, adaptive")

contains

  subroutine unified()
    y = mark
    time_ms = conv2d_unified(x, weights, y, N, C, H, W, K, ks, stride, pad)
    call check(time_ms > 0.0_sp .and. close_to(y, expected), "conv2d_unified")
    y = mark
    time_ms = conv2d_unified(x, weights, y, N, C, H, W, K, ks, stride, pad, "cpu")
    call check(time_ms > 0.0_sp .and. close_to(y, expected), "conv2d_unified on the CPU")
    y = mark
    time_ms = conv2d_unified(x, weights, y, N, C, H, W, K, ks, stride, pad, device_type="auto")
    call check(time_ms > 0.0_sp .and. close_to(y, expected), "conv2d_unified, auto")
    info = get_device_info()
    y = mark
    time_ms = conv2d_unified(x, weights, y, N, C, H, W, K, ks, stride, pad, "gpu")
    if (info%gpu_available) then
      call check(time_ms > 0.0_sp .and. close_to(y, expected), "conv2d_unified on the GPU")
    else
      call check(time_ms < 0.0_sp .and. untouched(y), "conv2d_unified without a GPU fails")
    end if
    y = mark
    time_ms = conv2d_unified(x, weights, y, N, C, H, W, K, ks, stride, pad, "abacus")
    call check(time_ms < 0.0_sp .and. untouched(y), "an unknown device fails")
    time_ms = conv2d_unified(x, weights, y, N, C, H, W, K, ks, 0, pad)
    call check(time_ms < 0.0_sp .and. untouched(y), "stride 0 fails")
  end subroutine unified
end program test_compat_conv2d
