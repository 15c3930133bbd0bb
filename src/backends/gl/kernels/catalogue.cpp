// The variants. Tiles come from measurements listed in docs/gl_kernels.md; a variant is
// kept when it is the best or close to the best for some shape on some device.
#include <cstring>

#include "backends/gl/kernels/geometry.h"

namespace sporkle::gl {
namespace {

constexpr Variant catalogue[] = {
    // name, family, tile, block m n k, thread m n, lanes_m, steps, splits
    {"gemm_64x128x8_8x8_l2_p2", Family::gemm, 0, 64, 128, 8, 8, 8, 2, 2, 1},
    {"gemm_64x128x8_8x8_l2_p4", Family::gemm, 0, 64, 128, 8, 8, 8, 2, 4, 1},
    {"gemm_64x128x8_8x8_l2_p4_k2", Family::gemm, 0, 64, 128, 8, 8, 8, 2, 4, 2},
    {"gemm_64x128x8_8x8_l2_p4_k4", Family::gemm, 0, 64, 128, 8, 8, 8, 2, 4, 4},
    {"gemm_128x128x8_8x8_l4_p2", Family::gemm, 0, 128, 128, 8, 8, 8, 4, 2, 1},
    {"gemm_96x128x12_8x8_l2_p4", Family::gemm, 0, 96, 128, 12, 8, 8, 2, 4, 1},
    {"gemm_32x128x8_8x8_l2_p4", Family::gemm, 0, 32, 128, 8, 8, 8, 2, 4, 1},
    {"gemm_64x64x8_8x8_l4_p4", Family::gemm, 0, 64, 64, 8, 8, 8, 4, 4, 1},
    {"gemm_64x64x8_8x8_l4_p4_k2", Family::gemm, 0, 64, 64, 8, 8, 8, 4, 4, 2},
    {"gemm_64x64x8_8x8_l4_p4_k4", Family::gemm, 0, 64, 64, 8, 8, 8, 4, 4, 4},
    {"gemm_64x64x16_8x4_l4_p2", Family::gemm, 0, 64, 64, 16, 8, 4, 4, 2, 1},
    {"gemm_64x32x16_4x4_l8_p2", Family::gemm, 0, 64, 32, 16, 4, 4, 8, 2, 1},
    {"gemm_64x32x16_4x4_l8_p2_k2", Family::gemm, 0, 64, 32, 16, 4, 4, 8, 2, 2},
    {"gemm_64x32x16_4x4_l8_p2_k4", Family::gemm, 0, 64, 32, 16, 4, 4, 8, 2, 4},
    {"gemm_64x32x16_4x4_l8_p2_k8", Family::gemm, 0, 64, 32, 16, 4, 4, 8, 2, 8},
    {"gemm_32x32x16_4x4_l8_p2", Family::gemm, 0, 32, 32, 16, 4, 4, 8, 2, 1},
    {"gemm_64x96x8_8x8_l8_p4", Family::gemm, 0, 64, 96, 8, 8, 8, 8, 4, 1},
    {"gemm_128x112x8_8x8_l16_p2", Family::gemm, 0, 128, 112, 8, 8, 8, 16, 2, 1},
    {"gemm_64x80x8_8x4_l8_p4", Family::gemm, 0, 64, 80, 8, 8, 4, 8, 4, 1},
    {"gemm_64x112x8_8x4_l8_p4", Family::gemm, 0, 64, 112, 8, 8, 4, 8, 4, 1},
    {"gemm_64x48x8_8x4_l8_p4", Family::gemm, 0, 64, 48, 8, 8, 4, 8, 4, 1},
    {"gemm_128x64x8_8x8_l4_p4", Family::gemm, 0, 128, 64, 8, 8, 8, 4, 4, 1},
    {"pgemm_64x128x8_8x8_l2_p2", Family::pgemm, 0, 64, 128, 8, 8, 8, 2, 2, 1},
    {"pgemm_64x128x8_8x8_l2_p4", Family::pgemm, 0, 64, 128, 8, 8, 8, 2, 4, 1},
    {"pgemm_64x128x8_8x8_l2_p4_k2", Family::pgemm, 0, 64, 128, 8, 8, 8, 2, 4, 2},
    {"pgemm_64x128x8_8x8_l2_p4_k4", Family::pgemm, 0, 64, 128, 8, 8, 8, 2, 4, 4},
    {"pgemm_128x128x8_8x8_l4_p2", Family::pgemm, 0, 128, 128, 8, 8, 8, 4, 2, 1},
    {"pgemm_96x128x12_8x8_l2_p4", Family::pgemm, 0, 96, 128, 12, 8, 8, 2, 4, 1},
    {"pgemm_32x128x8_8x8_l2_p4", Family::pgemm, 0, 32, 128, 8, 8, 8, 2, 4, 1},
    {"pgemm_64x64x8_8x8_l4_p4", Family::pgemm, 0, 64, 64, 8, 8, 8, 4, 4, 1},
    {"pgemm_64x64x8_8x8_l4_p4_k2", Family::pgemm, 0, 64, 64, 8, 8, 8, 4, 4, 2},
    {"pgemm_64x64x8_8x8_l4_p4_k4", Family::pgemm, 0, 64, 64, 8, 8, 8, 4, 4, 4},
    {"pgemm_64x64x8_8x8_l4_p4_k8", Family::pgemm, 0, 64, 64, 8, 8, 8, 4, 4, 8},
    {"pgemm_64x64x16_8x4_l4_p2", Family::pgemm, 0, 64, 64, 16, 8, 4, 4, 2, 1},
    {"pgemm_64x32x16_4x4_l8_p2", Family::pgemm, 0, 64, 32, 16, 4, 4, 8, 2, 1},
    {"pgemm_64x32x16_4x4_l8_p2_k2", Family::pgemm, 0, 64, 32, 16, 4, 4, 8, 2, 2},
    {"pgemm_64x32x16_4x4_l8_p2_k4", Family::pgemm, 0, 64, 32, 16, 4, 4, 8, 2, 4},
    {"pgemm_64x32x16_4x4_l8_p2_k8", Family::pgemm, 0, 64, 32, 16, 4, 4, 8, 2, 8},
    {"pgemm_64x32x16_4x4_l8_p2_k16", Family::pgemm, 0, 64, 32, 16, 4, 4, 8, 2, 16},
    {"pgemm_32x32x16_4x4_l8_p2", Family::pgemm, 0, 32, 32, 16, 4, 4, 8, 2, 1},
    {"pgemm_64x96x8_8x8_l8_p4", Family::pgemm, 0, 64, 96, 8, 8, 8, 8, 4, 1},
    {"pgemm_64x80x8_8x4_l8_p4", Family::pgemm, 0, 64, 80, 8, 8, 4, 8, 4, 1},
    {"pgemm_64x112x8_8x4_l8_p4", Family::pgemm, 0, 64, 112, 8, 8, 4, 8, 4, 1},
    {"pgemm_64x48x8_8x4_l8_p4", Family::pgemm, 0, 64, 48, 8, 8, 4, 8, 4, 1},
    {"pgemm_128x64x8_8x8_l4_p4", Family::pgemm, 0, 128, 64, 8, 8, 8, 4, 4, 1},
    {"pgemm_24x128x12_4x8_l2_p4", Family::pgemm, 0, 24, 128, 12, 4, 8, 2, 4, 1},
    {"pgemm_24x128x12_4x8_l2_p4_k4", Family::pgemm, 0, 24, 128, 12, 4, 8, 2, 4, 4},
    {"pgemm_24x128x12_8x4_l1_p4", Family::pgemm, 0, 24, 128, 12, 8, 4, 1, 4, 1},
    {"pgemm_24x128x12_8x4_l1_p4_k4", Family::pgemm, 0, 24, 128, 12, 8, 4, 1, 4, 4},
    {"pgemm_32x128x8_8x8_l2_p4_k4", Family::pgemm, 0, 32, 128, 8, 8, 8, 2, 4, 4},
    {"pgemm_32x32x16_4x4_l8_p2_k4", Family::pgemm, 0, 32, 32, 16, 4, 4, 8, 2, 4},
    {"pgemm_128x64x8_8x8_l4_p4_k2", Family::pgemm, 0, 128, 64, 8, 8, 8, 4, 4, 2},
    {"pgemm_128x64x8_8x8_l4_p4_k4", Family::pgemm, 0, 128, 64, 8, 8, 8, 4, 4, 4},
    {"pgemm_128x128x8_8x8_l4_p2_k2", Family::pgemm, 0, 128, 128, 8, 8, 8, 4, 2, 2},
    {"igemm_128x64x16_8x4_l2", Family::igemm, 0, 128, 64, 16, 8, 4, 2, 0, 1},
    {"igemm_64x64x16_8x4_l2", Family::igemm, 0, 64, 64, 16, 8, 4, 2, 0, 1},
    {"igemm_64x64x16_8x4_l2_k2", Family::igemm, 0, 64, 64, 16, 8, 4, 2, 0, 2},
    {"igemm_64x64x16_8x4_l2_k4", Family::igemm, 0, 64, 64, 16, 8, 4, 2, 0, 4},
    {"igemm_64x64x16_8x4_l2_k9", Family::igemm, 0, 64, 64, 16, 8, 4, 2, 0, 9},
    {"igemm_64x32x16_4x4_l4", Family::igemm, 0, 64, 32, 16, 4, 4, 4, 0, 1},
    {"igemm_64x32x16_4x4_l4_k4", Family::igemm, 0, 64, 32, 16, 4, 4, 4, 0, 4},
    {"igemm_64x32x16_4x4_l4_k9", Family::igemm, 0, 64, 32, 16, 4, 4, 4, 0, 9},
    {"igemm_64x32x16_4x4_l4_k18", Family::igemm, 0, 64, 32, 16, 4, 4, 4, 0, 18},
    {"igemm_32x64x8_4x4_l2", Family::igemm, 0, 32, 64, 8, 4, 4, 2, 0, 1},
    {"igemm_32x64x16_4x4_l2", Family::igemm, 0, 32, 64, 16, 4, 4, 2, 0, 1},
    {"igemm_32x64x16_4x4_l2_k4", Family::igemm, 0, 32, 64, 16, 4, 4, 2, 0, 4},
    {"igemm_32x64x16_4x4_l2_k8", Family::igemm, 0, 32, 64, 16, 4, 4, 2, 0, 8},
    {"igemm_64x128x16_8x4_l2", Family::igemm, 0, 64, 128, 16, 8, 4, 2, 0, 1},
    {"itable_64x64x16_8x4_l2", Family::itable, 0, 64, 64, 16, 8, 4, 2, 0, 1},
    {"itable_32x64x8_4x4_l2", Family::itable, 0, 32, 64, 8, 4, 4, 2, 0, 1},
    {"direct_1x1", Family::direct, 0, 1, 64, 1, 1, 1, 1, 0, 1},
    {"direct_1x4", Family::direct, 0, 1, 256, 1, 1, 4, 1, 0, 1},
    {"direct_4x4", Family::direct, 0, 4, 256, 1, 4, 4, 1, 0, 1},
    {"direct_8x1", Family::direct, 0, 8, 64, 1, 8, 1, 1, 0, 1},
    {"direct_8x4", Family::direct, 0, 8, 256, 1, 8, 4, 1, 0, 1},
    {"spread_4x32x8_4x1_s1", Family::spread, 0, 4, 32, 8, 4, 1, 1, 1, 1},
    {"spread_8x32x8_8x1_s1", Family::spread, 0, 8, 32, 8, 8, 1, 1, 1, 1},
    {"spread_8x32x8_8x1_s4", Family::spread, 0, 8, 32, 8, 8, 1, 1, 4, 1},
    {"spread_8x32x8_8x1_s8", Family::spread, 0, 8, 32, 8, 8, 1, 1, 8, 1},
    {"spread_8x32x8_8x1_s16", Family::spread, 0, 8, 32, 8, 8, 1, 1, 16, 1},
    {"spread_16x32x4_16x1_s1", Family::spread, 0, 16, 32, 4, 16, 1, 1, 1, 1},
    {"spread_16x32x4_16x1_s4", Family::spread, 0, 16, 32, 4, 16, 1, 1, 4, 1},
    {"spread_16x32x4_16x1_s8", Family::spread, 0, 16, 32, 4, 16, 1, 1, 8, 1},
    {"spread_8x64x4_8x2_s2", Family::spread, 0, 8, 64, 4, 8, 2, 1, 2, 1},
    {"spread_8x64x4_8x2_s8", Family::spread, 0, 8, 64, 4, 8, 2, 1, 8, 1},
    {"spread_8x128x4_8x4_s1", Family::spread, 0, 8, 128, 4, 8, 4, 1, 1, 1},
    {"spread_8x128x4_8x4_s4", Family::spread, 0, 8, 128, 4, 8, 4, 1, 4, 1},
    {"spread_8x128x4_8x4_s8", Family::spread, 0, 8, 128, 4, 8, 4, 1, 8, 1},
    {"spread_16x64x4_16x2_s4", Family::spread, 0, 16, 64, 4, 16, 2, 1, 4, 1},
    {"spread_16x64x4_16x2_s8", Family::spread, 0, 16, 64, 4, 16, 2, 1, 8, 1},
    {"spread_12x64x4_12x2_s2", Family::spread, 0, 12, 64, 4, 12, 2, 1, 2, 1},
    {"spread_12x32x8_12x1_s2", Family::spread, 0, 12, 32, 8, 12, 1, 1, 2, 1},
    {"spread_12x64x8_12x2_s2", Family::spread, 0, 12, 64, 8, 12, 2, 1, 2, 1},
    {"depthwise_2x4", Family::depthwise, 0, 1, 1024, 1, 1, 8, 1, 2, 1},
    {"depthwise_4x4", Family::depthwise, 0, 1, 2048, 1, 1, 16, 1, 4, 1},
    {"depthwise_8x4", Family::depthwise, 0, 1, 4096, 1, 1, 32, 1, 8, 1},
    {"stem_64x128x8_8x4_l4", Family::stem, 0, 64, 128, 8, 8, 4, 4, 0, 1},
    {"stem_32x128x8_4x4_l4", Family::stem, 0, 32, 128, 8, 4, 4, 4, 0, 1},
    {"stem_16x128x8_4x4_l2", Family::stem, 0, 16, 128, 8, 4, 4, 2, 0, 1},
    {"stem_16x128x1_4x4_l2", Family::stem, 0, 16, 128, 1, 4, 4, 2, 0, 1},
    {"stem_64x32x1_4x4_l4", Family::stem, 0, 64, 32, 1, 4, 4, 4, 0, 1},
    {"stem_32x128x1_4x4_l4", Family::stem, 0, 32, 128, 1, 4, 4, 4, 0, 1},
    {"stem_32x128x1_8x4_l4", Family::stem, 0, 32, 128, 1, 8, 4, 4, 0, 1},
    {"w4_64x128x8_8x8_l2_p4", Family::winograd, 4, 64, 128, 8, 8, 8, 2, 4, 1},
    {"w4_64x128x8_8x8_l2_p2", Family::winograd, 4, 64, 128, 8, 8, 8, 2, 2, 1},
    {"w4_64x128x8_8x8_l2_p2_k2", Family::winograd, 4, 64, 128, 8, 8, 8, 2, 2, 2},
    {"w4_128x128x16_8x8_l4_p4", Family::winograd, 4, 128, 128, 16, 8, 8, 4, 4, 1},
    {"w4_128x128x8_8x8_l4_p2", Family::winograd, 4, 128, 128, 8, 8, 8, 4, 2, 1},
    {"w4_96x128x12_8x8_l2_p4", Family::winograd, 4, 96, 128, 12, 8, 8, 2, 4, 1},
    {"w4_32x128x8_8x8_l2_p4", Family::winograd, 4, 32, 128, 8, 8, 8, 2, 4, 1},
    {"w4_64x64x8_8x8_l4_p4", Family::winograd, 4, 64, 64, 8, 8, 8, 4, 4, 1},
    {"w4_64x96x8_8x8_l8_p4", Family::winograd, 4, 64, 96, 8, 8, 8, 8, 4, 1},
    {"w4_64x48x8_8x4_l8_p4", Family::winograd, 4, 64, 48, 8, 8, 4, 8, 4, 1},
    {"w4_64x32x16_4x4_l8_p2", Family::winograd, 4, 64, 32, 16, 4, 4, 8, 2, 1},
    {"w4_64x32x16_4x4_l8_p2_k2", Family::winograd, 4, 64, 32, 16, 4, 4, 8, 2, 2},
    {"w4_24x128x12_4x8_l2_p4", Family::winograd, 4, 24, 128, 12, 4, 8, 2, 4, 1},
    {"w4_24x128x12_8x4_l1_p4", Family::winograd, 4, 24, 128, 12, 8, 4, 1, 4, 1},
    {"w4_32x128x8_8x8_l2_p4_k2", Family::winograd, 4, 32, 128, 8, 8, 8, 2, 4, 2},
    {"w2_64x128x8_8x8_l2_p4", Family::winograd, 2, 64, 128, 8, 8, 8, 2, 4, 1},
    {"w2_32x128x8_8x8_l2_p4", Family::winograd, 2, 32, 128, 8, 8, 8, 2, 4, 1},
    {"w2_64x64x8_8x8_l4_p4", Family::winograd, 2, 64, 64, 8, 8, 8, 4, 4, 1},
    {"w2_64x32x16_4x4_l8_p2", Family::winograd, 2, 64, 32, 16, 4, 4, 8, 2, 1},
    {"w2_64x32x16_4x4_l8_p2_k2", Family::winograd, 2, 64, 32, 16, 4, 4, 8, 2, 2},
    {"w2_128x16x16_4x4_l16_p2_k2", Family::winograd, 2, 128, 16, 16, 4, 4, 16, 2, 2},
    {"w2_128x16x16_4x4_l16_p2_k4", Family::winograd, 2, 128, 16, 16, 4, 4, 16, 2, 4},
    {"w2k5_64x128x8_8x8_l2_p4", Family::winograd, 2, 64, 128, 8, 8, 8, 2, 4, 1, 5},
    {"w2k5_64x128x8_8x8_l2_p4_k2", Family::winograd, 2, 64, 128, 8, 8, 8, 2, 4, 2, 5},
    {"w2k5_128x128x8_8x8_l4_p2", Family::winograd, 2, 128, 128, 8, 8, 8, 4, 2, 1, 5},
    {"w2k5_64x64x8_8x8_l4_p4", Family::winograd, 2, 64, 64, 8, 8, 8, 4, 4, 1, 5},
    {"w2k5_32x128x8_8x8_l2_p4", Family::winograd, 2, 32, 128, 8, 8, 8, 2, 4, 1, 5},
    {"w2k5_24x128x12_4x8_l2_p4", Family::winograd, 2, 24, 128, 12, 4, 8, 2, 4, 1, 5},
    {"w2k5_64x32x16_4x4_l8_p2", Family::winograd, 2, 64, 32, 16, 4, 4, 8, 2, 1, 5},
    {"w2k5_64x32x16_4x4_l8_p2_k2", Family::winograd, 2, 64, 32, 16, 4, 4, 8, 2, 2, 5},
    {"w2_fused_16x24x8_8x4_s2", Family::fused, 2, 16, 24, 8, 8, 4, 1, 2, 1},
    {"w2_fused_16x24x4_8x4_s2", Family::fused, 2, 16, 24, 4, 8, 4, 1, 2, 1},
    {"w2_fused_16x16x8_8x4_s1", Family::fused, 2, 16, 16, 8, 8, 4, 1, 1, 1},
    {"w2_fused_16x32x8_8x4_s1", Family::fused, 2, 16, 32, 8, 8, 4, 1, 1, 1},
    {"w2_fused_32x32x4_8x8_s1", Family::fused, 2, 32, 32, 4, 8, 8, 1, 1, 1},
    {"f16_64x128x8_8x8_l2_p4", Family::fourier, 0, 64, 128, 8, 8, 8, 2, 4, 1},
    {"f16_128x128x8_8x8_l4_p2", Family::fourier, 0, 128, 128, 8, 8, 8, 4, 2, 1},
    {"f16_96x128x12_8x8_l2_p4", Family::fourier, 0, 96, 128, 12, 8, 8, 2, 4, 1},
    {"f16_64x64x8_8x8_l4_p4", Family::fourier, 0, 64, 64, 8, 8, 8, 4, 4, 1},
    {"f16_32x128x8_8x8_l2_p4", Family::fourier, 0, 32, 128, 8, 8, 8, 2, 4, 1},
    {"f16_24x128x12_4x8_l2_p4", Family::fourier, 0, 24, 128, 12, 4, 8, 2, 4, 1},
    {"f16_64x32x16_4x4_l8_p2", Family::fourier, 0, 64, 32, 16, 4, 4, 8, 2, 1},
    {"w3k4_64x128x8_8x8_l2_p4", Family::winograd, 3, 64, 128, 8, 8, 8, 2, 4, 1, 4},
    {"w3k4_128x128x8_8x8_l4_p2", Family::winograd, 3, 128, 128, 8, 8, 8, 4, 2, 1, 4},
    {"w3k4_64x64x8_8x8_l4_p4", Family::winograd, 3, 64, 64, 8, 8, 8, 4, 4, 1, 4},
    {"w3k4_32x128x8_8x8_l2_p4", Family::winograd, 3, 32, 128, 8, 8, 8, 2, 4, 1, 4},
    {"w3k4_64x32x16_4x4_l8_p2", Family::winograd, 3, 64, 32, 16, 4, 4, 8, 2, 1, 4},
};

// What the shaders take for granted about a variant.
constexpr bool well_formed(const Variant& v) {
  if (v.family == Family::depthwise)
    return v.block_m == 1 && v.block_n % v.thread_n == 0 && v.thread_n == 4 * v.steps;
  if (v.family == Family::direct)
    return v.thread_m == v.block_m && (v.block_m == 1 || v.block_m % 4 == 0) && v.splits == 1;
  if (v.family == Family::spread)
    return v.thread_m == v.block_m && v.block_m % 4 == 0 && v.block_n == 32 * v.thread_n;
  if (v.family == Family::fused)
    return v.thread_m % 4 == 0 && v.block_m % v.thread_m == 0 && v.block_n % v.thread_n == 0 &&
           v.block_k % 4 == 0 && v.tile == 2;
  const int lanes_n = 32 / v.lanes_m;
  const int threads = v.block_m * v.block_n / (v.thread_m * v.thread_n);
  const bool by_quads = multiplies_quads(v.family);
  if (v.thread_m % 4 || threads % 32 || v.block_n % (v.thread_n * lanes_n)) return false;
  if (v.block_m % (v.thread_m * v.lanes_m)) return false;
  if (v.family == Family::stem) return v.thread_n % 4 == 0 && 16 % v.thread_n == 0;
  if (by_quads && (v.thread_n % 4 || v.steps < 2 || v.steps % 2 || v.block_k % v.steps))
    return false;
  if (v.block_k % 4) return false;
  // A pass over the pixel tile takes whole rows.
  const int columns = by_quads ? v.block_n / 4 : v.block_n;
  const int rows = by_quads ? v.block_k : v.block_k / 4;
  return threads % columns == 0 && (rows % (threads / columns) == 0 || threads / columns > rows);
}

constexpr bool all_well_formed() {
  for (const Variant& v : catalogue)
    if (!well_formed(v)) return false;
  return true;
}
static_assert(all_well_formed());

}  // namespace

std::span<const Variant> variants() noexcept { return catalogue; }

const Variant* find_variant(const char* name) noexcept {
  for (const Variant& variant : catalogue)
    if (std::strcmp(variant.name, name) == 0) return &variant;
  return nullptr;
}

}  // namespace sporkle::gl
