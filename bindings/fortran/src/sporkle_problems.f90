! Convolution problems.
!
! Array order, first index fastest: x(W,H,C,N), weights(KW,KH,C/groups,K),
! y(OW,OH,K,N), which is NCHW, KCRS, NKHW in C. Lower ranks leave out trailing
! extents of one: x(W,H,C) and y(OW,OH,K) with weights of rank 4; x(W,H),
! weights(KW,KH), y(OW,OH). Rank 1 is the flattened tensor.
! SPDX-License-Identifier: MIT
module sporkle_problems
  use, intrinsic :: iso_c_binding, only: c_int32_t
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32
  use sporkle_c, only: sporkle_conv2d_describe, sporkle_conv2d_desc, sporkle_conv2d_info, &
    SPORKLE_ACTIVATION_NONE, SPORKLE_CONV2D_BIAS, SPORKLE_CONV2D_RESIDUAL, SPORKLE_OK
  use sporkle_objects, only: sporkle_error_text
  implicit none
  private
  public :: sporkle_problem_t, sporkle_problem, sporkle_problem_info_t

  ! A size of 0 is taken from the arrays of the call.
  type :: sporkle_problem_t
    integer(int64) :: n = 0, c = 0, h = 0, w = 0
    integer(int64) :: k = 0
    integer(int64) :: kernel_h = 0, kernel_w = 0
    integer(int64) :: stride_h = 1, stride_w = 1
    integer(int64) :: padding_top = 0, padding_left = 0
    integer(int64) :: padding_bottom = 0, padding_right = 0
    integer(int64) :: dilation_h = 1, dilation_w = 1
    integer(int64) :: groups = 1
    integer :: activation = SPORKLE_ACTIVATION_NONE
    real(real32) :: clamp_min = 0.0_real32, clamp_max = 0.0_real32
    logical :: has_bias = .false., has_residual = .false.
  contains
    procedure :: describe => problem_describe
    procedure :: set_stride => problem_set_stride
    procedure :: set_padding => problem_set_padding
    procedure :: set_dilation => problem_set_dilation
    procedure :: raw => problem_raw
    procedure :: fill => problem_fill
  end type sporkle_problem_t

  ! Output size, bytes and FLOPs of a problem.
  type :: sporkle_problem_info_t
    integer(int64) :: out_h = 0, out_w = 0
    integer(int64) :: input_size = 0, weights_size = 0, bias_size = 0, output_size = 0
    integer(int64) :: flops = 0
  end type sporkle_problem_info_t

  ! The short form: square kernel, one stride, one padding for all sides.
  interface sporkle_problem
    module procedure problem_int32, problem_int64
  end interface sporkle_problem

contains

  pure function problem_int64(n, c, h, w, k, kernel, stride, padding) result(problem)
    integer(int64), intent(in) :: n, c, h, w, k, kernel
    integer(int64), intent(in), optional :: stride, padding
    type(sporkle_problem_t) :: problem

    problem%n = n
    problem%c = c
    problem%h = h
    problem%w = w
    problem%k = k
    problem%kernel_h = kernel
    problem%kernel_w = kernel
    if (present(stride)) then
      problem%stride_h = stride
      problem%stride_w = stride
    end if
    if (present(padding)) then
      problem%padding_top = padding
      problem%padding_left = padding
      problem%padding_bottom = padding
      problem%padding_right = padding
    end if
  end function problem_int64

  pure function problem_int32(n, c, h, w, k, kernel, stride, padding) result(problem)
    integer(int32), intent(in) :: n, c, h, w, k, kernel
    integer(int32), intent(in), optional :: stride, padding
    type(sporkle_problem_t) :: problem

    problem = problem_int64(int(n, int64), int(c, int64), int(h, int64), int(w, int64), &
                            int(k, int64), int(kernel, int64))
    if (present(stride)) call problem%set_stride(int(stride))
    if (present(padding)) call problem%set_padding(int(padding))
  end function problem_int32

  pure subroutine problem_set_stride(self, stride)
    class(sporkle_problem_t), intent(inout) :: self
    integer, intent(in) :: stride

    self%stride_h = stride
    self%stride_w = stride
  end subroutine problem_set_stride

  ! One padding for all four sides.
  pure subroutine problem_set_padding(self, padding)
    class(sporkle_problem_t), intent(inout) :: self
    integer, intent(in) :: padding

    self%padding_top = padding
    self%padding_left = padding
    self%padding_bottom = padding
    self%padding_right = padding
  end subroutine problem_set_padding

  pure subroutine problem_set_dilation(self, dilation)
    class(sporkle_problem_t), intent(inout) :: self
    integer, intent(in) :: dilation

    self%dilation_h = dilation
    self%dilation_w = dilation
  end subroutine problem_set_dilation

  ! The descriptor of module sporkle_c.
  pure function problem_raw(self) result(desc)
    class(sporkle_problem_t), intent(in) :: self
    type(sporkle_conv2d_desc) :: desc

    call problem_fill(self, desc)
  end function problem_raw

  pure subroutine problem_fill(self, desc)
    class(sporkle_problem_t), intent(in) :: self
    type(sporkle_conv2d_desc), intent(inout) :: desc

    if (self%has_bias) desc%flags = ior(desc%flags, SPORKLE_CONV2D_BIAS)
    if (self%has_residual) desc%flags = ior(desc%flags, SPORKLE_CONV2D_RESIDUAL)
    desc%n = self%n
    desc%c = self%c
    desc%h = self%h
    desc%w = self%w
    desc%k = self%k
    desc%kernel_h = self%kernel_h
    desc%kernel_w = self%kernel_w
    desc%stride_h = self%stride_h
    desc%stride_w = self%stride_w
    desc%padding_top = self%padding_top
    desc%padding_left = self%padding_left
    desc%padding_bottom = self%padding_bottom
    desc%padding_right = self%padding_right
    desc%dilation_h = self%dilation_h
    desc%dilation_w = self%dilation_w
    desc%groups = self%groups
    desc%activation = int(self%activation, c_int32_t)
    desc%clamp_min = self%clamp_min
    desc%clamp_max = self%clamp_max
  end subroutine problem_fill

  ! Checks the problem and says what it amounts to.
  subroutine problem_describe(self, info, stat, errmsg)
    class(sporkle_problem_t), intent(in) :: self
    type(sporkle_problem_info_t), intent(out) :: info
    integer, intent(out) :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(sporkle_conv2d_info) :: raw

    stat = int(sporkle_conv2d_describe(self%raw(), raw))
    if (stat /= SPORKLE_OK) then
      if (present(errmsg)) errmsg = sporkle_error_text()
      return
    end if
    info = sporkle_problem_info_t(raw%out_h, raw%out_w, raw%input_size, raw%weights_size, &
                                  raw%bias_size, raw%output_size, raw%flops)
  end subroutine problem_describe
end module sporkle_problems
