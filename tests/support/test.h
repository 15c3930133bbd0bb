// CMocka with the headers it needs, and the library.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sporkle.h"

// A sanitizer keeps freed memory and calls what is alive at exit a leak.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SANITIZED true
#else
#define TEST_SANITIZED false
#endif

// The thread sanitizer supports no thread in a forked child.
#if defined(__SANITIZE_THREAD__)
#define TEST_THREADS_AFTER_FORK false
#define TEST_SEES_RACES true
#else
#define TEST_THREADS_AFTER_FORK true
#define TEST_SEES_RACES false
#endif

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
