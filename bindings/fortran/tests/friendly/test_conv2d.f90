! The one-call convolution: ranks, strided arguments, every option, refusals.
! SPDX-License-Identifier: MIT
program test_conv2d
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use sporkle
  use oracle
  implicit none
  type(sporkle_context_t) :: context
  integer :: stat

  call need_default_device()
  call context%create(stat=stat)
  call check(stat == SPORKLE_OK, "create")
  call rank_4_plain()
  call rank_4_options()
  call rank_3()
  call rank_2()
  call rank_1()
  call strided()
  call refusals()
  call hopeless_problems()
  call status_without_stat()
  call context%destroy(stat)
  call check(stat == SPORKLE_OK, "destroy")
  call finish("conv2d on ranks 1 to 4, contiguous and strided, against float64")

contains

  subroutine rank_4_plain()
    real(real32) :: x(10, 9, 3, 2), weights(3, 3, 3, 5), y(10, 9, 5, 2)
    type(sporkle_problem_t) :: problem
    type(sporkle_result_t) :: result

    call fill(x, 1)
    call fill(weights, 2)
    call problem%set_padding(1)
    y = 99
    call context%conv2d(x, weights, y, padding=1, result=result, stat=stat)
    call check(stat == SPORKLE_OK, "rank 4 status")
    call check(close_to(y, expected(problem, x, weights)), "rank 4 values")
    call check(result%elapsed_ns > 0 .and. result%device_ns >= 0 .and. result%device >= 0 &
               .and. len_trim(result%algorithm) > 0, "result")
  end subroutine rank_4_plain

  subroutine rank_4_options()
    real(real32) :: x(12, 11, 4, 2), weights(2, 3, 2, 6), bias(6)
    real(real32), allocatable :: y(:, :, :, :), residual(:, :, :, :)
    real(real64), allocatable :: reference(:, :, :, :)
    type(sporkle_problem_t) :: problem
    integer :: activation

    call fill(x, 3)
    call fill(weights, 4)
    bias = [real(real32) :: 0.5, -0.25, 1.0, 0.0, -2.0, 0.125]
    problem = sporkle_problem_t(groups=2, padding_top=2, padding_left=1, padding_right=3, &
                                stride_w=2, dilation_h=2, clamp_min=-0.5_real32, &
                                clamp_max=0.75_real32)
    do activation = SPORKLE_ACTIVATION_NONE, SPORKLE_ACTIVATION_CLAMP
      problem%activation = activation
      reference = expected(problem, x, weights, bias)
      if (activation == SPORKLE_ACTIVATION_NONE) then
        allocate (residual, mold=x)
        deallocate (residual)
        allocate (residual(size(reference, 1), size(reference, 2), 6, 2))
        allocate (y(size(reference, 1), size(reference, 2), 6, 2))
        call fill(residual, 5)
      end if
      reference = expected(problem, x, weights, bias, residual)
      call context%conv2d(x, weights, y, problem=problem, bias=bias, residual=residual, stat=stat)
      call check(stat == SPORKLE_OK, "options status")
      call check(close_to(y, reference), "options values")
    end do
  end subroutine rank_4_options

  subroutine rank_3()
    real(real32) :: x(8, 8, 2, 1), weights(3, 3, 2, 4), y(4, 4, 4, 1), residual(4, 4, 4, 1)
    type(sporkle_problem_t) :: problem

    call fill(x, 6)
    call fill(weights, 7)
    call fill(residual, 8)
    call problem%set_padding(1)
    call problem%set_stride(2)
    call context%conv2d(x(:, :, :, 1), weights, y(:, :, :, 1), stride=2, padding=1, &
                        residual=residual(:, :, :, 1), stat=stat)
    call check(stat == SPORKLE_OK, "rank 3 status")
    call check(close_to(y, expected(problem, x, weights, residual=residual)), "rank 3 values")
  end subroutine rank_3

  subroutine rank_2()
    real(real32) :: x(9, 7, 1, 1), weights(2, 2, 1, 1), y(7, 5, 1, 1), residual(7, 5, 1, 1)
    type(sporkle_problem_t) :: problem

    call fill(x, 9)
    call fill(weights, 10)
    call fill(residual, 11)
    call problem%set_dilation(2)
    call context%conv2d(x(:, :, 1, 1), weights(:, :, 1, 1), y(:, :, 1, 1), problem=problem, &
                        residual=residual(:, :, 1, 1), stat=stat)
    call check(stat == SPORKLE_OK, "rank 2 status")
    call check(close_to(y, expected(problem, x, weights, residual=residual)), "rank 2 values")
  end subroutine rank_2

  subroutine rank_1()
    real(real32) :: x(6, 5, 3, 2), weights(3, 3, 3, 2), y(6, 5, 2, 2), residual(6, 5, 2, 2)
    real(real32), allocatable :: flat(:)
    type(sporkle_problem_t) :: problem

    call fill(x, 12)
    call fill(weights, 13)
    call fill(residual, 14)
    problem = sporkle_problem(n=2, c=3, h=5, w=6, k=2, kernel=3, stride=1, padding=1)
    allocate (flat(size(y)), source=0.0_real32)
    call context%conv2d(reshape(x, [size(x)]), reshape(weights, [size(weights)]), flat, problem, &
                        bias=[1.0_real32, -1.0_real32], residual=reshape(residual, [size(y)]), &
                        stat=stat)
    call check(stat == SPORKLE_OK, "rank 1 status")
    y = reshape(flat, shape(y))
    call check(close_to(y, expected(problem, x, weights, [1.0_real32, -1.0_real32], residual)), &
               "rank 1 values")
  end subroutine rank_1

  ! Every second element of larger arrays; what lies between stays as it was.
  subroutine strided()
    real(real32) :: x(14, 12, 6, 4), weights(3, 6, 3, 8), y(14, 12, 8, 4), bias(8)
    real(real32) :: flat(2 * 7 * 6)
    type(sporkle_problem_t) :: problem

    call fill(x, 15)
    call fill(weights, 16)
    bias = 0.5_real32
    y = -7
    call problem%set_padding(1)
    call context%conv2d(x(::2, ::2, ::2, ::2), weights(:, ::2, :, ::2), y(::2, 1::2, 2::2, 1::2), &
                        padding=1, bias=bias(::2), stat=stat)
    call check(stat == SPORKLE_OK, "strided status")
    call check(close_to(y(::2, 1::2, 2::2, 1::2), &
                        expected(problem, x(::2, ::2, ::2, ::2), weights(:, ::2, :, ::2), &
                                 bias(::2))), "strided values")
    call check(all(y(2::2, :, :, :) == -7) .and. all(y(:, 2::2, :, :) == -7) &
               .and. all(y(:, :, 1::2, :) == -7) .and. all(y(:, :, :, 2::2) == -7), "gaps")

    y = -7
    call context%conv2d(x(14:1:-2, ::2, ::2, 1), weights(:, ::2, :, ::2), y(::2, ::2, ::2, 2), &
                        padding=1, residual=y(2::2, ::2, ::2, 3), stat=stat)
    call check(stat == SPORKLE_OK, "negative stride status")
    call check(close_to(y(::2, ::2, ::2, 2:2), &
                        expected(problem, x(14:1:-2, ::2, ::2, 1:1), weights(:, ::2, :, ::2), &
                                 residual=y(2::2, ::2, ::2, 3:3))), "negative stride values")

    call context%conv2d(x(::2, ::2, 1, 1), weights(:, ::2, 1, 1), y(::2, ::2, 1, 1), padding=1, &
                        stat=stat)
    call check(stat == SPORKLE_OK, "strided rank 2 status")
    call check(close_to(y(::2, ::2, 1:1, 1:1), &
                        expected(problem, x(::2, ::2, 1:1, 1:1), weights(:, ::2, 1:1, 1:1))), &
               "strided rank 2")
    problem = sporkle_problem(1, 1, 6, 7, 1, 3, 1, 1)
    call context%conv2d(reshape(x(::2, ::2, 1, 1), [42]), &
                        reshape(weights(:, ::2, 1, 1), [9]), flat(::2), problem, stat=stat)
    call check(stat == SPORKLE_OK .and. all(flat(::2) == reshape(y(::2, ::2, 1, 1), [42])), &
               "strided rank 1")
  end subroutine strided

  ! The problem alone decides, whatever its arrays are.
  subroutine hopeless_problems()
    real(real32) :: x(8, 8, 2, 1), weights(3, 3, 2, 4), y(6, 6, 4, 1), before(6, 6, 4, 1)
    character(len=200) :: errmsg
    type(sporkle_problem_t) :: problem

    call fill(x, 19)
    call fill(weights, 20)
    y = -7
    before = y
    problem = sporkle_problem(n=1, c=2, h=8, w=8, k=4, kernel=3)
    problem%stride_h = 0
    call context%conv2d(x, weights, y, problem=problem, stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. index(errmsg, "stride_h") > 0, "rank 4")
    call context%conv2d(x(:, :, :, 1), weights, y(:, :, :, 1), problem=problem, stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "rank 3")
    call context%conv2d(x(:, :, 1, 1), weights(:, :, 1, 1), y(:, :, 1, 1), problem=problem, &
                        stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "rank 2")
    call context%conv2d(x(:, 1, 1, 1), weights(:, 1, 1, 1), y(:, 1, 1, 1), problem=problem, &
                        stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "rank 1")
    call check(all(abs(y - before) <= 0), "output of a hopeless problem untouched")
    call context%conv2d(x, weights, y, problem=problem, stride=1, stat=stat)
    call check(stat == SPORKLE_OK, "stride of the call stands over that of the problem")
    call problem%set_stride(1)
    call check(close_to(y, expected(problem, x, weights)), "its values")
    problem%padding_left = -1
    call context%conv2d(x, weights, y, problem=problem, stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. index(errmsg, "padding_left") > 0, &
               "negative padding")
  end subroutine hopeless_problems

  subroutine refusals()
    real(real32) :: x(8, 8, 2, 2), weights(3, 3, 2, 4), y(6, 6, 4, 2), wrong(6, 6, 3, 2)
    real(real32) :: bias(3), flat(7)
    character(len=200) :: errmsg

    call fill(x, 17)
    call fill(weights, 18)
    wrong = -7
    errmsg = "kept"
    call context%conv2d(x, weights, y, stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_OK .and. errmsg == "kept", "errmsg untouched by success")
    call context%conv2d(x, weights, wrong, stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "wrong y")
    call check(errmsg == "conv2d: y: shape (6,6,3,2) given, (OW,OH,K,N) = (6,6,4,2) expected", &
               "shape text: " // trim(errmsg))
    call check(all(wrong == -7), "refused output untouched")
    call context%conv2d(x, weights(:, :, :1, :), y, stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. index(errmsg, "weights") > 0, "weights")
    call context%conv2d(x, weights, y, bias=bias, stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. index(errmsg, "bias") > 0, "bias")
    call context%conv2d(x, weights, y, residual=wrong, stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. index(errmsg, "residual") > 0, &
               "residual")
    call context%conv2d(x, weights, y, stride=0, stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. index(errmsg, "stride") > 0, "stride")
    call context%conv2d(x(1:2, :, :, :), weights, y, stat=stat, errmsg=errmsg)
    call check(stat < 0, "kernel larger than the input")
    call context%conv2d(x(1:0, :, :, :), weights, y, stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "empty input")
    call context%conv2d(flat, flat, flat, sporkle_problem(1, 1, 3, 3, 1, 3), stat=stat, &
                        errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. index(errmsg, "flattened") > 0, "flat")
    call context%conv2d(x, weights, y, device=12345, stat=stat)
    call check(stat < 0, "no such device")
    wrong = -7
    call context%conv2d(x(:, :, :, ::2), weights(:, :, :, 1:3), wrong(:, :, :, ::2), device=12345, &
                        stat=stat)
    call check(stat < 0 .and. all(wrong == -7), "strided output untouched by a failure")
  end subroutine refusals

  subroutine status_without_stat()
    real(real32) :: x(4, 4, 1, 1), weights(3, 3, 1, 1), y(2, 2, 1, 1)
    type(sporkle_context_t) :: nothing

    call fill(x, 19)
    call fill(weights, 20)
    call context%conv2d(x, weights, y, stride=-1)
    call check(context%status() == SPORKLE_ERROR_INVALID_ARGUMENT, "kept status")
    call check(index(context%message(), "stride") > 0, "kept message: " // context%message())
    call context%conv2d(x, weights, y)
    call check(context%status() == SPORKLE_OK, "status of the next call")
    call nothing%conv2d(x, weights, y)
    call check(nothing%status() == SPORKLE_ERROR_INVALID_HANDLE, "no context")
    call check(.not. nothing%exists(), "exists")
  end subroutine status_without_stat
end program test_conv2d
