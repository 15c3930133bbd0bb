! Creation of plans, at once and in the background, by the rank of the weights.
! SPDX-License-Identifier: MIT
submodule (sporkle_plans) sporkle_plans_create
  use sporkle_c, only: sporkle_conv2d_desc, sporkle_plan_create, &
    sporkle_plan_prepare, SPORKLE_CONV2D_BIAS, SPORKLE_DEVICE_AUTO, SPORKLE_ERROR_OUT_OF_MEMORY
  use sporkle_shapes, only: check_shape, check_size, find_shapes, take_sizes
  use sporkle_tensors, only: borrow, release_view => release, tensor_view
  implicit none

  type :: creation
    type(sporkle_conv2d_desc) :: desc
    type(tensor_view) :: weights, bias
    integer(c_int32_t) :: code = SPORKLE_OK
    logical :: ok = .true.
    character(len=:), allocatable :: text
    character(len=12) :: call = "plan create"
  end type creation

  ! Checks the arguments and borrows the arrays.
  interface take
    module procedure take_1, take_2, take_3, take_4
  end interface take

contains

  module procedure plan_create_4
    type(creation) :: state

    call take(self, state, weights, problem, bias)
    call finish(self, context, state, device, stat, errmsg)
  end procedure plan_create_4

  module procedure plan_prepare_4
    type(creation) :: state

    state%call = "plan prepare"
    call take(self, state, weights, problem, bias)
    call finish(self, context, state, device, stat, errmsg, fence)
  end procedure plan_prepare_4

  module procedure plan_create_3
    type(creation) :: state

    call take(self, state, weights, problem, bias)
    call finish(self, context, state, device, stat, errmsg)
  end procedure plan_create_3

  module procedure plan_prepare_3
    type(creation) :: state

    state%call = "plan prepare"
    call take(self, state, weights, problem, bias)
    call finish(self, context, state, device, stat, errmsg, fence)
  end procedure plan_prepare_3

  module procedure plan_create_2
    type(creation) :: state

    call take(self, state, weights, problem, bias)
    call finish(self, context, state, device, stat, errmsg)
  end procedure plan_create_2

  module procedure plan_prepare_2
    type(creation) :: state

    state%call = "plan prepare"
    call take(self, state, weights, problem, bias)
    call finish(self, context, state, device, stat, errmsg, fence)
  end procedure plan_prepare_2

  module procedure plan_create_1
    type(creation) :: state

    call take(self, state, weights, problem, bias)
    call finish(self, context, state, device, stat, errmsg)
  end procedure plan_create_1

  module procedure plan_prepare_1
    type(creation) :: state

    state%call = "plan prepare"
    call take(self, state, weights, problem, bias)
    call finish(self, context, state, device, stat, errmsg, fence)
  end procedure plan_prepare_1

  subroutine take_4(self, state, weights, problem, bias)
    class(sporkle_plan_t), intent(inout) :: self
    type(creation), intent(inout) :: state
    real(real32), intent(in), target :: weights(:, :, :, :)
    type(sporkle_problem_t), intent(in) :: problem
    real(real32), intent(in), target, optional :: bias(:)
    integer(int64) :: extents(4)

    extents = shape(weights, int64)
    call begin(self, state, problem, bias, extents)
    call check_shape(trim(state%call), "weights", "(KW,KH,C/groups,K)", extents, &
                     self%shapes_%weights, state%code, state%text)
    if (state%code == SPORKLE_OK) call borrow(weights, state%weights, state%ok)
  end subroutine take_4

  subroutine take_3(self, state, weights, problem, bias)
    class(sporkle_plan_t), intent(inout) :: self
    type(creation), intent(inout) :: state
    real(real32), intent(in), target :: weights(:, :, :)
    type(sporkle_problem_t), intent(in) :: problem
    real(real32), intent(in), target, optional :: bias(:)
    integer(int64) :: extents(4)

    extents = [size(weights, 1, int64), size(weights, 2, int64), 1_int64, size(weights, 3, int64)]
    call begin(self, state, problem, bias, extents)
    call check_shape(trim(state%call), "weights", "(KW,KH,1,K)", extents, &
                     self%shapes_%weights, state%code, state%text)
    if (state%code == SPORKLE_OK) call borrow(weights, state%weights, state%ok)
  end subroutine take_3

  subroutine take_2(self, state, weights, problem, bias)
    class(sporkle_plan_t), intent(inout) :: self
    type(creation), intent(inout) :: state
    real(real32), intent(in), target :: weights(:, :)
    type(sporkle_problem_t), intent(in) :: problem
    real(real32), intent(in), target, optional :: bias(:)
    integer(int64) :: extents(4)

    extents = [shape(weights, int64), 1_int64, 1_int64]
    call begin(self, state, problem, bias, extents)
    call check_shape(trim(state%call), "weights", "(KW,KH,1,1)", extents, &
                     self%shapes_%weights, state%code, state%text)
    if (state%code == SPORKLE_OK) call borrow(weights, state%weights, state%ok)
  end subroutine take_2

  subroutine take_1(self, state, weights, problem, bias)
    class(sporkle_plan_t), intent(inout) :: self
    type(creation), intent(inout) :: state
    real(real32), intent(in), target :: weights(:)
    type(sporkle_problem_t), intent(in) :: problem
    real(real32), intent(in), target, optional :: bias(:)

    call begin(self, state, problem, bias)
    call check_size(trim(state%call), "weights", "(KW,KH,C/groups,K)", size(weights, kind=int64), &
                    self%shapes_%weights, state%code, state%text)
    if (state%code == SPORKLE_OK) call borrow(weights, state%weights, state%ok)
  end subroutine take_1

  subroutine begin(self, state, problem, bias, extents)
    class(sporkle_plan_t), intent(inout) :: self
    type(creation), intent(inout) :: state
    type(sporkle_problem_t), intent(in) :: problem
    real(real32), intent(in), target, optional :: bias(:)
    integer(int64), intent(in), optional :: extents(4)

    call self%let_go()
    state%desc = problem%raw()
    if (present(bias)) state%desc%flags = ior(state%desc%flags, SPORKLE_CONV2D_BIAS)
    call take_sizes(state%desc, weights=extents)
    call find_shapes(state%desc, self%shapes_, state%code)
    if (.not. present(bias)) return
    call check_shape(trim(state%call), "bias", "(K)", [size(bias, kind=int64)], [self%shapes_%bias], &
                     state%code, state%text)
    if (state%code == SPORKLE_OK) call borrow(bias, state%bias, state%ok)
  end subroutine begin

  subroutine finish(self, context, state, device, stat, errmsg, fence)
    class(sporkle_plan_t), intent(inout) :: self
    type(sporkle_context_t), intent(in) :: context
    type(creation), intent(inout) :: state
    integer, intent(in), optional :: device
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(sporkle_fence_t), intent(inout), optional :: fence ! of a plan in the background
    integer(c_int32_t) :: asked
    type(c_ptr) :: ready

    asked = SPORKLE_DEVICE_AUTO
    if (present(device)) asked = int(device, c_int32_t)
    if (.not. state%ok) then
      state%code = SPORKLE_ERROR_OUT_OF_MEMORY
      state%text = trim(state%call) // ": no memory for the packed copy of a strided array"
    end if
    ready = c_null_ptr
    if (state%code == SPORKLE_OK) then
      if (present(fence)) then
        state%code = sporkle_plan_prepare(context%handle_, asked, state%desc, &
                                          state%weights%address, state%bias%address, &
                                          self%handle_, ready)
      else
        state%code = sporkle_plan_create(context%handle_, asked, state%desc, &
                                         state%weights%address, state%bias%address, self%handle_)
      end if
    end if
    if (present(fence)) call fence%adopt(ready, owner=state%code == SPORKLE_OK)
    self%owner_ = state%code == SPORKLE_OK
    call release_view(state%weights)
    call release_view(state%bias)
    call conclude(self, state%code, stat, errmsg, state%text)
  end subroutine finish
end submodule sporkle_plans_create
