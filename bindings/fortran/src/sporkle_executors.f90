! Executors: a pipeline of slots with mapped input and output.
!
!   acquire -> fill slot input -> submit -> wait the fence -> read slot output
!   -> release
! SPDX-License-Identifier: MIT
module sporkle_executors
  use, intrinsic :: iso_c_binding, only: c_char, c_int32_t, c_int64_t, c_loc, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: int64
  use sporkle_c, only: sporkle_executor_acquire, sporkle_executor_create, &
    sporkle_executor_desc, sporkle_executor_describe, sporkle_executor_destroy, &
    sporkle_executor_info_t => sporkle_executor_info, sporkle_executor_release, &
    sporkle_executor_submit, sporkle_executor_submit_many, sporkle_slot, &
    SPORKLE_ERROR_INVALID_ARGUMENT, SPORKLE_OK, SPORKLE_TIMEOUT_INFINITE
  use sporkle_contexts, only: sporkle_context_t
  use sporkle_fences, only: sporkle_fence_t
  use sporkle_mappings, only: mapped_region
  use sporkle_objects, only: conclude, sporkle_object_t, to_c
  use sporkle_plans, only: sporkle_plan_t
  use sporkle_problems, only: sporkle_problem_info_t, sporkle_problem_t
  use sporkle_shapes, only: find_shapes, problem_shapes
  use sporkle_slots, only: sporkle_slot_t
  implicit none
  private
  public :: sporkle_executor_info_t, sporkle_executor_t, sporkle_slot_t

  type, extends(sporkle_object_t) :: sporkle_executor_t
    type(problem_shapes) :: shapes_
  contains
    procedure, private :: executor_create_bytes, executor_create_problem
    generic :: create => executor_create_bytes, executor_create_problem
    procedure :: destroy => executor_destroy
    procedure :: acquire => executor_acquire
    procedure :: submit => executor_submit
    procedure :: submit_many => executor_submit_many
    procedure :: describe => executor_describe
    procedure :: release => executor_release
    procedure, private :: alias => executor_alias
    generic :: assignment(=) => alias
    final :: executor_finalize
  end type sporkle_executor_t

contains

  ! Slots of these sizes in bytes. retries: how often an operation runs again after
  ! the device was lost.
  subroutine executor_create_bytes(self, context, input_size, output_size, residual_size, slots, &
      device, label, stat, errmsg, retries)
    class(sporkle_executor_t), intent(inout) :: self
    type(sporkle_context_t), intent(in) :: context
    integer(int64), intent(in) :: input_size, output_size
    integer(int64), intent(in), optional :: residual_size
    integer, intent(in), optional :: slots, device
    character(len=*), intent(in), optional :: label
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer, intent(in), optional :: retries
    character(kind=c_char), allocatable, target :: label_(:)
    type(sporkle_executor_desc) :: desc
    integer(c_int32_t) :: code

    call let_go(self)
    desc%input_size = input_size
    desc%output_size = output_size
    if (present(residual_size)) desc%residual_size = residual_size
    if (present(slots)) desc%slot_count = int(slots, c_int32_t)
    if (present(device)) desc%device = int(device, c_int32_t)
    if (present(retries)) desc%retries = int(retries, c_int32_t)
    call to_c(label, label_)
    if (allocated(label_)) desc%label = c_loc(label_(1))
    code = sporkle_executor_create(context%handle_, desc, self%handle_)
    self%owner_ = code == SPORKLE_OK
    call conclude(self, code, stat, errmsg)
  end subroutine executor_create_bytes

  ! Slots for one problem; pointers of rank 4 get its shapes by themselves.
  subroutine executor_create_problem(self, context, problem, slots, device, label, stat, errmsg, &
      retries)
    class(sporkle_executor_t), intent(inout) :: self
    type(sporkle_context_t), intent(in) :: context
    type(sporkle_problem_t), intent(in) :: problem
    integer, intent(in), optional :: slots, device
    character(len=*), intent(in), optional :: label
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer, intent(in), optional :: retries
    type(sporkle_problem_info_t) :: info
    type(problem_shapes) :: shapes
    integer(c_int32_t) :: code
    integer :: problem_stat
    integer(int64) :: residual_size

    call problem%describe(info, problem_stat)
    if (problem_stat /= SPORKLE_OK) then
      call let_go(self)
      call conclude(self, int(problem_stat, c_int32_t), stat, errmsg)
      return
    end if
    call find_shapes(problem%raw(), shapes, code)
    residual_size = 0
    if (problem%has_residual) residual_size = info%output_size
    call executor_create_bytes(self, context, info%input_size, info%output_size, residual_size, &
                               slots, device, label, stat, errmsg, retries)
    self%shapes_ = shapes
  end subroutine executor_create_problem

  subroutine executor_destroy(self, stat, errmsg)
    class(sporkle_executor_t), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer(c_int32_t) :: code

    code = sporkle_executor_destroy(self%handle_)
    self%owner_ = .false.
    call let_go(self)
    call conclude(self, code, stat, errmsg)
  end subroutine executor_destroy

  ! Takes a free slot; stat is SPORKLE_TIMEOUT when none became free.
  subroutine executor_acquire(self, slot, timeout_ns, stat, errmsg)
    class(sporkle_executor_t), intent(inout) :: self
    type(sporkle_slot_t), intent(inout) :: slot
    integer(int64), intent(in), optional :: timeout_ns
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(sporkle_slot) :: raw
    integer(c_int64_t) :: limit_ns
    integer(c_int32_t) :: code

    limit_ns = SPORKLE_TIMEOUT_INFINITE
    if (present(timeout_ns)) limit_ns = timeout_ns
    code = sporkle_executor_acquire(self%handle_, limit_ns, raw)
    if (code == SPORKLE_OK) then
      slot%index = int(raw%index)
      slot%input_ = mapped_region(raw%input, raw%input_size, self%shapes_%x)
      slot%residual_ = mapped_region(raw%residual, raw%residual_size, self%shapes_%y)
      slot%output_ = mapped_region(raw%output, raw%output_size, self%shapes_%y)
    end if
    call conclude(self, code, stat, errmsg)
  end subroutine executor_acquire

  ! The fence belongs to the slot and is valid until release.
  subroutine executor_submit(self, slot, plan, fence, stat, errmsg)
    class(sporkle_executor_t), intent(inout) :: self
    type(sporkle_slot_t), intent(in) :: slot
    type(sporkle_plan_t), intent(in) :: plan
    type(sporkle_fence_t), intent(inout) :: fence
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(c_ptr) :: handle
    integer(c_int32_t) :: code

    code = sporkle_executor_submit(self%handle_, int(slot%index, c_int32_t), plan%handle_, handle)
    call fence%adopt(handle, owner=.false.)
    call conclude(self, code, stat, errmsg)
  end subroutine executor_submit

  ! All or nothing, in this order and as one group: slot i with plan i gives fence i.
  subroutine executor_submit_many(self, slots, plans, fences, stat, errmsg)
    class(sporkle_executor_t), intent(inout) :: self
    type(sporkle_slot_t), intent(in) :: slots(:)
    type(sporkle_plan_t), intent(in) :: plans(:)
    type(sporkle_fence_t), intent(inout) :: fences(:)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer(c_int32_t) :: indices(size(slots)), code
    type(c_ptr) :: plan_handles(size(slots)), fence_handles(size(slots))
    integer :: i

    if (size(plans) /= size(slots) .or. size(fences) /= size(slots)) then
      call conclude(self, SPORKLE_ERROR_INVALID_ARGUMENT, stat, errmsg, &
                    "submit_many: slots, plans and fences differ in size")
      return
    end if
    indices = int(slots%index, c_int32_t)
    fence_handles = c_null_ptr
    do i = 1, size(slots)
      plan_handles(i) = plans(i)%handle_
    end do
    code = sporkle_executor_submit_many(self%handle_, indices, plan_handles, &
                                        size(slots, kind=c_int32_t), fence_handles)
    do i = 1, size(slots)
      call fences(i)%adopt(fence_handles(i), owner=.false.)
    end do
    call conclude(self, code, stat, errmsg)
  end subroutine executor_submit_many

  ! Slots, operations, busy and idle time.
  subroutine executor_describe(self, info, stat, errmsg)
    class(sporkle_executor_t), intent(inout) :: self
    type(sporkle_executor_info_t), intent(out) :: info
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call conclude(self, sporkle_executor_describe(self%handle_, info), stat, errmsg)
  end subroutine executor_describe

  ! Gives a slot back; its pointers are no longer used.
  subroutine executor_release(self, slot, stat, errmsg)
    class(sporkle_executor_t), intent(inout) :: self
    type(sporkle_slot_t), intent(inout) :: slot
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer(c_int32_t) :: code

    code = sporkle_executor_release(self%handle_, int(slot%index, c_int32_t))
    if (code == SPORKLE_OK) call slot%clear()
    call conclude(self, code, stat, errmsg)
  end subroutine executor_release

  ! A copy refers to the same executor and does not destroy it.
  subroutine executor_alias(self, other)
    class(sporkle_executor_t), intent(inout) :: self
    type(sporkle_executor_t), intent(in) :: other

    call let_go(self)
    self%handle_ = other%handle_
    self%shapes_ = other%shapes_
  end subroutine executor_alias

  impure elemental subroutine executor_finalize(self)
    type(sporkle_executor_t), intent(inout) :: self

    call let_go(self)
  end subroutine executor_finalize

  subroutine let_go(self)
    class(sporkle_executor_t), intent(inout) :: self
    integer(c_int32_t) :: ignored

    if (self%owner_) ignored = sporkle_executor_destroy(self%handle_)
    self%handle_ = c_null_ptr
    self%owner_ = .false.
    self%shapes_ = problem_shapes()
  end subroutine let_go
end module sporkle_executors
