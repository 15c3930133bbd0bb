! Explicit conversion between real64 and real32 arrays of rank 1 to 4.
!
! The library computes in real32 and converts nothing by itself. A conversion is
! all or nothing: a shape that differs gives SPORKLE_ERROR_INVALID_ARGUMENT, a
! finite value outside the range of real32 gives SPORKLE_ERROR_OVERFLOW, and the
! target stays as it was. Infinities and NaN convert to themselves.
! SPDX-License-Identifier: MIT
module sporkle_conversions
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use sporkle_c, only: SPORKLE_ERROR_INVALID_ARGUMENT, SPORKLE_ERROR_OVERFLOW, SPORKLE_OK
  implicit none
  private
  public :: sporkle_to_real32, sporkle_to_real64

  ! call sporkle_to_real32(source, target, stat)
  interface sporkle_to_real32
    module procedure to_real32_1, to_real32_2, to_real32_3, to_real32_4
  end interface sporkle_to_real32

  ! call sporkle_to_real64(source, target, stat)
  interface sporkle_to_real64
    module procedure to_real64_1, to_real64_2, to_real64_3, to_real64_4
  end interface sporkle_to_real64

  ! The first magnitude that rounds to infinity, and infinity itself, as bits:
  ! integer comparison raises no floating-point exception for a NaN.
  integer(int64), parameter :: limit_bits = int(z'47EFFFFFF0000000', int64)
  integer(int64), parameter :: infinity_bits = int(z'7FF0000000000000', int64)

contains

  elemental function too_large(x) result(yes)
    real(real64), intent(in) :: x
    logical :: yes
    integer(int64) :: magnitude

    magnitude = iand(transfer(x, magnitude), huge(magnitude))
    yes = magnitude >= limit_bits .and. magnitude < infinity_bits
  end function too_large

  subroutine to_real32_1(source, target, stat)
    real(real64), intent(in) :: source(:)
    real(real32), intent(inout) :: target(:)
    integer, intent(out) :: stat
    integer(int64) :: i

    stat = SPORKLE_ERROR_INVALID_ARGUMENT
    if (size(source, kind=int64) /= size(target, kind=int64)) return
    stat = SPORKLE_ERROR_OVERFLOW
    if (exceeds_1(source)) return
    do i = 1, size(source, kind=int64)
      target(i) = real(source(i), real32)
    end do
    stat = SPORKLE_OK
  end subroutine to_real32_1

  subroutine to_real64_1(source, target, stat)
    real(real32), intent(in) :: source(:)
    real(real64), intent(inout) :: target(:)
    integer, intent(out) :: stat
    integer(int64) :: i

    stat = SPORKLE_ERROR_INVALID_ARGUMENT
    if (size(source, kind=int64) /= size(target, kind=int64)) return
    do i = 1, size(source, kind=int64)
      target(i) = real(source(i), real64)
    end do
    stat = SPORKLE_OK
  end subroutine to_real64_1

  subroutine to_real32_2(source, target, stat)
    real(real64), intent(in) :: source(:, :)
    real(real32), intent(inout) :: target(:, :)
    integer, intent(out) :: stat
    integer(int64) :: i

    stat = SPORKLE_ERROR_INVALID_ARGUMENT
    if (any(shape(source, int64) /= shape(target, int64))) return
    stat = SPORKLE_ERROR_OVERFLOW
    do i = 1, size(source, 2, kind=int64)
      if (exceeds_1(source(:, i))) return
    end do
    stat = SPORKLE_OK
    do i = 1, size(source, 2, kind=int64)
      call to_real32_1(source(:, i), target(:, i), stat)
    end do
  end subroutine to_real32_2

  subroutine to_real64_2(source, target, stat)
    real(real32), intent(in) :: source(:, :)
    real(real64), intent(inout) :: target(:, :)
    integer, intent(out) :: stat
    integer(int64) :: i

    stat = SPORKLE_ERROR_INVALID_ARGUMENT
    if (any(shape(source, int64) /= shape(target, int64))) return
    stat = SPORKLE_OK
    do i = 1, size(source, 2, kind=int64)
      call to_real64_1(source(:, i), target(:, i), stat)
    end do
  end subroutine to_real64_2

  subroutine to_real32_3(source, target, stat)
    real(real64), intent(in) :: source(:, :, :)
    real(real32), intent(inout) :: target(:, :, :)
    integer, intent(out) :: stat
    integer(int64) :: i

    stat = SPORKLE_ERROR_INVALID_ARGUMENT
    if (any(shape(source, int64) /= shape(target, int64))) return
    stat = SPORKLE_ERROR_OVERFLOW
    do i = 1, size(source, 3, kind=int64)
      if (exceeds_2(source(:, :, i))) return
    end do
    stat = SPORKLE_OK
    do i = 1, size(source, 3, kind=int64)
      call to_real32_2(source(:, :, i), target(:, :, i), stat)
    end do
  end subroutine to_real32_3

  subroutine to_real64_3(source, target, stat)
    real(real32), intent(in) :: source(:, :, :)
    real(real64), intent(inout) :: target(:, :, :)
    integer, intent(out) :: stat
    integer(int64) :: i

    stat = SPORKLE_ERROR_INVALID_ARGUMENT
    if (any(shape(source, int64) /= shape(target, int64))) return
    stat = SPORKLE_OK
    do i = 1, size(source, 3, kind=int64)
      call to_real64_2(source(:, :, i), target(:, :, i), stat)
    end do
  end subroutine to_real64_3

  subroutine to_real32_4(source, target, stat)
    real(real64), intent(in) :: source(:, :, :, :)
    real(real32), intent(inout) :: target(:, :, :, :)
    integer, intent(out) :: stat
    integer(int64) :: i

    stat = SPORKLE_ERROR_INVALID_ARGUMENT
    if (any(shape(source, int64) /= shape(target, int64))) return
    stat = SPORKLE_ERROR_OVERFLOW
    do i = 1, size(source, 4, kind=int64)
      if (exceeds_3(source(:, :, :, i))) return
    end do
    stat = SPORKLE_OK
    do i = 1, size(source, 4, kind=int64)
      call to_real32_3(source(:, :, :, i), target(:, :, :, i), stat)
    end do
  end subroutine to_real32_4

  subroutine to_real64_4(source, target, stat)
    real(real32), intent(in) :: source(:, :, :, :)
    real(real64), intent(inout) :: target(:, :, :, :)
    integer, intent(out) :: stat
    integer(int64) :: i

    stat = SPORKLE_ERROR_INVALID_ARGUMENT
    if (any(shape(source, int64) /= shape(target, int64))) return
    stat = SPORKLE_OK
    do i = 1, size(source, 4, kind=int64)
      call to_real64_3(source(:, :, :, i), target(:, :, :, i), stat)
    end do
  end subroutine to_real64_4

  pure function exceeds_1(source) result(yes)
    real(real64), intent(in) :: source(:)
    logical :: yes
    integer(int64) :: i

    yes = .true.
    do i = 1, size(source, 1, kind=int64)
      if (too_large(source(i))) return
    end do
    yes = .false.
  end function exceeds_1

  pure function exceeds_2(source) result(yes)
    real(real64), intent(in) :: source(:, :)
    logical :: yes
    integer(int64) :: i

    yes = .true.
    do i = 1, size(source, 2, kind=int64)
      if (exceeds_1(source(:, i))) return
    end do
    yes = .false.
  end function exceeds_2

  pure function exceeds_3(source) result(yes)
    real(real64), intent(in) :: source(:, :, :)
    logical :: yes
    integer(int64) :: i

    yes = .true.
    do i = 1, size(source, 3, kind=int64)
      if (exceeds_2(source(:, :, i))) return
    end do
    yes = .false.
  end function exceeds_3
end module sporkle_conversions
