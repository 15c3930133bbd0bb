! gl_constants: the values, and that the module links without any GL.
! SPDX-License-Identifier: MIT
program test_compat_gl_constants
  use compat_check, only: check, finish
  use gl_constants
  implicit none
  call check(GL_COMPUTE_SHADER == 37305 .and. GL_SHADER_STORAGE_BUFFER == 37074 .and. &
    GL_SHADER_STORAGE_BARRIER_BIT == 8192, "compute")
  call check(GL_COMPILE_STATUS == 35713 .and. GL_LINK_STATUS == 35714 .and. &
    GL_INFO_LOG_LENGTH == 35716, "compile and link")
  call check(GL_DYNAMIC_COPY == 35050 .and. GL_DYNAMIC_DRAW == 35048, "buffer usage")
  call check(GL_MAJOR_VERSION == 33307 .and. GL_MINOR_VERSION == 33308, "version")
  call check(GL_TIMESTAMP == 36392 .and. GL_QUERY_RESULT == 34918 .and. &
    GL_QUERY_RESULT_AVAILABLE == 34919, "queries")
  call check(GL_FALSE == 0 .and. GL_TRUE == 1, "booleans")
  call check(GL_PROFILE == int(z'22008') .and. GL_CORE_PROFILE == int(z'32001'), "profile")
  call finish("gl_constants")
end program test_compat_gl_constants
