! Runs test_zero_copy_under_memory_pressure.
! SPDX-License-Identifier: MIT
program run_test_zero_copy_under_memory_pressure
  use test_zero_copy_under_memory_pressure_module, only: test_zero_copy_under_memory_pressure
  implicit none
  external :: skip_without_device
  call skip_without_device()
  call test_zero_copy_under_memory_pressure()
end program run_test_zero_copy_under_memory_pressure
