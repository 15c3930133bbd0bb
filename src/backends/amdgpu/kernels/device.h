// What the kernels use of the machine. On the GPU these are compiler builtins,
// so that no device library is linked and the compiler passes no hidden
// arguments. Who compiles the kernels as C (CONV_HOST) defines LOCAL_ID, GROUP_X,
// GROUP_Y, GROUP_Z, SHARED (storage of a workgroup) and barrier_all() before:
// the test that runs the source on the CPU does.
#ifndef SPORKLE_AMDGPU_DEVICE_H
#define SPORKLE_AMDGPU_DEVICE_H

#ifdef CONV_HOST

#define KERNEL(threads) void
#define GLOBAL

#else

#define KERNEL(threads) __attribute__((reqd_work_group_size(threads, 1, 1))) kernel void
#define GLOBAL global
#define SHARED local

#define LOCAL_ID ((int)__builtin_amdgcn_workitem_id_x())
#define GROUP_X ((int)__builtin_amdgcn_workgroup_id_x())
#define GROUP_Y ((int)__builtin_amdgcn_workgroup_id_y())
#define GROUP_Z ((int)__builtin_amdgcn_workgroup_id_z())

static inline void barrier_all(void) {
  __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
  __builtin_amdgcn_s_barrier();
  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}

#endif

#define RESTRICT restrict

#endif
