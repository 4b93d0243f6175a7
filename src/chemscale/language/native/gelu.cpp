// GELU in its tanh form (arXiv:1606.08415), forward and backward, in one pass over memory.
//
// y = x s(2u) with u = sqrt(2/pi) (x + 0.044715 x^3) and s the logistic function, as 1/2 (1 + tanh u) = s(2u);
// dy/dx = s + x s (1 - s) 2u'.

#include "threads.h"
#include "vectors.h"

namespace {

constexpr float TWICE_ROOT = 1.5957691216057308f;  // 2 sqrt(2/pi)
constexpr float CUBIC = 0.044715f;

inline Vec logistic_of_twice_u(Vec x, Vec square) {
    Vec minus_2u = -TWICE_ROOT * x * (1.0f + CUBIC * square);
    minus_2u = minus_2u > 80.0f ? splat(80.0f) : minus_2u;
    return 1.0f / (1.0f + exponential(minus_2u));
}

inline Vec gelu(Vec x) { return x * logistic_of_twice_u(x, x * x); }

inline Vec gelu_slope(Vec x) {
    Vec square = x * x;
    Vec s = logistic_of_twice_u(x, square);
    Vec slope_2u = TWICE_ROOT * (1.0f + 3.0f * CUBIC * square);
    return s + x * s * (1.0f - s) * slope_2u;
}

template <class Number> void forward(const Number *x, Number *y, int64_t n) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) store(y + i, gelu(load(x + i)));
    if (i < n) store_part(y + i, gelu(load_part(x + i, n - i)), n - i);
}

template <class Number> void backward(const Number *x, const Number *grad_y, Number *grad_x, int64_t n) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) store(grad_x + i, load(grad_y + i) * gelu_slope(load(x + i)));
    if (i < n) store_part(grad_x + i, load_part(grad_y + i, n - i) * gelu_slope(load_part(x + i, n - i)), n - i);
}

constexpr int64_t BLOCK = 1 << 16;  // numbers that are worth a thread

template <class Work> void in_blocks(int64_t n, int64_t n_threads, Work work) {
    over_blocks((n + BLOCK - 1) / BLOCK, n_threads,
                [&](int64_t block) { work(block * BLOCK, std::min(BLOCK, n - block * BLOCK)); });
}

template <class Number> void forward(const void *x, void *y, int64_t n, int64_t n_threads) {
    in_blocks(n, n_threads, [&](int64_t at, int64_t count) {
        forward((const Number *)x + at, (Number *)y + at, count);
    });
}

template <class Number>
void backward(const void *x, const void *grad_y, void *grad_x, int64_t n, int64_t n_threads) {
    in_blocks(n, n_threads, [&](int64_t at, int64_t count) {
        backward((const Number *)x + at, (const Number *)grad_y + at, (Number *)grad_x + at, count);
    });
}

}  // namespace

extern "C" {

void gelu_forward(const void *x, void *y, int64_t n, int64_t is_bfloat16, int64_t n_threads) {
    if (is_bfloat16)
        forward<Bfloat16>(x, y, n, n_threads);
    else
        forward<float>(x, y, n, n_threads);
}

void gelu_backward(const void *x, const void *grad_y, void *grad_x, int64_t n, int64_t is_bfloat16,
                   int64_t n_threads) {
    if (is_bfloat16)
        backward<Bfloat16>(x, grad_y, grad_x, n, n_threads);
    else
        backward<float>(x, grad_y, grad_x, n, n_threads);
}
}
