! Runs benchmark_juggler_fence_vs_finish.
! SPDX-License-Identifier: MIT
program run_benchmark_juggler_fence_vs_finish
  use benchmark_juggler_fence_vs_finish_module, only: benchmark_juggler_fence_vs_finish
  implicit none
  external :: skip_without_device
  call skip_without_device()
  call benchmark_juggler_fence_vs_finish()
end program run_benchmark_juggler_fence_vs_finish
