! Kind parameters. The names of iso_fortran_env come along: callers use int64
! and real32 with nothing but `use kinds`.
! SPDX-License-Identifier: MIT
module kinds
  use, intrinsic :: iso_fortran_env, only: int8, int16, int32, int64, real32, real64
  implicit none
  public

  integer, parameter :: i8 = int8
  integer, parameter :: i16 = int16
  integer, parameter :: i32 = int32
  integer, parameter :: i64 = int64
  integer, parameter :: sp = real32
  integer, parameter :: dp = real64
  integer, parameter :: rk32 = real32
  integer, parameter :: rk64 = real64

contains

  pure elemental function r32(x) result(y)
    real(sp), intent(in) :: x
    real(sp) :: y
    y = x
  end function r32

  pure elemental function r64(x) result(y)
    real(dp), intent(in) :: x
    real(dp) :: y
    y = x
  end function r64
end module kinds
