! Fences: the end of everything submitted before them.
! SPDX-License-Identifier: MIT
module gpu_fence_primitives
  use, intrinsic :: iso_c_binding, only: c_int
  use kinds, only: i64
  use sporkle_compat_fence, only: fence_create, fence_is_valid, gpu_fence, plain_pool, &
    pool_init
  use sporkle_compat_job, only: job_destroy, job_poll, job_pool_cleanup, job_wait
  implicit none
  private
  public :: gpu_fence, gpu_fence_create, gpu_fence_wait, gpu_fence_is_signaled
  public :: gpu_fence_is_valid, gpu_fence_destroy, gpu_fence_pool_init, gpu_fence_pool_cleanup
  public :: create_fence, wait_fence
  public :: FENCE_READY, FENCE_TIMEOUT, FENCE_ERROR, FENCE_INFINITE_TIMEOUT, FENCE_NO_WAIT

  enum, bind(C)
    enumerator :: FENCE_READY = 0, FENCE_TIMEOUT = 1, FENCE_ERROR = 2
  end enum

  integer(i64), parameter :: FENCE_INFINITE_TIMEOUT = huge(0_i64)
  integer(i64), parameter :: FENCE_NO_WAIT = 0_i64

contains

  function gpu_fence_create() result(fence)
    type(gpu_fence) :: fence
    fence = fence_create(plain_pool)
  end function gpu_fence_create

  function gpu_fence_wait(fence, timeout_ns) result(status)
    type(gpu_fence), intent(inout) :: fence
    integer(i64), intent(in) :: timeout_ns
    integer :: status
    status = job_wait(fence, timeout_ns)
  end function gpu_fence_wait

  function gpu_fence_is_signaled(fence) result(signaled)
    type(gpu_fence), intent(in) :: fence
    logical :: signaled
    signaled = job_poll(fence)
  end function gpu_fence_is_signaled

  function gpu_fence_is_valid(fence) result(is_valid)
    type(gpu_fence), intent(in) :: fence
    logical :: is_valid
    is_valid = fence_is_valid(fence)
  end function gpu_fence_is_valid

  subroutine gpu_fence_destroy(fence)
    type(gpu_fence), intent(inout) :: fence
    call job_destroy(fence)
  end subroutine gpu_fence_destroy

  subroutine gpu_fence_pool_init()
    call pool_init(plain_pool)
  end subroutine gpu_fence_pool_init

  subroutine gpu_fence_pool_cleanup()
    call job_pool_cleanup()
  end subroutine gpu_fence_pool_cleanup

  function create_fence() result(fence)
    type(gpu_fence) :: fence
    fence = fence_create(plain_pool)
  end function create_fence

  function wait_fence(fence, timeout_ns) result(success)
    type(gpu_fence), intent(inout) :: fence
    integer(i64), intent(in) :: timeout_ns
    logical :: success
    success = job_wait(fence, timeout_ns) == FENCE_READY
  end function wait_fence
end module gpu_fence_primitives
