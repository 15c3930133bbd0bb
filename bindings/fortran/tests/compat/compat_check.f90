! Checks, the float64 oracle and the skip for the tests of the compat modules.
! recursive: -fcheck=all takes two threads in one procedure for a recursion.
! SPDX-License-Identifier: MIT
module compat_check
  use kinds, only: dp, i64, sp
  implicit none
  private
  public :: check, finish, fill, oracle, close_to, out_size, untouched

  real(sp), parameter, public :: mark = -12345.0_sp
  integer, save :: failures = 0, checks = 0

contains

  recursive subroutine check(condition, what)
    logical, intent(in) :: condition
    character(len=*), intent(in) :: what
    checks = checks + 1
    if (condition) return
    failures = failures + 1
    write (*, "(2a)") "FAILED: ", what
  end subroutine check

  subroutine finish(what)
    character(len=*), intent(in) :: what
    if (failures > 0) then
      write (*, "(a,i0,a,i0,a)") "FAILED: ", failures, " of ", checks, " checks"
      error stop 1
    end if
    write (*, "(3a,i0,a)") "checked: ", what, " (", checks, " checks)"
  end subroutine finish

  ! The same values on every machine, in (-1, 1).
  recursive subroutine fill(values, seed)
    real(sp), intent(out) :: values(:)
    integer, intent(in) :: seed
    integer(i64) :: state
    integer(i64) :: i
    state = seed * 7919_i64 + 1
    do i = 1, size(values, kind=i64)
      state = mod(state * 48271_i64, 2147483647_i64)
      values(i) = real(state, sp) / 1073741824.0_sp - 1.0_sp
    end do
  end subroutine fill

  pure recursive integer function out_size(in_size, kernel, stride, pad)
    integer, intent(in) :: in_size, kernel, stride, pad
    out_size = (in_size + 2 * pad - kernel) / stride + 1
  end function out_size

  recursive function oracle(x, w, N, C, H, Wd, K, ks, stride, pad) result(y)
    real(sp), intent(in) :: x(:), w(:)
    integer, intent(in) :: N, C, H, Wd, K, ks, stride, pad
    real(dp), allocatable :: y(:)
    integer :: b, o, p, q, i, kh, kw, r, s, ho, wo, at
    real(dp) :: total
    ho = out_size(H, ks, stride, pad)
    wo = out_size(Wd, ks, stride, pad)
    allocate (y(N * K * ho * wo))
    at = 0
    do b = 0, N - 1
      do o = 0, K - 1
        do p = 0, ho - 1
          do q = 0, wo - 1
            total = 0.0_dp
            do i = 0, C - 1
              do kh = 0, ks - 1
                r = p * stride + kh - pad
                if (r < 0 .or. r >= H) cycle
                do kw = 0, ks - 1
                  s = q * stride + kw - pad
                  if (s < 0 .or. s >= Wd) cycle
                  total = total + real(x(((b * C + i) * H + r) * Wd + s + 1), dp) * &
                    real(w(((o * C + i) * ks + kh) * ks + kw + 1), dp)
                end do
              end do
            end do
            at = at + 1
            y(at) = total
          end do
        end do
      end do
    end do
  end function oracle

  ! Relative L2 error below 1e-5, and not one value far off.
  pure recursive logical function close_to(y, expected)
    real(sp), intent(in) :: y(:)
    real(dp), intent(in) :: expected(:)
    real(dp) :: scale
    close_to = .false.
    if (size(y) < size(expected)) return
    scale = sqrt(sum(expected**2))
    close_to = sqrt(sum((real(y(1:size(expected)), dp) - expected)**2)) <= 1.0e-5_dp * scale
  end function close_to

  pure recursive logical function untouched(y)
    real(sp), intent(in) :: y(:)
    untouched = .not. any(abs(y - mark) > 0.0_sp)
  end function untouched
end module compat_check

! Ends the program with the skip code.
subroutine skip(why)
  use, intrinsic :: iso_c_binding, only: c_int
  implicit none
  character(len=*), intent(in) :: why
  interface
    subroutine c_exit(status) bind(C, name="exit")
      import :: c_int
      integer(c_int), value :: status
    end subroutine c_exit
  end interface
  write (*, "(2a)") "skipped: ", why
  flush (6)
  call c_exit(77_c_int)
end subroutine skip

! Where the device that SPORKLE_DEVICE names does not exist. Outside the module
! for programs that use no other.
subroutine skip_without_device()
  use, intrinsic :: iso_c_binding, only: c_char, c_int32_t, c_int64_t, c_ptr
  use sporkle_c, only: SPORKLE_OK, sporkle_context_create, sporkle_context_destroy, &
    sporkle_last_error
  implicit none
  external :: skip
  type(c_ptr) :: context
  character(kind=c_char) :: text(400)
  integer(c_int64_t) :: length
  integer(c_int32_t) :: ignored
  if (sporkle_context_create(out_context=context) == SPORKLE_OK) then
    ignored = sporkle_context_destroy(context)
    return
  end if
  length = min(sporkle_last_error(text, 400_c_int64_t), 399_c_int64_t)
  call skip(transfer(text(1:length), repeat(" ", int(length))))
end subroutine skip_without_device
