! gl_constants: every function of OpenGL, in the context that gpu_init makes
! current, against values computed here.
! SPDX-License-Identifier: MIT
program test_compat_gl_calls
  use, intrinsic :: iso_c_binding
  use kinds, only: sp
  use compat_check, only: check, finish
  use gl_constants
  use gpu_opengl_interface, only: gpu_cleanup, gpu_get_program_id, gpu_init
  implicit none
  character, parameter :: nl = achar(10)
  integer, parameter :: values = 19
  integer(c_int) :: program, names(2)
  external :: skip_without_device
  interface
    integer(c_int) function fedisableexcept(traps) bind(C)
      import :: c_int
      integer(c_int), value :: traps
    end function fedisableexcept
  end interface

  ! The driver runs on this thread, and NVIDIA's compiler divides by zero.
  program = fedisableexcept(-1_c_int)
  call skip_without_device()
  call check(gpu_init(), "gpu_init")
  call check(gpu_get_program_id() > 0, "a context of the library is current")
  call state()
  call broken_shader()
  call broken_program()
  program = built_program()
  call buffers()
  call uniforms()
  call queries()
  call glDeleteBuffers(1_c_int, names(1))
  call glDeleteBuffers(1_c_int, names(2))
  call glUseProgram(0_c_int)
  call glDeleteProgram(program)
  call gpu_cleanup()
  call finish("the gl* functions of gl_constants")

contains

  subroutine state()
    integer(c_int) :: major, minor
    call glGetIntegerv(GL_MAJOR_VERSION, major)
    call glGetIntegerv(GL_MINOR_VERSION, minor)
    call check(10 * major + minor >= 45 .and. 10 * major + minor < 60, "glGetIntegerv: version")
  end subroutine state

  ! The compiler refuses, says why, and the log is as long as it says.
  subroutine broken_shader()
    integer(c_int) :: shader, status, length
    integer(c_int), target :: written
    character(kind=c_char), target :: log(2000)
    shader = shader_of("#version 430 core" // nl // "void main() { nonsense; }" // nl)
    call check(shader > 0, "glCreateShader")
    status = GL_TRUE
    call glGetShaderiv(shader, GL_COMPILE_STATUS, status)
    call check(status == GL_FALSE, "glCompileShader refuses a broken source")
    call glGetShaderiv(shader, GL_INFO_LOG_LENGTH, length)
    call glGetShaderInfoLog(shader, size(log, kind=c_int), c_loc(written), c_loc(log))
    call check(length > 1 .and. written > 0 .and. written < length, "glGetShaderInfoLog: length")
    call check(index(text_of(log, written), "nonsense") > 0, "and it names what is wrong")
    call glDeleteShader(shader)
  end subroutine broken_shader

  ! Without a compute shader that compiled there is nothing to link.
  subroutine broken_program()
    integer(c_int) :: shader, bad, status, length
    integer(c_int), target :: written
    character(kind=c_char), target :: log(2000)
    shader = shader_of("#version 430 core" // nl // "void main() { nonsense; }" // nl)
    bad = glCreateProgram()
    call glAttachShader(bad, shader)
    call glLinkProgram(bad)
    status = GL_TRUE
    call glGetProgramiv(bad, GL_LINK_STATUS, status)
    call check(status == GL_FALSE, "glLinkProgram refuses")
    call glGetProgramiv(bad, GL_INFO_LOG_LENGTH, length)
    call glGetProgramInfoLog(bad, size(log, kind=c_int), c_loc(written), c_loc(log))
    call check(length > 1 .and. written > 0 .and. written < length, "glGetProgramInfoLog")
    call glDeleteShader(shader)
    call glDeleteProgram(bad)
  end subroutine broken_program

  ! Writes each uniform, in turn, and then what the other buffer holds.
  integer(c_int) function built_program() result(built)
    integer(c_int) :: shader, status
    shader = shader_of("#version 430 core" // nl // "layout(local_size_x = 1) in;" // nl // &
      "uniform float f; uniform int one; uniform int three[3];" // nl // &
      "uniform ivec2 i2; uniform ivec3 i3; uniform ivec4 i4; uniform ivec4 two[1];" // nl // &
      "layout(std430, binding = 0) buffer A { float a[]; };" // nl // &
      "layout(std430, binding = 1) readonly buffer B { float b[]; };" // nl // &
      "void main() {" // nl // &
      "  if (gl_WorkGroupID.x != 0u) { a[18] += 0.0; return; }" // nl // &
      "  a[0] = f; a[1] = float(one);" // nl // &
      "  for (int i = 0; i < 3; i++) { a[2 + i] = float(three[i]); a[7 + i] = float(i3[i]); }" // &
      nl // "  for (int i = 0; i < 2; i++) a[5 + i] = float(i2[i]);" // nl // &
      "  for (int i = 0; i < 4; i++) { a[10 + i] = float(i4[i]); a[14 + i] = float(two[0][i]); }" &
      // nl // "  a[18] = b[0] + b[3];" // nl // "}" // nl)
    status = GL_FALSE
    call glGetShaderiv(shader, GL_COMPILE_STATUS, status)
    call check(status == GL_TRUE, "a right source compiles")
    built = glCreateProgram()
    call check(built > 0, "glCreateProgram")
    call glAttachShader(built, shader)
    call glLinkProgram(built)
    call glDeleteShader(shader)
    status = GL_FALSE
    call glGetProgramiv(built, GL_LINK_STATUS, status)
    call check(status == GL_TRUE, "a right program links")
  end function built_program

  subroutine buffers()
    real(sp), target :: whole(4), part(2), back(4)
    integer :: i
    do i = 1, 2
      names(i) = 0
      call glGenBuffers(1_c_int, names(i))
    end do
    call check(all(names > 0) .and. names(1) /= names(2), "glGenBuffers")
    whole = [1.0_sp, 2.0_sp, 3.0_sp, 4.0_sp]
    part = [7.0_sp, 9.0_sp]
    call glBindBuffer(GL_SHADER_STORAGE_BUFFER, names(2))
    call glBufferData(GL_SHADER_STORAGE_BUFFER, 16_c_size_t, c_loc(whole), GL_DYNAMIC_COPY)
    call glBufferSubData(GL_SHADER_STORAGE_BUFFER, 8_c_intptr_t, 8_c_size_t, c_loc(part))
    back = 0.0_sp
    call glGetBufferSubData(GL_SHADER_STORAGE_BUFFER, 0_c_intptr_t, 16_c_size_t, c_loc(back))
    call check(all(nint(back) == [1, 2, 7, 9]), "glBufferData, glBufferSubData and back")
    call glBindBufferBase(GL_SHADER_STORAGE_BUFFER, 1_c_int, names(2))
  end subroutine buffers

  subroutine uniforms()
    real(sp), target :: back(values)
    integer :: i
    call glUseProgram(program)
    call check(at("nowhere") == -1 .and. at("f") >= 0 .and. at("f") /= at("one"), &
      "glGetUniformLocation")
    call glUniform1f(at("f"), 0.5_c_float)
    call glUniform1i(at("one"), -3_c_int)
    call glUniform1iv(at("three"), 3_c_int, [11_c_int, 12_c_int, 13_c_int])
    call glUniform2i(at("i2"), 21_c_int, 22_c_int)
    call glUniform3i(at("i3"), 31_c_int, 32_c_int, 33_c_int)
    call glUniform4i(at("i4"), 41_c_int, 42_c_int, 43_c_int, 44_c_int)
    call glUniform4iv(at("two"), 1_c_int, [51_c_int, 52_c_int, 53_c_int, 54_c_int])
    back = -1.0_sp
    call glBindBuffer(GL_SHADER_STORAGE_BUFFER, names(1))
    call glBufferData(GL_SHADER_STORAGE_BUFFER, 4_c_size_t * values, c_loc(back), GL_DYNAMIC_DRAW)
    call glBindBufferBase(GL_SHADER_STORAGE_BUFFER, 0_c_int, names(1))
    call glDispatchCompute(1_c_int, 1_c_int, 1_c_int)
    call glMemoryBarrier(GL_SHADER_STORAGE_BARRIER_BIT)
    call glFinish()
    call glGetBufferSubData(GL_SHADER_STORAGE_BUFFER, 0_c_intptr_t, 4_c_size_t * values, c_loc(back))
    call check(all(nint(2.0_sp * back) == [1, -6, (2 * i, i = 11, 13), 42, 44, &
      (2 * i, i = 31, 33), (2 * i, i = 41, 44), (2 * i, i = 51, 54), 20]), &
      "uniforms and buffers as the shader sees them")
  end subroutine uniforms

  ! Two time stamps around a dispatch: available, in order, the same by each call.
  subroutine queries()
    integer(c_int) :: ids(2), available
    integer(c_int64_t) :: first, second, unsigned
    integer :: i
    ids = 0
    call glGenQueries(2_c_int, ids)
    call check(all(ids > 0) .and. ids(1) /= ids(2), "glGenQueries")
    call glQueryCounter(ids(1), GL_TIMESTAMP)
    call glDispatchCompute(1_c_int, 1_c_int, 1_c_int)
    call glQueryCounter(ids(2), GL_TIMESTAMP)
    call glFinish()
    available = GL_FALSE
    do i = 1, 100000000
      call glGetQueryObjectiv(ids(2), GL_QUERY_RESULT_AVAILABLE, available)
      if (available == GL_TRUE) exit
    end do
    call check(available == GL_TRUE, "glGetQueryObjectiv: the result becomes available")
    call glGetQueryObjecti64v(ids(1), GL_QUERY_RESULT, first)
    call glGetQueryObjecti64v(ids(2), GL_QUERY_RESULT, second)
    call glGetQueryObjectui64v(ids(2), GL_QUERY_RESULT, unsigned)
    call check(first > 0 .and. second >= first .and. second - first < 60000000000_c_int64_t, &
      "glQueryCounter: the clock goes on")
    call check(unsigned == second, "glGetQueryObjectui64v says the same")
    call glDeleteQueries(2_c_int, ids)
  end subroutine queries

  integer(c_int) function shader_of(source) result(shader)
    character(len=*), intent(in) :: source
    character(kind=c_char, len=len(source) + 1), target :: text
    type(c_ptr) :: line
    text = source // c_null_char
    line = c_loc(text)
    shader = glCreateShader(GL_COMPUTE_SHADER)
    call glShaderSource(shader, 1_c_int, line, c_null_ptr)
    call glCompileShader(shader)
  end function shader_of

  integer(c_int) function at(name)
    character(len=*), intent(in) :: name
    at = glGetUniformLocation(program, name // c_null_char)
  end function at

  function text_of(log, count) result(text)
    character(kind=c_char), intent(in) :: log(:)
    integer(c_int), intent(in) :: count
    character(len=count) :: text
    integer :: i
    do i = 1, count
      text(i:i) = log(i)
    end do
  end function text_of
end program test_compat_gl_calls
