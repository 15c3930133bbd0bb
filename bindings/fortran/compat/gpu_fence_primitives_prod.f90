! Fences with a pool of adjustable size and counters.
! SPDX-License-Identifier: MIT
module gpu_fence_primitives_prod
  use kinds, only: i64
  use gpu_fence_primitives, only: gpu_fence, gpu_fence_wait, gpu_fence_is_signaled, &
    gpu_fence_is_valid, gpu_fence_destroy, FENCE_READY, FENCE_TIMEOUT, FENCE_ERROR, &
    FENCE_INFINITE_TIMEOUT
  use sporkle_compat_fence, only: fence_create, pool_cleanup, pool_init, pool_resize, &
    pool_stats, prod_pool
  implicit none
  private
  public :: gpu_fence, gpu_fence_create, gpu_fence_wait, gpu_fence_is_signaled
  public :: gpu_fence_is_valid, gpu_fence_destroy, gpu_fence_pool_init, gpu_fence_pool_cleanup
  public :: set_fence_pool_size, get_fence_stats
  public :: FENCE_READY, FENCE_TIMEOUT, FENCE_ERROR, FENCE_INFINITE_TIMEOUT

contains

  function gpu_fence_create() result(fence)
    type(gpu_fence) :: fence
    fence = fence_create(prod_pool)
  end function gpu_fence_create

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
