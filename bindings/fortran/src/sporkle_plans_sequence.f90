! Plans of sequences.
! SPDX-License-Identifier: MIT
submodule (sporkle_plans) sporkle_plans_sequence
  use, intrinsic :: iso_c_binding, only: c_loc
  use sporkle_c, only: sporkle_conv2d_desc, sporkle_plan_sequence, sporkle_sequence_step, &
    SPORKLE_DEVICE_AUTO, SPORKLE_ERROR_OUT_OF_MEMORY
  implicit none

contains

  module procedure plan_create_sequence
    type(sporkle_conv2d_desc), allocatable, target :: descs(:)
    type(sporkle_sequence_step), allocatable :: steps(:)
    integer(c_int32_t) :: asked, code
    integer :: failed, i

    call self%let_go()
    if (sequence%refused_ /= SPORKLE_OK) then
      call conclude(self, sequence%refused_, stat, errmsg, sequence%refusal_)
      return
    end if
    allocate (descs(sequence%count_), steps(sequence%count_), stat=failed)
    if (failed /= 0) then
      call conclude(self, SPORKLE_ERROR_OUT_OF_MEMORY, stat, errmsg, &
                    "plan create: no memory for the list of steps")
      return
    end if
    do i = 1, sequence%count_
      associate (step => sequence%steps_(i))
        descs(i) = step%desc
        steps(i)%input = step%input
        steps(i)%residual = step%residual
        steps(i)%desc = c_loc(descs(i))
        steps(i)%weights = c_loc(step%weights)
        if (allocated(step%bias)) steps(i)%bias = c_loc(step%bias)
      end associate
    end do
    asked = SPORKLE_DEVICE_AUTO
    if (present(device)) asked = int(device, c_int32_t)
    code = sporkle_plan_sequence(context%handle_, asked, steps, &
                                 size(steps, kind=c_int32_t), self%handle_)
    self%owner_ = code == SPORKLE_OK
    if (self%owner_) then
      self%shapes_%x = sequence%steps_(1)%shapes%x
      self%shapes_%y = sequence%steps_(sequence%count_)%shapes%y
    end if
    call conclude(self, code, stat, errmsg)
  end procedure plan_create_sequence
end submodule sporkle_plans_sequence
