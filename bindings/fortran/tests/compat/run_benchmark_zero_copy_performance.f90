! Runs benchmark_zero_copy_performance.
! SPDX-License-Identifier: MIT
program run_benchmark_zero_copy_performance
  use benchmark_zero_copy_performance_module, only: benchmark_zero_copy_performance
  implicit none
  external :: skip_without_device
  call skip_without_device()
  call benchmark_zero_copy_performance()
end program run_benchmark_zero_copy_performance
