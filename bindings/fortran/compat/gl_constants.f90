! Constants of OpenGL and GLFW, and their functions, for programs that issue
! gl* calls themselves. Such a program links libOpenGL (and glfw) itself;
! nothing here refers to them until it does.
! SPDX-License-Identifier: MIT
module gl_constants
  use, intrinsic :: iso_c_binding
  use sporkle_compat_gl_buffers
  use sporkle_compat_gl_programs
  use sporkle_compat_glfw
  implicit none

  integer(c_int), parameter :: GL_COMPUTE_SHADER = int(z'91B9', c_int)
  integer(c_int), parameter :: GL_SHADER_STORAGE_BUFFER = int(z'90D2', c_int)
  integer(c_int), parameter :: GL_SHADER_STORAGE_BARRIER_BIT = int(z'2000', c_int)
  integer(c_int), parameter :: GL_COMPILE_STATUS = int(z'8B81', c_int)
  integer(c_int), parameter :: GL_LINK_STATUS = int(z'8B82', c_int)
  integer(c_int), parameter :: GL_INFO_LOG_LENGTH = int(z'8B84', c_int)
  integer(c_int), parameter :: GL_DYNAMIC_COPY = int(z'88EA', c_int)
  integer(c_int), parameter :: GL_DYNAMIC_DRAW = int(z'88E8', c_int)
  integer(c_int), parameter :: GL_MAJOR_VERSION = int(z'821B', c_int)
  integer(c_int), parameter :: GL_MINOR_VERSION = int(z'821C', c_int)
  integer(c_int), parameter :: GL_TIMESTAMP = int(z'8E28', c_int)
  integer(c_int), parameter :: GL_QUERY_RESULT = int(z'8866', c_int)
  integer(c_int), parameter :: GL_QUERY_RESULT_AVAILABLE = int(z'8867', c_int)
  integer(c_int), parameter :: GLFW_CONTEXT_VERSION_MAJOR = int(z'22002', c_int)
  integer(c_int), parameter :: GLFW_CONTEXT_VERSION_MINOR = int(z'22003', c_int)
  integer(c_int), parameter :: GLFW_OPENGL_PROFILE = int(z'22008', c_int)
  integer(c_int), parameter :: GLFW_OPENGL_CORE_PROFILE = int(z'32001', c_int)
  integer(c_int), parameter :: GLFW_VISIBLE = int(z'20004', c_int)
  integer(c_int), parameter :: GL_FALSE = 0, GL_TRUE = 1, GLFW_FALSE = 0
  integer(c_int), parameter :: GL_PROFILE = GLFW_OPENGL_PROFILE
  integer(c_int), parameter :: GL_CORE_PROFILE = GLFW_OPENGL_CORE_PROFILE
end module gl_constants
