! Addresses of array arguments for the time of one synchronous call: the array
! itself when it is contiguous, else a packed copy.
! SPDX-License-Identifier: MIT
module sporkle_tensors
  use, intrinsic :: iso_c_binding, only: c_associated, c_f_pointer, c_loc, c_null_ptr, c_ptr, &
    c_size_t
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use sporkle_packing, only: pack_array, unpack_array
  implicit none
  private
  public :: tensor_view, borrow, lend, give_back, release

  type :: tensor_view
    type(c_ptr) :: address = c_null_ptr
    type(c_ptr) :: packed = c_null_ptr ! own memory behind address, or null
  end type tensor_view

  interface
    function c_malloc(size) bind(C, name="malloc") result(address)
      import :: c_ptr, c_size_t
      integer(c_size_t), value :: size
      type(c_ptr) :: address
    end function c_malloc
    subroutine c_free(address) bind(C, name="free")
      import :: c_ptr
      type(c_ptr), value :: address
    end subroutine c_free
  end interface

  ! An argument to be read. ok turns false when there is no memory for the copy.
  interface borrow
    module procedure borrow_1, borrow_2, borrow_3, borrow_4
  end interface borrow

  ! An argument to be written; nothing is copied yet.
  interface lend
    module procedure lend_1, lend_2, lend_3, lend_4
  end interface lend

  ! Copies what was written to a packed copy back. Not called after a failure,
  ! which leaves the array as it was.
  interface give_back
    module procedure give_back_1, give_back_2, give_back_3, give_back_4
  end interface give_back

contains

  subroutine borrow_1(x, view, ok)
    real(real32), intent(in), target :: x(:)
    type(tensor_view), intent(inout) :: view
    logical, intent(inout) :: ok
    real(real32), pointer, contiguous :: packed(:)
    integer(int64) :: at

    if (.not. ok) return
    if (is_contiguous(x)) then
      view%address = c_loc(x(1))
      return
    end if
    call reserve(view, size(x, kind=int64), ok)
    if (.not. ok) return
    call c_f_pointer(view%packed, packed, [size(x, kind=int64)])
    at = 0
    call pack_array(x, packed, at)
  end subroutine borrow_1

  subroutine borrow_2(x, view, ok)
    real(real32), intent(in), target :: x(:, :)
    type(tensor_view), intent(inout) :: view
    logical, intent(inout) :: ok
    real(real32), pointer, contiguous :: packed(:)
    integer(int64) :: at

    if (.not. ok) return
    if (is_contiguous(x)) then
      view%address = c_loc(x(1, 1))
      return
    end if
    call reserve(view, size(x, kind=int64), ok)
    if (.not. ok) return
    call c_f_pointer(view%packed, packed, [size(x, kind=int64)])
    at = 0
    call pack_array(x, packed, at)
  end subroutine borrow_2

  subroutine borrow_3(x, view, ok)
    real(real32), intent(in), target :: x(:, :, :)
    type(tensor_view), intent(inout) :: view
    logical, intent(inout) :: ok
    real(real32), pointer, contiguous :: packed(:)
    integer(int64) :: at

    if (.not. ok) return
    if (is_contiguous(x)) then
      view%address = c_loc(x(1, 1, 1))
      return
    end if
    call reserve(view, size(x, kind=int64), ok)
    if (.not. ok) return
    call c_f_pointer(view%packed, packed, [size(x, kind=int64)])
    at = 0
    call pack_array(x, packed, at)
  end subroutine borrow_3

  subroutine borrow_4(x, view, ok)
    real(real32), intent(in), target :: x(:, :, :, :)
    type(tensor_view), intent(inout) :: view
    logical, intent(inout) :: ok
    real(real32), pointer, contiguous :: packed(:)
    integer(int64) :: at

    if (.not. ok) return
    if (is_contiguous(x)) then
      view%address = c_loc(x(1, 1, 1, 1))
      return
    end if
    call reserve(view, size(x, kind=int64), ok)
    if (.not. ok) return
    call c_f_pointer(view%packed, packed, [size(x, kind=int64)])
    at = 0
    call pack_array(x, packed, at)
  end subroutine borrow_4

  subroutine lend_1(y, view, ok)
    real(real32), intent(inout), target :: y(:)
    type(tensor_view), intent(inout) :: view
    logical, intent(inout) :: ok

    if (.not. ok) return
    if (is_contiguous(y)) then
      view%address = c_loc(y(1))
    else
      call reserve(view, size(y, kind=int64), ok)
    end if
  end subroutine lend_1

  subroutine lend_2(y, view, ok)
    real(real32), intent(inout), target :: y(:, :)
    type(tensor_view), intent(inout) :: view
    logical, intent(inout) :: ok

    if (.not. ok) return
    if (is_contiguous(y)) then
      view%address = c_loc(y(1, 1))
    else
      call reserve(view, size(y, kind=int64), ok)
    end if
  end subroutine lend_2

  subroutine lend_3(y, view, ok)
    real(real32), intent(inout), target :: y(:, :, :)
    type(tensor_view), intent(inout) :: view
    logical, intent(inout) :: ok

    if (.not. ok) return
    if (is_contiguous(y)) then
      view%address = c_loc(y(1, 1, 1))
    else
      call reserve(view, size(y, kind=int64), ok)
    end if
  end subroutine lend_3

  subroutine lend_4(y, view, ok)
    real(real32), intent(inout), target :: y(:, :, :, :)
    type(tensor_view), intent(inout) :: view
    logical, intent(inout) :: ok

    if (.not. ok) return
    if (is_contiguous(y)) then
      view%address = c_loc(y(1, 1, 1, 1))
    else
      call reserve(view, size(y, kind=int64), ok)
    end if
  end subroutine lend_4

  subroutine give_back_1(view, y)
    type(tensor_view), intent(in) :: view
    real(real32), intent(inout) :: y(:)
    real(real32), pointer, contiguous :: packed(:)
    integer(int64) :: at

    if (.not. c_associated(view%packed)) return
    call c_f_pointer(view%packed, packed, [size(y, kind=int64)])
    at = 0
    call unpack_array(packed, y, at)
  end subroutine give_back_1

  subroutine give_back_2(view, y)
    type(tensor_view), intent(in) :: view
    real(real32), intent(inout) :: y(:, :)
    real(real32), pointer, contiguous :: packed(:)
    integer(int64) :: at

    if (.not. c_associated(view%packed)) return
    call c_f_pointer(view%packed, packed, [size(y, kind=int64)])
    at = 0
    call unpack_array(packed, y, at)
  end subroutine give_back_2

  subroutine give_back_3(view, y)
    type(tensor_view), intent(in) :: view
    real(real32), intent(inout) :: y(:, :, :)
    real(real32), pointer, contiguous :: packed(:)
    integer(int64) :: at

    if (.not. c_associated(view%packed)) return
    call c_f_pointer(view%packed, packed, [size(y, kind=int64)])
    at = 0
    call unpack_array(packed, y, at)
  end subroutine give_back_3

  subroutine give_back_4(view, y)
    type(tensor_view), intent(in) :: view
    real(real32), intent(inout) :: y(:, :, :, :)
    real(real32), pointer, contiguous :: packed(:)
    integer(int64) :: at

    if (.not. c_associated(view%packed)) return
    call c_f_pointer(view%packed, packed, [size(y, kind=int64)])
    at = 0
    call unpack_array(packed, y, at)
  end subroutine give_back_4

  subroutine reserve(view, count, ok)
    type(tensor_view), intent(inout) :: view
    integer(int64), intent(in) :: count
    logical, intent(out) :: ok

    view%packed = c_malloc(int(count, c_size_t) * (storage_size(1.0_real32) / 8))
    view%address = view%packed
    ok = c_associated(view%packed)
  end subroutine reserve

  subroutine release(view)
    type(tensor_view), intent(inout) :: view

    if (c_associated(view%packed)) call c_free(view%packed)
    view%packed = c_null_ptr
    view%address = c_null_ptr
  end subroutine release
end module sporkle_tensors
