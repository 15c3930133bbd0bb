! The shapes that the arrays of a problem must have.
! SPDX-License-Identifier: MIT
module sporkle_shapes
  use, intrinsic :: iso_c_binding, only: c_int32_t
  use, intrinsic :: iso_fortran_env, only: int64
  use sporkle_c, only: sporkle_conv2d_desc, sporkle_conv2d_describe, sporkle_conv2d_info, &
    SPORKLE_ERROR_INVALID_ARGUMENT, SPORKLE_OK
  implicit none
  private
  public :: problem_shapes, take_sizes, find_shapes, check_shape, check_size

  ! The extents that the arrays of a complete problem must have.
  type :: problem_shapes
    integer(int64) :: x(4) = 0, weights(4) = 0, y(4) = 0
    integer(int64) :: bias = 0
  end type problem_shapes

contains

  ! Sizes that are 0 come from the arrays, given as extents of rank 4.
  pure subroutine take_sizes(desc, x, weights)
    type(sporkle_conv2d_desc), intent(inout) :: desc
    integer(int64), intent(in), optional :: x(4), weights(4)

    if (present(x)) then
      if (desc%w == 0) desc%w = x(1)
      if (desc%h == 0) desc%h = x(2)
      if (desc%c == 0) desc%c = x(3)
      if (desc%n == 0) desc%n = x(4)
    end if
    if (present(weights)) then
      if (desc%kernel_w == 0) desc%kernel_w = weights(1)
      if (desc%kernel_h == 0) desc%kernel_h = weights(2)
      if (desc%k == 0) desc%k = weights(4)
    end if
  end subroutine take_sizes

  ! The extents that the arrays must have. An ordinary problem takes no call of
  ! the library; what looks wrong or large is the library's to judge. A caller
  ! that passes wrong gets .true. instead when its own call is bound to be refused.
  subroutine find_shapes(desc, shapes, code, wrong)
    type(sporkle_conv2d_desc), intent(in) :: desc
    type(problem_shapes), intent(inout) :: shapes
    integer(c_int32_t), intent(out) :: code
    logical, intent(out), optional :: wrong
    logical :: sound

    code = SPORKLE_OK
    sound = positive(desc)
    if (present(wrong)) then
      wrong = .not. sound
      if (wrong) return
    end if
    if (sound) sound = ordinary(desc)
    if (sound) then
      shapes%y(1) = quotient(desc%w + desc%padding_left + desc%padding_right &
                             - desc%dilation_w * (desc%kernel_w - 1) - 1, desc%stride_w) + 1
      shapes%y(2) = quotient(desc%h + desc%padding_top + desc%padding_bottom &
                             - desc%dilation_h * (desc%kernel_h - 1) - 1, desc%stride_h) + 1
    else
      call ask_output(desc, shapes, code)
      if (code /= SPORKLE_OK) return
    end if
    shapes%x(1) = desc%w
    shapes%x(2) = desc%h
    shapes%x(3) = desc%c
    shapes%x(4) = desc%n
    shapes%weights(1) = desc%kernel_w
    shapes%weights(2) = desc%kernel_h
    shapes%weights(3) = quotient(desc%c, desc%groups)
    shapes%weights(4) = desc%k
    shapes%y(3) = desc%k
    shapes%y(4) = desc%n
    shapes%bias = desc%k
  end subroutine find_shapes

  ! A 64-bit division takes up to 40 ns; most strides and groups are 1.
  pure function quotient(a, b) result(q)
    integer(int64), intent(in) :: a, b
    integer(int64) :: q

    q = a
    if (b /= 1) q = a / b
  end function quotient

  ! Apart from find_shapes, which would pay for the initial value of info in each
  ! call.
  subroutine ask_output(desc, shapes, code)
    type(sporkle_conv2d_desc), intent(in) :: desc
    type(problem_shapes), intent(inout) :: shapes
    integer(c_int32_t), intent(out) :: code
    type(sporkle_conv2d_info) :: info

    code = sporkle_conv2d_describe(desc, info)
    shapes%y(1) = info%out_w
    shapes%y(2) = info%out_h
  end subroutine ask_output

  ! The sign bit of a union says whether any of them is negative.
  pure function positive(desc) result(yes)
    type(sporkle_conv2d_desc), intent(in) :: desc
    logical :: yes
    integer(int64) :: signs

    signs = ior(ior(ior(desc%w - 1, desc%h - 1), ior(desc%c - 1, desc%n - 1)), &
                ior(ior(desc%k - 1, desc%kernel_w - 1), ior(desc%kernel_h - 1, desc%groups - 1)))
    signs = ior(signs, ior(ior(desc%stride_w - 1, desc%stride_h - 1), &
                           ior(desc%dilation_w - 1, desc%dilation_h - 1)))
    signs = ior(signs, ior(ior(desc%padding_left, desc%padding_right), &
                           ior(desc%padding_top, desc%padding_bottom)))
    yes = signs >= 0
  end function positive

  ! Whether the output size of a positive problem follows from the formula without
  ! an overflow or a kernel larger than the padded input.
  pure function ordinary(desc) result(yes)
    type(sporkle_conv2d_desc), intent(in) :: desc
    logical :: yes
    integer(int64), parameter :: large = 2_int64**24
    integer(int64) :: bits

    ! A union reaches a power of two exactly when one of its members does.
    bits = ior(ior(ior(desc%w, desc%h), ior(desc%kernel_w, desc%kernel_h)), &
               ior(desc%dilation_w, desc%dilation_h))
    bits = ior(bits, ior(ior(desc%padding_left, desc%padding_right), &
                         ior(desc%padding_top, desc%padding_bottom)))
    yes = bits < large
    if (.not. yes) return
    yes = desc%w + desc%padding_left + desc%padding_right &
      > desc%dilation_w * (desc%kernel_w - 1) &
      .and. desc%h + desc%padding_top + desc%padding_bottom > desc%dilation_h * (desc%kernel_h - 1)
  end function ordinary

  ! Compares extents; code and text change only when they differ.
  subroutine check_shape(where, name, order, given, expected, code, text)
    character(len=*), intent(in) :: where, name, order
    integer(int64), intent(in) :: given(:), expected(:)
    integer(c_int32_t), intent(inout) :: code
    character(len=:), allocatable, intent(inout) :: text

    if (code /= SPORKLE_OK) return
    if (all(given == expected)) return
    code = SPORKLE_ERROR_INVALID_ARGUMENT
    text = where // ": " // name // ": shape " // shape_text(given) // " given, " // order &
      // " = " // shape_text(expected) // " expected"
  end subroutine check_shape

  ! The same for a flattened tensor.
  subroutine check_size(where, name, order, given, expected, code, text)
    character(len=*), intent(in) :: where, name, order
    integer(int64), intent(in) :: given, expected(:)
    integer(c_int32_t), intent(inout) :: code
    character(len=:), allocatable, intent(inout) :: text

    if (code /= SPORKLE_OK) return
    if (given == product(expected)) return
    code = SPORKLE_ERROR_INVALID_ARGUMENT
    text = where // ": " // name // ": " // shape_text([given]) // " elements given, " // order &
      // " = " // shape_text(expected) // " flattened expected"
  end subroutine check_size

  pure function shape_text(extents) result(text)
    integer(int64), intent(in) :: extents(:)
    character(len=:), allocatable :: text
    character(len=24) :: number
    integer :: i

    text = "("
    do i = 1, size(extents)
      write (number, "(i0)") extents(i)
      if (i > 1) text = text // ","
      text = text // trim(number)
    end do
    text = text // ")"
  end function shape_text
end module sporkle_shapes
