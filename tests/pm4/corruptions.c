#include "corruptions.h"

/* Dwords of gfx1100_full: 0 PGM, 4 RSRC1/2, 8 RSRC3, 11 TMPRING, 14 limits, 17 RESTART,
 * 22 START and NUM_THREAD, 30 ACQUIRE, 38 USER_DATA, 42 DISPATCH, 47 RELEASE. */
#define GFX11 "gfx1100_full"
#define GFX12 "gfx1201_full"
#define GFX9 "gfx900_full"
#define GFX10 "gfx1030_full"
#define GFX9_4 "gfx90a_full"

const Corruption corruptions[] = {
    /* packet headers */
    {GFX11, 0, 0x00027600, "not a type 3 packet"},
    {GFX11, 0, 0x80000000, "not a type 3 packet"},
    {GFX11, 0, 0xc0027601, "header flags"},          /* predicated */
    {GFX11, 42, 0xc0031502, "header flags"},         /* shader type */
    {GFX11, 0, 0xc0027604, "header flags"},          /* reset filter cam */
    {GFX11, 0, 0xc0027680, "header flags"},          /* reserved */
    {GFX11, 0, 0xc0017600, "not a type 3 packet"},   /* one value short: the next is no header */
    {GFX11, 0, 0xffff7600, "longer than what is left"},
    {GFX11, 47, 0xc0074900, "longer than what is left"},
    {GFX11, 47, 0xc0054900, "wrong length"},
    {GFX11, 42, 0xc0021500, "wrong length"},
    {GFX11, 30, 0xc0055800, "wrong length"},         /* gfx9's ACQUIRE_MEM */
    {GFX9, 27, 0xc0065800, "wrong length"},          /* gfx10's ACQUIRE_MEM */
    {GFX11, 0, 0xc0007600, "no data"},               /* SET_SH_REG without a value */
    /* opcodes */
    {GFX11, 0, 0xc0027800, "not ours to use"},       /* SET_QUEUE_REG */
    {GFX11, 0, 0xc0026900, "not ours to use"},       /* SET_CONTEXT_REG */
    {GFX11, 0, 0xc0026800, "not ours to use"},       /* SET_CONFIG_REG */
    {GFX11, 0, 0xc0027900, "not ours to use"},       /* SET_UCONFIG_REG */
    {GFX11, 0, 0xc0029b00, "not ours to use"},       /* SET_SH_REG_INDEX */
    {GFX11, 0, 0xc0025000, "not ours to use"},       /* DMA_DATA */
    {GFX11, 0, 0xc0022f00, "unknown packet"},        /* NUM_INSTANCES; the original's SET_SH_REG */
    {GFX11, 42, 0xc0037d00, "unknown packet"},       /* the original's DISPATCH_DIRECT */
    {GFX11, 42, 0xc0031600, "not ours to use"},      /* DISPATCH_INDIRECT */
    {GFX11, 30, 0xc0063c00, "not ours to use"},      /* WAIT_REG_MEM */
    {GFX9, 0, 0xc0029b00, "unknown packet"},         /* SET_SH_REG_INDEX does not exist on gfx9 */
    {GFX11, 47, 0xc0061000, "NOP with a payload"},
    {GFX11, 42, 0xc0031000, "NOP with a payload"},
    /* registers */
    {GFX11, 1, 0x1000020c, "above the register offset"},
    {GFX11, 1, 0x0001020c, "above the register offset"},
    {GFX11, 1, 0x00000000, "not ours to write"},     /* a graphics shader's register */
    {GFX11, 1, 0x000003ff, "not ours to write"},     /* runs beyond the space */
    {GFX11, 1, 0x0000ffff, "not ours to write"},
    {GFX11, 1, 0x00000204, "must be 0"},             /* the program's address into START */
    {GFX11, 1, 0x0000020b, "not ours to write"},     /* PERFCOUNT_ENABLE */
    {GFX11, 1, 0x00000210, "not ours to write"},     /* DISPATCH_SCRATCH_BASE */
    {GFX11, 9, 0x00000214, "not ours to write"},     /* VMID */
    {GFX11, 9, 0x00000216, "not ours to write"},     /* STATIC_THREAD_MGMT_SE0 */
    {GFX11, 9, 0x0000022d, "not ours to write"},     /* gfx9_4's PGM_RSRC3 */
    {GFX9_4, 9, 0x00000228, "not ours to write"},    /* gfx10's PGM_RSRC3 */
    {GFX9, 9, 0x00000228, "not ours to write"},      /* the same on gfx9: a mask of compute units */
    {GFX11, 12, 0x00000204, "TMPRING_SIZE was not written"},
    {GFX11, 15, 0x00000204, "RESOURCE_LIMITS was not written"},
    {GFX11, 9, 0x0000021e, "not ours to write"},     /* THREAD_TRACE_ENABLE */
    {GFX11, 9, 0x0000027d, "not ours to write"},     /* DISPATCH_TUNNEL */
    /* program */
    {GFX11, 2, 0x12345679, "not the entry of a loaded kernel"},
    {GFX11, 2, 0x00000000, "not the entry of a loaded kernel"},
    {GFX11, 3, 0x00000000, "not the entry of a loaded kernel"},
    {GFX11, 3, 0x0000017f, "reserved bits of a register"}, /* above 48 bits */
    {GFX11, 6, 0x60bf0082, "PGM_RSRC1 contradicts"},  /* PRIV */
    {GFX11, 6, 0x60af0081, "PGM_RSRC1 contradicts"},  /* fewer VGPRs */
    {GFX11, 6, 0x68af0082, "reserved bits of a register"},
    {GFX11, 7, 0x0004009f, "PGM_RSRC2 contradicts"},  /* SCRATCH_EN */
    {GFX11, 7, 0x00040084, "PGM_RSRC2 contradicts"},  /* USER_SGPR */
    {GFX11, 7, 0x000400de, "PGM_RSRC2 contradicts"},  /* TRAP_PRESENT */
    {GFX11, 7, 0x0000009e, "LDS_SIZE contradicts"},
    {GFX11, 7, 0x0003809e, "LDS_SIZE contradicts"},
    {GFX11, 7, 0x8004009e, "reserved bits of a register"}, /* gfx9's SKIP_USGPR0 */
    {GFX11, 10, 0x00000020, "PGM_RSRC3 contradicts"},
    {GFX11, 10, 0x00010010, "reserved bits of a register"},
    {GFX12, 10, 0x00000820, "PGM_RSRC3 contradicts"},
    {GFX9_4, 10, 0x00010007, "PGM_RSRC3 contradicts"},
    {GFX11, 13, 0x00001001, "must be 0"},             /* scratch waves */
    {GFX11, 16, 0x00000001, "must be 0"},
    {GFX11, 19, 0x00000001, "must be 0"},             /* RESTART_X */
    {GFX11, 24, 0x00000001, "must be 0"},             /* START_X */
    {GFX11, 27, 0x00000000, "no workgroups or no work-items"},
    {GFX11, 27, 0x00000401, "too many work-items"},
    {GFX11, 27, 0x00010040, "partial workgroup"},
    {GFX12, 27, 0x00002040, "partial workgroup"},     /* INTERLEAVE_BITS_X */
    {GFX11, 28, 0x00000011, "too many work-items"},
    /* dispatch */
    {GFX11, 43, 0x00000000, "no workgroups or no work-items"},
    {GFX11, 43, 0x04000000, "2^32 - 1"},
    {GFX11, 46, 0x00008004, "COMPUTE_SHADER_EN"},
    {GFX11, 46, 0x00000005, "wave size contradicts"},
    {GFX10, 46, 0x00008005, "wave size contradicts"},
    {GFX9, 42, 0x00008005, "not ours"},               /* CS_W32_EN does not exist */
    {GFX11, 46, 0x00008001, "FORCE_START_AT_000"},
    {GFX11, 46, 0x00008007, "not ours"},              /* PARTIAL_TG_EN */
    {GFX11, 46, 0x0000800d, "not ours"},              /* ORDERED_APPEND_ENBL */
    {GFX11, 46, 0x00008025, "not ours"},              /* USE_THREAD_DIMENSIONS */
    {GFX11, 46, 0x0000a005, "not ours"},              /* TUNNEL_ENABLE */
    {GFX11, 46, 0x0000c005, "not ours"},              /* RESTORE */
    {GFX11, 46, 0x80008005, "not ours"},
    /* kernel arguments */
    {GFX11, 39, 0x00000242, "arguments was not written"},
    {GFX11, 40, 0x00010048, "aligned to 16"},
    {GFX11, 40, 0x00020040, "arguments are outside"}, /* the fences' range */
    {GFX11, 40, 0x00010fb0, "arguments are outside"}, /* 80 of 96 bytes fit */
    {GFX11, 41, 0x00000000, "arguments are outside"},
    {GFX11, 41, 0xffffffff, "arguments are outside"},
    /* cache control */
    {GFX11, 31, 0x80000000, "first word"},
    {GFX11, 32, 0x00000001, "not all of memory"},
    {GFX11, 33, 0x01ffffff, "not all of memory"},
    {GFX11, 34, 0x00000001, "not all of memory"},
    {GFX11, 36, 0x0000000b, "poll interval"},
    {GFX11, 36, 0x0001000a, "poll interval"},
    {GFX11, 37, 0x00000000, "no cache"},
    {GFX11, 37, 0x0000e3b1, "caches that are not ours"}, /* GL2_DISCARD */
    {GFX11, 37, 0x0004c3b1, "caches that are not ours"}, /* RANGE_IS_PA */
    {GFX11, 37, 0x0000c3b2, "by range"},
    {GFX12, 37, 0x0000c3b1, "caches that are not ours"}, /* GLM_* on gfx12 */
    {GFX9, 28, 0x2ac40000, "caches that are not ours"},  /* CB_ACTION_ENA */
    {GFX9, 28, 0xa8c40000, "caches that are not ours"},  /* ENGINE_SEL */
    /* fence */
    {GFX11, 48, 0x06603507, "end-of-pipe"},           /* CS_PARTIAL_FLUSH has no time stamp */
    {GFX11, 48, 0x06603414, "end-of-pipe"},
    {GFX11, 48, 0x06403514, "not written back"},
    {GFX11, 48, 0x06602514, "go together"},           /* GLM_INV alone */
    {GFX11, 48, 0x06601514, "go together"},
    {GFX11, 48, 0x06683514, "not ours"},              /* GL2_DISCARD */
    {GFX11, 48, 0x86603514, "not ours"},              /* PWS_ENABLE: never signals */
    {GFX11, 48, 0x16603514, "not ours"},              /* EXECUTE */
    {GFX11, 48, 0x00603514, "cache policy"},
    {GFX12, 48, 0x06603514, "not ours"},              /* GLM_* on gfx12 */
    {GFX9, 44, 0x00080514, "not written back"},
    {GFX9, 44, 0x06088514, "cache policy"},
    {GFX11, 49, 0x43010000, "not to memory"},
    {GFX11, 49, 0x41000000, "neither"},               /* an interrupt only: no value */
    {GFX11, 49, 0x03000000, "neither"},               /* no data */
    {GFX11, 49, 0x63000000, "neither"},               /* the GPU clock */
    {GFX11, 49, 0x43000001, "reserved bits"},
    {GFX11, 49, 0x42000000, "neither"},               /* a 64-bit value with an interrupt */
    {GFX11, 50, 0x0002000c, "aligned to 8"},
    {GFX11, 50, 0x00010008, "outside the registered"},
    {GFX11, 50, 0x00021000, "outside the registered"},
    {GFX11, 51, 0x00007f01, "outside the registered"},
    {GFX11, 51, 0xffffffff, "outside the registered"},
    {GFX11, 54, 0x00000001, "context id"},
    {GFX11, 47, 0xc0060000, "unknown packet"},
};

const size_t corruption_count = sizeof corruptions / sizeof corruptions[0];
