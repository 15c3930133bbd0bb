// GLSL bodies of the convolution programs. Each is preceded by the version line,
// the defines of the program and `common`. Beyond GLSL they hold two directives,
// expanded by append_source(): a line `@for v COUNT` repeats the lines up to its
// `@end` with $v replaced by 0 .. COUNT-1. COUNT is a number or one of the
// program's defines. Unrolling by text keeps compilers from unrolling the
// reduction loop as well, and leaves no array that could fall out of registers.
#pragma once

namespace sporkle::gl::shaders {

extern const char common[];
extern const char gemm[];
extern const char igemm[];
extern const char depthwise[];
extern const char direct[];
extern const char spread[];
extern const char stem[];
extern const char fourier_common[];  // before the next two
extern const char fourier_input[];
extern const char fourier_output[];
extern const char winograd_input[];
extern const char winograd_weights[];
extern const char winograd_output[];
extern const char winograd_fused[];
extern const char reduce[];

}  // namespace sporkle::gl::shaders
