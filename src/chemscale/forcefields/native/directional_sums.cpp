// Sums over neighbours with one scalar, three vector and five tensor components, and their first two derivatives.
//
// With pairs p = (i, j), filters w[p, l], angles y[p, c], features x[l, n] and sums o[c, n], where component c has the
// order l(c), all of them derive from one form that is linear in each of its four arguments:
//
//     S(w, y, x, o) = sum_p sum_c y[p, c] w[p, l(c)] . (x[l, j] o[c, i] + s(c) x[l, i] o[c, j]),    s = -1 for vectors
//
// sums: dS/do.  gradient: dS/dw, dS/dy, dS/dx.  second: the derivatives in w, y, x and o of
// S(w', y, x, o) + S(w, y', x, o) + S(w, y, x', o).
//
// Frames share no atoms, so threads take frames; sums are added in the order of the pairs.

#include <cstring>

#include "threads.h"

namespace {

constexpr int COMPONENTS = 9, ORDERS = 3;

// Numbers that are worked on together; they have to divide the width.
template <class T, int LANES_> struct Pack {
    static constexpr int LANES = LANES_;
    typedef T type __attribute__((vector_size(LANES * sizeof(T))));
    static inline type load(const T *from) {
        type value;
        std::memcpy(&value, from, sizeof value);
        return value;
    }
    static inline void store(T *to, type value) { std::memcpy(to, &value, sizeof value); }
    static inline void add(T *to, type value) { store(to, load(to) + value); }
    static inline T sum(type value) {
        T total = 0;
        for (int lane = 0; lane < LANES; lane++) total += value[lane];
        return total;
    }
};

struct Graph {
    const int64_t *first, *second;   // atoms of every pair; pairs are sorted by first
    const int64_t *pairs_of_first;   // where the pairs of an atom that is first begin
    const int64_t *atoms_of_frame;   // where the atoms of a frame begin
    int64_t n_frames, n_atoms, width, n_threads;
};

// Calls work(pair, i, j) for all pairs.
template <class Work> void over_pairs(const Graph &graph, Work work) {
    over_blocks(graph.n_frames, graph.n_threads, [&](int64_t frame) {
        const int64_t begin = graph.pairs_of_first[graph.atoms_of_frame[frame]];
        const int64_t end = graph.pairs_of_first[graph.atoms_of_frame[frame + 1]];
        for (int64_t pair = begin; pair < end; pair++) work(pair, graph.first[pair], graph.second[pair]);
    });
}

// One order of one pair: N components, from the plane of order l and the planes of the components from C on.
template <int ORDER> struct Part {
    static constexpr int N = 2 * ORDER + 1, C = ORDER * ORDER, SIGN = ORDER == 1 ? -1 : 1;
};

template <class T, int LANES, int ORDER>
inline void sums(const Graph &g, int64_t pair, int64_t i, int64_t j, const T *w, const T *y, const T *x, T *o) {
    using P = Pack<T, LANES>;
    using Q = Part<ORDER>;
    const int64_t plane = g.n_atoms * g.width;
    const T *filter = w + (ORDERS * pair + ORDER) * g.width, *angle = y + COMPONENTS * pair + Q::C;
    const T *x_i = x + ORDER * plane + i * g.width, *x_j = x + ORDER * plane + j * g.width;
    T *o_i = o + Q::C * plane + i * g.width, *o_j = o + Q::C * plane + j * g.width;
    for (int64_t f = 0; f < g.width; f += P::LANES) {
        const auto w_f = P::load(filter + f);
        const auto from_j = w_f * P::load(x_j + f), from_i = T(Q::SIGN) * w_f * P::load(x_i + f);
        for (int c = 0; c < Q::N; c++) {
            P::add(o_i + c * plane + f, angle[c] * from_j);
            P::add(o_j + c * plane + f, angle[c] * from_i);
        }
    }
}

template <class T, int LANES, int ORDER>
inline void gradient(const Graph &g, int64_t pair, int64_t i, int64_t j, const T *w, const T *y, const T *x,
                     const T *o, T *dw, T *dy, T *dx) {
    using P = Pack<T, LANES>;
    using Q = Part<ORDER>;
    const int64_t plane = g.n_atoms * g.width, row = (ORDERS * pair + ORDER) * g.width;
    const int64_t at_i = ORDER * plane + i * g.width, at_j = ORDER * plane + j * g.width;
    const T *angle = y + COMPONENTS * pair + Q::C;
    const T *o_i = o + Q::C * plane + i * g.width, *o_j = o + Q::C * plane + j * g.width;
    typename P::type total[Q::N] = {};
    for (int64_t f = 0; f < g.width; f += P::LANES) {
        const auto w_f = P::load(w + row + f), x_i = P::load(x + at_i + f), x_j = P::load(x + at_j + f);
        const auto from_j = w_f * x_j, from_i = T(Q::SIGN) * w_f * x_i;
        typename P::type along_i = {}, along_j = {};
        for (int c = 0; c < Q::N; c++) {
            const auto oc_i = P::load(o_i + c * plane + f), oc_j = P::load(o_j + c * plane + f);
            along_i += angle[c] * oc_i;
            along_j += angle[c] * oc_j;
            total[c] += from_j * oc_i + from_i * oc_j;
        }
        along_j *= T(Q::SIGN);
        P::store(dw + row + f, x_j * along_i + x_i * along_j);
        P::add(dx + at_j + f, w_f * along_i);
        P::add(dx + at_i + f, w_f * along_j);
    }
    for (int c = 0; c < Q::N; c++) dy[COMPONENTS * pair + Q::C + c] = P::sum(total[c]);
}

// Inputs: the four arguments, then the directions w', y', x'. Outputs: the four derivatives.
template <class T> struct Second {
    const T *w, *y, *x, *o, *w1, *y1, *x1;
    T *dw, *dy, *dx, *dout;
};

template <class T, int LANES, int ORDER>
inline void second(const Graph &g, int64_t pair, int64_t i, int64_t j, const Second<T> &s) {
    using P = Pack<T, LANES>;
    using Q = Part<ORDER>;
    const int64_t plane = g.n_atoms * g.width, row = (ORDERS * pair + ORDER) * g.width;
    const int64_t at_i = ORDER * plane + i * g.width, at_j = ORDER * plane + j * g.width;
    const int64_t out_i = Q::C * plane + i * g.width, out_j = Q::C * plane + j * g.width;
    const T *angle = s.y + COMPONENTS * pair + Q::C, *angle1 = s.y1 + COMPONENTS * pair + Q::C;
    const T sign = Q::SIGN;
    typename P::type total[Q::N] = {};
    for (int64_t f = 0; f < g.width; f += P::LANES) {
        const auto w = P::load(s.w + row + f), w1 = P::load(s.w1 + row + f);
        const auto x_i = sign * P::load(s.x + at_i + f), x_j = P::load(s.x + at_j + f);
        const auto x1_i = sign * P::load(s.x1 + at_i + f), x1_j = P::load(s.x1 + at_j + f);
        const auto from_j = w * x_j, from_i = w * x_i, from1_j = w1 * x_j + w * x1_j, from1_i = w1 * x_i + w * x1_i;
        typename P::type along_i = {}, along_j = {}, along1_i = {}, along1_j = {};
        for (int c = 0; c < Q::N; c++) {
            const auto o_i = P::load(s.o + out_i + c * plane + f), o_j = P::load(s.o + out_j + c * plane + f);
            along_i += angle[c] * o_i;
            along_j += angle[c] * o_j;
            along1_i += angle1[c] * o_i;
            along1_j += angle1[c] * o_j;
            total[c] += from1_j * o_i + from1_i * o_j;
            P::add(s.dout + out_i + c * plane + f, angle[c] * from1_j + angle1[c] * from_j);
            P::add(s.dout + out_j + c * plane + f, angle[c] * from1_i + angle1[c] * from_i);
        }
        P::store(s.dw + row + f, x_j * along1_i + x_i * along1_j + x1_j * along_i + x1_i * along_j);
        P::add(s.dx + at_j + f, w1 * along_i + w * along1_i);
        P::add(s.dx + at_i + f, sign * (w1 * along_j + w * along1_j));
    }
    for (int c = 0; c < Q::N; c++) s.dy[COMPONENTS * pair + Q::C + c] = P::sum(total[c]);
}

// Calls work(pack) with the widest pack that divides the width.
template <class T, class Work> void with_pack(int64_t width, Work work) {
    constexpr int FULL = 64 / sizeof(T), SMALL = 16 / sizeof(T);
    if (width % FULL == 0)
        work(Pack<T, FULL>{});
    else if (width % SMALL == 0)
        work(Pack<T, SMALL>{});
    else
        work(Pack<T, 1>{});
}

template <class T> void all_sums(const Graph &g, const T *w, const T *y, const T *x, T *o) {
    with_pack<T>(g.width, [&](auto pack) {
        constexpr int LANES = decltype(pack)::LANES;
        over_pairs(g, [&](int64_t pair, int64_t i, int64_t j) {
            sums<T, LANES, 0>(g, pair, i, j, w, y, x, o);
            sums<T, LANES, 1>(g, pair, i, j, w, y, x, o);
            sums<T, LANES, 2>(g, pair, i, j, w, y, x, o);
        });
    });
}

template <class T>
void all_gradients(const Graph &g, const T *w, const T *y, const T *x, const T *o, T *dw, T *dy, T *dx) {
    with_pack<T>(g.width, [&](auto pack) {
        constexpr int LANES = decltype(pack)::LANES;
        over_pairs(g, [&](int64_t pair, int64_t i, int64_t j) {
            gradient<T, LANES, 0>(g, pair, i, j, w, y, x, o, dw, dy, dx);
            gradient<T, LANES, 1>(g, pair, i, j, w, y, x, o, dw, dy, dx);
            gradient<T, LANES, 2>(g, pair, i, j, w, y, x, o, dw, dy, dx);
        });
    });
}

template <class T> void all_second(const Graph &g, const Second<T> &s) {
    with_pack<T>(g.width, [&](auto pack) {
        constexpr int LANES = decltype(pack)::LANES;
        over_pairs(g, [&](int64_t pair, int64_t i, int64_t j) {
            second<T, LANES, 0>(g, pair, i, j, s);
            second<T, LANES, 1>(g, pair, i, j, s);
            second<T, LANES, 2>(g, pair, i, j, s);
        });
    });
}

}  // namespace

// What is summed over atoms comes in as zeros.
#define EXPORT(T)                                                                                                  \
    void directional_sums_##T(const Graph *g, const T *w, const T *y, const T *x, T *o) {                          \
        all_sums(*g, w, y, x, o);                                                                                  \
    }                                                                                                              \
    void directional_gradient_##T(const Graph *g, const T *w, const T *y, const T *x, const T *o, T *dw, T *dy,    \
                                  T *dx) {                                                                         \
        all_gradients(*g, w, y, x, o, dw, dy, dx);                                                                 \
    }                                                                                                              \
    void directional_second_##T(const Graph *g, const T *w, const T *y, const T *x, const T *o, const T *w1,       \
                                const T *y1, const T *x1, T *dw, T *dy, T *dx, T *dout) {                          \
        all_second(*g, Second<T>{w, y, x, o, w1, y1, x1, dw, dy, dx, dout});                                       \
    }

extern "C" {
EXPORT(float)
EXPORT(double)
}
