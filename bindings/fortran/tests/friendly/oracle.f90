! The float64 answer to a convolution problem, and the checks of the tests.
! SPDX-License-Identifier: MIT
module oracle
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use sporkle, only: sporkle_context_t, sporkle_problem_t, SPORKLE_ACTIVATION_CLAMP, &
    SPORKLE_ACTIVATION_RELU, SPORKLE_ERROR_DEVICE_UNAVAILABLE
  implicit none
  private
  public :: expected, fill, close_to, check, finish, need_default_device

  integer :: checks = 0
  logical :: failed = .false.

contains

  ! y(OW,OH,K,N) for x(W,H,C,N) and weights(KW,KH,C/groups,K).
  function expected(problem, x, weights, bias, residual) result(y)
    type(sporkle_problem_t), intent(in) :: problem
    real(real32), intent(in) :: x(:, :, :, :), weights(:, :, :, :)
    real(real32), intent(in), optional :: bias(:), residual(:, :, :, :)
    real(real64), allocatable :: y(:, :, :, :)
    integer :: i, j, k, n, out_w, out_h

    out_w = extent(size(x, 1), problem%padding_left + problem%padding_right, &
                   problem%dilation_w, size(weights, 1), problem%stride_w)
    out_h = extent(size(x, 2), problem%padding_top + problem%padding_bottom, &
                   problem%dilation_h, size(weights, 2), problem%stride_h)
    allocate (y(out_w, out_h, size(weights, 4), size(x, 4)))
    do n = 1, size(y, 4)
      do k = 1, size(y, 3)
        do j = 1, size(y, 2)
          do i = 1, size(y, 1)
            y(i, j, k, n) = point(problem, x, weights, i, j, k, n)
            if (present(bias)) y(i, j, k, n) = y(i, j, k, n) + bias(k)
            if (present(residual)) y(i, j, k, n) = y(i, j, k, n) + residual(i, j, k, n)
          end do
        end do
      end do
    end do
    if (problem%activation == SPORKLE_ACTIVATION_RELU) y = max(y, 0.0_real64)
    if (problem%activation == SPORKLE_ACTIVATION_CLAMP) then
      y = min(max(y, real(problem%clamp_min, real64)), real(problem%clamp_max, real64))
    end if
  end function expected

  pure function extent(input, padding, dilation, kernel, stride) result(output)
    integer, intent(in) :: input, kernel
    integer(int64), intent(in) :: padding, dilation, stride
    integer :: output

    output = int((input + padding - dilation * (kernel - 1) - 1) / stride) + 1
  end function extent

  pure function point(problem, x, weights, i, j, k, n) result(total)
    type(sporkle_problem_t), intent(in) :: problem
    real(real32), intent(in) :: x(:, :, :, :), weights(:, :, :, :)
    integer, intent(in) :: i, j, k, n
    real(real64) :: total
    integer :: a, b, c, first_c, at_w, at_h

    first_c = ((k - 1) / (size(weights, 4) / int(problem%groups))) * size(weights, 3)
    total = 0
    do c = 1, size(weights, 3)
      do b = 1, size(weights, 2)
        at_h = int((j - 1) * problem%stride_h - problem%padding_top &
                   + (b - 1) * problem%dilation_h) + 1
        if (at_h < 1 .or. at_h > size(x, 2)) cycle
        do a = 1, size(weights, 1)
          at_w = int((i - 1) * problem%stride_w - problem%padding_left &
                     + (a - 1) * problem%dilation_w) + 1
          if (at_w < 1 .or. at_w > size(x, 1)) cycle
          total = total + real(x(at_w, at_h, first_c + c, n), real64) * weights(a, b, c, k)
        end do
      end do
    end do
  end function point

  ! The same numbers in every run and for every kind of default real.
  subroutine fill(array, seed)
    real(real32), intent(out) :: array(:, :, :, :)
    integer, intent(in) :: seed
    integer(int64) :: state
    integer :: i, j, k, l

    state = seed
    do l = 1, size(array, 4)
      do k = 1, size(array, 3)
        do j = 1, size(array, 2)
          do i = 1, size(array, 1)
            state = mod(state * 48271_int64 + 11_int64, 2147483647_int64)
            array(i, j, k, l) = real(real(state, real64) / 1073741823.5_real64 - 1, real32)
          end do
        end do
      end do
    end do
  end subroutine fill

  ! Relative error in the L2 norm below 1e-5.
  pure function close_to(y, reference) result(yes)
    real(real32), intent(in) :: y(:, :, :, :)
    real(real64), intent(in) :: reference(:, :, :, :)
    logical :: yes

    yes = all(shape(y) == shape(reference))
    if (.not. yes) return
    yes = sum((y - reference)**2) <= 1.0e-10_real64 * sum(reference**2)
  end function close_to

  ! Skips the test where the device that SPORKLE_DEVICE names does not exist.
  subroutine need_default_device()
    type(sporkle_context_t) :: context
    integer :: stat
    character(len=300) :: errmsg

    call context%create(stat=stat, errmsg=errmsg)
    if (stat /= SPORKLE_ERROR_DEVICE_UNAVAILABLE) return
    print "(2a)", "skipped: ", trim(errmsg)
    stop 77
  end subroutine need_default_device

  subroutine check(condition, what)
    logical, intent(in) :: condition
    character(len=*), intent(in) :: what

    checks = checks + 1
    if (condition) return
    failed = .true.
    print "(2a)", "wrong: ", what
  end subroutine check

  subroutine finish(what)
    character(len=*), intent(in) :: what

    print "(i0,2a)", checks, " checks: ", what
    if (failed) stop 1
  end subroutine finish
end module oracle
