// Spherical harmonics of edges weighted by channel and order, summed over the edges of a row: forward, first and second
// derivative. A row is an atom with its edges, or a single edge.
//
// sum[n, lm] = sum_e weight[e, l] Y[e, lm] over the edges of row n                             for every channel

#include "lanes.h"
#include "threads.h"

namespace {

struct Shape {
    int64_t n_rows, n_orders, stride;  // stride: numbers between the weights of two edges
    const int64_t *offsets;            // the edges of row n are offsets[n] .. offsets[n + 1]
    int64_t dim() const { return n_orders * n_orders; }
};

constexpr int64_t ROWS_OF_A_BLOCK = 64;

template <class Work> void over_rows(const Shape &shape, int64_t n_threads, Work work) {
    over_blocks((shape.n_rows + ROWS_OF_A_BLOCK - 1) / ROWS_OF_A_BLOCK, n_threads, [&](int64_t block) {
        int64_t end = block * ROWS_OF_A_BLOCK + ROWS_OF_A_BLOCK;
        for (int64_t row = block * ROWS_OF_A_BLOCK; row < end && row < shape.n_rows; row++) work(row);
    });
}

template <class Number> inline Number total(typename Lanes<Number>::Vec value) {
    Number sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += value[lane];
    return sum;
}

// sums = (add: sums +) sum_e weight[e, l] Y[e, lm]
template <class Number>
void add_row(const Shape &shape, int64_t row, const Number *weights, int64_t stride, const Number *harmonics, Number *sums,
             bool add) {
    using L = Lanes<Number>;
    int64_t dim = shape.dim();
    for (int64_t from = 0; from < U; from += LANES)
        for (int64_t l = 0, lm = 0; l < shape.n_orders; l++)
            for (int64_t m = 0; m < 2 * l + 1; m++, lm++) {
                Number *to = sums + (row * dim + lm) * U + from;
                typename L::Vec sum = add ? L::load(to) : typename L::Vec{};
                for (int64_t e = shape.offsets[row]; e < shape.offsets[row + 1]; e++)
                    sum += harmonics[e * dim + lm] * L::load(weights + e * stride + l * U + from);
                L::store(to, sum);
            }
}

// grad_weight[e, l] = sum_m Y[e, lm] grad[n, lm]
template <class Number>
void weight_gradients(const Shape &shape, int64_t row, const Number *harmonics, const Number *grad, Number *out) {
    using L = Lanes<Number>;
    int64_t dim = shape.dim();
    for (int64_t e = shape.offsets[row]; e < shape.offsets[row + 1]; e++)
        for (int64_t from = 0; from < U; from += LANES)
            for (int64_t l = 0, lm = 0; l < shape.n_orders; l++) {
                typename L::Vec sum = {};
                for (int64_t m = 0; m < 2 * l + 1; m++, lm++)
                    sum += harmonics[e * dim + lm] * L::load(grad + (row * dim + lm) * U + from);
                L::store(out + (e * shape.n_orders + l) * U + from, sum);
            }
}

// grad_Y[e, lm] = sum over channels of weight[e, l] grad[n, lm]
template <class Number>
void harmonic_gradients(const Shape &shape, int64_t row, const Number *weights, int64_t stride, const Number *grad,
                        Number *out) {
    using L = Lanes<Number>;
    int64_t dim = shape.dim();
    for (int64_t e = shape.offsets[row]; e < shape.offsets[row + 1]; e++)
        for (int64_t l = 0, lm = 0; l < shape.n_orders; l++)
            for (int64_t m = 0; m < 2 * l + 1; m++, lm++) {
                typename L::Vec sum = {};
                for (int64_t from = 0; from < U; from += LANES)
                    sum += L::load(weights + e * stride + l * U + from) * L::load(grad + (row * dim + lm) * U + from);
                out[e * dim + lm] = total<Number>(sum);
            }
}

template <class Number>
void forward(const Shape &shape, int64_t n_threads, const Number *weights, const Number *harmonics, Number *sums) {
    over_rows(shape, n_threads,
              [&](int64_t row) { add_row(shape, row, weights, shape.stride, harmonics, sums, false); });
}

template <class Number>
void backward(const Shape &shape, int64_t n_threads, const Number *weights, const Number *harmonics, const Number *grad,
              Number *grad_weights, Number *grad_harmonics) {
    over_rows(shape, n_threads, [&](int64_t row) {
        if (grad_weights) weight_gradients(shape, row, harmonics, grad, grad_weights);
        if (grad_harmonics) harmonic_gradients(shape, row, weights, shape.stride, grad, grad_harmonics);
    });
}

// Derivatives of <a, grad_weights> + <b, grad_harmonics>; a or b may be null, the results that then vanish too.
template <class Number>
void twice_backward(const Shape &shape, int64_t n_threads, const Number *weights, const Number *harmonics,
                    const Number *grad, const Number *a, const Number *b, Number *to_weights, Number *to_harmonics,
                    Number *to_grad) {
    int64_t own_stride = shape.n_orders * U;
    over_rows(shape, n_threads, [&](int64_t row) {
        if (a) add_row(shape, row, a, own_stride, harmonics, to_grad, false);
        if (b) add_row(shape, row, weights, shape.stride, b, to_grad, a != nullptr);
        if (to_weights) weight_gradients(shape, row, b, grad, to_weights);
        if (to_harmonics) harmonic_gradients(shape, row, a, own_stride, grad, to_harmonics);
    });
}

}  // namespace

#define EXPORT(Number)                                                                                                  \
    extern "C" void harmonics_##Number(const Shape *shape, int64_t n_threads, const Number *weights,                    \
                                       const Number *harmonics, Number *sums) {                                         \
        forward(*shape, n_threads, weights, harmonics, sums);                                                           \
    }                                                                                                                   \
    extern "C" void harmonics_backward_##Number(const Shape *shape, int64_t n_threads, const Number *weights,           \
                                                const Number *harmonics, const Number *grad, Number *grad_weights,      \
                                                Number *grad_harmonics) {                                               \
        backward(*shape, n_threads, weights, harmonics, grad, grad_weights, grad_harmonics);                            \
    }                                                                                                                   \
    extern "C" void harmonics_twice_backward_##Number(                                                                  \
        const Shape *shape, int64_t n_threads, const Number *weights, const Number *harmonics, const Number *grad,      \
        const Number *a, const Number *b, Number *to_weights, Number *to_harmonics, Number *to_grad) {                  \
        twice_backward(*shape, n_threads, weights, harmonics, grad, a, b, to_weights, to_harmonics, to_grad);           \
    }

#if DOUBLE
EXPORT(double)
#else
EXPORT(float)
#endif
