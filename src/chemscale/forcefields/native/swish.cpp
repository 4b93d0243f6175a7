// swish(x) = a x s(b x), s the logistic function, with a and b learned for every feature, and its two derivatives.
//
// With t = b x, s' = s (1 - s), s'' = s' (1 - 2 s) and A = s + t s':
//   dy/dx = a A            dy/da = x s         dy/db = a x^2 s'
//   dA/dx = b (2 s' + t s'')                   dA/db = x (2 s' + t s'')
//
// x is [stack or 1, rows, width], a and b are [stack, width], y is [stack, rows, width]. Sums over rows are taken over
// blocks of a fixed size first, so that they do not depend on the number of threads.

#include <cmath>
#include <cstring>

#include "threads.h"
#include "vectors.h"

namespace {

constexpr int64_t ROWS = 64;

// Numbers that are worked on together: a register of floats, or one double.
template <class T> struct Pack;
template <> struct Pack<float> {
    typedef Vec type;
    static constexpr int64_t LANES = ::LANES;
    static inline Vec load(const float *from, int64_t count) {
        return count >= LANES ? ::load(from) : load_part(from, count);
    }
    static inline void store(float *to, Vec value, int64_t count) {
        count >= LANES ? ::store(to, value) : store_part(to, value, count);
    }
    static inline Vec logistic(Vec t) { return 1.0f / (1.0f + exponential(t < -80.0f ? splat(80.0f) : -t)); }
};
template <> struct Pack<double> {
    typedef double type;
    static constexpr int64_t LANES = 1;
    static inline double load(const double *from, int64_t) { return *from; }
    static inline void store(double *to, double value, int64_t) { *to = value; }
    static inline double logistic(double t) { return 1.0 / (1.0 + std::exp(-t)); }
};

struct Shape {
    int64_t stack, rows, width, shared, n_threads;  // shared: x is one for the whole stack
    int64_t x_row(int64_t member, int64_t row) const { return ((shared ? 0 : member * rows) + row) * width; }
    int64_t row(int64_t member, int64_t row) const { return (member * rows + row) * width; }
    int64_t blocks() const { return (rows + ROWS - 1) / ROWS; }
};

// Calls work(block, member, row) for all rows, members of the stack in order within a block.
template <class Work> void over_rows(const Shape &shape, Work work) {
    over_blocks(shape.blocks(), shape.n_threads, [&](int64_t block) {
        for (int64_t member = 0; member < shape.stack; member++)
            for (int64_t row = block * ROWS; row < std::min(shape.rows, (block + 1) * ROWS); row++)
                work(block, member, row);
    });
}

template <class T> void forward(const Shape &shape, const T *x, const T *a, const T *b, T *y) {
    using P = Pack<T>;
    over_rows(shape, [&](int64_t, int64_t member, int64_t row) {
        const T *from = x + shape.x_row(member, row), *a_m = a + member * shape.width, *b_m = b + member * shape.width;
        T *to = y + shape.row(member, row);
        for (int64_t f = 0; f < shape.width; f += P::LANES) {
            const int64_t count = shape.width - f;
            const auto x_f = P::load(from + f, count);
            P::store(to + f, P::load(a_m + f, count) * x_f * P::logistic(P::load(b_m + f, count) * x_f), count);
        }
    });
}

// Sums of a block's rows for a and b: [blocks, 2, stack, width].
template <class T> struct BlockSums {
    const Shape &shape;
    std::vector<T> sums;
    explicit BlockSums(const Shape &shape) : shape(shape), sums(2 * shape.blocks() * shape.stack * shape.width) {}
    T *at(int64_t block, int64_t which, int64_t member) {
        return sums.data() + ((2 * block + which) * shape.stack + member) * shape.width;
    }
    void total(T *da, T *db) {
        const int64_t n = shape.stack * shape.width;
        for (int64_t k = 0; k < n; k++) da[k] = db[k] = 0;
        for (int64_t block = 0; block < shape.blocks(); block++) {
            const T *part_a = at(block, 0, 0), *part_b = at(block, 1, 0);
            for (int64_t k = 0; k < n; k++) da[k] += part_a[k];
            for (int64_t k = 0; k < n; k++) db[k] += part_b[k];
        }
    }
};

template <class T> inline void add(T *to, typename Pack<T>::type value, int64_t count) {
    Pack<T>::store(to, Pack<T>::load(to, count) + value, count);
}

template <class T>
void backward(const Shape &shape, const T *x, const T *a, const T *b, const T *g, T *dx, T *da, T *db) {
    using P = Pack<T>;
    BlockSums<T> sums(shape);
    over_rows(shape, [&](int64_t block, int64_t member, int64_t row) {
        const int64_t at_x = shape.x_row(member, row), at = shape.row(member, row), at_a = member * shape.width;
        T *sum_a = sums.at(block, 0, member), *sum_b = sums.at(block, 1, member);
        const bool first = member == 0 || !shape.shared;
        for (int64_t f = 0; f < shape.width; f += P::LANES) {
            const int64_t count = shape.width - f;
            const auto x_f = P::load(x + at_x + f, count), g_f = P::load(g + at + f, count);
            const auto a_f = P::load(a + at_a + f, count), t = P::load(b + at_a + f, count) * x_f;
            const auto s = P::logistic(t), slope = s * (T(1) - s), ga = g_f * a_f, value = ga * (s + t * slope);
            P::store(dx + at_x + f, first ? value : value + P::load(dx + at_x + f, count), count);
            add(sum_a + f, g_f * x_f * s, count);
            add(sum_b + f, ga * x_f * x_f * slope, count);
        }
    });
    sums.total(da, db);
}

// Derivatives of sum h dy/dx g: h is a cotangent of the gradient in x.
template <class T>
void twice_backward(const Shape &shape, const T *x, const T *a, const T *b, const T *g, const T *h, T *dx, T *da, T *db,
                    T *dg) {
    using P = Pack<T>;
    BlockSums<T> sums(shape);
    over_rows(shape, [&](int64_t block, int64_t member, int64_t row) {
        const int64_t at_x = shape.x_row(member, row), at = shape.row(member, row), at_a = member * shape.width;
        T *sum_a = sums.at(block, 0, member), *sum_b = sums.at(block, 1, member);
        const bool first = member == 0 || !shape.shared;
        for (int64_t f = 0; f < shape.width; f += P::LANES) {
            const int64_t count = shape.width - f;
            const auto x_f = P::load(x + at_x + f, count), h_f = P::load(h + at_x + f, count);
            const auto a_f = P::load(a + at_a + f, count), b_f = P::load(b + at_a + f, count), t = b_f * x_f;
            const auto s = P::logistic(t), slope = s * (T(1) - s), bend = slope * (T(1) - s - s);
            const auto rise = s + t * slope, turn = slope + slope + t * bend;
            const auto hg = h_f * P::load(g + at + f, count), hga_turn = hg * a_f * turn, value = hga_turn * b_f;
            P::store(dg + at + f, h_f * a_f * rise, count);
            P::store(dx + at_x + f, first ? value : value + P::load(dx + at_x + f, count), count);
            add(sum_a + f, hg * rise, count);
            add(sum_b + f, hga_turn * x_f, count);
        }
    });
    sums.total(da, db);
}

}  // namespace

#define EXPORT(T)                                                                                                  \
    void swish_##T(const Shape *shape, const T *x, const T *a, const T *b, T *y) { forward(*shape, x, a, b, y); }  \
    void swish_backward_##T(const Shape *shape, const T *x, const T *a, const T *b, const T *g, T *dx, T *da,      \
                            T *db) {                                                                               \
        backward(*shape, x, a, b, g, dx, da, db);                                                                  \
    }                                                                                                              \
    void swish_twice_backward_##T(const Shape *shape, const T *x, const T *a, const T *b, const T *g, const T *h,  \
                                  T *dx, T *da, T *db, T *dg) {                                                    \
        twice_backward(*shape, x, a, b, g, h, dx, da, db, dg);                                                     \
    }

extern "C" {
EXPORT(float)
EXPORT(double)
}
