! Functions of sporkle.h in its order: fences, executor, statistics, null device.
! SPDX-License-Identifier: MIT
module sporkle_c_async
  use, intrinsic :: iso_c_binding, only: c_char, c_int32_t, c_int64_t, c_ptr
  use sporkle_c_types, only: sporkle_executor_desc, sporkle_slot, sporkle_stats
  implicit none
  private
  public :: sporkle_fence_insert, sporkle_fence_poll, sporkle_fence_wait
  public :: sporkle_fence_wait_any, sporkle_fence_wait_all, sporkle_fence_destroy
  public :: sporkle_executor_desc_init, sporkle_executor_create, sporkle_executor_destroy
  public :: sporkle_executor_acquire, sporkle_executor_submit, sporkle_executor_release
  public :: sporkle_context_stats, sporkle_null_control

  interface
    function sporkle_fence_insert(context, device, label, out_fence) &
        bind(C, name="sporkle_fence_insert") result(status)
      import :: c_char, c_int32_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device
      character(kind=c_char), intent(in), optional :: label(*)
      type(c_ptr), intent(out) :: out_fence
      integer(c_int32_t) :: status
    end function
    function sporkle_fence_poll(fence) bind(C, name="sporkle_fence_poll") result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: fence
      integer(c_int32_t) :: status
    end function
    function sporkle_fence_wait(fence, timeout_ns) bind(C, name="sporkle_fence_wait") &
        result(status)
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: fence
      integer(c_int64_t), value :: timeout_ns
      integer(c_int32_t) :: status
    end function
    function sporkle_fence_wait_any(fences, count, timeout_ns, out_index) &
        bind(C, name="sporkle_fence_wait_any") result(status)
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), intent(in) :: fences(*)
      integer(c_int32_t), value :: count
      integer(c_int64_t), value :: timeout_ns
      integer(c_int32_t), intent(inout), optional :: out_index ! 0-based
      integer(c_int32_t) :: status
    end function
    function sporkle_fence_wait_all(fences, count, timeout_ns) &
        bind(C, name="sporkle_fence_wait_all") result(status)
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), intent(in) :: fences(*)
      integer(c_int32_t), value :: count
      integer(c_int64_t), value :: timeout_ns
      integer(c_int32_t) :: status
    end function
    function sporkle_fence_destroy(fence) bind(C, name="sporkle_fence_destroy") result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: fence
      integer(c_int32_t) :: status
    end function

    subroutine sporkle_executor_desc_init(desc) bind(C, name="sporkle_executor_desc_init")
      import :: sporkle_executor_desc
      type(sporkle_executor_desc), intent(inout) :: desc
    end subroutine
    function sporkle_executor_create(context, desc, out_executor) &
        bind(C, name="sporkle_executor_create") result(status)
      import :: c_int32_t, c_ptr, sporkle_executor_desc
      type(c_ptr), value :: context
      type(sporkle_executor_desc), intent(in) :: desc
      type(c_ptr), intent(out) :: out_executor
      integer(c_int32_t) :: status
    end function
    function sporkle_executor_destroy(executor) bind(C, name="sporkle_executor_destroy") &
        result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: executor
      integer(c_int32_t) :: status
    end function
    function sporkle_executor_acquire(executor, timeout_ns, out_slot) &
        bind(C, name="sporkle_executor_acquire") result(status)
      import :: c_int32_t, c_int64_t, c_ptr, sporkle_slot
      type(c_ptr), value :: executor
      integer(c_int64_t), value :: timeout_ns
      type(sporkle_slot), intent(inout) :: out_slot
      integer(c_int32_t) :: status
    end function
    function sporkle_executor_submit(executor, slot, plan, out_fence) &
        bind(C, name="sporkle_executor_submit") result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: executor
      integer(c_int32_t), value :: slot
      type(c_ptr), value :: plan
      type(c_ptr), intent(out) :: out_fence
      integer(c_int32_t) :: status
    end function
    function sporkle_executor_release(executor, slot) &
        bind(C, name="sporkle_executor_release") result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: executor
      integer(c_int32_t), value :: slot
      integer(c_int32_t) :: status
    end function

    function sporkle_context_stats(context, out_stats) bind(C, name="sporkle_context_stats") &
        result(status)
      import :: c_int32_t, c_ptr, sporkle_stats
      type(c_ptr), value :: context
      type(sporkle_stats), intent(inout) :: out_stats
      integer(c_int32_t) :: status
    end function
    function sporkle_null_control(context, device, command, value, count) &
        bind(C, name="sporkle_null_control") result(status)
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device, command
      integer(c_int64_t), value :: value, count
      integer(c_int32_t) :: status
    end function
  end interface
end module sporkle_c_async
