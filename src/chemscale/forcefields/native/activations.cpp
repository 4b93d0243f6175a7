// Shifted softplus and SiLU, their first and their second derivative, each in one pass over memory.
//
// s = 1 / (1 + e^-z)
// softplus:  y = ln(1 + e^z) - ln 2   y' = s               y'' = s (1 - s)
// silu:      y = z s                  y' = s + z s (1 - s)  y'' = s (1 - s) (2 + z (1 - 2 s))

#include <cmath>
#include <type_traits>

#include "threads.h"
#include "vectors.h"

namespace {

constexpr double LN_2 = 0.69314718055994531;

// One number of type double, or as many floats as a register holds, under the same names.
inline double e_to(double x) { return std::exp(x); }
inline Vec e_to(Vec x) { return exponential(x); }
inline double ln_1_plus(double t) { return std::log1p(t); }
inline Vec ln_1_plus(Vec t) {  // for 0 <= t <= 1: twice the series of artanh(t / (2 + t)), whose argument is below 1/3
    Vec x = t / (2.0f + t), square = x * x;
    Vec series = square * (1.0f / 15) + 1.0f / 13;
    series = series * square + 1.0f / 11;
    series = series * square + 1.0f / 9;
    series = series * square + 1.0f / 7;
    series = series * square + 1.0f / 5;
    series = series * square + 1.0f / 3;
    return 2.0f * x * (series * square + 1.0f);
}
inline double minus_size(double x) { return x < 0 ? x : -x; }  // -|x|; a NaN stays one
inline Vec minus_size(Vec x) { return x < 0.0f ? x : -x; }
inline double positive_part(double x) { return x > 0 ? x : 0; }
inline Vec positive_part(Vec x) { return x > 0.0f ? x : Vec{}; }

template <class V> using Scalar = std::conditional_t<std::is_same_v<V, double>, double, float>;

template <class V> inline V logistic(V z) {
    using S = Scalar<V>;
    V t = e_to(minus_size(z));
    V small = t / (S(1) + t);
    return z < S(0) ? small : S(1) - small;
}

struct Softplus {
    template <class V> static V value(V z) {
        return ln_1_plus(e_to(minus_size(z))) + positive_part(z) - Scalar<V>(LN_2);
    }
    template <class V> static V slope(V z) { return logistic(z); }
    template <class V> static V bend(V z) {
        V s = logistic(z);
        return s * (Scalar<V>(1) - s);
    }
};

struct Silu {
    template <class V> static V value(V z) { return z * logistic(z); }
    template <class V> static V slope(V z) {
        V s = logistic(z);
        return s + z * s * (Scalar<V>(1) - s);
    }
    template <class V> static V bend(V z) {
        using S = Scalar<V>;
        V s = logistic(z);
        return s * (S(1) - s) * (S(2) + z * (S(1) - S(2) * s));
    }
};

constexpr int64_t BLOCK = 1 << 15;

// Calls work(at, count) for whole vectors where it can, so that `work` has one form for floats and doubles.
template <class Vector, class Partial> inline void over_floats(int64_t n, int64_t n_threads, Vector whole, Partial part) {
    over_blocks((n + BLOCK - 1) / BLOCK, n_threads, [&](int64_t block) {
        int64_t i = block * BLOCK, end = std::min(n, i + BLOCK);
        for (; i + LANES <= end; i += LANES) whole(i);
        if (i < end) part(i, end - i);
    });
}

template <class A> void forward(int64_t n, int64_t n_threads, const float *z, float *y) {
    over_floats(
        n, n_threads, [&](int64_t i) { store(y + i, A::value(load(z + i))); },
        [&](int64_t i, int64_t count) { store_part(y + i, A::value(load_part(z + i, count)), count); });
}
template <class A> void forward(int64_t n, int64_t, const double *z, double *y) {
    for (int64_t i = 0; i < n; i++) y[i] = A::value(z[i]);
}

template <class A> void backward(int64_t n, int64_t n_threads, const float *z, const float *g, float *out) {
    over_floats(
        n, n_threads, [&](int64_t i) { store(out + i, load(g + i) * A::slope(load(z + i))); },
        [&](int64_t i, int64_t count) {
            store_part(out + i, load_part(g + i, count) * A::slope(load_part(z + i, count)), count);
        });
}
template <class A> void backward(int64_t n, int64_t, const double *z, const double *g, double *out) {
    for (int64_t i = 0; i < n; i++) out[i] = g[i] * A::slope(z[i]);
}

// d is a cotangent of g y'(z): out_g = d y'(z), out_z = d g y''(z).
template <class A>
void twice_backward(int64_t n, int64_t n_threads, const float *z, const float *g, const float *d, float *out_z,
                    float *out_g) {
    over_floats(
        n, n_threads,
        [&](int64_t i) {
            Vec zi = load(z + i), di = load(d + i);
            store(out_z + i, di * load(g + i) * A::bend(zi));
            store(out_g + i, di * A::slope(zi));
        },
        [&](int64_t i, int64_t count) {
            Vec zi = load_part(z + i, count), di = load_part(d + i, count);
            store_part(out_z + i, di * load_part(g + i, count) * A::bend(zi), count);
            store_part(out_g + i, di * A::slope(zi), count);
        });
}
template <class A>
void twice_backward(int64_t n, int64_t, const double *z, const double *g, const double *d, double *out_z,
                    double *out_g) {
    for (int64_t i = 0; i < n; i++) {
        out_z[i] = d[i] * g[i] * A::bend(z[i]);
        out_g[i] = d[i] * A::slope(z[i]);
    }
}

}  // namespace

#define EXPORT(NAME, A, T)                                                                                        \
    void NAME##_##T(int64_t n, int64_t n_threads, const T *z, T *y) { forward<A>(n, n_threads, z, y); }           \
    void NAME##_backward_##T(int64_t n, int64_t n_threads, const T *z, const T *g, T *out) {                      \
        backward<A>(n, n_threads, z, g, out);                                                                     \
    }                                                                                                             \
    void NAME##_twice_backward_##T(int64_t n, int64_t n_threads, const T *z, const T *g, const T *d, T *out_z,    \
                                   T *out_g) {                                                                    \
        twice_backward<A>(n, n_threads, z, g, d, out_z, out_g);                                                   \
    }

extern "C" {
EXPORT(softplus, Softplus, float)
EXPORT(softplus, Softplus, double)
EXPORT(silu, Silu, float)
EXPORT(silu, Silu, double)
}
