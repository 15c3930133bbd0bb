! Library memory as Fortran array pointers of rank 1 to 4.
! SPDX-License-Identifier: MIT
module sporkle_mappings
  use, intrinsic :: iso_c_binding, only: c_associated, c_f_pointer, c_int32_t, c_intptr_t, &
    c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use sporkle_c, only: SPORKLE_ERROR_INVALID_ARGUMENT, SPORKLE_OK
  implicit none
  private
  public :: mapped_region, map

  integer(int64), parameter :: element_size = 4

  type :: mapped_region
    type(c_ptr) :: address = c_null_ptr
    integer(int64) :: size = 0      ! bytes
    integer(int64) :: shape(4) = 0  ! extents of a rank 4 pointer without shape; 0: none
  end type mapped_region

  ! call map(region, array, code, text, shape, offset): offset in bytes. Without
  ! a shape a pointer of rank 1 spans the rest of the region and one of rank 4
  ! has the shape of the region. On an error the pointer is disassociated.
  interface map
    module procedure map_1, map_2, map_3, map_4
  end interface map

contains

  subroutine map_1(region, array, code, text, shape, offset)
    type(mapped_region), intent(in) :: region
    real(real32), pointer, intent(out) :: array(:)
    integer(c_int32_t), intent(inout) :: code
    character(len=:), allocatable, intent(out) :: text
    integer, intent(in), optional :: shape(1)
    integer(int64), intent(in), optional :: offset
    integer(int64) :: extents(1)
    type(c_ptr) :: address

    array => null()
    extents = region%size / element_size
    if (present(offset)) extents = (region%size - offset) / element_size
    if (present(shape)) extents = shape
    call place(region, extents, offset, address, code, text)
    if (c_associated(address)) call c_f_pointer(address, array, extents)
  end subroutine map_1

  subroutine map_2(region, array, code, text, shape, offset)
    type(mapped_region), intent(in) :: region
    real(real32), pointer, intent(out) :: array(:, :)
    integer(c_int32_t), intent(inout) :: code
    character(len=:), allocatable, intent(out) :: text
    integer, intent(in) :: shape(2)
    integer(int64), intent(in), optional :: offset
    type(c_ptr) :: address

    array => null()
    call place(region, int(shape, int64), offset, address, code, text)
    if (c_associated(address)) call c_f_pointer(address, array, shape)
  end subroutine map_2

  subroutine map_3(region, array, code, text, shape, offset)
    type(mapped_region), intent(in) :: region
    real(real32), pointer, intent(out) :: array(:, :, :)
    integer(c_int32_t), intent(inout) :: code
    character(len=:), allocatable, intent(out) :: text
    integer, intent(in) :: shape(3)
    integer(int64), intent(in), optional :: offset
    type(c_ptr) :: address

    array => null()
    call place(region, int(shape, int64), offset, address, code, text)
    if (c_associated(address)) call c_f_pointer(address, array, shape)
  end subroutine map_3

  subroutine map_4(region, array, code, text, shape, offset)
    type(mapped_region), intent(in) :: region
    real(real32), pointer, intent(out) :: array(:, :, :, :)
    integer(c_int32_t), intent(inout) :: code
    character(len=:), allocatable, intent(out) :: text
    integer, intent(in), optional :: shape(4)
    integer(int64), intent(in), optional :: offset
    integer(int64) :: extents(4)
    type(c_ptr) :: address

    array => null()
    extents = region%shape
    if (present(shape)) extents = shape
    call place(region, extents, offset, address, code, text)
    if (c_associated(address)) call c_f_pointer(address, array, extents)
  end subroutine map_4

  ! The address of an array inside the region; null and a text when the array
  ! does not fit.
  subroutine place(region, extents, offset, address, code, text)
    type(mapped_region), intent(in) :: region
    integer(int64), intent(in) :: extents(:)
    integer(int64), intent(in), optional :: offset
    type(c_ptr), intent(out) :: address
    integer(c_int32_t), intent(inout) :: code
    character(len=:), allocatable, intent(out) :: text
    integer(int64) :: offset_

    address = c_null_ptr
    if (code /= SPORKLE_OK) return
    offset_ = 0
    if (present(offset)) offset_ = offset
    if (.not. c_associated(region%address)) then
      text = "map: the object has no such memory"
    else if (offset_ < 0 .or. offset_ > region%size .or. modulo(offset_, element_size) /= 0) then
      text = "map: offset: outside the memory or not a multiple of 4 bytes"
    else if (.not. fits(extents, (region%size - offset_) / element_size)) then
      text = "map: shape: missing, not positive or larger than the memory"
    else
      address = transfer(transfer(region%address, 0_c_intptr_t) + int(offset_, c_intptr_t), &
                         c_null_ptr)
      return
    end if
    code = SPORKLE_ERROR_INVALID_ARGUMENT
  end subroutine place

  ! Whether the product of the extents stays within count, without overflow.
  pure function fits(extents, count) result(yes)
    integer(int64), intent(in) :: extents(:), count
    logical :: yes
    integer(int64) :: room
    integer :: i

    yes = all(extents > 0)
    if (.not. yes) return
    room = count
    do i = 1, size(extents)
      room = room / extents(i)
    end do
    yes = room > 0
  end function fits
end module sporkle_mappings
