! Runs benchmark_juggler_call.
! SPDX-License-Identifier: MIT
program run_benchmark_juggler_call
  use benchmark_juggler_call_module, only: benchmark_juggler_call
  implicit none
  external :: skip_without_device
  call skip_without_device()
  call benchmark_juggler_call()
end program run_benchmark_juggler_call
