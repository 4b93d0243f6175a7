// Some neighbouring features of an atom or a pair, kept in registers, with the arithmetic of one number.
// Only compiler vector extensions (GCC, Clang) are used, so the same text compiles for any processor.
#pragma once

#include <cstdint>
#include <cstring>

#ifndef WIDTH
#error "compile with -DWIDTH=<features of an atom>"
#endif

template <class T, int N> struct VectorOf {
    typedef T type __attribute__((vector_size(N * sizeof(T))));
};

// The largest of most, most / 2, ... that divides `count`; `most` is a power of two.
constexpr int divisor(int count, int most) { return count % most == 0 ? most : divisor(count, most / 2); }

// At most VECTORS vectors of 64 bytes; fewer or smaller ones where the width is no multiple of them.
template <class T, int VECTORS> struct Tile {
    static constexpr int LANES = divisor(WIDTH, 64 / sizeof(T));
    static constexpr int COUNT = divisor(WIDTH / LANES, VECTORS);
    static constexpr int SIZE = LANES * COUNT;
    typedef typename VectorOf<T, LANES>::type Vector;
    Vector at[COUNT];

    Tile() {
        for (auto &part : at) part = Vector{};
    }
    explicit Tile(const T *from) { std::memcpy(at, from, sizeof at); }
    void store(T *to) const { std::memcpy(to, at, sizeof at); }

#define EACH_PART(OPERATION)                                                                                          \
    Tile out;                                                                                                         \
    _Pragma("GCC unroll 8") for (int k = 0; k < COUNT; k++) out.at[k] = OPERATION;                                    \
    return out

    friend Tile operator+(Tile a, Tile b) { EACH_PART(a.at[k] + b.at[k]); }
    friend Tile operator-(Tile a, Tile b) { EACH_PART(a.at[k] - b.at[k]); }
    friend Tile operator*(Tile a, Tile b) { EACH_PART(a.at[k] * b.at[k]); }
    friend Tile operator*(T a, Tile b) { EACH_PART(a * b.at[k]); }
#undef EACH_PART

    Tile &operator+=(Tile other) { return *this = *this + other; }
    Tile &operator-=(Tile other) { return *this = *this - other; }

    T sum() const {
        Vector total = at[0];
        for (int k = 1; k < COUNT; k++) total += at[k];
        T result = 0;
        for (int lane = 0; lane < LANES; lane++) result += total[lane];
        return result;
    }
};
