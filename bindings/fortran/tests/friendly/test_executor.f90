! Executors and fences: a pipeline, slots by rank, waits, a device that hangs.
! SPDX-License-Identifier: MIT
program test_executor
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use sporkle
  use oracle
  implicit none
  type(sporkle_context_t) :: context
  integer :: stat, null_device

  call need_default_device()
  call context%create(enable_null=.true.)
  call context%find_device("null", null_device, stat)
  call check(stat == SPORKLE_OK, "null device")
  call pipeline()
  call groups()
  call slots()
  call fences()
  call hanging_device()
  call context%destroy()
  call finish("executor slots, fences and waits")

contains

  subroutine pipeline()
    type(sporkle_plan_t) :: plan
    type(sporkle_plan_info_t) :: info
    type(sporkle_executor_t) :: executor
    type(sporkle_slot_t) :: slot(2)
    type(sporkle_fence_t) :: fence(2)
    type(sporkle_problem_t) :: problem
    real(real32) :: weights(3, 3, 3, 4), x(12, 10, 3, 2)
    real(real32), pointer :: input(:, :, :, :), output(:, :, :, :)
    integer :: batch, at

    call fill(weights, 1)
    problem = sporkle_problem(2, 3, 10, 12, 4, 3, 1, 1)
    call plan%create(context, weights, problem)
    call plan%describe(info)
    call executor%create(context, problem, slots=2, device=info%device, label="pipeline", stat=stat)
    call check(stat == SPORKLE_OK, "create")
    do batch = 1, 8
      at = 1 + mod(batch, 2)
      if (batch > 2) then
        call fence(at)%wait(stat=stat)
        call check(stat == SPORKLE_OK, "wait")
        call slot(at)%output(output)
        call fill(x, batch - 2)
        call check(close_to(output, expected(problem, x, weights)), "pipeline values")
        call executor%release(slot(at), stat)
        call check(stat == SPORKLE_OK .and. slot(at)%index == -1, "release")
      end if
      call executor%acquire(slot(at), stat=stat)
      call check(stat == SPORKLE_OK .and. slot(at)%index >= 0, "acquire")
      call slot(at)%input(input)
      call fill(input, batch)
      call executor%submit(slot(at), plan, fence(at), stat)
      call check(stat == SPORKLE_OK, "submit")
    end do
    call executor%acquire(slot(1), timeout_ns=0_int64, stat=stat)
    call check(stat == SPORKLE_TIMEOUT, "no slot free")
    call sporkle_wait_all(fence, stat=stat)
    call check(stat == SPORKLE_OK, "wait_all")
    call fence(1)%destroy(stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "the slot owns its fence")
    call executor%destroy(stat)
    call check(stat == SPORKLE_OK, "destroy")
  end subroutine pipeline

  ! Two plans in one call; a loss of the device that the operations outlive.
  subroutine groups()
    type(sporkle_plan_t) :: plan(2)
    type(sporkle_executor_t) :: executor
    type(sporkle_executor_info_t) :: info
    type(sporkle_slot_t) :: slot(2)
    type(sporkle_fence_t) :: fence(2)
    type(sporkle_problem_t) :: problem
    real(real32) :: weights(3, 3, 3, 4, 2), x(12, 10, 3, 1)
    real(real32), pointer :: input(:, :, :, :), output(:, :, :, :)
    character(len=200) :: errmsg
    integer :: i

    problem = sporkle_problem(1, 3, 10, 12, 4, 3, 1, 1)
    do i = 1, 2
      call fill(weights(:, :, :, :, i), i)
      call plan(i)%create(context, weights(:, :, :, :, i), problem, device=null_device)
    end do
    call executor%create(context, problem, slots=2, device=null_device, retries=9, stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "nine retries")
    call executor%create(context, problem, slots=2, device=null_device, retries=1, stat=stat)
    call check(stat == SPORKLE_OK, "create with retries")
    do i = 1, 2
      call executor%acquire(slot(i))
      call slot(i)%input(input)
      call fill(input, 10 + i)
    end do
    call executor%submit_many(slot, plan(1:1), fence, stat, errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. index(errmsg, "differ") > 0, "sizes")
    call executor%submit_many(slot([1, 1]), plan, fence, stat, errmsg)
    call check(stat == SPORKLE_ERROR_BUSY .and. index(errmsg, "slots[1]") > 0, "twice")
    call context%null_control(null_device, SPORKLE_NULL_RESET, 1_int64, stat=stat)
    call check(stat == SPORKLE_OK, "reset planned")
    call executor%submit_many(slot, plan, fence, stat)
    call check(stat == SPORKLE_OK, "submit_many")
    call sporkle_wait_all(fence, stat=stat)
    call check(stat == SPORKLE_OK, "wait for the group")
    do i = 1, 2
      call fill(x, 10 + i)
      call slot(i)%output(output)
      call check(close_to(output, expected(problem, x, weights(:, :, :, :, i))), "group values")
    end do
    call executor%describe(info, stat)
    call check(stat == SPORKLE_OK .and. info%slots == 2 .and. info%submitted == 2, "describe")
    call check(info%ended == 2 .and. info%failed == 0 .and. info%retried == 1, "run again")
    call executor%destroy()
    call executor%describe(info, stat)
    call check(stat == SPORKLE_ERROR_INVALID_HANDLE, "describe nothing")
    call context%null_control(null_device, SPORKLE_NULL_RECOVER, stat=stat)
  end subroutine groups

  subroutine slots()
    type(sporkle_executor_t) :: executor, reference
    type(sporkle_slot_t) :: slot
    type(sporkle_problem_t) :: problem
    real(real32), pointer :: flat(:), plane(:, :), cube(:, :, :), tensor(:, :, :, :)

    problem = sporkle_problem(1, 2, 6, 5, 3, 3, 1, 1)
    problem%has_residual = .true.
    call executor%create(context, problem)
    reference = executor
    call reference%acquire(slot, stat=stat)
    call check(stat == SPORKLE_OK, "acquire through a copy")
    call slot%input(tensor)
    call check(all(shape(tensor) == [5, 6, 2, 1]), "input rank 4")
    call slot%input(cube, [5, 6, 2])
    call slot%input(plane, [5, 12])
    call slot%input(flat)
    call check(size(flat) == 60 .and. associated(cube) .and. associated(plane), "input")
    call slot%residual(tensor)
    call check(all(shape(tensor) == [5, 6, 3, 1]), "residual rank 4")
    call slot%residual(cube, [5, 6, 3])
    call slot%residual(plane, [5, 18])
    call slot%residual(flat, [90])
    call check(size(flat) == 90 .and. associated(cube) .and. associated(plane), "residual")
    call slot%output(tensor, [3, 6, 5, 1])
    call check(all(shape(tensor) == [3, 6, 5, 1]), "output rank 4")
    call slot%output(cube, [5, 6, 3])
    call slot%output(plane, [5, 18])
    call slot%output(flat)
    call check(size(flat) == 90 .and. associated(cube) .and. associated(plane), "output")
    call slot%output(plane, [5, 19], stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. .not. associated(plane), "too large")
    call executor%release(slot)
    call slot%input(flat)
    call check(slot%status() == SPORKLE_ERROR_INVALID_ARGUMENT, "after release")
    call executor%create(context, 1024_int64, 2048_int64, residual_size=64_int64, slots=1, &
                         stat=stat)
    call check(stat == SPORKLE_OK, "create by bytes")
    call executor%acquire(slot)
    call slot%output(flat)
    call check(size(flat) == 512, "bytes")
    problem%n = 0
    call executor%create(context, problem, stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "bad problem")
  end subroutine slots

  subroutine fences()
    type(sporkle_fence_t) :: fence(3), copy
    integer :: index

    call fence(1)%insert(context, label="first", stat=stat)
    call check(stat == SPORKLE_OK, "insert")
    call fence(2)%insert(context)
    call fence(3)%insert(context, device=0)
    index = 0
    call sporkle_wait_any(fence, index, stat=stat)
    call check(stat == SPORKLE_OK .and. index >= 1 .and. index <= 3, "wait_any")
    call sporkle_wait_all(fence, timeout_ns=SPORKLE_TIMEOUT_INFINITE, stat=stat)
    call check(stat == SPORKLE_OK, "wait_all")
    copy = fence(2)
    call check(copy%poll() == SPORKLE_OK, "copy")
    call fence(2)%destroy()
    call check(copy%poll() == SPORKLE_ERROR_INVALID_HANDLE, "stale copy")
    call copy%adopt(fence(3)%handle(), owner=.false.)
    call check(copy%poll() == SPORKLE_OK, "adopt")
    call sporkle_wait_any(fence(1:0), index, stat=stat)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "none")
  end subroutine fences

  ! A timeout is an answer, not the end of the fence.
  subroutine hanging_device()
    type(sporkle_plan_t) :: plan
    type(sporkle_buffer_t) :: input, output
    type(sporkle_fence_t) :: fence
    type(sporkle_stats_t) :: stats
    real(real32) :: weights(3, 3, 1, 1)
    integer :: index
    character(len=200) :: errmsg

    call fill(weights, 2)
    call plan%create(context, weights, sporkle_problem_t(n=1, c=1, h=5, w=5), device=null_device)
    call input%create(context, [5, 5, 1, 1], device=null_device)
    call output%create(context, [3, 3, 1, 1], device=null_device)
    call context%null_control(null_device, SPORKLE_NULL_HANG, 0_int64, stat=stat)
    call check(stat == SPORKLE_OK, "hang")
    call input%flush()
    call plan%submit(input, output, fence, stat=stat)
    call check(stat == SPORKLE_OK, "submit")
    call fence%wait(1000000_int64, stat)
    call check(stat == SPORKLE_TIMEOUT .and. fence%poll() == SPORKLE_NOT_READY, "timeout")
    call fence%wait(0_int64)
    call check(fence%status() == SPORKLE_TIMEOUT, "kept timeout")
    call sporkle_wait_any([fence], index, 0_int64, stat)
    call check(stat == SPORKLE_TIMEOUT, "wait_any timeout")
    call context%null_control(null_device, SPORKLE_NULL_RECOVER, stat=stat)
    call check(stat == SPORKLE_OK, "recover")
    call fence%wait(stat=stat, errmsg=errmsg)
    call check(stat <= 0, "ended")
    call context%stats(stats)
    call check(stats%wait_timeouts >= 2, "counted")
  end subroutine hanging_device
end program test_executor
