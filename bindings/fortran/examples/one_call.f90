! One convolution of random numbers, 3x3 with padding 1.
! SPDX-License-Identifier: MIT
program one_call
  use sporkle
  type(sporkle_context_t) :: context
  real(real32) :: x(32, 32, 3, 1), weights(3, 3, 3, 16), y(32, 32, 16, 1)
  call random_number(x)
  call random_number(weights)
  call context%create()
  call context%conv2d(x, weights, y, padding=1)
  if (context%status() /= SPORKLE_OK) print *, context%message()
  print "(f0.4,1x,f0.4)", y(2, 2, 1, 1), sum(x(1:3, 1:3, :, 1) * weights(:, :, :, 1))
end program one_call
