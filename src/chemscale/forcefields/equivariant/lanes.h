// Channels side by side in a vector: each lane does the same small sum for its own channel.
#pragma once

#include <cstdint>
#include <cstring>

#if !defined(CHANNELS) || !defined(DOUBLE)
#error "compile with -DCHANNELS=<channels of a feature> -DDOUBLE=<1 for double, 0 for float>"
#endif

#if defined(__AVX512F__)
constexpr int WIDEST = 16, ROWS = 4;
#else
constexpr int WIDEST = 8, ROWS = 2;
#endif

constexpr int lanes_for(int channels) {
    int lanes = WIDEST;
    while (channels % lanes) lanes /= 2;
    return lanes;
}

constexpr int64_t U = CHANNELS;
constexpr int64_t LANES = lanes_for(CHANNELS);  // a divisor of the channels, so that no vector is cut

template <class Number> struct Lanes {
    typedef Number Vec __attribute__((vector_size(sizeof(Number) * LANES)));
    static inline Vec load(const Number *from) {
        Vec out;
        std::memcpy(&out, from, sizeof out);
        return out;
    }
    static inline void store(Number *to, Vec value) { std::memcpy(to, &value, sizeof value); }
    static inline void add(Number *to, Vec value) { store(to, load(to) + value); }
};

// A matrix of vectors: where it begins, and how many numbers lie between its rows and between its columns.
template <class Number> struct Matrix {
    Number *at;
    int64_t row, column;
    Matrix transposed() const { return {at, column, row}; }
    Number *operator()(int64_t r, int64_t c) const { return at + r * row + c * column; }
};

// out[r][c] = (add: out[r][c] +) sum_i a[r][i] b[i][c], a block of R x C sums in registers.
template <int R, int C, class Number>
inline void multiply_block(Matrix<const Number> a, Matrix<const Number> b, Matrix<Number> out, int64_t inner, bool add) {
    using L = Lanes<Number>;
    typename L::Vec sum[R][C];
#pragma GCC unroll 4
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) sum[r][c] = add ? L::load(out(r, c)) : typename L::Vec{};
    for (int64_t i = 0; i < inner; i++) {
        typename L::Vec left[R];
#pragma GCC unroll 4
        for (int r = 0; r < R; r++) left[r] = L::load(a(r, i));
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) {
            typename L::Vec right = L::load(b(i, c));
#pragma GCC unroll 4
            for (int r = 0; r < R; r++) sum[r][c] += left[r] * right;
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) L::store(out(r, c), sum[r][c]);
}

template <int R, class Number>
inline void multiply_rows(
    Matrix<const Number> a, Matrix<const Number> b, Matrix<Number> out, int64_t inner, int64_t columns, bool add) {
    int64_t c = 0;
    for (; c + 4 <= columns; c += 4)
        multiply_block<R, 4>(a, {b(0, c), b.row, b.column}, {out(0, c), out.row, out.column}, inner, add);
    Matrix<const Number> right = {b(0, c), b.row, b.column};
    Matrix<Number> rest = {out(0, c), out.row, out.column};
    if (columns - c == 3) multiply_block<R, 3>(a, right, rest, inner, add);
    if (columns - c == 2) multiply_block<R, 2>(a, right, rest, inner, add);
    if (columns - c == 1) multiply_block<R, 1>(a, right, rest, inner, add);
}

template <class Number>
inline void multiply(Matrix<const Number> a, Matrix<const Number> b, Matrix<Number> out, int64_t rows, int64_t inner,
                     int64_t columns, bool add) {
    int64_t r = 0;
    for (; r + ROWS <= rows; r += ROWS)
        multiply_rows<ROWS>({a(r, 0), a.row, a.column}, b, {out(r, 0), out.row, out.column}, inner, columns, add);
    for (; r < rows; r++)
        multiply_rows<1>({a(r, 0), a.row, a.column}, b, {out(r, 0), out.row, out.column}, inner, columns, add);
}
