! Interfaces of GLFW.
! SPDX-License-Identifier: MIT
module sporkle_compat_glfw
  use, intrinsic :: iso_c_binding
  implicit none
  public

  interface
    function glfwCreateWindow(width, height, title, monitor, share) &
        bind(C, name="glfwCreateWindow") result(value)
      import :: c_char, c_int, c_ptr
      integer(c_int), value :: width, height
      character(kind=c_char), intent(in) :: title(*)
      type(c_ptr), value :: monitor, share
      type(c_ptr) :: value
    end function
    subroutine glfwDestroyWindow(window) bind(C, name="glfwDestroyWindow")
      import :: c_ptr
      type(c_ptr), value :: window
    end subroutine
    function glfwInit() bind(C, name="glfwInit") result(value)
      import :: c_int
      integer(c_int) :: value
    end function
    subroutine glfwMakeContextCurrent(window) bind(C, name="glfwMakeContextCurrent")
      import :: c_ptr
      type(c_ptr), value :: window
    end subroutine
    subroutine glfwTerminate() bind(C, name="glfwTerminate")
    end subroutine
    subroutine glfwWindowHint(hint, value) bind(C, name="glfwWindowHint")
      import :: c_int
      integer(c_int), value :: hint, value
    end subroutine
  end interface
end module sporkle_compat_glfw
