! The historic im2col: row (kh * size + kw) * C + c, column n * H_out * W_out + position.
! SPDX-License-Identifier: MIT
module sporkle_compat_im2col
  use kinds, only: i64, sp
  use sporkle_compat_conv2d, only: conv2d_shape
  use sporkle_compat_text, only: warn_once
  implicit none
  private
  public :: im2col

contains

  subroutine im2col(shape, input, output)
    type(conv2d_shape), intent(in) :: shape
    real(sp), intent(in) :: input(:)
    real(sp), intent(inout) :: output(:)
    integer(i64) :: kh, kw, c, n, plane, at
    plane = shape%h_out * shape%w_out
    if (shape%stride < 1 .or. shape%n * shape%c * shape%h * shape%w > size(input, kind=i64) .or. &
      shape%kernel_size**2 * shape%c * shape%n * plane > size(output, kind=i64)) then
      call warn_once("im2col: an array is shorter than the sizes say")
      return
    end if
    at = 0
    do kh = 0, shape%kernel_size - 1
      do kw = 0, shape%kernel_size - 1
        do c = 0, shape%c - 1
          do n = 0, shape%n - 1
            call one_plane(shape, input, (n * shape%c + c) * shape%h * shape%w, kh, kw, &
              output(at + 1:at + plane))
            at = at + plane
          end do
        end do
      end do
    end do
  end subroutine im2col

  subroutine one_plane(shape, input, base, kh, kw, values)
    type(conv2d_shape), intent(in) :: shape
    real(sp), intent(in) :: input(:)
    integer(i64), intent(in) :: base, kh, kw
    real(sp), intent(inout) :: values(:)
    integer(i64) :: p, q, y, x
    do p = 0, shape%h_out - 1
      y = p * shape%stride + kh - shape%pad
      do q = 0, shape%w_out - 1
        x = q * shape%stride + kw - shape%pad
        if (y < 0 .or. y >= shape%h .or. x < 0 .or. x >= shape%w) then
          values(p * shape%w_out + q + 1) = 0.0_sp
        else
          values(p * shape%w_out + q + 1) = input(base + y * shape%w + x + 1)
        end if
      end do
    end do
  end subroutine one_plane
end module sporkle_compat_im2col
