! Text of the compat layer: C strings, what SPORKLE_FORTRAN_VERBOSE=1 prints,
! and warnings on standard error, once per cause.
!
! Lines go straight to the file descriptors. A function that the caller names in
! an I/O statement may not write to the unit of that statement (it would wait for
! it forever), and no unit is known to be another one.
! SPDX-License-Identifier: MIT
module sporkle_compat_text
  use, intrinsic :: iso_c_binding, only: c_char, c_int, c_int64_t, c_new_line, c_null_char, &
    c_size_t
  use kinds, only: dp, i64
  use sporkle_c, only: sporkle_last_error
  use sporkle_compat_lock, only: mutex, lock, unlock
  implicit none
  private
  public :: to_text, last_error_text, verbose, say, print_text, warn_once, number

  interface number
    module procedure number_i64
    module procedure number_dp
  end interface number

  integer(c_int), parameter :: standard_output = 1, standard_error = 2 ! file descriptors

  interface
    function c_write(file, bytes, count) bind(C, name="write") result(written)
      import :: c_char, c_int, c_size_t
      integer(c_int), value :: file
      character(kind=c_char), intent(in) :: bytes(*)
      integer(c_size_t), value :: count
      integer(c_size_t) :: written ! negative: ssize_t
    end function c_write
  end interface

  integer, parameter :: cause_capacity = 64
  type(mutex), save :: text_lock
  logical, save :: verbose_known = .false., verbose_value = .false.
  character(len=200), save :: causes(cause_capacity)
  integer, save :: cause_count = 0

contains

  pure function to_text(string) result(text)
    character(kind=c_char), intent(in) :: string(:)
    character(len=:), allocatable :: text
    integer :: i, length
    length = size(string)
    do i = 1, size(string)
      if (string(i) == c_null_char) then
        length = i - 1
        exit
      end if
    end do
    allocate(character(len=length) :: text)
    do i = 1, length
      text(i:i) = string(i)
    end do
  end function to_text

  function last_error_text() result(text)
    character(len=:), allocatable :: text
    character(kind=c_char) :: buffer(512)
    integer(c_int64_t) :: length
    length = sporkle_last_error(buffer, int(size(buffer), c_int64_t))
    if (length == 0) then
      text = "no reason given"
    else
      text = to_text(buffer)
    end if
  end function last_error_text

  ! The one place of the Fortran layer that reads the environment.
  logical function verbose()
    character(len=8) :: value
    integer :: status
    if (.not. verbose_known) then
      call lock(text_lock)
      call get_environment_variable("SPORKLE_FORTRAN_VERBOSE", value, status=status)
      if (status == 0) then
        select case (value)
        case ("", "0", "off", "no")
          verbose_value = .false.
        case default
          verbose_value = .true.
        end select
      end if
      verbose_known = .true.
      call unlock(text_lock)
    end if
    verbose = verbose_value
  end function verbose

  subroutine say(text)
    character(len=*), intent(in) :: text
    if (verbose()) call put_line(text, standard_output)
  end subroutine say

  ! For calls whose purpose is to print.
  subroutine print_text(text)
    character(len=*), intent(in) :: text
    call put_line(text, standard_output)
  end subroutine print_text

  subroutine warn_once(text)
    character(len=*), intent(in) :: text
    logical :: known
    character(len=200) :: cause
    cause = text
    call lock(text_lock)
    known = any(causes(1:cause_count) == cause)
    if (.not. known .and. cause_count < cause_capacity) then
      cause_count = cause_count + 1
      causes(cause_count) = cause
    else
      known = .true.
    end if
    call unlock(text_lock)
    if (.not. known) call put_line("sporkle: warning: " // text, standard_error)
  end subroutine warn_once

  ! One call for the whole line: lines of several threads do not mix. A line that
  ! cannot be written is lost, as on a closed descriptor.
  subroutine put_line(text, file)
    character(len=*), intent(in) :: text
    integer(c_int), intent(in) :: file
    character(len=len(text) + 1) :: line
    integer(c_size_t) :: done, written
    line = text // c_new_line
    done = 0
    do while (done < len(line))
      written = c_write(file, line(done + 1:), len(line, c_size_t) - done)
      if (written <= 0) return
      done = done + written
    end do
  end subroutine put_line

  function number_i64(value) result(text)
    integer(i64), intent(in) :: value
    character(len=:), allocatable :: text
    character(len=24) :: digits
    write (digits, "(i0)") value
    text = trim(digits)
  end function number_i64

  function number_dp(value) result(text)
    real(dp), intent(in) :: value
    character(len=:), allocatable :: text
    character(len=32) :: digits
    write (digits, "(f0.3)") value
    if (digits(1:1) == ".") digits = "0" // digits(1:31)
    text = trim(digits)
  end function number_dp
end module sporkle_compat_text
