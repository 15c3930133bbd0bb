! What the library says about the devices: which one is "the CPU" and which one
! "the GPU" of the historic modules.
! SPDX-License-Identifier: MIT
module sporkle_compat_devices
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_null_char, c_ptr
  use sporkle_c
  use sporkle_compat_text, only: to_text
  implicit none
  private
  public :: device_facts, device_set, find_devices

  type :: device_facts
    integer(c_int32_t) :: index = 0
    character(len=128) :: name = "None"
    character(len=128) :: driver = ""
    character(len=16) :: api = "" ! through which the device is used
    logical :: software = .false.
    logical :: simulated = .false.
    logical :: is_gl = .false.
  end type device_facts

  type :: device_set
    type(device_facts) :: cpu, gpu
    logical :: has_gpu = .false.
    integer :: threads = 1
    logical :: async = .true. ! SPORKLE_ASYNC
  end type device_set

contains

  ! "The GPU" is the device that SPORKLE_DEVICE names, whatever it is made of,
  ! unless that is the CPU; with "auto" the first hardware GPU.
  function find_devices(context) result(set)
    type(c_ptr), intent(in) :: context
    type(device_set) :: set
    character(len=:), allocatable :: wanted
    integer(c_int32_t) :: count, i, index
    set%cpu = describe(context, 0_c_int32_t)
    set%threads = thread_count(context)
    set%async = is_on(option(context, "SPORKLE_ASYNC"))
    wanted = option(context, "SPORKLE_DEVICE")
    if (wanted /= "auto") then
      index = 0
      if (sporkle_device_find(context, wanted // c_null_char, index) /= SPORKLE_OK) return
      if (index > 0) then
        set%gpu = describe(context, index)
        set%has_gpu = .true.
      end if
      return
    end if
    count = 0
    if (sporkle_device_count(context, count) /= SPORKLE_OK) return
    do i = 1, count - 1
      set%gpu = describe(context, i)
      set%has_gpu = .not. (set%gpu%software .or. set%gpu%simulated)
      if (set%has_gpu) return
    end do
    set%gpu = device_facts()
  end function find_devices

  function describe(context, index) result(facts)
    type(c_ptr), intent(in) :: context
    integer(c_int32_t), intent(in) :: index
    type(device_facts) :: facts
    type(sporkle_device_info) :: info
    if (sporkle_device_describe(context, index, info) /= SPORKLE_OK) return
    facts%index = index
    facts%name = to_text(info%name)
    facts%driver = to_text(info%driver)
    facts%software = iand(info%flags, SPORKLE_DEVICE_SOFTWARE) /= 0
    facts%simulated = iand(info%flags, SPORKLE_DEVICE_SIMULATED) /= 0
    facts%api = api_name(info%kind)
    facts%is_gl = info%kind == SPORKLE_DEVICE_KIND_GL
  end function describe

  pure function api_name(kind) result(name)
    integer(c_int32_t), intent(in) :: kind
    character(len=16) :: name
    select case (kind)
    case (SPORKLE_DEVICE_KIND_CPU)
      name = "CPU"
    case (SPORKLE_DEVICE_KIND_GL)
      name = "OpenGL"
    case (SPORKLE_DEVICE_KIND_AMDGPU)
      name = "PM4"
    case (SPORKLE_DEVICE_KIND_NULL)
      name = "simulated"
    case default
      name = "unknown"
    end select
  end function api_name

  integer function thread_count(context)
    type(c_ptr), intent(in) :: context
    type(sporkle_device_info) :: info
    type(sporkle_property) :: property
    integer(c_int32_t) :: i
    integer :: status
    character(len=:), allocatable :: digits
    thread_count = 1
    if (sporkle_device_describe(context, 0_c_int32_t, info) /= SPORKLE_OK) return
    do i = 0, info%property_count - 1
      if (sporkle_device_property(context, 0_c_int32_t, i, property) /= SPORKLE_OK) return
      if (to_text(property%key) /= "threads") cycle
      digits = to_text(property%value)
      read (digits, *, iostat=status) thread_count
      if (status /= 0) thread_count = 1
      return
    end do
  end function thread_count

  function option(context, name) result(value)
    type(c_ptr), intent(in) :: context
    character(len=*), intent(in) :: name
    character(len=:), allocatable :: value
    type(sporkle_option_info) :: info
    integer(c_int32_t) :: count, i
    value = "auto"
    count = 0
    if (sporkle_option_count(context, count) /= SPORKLE_OK) return
    do i = 0, count - 1
      if (sporkle_option_describe(context, i, info) /= SPORKLE_OK) return
      if (to_text(info%name) == name) value = to_text(info%value)
    end do
  end function option

  logical function is_on(value)
    character(len=*), intent(in) :: value
    is_on = value /= "0" .and. value /= "off" .and. value /= "no"
  end function is_on
end module sporkle_compat_devices
