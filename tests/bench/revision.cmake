# Writes the revision of the sources as a header, for the JSON of benchmarks. Runs with every
# build, because a commit changes no file that is compiled; the header changes with the revision.
#
#   cmake -DSOURCE=DIR -DHEADER=FILE -P revision.cmake
set(revision "unknown")
find_program(git git)
if(git)
  execute_process(COMMAND ${git} describe --always --dirty --abbrev=12 --exclude=*
    WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE found RESULT_VARIABLE failed
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed)
    set(revision ${found})
  endif()
endif()
set(text "#pragma once\n#define BENCH_REVISION \"${revision}\"\n")
set(old "")
if(EXISTS ${HEADER})
  file(READ ${HEADER} old)
endif()
if(NOT text STREQUAL old)
  file(WRITE ${HEADER} ${text})
endif()
