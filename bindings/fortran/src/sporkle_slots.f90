! One slot of an executor: its input, residual and output as array pointers.
! SPDX-License-Identifier: MIT
module sporkle_slots
  use, intrinsic :: iso_c_binding, only: c_int32_t
  use, intrinsic :: iso_fortran_env, only: real32
  use sporkle_c, only: SPORKLE_OK
  use sporkle_mappings, only: map, mapped_region
  use sporkle_objects, only: conclude, sporkle_object_t
  implicit none
  private
  public :: sporkle_slot_t

  ! call slot%input(array [, shape]): pointers of rank 1 span the whole memory,
  ! those of rank 4 have the shape of the executor's problem unless shape says
  ! otherwise. They are valid from acquire to release.
  type, extends(sporkle_object_t) :: sporkle_slot_t
    integer :: index = -1 ! -1: not acquired
    type(mapped_region) :: input_, residual_, output_
  contains
    procedure :: clear => slot_clear
    procedure, private :: input_1, input_2, input_3, input_4
    generic :: input => input_1, input_2, input_3, input_4
    procedure, private :: residual_1, residual_2, residual_3, residual_4
    generic :: residual => residual_1, residual_2, residual_3, residual_4
    procedure, private :: output_1, output_2, output_3, output_4
    generic :: output => output_1, output_2, output_3, output_4
  end type sporkle_slot_t

contains

  subroutine slot_clear(self)
    class(sporkle_slot_t), intent(inout) :: self

    self%index = -1
    self%input_ = mapped_region()
    self%residual_ = mapped_region()
    self%output_ = mapped_region()
  end subroutine slot_clear

  subroutine input_1(self, array, shape, stat, errmsg)
    class(sporkle_slot_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:)
    integer, intent(in), optional :: shape(1)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%input_, array, code, text, shape)
    call conclude(self, code, stat, errmsg, text)
  end subroutine input_1

  subroutine input_2(self, array, shape, stat, errmsg)
    class(sporkle_slot_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:, :)
    integer, intent(in) :: shape(2)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%input_, array, code, text, shape)
    call conclude(self, code, stat, errmsg, text)
  end subroutine input_2

  subroutine input_3(self, array, shape, stat, errmsg)
    class(sporkle_slot_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:, :, :)
    integer, intent(in) :: shape(3)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%input_, array, code, text, shape)
    call conclude(self, code, stat, errmsg, text)
  end subroutine input_3

  subroutine input_4(self, array, shape, stat, errmsg)
    class(sporkle_slot_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:, :, :, :)
    integer, intent(in), optional :: shape(4)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%input_, array, code, text, shape)
    call conclude(self, code, stat, errmsg, text)
  end subroutine input_4

  subroutine residual_1(self, array, shape, stat, errmsg)
    class(sporkle_slot_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:)
    integer, intent(in), optional :: shape(1)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%residual_, array, code, text, shape)
    call conclude(self, code, stat, errmsg, text)
  end subroutine residual_1

  subroutine residual_2(self, array, shape, stat, errmsg)
    class(sporkle_slot_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:, :)
    integer, intent(in) :: shape(2)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%residual_, array, code, text, shape)
    call conclude(self, code, stat, errmsg, text)
  end subroutine residual_2

  subroutine residual_3(self, array, shape, stat, errmsg)
    class(sporkle_slot_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:, :, :)
    integer, intent(in) :: shape(3)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%residual_, array, code, text, shape)
    call conclude(self, code, stat, errmsg, text)
  end subroutine residual_3

  subroutine residual_4(self, array, shape, stat, errmsg)
    class(sporkle_slot_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:, :, :, :)
    integer, intent(in), optional :: shape(4)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%residual_, array, code, text, shape)
    call conclude(self, code, stat, errmsg, text)
  end subroutine residual_4

  subroutine output_1(self, array, shape, stat, errmsg)
    class(sporkle_slot_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:)
    integer, intent(in), optional :: shape(1)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%output_, array, code, text, shape)
    call conclude(self, code, stat, errmsg, text)
  end subroutine output_1

  subroutine output_2(self, array, shape, stat, errmsg)
    class(sporkle_slot_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:, :)
    integer, intent(in) :: shape(2)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%output_, array, code, text, shape)
    call conclude(self, code, stat, errmsg, text)
  end subroutine output_2

  subroutine output_3(self, array, shape, stat, errmsg)
    class(sporkle_slot_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:, :, :)
    integer, intent(in) :: shape(3)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%output_, array, code, text, shape)
    call conclude(self, code, stat, errmsg, text)
  end subroutine output_3

  subroutine output_4(self, array, shape, stat, errmsg)
    class(sporkle_slot_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:, :, :, :)
    integer, intent(in), optional :: shape(4)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%output_, array, code, text, shape)
    call conclude(self, code, stat, errmsg, text)
  end subroutine output_4
end module sporkle_slots
