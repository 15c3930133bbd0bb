! The context, the root of every other object: creation, devices, one-call
! convolution, statistics.
! SPDX-License-Identifier: MIT
module sporkle_contexts
  use, intrinsic :: iso_c_binding, only: c_char, c_int32_t, c_int64_t, c_loc, c_null_ptr
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use sporkle_c, only: sporkle_context_create, sporkle_context_desc, sporkle_context_destroy, &
    sporkle_context_stats, sporkle_conv2d_result, sporkle_null_control, &
    sporkle_stats_t => sporkle_stats, SPORKLE_CONTEXT_DEBUG, SPORKLE_CONTEXT_ENABLE_NULL, &
    SPORKLE_CONTEXT_REPRODUCIBLE, SPORKLE_CONTEXT_REQUIRE_GPU, SPORKLE_OK
  use sporkle_devices, only: sporkle_device_t, sporkle_option_t, sporkle_property_t, &
    sporkle_unavailable_t
  use sporkle_logging, only: set_log_handler, sporkle_log_handler
  use sporkle_objects, only: conclude, from_c, sporkle_object_t, to_c
  use sporkle_problems, only: sporkle_problem_t
  implicit none
  private
  public :: sporkle_context_t, sporkle_result_t, sporkle_stats_t, to_result
  public :: sporkle_device_t, sporkle_property_t, sporkle_option_t, sporkle_unavailable_t

  ! What one synchronous convolution did.
  type :: sporkle_result_t
    integer :: device = 0
    integer(int64) :: elapsed_ns = 0
    integer(int64) :: device_ns = 0
    character(len=64) :: algorithm = ""
  end type sporkle_result_t

  type, extends(sporkle_object_t) :: sporkle_context_t
  contains
    procedure :: create => context_create
    procedure :: destroy => context_destroy
    procedure :: stats => context_stats
    procedure :: null_control => context_null_control
    procedure :: devices => context_devices
    procedure :: properties => context_properties
    procedure :: options => context_options
    procedure :: unavailable => context_unavailable
    procedure :: find_device => context_find_device
    procedure :: select => context_select
    procedure, private :: context_conv2d_1, context_conv2d_2, context_conv2d_3, context_conv2d_4
    generic :: conv2d => context_conv2d_1, context_conv2d_2, context_conv2d_3, context_conv2d_4
    procedure, private :: alias => context_alias
    generic :: assignment(=) => alias
    final :: context_finalize
  end type sporkle_context_t

  ! Bodies in sporkle_contexts_devices.f90.
  interface
    module subroutine context_devices(self, list, stat, errmsg)
      class(sporkle_context_t), intent(inout) :: self
      type(sporkle_device_t), allocatable, intent(out) :: list(:)
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine context_devices

    module subroutine context_properties(self, device, list, stat, errmsg)
      class(sporkle_context_t), intent(inout) :: self
      integer, intent(in) :: device
      type(sporkle_property_t), allocatable, intent(out) :: list(:)
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine context_properties

    module subroutine context_options(self, list, stat, errmsg)
      class(sporkle_context_t), intent(inout) :: self
      type(sporkle_option_t), allocatable, intent(out) :: list(:)
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine context_options

    module subroutine context_unavailable(self, list, stat, errmsg)
      class(sporkle_context_t), intent(inout) :: self
      type(sporkle_unavailable_t), allocatable, intent(out) :: list(:)
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine context_unavailable

    module subroutine context_find_device(self, spec, device, stat, errmsg)
      class(sporkle_context_t), intent(inout) :: self
      character(len=*), intent(in) :: spec
      integer, intent(inout) :: device
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine context_find_device

    module subroutine context_select(self, problem, chosen, device, stat, errmsg)
      class(sporkle_context_t), intent(inout) :: self
      type(sporkle_problem_t), intent(in) :: problem
      integer, intent(inout) :: chosen
      integer, intent(in), optional :: device
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine context_select
  end interface

  ! Bodies in sporkle_contexts_conv2d.f90.
  interface
    module subroutine context_conv2d_4(self, x, weights, y, stride, padding, problem, bias, &
        residual, device, result, stat, errmsg)
      class(sporkle_context_t), intent(inout) :: self
      real(real32), intent(in), target :: x(:, :, :, :), weights(:, :, :, :)
      real(real32), intent(inout), target :: y(:, :, :, :)
      integer, intent(in), optional :: stride, padding
      type(sporkle_problem_t), intent(in), optional :: problem
      real(real32), intent(in), target, optional :: bias(:), residual(:, :, :, :)
      integer, intent(in), optional :: device
      type(sporkle_result_t), intent(inout), optional :: result
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine context_conv2d_4

    module subroutine context_conv2d_3(self, x, weights, y, stride, padding, problem, bias, &
        residual, device, result, stat, errmsg)
      class(sporkle_context_t), intent(inout) :: self
      real(real32), intent(in), target :: x(:, :, :), weights(:, :, :, :)
      real(real32), intent(inout), target :: y(:, :, :)
      integer, intent(in), optional :: stride, padding
      type(sporkle_problem_t), intent(in), optional :: problem
      real(real32), intent(in), target, optional :: bias(:), residual(:, :, :)
      integer, intent(in), optional :: device
      type(sporkle_result_t), intent(inout), optional :: result
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine context_conv2d_3

    module subroutine context_conv2d_2(self, x, weights, y, stride, padding, problem, bias, &
        residual, device, result, stat, errmsg)
      class(sporkle_context_t), intent(inout) :: self
      real(real32), intent(in), target :: x(:, :), weights(:, :)
      real(real32), intent(inout), target :: y(:, :)
      integer, intent(in), optional :: stride, padding
      type(sporkle_problem_t), intent(in), optional :: problem
      real(real32), intent(in), target, optional :: bias(:), residual(:, :)
      integer, intent(in), optional :: device
      type(sporkle_result_t), intent(inout), optional :: result
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine context_conv2d_2

    ! Flattened tensors need the problem.
    module subroutine context_conv2d_1(self, x, weights, y, problem, bias, residual, device, &
        result, stat, errmsg)
      class(sporkle_context_t), intent(inout) :: self
      real(real32), intent(in), target :: x(:), weights(:)
      real(real32), intent(inout), target :: y(:)
      type(sporkle_problem_t), intent(in) :: problem
      real(real32), intent(in), target, optional :: bias(:), residual(:)
      integer, intent(in), optional :: device
      type(sporkle_result_t), intent(inout), optional :: result
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine context_conv2d_1
  end interface

contains

  ! Every argument is optional; an argument wins over the environment variable,
  ! that over the default. desc gives what has no argument here: allocator,
  ! parallel_for (module sporkle_openmp sets that).
  subroutine context_create(self, device, threads, cpu_isa, cache_dir, fence_capacity, &
      plan_cache_bytes, debug, require_gpu, enable_null, reproducible, log, log_level, desc, &
      stat, errmsg)
    class(sporkle_context_t), intent(inout) :: self
    character(len=*), intent(in), optional :: device, cpu_isa, cache_dir
    integer, intent(in), optional :: threads, fence_capacity, log_level
    integer(int64), intent(in), optional :: plan_cache_bytes
    logical, intent(in), optional :: debug, require_gpu, enable_null, reproducible
    procedure(sporkle_log_handler), optional :: log
    type(sporkle_context_desc), intent(in), optional :: desc
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(kind=c_char), allocatable, target :: device_(:), cpu_isa_(:), cache_dir_(:)
    type(sporkle_context_desc) :: raw
    integer(c_int32_t) :: code

    call release(self)
    if (present(desc)) raw = desc
    call to_c(device, device_)
    call to_c(cpu_isa, cpu_isa_)
    call to_c(cache_dir, cache_dir_)
    if (allocated(device_)) raw%device = c_loc(device_(1))
    if (allocated(cpu_isa_)) raw%cpu_isa = c_loc(cpu_isa_(1))
    if (allocated(cache_dir_)) raw%cache_dir = c_loc(cache_dir_(1))
    if (present(threads)) raw%threads = int(threads, c_int32_t)
    if (present(fence_capacity)) raw%fence_capacity = int(fence_capacity, c_int32_t)
    if (present(log_level)) raw%log_level = int(log_level, c_int32_t)
    if (present(plan_cache_bytes)) raw%plan_cache_bytes = plan_cache_bytes
    if (wanted(debug)) raw%flags = ior(raw%flags, SPORKLE_CONTEXT_DEBUG)
    if (wanted(require_gpu)) raw%flags = ior(raw%flags, SPORKLE_CONTEXT_REQUIRE_GPU)
    if (wanted(enable_null)) raw%flags = ior(raw%flags, SPORKLE_CONTEXT_ENABLE_NULL)
    if (wanted(reproducible)) raw%flags = ior(raw%flags, SPORKLE_CONTEXT_REPRODUCIBLE)
    if (present(log)) call set_log_handler(raw, log)
    code = sporkle_context_create(raw, self%handle_)
    self%owner_ = code == SPORKLE_OK
    call conclude(self, code, stat, errmsg)
  end subroutine context_create

  pure function wanted(flag) result(yes)
    logical, intent(in), optional :: flag
    logical :: yes

    yes = .false.
    if (present(flag)) yes = flag
  end function wanted

  ! Destroys the context and everything created from it.
  subroutine context_destroy(self, stat, errmsg)
    class(sporkle_context_t), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer(c_int32_t) :: code

    code = sporkle_context_destroy(self%handle_)
    self%handle_ = c_null_ptr
    self%owner_ = .false.
    call conclude(self, code, stat, errmsg)
  end subroutine context_destroy

  subroutine context_stats(self, stats, stat, errmsg)
    class(sporkle_context_t), intent(inout) :: self
    type(sporkle_stats_t), intent(out) :: stats
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call conclude(self, sporkle_context_stats(self%handle_, stats), stat, errmsg)
  end subroutine context_stats

  ! The null device, a testing aid: SPORKLE_NULL_*.
  subroutine context_null_control(self, device, command, value, count, stat, errmsg)
    class(sporkle_context_t), intent(inout) :: self
    integer, intent(in) :: device
    integer(c_int32_t), intent(in) :: command
    integer(int64), intent(in), optional :: value, count
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer(c_int64_t) :: value_, count_

    value_ = 0
    count_ = 0
    if (present(value)) value_ = value
    if (present(count)) count_ = count
    call conclude(self, sporkle_null_control(self%handle_, int(device, c_int32_t), command, &
                                             value_, count_), stat, errmsg)
  end subroutine context_null_control

  pure function to_result(raw) result(result)
    type(sporkle_conv2d_result), intent(in) :: raw
    type(sporkle_result_t) :: result

    result%device = int(raw%device)
    result%elapsed_ns = raw%elapsed_ns
    result%device_ns = raw%device_ns
    result%algorithm = from_c(raw%algorithm)
  end function to_result

  ! A copy refers to the same object and does not destroy it.
  subroutine context_alias(self, other)
    class(sporkle_context_t), intent(inout) :: self
    type(sporkle_context_t), intent(in) :: other

    call release(self)
    self%handle_ = other%handle_
  end subroutine context_alias

  impure elemental subroutine context_finalize(self)
    type(sporkle_context_t), intent(inout) :: self

    call release(self)
  end subroutine context_finalize

  subroutine release(self)
    class(sporkle_context_t), intent(inout) :: self
    integer(c_int32_t) :: ignored

    if (self%owner_) ignored = sporkle_context_destroy(self%handle_)
    self%handle_ = c_null_ptr
    self%owner_ = .false.
  end subroutine release
end module sporkle_contexts
