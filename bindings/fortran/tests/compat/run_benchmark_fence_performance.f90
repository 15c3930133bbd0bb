! Runs benchmark_fence_performance.
! SPDX-License-Identifier: MIT
program run_benchmark_fence_performance
  use benchmark_fence_performance_module, only: benchmark_fence_performance
  implicit none
  external :: skip_without_device
  call skip_without_device()
  call benchmark_fence_performance()
end program run_benchmark_fence_performance
