! What a call costs through C, the raw and the friendly module, in nanoseconds:
! a poll of a signalled fence, a conv2d refused for its problem, and one refused
! for its device. C and Fortran loops alternate; the median of the rounds counts.
! SPDX-License-Identifier: MIT
program bench_overhead
  use, intrinsic :: iso_c_binding
  use sporkle
  use sporkle_c, only: sporkle_conv2d, sporkle_conv2d_desc, sporkle_fence_poll
  implicit none

  interface
    function bench_now() bind(C) result(ns)
      import :: c_double
      real(c_double) :: ns
    end function
    function bench_poll(fence, count) bind(C) result(ns)
      import :: c_double, c_int64_t, c_ptr
      type(c_ptr), value :: fence
      integer(c_int64_t), value :: count
      real(c_double) :: ns
    end function
    function bench_refused(context, device, desc, input, weights, output, count) bind(C) result(ns)
      import :: c_double, c_int32_t, c_int64_t, c_ptr, sporkle_conv2d_desc
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device
      type(sporkle_conv2d_desc), intent(in) :: desc
      type(c_ptr), value :: input, weights, output
      integer(c_int64_t), value :: count
      real(c_double) :: ns
    end function
  end interface

  integer, parameter :: rounds = 31
  integer(c_int64_t), parameter :: count = 200000
  type(sporkle_context_t) :: context
  type(sporkle_fence_t) :: fence
  type(sporkle_problem_t) :: good, bad
  real(real32), target :: x(8, 8, 2, 1), weights(3, 3, 2, 4), y(6, 6, 4, 1)
  real(c_double) :: c(rounds), raw(rounds), fortran(rounds)
  integer :: i

  x = 1
  weights = 1
  call context%create()
  call fence%insert(context)
  call fence%wait()
  good = sporkle_problem(n=1, c=2, h=8, w=8, k=4, kernel=3)
  bad = good
  bad%stride_h = 0

  do i = 1, rounds
    c(i) = bench_poll(fence%handle(), count)
    raw(i) = poll_raw()
    fortran(i) = poll_friendly()
  end do
  call report("poll")
  do i = 1, rounds
    c(i) = bench_refused(context%handle(), SPORKLE_DEVICE_AUTO, bad%raw(), c_loc(x), &
                         c_loc(weights), c_loc(y), count / 10)
    raw(i) = refused_raw(bad%raw(), SPORKLE_DEVICE_AUTO)
    fortran(i) = refused_friendly(bad, int(SPORKLE_DEVICE_AUTO))
  end do
  call report("conv2d refused, problem")
  do i = 1, rounds
    c(i) = bench_refused(context%handle(), 99, good%raw(), c_loc(x), c_loc(weights), c_loc(y), &
                         count / 10)
    raw(i) = refused_raw(good%raw(), 99_c_int32_t)
    fortran(i) = refused_friendly(good, 99)
  end do
  call report("conv2d refused, device")
  call fence%destroy()
  call context%destroy()

contains

  function poll_raw() result(ns)
    real(c_double) :: ns, start
    type(c_ptr) :: handle
    integer(c_int64_t) :: j
    integer :: wrong

    handle = fence%handle()
    wrong = 0
    start = bench_now()
    do j = 1, count
      if (sporkle_fence_poll(handle) /= SPORKLE_OK) wrong = wrong + 1
    end do
    ns = (bench_now() - start) / count
    if (wrong /= 0) ns = -1
  end function poll_raw

  function refused_raw(desc, device) result(ns)
    type(sporkle_conv2d_desc), intent(in) :: desc
    integer(c_int32_t), intent(in) :: device
    real(c_double) :: ns, start
    type(c_ptr) :: handle
    integer(c_int64_t) :: j
    integer :: wrong

    handle = context%handle()
    wrong = 0
    start = bench_now()
    do j = 1, count / 10
      if (sporkle_conv2d(handle, device, desc, c_loc(x), c_loc(weights), c_null_ptr, c_null_ptr, &
                         c_loc(y)) >= 0) wrong = wrong + 1
    end do
    ns = (bench_now() - start) / (count / 10)
    if (wrong /= 0) ns = -1
  end function refused_raw

  function poll_friendly() result(ns)
    real(c_double) :: ns, start
    integer(c_int64_t) :: j
    integer :: wrong

    wrong = 0
    start = bench_now()
    do j = 1, count
      if (fence%poll() /= SPORKLE_OK) wrong = wrong + 1
    end do
    ns = (bench_now() - start) / count
    if (wrong /= 0) ns = -1
  end function poll_friendly

  function refused_friendly(problem, device) result(ns)
    type(sporkle_problem_t), intent(in) :: problem
    integer, intent(in) :: device
    real(c_double) :: ns, start
    integer(c_int64_t) :: j
    integer :: stat, wrong

    wrong = 0
    start = bench_now()
    do j = 1, count / 10
      call context%conv2d(x, weights, y, problem=problem, device=device, stat=stat)
      if (stat >= 0) wrong = wrong + 1
    end do
    ns = (bench_now() - start) / (count / 10)
    if (wrong /= 0) ns = -1
  end function refused_friendly

  subroutine report(what)
    character(len=*), intent(in) :: what

    if (min(minval(c), minval(raw), minval(fortran)) < 0) then
      print "(2a)", what, ": a call did not give the expected status"
      stop 1
    end if
    print "(a,t26,3(a,f0.1),2(a,sp,f0.1))", what, "C ", median(c), " ns, raw ", median(raw), &
      " ns, friendly ", median(fortran), " ns; over C: raw ", median(raw) - median(c), &
      ", friendly ", median(fortran) - median(c)
  end subroutine report

  pure function median(values) result(middle)
    real(c_double), intent(in) :: values(:)
    real(c_double) :: middle, sorted(size(values)), swap
    integer :: i, j

    sorted = values
    do i = 2, size(sorted)
      swap = sorted(i)
      j = i - 1
      do while (j >= 1)
        if (sorted(j) <= swap) exit
        sorted(j + 1) = sorted(j)
        j = j - 1
      end do
      sorted(j + 1) = swap
    end do
    middle = sorted((size(sorted) + 1) / 2)
  end function median
end program bench_overhead
