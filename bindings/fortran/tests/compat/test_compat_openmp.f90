! Callers on several OpenMP threads: different layers, one layer, fences,
! buffers, and init and cleanup in between.
! SPDX-License-Identifier: MIT
program test_compat_openmp
  use kinds
  use compat_check
  use gpu_fence_primitives
  use gpu_unified_buffers
  use sporkle_conv2d_juggling
  implicit none
  integer, parameter :: N = 1, C = 4, H = 14, W = 14, K = 6, ks = 3, layers = 12
  real(sp) :: x(N * C * H * W), weights(K * C * ks * ks, layers)
  real(dp) :: expected(N * K * H * W, layers)
  integer :: i, wrong, bad_fences, bad_buffers
  external :: skip_without_device

  call skip_without_device()
  call fill(x, 40)
  do i = 1, layers
    call fill(weights(:, i), 40 + i)
    expected(:, i) = oracle(x, weights(:, i), N, C, H, W, K, ks, 1, 1)
  end do
  wrong = 0
  bad_fences = 0
  bad_buffers = 0
  !$omp parallel do num_threads(6) schedule(dynamic) reduction(+:wrong, bad_fences, bad_buffers)
  do i = 1, 600
    if (mod(i, 50) == 0) call init_juggling_system()
    if (mod(i, 50) == 25) call cleanup_juggling_system()
    if (.not. conv_right(mod(i, layers) + 1)) wrong = wrong + 1
    if (.not. fence_right()) bad_fences = bad_fences + 1
    if (.not. buffer_right(i)) bad_buffers = bad_buffers + 1
  end do
  !$omp end parallel do
  call check(wrong == 0, "every convolution of every thread")
  call check(bad_fences == 0, "every fence of every thread")
  call check(bad_buffers == 0, "every buffer of every thread")
  call finish("600 rounds on 6 threads")

contains

  logical function conv_right(layer)
    integer, intent(in) :: layer
    real(sp) :: y(N * K * H * W), time_ms
    y = mark
    time_ms = conv2d_auto_juggling(x, weights(:, layer), y, N, C, H, W, K, ks, 1, 1, H, W)
    conv_right = time_ms > 0.0_sp .and. close_to(y, expected(:, layer))
  end function conv_right

  logical function fence_right()
    type(gpu_fence) :: fence
    fence = gpu_fence_create()
    fence_right = gpu_fence_wait(fence, 30000000000_i64) == FENCE_READY
    call gpu_fence_destroy(fence)
  end function fence_right

  logical function buffer_right(round)
    integer, intent(in) :: round
    type(unified_buffer) :: buffer
    real(sp) :: values(16), back(16)
    call fill(values, round)
    buffer = create_unified_buffer(64_i64, BUFFER_READ_WRITE)
    call write_buffer(buffer, values)
    call sync_buffer_to_gpu(buffer)
    call sync_buffer_from_gpu(buffer)
    call read_buffer(buffer, back)
    buffer_right = .not. any(abs(back - values) > 0.0_sp)
    call destroy_unified_buffer(buffer)
  end function buffer_right
end program test_compat_openmp
