! Strided arrays to and from packed memory, element after element from position
! at, which moves on.
! SPDX-License-Identifier: MIT
module sporkle_packing
  use, intrinsic :: iso_fortran_env, only: int64, real32
  implicit none
  private
  public :: pack_array, unpack_array

  interface pack_array
    module procedure pack_1, pack_2, pack_3, pack_4
  end interface pack_array

  interface unpack_array
    module procedure unpack_1, unpack_2, unpack_3, unpack_4
  end interface unpack_array

contains

  subroutine pack_1(x, packed, at)
    real(real32), intent(in) :: x(:)
    real(real32), intent(inout), contiguous :: packed(:)
    integer(int64), intent(inout) :: at
    integer(int64) :: i

    do i = 1, size(x, kind=int64)
      packed(at + i) = x(i)
    end do
    at = at + size(x, kind=int64)
  end subroutine pack_1

  subroutine unpack_1(packed, y, at)
    real(real32), intent(in), contiguous :: packed(:)
    real(real32), intent(inout) :: y(:)
    integer(int64), intent(inout) :: at
    integer(int64) :: i

    do i = 1, size(y, kind=int64)
      y(i) = packed(at + i)
    end do
    at = at + size(y, kind=int64)
  end subroutine unpack_1

  subroutine pack_2(x, packed, at)
    real(real32), intent(in) :: x(:, :)
    real(real32), intent(inout), contiguous :: packed(:)
    integer(int64), intent(inout) :: at
    integer(int64) :: i

    do i = 1, size(x, 2, kind=int64)
      call pack_1(x(:, i), packed, at)
    end do
  end subroutine pack_2

  subroutine unpack_2(packed, y, at)
    real(real32), intent(in), contiguous :: packed(:)
    real(real32), intent(inout) :: y(:, :)
    integer(int64), intent(inout) :: at
    integer(int64) :: i

    do i = 1, size(y, 2, kind=int64)
      call unpack_1(packed, y(:, i), at)
    end do
  end subroutine unpack_2

  subroutine pack_3(x, packed, at)
    real(real32), intent(in) :: x(:, :, :)
    real(real32), intent(inout), contiguous :: packed(:)
    integer(int64), intent(inout) :: at
    integer(int64) :: i

    do i = 1, size(x, 3, kind=int64)
      call pack_2(x(:, :, i), packed, at)
    end do
  end subroutine pack_3

  subroutine unpack_3(packed, y, at)
    real(real32), intent(in), contiguous :: packed(:)
    real(real32), intent(inout) :: y(:, :, :)
    integer(int64), intent(inout) :: at
    integer(int64) :: i

    do i = 1, size(y, 3, kind=int64)
      call unpack_2(packed, y(:, :, i), at)
    end do
  end subroutine unpack_3

  subroutine pack_4(x, packed, at)
    real(real32), intent(in) :: x(:, :, :, :)
    real(real32), intent(inout), contiguous :: packed(:)
    integer(int64), intent(inout) :: at
    integer(int64) :: i

    do i = 1, size(x, 4, kind=int64)
      call pack_3(x(:, :, :, i), packed, at)
    end do
  end subroutine pack_4

  subroutine unpack_4(packed, y, at)
    real(real32), intent(in), contiguous :: packed(:)
    real(real32), intent(inout) :: y(:, :, :, :)
    integer(int64), intent(inout) :: at
    integer(int64) :: i

    do i = 1, size(y, 4, kind=int64)
      call unpack_3(packed, y(:, :, :, i), at)
    end do
  end subroutine unpack_4
end module sporkle_packing
