! Sequences: every kind of connection against float64 step by step, arrays of
! every rank, submits, executors, refusals.
! SPDX-License-Identifier: MIT
program test_sequence
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use sporkle
  use oracle
  implicit none
  type(sporkle_context_t) :: context
  real(real32) :: x(9, 8, 6, 2)      ! tensor 0
  real(real32) :: wanted(5, 4, 5, 2) ! the last tensor, step by step in float64
  integer :: stat

  call need_default_device()
  call context%create()
  call check(context%exists(), "create: " // context%message())
  call fill(x, 1)
  call connections()
  call ranks()
  call buffers()
  call in_flight()
  call refused_steps()
  call refused_plans()
  call context%destroy()
  call finish("sequences of up to 12 steps, runs and submits, against float64 step by step")

contains

  ! Five steps: a bias, a residual from the input, a depthwise one, a tensor read
  ! twice, a clamp, strides, arrays with gaps. Sizes come from the tensors.
  subroutine chain(sequence)
    type(sporkle_sequence_t), intent(inout) :: sequence
    real(real32) :: w1(3, 3, 6, 8), w2(2, 1, 8, 6), w3(3, 3, 1, 6), w4(3, 3, 6, 5), w5(1, 1, 8, 5)
    real(real32) :: wide(10), t1(9, 8, 8, 2), t2(9, 8, 6, 2), t3(9, 8, 6, 2), t4(5, 4, 5, 2)
    type(sporkle_problem_t) :: same, halved, plain, short

    call fill(w1, 2)
    call fill(w2, 3)
    call fill(w3, 4)
    call fill(w4, 5)
    call fill(w5, 6)
    call fill(t4, 7)
    wide = reshape(t4(:, :2, 1, 1), [10])
    same = sporkle_problem_t(n=2, c=6, h=8, w=9, activation=SPORKLE_ACTIVATION_RELU)
    call same%set_padding(1)
    call sequence%add(w1, same, bias=w5(1, 1, :, 1), stat=stat)
    call check(stat == SPORKLE_OK, "step 1")
    plain = sporkle_problem_t(activation=SPORKLE_ACTIVATION_RELU)
    call sequence%add(w2(2::2, :, :, :), plain, residual=0, stat=stat)
    call check(stat == SPORKLE_OK, "step 2, weights with gaps")
    same = sporkle_problem_t(groups=6)
    call same%set_padding(1)
    call sequence%add(w3(:, :, 1, :), same, residual=sequence%steps(), stat=stat)
    call check(stat == SPORKLE_OK, "step 3, the tensor before twice")
    halved = sporkle_problem_t(activation=SPORKLE_ACTIVATION_CLAMP, clamp_min=-0.5, clamp_max=0.75)
    call halved%set_padding(1)
    call halved%set_stride(2)
    call sequence%add(w4, halved, bias=wide(::2), stat=stat)
    call check(stat == SPORKLE_OK, "step 4, bias with gaps")
    short = sporkle_problem_t()
    call short%set_stride(2)
    call sequence%add(w5, short, input=1, residual=4, stat=stat)
    call check(stat == SPORKLE_OK .and. sequence%steps() == 5, "step 5 reads step 1")

    same = sporkle_problem_t(activation=SPORKLE_ACTIVATION_RELU)
    call same%set_padding(1)
    t1 = real(expected(same, x, w1, w5(1, 1, :, 1)), real32)
    t2 = real(expected(plain, t1, w2(2::2, :, :, :), residual=x), real32)
    same%groups = 6
    same%activation = SPORKLE_ACTIVATION_NONE
    t3 = real(expected(same, t2, w3, residual=t2), real32)
    t4 = real(expected(halved, t3, w4, wide(::2)), real32)
    wanted = real(expected(short, t1, w5, residual=t4), real32)
    w1 = 99 ! the sequence has copies
    w5 = 99
  end subroutine chain

  pure function right(y) result(yes)
    real(real32), intent(in) :: y(:, :, :, :)
    logical :: yes

    yes = close_to(y, real(wanted, real64))
  end function right

  subroutine connections()
    type(sporkle_sequence_t) :: sequence, copy
    type(sporkle_plan_t) :: plan, other
    type(sporkle_plan_info_t) :: info
    type(sporkle_result_t) :: result
    real(real32) :: y(5, 4, 5, 2), flat(5 * 4 * 5 * 2), wide(10, 4, 5, 2)

    call chain(sequence)
    call plan%create(context, sequence, stat=stat)
    call check(stat == SPORKLE_OK, "create")
    call plan%describe(info, stat)
    call check(stat == SPORKLE_OK .and. info%packed_bytes > 0 .and. info%workspace_bytes > 0, &
               "describe")
    y = -7
    call plan%run(x, y, result=result, stat=stat)
    call check(stat == SPORKLE_OK .and. result%elapsed_ns > 0 .and. right(y), "run")
    call plan%run([x], flat, stat=stat)
    call check(stat == SPORKLE_OK .and. right(reshape(flat, shape(y))), "run, flattened")
    wide = -7
    call plan%run(x, wide(::2, :, :, :), stat=stat)
    call check(stat == SPORKLE_OK .and. right(wide(::2, :, :, :)), "run into gaps")
    call check(all(wide(2::2, :, :, :) == -7), "gaps")

    copy = sequence
    call sequence%clear()
    call check(sequence%steps() == 0 .and. copy%steps() == 5, "a copy is a sequence of its own")
    call other%create(context, copy, device=0, stat=stat)
    call check(stat == SPORKLE_OK, "create from the copy, on the CPU")
    y = -7
    call other%run(x, y, stat=stat)
    call check(stat == SPORKLE_OK .and. right(y), "run of the copy")
    call plan%run(x, y, residual=y, stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "no residual of its own")
    call plan%run(x, y(:, :, :4, :))
    call check(index(plan%message(), "plan run: y: shape (5,4,4,2) given") == 1, plan%message())
  end subroutine connections

  ! Weights of ranks 1 to 3 and more steps than the first piece of memory holds.
  subroutine ranks()
    type(sporkle_sequence_t) :: sequence
    type(sporkle_plan_t) :: plan
    type(sporkle_problem_t) :: problem
    real(real32) :: plane(7, 6, 1, 1), weights(3, 3, 1, 1), y(7, 6, 1, 1), t(7, 6, 1, 1)
    integer :: i

    call fill(plane, 21)
    call fill(weights, 22)
    problem = sporkle_problem(1, 1, 6, 7, 1, 3, 1, 1)
    t = plane
    do i = 1, 12
      select case (mod(i, 3))
      case (0)
        call sequence%add(weights(:, :, 1, 1), problem, stat=stat)
      case (1)
        call sequence%add([weights], problem, stat=stat)
      case (2)
        call sequence%add(weights(:, :, :, 1), problem, stat=stat)
      end select
      call check(stat == SPORKLE_OK, "add")
      t = real(expected(problem, t, weights), real32)
    end do
    call plan%create(context, sequence)
    call check(plan%status() == SPORKLE_OK, "twelve steps: " // plan%message())
    call plan%run(plane(:, :, 1, 1), y(:, :, 1, 1), stat=stat)
    call check(stat == SPORKLE_OK .and. close_to(y, real(t, real64)), "twelve steps")
  end subroutine ranks

  subroutine buffers()
    type(sporkle_sequence_t) :: sequence
    type(sporkle_plan_t) :: plan
    type(sporkle_plan_info_t) :: info
    type(sporkle_buffer_t) :: input, output
    type(sporkle_fence_t) :: fence
    real(real32), pointer :: given(:, :, :, :), y(:, :, :, :)

    call chain(sequence)
    call plan%create(context, sequence)
    call plan%describe(info)
    call input%create(context, shape(x), device=info%device)
    call output%create(context, shape(wanted), device=info%device)
    call input%map(given)
    call output%map(y)
    given = x
    y = -7
    call input%flush()
    call plan%submit(input, output, fence, stat=stat)
    call check(stat == SPORKLE_OK, "submit")
    call fence%wait(stat=stat)
    call output%invalidate()
    call check(stat == SPORKLE_OK .and. right(y), "submitted values")
  end subroutine buffers

  subroutine in_flight()
    type(sporkle_sequence_t) :: sequence
    type(sporkle_plan_t) :: plan
    type(sporkle_plan_info_t) :: info
    type(sporkle_executor_t) :: executor
    type(sporkle_slot_t) :: slot(3)
    type(sporkle_fence_t) :: fence(3)
    real(real32), pointer :: given(:), y(:, :, :, :)
    integer :: i

    call chain(sequence)
    call plan%create(context, sequence)
    call plan%describe(info)
    call executor%create(context, 4 * size(x, kind=int64), 4 * size(wanted, kind=int64), slots=3, &
                         device=info%device, stat=stat)
    call check(stat == SPORKLE_OK, "executor")
    do i = 1, 3
      call executor%acquire(slot(i))
      call slot(i)%input(given)
      given = [x]
      call executor%submit(slot(i), plan, fence(i), stat)
      call check(stat == SPORKLE_OK, "submit a slot")
    end do
    call sporkle_wait_all(fence, stat=stat)
    call check(stat == SPORKLE_OK, "wait for the slots")
    do i = 1, 3
      call slot(i)%output(y, shape(wanted))
      call check(right(y), "values of a slot")
    end do
  end subroutine in_flight

  ! What add refuses leaves the sequence as it was.
  subroutine refused_steps()
    type(sporkle_sequence_t) :: sequence
    type(sporkle_plan_t) :: plan
    real(real32) :: weights(3, 3, 6, 4), bias(3), y(7, 6, 4, 2)

    call fill(weights, 31)
    call refuse(sporkle_problem_t(n=2, h=8, w=9), "c: ")
    call refuse(sporkle_problem_t(n=2, c=5, h=8, w=9), "weights: shape (3,3,6,4) given, " // &
                "(KW,KH,C/groups,K) = (3,3,5,4) expected")
    call refuse(sporkle_problem_t(n=2, c=6, h=8, w=9, groups=4), "groups")
    call refuse(sporkle_problem_t(n=2, c=6, h=8, w=9), "input: tensor 1 is not in 0 to 0", input=1)
    call refuse(sporkle_problem_t(n=2, c=6, h=8, w=9), "residual: tensor -1 is not in 0 to 0", &
                residual=-1)
    call refuse(sporkle_problem_t(n=2, c=6, h=8, w=9), "residual: shape (9,8,6,2) given, " // &
                "(OW,OH,K,N) = (7,6,4,2) expected", residual=0)
    bias = 0
    call sequence%add(weights, sporkle_problem_t(n=2, c=6, h=8, w=9), bias=bias)
    call check(index(sequence%message(), "sequence add: bias: shape (3)") == 1, sequence%message())
    ! Without stat nobody may have noticed: the refusal stands.
    call sequence%add(weights, sporkle_problem_t(n=2, c=6, h=8, w=9))
    call check(sequence%status() == SPORKLE_ERROR_INVALID_ARGUMENT .and. sequence%steps() == 0, &
               "add after a refusal")
    call plan%create(context, sequence)
    call check(index(plan%message(), "sequence add: bias: shape (3)") == 1 .and. &
               .not. plan%exists(), "create after a refusal: " // plan%message())
    call sequence%clear()
    call sequence%add(weights, sporkle_problem_t(n=2, c=6, h=8, w=9))
    call check(sequence%status() == SPORKLE_OK, "after clear: " // sequence%message())
    call sequence%add(weights, sporkle_problem_t(c=4), stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "weights of another C")
    call sequence%add(weights(:, :, :4, :), sporkle_problem_t(h=8), stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "another H than the tensor")
    call sequence%add([weights], sporkle_problem_t(k=4, kernel_h=3, kernel_w=3), stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "too many flattened weights")
    call plan%create(context, sequence, stat=stat)
    call check(stat == SPORKLE_OK, "create after refusals with stat")
    call plan%run(x, y, stat=stat)
    call check(stat == SPORKLE_OK .and. &
               close_to(y, expected(sporkle_problem_t(), x, weights)), "the step that was right")
  end subroutine refused_steps

  subroutine refuse(problem, text, input, residual)
    type(sporkle_problem_t), intent(in) :: problem
    character(len=*), intent(in) :: text
    integer, intent(in), optional :: input, residual
    type(sporkle_sequence_t) :: sequence
    real(real32) :: weights(3, 3, 6, 4)
    character(len=200) :: errmsg

    weights = 1
    errmsg = ""
    call sequence%add(weights, problem, input=input, residual=residual, stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. sequence%steps() == 0, "refuse " // text)
    call check(index(errmsg, text) > 0, "text: " // trim(errmsg))
  end subroutine refuse

  ! What only the library sees.
  subroutine refused_plans()
    type(sporkle_sequence_t) :: sequence
    type(sporkle_plan_t) :: plan
    type(sporkle_problem_t) :: problem
    real(real32) :: weights(1, 1, 6, 6)
    character(len=200) :: errmsg

    call fill(weights, 41)
    call plan%create(context, sequence, stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. index(errmsg, "count: 0") > 0, errmsg)
    problem = sporkle_problem_t(n=2, c=6, h=8, w=9)
    call sequence%add(weights, problem)
    call plan%create(context, sequence, device=99, stat=stat)
    call check(stat < 0 .and. .not. plan%exists(), "no such device")
    call sequence%add(weights, problem, input=0)
    call plan%create(context, sequence, stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. index(errmsg, "no later step reads") > 0, &
               "an output that nobody reads: " // trim(errmsg))
    call sequence%clear()
    problem%has_residual = .true.
    call sequence%add(weights, problem)
    call plan%create(context, sequence, stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. index(errmsg, "residual") > 0, &
               "no number for the residual: " // trim(errmsg))
    call check(.not. plan%exists(), "no plan")
  end subroutine refused_plans
end program test_sequence
