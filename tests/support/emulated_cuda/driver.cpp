/* A CUDA driver and a cuBLAS on the host, for scripts/check-cuda-numbers.sh on machines without a GPU: memory is the
 * host's, kernels are dfdx's own, compiled for it (build.py), a block and a thread after the other.
 *
 * Fresh memory is not a number throughout, so that nothing can rely on what was never written. What was launched, and
 * whether all memory came back, is written to the file that EMULATED_CUDA_ACCOUNT names.
 */
#include "host.h"
#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

thread_local Place blockIdx, threadIdx, blockDim, gridDim;

namespace {
enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_DEVICE = 101, NOT_FOUND = 500, NOT_SUPPORTED = 801 };
const size_t MEMORY = 64ull << 30;
/* What an allocation of nothing gets. */
void *const NOTHING = reinterpret_cast<void *>(16);

using Call = void (*)(void **);
std::map<std::string, Call> &kernels() { static std::map<std::string, Call> all; return all; }
struct Function { std::string name; Call call; };

std::mutex lock;
std::unordered_map<void *, size_t> blocks;
std::map<std::string, long> launches;
size_t used, peak;

struct Account {
    ~Account() {
        const char *path = getenv("EMULATED_CUDA_ACCOUNT");
        FILE *file = path ? fopen(path, "w") : nullptr;
        if (!file) return;
        fprintf(file, "left %zu bytes\npeak %zu bytes\n", used, peak);
        for (auto &[name, count] : launches) fprintf(file, "%s %ld\n", name.c_str(), count);
        fclose(file);
    }
} account;

int allocate(void **at, size_t size) {
    std::lock_guard<std::mutex> hold(lock);
    *at = NOTHING;
    if (size == 0) return OK;
    if (used + size > MEMORY) return OUT_OF_MEMORY;
    memset(*at = malloc(size), 0xff, size);
    blocks[*at] = size;
    peak = std::max(peak, used += size);
    return OK;
}

int release(void *at) {
    std::lock_guard<std::mutex> hold(lock);
    if (at == NOTHING) return OK;
    auto found = blocks.find(at);
    if (found == blocks.end()) return INVALID_VALUE;
    used -= found->second;
    blocks.erase(found);
    free(at);
    return OK;
}

int copy(void *to, const void *from, size_t size) { memcpy(to, from, size); return OK; }
int fill(void *at, unsigned char value, size_t size) { memset(at, value, size); return OK; }

/* c = alpha a b + beta c, all column-major, as cuBLAS has it. */
int gemm(int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b, int ldb, float beta,
         float *c, int ldc) {
    if (lda < std::max(1, ta ? k : m) || ldb < std::max(1, tb ? n : k) || ldc < std::max(1, m)) return INVALID_VALUE;
    std::vector<float> column(m);
    for (int j = 0; j < n; j++) {
        std::fill(column.begin(), column.end(), 0.0f);
        for (int p = 0; p < k; p++) {
            float right = tb ? b[j + size_t(p) * ldb] : b[p + size_t(j) * ldb];
            for (int i = 0; i < m; i++) column[i] += right * (ta ? a[p + size_t(i) * lda] : a[i + size_t(p) * lda]);
        }
        for (int i = 0; i < m; i++) {
            float &out = c[i + size_t(j) * ldc];
            out = beta == 0.0f ? alpha * column[i] : alpha * column[i] + beta * out;
        }
    }
    return OK;
}
}  // namespace

Kernel::Kernel(const char *name, Call call) { kernels()[name] = call; }

extern "C" {
int cuInit(unsigned) { return OK; }
int cuDriverGetVersion(int *version) { *version = 13000; return OK; }
int cuDeviceGetCount(int *count) { *count = 1; return OK; }
int cuDeviceGet(int *device, int ordinal) { *device = 0; return ordinal == 0 ? OK : INVALID_DEVICE; }
int cuDeviceGetName(char *name, int length, int) { return snprintf(name, length, "Emulated GPU") < length ? OK : 1; }
/* Compute capability 9.0; 1 is a good answer to everything else that is asked. */
int cuDeviceGetAttribute(int *value, int attribute, int) {
    *value = attribute == 75 ? 9 : attribute == 76 ? 0 : 1;
    return OK;
}
int cuDeviceTotalMem_v2(size_t *bytes, int) { *bytes = MEMORY; return OK; }
int cuMemGetInfo_v2(size_t *free_bytes, size_t *total) {
    std::lock_guard<std::mutex> hold(lock);
    *total = MEMORY;
    *free_bytes = MEMORY - used;
    return OK;
}

int cuDevicePrimaryCtxRetain(void **context, int) { *context = &account; return OK; }
int cuDevicePrimaryCtxRelease_v2(int) { return OK; }
int cuCtxSetCurrent(void *) { return OK; }
int cuCtxGetCurrent(void **context) { *context = &account; return OK; }
int cuStreamCreate(void **stream, unsigned) { *stream = &account; return OK; }
int cuStreamDestroy_v2(void *) { return OK; }
int cuStreamSynchronize(void *) { return OK; }
int cuStreamWaitEvent(void *, void *, unsigned) { return OK; }
int cuEventCreate(void **event, unsigned) { *event = &account; return OK; }
int cuEventDestroy_v2(void *) { return OK; }
int cuEventRecord(void *, void *) { return OK; }
int cuEventQuery(void *) { return OK; }
int cuEventElapsedTime(float *time, void *, void *) { *time = 0.0f; return OK; }

int cuMemAllocAsync(void **at, size_t size, void *) { return allocate(at, size); }
int cuMemAlloc_v2(void **at, size_t size) { return allocate(at, size); }
int cuMemFreeAsync(void *at, void *) { return release(at); }
int cuMemFree_v2(void *at) { return release(at); }
int cuMemcpyHtoDAsync_v2(void *to, const void *from, size_t size, void *) { return copy(to, from, size); }
int cuMemcpyHtoD_v2(void *to, const void *from, size_t size) { return copy(to, from, size); }
int cuMemcpyDtoHAsync_v2(void *to, const void *from, size_t size, void *) { return copy(to, from, size); }
int cuMemcpyDtoH_v2(void *to, const void *from, size_t size) { return copy(to, from, size); }
int cuMemcpyDtoDAsync_v2(void *to, const void *from, size_t size, void *) { return copy(to, from, size); }
int cuMemcpyDtoD_v2(void *to, const void *from, size_t size) { return copy(to, from, size); }
int cuMemsetD8Async(void *at, unsigned char value, size_t size, void *) { return fill(at, value, size); }
int cuMemsetD8_v2(void *at, unsigned char value, size_t size) { return fill(at, value, size); }

int cuModuleLoadData(void **module, const void *) { *module = &account; return OK; }
int cuModuleLoad(void **module, const char *) { *module = &account; return OK; }
int cuModuleUnload(void *) { return OK; }
int cuModuleGetFunction(void **function, void *, const char *name) {
    auto found = kernels().find(name);
    if (found == kernels().end()) return NOT_FOUND;
    *function = new Function{name, found->second};
    return OK;
}
int cuLaunchKernel(void *function, unsigned grid, unsigned, unsigned, unsigned block, unsigned, unsigned, unsigned, void *,
                   void **arguments, void **) {
    auto *kernel = static_cast<Function *>(function);
    if (grid == 0 || block == 0) return INVALID_VALUE;
    {
        std::lock_guard<std::mutex> hold(lock);
        launches[kernel->name]++;
    }
    blockDim = {block, 1, 1};
    gridDim = {grid, 1, 1};
    for (unsigned b = 0; b < grid; b++) {
        blockIdx = {b, 0, 0};
        for (unsigned t = 0; t < block; t++) {
            threadIdx = {t, 0, 0};
            kernel->call(arguments);
        }
    }
    return OK;
}

int cuGetErrorName(int code, const char **text) {
    *text = code == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_OF_THE_EMULATION";
    return OK;
}
int cuGetErrorString(int code, const char **text) {
    *text = code == NOT_FOUND ? "no such kernel" : code == OUT_OF_MEMORY ? "out of memory" : "refused";
    return OK;
}

int cublasCreate_v2(void **handle) { *handle = &account; return OK; }
int cublasDestroy_v2(void *) { return OK; }
int cublasSetStream_v2(void *, void *) { return OK; }
int cublasSgemm_v2(void *, int ta, int tb, int m, int n, int k, const float *alpha, const float *a, int lda,
                   const float *b, int ldb, const float *beta, float *c, int ldc) {
    return gemm(ta, tb, m, n, k, *alpha, a, lda, b, ldb, *beta, c, ldc);
}
int cublasSgemmStridedBatched(void *, int ta, int tb, int m, int n, int k, const float *alpha, const float *a, int lda,
                              long long step_a, const float *b, int ldb, long long step_b, const float *beta, float *c,
                              int ldc, long long step_c, int count) {
    int code = OK;
    for (int i = 0; i < count && code == OK; i++)
        code = gemm(ta, tb, m, n, k, *alpha, a + i * step_a, lda, b + i * step_b, ldb, *beta, c + i * step_c, ldc);
    return code;
}

/* Named by cudarc, asked for by nobody. */
#define UNUSED(name) int name() { return NOT_SUPPORTED; }
UNUSED(cuDestroyExternalMemory) UNUSED(cuExternalMemoryGetMappedBuffer) UNUSED(cuImportExternalMemory)
UNUSED(cuOccupancyAvailableDynamicSMemPerBlock) UNUSED(cuOccupancyMaxActiveBlocksPerMultiprocessor)
UNUSED(cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags) UNUSED(cuOccupancyMaxActiveClusters)
UNUSED(cuOccupancyMaxPotentialBlockSize) UNUSED(cuOccupancyMaxPotentialBlockSizeWithFlags)
UNUSED(cuOccupancyMaxPotentialClusterSize) UNUSED(cuProfilerStart) UNUSED(cuProfilerStop)
UNUSED(cublasDgemmStridedBatched) UNUSED(cublasDgemm_v2) UNUSED(cublasDgemv_v2) UNUSED(cublasGemmEx)
UNUSED(cublasGemmStridedBatchedEx) UNUSED(cublasSgemv_v2)
}
