! Interfaces of OpenGL: buffers, queries and state.
! SPDX-License-Identifier: MIT
module sporkle_compat_gl_buffers
  use, intrinsic :: iso_c_binding
  implicit none
  public

  interface
    subroutine glBindBuffer(target, buffer) bind(C, name="glBindBuffer")
      import :: c_int
      integer(c_int), value :: target, buffer
    end subroutine
    subroutine glBindBufferBase(target, index, buffer) bind(C, name="glBindBufferBase")
      import :: c_int
      integer(c_int), value :: target, index, buffer
    end subroutine
    subroutine glBufferData(target, size, data, usage) bind(C, name="glBufferData")
      import :: c_int, c_ptr, c_size_t
      integer(c_int), value :: target
      integer(c_size_t), value :: size
      type(c_ptr), value :: data
      integer(c_int), value :: usage
    end subroutine
    subroutine glBufferSubData(target, offset, size, data) bind(C, name="glBufferSubData")
      import :: c_int, c_intptr_t, c_ptr, c_size_t
      integer(c_int), value :: target
      integer(c_intptr_t), value :: offset
      integer(c_size_t), value :: size
      type(c_ptr), value :: data
    end subroutine
    subroutine glDeleteBuffers(n, buffers) bind(C, name="glDeleteBuffers")
      import :: c_int
      integer(c_int), value :: n
      integer(c_int), intent(in) :: buffers
    end subroutine
    subroutine glDeleteQueries(n, ids) bind(C, name="glDeleteQueries")
      import :: c_int
      integer(c_int), value :: n
      integer(c_int), intent(in) :: ids(*)
    end subroutine
    subroutine glFinish() bind(C, name="glFinish")
    end subroutine
    subroutine glGenBuffers(n, buffers) bind(C, name="glGenBuffers")
      import :: c_int
      integer(c_int), value :: n
      integer(c_int), intent(out) :: buffers
    end subroutine
    subroutine glGenQueries(n, ids) bind(C, name="glGenQueries")
      import :: c_int
      integer(c_int), value :: n
      integer(c_int), intent(out) :: ids(*)
    end subroutine
    subroutine glGetBufferSubData(target, offset, size, data) bind(C, name="glGetBufferSubData")
      import :: c_int, c_intptr_t, c_ptr, c_size_t
      integer(c_int), value :: target
      integer(c_intptr_t), value :: offset
      integer(c_size_t), value :: size
      type(c_ptr), value :: data
    end subroutine
    subroutine glGetIntegerv(pname, params) bind(C, name="glGetIntegerv")
      import :: c_int
      integer(c_int), value :: pname
      integer(c_int), intent(out) :: params
    end subroutine
    subroutine glGetQueryObjecti64v(id, pname, params) bind(C, name="glGetQueryObjecti64v")
      import :: c_int, c_int64_t
      integer(c_int), value :: id, pname
      integer(c_int64_t), intent(out) :: params
    end subroutine
    subroutine glGetQueryObjectiv(id, pname, params) bind(C, name="glGetQueryObjectiv")
      import :: c_int
      integer(c_int), value :: id, pname
      integer(c_int), intent(out) :: params
    end subroutine
    subroutine glGetQueryObjectui64v(id, pname, params) bind(C, name="glGetQueryObjectui64v")
      import :: c_int, c_int64_t
      integer(c_int), value :: id, pname
      integer(c_int64_t), intent(out) :: params
    end subroutine
    subroutine glMemoryBarrier(barriers) bind(C, name="glMemoryBarrier")
      import :: c_int
      integer(c_int), value :: barriers
    end subroutine
    subroutine glQueryCounter(id, target) bind(C, name="glQueryCounter")
      import :: c_int
      integer(c_int), value :: id, target
    end subroutine
  end interface
end module sporkle_compat_gl_buffers
