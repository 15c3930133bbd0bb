! Plans: creation and runs by rank, strided arguments, submits on buffers.
! SPDX-License-Identifier: MIT
program test_plan
  use, intrinsic :: iso_c_binding, only: c_int, c_int64_t, c_size_t
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use sporkle
  use oracle
  implicit none
  type(sporkle_context_t) :: context
  integer :: stat

  interface
    function c_read(fd, buffer, count) bind(C, name="read") result(got)
      import :: c_int, c_int64_t, c_size_t
      integer(c_int), value :: fd
      integer(c_int64_t), intent(out) :: buffer
      integer(c_size_t), value :: count
      integer(c_size_t) :: got
    end function c_read
    function c_close(fd) bind(C, name="close") result(code)
      import :: c_int
      integer(c_int), value :: fd
      integer(c_int) :: code
    end function c_close
  end interface

  call need_default_device()
  call context%create()
  call check(context%exists(), "create: " // context%message())
  call ranks_4_and_1()
  call rank_3()
  call rank_2()
  call depthwise()
  call submits()
  call prepared()
  call refusals()
  call context%destroy()
  call finish("plans of ranks 1 to 4, runs and submits, against float64")

contains

  subroutine ranks_4_and_1()
    real(real32) :: x(9, 8, 4, 2), weights(3, 3, 4, 6), y(9, 8, 6, 2), bias(6), flat(9 * 8 * 6 * 2)
    real(real32) :: wide(18, 8, 12, 2)
    type(sporkle_plan_t) :: plan, flat_plan
    type(sporkle_plan_info_t) :: info
    type(sporkle_problem_t) :: problem
    type(sporkle_result_t) :: result

    call fill(x, 1)
    call fill(weights, 2)
    bias = 0.25_real32
    problem = sporkle_problem_t(n=2, c=4, h=8, w=9, activation=SPORKLE_ACTIVATION_RELU)
    call problem%set_padding(1)
    call plan%create(context, weights, problem, bias=bias, stat=stat)
    call check(stat == SPORKLE_OK, "create rank 4")
    call plan%describe(info, stat)
    call check(stat == SPORKLE_OK .and. len_trim(info%algorithm) > 0 .and. info%device >= 0 &
               .and. info%packed_bytes >= 0 .and. info%workspace_bytes >= 0, "describe")
    call plan%run(x, y, result=result, stat=stat)
    call check(stat == SPORKLE_OK .and. result%elapsed_ns > 0, "run rank 4")
    call check(close_to(y, expected(problem, x, weights, bias)), "values rank 4")
    wide = -7
    call plan%run(x, wide(::2, :, 2::2, :), stat=stat)
    call check(stat == SPORKLE_OK .and. all(wide(::2, :, 2::2, :) == y), "strided y")
    call check(all(wide(2::2, :, :, :) == -7), "gaps")

    problem%k = 6
    problem%kernel_h = 3
    problem%kernel_w = 3
    call flat_plan%create(context, reshape(weights, [size(weights)]), problem, bias, stat=stat)
    call check(stat == SPORKLE_OK, "create rank 1")
    call flat_plan%run(reshape(x, [size(x)]), flat, stat=stat)
    call check(stat == SPORKLE_OK .and. all(abs(flat - reshape(y, [size(y)])) < 1e-5), "rank 1")
    call plan%destroy(stat)
    call check(stat == SPORKLE_OK .and. .not. plan%exists(), "destroy")
    call plan%run(x, y, stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_HANDLE, "run after destroy")
  end subroutine ranks_4_and_1

  subroutine rank_3()
    real(real32) :: x(7, 7, 3, 1), weights(1, 1, 3, 5), y(7, 7, 5, 1), residual(7, 7, 5, 1)
    type(sporkle_plan_t) :: plan
    type(sporkle_problem_t) :: problem

    call fill(x, 3)
    call fill(weights, 4)
    call fill(residual, 5)
    problem = sporkle_problem_t(n=1, c=3, h=7, w=7, has_residual=.true.)
    call plan%create(context, weights, problem, stat=stat)
    call check(stat == SPORKLE_OK, "create with residual")
    call plan%run(x(:, :, :, 1), y(:, :, :, 1), residual=residual(:, :, :, 1), stat=stat)
    call check(stat == SPORKLE_OK, "run rank 3")
    call check(close_to(y, expected(problem, x, weights, residual=residual)), "values rank 3")
    call plan%run(x(:, :, :, 1), y(:, :, :, 1), stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "residual missing")
  end subroutine rank_3

  subroutine rank_2()
    real(real32) :: x(9, 6, 1, 1), weights(3, 2, 1, 1), y(7, 5, 1, 1)
    type(sporkle_plan_t) :: plan
    type(sporkle_problem_t) :: problem

    call fill(x, 6)
    call fill(weights, 7)
    problem = sporkle_problem_t(n=1, c=1, h=6, w=9)
    call plan%create(context, weights(:, :, 1, 1), problem, stat=stat)
    call check(stat == SPORKLE_OK, "create rank 2")
    call plan%run(x(:, :, 1, 1), y(:, :, 1, 1), stat=stat)
    call check(stat == SPORKLE_OK .and. close_to(y, expected(problem, x, weights)), "rank 2")
  end subroutine rank_2

  ! weights(KW,KH,K), strided.
  subroutine depthwise()
    real(real32) :: x(6, 6, 4, 2), weights(6, 3, 1, 4), y(4, 4, 4, 2)
    type(sporkle_plan_t) :: plan
    type(sporkle_problem_t) :: problem

    call fill(x, 8)
    call fill(weights, 9)
    problem = sporkle_problem_t(n=2, c=4, h=6, w=6, groups=4)
    call plan%create(context, weights(::2, :, 1, :), problem, stat=stat)
    call check(stat == SPORKLE_OK, "create rank 3 weights")
    call plan%run(x, y, stat=stat)
    call check(stat == SPORKLE_OK, "run depthwise")
    call check(close_to(y, expected(problem, x, weights(::2, :, :, :))), "values depthwise")
  end subroutine depthwise

  subroutine submits()
    real(real32), pointer :: x(:, :, :, :), y(:, :, :, :), residual(:, :, :, :)
    real(real32) :: weights(3, 3, 2, 4)
    type(sporkle_plan_t) :: plan
    type(sporkle_plan_info_t) :: info
    type(sporkle_problem_t) :: problem
    type(sporkle_buffer_t) :: input, output, both
    type(sporkle_fence_t) :: fence
    integer :: fd
    integer(c_int64_t) :: events
    character(len=200) :: errmsg

    call fill(weights, 10)
    problem = sporkle_problem(2, 2, 8, 8, 4, 3, 1, 1)
    problem%has_residual = .true.
    call plan%create(context, weights, problem)
    call plan%describe(info)
    call input%create(context, [8, 8, 2, 2], device=info%device, stat=stat)
    call check(stat == SPORKLE_OK, "input")
    call output%create(context, [8, 8, 4, 2], device=info%device, label="output", stat=stat)
    call check(stat == SPORKLE_OK, "output")
    call both%create(context, 4096_int64, device=info%device, stat=stat)
    call input%map(x)
    call output%map(y)
    call both%map(residual, [8, 8, 4, 2], offset=2048_int64)
    call fill(x, 11)
    call fill(residual, 12)
    y = -7
    call input%flush()
    call both%flush()
    call plan%submit(input, output, fence, residual=both, residual_offset=2048_int64, &
                     input_offset=0_int64, output_offset=0_int64, stat=stat)
    call check(stat == SPORKLE_OK, "submit")
    call fence%wait(stat=stat)
    call check(stat == SPORKLE_OK .and. fence%poll() == SPORKLE_OK, "wait")
    call output%invalidate()
    call check(close_to(y, expected(problem, x, weights, residual=residual)), "submitted values")
    call fence%export_fd(fd, stat, errmsg)
    call check(stat == SPORKLE_OK .and. fd >= 0, "descriptor of a fence that has ended")
    call check(c_read(int(fd, c_int), events, 8_c_size_t) == 8, "the descriptor is readable")
    call check(c_close(int(fd, c_int)) == 0, "the descriptor is the caller's to close")
    call fence%destroy(stat)
    call check(stat == SPORKLE_OK, "fence belongs to the caller")
    call fence%export_fd(fd, stat, errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_HANDLE .and. fd == -1, "no descriptor without a fence")
    call plan%submit(input, output, fence, stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_HANDLE, "no residual: " // trim(errmsg))
    call check(.not. fence%exists(), "no fence")
  end subroutine submits

  ! In the background, by every rank of the weights.
  subroutine prepared()
    real(real32) :: x(6, 6, 4, 2), weights(6, 3, 1, 4), y(4, 4, 4, 2), bias(4), one(3, 3, 1, 1)
    type(sporkle_plan_t) :: plan(4)
    type(sporkle_plan_info_t) :: info
    type(sporkle_fence_t) :: fence(4)
    type(sporkle_problem_t) :: problem
    character(len=200) :: errmsg
    integer :: i

    call fill(x, 15)
    call fill(weights, 16)
    call fill(one, 17)
    bias = [0.5_real32, -0.5_real32, 0.25_real32, 0.0_real32]
    problem = sporkle_problem(2, 4, 6, 6, 4, 3)
    problem%groups = 4
    call plan(1)%prepare(context, weights(::2, :, :, :), problem, fence(1), bias, stat=stat)
    call check(stat == SPORKLE_OK, "prepare rank 4, strided")
    call plan(2)%prepare(context, weights(::2, :, 1, :), problem, fence(2), bias=bias, stat=stat)
    call check(stat == SPORKLE_OK, "prepare rank 3")
    call plan(3)%prepare(context, [weights(::2, :, :, :)], problem, fence(3), bias, stat=stat)
    call check(stat == SPORKLE_OK, "prepare rank 1")
    call plan(4)%prepare(context, one(:, :, 1, 1), sporkle_problem(2, 1, 6, 6, 1, 3), fence(4), &
                         stat=stat)
    call check(stat == SPORKLE_OK, "prepare rank 2")
    problem = sporkle_problem_t(groups=4)
    do i = 1, 3
      y = -7
      call plan(i)%run(x, y, stat=stat) ! waits for the plan
      call check(stat == SPORKLE_OK, "run prepared")
      call check(close_to(y, expected(problem, x, weights(::2, :, :, :), bias)), "values prepared")
    end do
    call sporkle_wait_all(fence, stat=stat)
    call check(stat == SPORKLE_OK, "all are ready")
    call plan(4)%describe(info)
    call check(len_trim(info%algorithm) > 0, "algorithm")
    call plan(4)%run(x(:, :, 1:1, :), y(:, :, 1:1, :), stat=stat)
    call check(stat == SPORKLE_OK .and. close_to(y(:, :, 1:1, :), expected( &
               sporkle_problem_t(), x(:, :, 1:1, :), one)), "values of rank 2")
    call fence(4)%destroy(stat)
    call check(stat == SPORKLE_OK, "the fence belongs to the caller")

    call plan(1)%prepare(context, weights, problem, fence(1), stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "no sizes: " // trim(errmsg))
    call check(.not. plan(1)%exists() .and. .not. fence(1)%exists(), "neither plan nor fence")
    call plan(2)%prepare(context, weights, sporkle_problem_t(n=2, c=2, h=6, w=6), fence(2))
    call check(index(plan(2)%message(), "plan prepare: weights: shape (6,3,1,4)") == 1, &
               plan(2)%message())
    call plan(3)%prepare(context, one, sporkle_problem(1, 1, 6, 6, 1, 3), fence(3), device=99, &
                         stat=stat)
    call check(stat < 0 .and. .not. fence(3)%exists(), "device")
    call check(.not. plan(3)%exists(), "no plan")
  end subroutine prepared

  subroutine refusals()
    real(real32) :: weights(3, 3, 2, 4), x(8, 8, 2, 1), y(6, 6, 4, 1)
    type(sporkle_plan_t) :: plan
    character(len=200) :: errmsg

    call fill(weights, 13)
    call fill(x, 14)
    call plan%create(context, weights, sporkle_problem_t(n=1, c=3, h=8, w=8), stat=stat, &
                     errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "wrong C")
    call check(index(errmsg, "(3,3,2,4) given, (KW,KH,C/groups,K) = (3,3,3,4)") > 0, &
               "text: " // trim(errmsg))
    call plan%create(context, weights, sporkle_problem_t(n=1, c=2, h=8, w=8), bias=[1.0_real32], &
                     stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. index(errmsg, "bias") > 0, "bias")
    call plan%create(context, weights, sporkle_problem_t(n=1, c=2, h=8, w=8), device=99, stat=stat)
    call check(stat < 0 .and. .not. plan%exists(), "no such device")
    call plan%create(context, weights, sporkle_problem_t(n=1, c=2, h=8, w=8))
    call plan%run(x, y(:, :, :3, :))
    call check(plan%status() == SPORKLE_ERROR_INVALID_ARGUMENT, "kept status")
    call check(index(plan%message(), "plan run: y: shape (6,6,3,1)") == 1, plan%message())
    call plan%run(x(:, :, :, 1), y(:, :, :, 1), stat=stat)
    call check(stat == SPORKLE_OK .and. &
               close_to(y, expected(sporkle_problem_t(), x, weights)), "rank 3 of rank 4 plan")
  end subroutine refusals
end program test_plan
