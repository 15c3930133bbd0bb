! The one-call convolution of a context, by rank.
! SPDX-License-Identifier: MIT
submodule (sporkle_contexts) sporkle_contexts_conv2d
  use sporkle_c, only: sporkle_conv2d, sporkle_conv2d_desc, SPORKLE_CONV2D_BIAS, &
    SPORKLE_CONV2D_RESIDUAL, SPORKLE_DEVICE_AUTO, SPORKLE_ERROR_OUT_OF_MEMORY
  use sporkle_shapes, only: check_shape, check_size, find_shapes, problem_shapes, take_sizes
  use sporkle_tensors, only: borrow, give_back, lend, release_view => release, tensor_view
  implicit none

  ! One call on its way: filled by begin and the checks, used by compute.
  type :: call_state
    type(sporkle_conv2d_desc) :: desc
    type(problem_shapes) :: shapes
    type(tensor_view) :: x, weights, y, bias, residual
    integer(c_int32_t) :: code = SPORKLE_OK
    logical :: ok = .true.
    logical :: copies = .false. ! a view may own a packed copy
    character(len=:), allocatable :: text
  end type call_state

contains

  module procedure context_conv2d_4

    if (present(problem)) then
      if (.not. (present(stride) .or. present(padding)) .and. hopeless(problem)) then
        call refuse(self, problem, device, stat, errmsg)
        return
      end if
    end if
    block
      type(call_state) :: state
      integer(int64) :: x_extents(4), w_extents(4), y_extents(4)

      x_extents = [size(x, 1, int64), size(x, 2, int64), size(x, 3, int64), size(x, 4, int64)]
      w_extents = [size(weights, 1, int64), size(weights, 2, int64), size(weights, 3, int64), &
                   size(weights, 4, int64)]
      y_extents = [size(y, 1, int64), size(y, 2, int64), size(y, 3, int64), size(y, 4, int64)]
      call begin(self, state, device, x_extents, w_extents, stride, padding, problem, &
                 present(bias), present(residual))
      call check(state, "x", "(W,H,C,N)", x_extents, state%shapes%x)
      call check(state, "weights", "(KW,KH,C/groups,K)", w_extents, state%shapes%weights)
      call check(state, "y", "(OW,OH,K,N)", y_extents, state%shapes%y)
      if (present(residual)) then
        y_extents = [size(residual, 1, int64), size(residual, 2, int64), size(residual, 3, int64), &
                     size(residual, 4, int64)]
        call check(state, "residual", "(OW,OH,K,N)", y_extents, state%shapes%y)
      end if
      call take_bias(state, bias)
      if (state%code == SPORKLE_OK) then
        state%copies = .not. (is_contiguous(x) .and. is_contiguous(weights) &
                              .and. is_contiguous(y)) .or. present(residual) .or. present(bias)
        if (state%copies) then
          call borrow(x, state%x, state%ok)
          call borrow(weights, state%weights, state%ok)
          if (present(residual)) call borrow(residual, state%residual, state%ok)
          call lend(y, state%y, state%ok)
        else
          state%x%address = c_loc(x(1, 1, 1, 1))
          state%weights%address = c_loc(weights(1, 1, 1, 1))
          state%y%address = c_loc(y(1, 1, 1, 1))
        end if
        call compute(self, state, device, result)
        if (state%copies .and. state%code == SPORKLE_OK) call give_back(state%y, y)
      end if
      call finish(self, state, stat, errmsg)
    end block
  end procedure context_conv2d_4

  module procedure context_conv2d_3

    if (present(problem)) then
      if (.not. (present(stride) .or. present(padding)) .and. hopeless(problem)) then
        call refuse(self, problem, device, stat, errmsg)
        return
      end if
    end if
    block
      type(call_state) :: state
      integer(int64) :: x_extents(4), w_extents(4), y_extents(4)

      x_extents = [size(x, 1, int64), size(x, 2, int64), size(x, 3, int64), 1_int64]
      w_extents = [size(weights, 1, int64), size(weights, 2, int64), size(weights, 3, int64), &
                   size(weights, 4, int64)]
      y_extents = [size(y, 1, int64), size(y, 2, int64), size(y, 3, int64), 1_int64]
      call begin(self, state, device, x_extents, w_extents, stride, padding, problem, &
                 present(bias), present(residual))
      call check(state, "x", "(W,H,C)", x_extents, state%shapes%x)
      call check(state, "weights", "(KW,KH,C/groups,K)", w_extents, state%shapes%weights)
      call check(state, "y", "(OW,OH,K)", y_extents, state%shapes%y)
      if (present(residual)) then
        y_extents = [size(residual, 1, int64), size(residual, 2, int64), size(residual, 3, int64), &
                     1_int64]
        call check(state, "residual", "(OW,OH,K)", y_extents, state%shapes%y)
      end if
      call take_bias(state, bias)
      if (state%code == SPORKLE_OK) then
        state%copies = .not. (is_contiguous(x) .and. is_contiguous(weights) &
                              .and. is_contiguous(y)) .or. present(residual) .or. present(bias)
        if (state%copies) then
          call borrow(x, state%x, state%ok)
          call borrow(weights, state%weights, state%ok)
          if (present(residual)) call borrow(residual, state%residual, state%ok)
          call lend(y, state%y, state%ok)
        else
          state%x%address = c_loc(x(1, 1, 1))
          state%weights%address = c_loc(weights(1, 1, 1, 1))
          state%y%address = c_loc(y(1, 1, 1))
        end if
        call compute(self, state, device, result)
        if (state%copies .and. state%code == SPORKLE_OK) call give_back(state%y, y)
      end if
      call finish(self, state, stat, errmsg)
    end block
  end procedure context_conv2d_3

  module procedure context_conv2d_2

    if (present(problem)) then
      if (.not. (present(stride) .or. present(padding)) .and. hopeless(problem)) then
        call refuse(self, problem, device, stat, errmsg)
        return
      end if
    end if
    block
      type(call_state) :: state
      integer(int64) :: x_extents(4), w_extents(4), y_extents(4)

      x_extents = [size(x, 1, int64), size(x, 2, int64), 1_int64, 1_int64]
      w_extents = [size(weights, 1, int64), size(weights, 2, int64), 1_int64, 1_int64]
      y_extents = [size(y, 1, int64), size(y, 2, int64), 1_int64, 1_int64]
      call begin(self, state, device, x_extents, w_extents, stride, padding, problem, &
                 present(bias), present(residual))
      call check(state, "x", "(W,H)", x_extents, state%shapes%x)
      call check(state, "weights", "(KW,KH)", w_extents, state%shapes%weights)
      call check(state, "y", "(OW,OH)", y_extents, state%shapes%y)
      if (present(residual)) then
        y_extents = [size(residual, 1, int64), size(residual, 2, int64), 1_int64, 1_int64]
        call check(state, "residual", "(OW,OH)", y_extents, state%shapes%y)
      end if
      call take_bias(state, bias)
      if (state%code == SPORKLE_OK) then
        state%copies = .not. (is_contiguous(x) .and. is_contiguous(weights) &
                              .and. is_contiguous(y)) .or. present(residual) .or. present(bias)
        if (state%copies) then
          call borrow(x, state%x, state%ok)
          call borrow(weights, state%weights, state%ok)
          if (present(residual)) call borrow(residual, state%residual, state%ok)
          call lend(y, state%y, state%ok)
        else
          state%x%address = c_loc(x(1, 1))
          state%weights%address = c_loc(weights(1, 1))
          state%y%address = c_loc(y(1, 1))
        end if
        call compute(self, state, device, result)
        if (state%copies .and. state%code == SPORKLE_OK) call give_back(state%y, y)
      end if
      call finish(self, state, stat, errmsg)
    end block
  end procedure context_conv2d_2

  module procedure context_conv2d_1

    if (hopeless(problem)) then
      call refuse(self, problem, device, stat, errmsg)
      return
    end if
    block
      type(call_state) :: state

      call begin(self, state, device, problem=problem, with_bias=present(bias), &
                 with_residual=present(residual))
      call check_flat(state, "x", "(W,H,C,N)", size(x, kind=int64), state%shapes%x)
      call check_flat(state, "weights", "(KW,KH,C/groups,K)", size(weights, kind=int64), &
                      state%shapes%weights)
      call check_flat(state, "y", "(OW,OH,K,N)", size(y, kind=int64), state%shapes%y)
      if (present(residual)) call check_flat(state, "residual", "(OW,OH,K,N)", &
                                             size(residual, kind=int64), state%shapes%y)
      call take_bias(state, bias)
      if (state%code == SPORKLE_OK) then
        state%copies = .not. (is_contiguous(x) .and. is_contiguous(weights) &
                              .and. is_contiguous(y)) .or. present(residual) .or. present(bias)
        if (state%copies) then
          call borrow(x, state%x, state%ok)
          call borrow(weights, state%weights, state%ok)
          if (present(residual)) call borrow(residual, state%residual, state%ok)
          call lend(y, state%y, state%ok)
        else
          state%x%address = c_loc(x(1))
          state%weights%address = c_loc(weights(1))
          state%y%address = c_loc(y(1))
        end if
        call compute(self, state, device, result)
        if (state%copies .and. state%code == SPORKLE_OK) call give_back(state%y, y)
      end if
      call finish(self, state, stat, errmsg)
    end block
  end procedure context_conv2d_1

  ! Whether the library is bound to refuse a problem that takes no size from the
  ! arrays, whatever they are. The sign bit of a union says whether any is negative.
  pure function hopeless(problem) result(yes)
    type(sporkle_problem_t), intent(in) :: problem
    logical :: yes
    integer(int64) :: signs

    signs = ior(ior(problem%stride_h - 1, problem%stride_w - 1), &
                ior(problem%dilation_h - 1, problem%dilation_w - 1))
    signs = ior(signs, ior(ior(problem%padding_top, problem%padding_left), &
                           ior(problem%padding_bottom, problem%padding_right)))
    yes = ior(signs, problem%groups - 1) < 0
    if (yes) yes = min(problem%n, problem%c, problem%h, problem%w, problem%k, &
                       problem%kernel_h, problem%kernel_w) > 0
  end function hopeless

  ! The library's refusal of such a problem. Its callers keep their call_state in a
  ! block behind it: filling one would cost more than the rest.
  subroutine refuse(self, problem, device, stat, errmsg)
    class(sporkle_context_t), intent(inout) :: self
    type(sporkle_problem_t), intent(in) :: problem
    integer, intent(in), optional :: device
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(sporkle_conv2d_desc) :: desc
    integer(c_int32_t) :: asked

    call problem%fill(desc)
    asked = SPORKLE_DEVICE_AUTO
    if (present(device)) asked = int(device, c_int32_t)
    call conclude(self, sporkle_conv2d(self%handle_, asked, desc, c_null_ptr, c_null_ptr, &
                                       c_null_ptr, c_null_ptr, c_null_ptr), stat, errmsg)
  end subroutine refuse

  ! Completes the problem from the arrays and finds the shapes that follow.
  subroutine begin(self, state, device, x, weights, stride, padding, problem, with_bias, &
      with_residual)
    class(sporkle_context_t), intent(in) :: self
    type(call_state), intent(inout) :: state
    integer, intent(in), optional :: device
    integer(int64), intent(in), optional :: x(4), weights(4)
    integer, intent(in), optional :: stride, padding
    type(sporkle_problem_t), intent(in), optional :: problem
    logical, intent(in) :: with_bias, with_residual
    logical :: wrong

    if (present(problem)) call problem%fill(state%desc)
    if (present(stride)) then
      state%desc%stride_h = stride
      state%desc%stride_w = stride
    end if
    if (present(padding)) then
      state%desc%padding_top = padding
      state%desc%padding_left = padding
      state%desc%padding_bottom = padding
      state%desc%padding_right = padding
    end if
    if (with_bias) state%desc%flags = ior(state%desc%flags, SPORKLE_CONV2D_BIAS)
    if (with_residual) state%desc%flags = ior(state%desc%flags, SPORKLE_CONV2D_RESIDUAL)
    call take_sizes(state%desc, x, weights)
    call find_shapes(state%desc, state%shapes, state%code, wrong)
    ! The null addresses of the tensors see to it that the refusal is certain.
    if (wrong) call compute(self, state, device)
  end subroutine begin

  subroutine check(state, name, order, given, expected)
    type(call_state), intent(inout) :: state
    character(len=*), intent(in) :: name, order
    integer(int64), intent(in) :: given(4), expected(4)

    ! The comparison here spares an ordinary call the descriptors of check_shape.
    if (state%code /= SPORKLE_OK) return
    if (given(1) == expected(1) .and. given(2) == expected(2) .and. given(3) == expected(3) &
        .and. given(4) == expected(4)) return
    call check_shape("conv2d", name, order, given, expected, state%code, state%text)
  end subroutine check

  subroutine check_flat(state, name, order, given, expected)
    type(call_state), intent(inout) :: state
    character(len=*), intent(in) :: name, order
    integer(int64), intent(in) :: given, expected(4)

    call check_size("conv2d", name, order, given, expected, state%code, state%text)
  end subroutine check_flat

  subroutine take_bias(state, bias)
    type(call_state), intent(inout) :: state
    real(real32), intent(in), target, optional :: bias(:)

    if (.not. present(bias)) return
    call check_shape("conv2d", "bias", "(K)", [size(bias, kind=int64)], [state%shapes%bias], &
                     state%code, state%text)
    if (state%code == SPORKLE_OK) call borrow(bias, state%bias, state%ok)
  end subroutine take_bias

  subroutine compute(self, state, device, result)
    class(sporkle_context_t), intent(in) :: self
    type(call_state), intent(inout) :: state
    integer, intent(in), optional :: device
    type(sporkle_result_t), intent(inout), optional :: result
    integer(c_int32_t) :: asked

    if (.not. state%ok) then
      state%code = SPORKLE_ERROR_OUT_OF_MEMORY
      state%text = "conv2d: no memory for the packed copy of a strided array"
      return
    end if
    asked = SPORKLE_DEVICE_AUTO
    if (present(device)) asked = int(device, c_int32_t)
    if (present(result)) then
      call compute_with_result(self, state, asked, result)
    else
      state%code = sporkle_conv2d(self%handle_, asked, state%desc, state%x%address, &
                                  state%weights%address, state%bias%address, &
                                  state%residual%address, state%y%address)
    end if
  end subroutine compute

  ! Apart from compute, which would pay for the initial value of raw in each call.
  subroutine compute_with_result(self, state, device, result)
    class(sporkle_context_t), intent(in) :: self
    type(call_state), intent(inout) :: state
    integer(c_int32_t), intent(in) :: device
    type(sporkle_result_t), intent(inout) :: result
    type(sporkle_conv2d_result) :: raw

    state%code = sporkle_conv2d(self%handle_, device, state%desc, state%x%address, &
                                state%weights%address, state%bias%address, &
                                state%residual%address, state%y%address, raw)
    if (state%code == SPORKLE_OK) result = to_result(raw)
  end subroutine compute_with_result

  subroutine finish(self, state, stat, errmsg)
    class(sporkle_context_t), intent(inout) :: self
    type(call_state), intent(inout) :: state
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (state%copies) then
      call release_view(state%x)
      call release_view(state%weights)
      call release_view(state%bias)
      call release_view(state%residual)
      call release_view(state%y)
    end if
    call conclude(self, state%code, stat, errmsg, state%text)
  end subroutine finish
end submodule sporkle_contexts_conv2d
