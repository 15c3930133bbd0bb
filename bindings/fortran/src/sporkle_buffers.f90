! Buffers: device-visible memory with a CPU address.
! SPDX-License-Identifier: MIT
module sporkle_buffers
  use, intrinsic :: iso_c_binding, only: c_char, c_int32_t, c_int64_t, c_loc, c_null_ptr
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use sporkle_c, only: sporkle_buffer_create, sporkle_buffer_desc, sporkle_buffer_describe, &
    sporkle_buffer_destroy, sporkle_buffer_flush, sporkle_buffer_info_t => sporkle_buffer_info, &
    sporkle_buffer_invalidate, SPORKLE_ERROR_OVERFLOW, SPORKLE_OK
  use sporkle_contexts, only: sporkle_context_t
  use sporkle_mappings, only: map, mapped_region
  use sporkle_objects, only: conclude, sporkle_object_t, to_c
  implicit none
  private
  public :: sporkle_buffer_t, sporkle_buffer_info_t

  type, extends(sporkle_object_t) :: sporkle_buffer_t
    type(mapped_region) :: region_
  contains
    procedure, private :: buffer_create_bytes, buffer_create_shape
    generic :: create => buffer_create_bytes, buffer_create_shape
    procedure :: destroy => buffer_destroy
    procedure :: describe => buffer_describe
    procedure :: flush => buffer_flush
    procedure :: invalidate => buffer_invalidate
    procedure, private :: buffer_map_1, buffer_map_2, buffer_map_3, buffer_map_4
    generic :: map => buffer_map_1, buffer_map_2, buffer_map_3, buffer_map_4
    procedure, private :: alias => buffer_alias
    generic :: assignment(=) => alias
    final :: buffer_finalize
  end type sporkle_buffer_t

contains

  ! A buffer of a number of bytes.
  subroutine buffer_create_bytes(self, context, bytes, usage, device, label, stat, errmsg)
    class(sporkle_buffer_t), intent(inout) :: self
    type(sporkle_context_t), intent(in) :: context
    integer(int64), intent(in) :: bytes
    integer(c_int32_t), intent(in), optional :: usage
    integer, intent(in), optional :: device
    character(len=*), intent(in), optional :: label
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(kind=c_char), allocatable, target :: label_(:)
    type(sporkle_buffer_desc) :: desc
    type(sporkle_buffer_info_t) :: info
    integer(c_int32_t) :: code

    call release(self)
    desc%size = bytes
    if (present(usage)) desc%usage = usage
    if (present(device)) desc%device = int(device, c_int32_t)
    call to_c(label, label_)
    if (allocated(label_)) desc%label = c_loc(label_(1))
    code = sporkle_buffer_create(context%handle_, desc, self%handle_)
    if (code == SPORKLE_OK) then
      self%owner_ = .true.
      code = sporkle_buffer_describe(self%handle_, info)
      self%region_ = mapped_region(info%data, info%size)
    end if
    call conclude(self, code, stat, errmsg)
  end subroutine buffer_create_bytes

  ! A buffer for a real32 array of this shape, rank 1 to 4; map gives a pointer
  ! of rank 4 this shape by itself.
  subroutine buffer_create_shape(self, context, shape, usage, device, label, stat, errmsg)
    class(sporkle_buffer_t), intent(inout) :: self
    type(sporkle_context_t), intent(in) :: context
    integer, intent(in) :: shape(:)
    integer(c_int32_t), intent(in), optional :: usage
    integer, intent(in), optional :: device
    character(len=*), intent(in), optional :: label
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer(int64) :: bytes
    integer :: i

    bytes = 4
    do i = 1, size(shape)
      if (shape(i) > 0) then
        if (bytes > huge(bytes) / shape(i)) then
          call release(self)
          call conclude(self, SPORKLE_ERROR_OVERFLOW, stat, errmsg, &
                        "buffer create: shape: the size does not fit")
          return
        end if
      end if
      bytes = bytes * max(shape(i), 0)
    end do
    call buffer_create_bytes(self, context, bytes, usage, device, label, stat, errmsg)
    if (size(shape) == 4 .and. self%exists()) self%region_%shape = shape
  end subroutine buffer_create_shape

  subroutine buffer_destroy(self, stat, errmsg)
    class(sporkle_buffer_t), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer(c_int32_t) :: code

    code = sporkle_buffer_destroy(self%handle_)
    self%owner_ = .false.
    call release(self)
    call conclude(self, code, stat, errmsg)
  end subroutine buffer_destroy

  subroutine buffer_describe(self, info, stat, errmsg)
    class(sporkle_buffer_t), intent(inout) :: self
    type(sporkle_buffer_info_t), intent(out) :: info
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call conclude(self, sporkle_buffer_describe(self%handle_, info), stat, errmsg)
  end subroutine buffer_describe

  ! Makes CPU writes visible to work submitted afterwards: all of the buffer, or
  ! size bytes from offset.
  subroutine buffer_flush(self, offset, size, stat, errmsg)
    class(sporkle_buffer_t), intent(inout) :: self
    integer(int64), intent(in), optional :: offset, size
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer(c_int64_t) :: first, count

    call range(self, offset, size, first, count)
    call conclude(self, sporkle_buffer_flush(self%handle_, first, count), stat, errmsg)
  end subroutine buffer_flush

  ! Makes device writes that have ended visible to the CPU.
  subroutine buffer_invalidate(self, offset, size, stat, errmsg)
    class(sporkle_buffer_t), intent(inout) :: self
    integer(int64), intent(in), optional :: offset, size
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer(c_int64_t) :: first, count

    call range(self, offset, size, first, count)
    call conclude(self, sporkle_buffer_invalidate(self%handle_, first, count), stat, errmsg)
  end subroutine buffer_invalidate

  pure subroutine range(self, offset, size, first, count)
    class(sporkle_buffer_t), intent(in) :: self
    integer(int64), intent(in), optional :: offset, size
    integer(c_int64_t), intent(out) :: first, count

    first = 0
    if (present(offset)) first = offset
    count = self%region_%size - first
    if (present(size)) count = size
  end subroutine range

  subroutine buffer_map_1(self, array, shape, offset, stat, errmsg)
    class(sporkle_buffer_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:)
    integer, intent(in), optional :: shape(1)
    integer(int64), intent(in), optional :: offset
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%region_, array, code, text, shape, offset)
    call conclude(self, code, stat, errmsg, text)
  end subroutine buffer_map_1

  subroutine buffer_map_2(self, array, shape, offset, stat, errmsg)
    class(sporkle_buffer_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:, :)
    integer, intent(in) :: shape(2)
    integer(int64), intent(in), optional :: offset
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%region_, array, code, text, shape, offset)
    call conclude(self, code, stat, errmsg, text)
  end subroutine buffer_map_2

  subroutine buffer_map_3(self, array, shape, offset, stat, errmsg)
    class(sporkle_buffer_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:, :, :)
    integer, intent(in) :: shape(3)
    integer(int64), intent(in), optional :: offset
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%region_, array, code, text, shape, offset)
    call conclude(self, code, stat, errmsg, text)
  end subroutine buffer_map_3

  subroutine buffer_map_4(self, array, shape, offset, stat, errmsg)
    class(sporkle_buffer_t), intent(inout) :: self
    real(real32), pointer, intent(out) :: array(:, :, :, :)
    integer, intent(in), optional :: shape(4)
    integer(int64), intent(in), optional :: offset
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text
    integer(c_int32_t) :: code

    code = SPORKLE_OK
    call map(self%region_, array, code, text, shape, offset)
    call conclude(self, code, stat, errmsg, text)
  end subroutine buffer_map_4

  ! A copy refers to the same buffer and does not destroy it.
  subroutine buffer_alias(self, other)
    class(sporkle_buffer_t), intent(inout) :: self
    type(sporkle_buffer_t), intent(in) :: other

    call release(self)
    self%handle_ = other%handle_
    self%region_ = other%region_
  end subroutine buffer_alias

  impure elemental subroutine buffer_finalize(self)
    type(sporkle_buffer_t), intent(inout) :: self

    call release(self)
  end subroutine buffer_finalize

  subroutine release(self)
    class(sporkle_buffer_t), intent(inout) :: self
    integer(c_int32_t) :: ignored

    if (self%owner_) ignored = sporkle_buffer_destroy(self%handle_)
    self%handle_ = c_null_ptr
    self%owner_ = .false.
    self%region_ = mapped_region()
  end subroutine release
end module sporkle_buffers
