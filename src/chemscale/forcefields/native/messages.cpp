// The equivariant messages of PaiNN over undirected pairs, with their first and second derivative.
//
// An atom j sends rows (a, b, c) [3, WIDTH] and vectors v [3, WIDTH]; a pair has rows (A, B, C) and a unit vector u.
// With sigma = +1 for what the second atom sends to the first, and -1 for what the first sends to the second:
//     s_i = sum A a_j        v_i = sum sigma u (B b_j) + C m_j,    m_j = c_j v_j
// Where all v are zero still, `v` is null and the rows are (a, b) and (A, B).
//
// With cotangents g of s_i and h [3, WIDTH] of v_i, and k_p = sigma sum_x u_x h_x, summed over both directions:
//     gradient of A: a_j g_i    B: b_j k    C: sum_x m_jx h_ix    u_x: sigma <B b_j, h_ix>
//                 a_j: A g_i    b_j: B k    m_jx: C h_ix
// The second derivative is that of  L = sum over pairs, both directions, of
//     (A' a_j + A a'_j) g_i + (B' b_j + B b'_j) k + B b_j k' + sum_x (C' m_jx + C m'_jx) h_ix
// where primes mark cotangents of the gradients, k' = sigma sum_x u'_x h_x and m' = c' v + c v'.

#include <vector>

#include "pairs.h"

namespace {

constexpr int W = WIDTH;

template <class T> struct Rows {
    T at[3][W];
};

template <class T> struct Inputs {
    const T *filters, *sent, *vectors, *units;  // [n_pairs, n_rows, W], [n_atoms, n_rows, W], [n_atoms, 3, W], [n_pairs, 3]
    bool has_vectors() const { return vectors != nullptr; }
    int64_t stride() const { return vectors ? 3 * W : 2 * W; }
    const T *filter(int64_t pair) const { return filters + pair * stride(); }
    const T *from(int64_t atom) const { return sent + atom * stride(); }
};

// m = c v, or with cotangents c' v + c v', for every atom.
template <class T> std::vector<T> carried(const Inputs<T> &in, int64_t n_atoms, const T *d_sent, const T *d_vectors) {
    if (!in.has_vectors()) return {};
    std::vector<T> m(n_atoms * 3 * W);
    for (int64_t a = 0; a < n_atoms; a++)
        for (int x = 0; x < 3; x++)
            for (int f = 0; f < W; f++) {
                int64_t at = (a * 3 + x) * W + f, c = a * 3 * W + 2 * W + f;
                T value = 0;
                if (d_sent) value += d_sent[c] * in.vectors[at];
                if (d_vectors) value += in.sent[c] * d_vectors[at];
                m[at] = value;
            }
    return m;
}

template <class T>
void forward(const Pairs &pairs, int64_t n_atoms, int64_t n_threads, const Inputs<T> &in, T *s, T *v) {
    const std::vector<T> carry = carried<T>(in, n_atoms, in.sent, nullptr);
    over_blocks(n_atoms, n_threads, [&](int64_t i) {
        Rows<T> sum_v{};
        T sum_s[W] = {};
        over_pairs_of(pairs, i, [&](int64_t p, int64_t j, int sigma) {
            const T *w = in.filter(p), *r = in.from(j), *u = in.units + 3 * p, *m = carry.data() + j * 3 * W;
            T ux = sigma * u[0], uy = sigma * u[1], uz = sigma * u[2];
            for (int f = 0; f < W; f++) {
                sum_s[f] += w[f] * r[f];
                T b = w[W + f] * r[W + f];
                sum_v.at[0][f] += ux * b;
                sum_v.at[1][f] += uy * b;
                sum_v.at[2][f] += uz * b;
            }
            if (!in.has_vectors()) return;
            for (int x = 0; x < 3; x++)
                for (int f = 0; f < W; f++) sum_v.at[x][f] += w[2 * W + f] * m[x * W + f];
        });
        for (int f = 0; f < W; f++) s[i * W + f] = sum_s[f];
        for (int x = 0; x < 3; x++)
            for (int f = 0; f < W; f++) v[(i * 3 + x) * W + f] = sum_v.at[x][f];
    });
}

// The gradient of c_j and v_j from that of m_j = c_j v_j.
template <class T> inline void split_carried(const Inputs<T> &in, int64_t j, const Rows<T> &grad, T *sent, T *vectors) {
    for (int x = 0; x < 3; x++)
        for (int f = 0; f < W; f++) {
            int64_t at = (j * 3 + x) * W + f, c = j * 3 * W + 2 * W + f;
            sent[c] = (x ? sent[c] : T(0)) + grad.at[x][f] * in.vectors[at];
            vectors[at] = grad.at[x][f] * in.sent[c];
        }
}

template <class T>
void backward(const Pairs &pairs, int64_t n_atoms, int64_t n_threads, const Inputs<T> &in, const T *g, const T *h,
              T *grad_filters, T *grad_sent, T *grad_vectors, T *grad_units) {
    const std::vector<T> carry = carried<T>(in, n_atoms, in.sent, nullptr);
    const int64_t stride = in.stride();
    // Atom j sends; its pairs are walked once for what it sent, and where it is first once more for the filters.
    over_blocks(n_atoms, n_threads, [&](int64_t j) {
        Rows<T> sum_m{};
        T sum_a[W] = {}, sum_b[W] = {};
        const T *rj = in.from(j), *mj = carry.data() + j * 3 * W, *gj = g + j * W, *hj = h + j * 3 * W;
        over_pairs_of(pairs, j, [&](int64_t p, int64_t i, int first_or_second) {
            const T sigma = -first_or_second;  // j is the first of the pair: it sends to the second
            const T *w = in.filter(p), *gi = g + i * W, *hi = h + i * 3 * W, *u = in.units + 3 * p;
            const T ux = sigma * u[0], uy = sigma * u[1], uz = sigma * u[2];
            for (int f = 0; f < W; f++) {
                sum_a[f] += w[f] * gi[f];
                sum_b[f] += w[W + f] * (ux * hi[f] + uy * hi[W + f] + uz * hi[2 * W + f]);
            }
            if (in.has_vectors())
                for (int x = 0; x < 3; x++)
                    for (int f = 0; f < W; f++) sum_m.at[x][f] += w[2 * W + f] * hi[x * W + f];
            if (first_or_second < 0) return;
            const T *ri = in.from(i), *mi = carry.data() + i * 3 * W;
            T *out = grad_filters + p * stride, gux = 0, guy = 0, guz = 0;
            for (int f = 0; f < W; f++) out[f] = rj[f] * gi[f] + ri[f] * gj[f];
#pragma omp simd reduction(+ : gux, guy, guz)
            for (int f = 0; f < W; f++) {
                T bj = rj[W + f], bi = ri[W + f];
                T qx = bi * hj[f] - bj * hi[f], qy = bi * hj[W + f] - bj * hi[W + f];
                T qz = bi * hj[2 * W + f] - bj * hi[2 * W + f];
                out[W + f] = u[0] * qx + u[1] * qy + u[2] * qz;
                gux += w[W + f] * qx;
                guy += w[W + f] * qy;
                guz += w[W + f] * qz;
            }
            T *gu = grad_units + 3 * p;
            gu[0] = gux, gu[1] = guy, gu[2] = guz;
            if (in.has_vectors())
                for (int f = 0; f < W; f++)
                    out[2 * W + f] = mj[f] * hi[f] + mi[f] * hj[f] + mj[W + f] * hi[W + f] + mi[W + f] * hj[W + f] +
                                     mj[2 * W + f] * hi[2 * W + f] + mi[2 * W + f] * hj[2 * W + f];
        });
        for (int f = 0; f < W; f++) grad_sent[j * stride + f] = sum_a[f];
        for (int f = 0; f < W; f++) grad_sent[j * stride + W + f] = sum_b[f];
        if (in.has_vectors()) split_carried(in, j, sum_m, grad_sent, grad_vectors);
    });
}

// Cotangents of the gradients of `Inputs`; any may be null.
template <class T>
void twice_backward(const Pairs &pairs, int64_t n_atoms, int64_t n_threads, const Inputs<T> &in, const T *g, const T *h,
                    const Inputs<T> &given, T *out_filters, T *out_sent, T *out_vectors, T *out_units, T *out_g,
                    T *out_h) {
    static const T nothing[3 * W] = {};
    const std::vector<T> carry = carried<T>(in, n_atoms, in.sent, nullptr);
    const std::vector<T> d_carry = carried<T>(in, n_atoms, given.sent, given.vectors);
    const int64_t stride = in.stride();
    auto rows = [&](const T *matrix, int64_t at) { return matrix ? matrix + at * stride : nothing; };
    over_blocks(n_atoms, n_threads, [&](int64_t j) {
        Rows<T> sum_m{}, sum_dm{}, sum_h{};
        T sum_a[W] = {}, sum_b[W] = {}, sum_g[W] = {};
        const T *rj = in.from(j), *mj = carry.data() + j * 3 * W, *gj = g + j * W, *hj = h + j * 3 * W;
        const T *drj = rows(given.sent, j), *dmj = d_carry.data() + j * 3 * W;
        over_pairs_of(pairs, j, [&](int64_t p, int64_t i, int first_or_second) {
            const T *w = in.filter(p), *dw = rows(given.filters, p), *u = in.units + 3 * p;
            const T *du = given.units ? given.units + 3 * p : nothing;
            const T *ri = in.from(i), *dri = rows(given.sent, i), *gi = g + i * W, *hi = h + i * 3 * W;
            const T *mi = carry.data() + i * 3 * W, *dmi = d_carry.data() + i * 3 * W;
            const T sigma = first_or_second;  // of what i sends to j
            const T ux = sigma * u[0], uy = sigma * u[1], uz = sigma * u[2];
            const T vx = sigma * du[0], vy = sigma * du[1], vz = sigma * du[2];
            for (int f = 0; f < W; f++) {  // what j receives from i
                sum_g[f] += dw[f] * ri[f] + w[f] * dri[f];
                T b = dw[W + f] * ri[W + f] + w[W + f] * dri[W + f], c = w[W + f] * ri[W + f];
                sum_h.at[0][f] += ux * b + vx * c;
                sum_h.at[1][f] += uy * b + vy * c;
                sum_h.at[2][f] += uz * b + vz * c;
                sum_a[f] += dw[f] * gi[f];  // what j sent to i, with -sigma
                T k = ux * hi[f] + uy * hi[W + f] + uz * hi[2 * W + f];
                T dk = vx * hi[f] + vy * hi[W + f] + vz * hi[2 * W + f];
                sum_b[f] -= dw[W + f] * k + w[W + f] * dk;
            }
            if (in.has_vectors())
                for (int x = 0; x < 3; x++)
                    for (int f = 0; f < W; f++) {
                        int at = x * W + f;
                        sum_h.at[x][f] += dw[2 * W + f] * mi[at] + w[2 * W + f] * dmi[at];
                        sum_m.at[x][f] += dw[2 * W + f] * hi[at];
                        sum_dm.at[x][f] += w[2 * W + f] * hi[at];
                    }
            if (first_or_second < 0) return;
            T *out = out_filters + p * stride, gux = 0, guy = 0, guz = 0;
            for (int f = 0; f < W; f++) out[f] = drj[f] * gi[f] + dri[f] * gj[f];
#pragma omp simd reduction(+ : gux, guy, guz)
            for (int f = 0; f < W; f++) {
                T bj = rj[W + f], bi = ri[W + f], dbj = drj[W + f], dbi = dri[W + f];
                T qx = bi * hj[f] - bj * hi[f], qy = bi * hj[W + f] - bj * hi[W + f];
                T qz = bi * hj[2 * W + f] - bj * hi[2 * W + f];
                T ex = dbi * hj[f] - dbj * hi[f], ey = dbi * hj[W + f] - dbj * hi[W + f];
                T ez = dbi * hj[2 * W + f] - dbj * hi[2 * W + f];
                out[W + f] = u[0] * ex + u[1] * ey + u[2] * ez + du[0] * qx + du[1] * qy + du[2] * qz;
                gux += dw[W + f] * qx + w[W + f] * ex;
                guy += dw[W + f] * qy + w[W + f] * ey;
                guz += dw[W + f] * qz + w[W + f] * ez;
            }
            T *gu = out_units + 3 * p;
            gu[0] = gux, gu[1] = guy, gu[2] = guz;
            if (in.has_vectors())
                for (int f = 0; f < W; f++)
                    out[2 * W + f] = dmj[f] * hi[f] + dmi[f] * hj[f] + dmj[W + f] * hi[W + f] + dmi[W + f] * hj[W + f] +
                                     dmj[2 * W + f] * hi[2 * W + f] + dmi[2 * W + f] * hj[2 * W + f];
        });
        for (int f = 0; f < W; f++) out_g[j * W + f] = sum_g[f];
        for (int x = 0; x < 3; x++)
            for (int f = 0; f < W; f++) out_h[(j * 3 + x) * W + f] = sum_h.at[x][f];
        for (int f = 0; f < W; f++) out_sent[j * stride + f] = sum_a[f];
        for (int f = 0; f < W; f++) out_sent[j * stride + W + f] = sum_b[f];
        if (!in.has_vectors()) return;
        split_carried(in, j, sum_m, out_sent, out_vectors);
        for (int x = 0; x < 3; x++)  // m' = c' v + c v' depends on c and v too
            for (int f = 0; f < W; f++) {
                int64_t at = (j * 3 + x) * W + f;
                if (given.vectors) out_sent[j * 3 * W + 2 * W + f] += sum_dm.at[x][f] * given.vectors[at];
                if (given.sent) out_vectors[at] += sum_dm.at[x][f] * drj[2 * W + f];
            }
    });
}

}  // namespace

#define EXPORT(T)                                                                                                     \
    void messages_##T(const Pairs *pairs, int64_t n_atoms, int64_t n_threads, const T *filters, const T *sent,        \
                      const T *vectors, const T *units, T *s, T *v) {                                                 \
        forward<T>(*pairs, n_atoms, n_threads, {filters, sent, vectors, units}, s, v);                                \
    }                                                                                                                 \
    void messages_backward_##T(const Pairs *pairs, int64_t n_atoms, int64_t n_threads, const T *filters,              \
                               const T *sent, const T *vectors, const T *units, const T *g, const T *h,               \
                               T *grad_filters, T *grad_sent, T *grad_vectors, T *grad_units) {                       \
        backward<T>(*pairs, n_atoms, n_threads, {filters, sent, vectors, units}, g, h, grad_filters, grad_sent,       \
                    grad_vectors, grad_units);                                                                        \
    }                                                                                                                 \
    void messages_twice_backward_##T(const Pairs *pairs, int64_t n_atoms, int64_t n_threads, const T *filters,        \
                                     const T *sent, const T *vectors, const T *units, const T *g, const T *h,         \
                                     const T *d_filters, const T *d_sent, const T *d_vectors, const T *d_units,       \
                                     T *out_filters, T *out_sent, T *out_vectors, T *out_units, T *out_g, T *out_h) { \
        twice_backward<T>(*pairs, n_atoms, n_threads, {filters, sent, vectors, units}, g, h,                          \
                          {d_filters, d_sent, d_vectors, d_units}, out_filters, out_sent, out_vectors, out_units,     \
                          out_g, out_h);                                                                              \
    }

extern "C" {
EXPORT(float)
EXPORT(double)
}
