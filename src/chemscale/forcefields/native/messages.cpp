// The equivariant messages of PaiNN over undirected pairs, with their first and second derivative.
//
// An atom j sends rows (a, b, c) and has vectors v_x, x = 1 .. 3; a pair has rows (A, B, C) and a unit vector u.
// With sigma = +1 for what the second atom sends to the first, and -1 for what the first sends to the second:
//     s_i = sum A a_j        v_ix = sum sigma u_x B b_j + C m_jx,    m_jx = c_j v_jx
// Where all v are zero still, `vectors` is null and the rows are (a, b) and (A, B).
//
// With cotangents g of s and h of v, and k_i = sigma sum_x u_x h_ix, the gradients are, summed over both directions,
//     A: a_j g_i    B: b_j k_i    C: sum_x m_jx h_ix    u_x: sigma <B b_j, h_ix>    a_j: A g_i    b_j: B k_i    m_jx: C h_ix
// The second derivative is that of  L = sum over pairs and both directions of
//     (A' a_j + A a'_j) g_i + (B' b_j + B b'_j) k_i + B b_j k'_i + sum_x (C' m_jx + C m'_jx) h_ix
// where primes mark cotangents of the gradients, k'_i = sigma sum_x u'_x h_ix and m' = c' v + c v'.
//
// Rows are [n, 3 * WIDTH] or [n, 2 * WIDTH], vectors [3, n_atoms, WIDTH], units [n_pairs, 3].

#include <vector>

#include "pairs.h"
#include "tiles.h"

namespace {

template <class T> struct Tensors {
    const T *filters, *sent, *vectors, *units;  // cotangents may be null, which is zero
};

struct Sizes {
    const Pairs &pairs;
    int64_t n_atoms, n_threads;
    bool has_vectors;
    int64_t stride() const { return (has_vectors ? 3 : 2) * WIDTH; }
};

// m_x = c v_x, or with cotangents c' v_x + c v'_x: [3, n_atoms, WIDTH].
template <class T>
std::vector<T> carry(const Sizes &sizes, const Tensors<T> &in, const T *d_sent, const T *d_vectors) {
    std::vector<T> m(sizes.has_vectors ? 3 * sizes.n_atoms * WIDTH : 0);
    for (int64_t row = 0; row < (int64_t)m.size() / WIDTH; row++) {
        const int64_t at = row * WIDTH, c = (row % sizes.n_atoms * 3 + 2) * WIDTH;
        for (int f = 0; f < WIDTH; f++) {
            T value = d_sent ? d_sent[c + f] * in.vectors[at + f] : T(0);
            m[at + f] = d_vectors ? value + in.sent[c + f] * d_vectors[at + f] : value;
        }
    }
    return m;
}

// Some features of the rows and vectors of one set of tensors.
template <class T> struct View {
    using Row = Tile<T, 1>;
    const Tensors<T> &of;
    const T *m;
    const int64_t n_atoms, stride, f;

    static Row row(const T *matrix, int64_t at) { return matrix ? Row(matrix + at) : Row(); }
    int64_t vector_at(int x, int64_t atom) const { return (x * n_atoms + atom) * WIDTH + f; }
    Row filter(int which, int64_t pair) const { return row(of.filters, pair * stride + which * WIDTH + f); }
    Row sent(int which, int64_t atom) const { return row(of.sent, atom * stride + which * WIDTH + f); }
    Row carried(int x, int64_t atom) const { return row(m, vector_at(x, atom)); }
    T unit(int x, int64_t pair) const { return of.units ? of.units[3 * pair + x] : T(0); }
};

// Calls work(view of the inputs, view of the cotangents, atom) for all atoms and tiles of features.
template <class T, class Work>
void over_tiles(const Sizes &sizes, const Tensors<T> &in, const Tensors<T> &given, Work work) {
    const std::vector<T> m = carry<T>(sizes, in, in.sent, nullptr), dm = carry<T>(sizes, in, given.sent, given.vectors);
    over_blocks(sizes.n_atoms, sizes.n_threads, [&](int64_t atom) {
        for (int64_t f = 0; f < WIDTH; f += Tile<T, 1>::SIZE)
            work(View<T>{in, m.data(), sizes.n_atoms, sizes.stride(), f},
                 View<T>{given, dm.data(), sizes.n_atoms, sizes.stride(), f}, atom);
    });
}

// Sums over features come tile by tile.
template <class T> inline void add_from(int64_t f, T value, T *to) { *to = f ? *to + value : value; }

template <class T> void forward(const Sizes &sizes, const Tensors<T> &in, T *s, T *v) {
    using Row = Tile<T, 1>;
    over_tiles<T>(sizes, in, in, [&](const View<T> &at, const View<T> &, int64_t i) {
        Row sum_s, sum_v[3];
        over_pairs_of(sizes.pairs, i, [&](int64_t p, int64_t j, int sigma) {
            sum_s += at.filter(0, p) * at.sent(0, j);
            const Row b = at.filter(1, p) * at.sent(1, j);
            for (int x = 0; x < 3; x++) sum_v[x] += (sigma * at.unit(x, p)) * b;
            if (!sizes.has_vectors) return;
            const Row c = at.filter(2, p);
            for (int x = 0; x < 3; x++) sum_v[x] += c * at.carried(x, j);
        });
        sum_s.store(s + i * WIDTH + at.f);
        for (int x = 0; x < 3; x++) sum_v[x].store(v + at.vector_at(x, i));
    });
}

template <class T>
void backward(const Sizes &sizes, const Tensors<T> &in, const T *g, const T *h, T *grad_filters, T *grad_sent,
              T *grad_vectors, T *grad_units) {
    using Row = Tile<T, 1>;
    // The pairs of atom j are walked for what it sent, and where it is the first atom, for the pair's own gradients.
    over_tiles<T>(sizes, in, in, [&](const View<T> &at, const View<T> &, int64_t j) {
        const Row gj(g + j * WIDTH + at.f), aj = at.sent(0, j), bj = at.sent(1, j);
        Row sum_a, sum_b, sum_m[3];
        over_pairs_of(sizes.pairs, j, [&](int64_t p, int64_t i, int sigma) {
            const Row gi(g + i * WIDTH + at.f), B = at.filter(1, p);
            Row hi[3], k;
            for (int x = 0; x < 3; x++) hi[x] = Row(h + at.vector_at(x, i)), k += at.unit(x, p) * hi[x];
            sum_a += at.filter(0, p) * gi;
            sum_b += T(-sigma) * (B * k);
            if (sizes.has_vectors)
                for (int x = 0; x < 3; x++) sum_m[x] += at.filter(2, p) * hi[x];
            if (sigma < 0) return;
            const Row bi = at.sent(1, i);
            Row for_b, for_c;
            for (int x = 0; x < 3; x++) {
                const Row hj(h + at.vector_at(x, j)), q = bi * hj - bj * hi[x];
                for_b += at.unit(x, p) * q;
                add_from(at.f, (B * q).sum(), grad_units + 3 * p + x);
                if (sizes.has_vectors) for_c += at.carried(x, i) * hj + at.carried(x, j) * hi[x];
            }
            T *to = grad_filters + p * at.stride + at.f;
            (aj * gi + at.sent(0, i) * gj).store(to);
            for_b.store(to + WIDTH);
            if (sizes.has_vectors) for_c.store(to + 2 * WIDTH);
        });
        T *to = grad_sent + j * at.stride + at.f;
        sum_a.store(to);
        sum_b.store(to + WIDTH);
        if (!sizes.has_vectors) return;
        Row for_c;
        for (int x = 0; x < 3; x++) {
            for_c += sum_m[x] * Row(in.vectors + at.vector_at(x, j));
            (at.sent(2, j) * sum_m[x]).store(grad_vectors + at.vector_at(x, j));
        }
        for_c.store(to + 2 * WIDTH);
    });
}

template <class T> struct Outputs {
    T *filters, *sent, *vectors, *units, *g, *h;
};

// What pair p gives to its own second derivative; j is its first atom and i its second one.
template <class T>
inline void for_pair(const View<T> &at, const View<T> &d, const T *g, const T *h, int64_t p, int64_t j, int64_t i,
                     bool has_vectors, const Outputs<T> &out) {
    using Row = Tile<T, 1>;
    const Row B = at.filter(1, p), dB = d.filter(1, p), gi(g + i * WIDTH + at.f), gj(g + j * WIDTH + at.f);
    const Row bi = at.sent(1, i), bj = at.sent(1, j), dbi = d.sent(1, i), dbj = d.sent(1, j);
    Row for_b, for_c;
    for (int x = 0; x < 3; x++) {
        const Row hi(h + at.vector_at(x, i)), hj(h + at.vector_at(x, j));
        const Row q = bi * hj - bj * hi, dq = dbi * hj - dbj * hi;
        for_b += at.unit(x, p) * dq + d.unit(x, p) * q;
        add_from(at.f, (dB * q + B * dq).sum(), out.units + 3 * p + x);
        if (has_vectors) for_c += d.carried(x, i) * hj + d.carried(x, j) * hi;
    }
    T *to = out.filters + p * at.stride + at.f;
    (d.sent(0, j) * gi + d.sent(0, i) * gj).store(to);
    for_b.store(to + WIDTH);
    if (has_vectors) for_c.store(to + 2 * WIDTH);
}

// `given` are the cotangents of the gradients of `in`.
template <class T>
void twice_backward(const Sizes &sizes, const Tensors<T> &in, const T *g, const T *h, const Tensors<T> &given,
                    const Outputs<T> &out) {
    using Row = Tile<T, 1>;
    over_tiles<T>(sizes, in, given, [&](const View<T> &at, const View<T> &d, int64_t j) {
        Row sum_a, sum_b, sum_m[3], sum_dm[3], sum_g, sum_h[3];
        over_pairs_of(sizes.pairs, j, [&](int64_t p, int64_t i, int sigma) {
            const Row A = at.filter(0, p), dA = d.filter(0, p), B = at.filter(1, p), dB = d.filter(1, p);
            const Row bi = at.sent(1, i), b = dB * bi + B * d.sent(1, i), c = B * bi;
            Row hi[3], k, dk;
            for (int x = 0; x < 3; x++) {
                const T u = sigma * at.unit(x, p), du = sigma * d.unit(x, p);
                hi[x] = Row(h + at.vector_at(x, i));
                k += u * hi[x];
                dk += du * hi[x];
                sum_h[x] += u * b + du * c;
            }
            sum_g += dA * at.sent(0, i) + A * d.sent(0, i);
            sum_a += dA * Row(g + i * WIDTH + at.f);
            sum_b -= dB * k + B * dk;
            if (sizes.has_vectors) {
                const Row C = at.filter(2, p), dC = d.filter(2, p);
                for (int x = 0; x < 3; x++) {
                    sum_h[x] += dC * at.carried(x, i) + C * d.carried(x, i);
                    sum_m[x] += dC * hi[x];
                    sum_dm[x] += C * hi[x];
                }
            }
            if (sigma > 0) for_pair(at, d, g, h, p, j, i, sizes.has_vectors, out);
        });
        T *to = out.sent + j * at.stride + at.f;
        sum_a.store(to);
        sum_b.store(to + WIDTH);
        sum_g.store(out.g + j * WIDTH + at.f);
        for (int x = 0; x < 3; x++) sum_h[x].store(out.h + at.vector_at(x, j));
        if (!sizes.has_vectors) return;
        Row for_c;
        for (int x = 0; x < 3; x++) {  // m' = c' v + c v' depends on c and v too
            const int64_t v = at.vector_at(x, j);
            for_c += sum_m[x] * Row(in.vectors + v) + sum_dm[x] * View<T>::row(given.vectors, v);
            (sum_m[x] * at.sent(2, j) + sum_dm[x] * d.sent(2, j)).store(out.vectors + v);
        }
        for_c.store(to + 2 * WIDTH);
    });
}

}  // namespace

#define INPUTS(T)                                                                                                     \
    const Pairs *pairs, int64_t n_atoms, int64_t n_threads, const T *filters, const T *sent, const T *vectors,        \
        const T *units
#define SIZES {*pairs, n_atoms, n_threads, vectors != nullptr}
#define TENSORS {filters, sent, vectors, units}

#define EXPORT(T)                                                                                                     \
    void messages_##T(INPUTS(T), T *s, T *v) { forward<T>(SIZES, TENSORS, s, v); }                                    \
    void messages_backward_##T(INPUTS(T), const T *g, const T *h, T *to_filters, T *to_sent, T *to_vectors,           \
                               T *to_units) {                                                                         \
        backward<T>(SIZES, TENSORS, g, h, to_filters, to_sent, to_vectors, to_units);                                 \
    }                                                                                                                 \
    void messages_twice_backward_##T(INPUTS(T), const T *g, const T *h, const T *d_filters, const T *d_sent,          \
                                     const T *d_vectors, const T *d_units, T *to_filters, T *to_sent, T *to_vectors,  \
                                     T *to_units, T *to_g, T *to_h) {                                                 \
        twice_backward<T>(SIZES, TENSORS, g, h, {d_filters, d_sent, d_vectors, d_units},                              \
                          {to_filters, to_sent, to_vectors, to_units, to_g, to_h});                                   \
    }

extern "C" {
EXPORT(float)
EXPORT(double)
}
