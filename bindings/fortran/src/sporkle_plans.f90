! Plans: a problem with prepared weights.
! SPDX-License-Identifier: MIT
module sporkle_plans
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use sporkle_c, only: sporkle_binding, sporkle_plan_bindings, sporkle_plan_describe, &
    sporkle_plan_destroy, sporkle_plan_info, sporkle_plan_submit, SPORKLE_OK
  use sporkle_buffers, only: sporkle_buffer_t
  use sporkle_contexts, only: sporkle_context_t, sporkle_result_t
  use sporkle_fences, only: sporkle_fence_t
  use sporkle_objects, only: conclude, from_c, sporkle_object_t
  use sporkle_problems, only: sporkle_problem_t
  use sporkle_sequences, only: sporkle_sequence_t
  use sporkle_shapes, only: problem_shapes
  implicit none
  private
  public :: sporkle_plan_t, sporkle_plan_info_t

  type :: sporkle_plan_info_t
    integer :: device = 0
    integer(int64) :: packed_bytes = 0
    integer(int64) :: workspace_bytes = 0
    character(len=64) :: algorithm = ""
  end type sporkle_plan_info_t

  type, extends(sporkle_object_t) :: sporkle_plan_t
    type(problem_shapes) :: shapes_
  contains
    procedure, private :: plan_create_1, plan_create_2, plan_create_3, plan_create_4
    procedure, private :: plan_create_sequence
    generic :: create => plan_create_1, plan_create_2, plan_create_3, plan_create_4, &
      plan_create_sequence
    procedure, private :: plan_prepare_1, plan_prepare_2, plan_prepare_3, plan_prepare_4
    generic :: prepare => plan_prepare_1, plan_prepare_2, plan_prepare_3, plan_prepare_4
    procedure :: destroy => plan_destroy
    procedure :: describe => plan_describe
    procedure, private :: plan_run_1, plan_run_2, plan_run_3, plan_run_4
    generic :: run => plan_run_1, plan_run_2, plan_run_3, plan_run_4
    procedure :: submit => plan_submit
    procedure, private :: alias => plan_alias
    procedure, private :: let_go => plan_let_go
    generic :: assignment(=) => alias
    final :: plan_finalize
  end type sporkle_plan_t

  ! Bodies in sporkle_plans_create.f90. The problem needs n, c, h and w; k and
  ! the kernel may come from the weights, except from flattened ones.
  interface
    ! weights(KW,KH,C/groups,K)
    module subroutine plan_create_4(self, context, weights, problem, bias, device, stat, errmsg)
      class(sporkle_plan_t), intent(inout) :: self
      type(sporkle_context_t), intent(in) :: context
      real(real32), intent(in), target :: weights(:, :, :, :)
      type(sporkle_problem_t), intent(in) :: problem
      real(real32), intent(in), target, optional :: bias(:)
      integer, intent(in), optional :: device
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine plan_create_4

    ! weights(KW,KH,K) of a depthwise problem or of one input channel
    module subroutine plan_create_3(self, context, weights, problem, bias, device, stat, errmsg)
      class(sporkle_plan_t), intent(inout) :: self
      type(sporkle_context_t), intent(in) :: context
      real(real32), intent(in), target :: weights(:, :, :)
      type(sporkle_problem_t), intent(in) :: problem
      real(real32), intent(in), target, optional :: bias(:)
      integer, intent(in), optional :: device
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine plan_create_3

    ! weights(KW,KH)
    module subroutine plan_create_2(self, context, weights, problem, bias, device, stat, errmsg)
      class(sporkle_plan_t), intent(inout) :: self
      type(sporkle_context_t), intent(in) :: context
      real(real32), intent(in), target :: weights(:, :)
      type(sporkle_problem_t), intent(in) :: problem
      real(real32), intent(in), target, optional :: bias(:)
      integer, intent(in), optional :: device
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine plan_create_2

    ! Flattened weights.
    module subroutine plan_create_1(self, context, weights, problem, bias, device, stat, errmsg)
      class(sporkle_plan_t), intent(inout) :: self
      type(sporkle_context_t), intent(in) :: context
      real(real32), intent(in), target :: weights(:)
      type(sporkle_problem_t), intent(in) :: problem
      real(real32), intent(in), target, optional :: bias(:)
      integer, intent(in), optional :: device
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine plan_create_1

    ! All steps of a sequence as one plan: run and submit take the input of the
    ! first step, give the output of the last and have no residual.
    module subroutine plan_create_sequence(self, context, sequence, device, stat, errmsg)
      class(sporkle_plan_t), intent(inout) :: self
      type(sporkle_context_t), intent(in) :: context
      type(sporkle_sequence_t), intent(in), target :: sequence
      integer, intent(in), optional :: device
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine plan_create_sequence
  end interface

  ! As create, in the background: returns when the arguments have been checked
  ! and the arrays copied. The fence, the caller's, ends when the plan is ready or
  ! with what create would have answered. Calls that use the plan wait for that;
  ! after a failure they answer the same.
  interface
    module subroutine plan_prepare_4(self, context, weights, problem, fence, bias, device, &
        stat, errmsg)
      class(sporkle_plan_t), intent(inout) :: self
      type(sporkle_context_t), intent(in) :: context
      real(real32), intent(in), target :: weights(:, :, :, :)
      type(sporkle_problem_t), intent(in) :: problem
      type(sporkle_fence_t), intent(inout) :: fence
      real(real32), intent(in), target, optional :: bias(:)
      integer, intent(in), optional :: device
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine plan_prepare_4

    module subroutine plan_prepare_3(self, context, weights, problem, fence, bias, device, &
        stat, errmsg)
      class(sporkle_plan_t), intent(inout) :: self
      type(sporkle_context_t), intent(in) :: context
      real(real32), intent(in), target :: weights(:, :, :)
      type(sporkle_problem_t), intent(in) :: problem
      type(sporkle_fence_t), intent(inout) :: fence
      real(real32), intent(in), target, optional :: bias(:)
      integer, intent(in), optional :: device
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine plan_prepare_3

    module subroutine plan_prepare_2(self, context, weights, problem, fence, bias, device, &
        stat, errmsg)
      class(sporkle_plan_t), intent(inout) :: self
      type(sporkle_context_t), intent(in) :: context
      real(real32), intent(in), target :: weights(:, :)
      type(sporkle_problem_t), intent(in) :: problem
      type(sporkle_fence_t), intent(inout) :: fence
      real(real32), intent(in), target, optional :: bias(:)
      integer, intent(in), optional :: device
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine plan_prepare_2

    module subroutine plan_prepare_1(self, context, weights, problem, fence, bias, device, &
        stat, errmsg)
      class(sporkle_plan_t), intent(inout) :: self
      type(sporkle_context_t), intent(in) :: context
      real(real32), intent(in), target :: weights(:)
      type(sporkle_problem_t), intent(in) :: problem
      type(sporkle_fence_t), intent(inout) :: fence
      real(real32), intent(in), target, optional :: bias(:)
      integer, intent(in), optional :: device
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine plan_prepare_1
  end interface

  ! Bodies in sporkle_plans_run.f90.
  interface
    module subroutine plan_run_4(self, x, y, residual, result, stat, errmsg)
      class(sporkle_plan_t), intent(inout) :: self
      real(real32), intent(in), target :: x(:, :, :, :)
      real(real32), intent(inout), target :: y(:, :, :, :)
      real(real32), intent(in), target, optional :: residual(:, :, :, :)
      type(sporkle_result_t), intent(inout), optional :: result
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine plan_run_4

    module subroutine plan_run_3(self, x, y, residual, result, stat, errmsg)
      class(sporkle_plan_t), intent(inout) :: self
      real(real32), intent(in), target :: x(:, :, :)
      real(real32), intent(inout), target :: y(:, :, :)
      real(real32), intent(in), target, optional :: residual(:, :, :)
      type(sporkle_result_t), intent(inout), optional :: result
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine plan_run_3

    module subroutine plan_run_2(self, x, y, residual, result, stat, errmsg)
      class(sporkle_plan_t), intent(inout) :: self
      real(real32), intent(in), target :: x(:, :)
      real(real32), intent(inout), target :: y(:, :)
      real(real32), intent(in), target, optional :: residual(:, :)
      type(sporkle_result_t), intent(inout), optional :: result
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine plan_run_2

    module subroutine plan_run_1(self, x, y, residual, result, stat, errmsg)
      class(sporkle_plan_t), intent(inout) :: self
      real(real32), intent(in), target :: x(:)
      real(real32), intent(inout), target :: y(:)
      real(real32), intent(in), target, optional :: residual(:)
      type(sporkle_result_t), intent(inout), optional :: result
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine plan_run_1
  end interface

contains

  ! Work in flight that uses the plan still ends normally.
  subroutine plan_destroy(self, stat, errmsg)
    class(sporkle_plan_t), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer(c_int32_t) :: code

    code = sporkle_plan_destroy(self%handle_)
    self%handle_ = c_null_ptr
    self%owner_ = .false.
    call conclude(self, code, stat, errmsg)
  end subroutine plan_destroy

  subroutine plan_describe(self, info, stat, errmsg)
    class(sporkle_plan_t), intent(inout) :: self
    type(sporkle_plan_info_t), intent(out) :: info
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(sporkle_plan_info) :: raw
    integer(c_int32_t) :: code

    code = sporkle_plan_describe(self%handle_, raw)
    if (code == SPORKLE_OK) then
      info%device = int(raw%device)
      info%packed_bytes = raw%packed_bytes
      info%workspace_bytes = raw%workspace_bytes
      info%algorithm = from_c(raw%algorithm)
    end if
    call conclude(self, code, stat, errmsg)
  end subroutine plan_describe

  ! Submits on buffers of the plan's device and returns at once. Offsets are
  ! bytes, multiples of 64. Arrays are not accepted: the work outlives the call.
  subroutine plan_submit(self, input, output, fence, residual, input_offset, output_offset, &
      residual_offset, stat, errmsg)
    class(sporkle_plan_t), intent(inout) :: self
    type(sporkle_buffer_t), intent(in) :: input, output
    type(sporkle_fence_t), intent(inout) :: fence
    type(sporkle_buffer_t), intent(in), optional :: residual
    integer(int64), intent(in), optional :: input_offset, output_offset, residual_offset
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(sporkle_plan_bindings) :: bindings
    type(c_ptr) :: handle
    integer(c_int32_t) :: code

    bindings%input = bind_buffer(input, input_offset)
    bindings%output = bind_buffer(output, output_offset)
    if (present(residual)) bindings%residual = bind_buffer(residual, residual_offset)
    code = sporkle_plan_submit(self%handle_, bindings, handle)
    call fence%adopt(handle, owner=code == SPORKLE_OK)
    call conclude(self, code, stat, errmsg)
  end subroutine plan_submit

  pure function bind_buffer(buffer, offset) result(binding)
    type(sporkle_buffer_t), intent(in) :: buffer
    integer(int64), intent(in), optional :: offset
    type(sporkle_binding) :: binding

    binding%buffer = buffer%handle_
    if (present(offset)) binding%offset = offset
  end function bind_buffer

  ! A copy refers to the same plan and does not destroy it.
  subroutine plan_alias(self, other)
    class(sporkle_plan_t), intent(inout) :: self
    type(sporkle_plan_t), intent(in) :: other

    call self%let_go()
    self%handle_ = other%handle_
    self%shapes_ = other%shapes_
  end subroutine plan_alias

  impure elemental subroutine plan_finalize(self)
    type(sporkle_plan_t), intent(inout) :: self

    call self%let_go()
  end subroutine plan_finalize

  subroutine plan_let_go(self)
    class(sporkle_plan_t), intent(inout) :: self
    integer(c_int32_t) :: ignored

    if (self%owner_) ignored = sporkle_plan_destroy(self%handle_)
    self%handle_ = c_null_ptr
    self%owner_ = .false.
    self%shapes_ = problem_shapes()
  end subroutine plan_let_go
end module sporkle_plans
