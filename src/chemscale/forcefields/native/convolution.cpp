// The continuous-filter convolution of SchNet over undirected pairs, with its first and second derivative.
//
// y_a = sum over pairs (a, b) of c_p W_p X_b                       X [n_atoms, WIDTH], W [n_pairs, WIDTH], c [n_pairs]
// With a cotangent G of y and H_p = G_a X_b + G_b X_a:
//     gradient of W: c H      of X: the convolution of G      of c: <W, H>
// With cotangents DW, DX, DC of those three, U = DC W + c DW and K_p = G_a DX_b + G_b DX_a:
//     gradient of G_a: sum U X_b + c W DX_b    of X_a: sum U G_b    of W: DC H + c K    of c: <DW, H> + <W, K>

#include "pairs.h"
#include "tiles.h"

namespace {

// Calls work(atom, first feature of a tile) for all atoms and tiles.
template <class T, class Work> void over_tiles(int64_t n_atoms, int64_t n_threads, Work work) {
    over_blocks(n_atoms, n_threads, [&](int64_t atom) {
        for (int f = 0; f < WIDTH; f += Tile<T, 4>::SIZE) work(atom, f);
    });
}

// Sums over features come tile by tile.
template <class T> inline void add_from(int f, T value, T *to) { *to = f ? *to + value : value; }

template <class T>
void forward(const Pairs &pairs, int64_t n_atoms, int64_t n_threads, const T *w, const T *x, const T *c, T *y) {
    using Row = Tile<T, 4>;
    over_tiles<T>(n_atoms, n_threads, [&](int64_t a, int f) {
        Row sum;
        over_pairs_of(pairs, a, [&](int64_t p, int64_t b, int) {
            T cp = c ? c[p] : T(1);
            sum += (cp * Row(w + p * WIDTH + f)) * Row(x + b * WIDTH + f);
        });
        sum.store(y + a * WIDTH + f);
    });
}

template <class T>
void backward(const Pairs &pairs, int64_t n_atoms, int64_t n_threads, const T *w, const T *x, const T *c, const T *g,
              T *grad_w, T *grad_x, T *grad_c) {
    using Row = Tile<T, 4>;
    over_tiles<T>(n_atoms, n_threads, [&](int64_t a, int f) {
        const Row xa(x + a * WIDTH + f), ga(g + a * WIDTH + f);
        Row sum;
        over_pairs_of(pairs, a, [&](int64_t p, int64_t b, int sign) {
            const Row wp(w + p * WIDTH + f), gb(g + b * WIDTH + f);
            T cp = c ? c[p] : T(1);
            sum += (cp * wp) * gb;
            if (sign < 0) return;
            Row h = ga * Row(x + b * WIDTH + f) + gb * xa;
            (cp * h).store(grad_w + p * WIDTH + f);
            if (grad_c) add_from(f, (wp * h).sum(), grad_c + p);
        });
        sum.store(grad_x + a * WIDTH + f);
    });
}

template <class T>
void twice_backward(const Pairs &pairs, int64_t n_atoms, int64_t n_threads, const T *w, const T *x, const T *c,
                    const T *g, const T *dw, const T *dx, const T *dc, T *out_w, T *out_x, T *out_c, T *out_g) {
    using Row = Tile<T, 4>;
    over_tiles<T>(n_atoms, n_threads, [&](int64_t a, int f) {
        auto row = [f](const T *matrix, int64_t i) { return matrix ? Row(matrix + i * WIDTH + f) : Row(); };
        const Row xa = row(x, a), ga = row(g, a), dxa = row(dx, a);
        Row sum_g, sum_x;
        over_pairs_of(pairs, a, [&](int64_t p, int64_t b, int sign) {
            const Row wp = row(w, p), dwp = row(dw, p), xb = row(x, b), gb = row(g, b), dxb = row(dx, b);
            T cp = c ? c[p] : T(1), dcp = dc ? dc[p] : T(0);
            Row u = dcp * wp + cp * dwp;
            sum_g += u * xb + (cp * wp) * dxb;
            sum_x += u * gb;
            if (sign < 0) return;
            Row h = ga * xb + gb * xa, k = ga * dxb + gb * dxa;
            (dcp * h + cp * k).store(out_w + p * WIDTH + f);
            if (out_c) add_from(f, (dwp * h + wp * k).sum(), out_c + p);
        });
        sum_g.store(out_g + a * WIDTH + f);
        sum_x.store(out_x + a * WIDTH + f);
    });
}

}  // namespace

#define EXPORT(NAME, T)                                                                                               \
    void convolution_##NAME(const Pairs *pairs, int64_t n_atoms, int64_t n_threads, const T *w, const T *x,           \
                            const T *c, T *y) {                                                                       \
        forward(*pairs, n_atoms, n_threads, w, x, c, y);                                                              \
    }                                                                                                                 \
    void convolution_backward_##NAME(const Pairs *pairs, int64_t n_atoms, int64_t n_threads, const T *w, const T *x,  \
                                     const T *c, const T *g, T *grad_w, T *grad_x, T *grad_c) {                       \
        backward(*pairs, n_atoms, n_threads, w, x, c, g, grad_w, grad_x, grad_c);                                     \
    }                                                                                                                 \
    void convolution_twice_backward_##NAME(const Pairs *pairs, int64_t n_atoms, int64_t n_threads, const T *w,        \
                                           const T *x, const T *c, const T *g, const T *dw, const T *dx, const T *dc, \
                                           T *out_w, T *out_x, T *out_c, T *out_g) {                                  \
        twice_backward(*pairs, n_atoms, n_threads, w, x, c, g, dw, dx, dc, out_w, out_x, out_c, out_g);               \
    }

extern "C" {
EXPORT(float, float)
EXPORT(double, double)
}
