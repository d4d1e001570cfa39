/* What dfdx's CUDA kernels need to be compiled for the host, one thread after another. */
#pragma once
#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

#define __CUDA_ARCH__ 900
#define __global__
#define __device__ static inline
#define __forceinline__
#define __shared__ static thread_local

struct Place { unsigned x, y, z; };
extern thread_local Place blockIdx, threadIdx, blockDim, gridDim;

/* Only the reductions wait for each other, and those are replaced below. */
inline void __syncthreads() { fputs("emulated CUDA: a kernel waits for other threads\n", stderr); abort(); }

/* Half precision is compiled, since every file has it, and never used. */
struct __half {
    float value;
    __half() = default;
    __half(double v) : value(float(v)) {}
    operator float() const { return value; }
    __half &operator+=(float v) { value += v; return *this; }
    __half &operator-=(float v) { value -= v; return *this; }
    __half &operator*=(float v) { value *= v; return *this; }
};
#define HALF_OPERATOR(op) \
    inline __half operator op(__half a, __half b) { return a.value op b.value; } \
    inline __half operator op(__half a, float b) { return a.value op b; } \
    inline __half operator op(float a, __half b) { return a op b.value; } \
    inline __half operator op(__half a, int b) { return a.value op b; } \
    inline __half operator op(int a, __half b) { return a op b.value; } \
    inline __half operator op(double a, __half b) { return a op b.value; } \
    inline __half operator op(__half a, double b) { return a.value op b; }
HALF_OPERATOR(+)
HALF_OPERATOR(-)
HALF_OPERATOR(*)
HALF_OPERATOR(/)
#define HALF_COMPARISON(op) inline bool operator op(__half a, __half b) { return a.value op b.value; }
HALF_COMPARISON(<)
HALF_COMPARISON(>)
HALF_COMPARISON(<=)
HALF_COMPARISON(>=)
HALF_COMPARISON(==)
HALF_COMPARISON(!=)
#define HALF_FUNCTION(name, function) inline __half name(__half a) { return function(a.value); }
HALF_FUNCTION(hcos, cosf)
HALF_FUNCTION(hsin, sinf)
HALF_FUNCTION(hsqrt, sqrtf)
HALF_FUNCTION(hlog, logf)
HALF_FUNCTION(hexp, expf)
HALF_FUNCTION(__habs, fabsf)
inline bool __hisnan(__half a) { return std::isnan(a.value); }
inline __half __hmax_nan(__half a, __half b) { return std::fmax(a.value, b.value); }
inline __half __hmin_nan(__half a, __half b) { return std::fmin(a.value, b.value); }
inline float __half2float(__half a) { return a.value; }
inline __half __float2half(float a) { return a; }
inline unsigned short __half_as_ushort(__half a) { return (unsigned short)a.value; }
inline __half __ushort_as_half(unsigned short a) { return (double)a; }

/* Atomic enough for one thread. */
template <class T, class V> T atomicAdd(T *at, V value) { T old = *at; *at = *at + T(value); return old; }
template <class T, class V> T atomicMin(T *at, V value) { T old = *at; *at = std::min(old, T(value)); return old; }
template <class T, class V> T atomicMax(T *at, V value) { T old = *at; *at = std::max(old, T(value)); return old; }
template <class T> T atomicCAS(T *at, T expected, T value) { T old = *at; if (old == expected) *at = value; return old; }

template <class To, class From> To bits(From from) { To to; memcpy(&to, &from, sizeof to); return to; }
inline unsigned __float_as_uint(float v) { return bits<unsigned>(v); }
inline float __uint_as_float(unsigned v) { return bits<float>(v); }
inline int __float_as_int(float v) { return bits<int>(v); }
inline float __int_as_float(int v) { return bits<float>(v); }
inline long long __double_as_longlong(double v) { return bits<long long>(v); }
inline double __longlong_as_double(long long v) { return bits<double>(v); }

using std::isnan;
using std::signbit;
inline int max(int a, int b) { return std::max(a, b); }
inline unsigned min(unsigned a, unsigned b) { return std::min(a, b); }

/* The reductions of a block, without its shared memory: dfdx's own are renamed by build.py. */
template <class T> void chunk_sum(size_t chunk, T value, T *out) {
    atomicAdd(out + (blockIdx.x * blockDim.x + threadIdx.x) / chunk, value);
}
template <class T> void chunk_max(size_t, size_t chunk, T value, T *out) {
    T *at = out + (blockIdx.x * blockDim.x + threadIdx.x) / chunk;
    if (value > *at) *at = value;
}

/* Kernels by name, called with the array of pointers that a launch gets. */
struct Kernel { Kernel(const char *name, void (*call)(void **)); };
template <class... A> void call_with(void (*kernel)(A...), void **arguments) {
    [&]<size_t... I>(std::index_sequence<I...>) {
        kernel(*static_cast<std::remove_const_t<A> *>(arguments[I])...);
    }(std::index_sequence_for<A...>{});
}
