! A pipeline of three slots: while one batch is computed, the next is prepared
! and the one before is read.
! SPDX-License-Identifier: MIT
program pipeline
  use sporkle
  implicit none
  integer, parameter :: slots = 3, batches = 12
  type(sporkle_context_t) :: context
  type(sporkle_plan_t) :: plan
  type(sporkle_plan_info_t) :: info
  type(sporkle_executor_t) :: executor
  type(sporkle_slot_t) :: slot(slots)
  type(sporkle_fence_t) :: fence(slots)
  type(sporkle_problem_t) :: problem
  real(real32) :: weights(3, 3, 8, 16)
  real(real32), pointer :: x(:, :, :, :), y(:, :, :, :)
  integer :: batch, at

  call random_number(weights)
  problem = sporkle_problem(n=2, c=8, h=56, w=56, k=16, kernel=3, stride=1, padding=1)
  call context%create()
  call plan%create(context, weights, problem)
  call plan%describe(info) ! the executor takes the device that the plan chose
  call executor%create(context, problem, slots=slots, device=info%device)
  if (executor%status() /= SPORKLE_OK) print *, executor%message()

  do batch = 1, batches + slots
    at = 1 + mod(batch - 1, slots)
    if (batch > slots) call read_result(batch - slots)
    if (batch > batches) cycle
    call executor%acquire(slot(at))
    call slot(at)%input(x)
    x = real(batch, real32)
    call executor%submit(slot(at), plan, fence(at))
  end do
  call executor%destroy()
  call plan%destroy()
  call context%destroy()

contains

  subroutine read_result(number)
    integer, intent(in) :: number
    real(real32) :: ratio

    call fence(at)%wait()
    if (fence(at)%status() /= SPORKLE_OK) print *, fence(at)%message()
    call slot(at)%output(y)
    ratio = y(28, 28, 1, 1) / sum(weights(:, :, :, 1))
    print "(a,i0,a,f0.3)", "batch ", number, ": every input is ", ratio
    call executor%release(slot(at))
  end subroutine read_result
end program pipeline
