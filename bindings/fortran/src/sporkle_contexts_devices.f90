! Devices and settings of a context.
! SPDX-License-Identifier: MIT
submodule (sporkle_contexts) sporkle_contexts_devices
  use sporkle_c, only: sporkle_conv2d_select, sporkle_device_count, sporkle_device_describe, &
    sporkle_device_find, sporkle_device_info, sporkle_device_property, sporkle_option_count, &
    sporkle_option_describe, sporkle_option_info, sporkle_property, sporkle_unavailable_count, &
    sporkle_unavailable_describe, sporkle_unavailable_info, SPORKLE_DEVICE_AUTO, &
    SPORKLE_DEVICE_DEFAULT, SPORKLE_DEVICE_SIMULATED, SPORKLE_DEVICE_SOFTWARE
  implicit none

contains

  module procedure context_devices
    type(sporkle_device_info) :: raw
    integer(c_int32_t) :: code, count, i

    count = 0
    code = sporkle_device_count(self%handle_, count)
    allocate (list(count))
    do i = 1, count
      if (code /= SPORKLE_OK) exit
      code = sporkle_device_describe(self%handle_, i - 1_c_int32_t, raw)
      list(i)%index = int(raw%index)
      list(i)%kind = int(raw%kind)
      list(i)%software = iand(raw%flags, SPORKLE_DEVICE_SOFTWARE) /= 0
      list(i)%simulated = iand(raw%flags, SPORKLE_DEVICE_SIMULATED) /= 0
      list(i)%is_default = iand(raw%flags, SPORKLE_DEVICE_DEFAULT) /= 0
      list(i)%spec = from_c(raw%spec)
      list(i)%name = from_c(raw%name)
      list(i)%driver = from_c(raw%driver)
    end do
    call conclude(self, code, stat, errmsg)
  end procedure context_devices

  module procedure context_properties
    type(sporkle_device_info) :: info
    type(sporkle_property) :: raw
    integer(c_int32_t) :: code, i

    code = sporkle_device_describe(self%handle_, int(device, c_int32_t), info)
    allocate (list(info%property_count))
    do i = 1, info%property_count
      if (code /= SPORKLE_OK) exit
      code = sporkle_device_property(self%handle_, int(device, c_int32_t), i - 1_c_int32_t, raw)
      list(i)%key = from_c(raw%key)
      list(i)%value = from_c(raw%value)
    end do
    call conclude(self, code, stat, errmsg)
  end procedure context_properties

  module procedure context_options
    type(sporkle_option_info) :: raw
    integer(c_int32_t) :: code, count, i

    count = 0
    code = sporkle_option_count(self%handle_, count)
    allocate (list(count))
    do i = 1, count
      if (code /= SPORKLE_OK) exit
      code = sporkle_option_describe(self%handle_, i - 1_c_int32_t, raw)
      list(i)%name = from_c(raw%name)
      list(i)%value = from_c(raw%value)
      list(i)%origin = from_c(raw%origin)
      list(i)%description = from_c(raw%description)
    end do
    call conclude(self, code, stat, errmsg)
  end procedure context_options

  module procedure context_unavailable
    type(sporkle_unavailable_info) :: raw
    integer(c_int32_t) :: code, count, i

    count = 0
    code = sporkle_unavailable_count(self%handle_, count)
    allocate (list(count))
    do i = 1, count
      if (code /= SPORKLE_OK) exit
      code = sporkle_unavailable_describe(self%handle_, i - 1_c_int32_t, raw)
      list(i)%backend = from_c(raw%backend)
      list(i)%id = from_c(raw%id)
      list(i)%reason = from_c(raw%reason)
      list(i)%cure = from_c(raw%cure)
    end do
    call conclude(self, code, stat, errmsg)
  end procedure context_unavailable

  module procedure context_find_device
    character(kind=c_char), allocatable :: spec_(:)
    integer(c_int32_t) :: code, found

    call to_c(spec, spec_)
    found = SPORKLE_DEVICE_AUTO
    code = sporkle_device_find(self%handle_, spec_, found)
    if (code == SPORKLE_OK) device = int(found)
    call conclude(self, code, stat, errmsg)
  end procedure context_find_device

  module procedure context_select
    integer(c_int32_t) :: code, asked, found

    asked = SPORKLE_DEVICE_AUTO
    if (present(device)) asked = int(device, c_int32_t)
    found = SPORKLE_DEVICE_AUTO
    code = sporkle_conv2d_select(self%handle_, asked, problem%raw(), found)
    if (code == SPORKLE_OK) chosen = int(found)
    call conclude(self, code, stat, errmsg)
  end procedure context_select
end submodule sporkle_contexts_devices
