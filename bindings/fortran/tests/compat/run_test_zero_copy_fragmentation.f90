! Runs test_zero_copy_fragmentation.
! SPDX-License-Identifier: MIT
program run_test_zero_copy_fragmentation
  use test_zero_copy_fragmentation_module, only: test_zero_copy_fragmentation
  implicit none
  external :: skip_without_device
  call skip_without_device()
  call test_zero_copy_fragmentation()
end program run_test_zero_copy_fragmentation
