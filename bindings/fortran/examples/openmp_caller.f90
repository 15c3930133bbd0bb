! An OpenMP program: the library computes on OpenMP's threads, and OpenMP
! threads call the library at the same time.
! SPDX-License-Identifier: MIT
program openmp_caller
  use sporkle
  use sporkle_openmp
  implicit none
  type(sporkle_context_desc) :: desc
  type(sporkle_context_t) :: context
  type(sporkle_plan_t) :: plan
  real(real32) :: x(32, 32, 8, 6), weights(3, 3, 8, 8), y(32, 32, 8, 6), whole(32, 32, 8, 6)
  integer :: i, stat(6)

  call random_number(x)
  call random_number(weights)
  call sporkle_lend_openmp(desc)
  call context%create(desc=desc)
  call context%conv2d(x, weights, whole, padding=1)

  ! One image per task. Threads that share an object pass stat.
  call plan%create(context, weights, sporkle_problem(n=1, c=8, h=32, w=32, k=8, kernel=3, &
                                                     stride=1, padding=1))
  !$omp parallel do
  do i = 1, 6
    call plan%run(x(:, :, :, i), y(:, :, :, i), stat=stat(i))
  end do
  !$omp end parallel do
  print "(a,l1)", "all calls succeeded: ", all(stat == SPORKLE_OK)
  print "(a,l1)", "image by image equals the whole batch: ", &
    maxval(abs(y - whole)) <= 1e-5 * maxval(abs(whole))
end program openmp_caller
