// The tensor product of edge features with the environment of the edge's centre, and its first and second derivative.
//
// M[n,i,k] = sum_q c_q weight[p_q] environment[n, j_q] over the coefficients q of (i, k)      made once per atom
// product[e,k] = sum_i features[e,i] M[centre(e),i,k]                                         for every channel
//
// The first component of a product, a scalar, is written a second time, with edges side by side, where `scalars` is not
// null; gradients then come in two parts, of the product and of its copied component. Edges are sorted by centre. M of one atom and LANES channels stays in the nearest cache and is never written out.

#include <cstdlib>
#include <vector>

#include "lanes.h"
#include "threads.h"

namespace {

struct Shape {
    int64_t n_atoms, n_features, n_environment, n_product, n_paths, n_coefficients;
    const int64_t *offsets;      // the edges of atom n are offsets[n] .. offsets[n + 1]
    const int32_t *coefficients;  // path, i, j, k of each
    const double *values;
};

constexpr int64_t CHUNKS = 16;  // atoms go to threads in a fixed number of chunks, so that sums have one order

template <class Number> struct Product {
    using L = Lanes<Number>;
    using Vec = typename L::Vec;
    const Shape &shape;
    int64_t from;  // first channel of the lanes

    int64_t size() const { return shape.n_features * shape.n_product; }
    Matrix<const Number> of_atom(const Number *m) const { return {m, shape.n_product * LANES, LANES}; }
    Matrix<Number> of_atom(Number *m) const { return {m, shape.n_product * LANES, LANES}; }
    Matrix<const Number> edges(const Number *x, int64_t atom, int64_t dim) const {
        return {x + shape.offsets[atom] * dim * U + from, dim * U, U};
    }
    Matrix<Number> edges(Number *x, int64_t atom, int64_t dim) const {
        return {x + shape.offsets[atom] * dim * U + from, dim * U, U};
    }
    Matrix<const Number> scalars(const Number *x, int64_t atom) const {
        return {x + shape.offsets[atom] * U + from, U, 0};
    }
    void copy_scalars(Matrix<const Number> product, Number *scalars, int64_t atom, int64_t degree) const {
        for (int64_t e = 0; e < degree; e++)
            L::store(scalars + (shape.offsets[atom] + e) * U + from, L::load(product(e, 0)));
    }
    template <class Any> Any *environment(Any *of, int64_t atom) const {
        return of ? of + atom * shape.n_environment * U + from : nullptr;
    }

    // d = sum over the atom's edges of features x gradient
    void outer(Matrix<const Number> features, Matrix<const Number> grad, const Number *grad_scalars, int64_t atom,
               int64_t degree, Number *d) const {
        multiply(features.transposed(), grad, of_atom(d), shape.n_features, degree, shape.n_product, false);
        if (grad_scalars)
            multiply(features.transposed(), scalars(grad_scalars, atom), of_atom(d), shape.n_features, degree, 1, true);
    }

    // m += sum_q c_q weight[p_q] environment[j_q]
    void add_matrix(const Number *environment, const Number *weights, Number *m) const {
        const int32_t *q = shape.coefficients;
        for (int64_t n = 0; n < shape.n_coefficients; n++, q += 4) {
            Vec weight = L::load(weights + q[0] * U + from);
            L::add(m + (q[1] * shape.n_product + q[3]) * LANES,
                   (Number)shape.values[n] * weight * L::load(environment + q[2] * U));
        }
    }

    // The adjoint: what a gradient of M gives to the environment, or to the weights; null where it is not wanted.
    void add_gradients(const Number *m, const Number *environment, const Number *weights, Number *grad_environment,
                       Number *grad_weights) const {
        const int32_t *q = shape.coefficients;
        for (int64_t n = 0; n < shape.n_coefficients; n++, q += 4) {
            Vec slope = (Number)shape.values[n] * L::load(m + (q[1] * shape.n_product + q[3]) * LANES);
            if (grad_environment) L::add(grad_environment + q[2] * U, slope * L::load(weights + q[0] * U + from));
            if (grad_weights) L::add(grad_weights + q[0] * U + from, slope * L::load(environment + q[2] * U));
        }
    }
};

// Aligned scratch memory for some matrices of vectors.
template <class Number> struct Scratch {
    Number *memory;
    int64_t size;
    Scratch(int64_t matrices, int64_t size)
        : memory((Number *)std::aligned_alloc(64, (matrices * size * LANES * sizeof(Number) + 63) / 64 * 64)), size(size) {}
    ~Scratch() { std::free(memory); }
    Scratch(const Scratch &) = delete;
    Number *operator[](int64_t n) const { return memory + n * size * LANES; }
    Number *cleared(int64_t n) const {
        std::memset((*this)[n], 0, size * LANES * sizeof(Number));
        return (*this)[n];
    }
};

// Calls work(product, atom, degree, scratch, chunk) for all atoms and all lanes of channels.
template <class Number, class Work> void over_atoms(const Shape &shape, int64_t n_threads, int64_t matrices, Work work) {
    over_blocks(CHUNKS, n_threads, [&](int64_t chunk) {
        Scratch<Number> scratch(matrices, shape.n_features * shape.n_product);
        for (int64_t atom = shape.n_atoms * chunk / CHUNKS; atom < shape.n_atoms * (chunk + 1) / CHUNKS; atom++)
            for (int64_t from = 0; from < U; from += LANES)
                work(Product<Number>{shape, from}, atom, shape.offsets[atom + 1] - shape.offsets[atom], scratch, chunk);
    });
}

// Sums over atoms for the weights: every chunk of atoms has its own.
template <class Number> struct WeightSums {
    int64_t size;
    std::vector<Number> parts;
    WeightSums(const Shape &shape, const Number *wanted)
        : size(shape.n_paths * U), parts(wanted ? CHUNKS * size : 0) {}
    Number *of(int64_t chunk) { return parts.empty() ? nullptr : parts.data() + chunk * size; }
    void total(Number *out) const {
        if (parts.empty()) return;
        std::memset(out, 0, size * sizeof(Number));
        for (int64_t chunk = 0; chunk < CHUNKS; chunk++)
            for (int64_t n = 0; n < size; n++) out[n] += parts[chunk * size + n];
    }
};

template <class Number>
void forward(const Shape &shape, int64_t n_threads, const Number *features, const Number *environment,
             const Number *weights, Number *product, Number *scalars) {
    over_atoms<Number>(shape, n_threads, 1, [&](Product<Number> p, int64_t atom, int64_t degree, auto &scratch, int64_t) {
        Number *m = scratch.cleared(0);
        p.add_matrix(p.environment(environment, atom), weights, m);
        multiply(p.edges(features, atom, shape.n_features), p.of_atom((const Number *)m),
                 p.edges(product, atom, shape.n_product), degree, shape.n_features, shape.n_product, false);
        if (scalars) p.copy_scalars(p.edges((const Number *)product, atom, shape.n_product), scalars, atom, degree);
    });
}

template <class Number>
void backward(const Shape &shape, int64_t n_threads, const Number *features, const Number *environment,
              const Number *weights, const Number *grad, const Number *grad_scalars, Number *grad_features,
              Number *grad_environment, Number *grad_weights) {
    WeightSums<Number> sums(shape, grad_weights);
    int64_t I = shape.n_features, K = shape.n_product;
    if (grad_environment) std::memset(grad_environment, 0, shape.n_atoms * shape.n_environment * U * sizeof(Number));
    over_atoms<Number>(shape, n_threads, 2, [&](Product<Number> p, int64_t atom, int64_t degree, auto &scratch, int64_t chunk) {
        const Number *own = p.environment(environment, atom);
        auto g = p.edges(grad, atom, K);
        if (grad_features) {
            Number *m = scratch.cleared(0);
            p.add_matrix(own, weights, m);
            auto back = p.of_atom((const Number *)m).transposed();
            multiply(g, back, p.edges(grad_features, atom, I), degree, K, I, false);
            if (grad_scalars)
                multiply(p.scalars(grad_scalars, atom), back, p.edges(grad_features, atom, I), degree, 1, I, true);
        }
        if (grad_environment || grad_weights) {
            Number *d = scratch[1];
            p.outer(p.edges(features, atom, I), g, grad_scalars, atom, degree, d);
            p.add_gradients(d, own, weights, p.environment(grad_environment, atom), sums.of(chunk));
        }
    });
    sums.total(grad_weights);
}

// Derivatives of <a, grad_features> + <b, grad_environment> + <c, grad_weights>; a, b or c may be null.
template <class Number>
void twice_backward(const Shape &shape, int64_t n_threads, const Number *features, const Number *environment,
                    const Number *weights, const Number *grad, const Number *grad_scalars, const Number *a,
                    const Number *b, const Number *c, Number *to_features, Number *to_environment, Number *to_weights,
                    Number *to_grad, Number *to_scalars) {
    WeightSums<Number> sums(shape, to_weights);
    int64_t I = shape.n_features, K = shape.n_product;
    std::memset(to_environment, 0, shape.n_atoms * shape.n_environment * U * sizeof(Number));
    over_atoms<Number>(shape, n_threads, 3, [&](Product<Number> p, int64_t atom, int64_t degree, auto &scratch, int64_t chunk) {
        const Number *own = p.environment(environment, atom), *other = p.environment(b, atom);
        Number *to_own = p.environment(to_environment, atom), *to_sums = sums.of(chunk);
        Number *m = scratch.cleared(0), *changed = scratch.cleared(1), *d = scratch[2];
        auto x = p.edges(features, atom, I);
        auto g = p.edges(grad, atom, K);
        p.add_matrix(own, weights, m);
        if (b) p.add_matrix(other, weights, changed);
        if (c) p.add_matrix(own, c, changed);
        auto m_changed = p.of_atom((const Number *)changed);
        multiply(x, m_changed, p.edges(to_grad, atom, K), degree, I, K, false);
        multiply(g, m_changed.transposed(), p.edges(to_features, atom, I), degree, K, I, false);
        if (grad_scalars)
            multiply(p.scalars(grad_scalars, atom), m_changed.transposed(), p.edges(to_features, atom, I), degree, 1, I,
                     true);
        if (b || c) {
            p.outer(x, g, grad_scalars, atom, degree, d);
            if (b) p.add_gradients(d, other, weights, nullptr, to_sums);
            if (c) p.add_gradients(d, own, c, to_own, nullptr);
        }
        if (a) {
            auto from_a = p.edges(a, atom, I);
            multiply(from_a, p.of_atom((const Number *)m), p.edges(to_grad, atom, K), degree, I, K, true);
            p.outer(from_a, g, grad_scalars, atom, degree, d);
            p.add_gradients(d, own, weights, to_own, to_sums);
        }
        if (to_scalars) p.copy_scalars(p.edges((const Number *)to_grad, atom, K), to_scalars, atom, degree);
    });
    sums.total(to_weights);
}

}  // namespace

#define EXPORT(Number)                                                                                                  \
    extern "C" void tensor_product_##Number(const Shape *shape, int64_t n_threads, const Number *features,              \
                                            const Number *environment, const Number *weights, Number *product,          \
                                            Number *scalars) {                                                          \
        forward(*shape, n_threads, features, environment, weights, product, scalars);                                   \
    }                                                                                                                   \
    extern "C" void tensor_product_backward_##Number(                                                                   \
        const Shape *shape, int64_t n_threads, const Number *features, const Number *environment,                       \
        const Number *weights, const Number *grad, const Number *grad_scalars, Number *grad_features,                   \
        Number *grad_environment, Number *grad_weights) {                                                               \
        backward(*shape, n_threads, features, environment, weights, grad, grad_scalars, grad_features,                  \
                 grad_environment, grad_weights);                                                                       \
    }                                                                                                                   \
    extern "C" void tensor_product_twice_backward_##Number(                                                             \
        const Shape *shape, int64_t n_threads, const Number *features, const Number *environment,                       \
        const Number *weights, const Number *grad, const Number *grad_scalars, const Number *a, const Number *b,        \
        const Number *c, Number *to_features, Number *to_environment, Number *to_weights, Number *to_grad,              \
        Number *to_scalars) {                                                                                           \
        twice_backward(*shape, n_threads, features, environment, weights, grad, grad_scalars, a, b, c, to_features,     \
                       to_environment, to_weights, to_grad, to_scalars);                                                \
    }

#if DOUBLE
EXPORT(double)
#else
EXPORT(float)
#endif
