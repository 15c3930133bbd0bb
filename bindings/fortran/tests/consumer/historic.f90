! A historic program, linked with the installed modules.
! SPDX-License-Identifier: MIT
program historic
  use kinds
  use sporkle_conv2d_juggling
  implicit none
  real(sp) :: x(9), weights(4), y(4), time_ms
  integer :: i
  x = [(real(i, sp), i=1, 9)]
  weights = [1.0_sp, 0.0_sp, 0.0_sp, 2.0_sp]
  time_ms = conv2d_auto_juggling(x, weights, y, 1, 1, 3, 3, 1, 2, 1, 0, 2, 2)
  if (time_ms <= 0.0_sp) error stop 1
  print "(4(i0,:,1x))", nint(y)
  call cleanup_juggling_system()
end program historic
