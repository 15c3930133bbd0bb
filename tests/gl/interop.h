// Groups of gl_interop: each returns the number of tests that failed.
#pragma once

#include "gl/own_gl.h"

// A context with the OpenGL device under test, and the program's own functions.
void interop_open(World *world);

int interop_misuse(void);
int interop_threads(void);
int interop_fork(void);
int interop_lost(void);
int interop_exit(void);
