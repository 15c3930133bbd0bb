// Facts about the machine for a bug report. Host name, user name and serial
// numbers are left out.
#pragma once

#include <stdio.h>

void platform_print_build(FILE *stream);
void platform_print_system(FILE *stream);     // distribution, kernel, C library
void platform_print_processor(FILE *stream);  // model, features, affinity, cgroup limits
void platform_print_memory(FILE *stream);
void platform_print_graphics(FILE *stream);   // device nodes, vendor files, loader libraries
void platform_print_environment(FILE *stream);
