#define GLAD_GL_IMPLEMENTATION
#define GLAD_EGL_IMPLEMENTATION
#include <glad/gl.h>
#include <glad/egl.h>
