! Fences with a pool of adjustable size and counters.
! SPDX-License-Identifier: MIT
module gpu_fence_primitives_prod
  use, intrinsic :: iso_c_binding, only: c_int
  use kinds, only: i64
  use sporkle_compat_fence, only: fence_create, fence_is_valid, gpu_fence, pool_cleanup, &
    pool_init, pool_resize, pool_stats, prod_pool
  use sporkle_compat_job, only: job_destroy, job_poll, job_wait
  implicit none
  private
  public :: gpu_fence, gpu_fence_create, gpu_fence_wait, gpu_fence_is_signaled
  public :: gpu_fence_is_valid, gpu_fence_destroy, gpu_fence_pool_init, gpu_fence_pool_cleanup
  public :: set_fence_pool_size, get_fence_stats
  public :: FENCE_READY, FENCE_TIMEOUT, FENCE_ERROR, FENCE_INFINITE_TIMEOUT

  enum, bind(C)
    enumerator :: FENCE_READY = 0, FENCE_TIMEOUT = 1, FENCE_ERROR = 2
  end enum

  integer(i64), parameter :: FENCE_INFINITE_TIMEOUT = int(z'7FFFFFFFFFFFFFFF', i64)

contains

  function gpu_fence_create() result(fence)
    type(gpu_fence) :: fence
    fence = fence_create(prod_pool)
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

  function gpu_fence_is_valid(fence) result(valid)
    type(gpu_fence), intent(in) :: fence
    logical :: valid
    valid = fence_is_valid(fence)
  end function gpu_fence_is_valid

  subroutine gpu_fence_destroy(fence)
    type(gpu_fence), intent(inout) :: fence
    call job_destroy(fence)
  end subroutine gpu_fence_destroy

  subroutine gpu_fence_pool_init()
    call pool_init(prod_pool)
  end subroutine gpu_fence_pool_init

  subroutine gpu_fence_pool_cleanup()
    call pool_cleanup(prod_pool)
  end subroutine gpu_fence_pool_cleanup

  ! Before the pool's init or first use, or after its cleanup; at least 1.
  subroutine set_fence_pool_size(size)
    integer, intent(in) :: size
    call pool_resize(prod_pool, size)
  end subroutine set_fence_pool_size

  ! The counters start anew at each init of the pool.
  subroutine get_fence_stats(created, destroyed, exhaustions, pool_used)
    integer(i64), intent(out) :: created, destroyed, exhaustions
    integer, intent(out) :: pool_used
    call pool_stats(prod_pool, created, destroyed, exhaustions, pool_used)
  end subroutine get_fence_stats
end module gpu_fence_primitives_prod
