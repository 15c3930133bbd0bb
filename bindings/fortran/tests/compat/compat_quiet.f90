! Calls that must print nothing by default.
! SPDX-License-Identifier: MIT
program compat_quiet
  use kinds
  use sporkle_conv2d_juggling
  use gpu_fence_primitives
  implicit none
  external :: skip_without_device
  real(sp) :: x(3 * 8 * 8), w(4 * 3 * 9), y(4 * 8 * 8), time_ms
  type(gpu_fence) :: fence
  call skip_without_device()
  x = 1.0_sp
  w = 0.5_sp
  call init_juggling_system()
  call enable_async_gpu()
  time_ms = conv2d_auto_juggling(x, w, y, 1, 3, 8, 8, 4, 3, 1, 1, 8, 8)
  if (time_ms < 0.0_sp) error stop 2
  time_ms = conv2d_auto_juggling(x, w, y, 1, 3, 8, 8, 4, 3, 1, 1, 9, 8)
  if (time_ms > 0.0_sp) error stop 3
  fence = gpu_fence_create()
  if (gpu_fence_wait(fence, FENCE_INFINITE_TIMEOUT) /= FENCE_READY) error stop 4
  call gpu_fence_destroy(fence)
  call gpu_fence_pool_cleanup()
  call cleanup_juggling_system()
end program compat_quiet
