! Runs test_juggler_timeout_recovery.
! SPDX-License-Identifier: MIT
program run_test_juggler_timeout_recovery
  use test_juggler_timeout_recovery_module, only: test_juggler_timeout_recovery
  implicit none
  external :: skip_without_device
  call skip_without_device()
  call test_juggler_timeout_recovery()
end program run_test_juggler_timeout_recovery
