! Mapped buffers as array pointers, and conversion between real kinds.
! SPDX-License-Identifier: MIT
program test_buffer
  use, intrinsic :: ieee_arithmetic, only: ieee_is_nan, ieee_quiet_nan, ieee_value
  use, intrinsic :: iso_c_binding, only: c_associated, c_f_pointer
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use sporkle
  use oracle
  implicit none
  type(sporkle_context_t) :: context
  integer :: stat

  call need_default_device()
  call context%create()
  call pointers()
  call lifetime()
  call conversions()
  call context%destroy()
  call finish("buffers mapped as ranks 1 to 4, and real64 conversion")

contains

  subroutine pointers()
    type(sporkle_buffer_t) :: buffer
    type(sporkle_buffer_info_t) :: info
    real(real32), pointer :: flat(:), plane(:, :), cube(:, :, :), tensor(:, :, :, :), part(:)
    integer :: i
    character(len=200) :: errmsg

    errmsg = ""
    call buffer%create(context, [4, 3, 2, 2], usage=ior(SPORKLE_BUFFER_CPU_WRITE, &
                       SPORKLE_BUFFER_CPU_READ), label="pointers", stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_OK, "create: " // trim(errmsg))
    call buffer%describe(info, stat)
    call check(stat == SPORKLE_OK .and. info%size == 192 .and. info%placement >= 1 &
               .and. info%coherent >= 0, "describe")
    call buffer%map(flat)
    call check(size(flat) == 48 .and. c_associated(buffer%handle()), "whole buffer")
    flat = [(real(i, real32), i=1, 48)]
    call buffer%map(tensor)
    call check(all(shape(tensor) == [4, 3, 2, 2]) .and. nint(tensor(2, 3, 2, 1)) == 22, "rank 4")
    call buffer%map(cube, [4, 3, 4])
    call check(nint(cube(4, 1, 3)) == 28, "rank 3")
    call buffer%map(plane, [6, 8], stat=stat)
    call check(stat == SPORKLE_OK .and. nint(plane(6, 8)) == 48, "rank 2")
    call buffer%map(part, offset=64_int64)
    call check(size(part) == 32 .and. nint(part(1)) == 17, "offset")
    call buffer%map(part, [3], offset=4_int64)
    call check(size(part) == 3 .and. nint(part(1)) == 2, "shape and offset")
    call buffer%map(plane, [7, 7], stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. .not. associated(plane), "too large")
    call check(index(errmsg, "shape") > 0, trim(errmsg))
    call buffer%map(part, offset=2_int64, stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "odd offset")
    call buffer%map(cube, [0, 1, 1], stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "empty shape")
    call buffer%flush(0_int64, 192_int64, stat)
    call check(stat == SPORKLE_OK, "flush")
    call buffer%invalidate(stat=stat)
    call check(stat == SPORKLE_OK, "invalidate")
    call buffer%flush(100_int64, 100_int64, stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "range")
  end subroutine pointers

  ! Copies refer, finalization destroys, stale references are refused.
  subroutine lifetime()
    type(sporkle_buffer_t) :: buffer, reference
    type(sporkle_stats_t) :: before, during, after
    real(real32), pointer :: flat(:)

    call context%stats(before)
    call scope(before, during)
    call context%stats(after)
    call check(during%buffer_bytes > before%buffer_bytes, "counted")
    call check(after%buffer_bytes == before%buffer_bytes, "final destroys")
    call buffer%create(context, 256_int64)
    reference = buffer
    call reference%map(flat)
    call check(size(flat) == 64, "copy refers")
    call reference%destroy(stat)
    call check(stat == SPORKLE_OK, "destroyed through the copy")
    call buffer%flush(stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_HANDLE, "stale")
    call buffer%create(context, -1_int64, stat=stat)
    call check(stat < 0, "negative size")
    call buffer%map(flat, stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. .not. associated(flat), "nothing")
    call buffer%create(context, [2147483647, 2147483647, 2147483647], stat=stat)
    call check(stat == SPORKLE_ERROR_OVERFLOW, "overflow")
  end subroutine lifetime

  subroutine scope(before, during)
    type(sporkle_stats_t), intent(in) :: before
    type(sporkle_stats_t), intent(out) :: during
    type(sporkle_buffer_t) :: buffers(3)
    integer :: i

    do i = 1, 3
      call buffers(i)%create(context, 4096_int64)
    end do
    call context%stats(during)
    call check(during%buffer_bytes >= before%buffer_bytes + 3 * 4096, "three buffers")
  end subroutine scope

  subroutine conversions()
    real(real64) :: wide(2, 3, 2, 2), back(2, 3, 2, 2)
    real(real32) :: narrow(2, 3, 2, 2), other(3)

    wide = reshape([real(real64) :: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, &
                    19, 20, 21, 22, 23, 24], shape(wide)) / 3
    narrow = -7
    call sporkle_to_real32(wide, narrow, stat)
    call check(stat == SPORKLE_OK .and. all(narrow == real(wide, real32)), "to real32 rank 4")
    call sporkle_to_real64(narrow, back, stat)
    call check(stat == SPORKLE_OK .and. all(abs(back - wide) < 1e-5), "to real64 rank 4")
    call sporkle_to_real32(wide(:, ::2, :, 2), narrow(:, ::2, :, 1), stat)
    call check(stat == SPORKLE_OK .and. all(narrow(:, ::2, :, 1) == narrow(:, ::2, :, 2)), "rank 3")
    call sporkle_to_real64(narrow(:, :, 1, 1), back(:, :, 2, 2), stat)
    call check(stat == SPORKLE_OK .and. all(back(:, :, 2, 2) == narrow(:, :, 1, 1)), "rank 2")
    call sporkle_to_real64(narrow(:, 1, 1, 1), back(:, 1, 1, 1), stat)
    call check(stat == SPORKLE_OK .and. all(back(:, 1, 1, 1) == narrow(:, 1, 1, 1)), "rank 1")
    call sporkle_to_real64(narrow(:, :, :, 1), back(:, :, :, 2), stat)
    call check(stat == SPORKLE_OK, "to real64 rank 3")
    other = -7
    call sporkle_to_real32([1.0e300_real64, 0.0_real64, 0.0_real64], other, stat)
    call check(stat == SPORKLE_ERROR_OVERFLOW .and. all(other == -7), "range")
    call sporkle_to_real32([0.0_real64], other, stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. all(other == -7), "size")
    call sporkle_to_real32([ieee_value(1.0_real64, ieee_quiet_nan), &
                            real(huge(1.0_real32), real64), -1.0_real64], other, stat)
    call check(stat == SPORKLE_OK .and. ieee_is_nan(other(1)), "NaN")
    call check(other(2) == huge(1.0_real32), "largest")
    wide(2, 3, 2, 2) = -huge(wide)
    call sporkle_to_real32(wide, narrow, stat)
    call check(stat == SPORKLE_ERROR_OVERFLOW, "range rank 4")
    call sporkle_to_real32(wide(:, :, 1, 1), narrow(:, :, 1, 2), stat)
    call check(stat == SPORKLE_OK, "to real32 rank 2")
  end subroutine conversions
end program test_buffer
