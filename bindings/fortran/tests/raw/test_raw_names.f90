! The functions of sporkle_c, the components of sporkle_api and the list of
! entry points name the same things in the same order.
!   test_raw_names ENTRYPOINTS_DEF SOURCE_FOLDER
! SPDX-License-Identifier: MIT
program test_raw_names
  implicit none
  integer, parameter :: longest = 200
  character(len=64) :: entries(longest), bound(longest), table(longest)
  integer :: entry_count, bound_count, table_count, i
  character(len=1024) :: def, folder
  logical :: failed

  call get_command_argument(1, def)
  call get_command_argument(2, folder)
  entry_count = 0
  bound_count = 0
  table_count = 0
  call collect(trim(def), "SPORKLE_ENTRY(", ")", entries, entry_count)
  call collect(trim(folder) // "/sporkle_c_context.f90", 'bind(C, name="sporkle_', '"', bound, &
               bound_count)
  call collect(trim(folder) // "/sporkle_c_conv2d.f90", 'bind(C, name="sporkle_', '"', bound, &
               bound_count)
  call collect(trim(folder) // "/sporkle_c_async.f90", 'bind(C, name="sporkle_', '"', bound, &
               bound_count)
  call collect(trim(folder) // "/sporkle_c_gl.f90", 'bind(C, name="sporkle_', '"', bound, &
               bound_count)
  call collect(trim(folder) // "/sporkle_c_pm4.f90", 'bind(C, name="sporkle_', '"', bound, &
               bound_count)
  call collect(trim(folder) // "/sporkle_c_table.f90", "type(c_funptr) :: ", " ", table, &
               table_count)

  failed = entry_count == 0 .or. bound_count /= entry_count + 1 .or. table_count /= entry_count
  if (failed) print "(a,3(1x,i0))", "counts differ:", entry_count, bound_count, table_count
  do i = 1, min(entry_count, bound_count, table_count)
    if (bound(i) == entries(i) .and. table(i) == entries(i)) cycle
    print "(a,i0,6(1x,a))", "entry ", i, trim(entries(i)), "bound", trim(bound(i)), "table", &
      trim(table(i))
    failed = .true.
  end do
  if (bound(bound_count) /= "get_api") failed = .true.
  print "(i0,a)", entry_count, " entry points are bound by their names, in order"
  if (failed) stop 1

contains

  subroutine collect(path, before, after, names, count)
    character(len=*), intent(in) :: path, before, after
    character(len=64), intent(inout) :: names(:)
    integer, intent(inout) :: count
    character(len=512) :: line
    integer :: unit, stat, first, last

    open (newunit=unit, file=path, status="old", action="read", iostat=stat)
    do while (stat == 0)
      read (unit, "(a)", iostat=stat) line
      if (stat /= 0) exit
      first = index(line, before)
      if (first == 0) cycle
      first = first + len(before)
      last = first + index(line(first:), after) - 2
      count = count + 1
      names(count) = line(first:last)
    end do
    if (count == 0) print "(2a)", "nothing read from ", path
    close (unit)
  end subroutine collect
end program test_raw_names
