! universal_memory_optimization: every public name.
! SPDX-License-Identifier: MIT
program test_compat_memory
  use kinds
  use compat_check
  use universal_memory_optimization
  implicit none
  type(memory_params) :: params
  external :: skip_without_device

  call check(params%l1_cache_kb == 32 .and. params%l2_cache_kb == 512 .and. &
    params%l3_cache_kb == 32768 .and. params%cache_line_bytes == 64 .and. params%num_cores == 8 &
    .and. params%num_threads == 16 .and. params%tile_m == 64 .and. params%tile_k == 512 .and. &
    abs(params%peak_bandwidth_gb - 100.0_dp) < 1.0e-9_dp .and. &
    abs(params%effective_bandwidth_gb - 80.0_dp) < 1.0e-9_dp .and. &
    .not. params%use_hugepages .and. .not. params%use_numa_opt, "the defaults of memory_params")
  call check(cache_optimal_tile_size(32, 4) == 56 .and. cache_optimal_tile_size(0, 4) == 8 .and. &
    cache_optimal_tile_size(32768, 4) == 128, "cache_optimal_tile_size")
  call check(abs(arithmetic_intensity(100_i64, 25_i64) - 4.0_dp) < 1.0e-12_dp .and. &
    abs(arithmetic_intensity(100_i64, 0_i64)) < 1.0e-12_dp, "arithmetic_intensity")
  call skip_without_device()
  params = detect_memory_params()
  call check(params%l1_cache_kb > 0 .and. params%num_threads >= 1 .and. &
    params%effective_bandwidth_gb > 0.0_dp .and. params%tile_k <= 512, "detect_memory_params")
  call check(params%peak_bandwidth_gb >= params%effective_bandwidth_gb .and. &
    params%peak_bandwidth_gb < 1000.0_dp, "the best round is not below the median round")
  call check(params%tile_m == cache_optimal_tile_size(params%l1_cache_kb, 4) .and. &
    params%tile_n == params%tile_m, "its tiles")
  call layout()
  call gemm()
  call columns()
  call convolution()
  call finish("universal_memory_optimization")

contains

  subroutine layout()
    real(sp) :: from(12), to(12)
    call fill(from, 12)
    to = mark
    call optimize_memory_layout(from, 3, 4, to, "blocked")
    call check(all(abs(to - from) < 1.0e-9_sp), "optimize_memory_layout copies")
    to = mark
    call optimize_memory_layout(from, 4, 4, to, "blocked")
    call check(untouched(to), "and refuses more than there is")
  end subroutine layout

  subroutine gemm()
    integer, parameter :: m = 7, n = 5, k = 9
    real(sp) :: a(m, k), b(k, n), c(m * n), c_before(m * n)
    real(dp) :: ab(m, n)
    real(sp) :: flat_a(m * k), flat_b(k * n)
    call fill(flat_a, 13)
    call fill(flat_b, 14)
    a = reshape(flat_a, [m, k])
    b = reshape(flat_b, [k, n])
    ab = matmul(real(a, dp), real(b, dp))
    c = mark
    call gemm_universal_memory(flat_a, flat_b, c, m, n, k, 1.0_sp, 0.0_sp)
    call check(close_to(c, reshape(ab, [m * n])), "gemm_universal_memory")
    call fill(c_before, 15)
    c = c_before
    call gemm_universal_memory(flat_a, flat_b, c, m, n, k, -2.0_sp, 0.5_sp)
    call check(close_to(c, -2.0_dp * reshape(ab, [m * n]) + 0.5_dp * real(c_before, dp)), &
      "with alpha and beta")
    c = mark
    call gemm_universal_memory(flat_a(2:), flat_b, c, m, n, k, 1.0_sp, 0.0_sp)
    call check(untouched(c), "a short A is refused")
  end subroutine gemm

  ! im2col, then a plain product, equals the oracle.
  subroutine columns()
    integer, parameter :: N = 2, C = 3, H = 6, W = 5, K = 4, ks = 3, stride = 2, pad = 1
    integer, parameter :: ho = 3, wo = 3, plane = ho * wo
    real(sp) :: x(N * C * H * W), weights(K * C * ks * ks), col(ks * ks * C * N * plane)
    real(dp) :: y(N * K * plane), total
    integer :: b, o, p, i, kh, kw
    call fill(x, 16)
    call fill(weights, 17)
    col = mark
    call im2col_cache_optimal(x, col, N, C, H, W, ks, stride, pad, ho, wo)
    do b = 0, N - 1
      do o = 0, K - 1
        do p = 0, plane - 1
          total = 0.0_dp
          do kh = 0, ks - 1
            do kw = 0, ks - 1
              do i = 0, C - 1
                total = total + real(weights(((o * C + i) * ks + kh) * ks + kw + 1), dp) * &
                  real(col((((kh * ks + kw) * C + i) * N + b) * plane + p + 1), dp)
              end do
            end do
          end do
          y((b * K + o) * plane + p + 1) = total
        end do
      end do
    end do
    call check(maxval(abs(y - oracle(x, weights, N, C, H, W, K, ks, stride, pad))) < 1.0e-12_dp, &
      "im2col_cache_optimal")
    col = mark
    call im2col_cache_optimal(x, col(2:), N, C, H, W, ks, stride, pad, ho, wo)
    call check(untouched(col), "im2col refuses a short output")
  end subroutine columns

  subroutine convolution()
    integer, parameter :: N = 2, C = 3, H = 9, W = 8, K = 4, ks = 3
    real(sp), target :: x(N * C * H * W), weights(K * C * ks * ks), y(N * K * H * W)
    real(sp) :: time_ms
    call fill(x, 18)
    call fill(weights, 19)
    y = mark
    time_ms = fused_conv2d_cpu(x, weights, y, N, C, H, W, K, ks, 1, 1, H, W)
    call check(time_ms > 0.0_sp .and. close_to(y, oracle(x, weights, N, C, H, W, K, ks, 1, 1)), &
      "fused_conv2d_cpu")
  end subroutine convolution
end program test_compat_memory
