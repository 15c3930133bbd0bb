! Arrays in and out of mapped buffers, at byte offsets.
! SPDX-License-Identifier: MIT
module sporkle_compat_values
  use, intrinsic :: iso_c_binding, only: c_loc
  use kinds, only: dp, i32, i64, sp
  use sporkle_compat_buffer, only: buffer_get, buffer_put, mapped_buffer
  implicit none
  private
  public :: put_values, get_values

  interface put_values
    module procedure put_sp, put_dp, put_i32
  end interface put_values
  interface get_values
    module procedure get_sp, get_dp, get_i32
  end interface get_values

contains

  subroutine put_sp(buffer, data, offset)
    type(mapped_buffer), intent(in) :: buffer
    real(sp), intent(in), target :: data(:)
    integer(i64), intent(in), optional :: offset
    real(sp), allocatable, target :: packed(:)
    if (size(data) == 0) return
    if (is_contiguous(data)) then
      call buffer_put(buffer, c_loc(data(1)), size(data, kind=i64) * 4, at(offset))
    else
      packed = data
      call buffer_put(buffer, c_loc(packed), size(data, kind=i64) * 4, at(offset))
    end if
  end subroutine put_sp

  subroutine put_dp(buffer, data, offset)
    type(mapped_buffer), intent(in) :: buffer
    real(dp), intent(in), target :: data(:)
    integer(i64), intent(in), optional :: offset
    real(dp), allocatable, target :: packed(:)
    if (size(data) == 0) return
    if (is_contiguous(data)) then
      call buffer_put(buffer, c_loc(data(1)), size(data, kind=i64) * 8, at(offset))
    else
      packed = data
      call buffer_put(buffer, c_loc(packed), size(data, kind=i64) * 8, at(offset))
    end if
  end subroutine put_dp

  subroutine put_i32(buffer, data, offset)
    type(mapped_buffer), intent(in) :: buffer
    integer(i32), intent(in), target :: data(:)
    integer(i64), intent(in), optional :: offset
    integer(i32), allocatable, target :: packed(:)
    if (size(data) == 0) return
    if (is_contiguous(data)) then
      call buffer_put(buffer, c_loc(data(1)), size(data, kind=i64) * 4, at(offset))
    else
      packed = data
      call buffer_put(buffer, c_loc(packed), size(data, kind=i64) * 4, at(offset))
    end if
  end subroutine put_i32

  subroutine get_sp(buffer, data, offset)
    type(mapped_buffer), intent(in) :: buffer
    real(sp), intent(inout), target :: data(:)
    integer(i64), intent(in), optional :: offset
    real(sp), allocatable, target :: packed(:)
    if (size(data) == 0) return
    if (is_contiguous(data)) then
      call buffer_get(buffer, c_loc(data(1)), size(data, kind=i64) * 4, at(offset))
    else
      packed = data
      call buffer_get(buffer, c_loc(packed), size(data, kind=i64) * 4, at(offset))
      data = packed
    end if
  end subroutine get_sp

  subroutine get_dp(buffer, data, offset)
    type(mapped_buffer), intent(in) :: buffer
    real(dp), intent(inout), target :: data(:)
    integer(i64), intent(in), optional :: offset
    real(dp), allocatable, target :: packed(:)
    if (size(data) == 0) return
    if (is_contiguous(data)) then
      call buffer_get(buffer, c_loc(data(1)), size(data, kind=i64) * 8, at(offset))
    else
      packed = data
      call buffer_get(buffer, c_loc(packed), size(data, kind=i64) * 8, at(offset))
      data = packed
    end if
  end subroutine get_dp

  subroutine get_i32(buffer, data, offset)
    type(mapped_buffer), intent(in) :: buffer
    integer(i32), intent(inout), target :: data(:)
    integer(i64), intent(in), optional :: offset
    integer(i32), allocatable, target :: packed(:)
    if (size(data) == 0) return
    if (is_contiguous(data)) then
      call buffer_get(buffer, c_loc(data(1)), size(data, kind=i64) * 4, at(offset))
    else
      packed = data
      call buffer_get(buffer, c_loc(packed), size(data, kind=i64) * 4, at(offset))
      data = packed
    end if
  end subroutine get_i32

  pure integer(i64) function at(offset)
    integer(i64), intent(in), optional :: offset
    at = 0
    if (present(offset)) at = offset
  end function at
end module sporkle_compat_values
