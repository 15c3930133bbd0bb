! Interfaces of OpenGL: shaders, programs, uniforms and dispatch.
! SPDX-License-Identifier: MIT
module sporkle_compat_gl_programs
  use, intrinsic :: iso_c_binding
  implicit none
  public

  interface
    subroutine glAttachShader(program, shader) bind(C, name="glAttachShader")
      import :: c_int
      integer(c_int), value :: program, shader
    end subroutine
    subroutine glCompileShader(shader) bind(C, name="glCompileShader")
      import :: c_int
      integer(c_int), value :: shader
    end subroutine
    function glCreateProgram() bind(C, name="glCreateProgram") result(value)
      import :: c_int
      integer(c_int) :: value
    end function
    function glCreateShader(shader_type) bind(C, name="glCreateShader") result(value)
      import :: c_int
      integer(c_int), value :: shader_type
      integer(c_int) :: value
    end function
    subroutine glDeleteProgram(program) bind(C, name="glDeleteProgram")
      import :: c_int
      integer(c_int), value :: program
    end subroutine
    subroutine glDeleteShader(shader) bind(C, name="glDeleteShader")
      import :: c_int
      integer(c_int), value :: shader
    end subroutine
    subroutine glDispatchCompute(num_groups_x, num_groups_y, num_groups_z) &
        bind(C, name="glDispatchCompute")
      import :: c_int
      integer(c_int), value :: num_groups_x, num_groups_y, num_groups_z
    end subroutine
    subroutine glGetProgramInfoLog(program, bufSize, length, infoLog) &
        bind(C, name="glGetProgramInfoLog")
      import :: c_int, c_ptr
      integer(c_int), value :: program, bufSize
      type(c_ptr), value :: length, infoLog
    end subroutine
    subroutine glGetProgramiv(program, pname, params) bind(C, name="glGetProgramiv")
      import :: c_int
      integer(c_int), value :: program, pname
      integer(c_int), intent(out) :: params
    end subroutine
    subroutine glGetShaderInfoLog(shader, bufSize, length, infoLog) &
        bind(C, name="glGetShaderInfoLog")
      import :: c_int, c_ptr
      integer(c_int), value :: shader, bufSize
      type(c_ptr), value :: length, infoLog
    end subroutine
    subroutine glGetShaderiv(shader, pname, params) bind(C, name="glGetShaderiv")
      import :: c_int
      integer(c_int), value :: shader, pname
      integer(c_int), intent(out) :: params
    end subroutine
    function glGetUniformLocation(program, name) &
        bind(C, name="glGetUniformLocation") result(value)
      import :: c_char, c_int
      integer(c_int), value :: program
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int) :: value
    end function
    subroutine glLinkProgram(program) bind(C, name="glLinkProgram")
      import :: c_int
      integer(c_int), value :: program
    end subroutine
    subroutine glShaderSource(shader, count, string, length) bind(C, name="glShaderSource")
      import :: c_int, c_ptr
      integer(c_int), value :: shader, count
      type(c_ptr), intent(in) :: string
      type(c_ptr), value :: length
    end subroutine
    subroutine glUniform1f(location, v0) bind(C, name="glUniform1f")
      import :: c_float, c_int
      integer(c_int), value :: location
      real(c_float), value :: v0
    end subroutine
    subroutine glUniform1i(location, v0) bind(C, name="glUniform1i")
      import :: c_int
      integer(c_int), value :: location, v0
    end subroutine
    subroutine glUniform1iv(location, count, value) bind(C, name="glUniform1iv")
      import :: c_int
      integer(c_int), value :: location, count
      integer(c_int), intent(in) :: value(*)
    end subroutine
    subroutine glUniform2i(location, v0, v1) bind(C, name="glUniform2i")
      import :: c_int
      integer(c_int), value :: location, v0, v1
    end subroutine
    subroutine glUniform3i(location, v0, v1, v2) bind(C, name="glUniform3i")
      import :: c_int
      integer(c_int), value :: location, v0, v1, v2
    end subroutine
    subroutine glUniform4i(location, v0, v1, v2, v3) bind(C, name="glUniform4i")
      import :: c_int
      integer(c_int), value :: location, v0, v1, v2, v3
    end subroutine
    subroutine glUniform4iv(location, count, value) bind(C, name="glUniform4iv")
      import :: c_int
      integer(c_int), value :: location, count
      integer(c_int), intent(in) :: value(*)
    end subroutine
    subroutine glUseProgram(program) bind(C, name="glUseProgram")
      import :: c_int
      integer(c_int), value :: program
    end subroutine
  end interface
end module sporkle_compat_gl_programs
