// Vectors of floats as wide as the processor's registers, and the few functions on them that the operators need.
// Only compiler vector extensions (GCC, Clang) are used, so the same text compiles for any processor.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__)
#include <immintrin.h>  // for two conversions that GCC does in many steps when left to itself
#endif

#if defined(__AVX512F__)
constexpr int LANES = 16;
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD_LANES 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define LOW_LANES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_LANES 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif defined(__AVX__)
constexpr int LANES = 8;
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14
#define ODD_LANES 1, 3, 5, 7, 9, 11, 13, 15
#define LOW_LANES 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_LANES 4, 12, 5, 13, 6, 14, 7, 15
#else
constexpr int LANES = 4;
#define EVEN_LANES 0, 2, 4, 6
#define ODD_LANES 1, 3, 5, 7
#define LOW_LANES 0, 4, 1, 5
#define HIGH_LANES 2, 6, 3, 7
#endif

typedef float Vec __attribute__((vector_size(LANES * 4)));
typedef int32_t IntVec __attribute__((vector_size(LANES * 4)));
typedef uint32_t BitVec __attribute__((vector_size(LANES * 4)));
typedef uint16_t HalfVec __attribute__((vector_size(LANES * 2)));

#if defined(__clang__)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (IntVec){__VA_ARGS__})
#endif

// A bfloat16 is the upper half of a float.
struct Bfloat16 {
    uint16_t bits;
};

static inline Vec splat(float value) { return value - Vec{}; }
static inline Vec larger(Vec a, Vec b) { return a > b ? a : b; }

static inline float to_float(float value) { return value; }
static inline float to_float(Bfloat16 value) {
    uint32_t bits = uint32_t(value.bits) << 16;
    float out;
    std::memcpy(&out, &bits, 4);
    return out;
}

static inline Vec load(const float *from) {
    Vec out;
    std::memcpy(&out, from, sizeof out);
    return out;
}
static inline Vec load(const Bfloat16 *from) {
    HalfVec half;
    std::memcpy(&half, from, sizeof half);
#if defined(__AVX512F__)
    return (Vec)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)half), 16);
#else
    return (Vec)(__builtin_convertvector(half, BitVec) << 16);
#endif
}

static inline void store(float *to, Vec value) { std::memcpy(to, &value, sizeof value); }
static inline void store(Bfloat16 *to, Vec value) {
#if defined(__AVX512BF16__)
    __m256bh half = _mm512_cvtneps_pbh((__m512)value);
#else
    BitVec bits = (BitVec)value;
    BitVec rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;  // to the nearest, ties to even
    // Rounding must not carry a NaN over into another number.
    rounded = value != value ? (BitVec{} + 0x7fc0u) : rounded;
#if defined(__AVX512F__)
    HalfVec half = (HalfVec)_mm512_cvtepi32_epi16((__m512i)rounded);
#else
    HalfVec half = __builtin_convertvector(rounded, HalfVec);
#endif
#endif
    std::memcpy(to, &half, sizeof half);
}

// The first `count` numbers, count < LANES, the rest zero; and back.
template <class Number> static inline Vec load_part(const Number *from, int64_t count) {
    Number numbers[LANES] = {};
    std::memcpy(numbers, from, count * sizeof(Number));
    return load(numbers);
}
template <class Number> static inline void store_part(Number *to, Vec value, int64_t count) {
    Number numbers[LANES];
    store(numbers, value);
    std::memcpy(to, numbers, count * sizeof(Number));
}

// exp(x) for x <= 88 with a relative error below 2e-7; inputs below -87 count as -87, a NaN stays one.
// x = n ln 2 + r with |r| <= ln 2 / 2; a polynomial for e^r (minimax on that interval), times 2^n.
static inline Vec exponential(Vec x) {
    const float round_to_integer = 12582912.0f;  // 1.5 * 2^23: adding it leaves no room for a fraction
    x = x < -87.0f ? splat(-87.0f) : x;
    Vec shifted = x * 1.44269504088896341f + round_to_integer;
    Vec n = shifted - round_to_integer;
    Vec r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    Vec p = r * 1.3888889e-3f + 8.3333333e-3f;
    p = p * r + 4.16666667e-2f;
    p = p * r + 1.66666667e-1f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    Vec scale = (Vec)(((IntVec)shifted << 23) + (127 << 23));
    return p * scale;
}

// log(x) for a positive, finite x: a guess from the bits of x, then Newton steps on e^y = x.
static inline Vec logarithm(Vec x) {
    Vec y = __builtin_convertvector((IntVec)x - 0x3f800000, Vec) * 8.2629582e-8f;  // ln 2 / 2^23
    for (int step = 0; step < 3; step++) y = y + (x * exponential(-y) - 1.0f);
    return y;
}
