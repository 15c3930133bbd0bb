! What a context lists: devices, their properties, settings, and what is not
! usable.
! SPDX-License-Identifier: MIT
module sporkle_devices
  implicit none
  private
  public :: sporkle_device_t, sporkle_property_t, sporkle_option_t, sporkle_unavailable_t

  ! Device numbers start at 0, as in C; device 0 is the CPU.
  type :: sporkle_device_t
    integer :: index = 0
    integer :: kind = 0
    logical :: software = .false.
    logical :: simulated = .false.
    logical :: is_default = .false.
    character(len=32) :: spec = ""
    character(len=128) :: name = ""
    character(len=128) :: driver = ""
  end type sporkle_device_t

  type :: sporkle_property_t
    character(len=48) :: key = ""
    character(len=200) :: value = ""
  end type sporkle_property_t

  type :: sporkle_option_t
    character(len=32) :: name = ""
    character(len=224) :: value = ""
    character(len=16) :: origin = ""
    character(len=224) :: description = ""
  end type sporkle_option_t

  type :: sporkle_unavailable_t
    character(len=32) :: backend = ""
    character(len=32) :: id = ""
    character(len=256) :: reason = ""
    character(len=256) :: cure = ""
  end type sporkle_unavailable_t
end module sporkle_devices
