! Lends the threads of OpenMP to a context, so that a program that uses OpenMP
! does not run two pools of threads.
!
!   type(sporkle_context_desc) :: desc
!   call sporkle_lend_openmp(desc)
!   call context%create(desc=desc)
!
! Compiled only where OpenMP exists; the library itself does not link it. In a
! parallel region the loop runs on the calling thread alone unless nested
! parallelism is on.
! SPDX-License-Identifier: MIT
module sporkle_openmp
  use, intrinsic :: iso_c_binding, only: c_f_procpointer, c_funloc, c_funptr, c_int32_t, &
    c_intptr_t, c_null_ptr, c_ptr
  use omp_lib, only: omp_get_max_threads
  use sporkle_c, only: sporkle_context_desc, sporkle_task
  implicit none
  private
  public :: sporkle_context_desc, sporkle_lend_openmp

contains

  ! threads: how many OpenMP threads a loop may use; by default all.
  subroutine sporkle_lend_openmp(desc, threads)
    type(sporkle_context_desc), intent(inout) :: desc
    integer, intent(in), optional :: threads

    desc%parallel_for = c_funloc(run_loop)
    desc%parallel_for_threads = int(omp_get_max_threads(), c_int32_t)
    if (present(threads)) desc%parallel_for_threads = int(max(threads, 1), c_int32_t)
    ! The number itself travels as the user pointer: nothing to keep alive.
    desc%parallel_for_user = transfer(int(desc%parallel_for_threads, c_intptr_t), c_null_ptr)
  end subroutine sporkle_lend_openmp

  subroutine run_loop(user, count, task, task_data) bind(C, name="")
    type(c_ptr), value :: user
    integer(c_int32_t), value :: count
    type(c_funptr), value :: task
    type(c_ptr), value :: task_data
    procedure(sporkle_task), pointer :: run
    integer(c_int32_t) :: i
    integer :: threads

    call c_f_procpointer(task, run)
    threads = int(transfer(user, 0_c_intptr_t))
    !$omp parallel do schedule(dynamic, 1) num_threads(threads) default(none) &
    !$omp& shared(count, run, task_data)
    do i = 0, count - 1
      call run(task_data, i)
    end do
    !$omp end parallel do
  end subroutine run_loop
end module sporkle_openmp
