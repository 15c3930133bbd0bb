! Memory parameters of the CPU, im2col, matrix product and convolution on it.
! SPDX-License-Identifier: MIT
module universal_memory_optimization
  use, intrinsic :: iso_c_binding, only: c_ptr
  use kinds, only: dp, i64, sp
  use sporkle_compat_conv2d, only: conv2d_options, conv2d_run, conv2d_shape, run_cpu
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_im2col, only: im2col
  use sporkle_compat_machine, only: cache_kib, copy_gb_per_s
  use sporkle_compat_session, only: holder_enter, session_devices, session_drop, session_holder
  use sporkle_compat_text, only: warn_once
  implicit none
  private
  public :: memory_params, detect_memory_params, cache_optimal_tile_size, arithmetic_intensity
  public :: optimize_memory_layout, im2col_cache_optimal, gemm_universal_memory, fused_conv2d_cpu

  type :: memory_params
    integer :: l1_cache_kb = 32, l2_cache_kb = 512, l3_cache_kb = 32768, cache_line_bytes = 64
    real(dp) :: peak_bandwidth_gb = 100.0_dp, effective_bandwidth_gb = 80.0_dp
    integer :: num_cores = 8, num_threads = 16, tile_m = 64, tile_n = 64, tile_k = 512
    logical :: use_hugepages = .false., use_numa_opt = .false.
  end type memory_params

  type(session_holder), save :: holder

contains

  ! Cache sizes and threads of this machine and what a copy by one thread reads
  ! and writes per second, at best and usually; a size that is not known keeps its default.
  function detect_memory_params() result(params)
    type(memory_params) :: params
    type(device_set) :: set
    type(c_ptr) :: context
    if (.not. holder_enter(holder, context)) return
    set = session_devices()
    if (cache_kib(1) > 0) params%l1_cache_kb = cache_kib(1)
    if (cache_kib(2) > 0) params%l2_cache_kb = cache_kib(2)
    if (cache_kib(3) > 0) params%l3_cache_kb = cache_kib(3)
    params%num_threads = set%threads
    params%num_cores = set%threads
    call copy_gb_per_s(params%peak_bandwidth_gb, params%effective_bandwidth_gb)
    params%tile_m = cache_optimal_tile_size(params%l1_cache_kb, 4)
    params%tile_n = params%tile_m
    params%tile_k = min(512, params%l2_cache_kb / 4)
    call session_drop()
  end function detect_memory_params

  ! Side of three square tiles that fill the cache, a multiple of 8 in 8..128.
  integer function cache_optimal_tile_size(cache_kb, element_bytes)
    integer, intent(in) :: cache_kb, element_bytes
    real(dp) :: elements
    elements = real(max(cache_kb, 0), dp) * 1024.0_dp / real(max(element_bytes, 1), dp)
    cache_optimal_tile_size = (int(min(sqrt(elements / 3.0_dp), 1.0e4_dp)) + 7) / 8 * 8
    cache_optimal_tile_size = max(8, min(128, cache_optimal_tile_size))
  end function cache_optimal_tile_size

  ! FLOPs per byte; 0 without bytes.
  real(dp) function arithmetic_intensity(flops, bytes_accessed)
    integer(i64), intent(in) :: flops, bytes_accessed
    arithmetic_intensity = 0.0_dp
    if (bytes_accessed > 0) arithmetic_intensity = real(flops, dp) / real(bytes_accessed, dp)
  end function arithmetic_intensity

  ! A copy, whatever the layout is called: the library arranges data itself.
  subroutine optimize_memory_layout(data, m, n, optimized_data, layout)
    real(sp), intent(in) :: data(:)
    integer, intent(in) :: m, n
    real(sp), intent(inout) :: optimized_data(:)
    character(len=*), intent(in) :: layout
    integer(i64) :: count
    count = int(m, i64) * int(n, i64)
    if (count > min(size(data, kind=i64), size(optimized_data, kind=i64))) then
      call warn_once("optimize_memory_layout: " // trim(layout) // &
        ": an array is shorter than m * n")
      return
    end if
    optimized_data(1:count) = data(1:count)
  end subroutine optimize_memory_layout

  subroutine im2col_cache_optimal(input, output, N, C, H, W, kernel_size, stride, pad, H_out, W_out)
    real(sp), intent(in) :: input(:)
    real(sp), intent(inout) :: output(:)
    integer, intent(in) :: N, C, H, W, kernel_size, stride, pad, H_out, W_out
    call im2col(conv2d_shape(N, C, H, W, 1_i64, kernel_size, stride, pad, H_out, W_out), input, &
      output)
  end subroutine im2col_cache_optimal

  ! C = alpha A B + beta C, column-major. The memory of B, A and C is that of a
  ! 1 x 1 convolution's weights, input and output.
  subroutine gemm_universal_memory(A, B, C, m, n, k, alpha, beta)
    real(sp), intent(in) :: A(:), B(:)
    real(sp), intent(inout) :: C(:)
    integer, intent(in) :: m, n, k
    real(sp), intent(in) :: alpha, beta
    real(sp), allocatable :: ab(:)
    integer(i64) :: count
    count = int(m, i64) * int(n, i64)
    if (m < 1 .or. n < 1 .or. count > size(C, kind=i64)) return
    allocate (ab(count), source=0.0_sp)
    if (k > 0) then
      if (conv2d_run(holder, conv2d_options(where=run_cpu, warn=.true.), conv2d_shape(1_i64, k, &
        1_i64, m, n, 1_i64, 1_i64, 0_i64, 1_i64, m), A, B, ab) < 0.0_sp) return
    end if
    if (abs(beta) > 0.0_sp) then
      C(1:count) = alpha * ab + beta * C(1:count)
    else
      C(1:count) = alpha * ab
    end if
  end subroutine gemm_universal_memory

  real(sp) function fused_conv2d_cpu(input, weights, output, N, C, H, W, K, kernel_size, stride, &
      pad, H_out, W_out)
    real(sp), intent(in), target :: input(:), weights(:)
    real(sp), intent(out), target :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    fused_conv2d_cpu = conv2d_run(holder, conv2d_options(where=run_cpu), conv2d_shape(N, C, H, W, &
      K, kernel_size, stride, pad, H_out, W_out), input, weights, output)
  end function fused_conv2d_cpu
end module universal_memory_optimization
