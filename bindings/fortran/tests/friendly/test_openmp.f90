! Threads of OpenMP lent to a context, and concurrent calls from OpenMP threads.
! SPDX-License-Identifier: MIT
program test_openmp
  use, intrinsic :: iso_fortran_env, only: real32
  use sporkle
  use sporkle_openmp
  use oracle
  implicit none
  type(sporkle_context_desc) :: desc
  type(sporkle_context_t) :: context
  type(sporkle_plan_t) :: plan
  type(sporkle_problem_t) :: problem
  integer, parameter :: images = 8
  real(real32) :: x(40, 40, 8, images), weights(3, 3, 8, 8), y(40, 40, 8, images)
  integer :: i, stat, threads, stats(images)

  call need_default_device()
  call fill(x, 1)
  call fill(weights, 2)
  problem = sporkle_problem_t(n=1, c=8, h=40, w=40)
  call problem%set_padding(1)
  do threads = 1, 4
    call sporkle_lend_openmp(desc, threads)
    call context%create(desc=desc, stat=stat)
    call check(stat == SPORKLE_OK, "create")
    y = 0
    call context%conv2d(x, weights, y, padding=1, stat=stat)
    call check(stat == SPORKLE_OK, "status")
    call check(close_to(y, expected(problem, x, weights)), "values with lent threads")
    call plan%create(context, weights, problem)
    y = 0
    !$omp parallel do
    do i = 1, images
      call plan%run(x(:, :, :, i), y(:, :, :, i), stat=stats(i))
    end do
    !$omp end parallel do
    call check(all(stats == SPORKLE_OK), "concurrent status")
    call check(close_to(y, expected(problem, x, weights)), "concurrent values")
  end do
  call sporkle_lend_openmp(desc)
  call context%create(desc=desc, stat=stat)
  call check(stat == SPORKLE_OK .and. desc%parallel_for_threads >= 1, "all threads")
  call plan%destroy(stat)
  call context%destroy(stat)
  call finish("OpenMP lends its threads and calls from its threads")
end program test_openmp
