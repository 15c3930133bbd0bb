// The implementation part of the generated OpenGL header.
#define GLAD_GL_IMPLEMENTATION
#include <glad/gl.h>
