! Own buffers: the arrays live where the device reads and writes them, and the
! program keeps a fence for each submit.
! SPDX-License-Identifier: MIT
program mapped_buffers
  use sporkle
  implicit none
  type(sporkle_context_t) :: context
  type(sporkle_plan_t) :: plan
  type(sporkle_plan_info_t) :: info
  type(sporkle_buffer_t) :: input, output
  type(sporkle_fence_t) :: fence
  type(sporkle_stats_t) :: before, after
  real(real32) :: weights(1, 1, 4, 4)
  real(real32), pointer :: x(:, :, :, :), y(:, :, :, :)
  integer :: k

  weights = 0
  do k = 1, 4
    weights(1, 1, k, k) = 2
  end do
  call context%create()
  call plan%create(context, weights, sporkle_problem(n=1, c=4, h=64, w=64, k=4, kernel=1))
  call plan%describe(info)
  call input%create(context, [64, 64, 4, 1], device=info%device)
  call output%create(context, [64, 64, 4, 1], device=info%device)
  call input%map(x)
  call output%map(y)

  call random_number(x)
  call context%stats(before)
  call input%flush()
  call plan%submit(input, output, fence)
  call fence%wait(timeout_ns=10000000000_int64)
  if (fence%status() /= SPORKLE_OK) print *, "not finished: ", fence%message()
  call output%invalidate()
  call context%stats(after)
  print "(a,l1)", "y is twice x: ", all(abs(y - 2 * x) < 1e-6)
  print "(a,i0)", "bytes of tensors that the CPU copied: ", &
    after%cpu_copied_bytes - before%cpu_copied_bytes
end program mapped_buffers
