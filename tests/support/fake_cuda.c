/* A CUDA driver and a cuBLAS that compute nothing, for scripts/check-cuda-binary.sh on machines without a GPU.
 *
 * Memory is handed out by address and size alone, so that its use can be counted and run out; what is copied back to the
 * host is 3.0 throughout, the answer of the one sum that the program asks of a new device. Faults are chosen by
 * environment variables:
 *
 *   FAKE_CUDA_INIT=CODE     cuInit returns this
 *   FAKE_CUDA_DEVICES=N     devices (default 2)
 *   FAKE_CUDA_MODULE=CODE   loading kernels returns this
 *   FAKE_CUDA_MEMORY=BYTES  a device's memory (default 80e9)
 *   FAKE_CUDA_FREE=BYTES    free memory that it tells of, whatever there is
 *   FAKE_CUDA_PEAK=FILE     the most bytes in use at once are written there when the process ends
 *   FAKE_CUDA_STICKS=N      from the Nth kernel on every function returns an error, as after a kernel that read where it
 *                           may not: such an error sticks to the context
 *   FAKE_CUDA_ERROR=CODE    that error (default 700)
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define API __attribute__((visibility("default")))

static long number(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text && *text ? (long)strtod(text, NULL) : otherwise;
}

#ifdef FAKE_CUBLAS

#define OK(name) API int name(void) { return 0; }
#ifndef FAKE_OLD
OK(cublasSgemm_v2)
#endif
OK(cublasDestroy_v2) OK(cublasDgemmStridedBatched) OK(cublasDgemm_v2) OK(cublasDgemv_v2) OK(cublasGemmEx)
OK(cublasGemmStridedBatchedEx) OK(cublasSetStream_v2) OK(cublasSgemmStridedBatched) OK(cublasSgemv_v2)
API int cublasCreate_v2(void **handle) { *handle = handle; return 0; }

#else

enum { BUCKETS = 1 << 16, OUT_OF_MEMORY = 2 };
struct block { size_t address, size; struct block *next; };
static struct block *blocks[BUCKETS];
static size_t next_address = 1 << 20, used, peak;
static int stuck;
static long launched;

static struct block **bucket(size_t address) { return &blocks[(address >> 9) % BUCKETS]; }

static int take(size_t *address, size_t size) {
    if (stuck) return stuck;
    if (used + size > (size_t)number("FAKE_CUDA_MEMORY", 80000000000L)) return OUT_OF_MEMORY;
    struct block *block = malloc(sizeof *block), **head = bucket(next_address);
    *block = (struct block){ next_address, size, *head };
    *head = block;
    *address = next_address;
    next_address += (size / 512 + 1) * 512;
    used += size;
    if (used > peak) peak = used;
    return 0;
}

static int give(size_t address) {
    if (stuck) return stuck;
    for (struct block **at = bucket(address); *at; at = &(*at)->next) {
        if ((*at)->address == address) {
            struct block *gone = *at;
            used -= gone->size;
            *at = gone->next;
            free(gone);
            return 0;
        }
    }
    return 1;
}

__attribute__((destructor)) static void write_peak(void) {
    const char *path = getenv("FAKE_CUDA_PEAK");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%zu\n", peak);
        fclose(file);
    }
}

static int fill(float *host, size_t bytes) {
    if (stuck) return stuck;
    for (size_t i = 0; i < bytes / sizeof(float); i++) host[i] = 3.0f;
    return 0;
}

API int cuInit(unsigned flags) { (void)flags; return (int)number("FAKE_CUDA_INIT", 0); }
API int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
API int cuDeviceGetCount(int *count) { *count = (int)number("FAKE_CUDA_DEVICES", 2); return 0; }
API int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }
API int cuDeviceGetAttribute(int *value, int attribute, int device) {
    (void)device;
    *value = attribute == 75 ? 9 : attribute == 76 ? 0 : 1;
    return 0;
}
API int cuDevicePrimaryCtxRetain(void **context, int device) { (void)device; *context = context; return 0; }
API int cuGetErrorName(int code, const char **text) { (void)code; *text = "FAKE_ERROR"; return 0; }
API int cuGetErrorString(int code, const char **text) { (void)code; *text = "chosen by a test"; return 0; }
API int cuMemGetInfo_v2(size_t *unused, size_t *total) {
    *total = (size_t)number("FAKE_CUDA_MEMORY", 80000000000L);
    *unused = (size_t)number("FAKE_CUDA_FREE", (long)(*total - used));
    return 0;
}
API int cuMemAlloc_v2(size_t *address, size_t size) { return take(address, size); }
API int cuMemAllocAsync(size_t *address, size_t size, void *stream) { (void)stream; return take(address, size); }
API int cuMemFree_v2(size_t address) { return give(address); }
API int cuMemFreeAsync(size_t address, void *stream) { (void)stream; return give(address); }
API int cuMemcpyDtoH_v2(void *host, size_t device, size_t bytes) { (void)device; return fill(host, bytes); }
API int cuMemcpyDtoHAsync_v2(void *host, size_t device, size_t bytes, void *stream) {
    (void)device, (void)stream;
    return fill(host, bytes);
}
API int cuModuleLoadData(void **module, const void *image) {
    (void)image;
    *module = module;
    return (int)number("FAKE_CUDA_MODULE", 0);
}
API int cuModuleGetFunction(void **function, void *module, const char *name) {
    (void)module, (void)name;
    *function = function;
    return 0;
}
API int cuEventCreate(void **event, unsigned flags) { (void)flags; *event = event; return 0; }
API int cuStreamCreate(void **stream, unsigned flags) { (void)flags; *stream = stream; return 0; }

#define OK(name) API int name(void) { return stuck; }
OK(cuCtxGetCurrent) OK(cuCtxSetCurrent) OK(cuDestroyExternalMemory) OK(cuDevicePrimaryCtxRelease_v2)
OK(cuDeviceTotalMem_v2) OK(cuEventDestroy_v2) OK(cuEventElapsedTime) OK(cuEventQuery) OK(cuEventRecord)
OK(cuExternalMemoryGetMappedBuffer) OK(cuImportExternalMemory) OK(cuMemcpyDtoDAsync_v2) OK(cuMemcpyDtoD_v2)
OK(cuMemcpyHtoDAsync_v2) OK(cuMemcpyHtoD_v2) OK(cuMemsetD8Async) OK(cuMemsetD8_v2) OK(cuModuleLoad) OK(cuModuleUnload)
OK(cuOccupancyAvailableDynamicSMemPerBlock) OK(cuOccupancyMaxActiveBlocksPerMultiprocessor)
OK(cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags) OK(cuOccupancyMaxActiveClusters)
OK(cuOccupancyMaxPotentialBlockSize) OK(cuOccupancyMaxPotentialBlockSizeWithFlags)
OK(cuOccupancyMaxPotentialClusterSize) OK(cuProfilerStart) OK(cuProfilerStop) OK(cuStreamDestroy_v2)
OK(cuStreamSynchronize) OK(cuStreamWaitEvent)
#ifndef FAKE_OLD
API int cuLaunchKernel(void) {
    const long kernel = number("FAKE_CUDA_STICKS", 0);
    if (kernel && ++launched >= kernel) stuck = (int)number("FAKE_CUDA_ERROR", 700);
    return stuck;
}
#endif

#endif
