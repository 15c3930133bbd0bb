// All conv2d kernels, compiled as one: a code object has one copy of what the
// compiler adds to each translation unit.
#include "backends/amdgpu/kernels/conv_1x1.cl"
#include "backends/amdgpu/kernels/conv_3x3.cl"
#include "backends/amdgpu/kernels/conv_general.cl"
