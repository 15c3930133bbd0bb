! What every object of the friendly module has: a handle, the last status, and
! one way to report the outcome of a call.
!
! Each procedure takes the optional arguments stat and errmsg. With stat the
! status goes there and the object is not written, so that threads may share
! it; without stat the object keeps status and text. errmsg is assigned on
! errors only. Nothing prints or stops.
! SPDX-License-Identifier: MIT
module sporkle_objects
  use, intrinsic :: iso_c_binding, only: c_associated, c_char, c_f_pointer, c_int32_t, &
    c_int64_t, c_null_char, c_null_ptr, c_ptr, c_size_t
  use sporkle_c, only: sporkle_last_error, sporkle_status_name, sporkle_version_string
  implicit none
  private
  public :: sporkle_object_t, conclude, from_c, from_c_pointer, to_c
  public :: sporkle_error_text, sporkle_status_text, sporkle_version_text

  integer, parameter :: message_length = 256

  ! The components belong to the modules of this binding.
  type, abstract :: sporkle_object_t
    type(c_ptr) :: handle_ = c_null_ptr
    logical :: owner_ = .false.
    integer :: status_ = 0
    character(len=message_length) :: message_ = ""
  contains
    procedure, non_overridable :: handle => object_handle
    procedure, non_overridable :: exists => object_exists
    procedure, non_overridable :: status => object_status
    procedure, non_overridable :: message => object_message
  end type sporkle_object_t

  interface
    pure function strlen(text) bind(C, name="strlen") result(length)
      import :: c_ptr, c_size_t
      type(c_ptr), value :: text
      integer(c_size_t) :: length
    end function strlen
  end interface

contains

  ! The handle for calls of module sporkle_c.
  pure function object_handle(self) result(handle)
    class(sporkle_object_t), intent(in) :: self
    type(c_ptr) :: handle

    handle = self%handle_
  end function object_handle

  ! Whether the object was created and not destroyed through this variable.
  pure function object_exists(self) result(exists)
    class(sporkle_object_t), intent(in) :: self
    logical :: exists

    exists = c_associated(self%handle_)
  end function object_exists

  ! Status of the last call on this object without stat.
  pure function object_status(self) result(status)
    class(sporkle_object_t), intent(in) :: self
    integer :: status

    status = self%status_
  end function object_status

  ! Text of the last error on this object without stat.
  pure function object_message(self) result(message)
    class(sporkle_object_t), intent(in) :: self
    character(len=:), allocatable :: message

    message = trim(self%message_)
  end function object_message

  ! Hands the outcome to the caller; text stands for an error found on this
  ! side, otherwise the library's own text is used.
  subroutine conclude(self, code, stat, errmsg, text)
    class(sporkle_object_t), intent(inout) :: self
    integer(c_int32_t), intent(in) :: code
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=*), intent(in), optional :: text

    if (present(stat)) then
      stat = int(code)
    else
      self%status_ = int(code)
      if (code < 0) call assign_message(self%message_, text)
    end if
    if (code < 0 .and. present(errmsg)) call assign_message(errmsg, text)
  end subroutine conclude

  subroutine assign_message(message, text)
    character(len=*), intent(inout) :: message
    character(len=*), intent(in), optional :: text

    if (present(text)) then
      message = text
    else
      message = sporkle_error_text()
    end if
  end subroutine assign_message

  ! The library's text for the last error of the calling thread.
  function sporkle_error_text() result(text)
    character(len=:), allocatable :: text
    character(kind=c_char) :: buffer(1024)
    integer(c_int64_t) :: length

    buffer(1) = c_null_char
    length = sporkle_last_error(buffer, size(buffer, kind=c_int64_t))
    text = from_c(buffer)
  end function sporkle_error_text

  ! For example "SPORKLE_ERROR_BUSY".
  function sporkle_status_text(status) result(text)
    integer, intent(in) :: status
    character(len=:), allocatable :: text

    text = from_c_pointer(sporkle_status_name(int(status, c_int32_t)))
  end function sporkle_status_text

  ! Version of the library that is loaded, for example "0.1.0".
  function sporkle_version_text() result(text)
    character(len=:), allocatable :: text

    text = from_c_pointer(sporkle_version_string())
  end function sporkle_version_text

  pure function from_c(chars) result(text)
    character(kind=c_char), intent(in) :: chars(:)
    character(len=:), allocatable :: text
    integer :: i, length

    length = size(chars)
    do i = 1, size(chars)
      if (chars(i) /= c_null_char) cycle
      length = i - 1
      exit
    end do
    allocate (character(len=length) :: text)
    do i = 1, length
      text(i:i) = chars(i)
    end do
  end function from_c

  function from_c_pointer(pointer) result(text)
    type(c_ptr), intent(in) :: pointer
    character(len=:), allocatable :: text
    character(kind=c_char), pointer :: chars(:)

    if (c_associated(pointer)) then
      call c_f_pointer(pointer, chars, [strlen(pointer)])
      text = from_c(chars)
    else
      text = ""
    end if
  end function from_c_pointer

  ! A NUL-terminated copy without trailing blanks; unallocated when absent, so
  ! that it may stand for an optional C string.
  pure subroutine to_c(text, chars)
    character(len=*), intent(in), optional :: text
    character(kind=c_char), allocatable, intent(out) :: chars(:)
    integer :: i, length

    if (.not. present(text)) return
    length = len_trim(text)
    allocate (chars(length + 1))
    do i = 1, length
      chars(i) = text(i:i)
    end do
    chars(length + 1) = c_null_char
  end subroutine to_c
end module sporkle_objects
