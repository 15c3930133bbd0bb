! kinds: every parameter, the names that come along, r32 and r64.
! SPDX-License-Identifier: MIT
program test_compat_kinds
  use kinds
  use compat_check, only: check, finish
  implicit none
  integer(int64) :: wide
  real(real32) :: single
  real(real64) :: double
  call check(i8 == int8 .and. i16 == int16 .and. i32 == int32 .and. i64 == int64, "integer kinds")
  call check(sp == real32 .and. dp == real64 .and. rk32 == real32 .and. rk64 == real64, &
    "real kinds")
  wide = huge(0_i64)
  single = r32(1.5_sp)
  double = r64(2.5_dp)
  call check(wide > huge(0_i32), "int64 is 64 bits wide")
  call check(abs(single - 1.5_sp) < epsilon(single), "r32")
  call check(abs(double - 2.5_dp) < epsilon(double), "r64")
  call check(all(abs(r32([1.0_sp, 2.0_sp]) - [1.0_sp, 2.0_sp]) < epsilon(single)), &
    "r32 is elemental")
  call finish("kinds")
end program test_compat_kinds
