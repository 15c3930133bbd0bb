! gl_constants: every function of GLFW. Without a display GLFW refuses; with one
! it makes a window's context current, which gpu_init then leaves alone.
! SPDX-License-Identifier: MIT
program test_compat_glfw
  use, intrinsic :: iso_c_binding
  use kinds, only: dp, sp
  use compat_check, only: check, close_to, fill, finish, mark, oracle, untouched
  use gl_constants
  use gpu_opengl_interface, only: gpu_cleanup, gpu_execute_conv2d_ref, gpu_get_program_id, gpu_init
  implicit none
  integer(c_int), parameter :: GL_CONTEXT_PROFILE_MASK = int(z'9126', c_int)
  character(len=64) :: display
  type(c_ptr) :: window
  integer(c_int) :: ignored
  interface
    integer(c_int) function fedisableexcept(traps) bind(C)
      import :: c_int
      integer(c_int), value :: traps
    end function fedisableexcept
  end interface

  ! The driver runs on this thread, and Mesa's divides by zero.
  ignored = fedisableexcept(-1_c_int)
  call check(GLFW_CONTEXT_VERSION_MAJOR == 139266 .and. GLFW_CONTEXT_VERSION_MINOR == 139267 .and. &
    GLFW_OPENGL_PROFILE == 139272 .and. GLFW_OPENGL_CORE_PROFILE == 204801 .and. &
    GLFW_VISIBLE == 131076 .and. GLFW_FALSE == 0, "the values of GLFW's constants")
  call get_environment_variable("DISPLAY", display)
  if (len_trim(display) == 0) then
    call refused()
    call finish("GLFW without a display")
  else
    call windows()
    call finish("GLFW with a display")
  end if

contains

  subroutine refused()
    call check(glfwInit() == GLFW_FALSE, "glfwInit refuses")
    call glfwWindowHint(GLFW_VISIBLE, GLFW_FALSE)
    window = glfwCreateWindow(64_c_int, 64_c_int, "none" // c_null_char, c_null_ptr, c_null_ptr)
    call check(.not. c_associated(window), "glfwCreateWindow refuses")
    call glfwTerminate()
  end subroutine refused

  subroutine windows()
    integer(c_int) :: major, minor, profile
    call check(glfwInit() /= GLFW_FALSE, "glfwInit")
    call check(.not. c_associated(window_of(9_c_int, 9_c_int)), "no context of OpenGL 9.9")
    window = window_of(4_c_int, 3_c_int)
    call check(c_associated(window), "glfwCreateWindow")
    if (.not. c_associated(window)) return
    call glfwMakeContextCurrent(window)
    major = 0
    minor = 0
    profile = 0
    call glGetIntegerv(GL_MAJOR_VERSION, major)
    call glGetIntegerv(GL_MINOR_VERSION, minor)
    call glGetIntegerv(GL_CONTEXT_PROFILE_MASK, profile)
    call check(10 * major + minor >= 43 .and. profile == 1, "a core context of 4.3 is current")
    call beside_the_library()
    call glfwMakeContextCurrent(c_null_ptr)
    call glfwDestroyWindow(window)
    call glfwTerminate()
    call check(.not. c_associated(window_of(4_c_int, 3_c_int)), "nothing after glfwTerminate")
  end subroutine windows

  function window_of(major, minor) result(made)
    integer(c_int), intent(in) :: major, minor
    type(c_ptr) :: made
    call glfwWindowHint(GLFW_CONTEXT_VERSION_MAJOR, major)
    call glfwWindowHint(GLFW_CONTEXT_VERSION_MINOR, minor)
    call glfwWindowHint(GLFW_OPENGL_PROFILE, GLFW_OPENGL_CORE_PROFILE)
    call glfwWindowHint(GLFW_VISIBLE, GLFW_FALSE)
    made = glfwCreateWindow(64_c_int, 64_c_int, "compat" // c_null_char, c_null_ptr, c_null_ptr)
  end function window_of

  ! The window's context stays current, so there are no names of the library's
  ! share group; convolutions are right all the same.
  subroutine beside_the_library()
    integer, parameter :: N = 1, C = 3, H = 9, W = 8, K = 4, ks = 3
    real(sp), target :: x(N * C * H * W), weights(K * C * ks * ks), y(N * K * H * W)
    real(sp) :: time_ms
    integer(c_int) :: name
    logical :: gpu
    gpu = gpu_init()
    call check(gpu_get_program_id() == 0, "no names while the window's context is current")
    call fill(x, 41)
    call fill(weights, 42)
    y = mark
    time_ms = gpu_execute_conv2d_ref(x, weights, y, N, C, H, W, K, ks, 1, 1, H, W)
    if (gpu) then
      call check(time_ms > 0.0_sp .and. close_to(y, oracle(x, weights, N, C, H, W, K, ks, 1, 1)), &
        "a convolution beside the window's context")
    else
      call check(time_ms < 0.0_sp .and. untouched(y), "without a GPU")
    end if
    call gpu_cleanup()
    name = 0
    call glGenBuffers(1_c_int, name)
    call check(name > 0, "the window's context is current still")
    call glDeleteBuffers(1_c_int, name)
  end subroutine beside_the_library
end program test_compat_glfw
