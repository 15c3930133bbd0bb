! Synchronous runs of a plan, by rank.
! SPDX-License-Identifier: MIT
submodule (sporkle_plans) sporkle_plans_run
  use sporkle_c, only: sporkle_conv2d_result, sporkle_plan_run, SPORKLE_ERROR_OUT_OF_MEMORY
  use sporkle_contexts, only: to_result
  use sporkle_shapes, only: check_shape, check_size
  use sporkle_tensors, only: borrow, give_back, lend, release_view => release, tensor_view
  implicit none

  type :: run_state
    type(tensor_view) :: x, y, residual
    integer(c_int32_t) :: code = SPORKLE_OK
    logical :: ok = .true.
    character(len=:), allocatable :: text
  end type run_state

contains

  module procedure plan_run_4
    type(run_state) :: state

    if (self%exists()) then
      call check_shape("plan run", "x", "(W,H,C,N)", shape(x, int64), &
                       self%shapes_%x, state%code, state%text)
      call check_shape("plan run", "y", "(OW,OH,K,N)", shape(y, int64), &
                       self%shapes_%y, state%code, state%text)
      if (present(residual)) then
        call check_shape("plan run", "residual", "(OW,OH,K,N)", shape(residual, int64), &
                         self%shapes_%y, state%code, state%text)
      end if
    end if
    if (state%code == SPORKLE_OK) then
      call borrow(x, state%x, state%ok)
      if (present(residual)) call borrow(residual, state%residual, state%ok)
      call lend(y, state%y, state%ok)
      call compute(self, state, result)
      if (state%code == SPORKLE_OK) call give_back(state%y, y)
    end if
    call finish(self, state, stat, errmsg)
  end procedure plan_run_4

  module procedure plan_run_3
    type(run_state) :: state

    if (self%exists()) then
      call check_shape("plan run", "x", "(W,H,C)", [shape(x, int64), 1_int64], &
                       self%shapes_%x, state%code, state%text)
      call check_shape("plan run", "y", "(OW,OH,K)", [shape(y, int64), 1_int64], &
                       self%shapes_%y, state%code, state%text)
      if (present(residual)) then
        call check_shape("plan run", "residual", "(OW,OH,K)", [shape(residual, int64), 1_int64], &
                         self%shapes_%y, state%code, state%text)
      end if
    end if
    if (state%code == SPORKLE_OK) then
      call borrow(x, state%x, state%ok)
      if (present(residual)) call borrow(residual, state%residual, state%ok)
      call lend(y, state%y, state%ok)
      call compute(self, state, result)
      if (state%code == SPORKLE_OK) call give_back(state%y, y)
    end if
    call finish(self, state, stat, errmsg)
  end procedure plan_run_3

  module procedure plan_run_2
    type(run_state) :: state

    if (self%exists()) then
      call check_shape("plan run", "x", "(W,H)", [shape(x, int64), 1_int64, 1_int64], &
                       self%shapes_%x, state%code, state%text)
      call check_shape("plan run", "y", "(OW,OH)", [shape(y, int64), 1_int64, 1_int64], &
                       self%shapes_%y, state%code, state%text)
      if (present(residual)) then
        call check_shape("plan run", "residual", "(OW,OH)", &
                         [shape(residual, int64), 1_int64, 1_int64], self%shapes_%y, &
                         state%code, state%text)
      end if
    end if
    if (state%code == SPORKLE_OK) then
      call borrow(x, state%x, state%ok)
      if (present(residual)) call borrow(residual, state%residual, state%ok)
      call lend(y, state%y, state%ok)
      call compute(self, state, result)
      if (state%code == SPORKLE_OK) call give_back(state%y, y)
    end if
    call finish(self, state, stat, errmsg)
  end procedure plan_run_2

  module procedure plan_run_1
    type(run_state) :: state

    if (self%exists()) then
      call check_size("plan run", "x", "(W,H,C,N)", size(x, kind=int64), &
                       self%shapes_%x, state%code, state%text)
      call check_size("plan run", "y", "(OW,OH,K,N)", size(y, kind=int64), &
                       self%shapes_%y, state%code, state%text)
      if (present(residual)) then
        call check_size("plan run", "residual", "(OW,OH,K,N)", size(residual, kind=int64), &
                         self%shapes_%y, state%code, state%text)
      end if
    end if
    if (state%code == SPORKLE_OK) then
      call borrow(x, state%x, state%ok)
      if (present(residual)) call borrow(residual, state%residual, state%ok)
      call lend(y, state%y, state%ok)
      call compute(self, state, result)
      if (state%code == SPORKLE_OK) call give_back(state%y, y)
    end if
    call finish(self, state, stat, errmsg)
  end procedure plan_run_1

  subroutine compute(self, state, result)
    class(sporkle_plan_t), intent(in) :: self
    type(run_state), intent(inout) :: state
    type(sporkle_result_t), intent(inout), optional :: result

    if (.not. state%ok) then
      state%code = SPORKLE_ERROR_OUT_OF_MEMORY
      state%text = "plan run: no memory for the packed copy of a strided array"
    else if (present(result)) then
      call compute_with_result(self, state, result)
    else
      state%code = sporkle_plan_run(self%handle_, state%x%address, state%residual%address, &
                                    state%y%address)
    end if
  end subroutine compute

  ! Apart from compute, which would pay for the initial value of raw in each call.
  subroutine compute_with_result(self, state, result)
    class(sporkle_plan_t), intent(in) :: self
    type(run_state), intent(inout) :: state
    type(sporkle_result_t), intent(inout) :: result
    type(sporkle_conv2d_result) :: raw

    state%code = sporkle_plan_run(self%handle_, state%x%address, state%residual%address, &
                                  state%y%address, raw)
    if (state%code == SPORKLE_OK) result = to_result(raw)
  end subroutine compute_with_result

  subroutine finish(self, state, stat, errmsg)
    class(sporkle_plan_t), intent(inout) :: self
    type(run_state), intent(inout) :: state
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call release_view(state%x)
    call release_view(state%y)
    call release_view(state%residual)
    call conclude(self, state%code, stat, errmsg, state%text)
  end subroutine finish
end submodule sporkle_plans_run
