! Bytes behind C addresses.
! SPDX-License-Identifier: MIT
module sporkle_compat_memory
  use, intrinsic :: iso_c_binding, only: c_int, c_intptr_t, c_loc, c_null_ptr, c_ptr, c_size_t
  use kinds, only: i64
  implicit none
  private
  public :: address, copy_bytes, offset, same_bytes

  interface
    function memcmp(a, b, size) bind(C, name="memcmp") result(order)
      import :: c_int, c_ptr, c_size_t
      type(c_ptr), value :: a, b
      integer(c_size_t), value :: size
      integer(c_int) :: order
    end function memcmp
    function memcpy(to, from, size) bind(C, name="memcpy") result(same)
      import :: c_ptr, c_size_t
      type(c_ptr), value :: to, from
      integer(c_size_t), value :: size
      type(c_ptr) :: same
    end function memcpy
  end interface

contains

  logical function same_bytes(a, b, bytes)
    type(c_ptr), intent(in) :: a, b
    integer(i64), intent(in) :: bytes
    same_bytes = memcmp(a, b, int(bytes, c_size_t)) == 0
  end function same_bytes

  subroutine copy_bytes(to, from, bytes)
    type(c_ptr), intent(in) :: to, from
    integer(i64), intent(in) :: bytes
    type(c_ptr) :: ignored
    ignored = memcpy(to, from, int(bytes, c_size_t))
  end subroutine copy_bytes

  function address(words) result(pointer)
    integer(i64), intent(in), target :: words(:)
    type(c_ptr) :: pointer
    pointer = c_loc(words(1))
  end function address

  function offset(base, bytes) result(pointer)
    type(c_ptr), intent(in) :: base
    integer(i64), intent(in) :: bytes
    type(c_ptr) :: pointer
    pointer = transfer(transfer(base, 0_c_intptr_t) + bytes, c_null_ptr)
  end function offset
end module sporkle_compat_memory
