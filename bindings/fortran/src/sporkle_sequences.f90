! Chains of convolutions, from which plans of module sporkle_plans are made.
! SPDX-License-Identifier: MIT
module sporkle_sequences
  use, intrinsic :: iso_c_binding, only: c_int32_t
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use sporkle_c, only: sporkle_conv2d_desc, SPORKLE_CONV2D_BIAS, SPORKLE_CONV2D_RESIDUAL, &
    SPORKLE_ERROR_INVALID_ARGUMENT, SPORKLE_ERROR_OUT_OF_MEMORY, SPORKLE_OK, SPORKLE_SEQUENCE_NONE
  use sporkle_objects, only: conclude, sporkle_error_text, sporkle_object_t
  use sporkle_packing, only: pack_array
  use sporkle_problems, only: sporkle_problem_t
  use sporkle_shapes, only: check_shape, check_size, find_shapes, problem_shapes, take_sizes
  implicit none
  private
  public :: sporkle_sequence_t, sequence_step

  ! One convolution with copies of its arrays.
  type :: sequence_step
    type(sporkle_conv2d_desc) :: desc
    integer(c_int32_t) :: input = 0
    integer(c_int32_t) :: residual = SPORKLE_SEQUENCE_NONE
    real(real32), allocatable :: weights(:), bias(:)
    type(problem_shapes) :: shapes
  end type sequence_step

  ! Tensor 0 is the input of the sequence, tensor i the output of step i; steps
  ! count from 1 here, from 0 in the library's texts. One thread at a time.
  type, extends(sporkle_object_t) :: sporkle_sequence_t
    type(sequence_step), allocatable :: steps_(:)
    integer :: count_ = 0
    integer(c_int32_t) :: refused_ = SPORKLE_OK
    character(len=:), allocatable :: refusal_
  contains
    procedure, private :: add_1, add_2, add_3, add_4
    generic :: add => add_1, add_2, add_3, add_4
    procedure :: steps => sequence_steps
    procedure :: clear => sequence_clear
  end type sporkle_sequence_t

  ! What one call of add finds out.
  type :: addition
    type(sequence_step) :: step
    integer(c_int32_t) :: code = SPORKLE_OK
    character(len=:), allocatable :: text
  end type addition

contains

  ! Appends a convolution that reads tensor input (by default the output of the
  ! step before) and adds tensor residual, where given, before its activation.
  ! Sizes of the problem that are 0 come from that tensor and from the weights;
  ! the first step needs n, c, h and w. The arrays are copied. A refused step is
  ! not appended; without stat it is also the answer of every later add and of
  ! plan%create, until clear.
  subroutine add_4(self, weights, problem, bias, input, residual, stat, errmsg)
    class(sporkle_sequence_t), intent(inout) :: self
    real(real32), intent(in) :: weights(:, :, :, :) ! (KW,KH,C/groups,K)
    type(sporkle_problem_t), intent(in) :: problem
    real(real32), intent(in), optional :: bias(:)
    integer, intent(in), optional :: input, residual
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(addition) :: new
    integer(int64) :: extents(4), at

    extents = shape(weights, int64)
    call begin(self, new, problem, bias, input, residual, extents)
    call check_shape("sequence add", "weights", "(KW,KH,C/groups,K)", extents, &
                     new%step%shapes%weights, new%code, new%text)
    call make_room(new, new%step%weights, size(weights, kind=int64))
    at = 0
    if (new%code == SPORKLE_OK) call pack_array(weights, new%step%weights, at)
    call finish(self, new, stat, errmsg)
  end subroutine add_4

  ! weights(KW,KH,K) of a depthwise problem or of one input channel
  subroutine add_3(self, weights, problem, bias, input, residual, stat, errmsg)
    class(sporkle_sequence_t), intent(inout) :: self
    real(real32), intent(in) :: weights(:, :, :)
    type(sporkle_problem_t), intent(in) :: problem
    real(real32), intent(in), optional :: bias(:)
    integer, intent(in), optional :: input, residual
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(addition) :: new
    integer(int64) :: extents(4), at

    extents = [size(weights, 1, int64), size(weights, 2, int64), 1_int64, size(weights, 3, int64)]
    call begin(self, new, problem, bias, input, residual, extents)
    call check_shape("sequence add", "weights", "(KW,KH,1,K)", extents, &
                     new%step%shapes%weights, new%code, new%text)
    call make_room(new, new%step%weights, size(weights, kind=int64))
    at = 0
    if (new%code == SPORKLE_OK) call pack_array(weights, new%step%weights, at)
    call finish(self, new, stat, errmsg)
  end subroutine add_3

  ! weights(KW,KH)
  subroutine add_2(self, weights, problem, bias, input, residual, stat, errmsg)
    class(sporkle_sequence_t), intent(inout) :: self
    real(real32), intent(in) :: weights(:, :)
    type(sporkle_problem_t), intent(in) :: problem
    real(real32), intent(in), optional :: bias(:)
    integer, intent(in), optional :: input, residual
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(addition) :: new
    integer(int64) :: extents(4), at

    extents = [shape(weights, int64), 1_int64, 1_int64]
    call begin(self, new, problem, bias, input, residual, extents)
    call check_shape("sequence add", "weights", "(KW,KH,1,1)", extents, &
                     new%step%shapes%weights, new%code, new%text)
    call make_room(new, new%step%weights, size(weights, kind=int64))
    at = 0
    if (new%code == SPORKLE_OK) call pack_array(weights, new%step%weights, at)
    call finish(self, new, stat, errmsg)
  end subroutine add_2

  ! Flattened weights; the problem needs k and the kernel.
  subroutine add_1(self, weights, problem, bias, input, residual, stat, errmsg)
    class(sporkle_sequence_t), intent(inout) :: self
    real(real32), intent(in) :: weights(:)
    type(sporkle_problem_t), intent(in) :: problem
    real(real32), intent(in), optional :: bias(:)
    integer, intent(in), optional :: input, residual
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(addition) :: new
    integer(int64) :: at

    call begin(self, new, problem, bias, input, residual)
    call check_size("sequence add", "weights", "(KW,KH,C/groups,K)", size(weights, kind=int64), &
                    new%step%shapes%weights, new%code, new%text)
    call make_room(new, new%step%weights, size(weights, kind=int64))
    at = 0
    if (new%code == SPORKLE_OK) call pack_array(weights, new%step%weights, at)
    call finish(self, new, stat, errmsg)
  end subroutine add_1

  ! How many steps there are, which is also the number of the newest tensor.
  pure function sequence_steps(self) result(count)
    class(sporkle_sequence_t), intent(in) :: self
    integer :: count

    count = self%count_
  end function sequence_steps

  ! Without steps, as a new variable is. Plans made of it stay as they are.
  subroutine sequence_clear(self)
    class(sporkle_sequence_t), intent(inout) :: self

    if (allocated(self%steps_)) deallocate (self%steps_)
    if (allocated(self%refusal_)) deallocate (self%refusal_)
    self%count_ = 0
    self%refused_ = SPORKLE_OK
  end subroutine sequence_clear

  ! The problem, the tensors that it reads, and the bias.
  subroutine begin(self, new, problem, bias, input, residual, extents)
    class(sporkle_sequence_t), intent(in) :: self
    type(addition), intent(inout) :: new
    type(sporkle_problem_t), intent(in) :: problem
    real(real32), intent(in), optional :: bias(:)
    integer, intent(in), optional :: input, residual
    integer(int64), intent(in), optional :: extents(4)
    integer(int64) :: x(4), y(4)

    new%code = self%refused_
    if (allocated(self%refusal_)) new%text = self%refusal_
    associate (step => new%step)
      step%desc = problem%raw()
      step%input = int(self%count_, c_int32_t)
      x = 0
      if (present(input)) call check_number(self, "input", input, step%input, new)
      if (self%count_ > 0 .and. new%code == SPORKLE_OK) x = tensor_shape(self, step%input)
      if (present(bias)) step%desc%flags = ior(step%desc%flags, SPORKLE_CONV2D_BIAS)
      if (present(residual)) then
        step%desc%flags = ior(step%desc%flags, SPORKLE_CONV2D_RESIDUAL)
        call check_number(self, "residual", residual, step%residual, new)
      end if
      if (new%code /= SPORKLE_OK) return
      call take_sizes(step%desc, x=x, weights=extents)
      call find_shapes(step%desc, step%shapes, new%code)
      if (self%count_ > 0) then
        call check_shape("sequence add", "input", "(W,H,C,N)", x, step%shapes%x, &
                         new%code, new%text)
      end if
      if (present(residual)) then
        y = step%shapes%x
        if (self%count_ > 0) y = tensor_shape(self, step%residual)
        call check_shape("sequence add", "residual", "(OW,OH,K,N)", y, step%shapes%y, &
                         new%code, new%text)
      end if
      if (.not. present(bias)) return
      call check_shape("sequence add", "bias", "(K)", [size(bias, kind=int64)], &
                       [step%shapes%bias], new%code, new%text)
      call make_room(new, step%bias, size(bias, kind=int64))
      if (new%code == SPORKLE_OK) step%bias = bias
    end associate
  end subroutine begin

  ! A tensor that exists when the next step runs.
  subroutine check_number(self, name, given, number, new)
    class(sporkle_sequence_t), intent(in) :: self
    character(len=*), intent(in) :: name
    integer, intent(in) :: given
    integer(c_int32_t), intent(inout) :: number
    type(addition), intent(inout) :: new
    character(len=100) :: reason

    if (new%code /= SPORKLE_OK) return
    if (given >= 0 .and. given <= self%count_) then
      number = int(given, c_int32_t)
      return
    end if
    write (reason, "(a,i0,a,i0)") ": tensor ", given, " is not in 0 to ", self%count_
    new%code = SPORKLE_ERROR_INVALID_ARGUMENT
    new%text = "sequence add: " // name // trim(reason)
  end subroutine check_number

  ! Of a sequence that has a step.
  pure function tensor_shape(self, number) result(extents)
    class(sporkle_sequence_t), intent(in) :: self
    integer(c_int32_t), intent(in) :: number
    integer(int64) :: extents(4)

    if (number == 0) then
      extents = self%steps_(1)%shapes%x
    else
      extents = self%steps_(number)%shapes%y
    end if
  end function tensor_shape

  subroutine make_room(new, copy, count)
    type(addition), intent(inout) :: new
    real(real32), allocatable, intent(inout) :: copy(:)
    integer(int64), intent(in) :: count
    integer :: failed

    if (new%code /= SPORKLE_OK) return
    allocate (copy(count), stat=failed)
    if (failed == 0) return
    new%code = SPORKLE_ERROR_OUT_OF_MEMORY
    new%text = "sequence add: no memory for the copy of an array"
  end subroutine make_room

  subroutine finish(self, new, stat, errmsg)
    class(sporkle_sequence_t), intent(inout) :: self
    type(addition), intent(inout) :: new
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (new%code == SPORKLE_OK) call append(self, new)
    if (new%code /= SPORKLE_OK .and. .not. present(stat)) then
      if (.not. allocated(new%text)) new%text = sporkle_error_text()
      self%refused_ = new%code
      self%refusal_ = new%text
    end if
    call conclude(self, new%code, stat, errmsg, new%text)
  end subroutine finish

  subroutine append(self, new)
    class(sporkle_sequence_t), intent(inout) :: self
    type(addition), intent(inout) :: new
    type(sequence_step), allocatable :: more(:)
    integer :: i, failed

    if (.not. allocated(self%steps_)) allocate (self%steps_(0))
    if (self%count_ == size(self%steps_)) then
      allocate (more(2 * self%count_ + 4), stat=failed)
      if (failed /= 0) then
        new%code = SPORKLE_ERROR_OUT_OF_MEMORY
        new%text = "sequence add: no memory for one more step"
        return
      end if
      do i = 1, self%count_
        call move_step(self%steps_(i), more(i))
      end do
      call move_alloc(more, self%steps_)
    end if
    self%count_ = self%count_ + 1
    call move_step(new%step, self%steps_(self%count_))
  end subroutine append

  ! The copies of the arrays change hands.
  subroutine move_step(from, to)
    type(sequence_step), intent(inout) :: from, to

    to%desc = from%desc
    to%input = from%input
    to%residual = from%residual
    to%shapes = from%shapes
    call move_alloc(from%weights, to%weights)
    call move_alloc(from%bias, to%bias)
  end subroutine move_step
end module sporkle_sequences
