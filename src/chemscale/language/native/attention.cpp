// Causal, optionally windowed, multi-head attention without the 1/sqrt(d) scale, forward and backward.
//
// One lane of a vector is one (sequence, head) pair, so the arithmetic of LANES heads runs side by side and nothing is
// ever summed across lanes. That is the layout for narrow models: a head of 1 to 16 numbers is too short to fill a
// vector by itself. Queries and keys are taken in tiles of 4 by 4, so that each value loaded is used four times.
//
// qkv is [batch, tokens, 3, n_heads, head_dim], out is [batch, tokens, n_heads, head_dim]. The forward pass also leaves
// the logarithm of each query's softmax denominator in lse, [groups, tokens4, LANES] floats, which is all that the backward
// pass needs to rebuild the weights (the recomputation of FlashAttention, arXiv:2205.14135).

#include <algorithm>
#include <cstdlib>

#include "threads.h"
#include "vectors.h"

namespace {

constexpr int HD = HEAD_DIM;  // numbers in a head, given on the compiler's command line
constexpr int TILE = 4;
constexpr int CHUNK = 64;  // keys between two updates of the running maximum

struct Shape {
    int64_t batch, tokens, n_heads, window;
    int64_t pairs() const { return batch * n_heads; }
    int64_t groups() const { return (pairs() + LANES - 1) / LANES; }
    int64_t tokens4() const { return (tokens + TILE - 1) / TILE * TILE; }
    int64_t width() const { return n_heads * HD; }
};


// Aligned scratch memory, one block for several arrays of vectors.
struct Scratch {
    Vec *memory;
    explicit Scratch(int64_t vectors)
        : memory((Vec *)std::aligned_alloc(64, (vectors * sizeof(Vec) + 63) / 64 * 64)) {}
    ~Scratch() { std::free(memory); }
    Scratch(const Scratch &) = delete;
};

// ---- between the tensors' order, heads one after another, and lanes --------------------------------------------

// in: N vectors that hold LANES * N numbers; out[d] gets every N-th number from d on.
template <int N> inline void deinterleave(const Vec *in, Vec *out, int first, int step) {
    if constexpr (N == 1) {
        out[first] = in[0];
    } else {
        Vec even[N / 2], odd[N / 2];
        for (int i = 0; i < N / 2; i++) {
            even[i] = SHUFFLE(in[2 * i], in[2 * i + 1], EVEN_LANES);
            odd[i] = SHUFFLE(in[2 * i], in[2 * i + 1], ODD_LANES);
        }
        deinterleave<N / 2>(even, out, first, 2 * step);
        deinterleave<N / 2>(odd, out, first + step, 2 * step);
    }
}

template <int N> inline void interleave(const Vec *in, Vec *out, int first, int step) {
    if constexpr (N == 1) {
        out[0] = in[first];
    } else {
        Vec even[N / 2], odd[N / 2];
        interleave<N / 2>(in, even, first, 2 * step);
        interleave<N / 2>(in, odd, first + step, 2 * step);
        for (int i = 0; i < N / 2; i++) {
            out[2 * i] = SHUFFLE(even[i], odd[i], LOW_LANES);
            out[2 * i + 1] = SHUFFLE(even[i], odd[i], HIGH_LANES);
        }
    }
}

// Where the lanes of one group begin in a tensor whose tokens are `stride` numbers apart.
struct Lanes {
    int64_t offset[LANES];
    int live;         // lanes in use; the last group may have fewer
    bool contiguous;  // the lanes are neighbouring heads of one sequence

    Lanes(const Shape &shape, int64_t group, int64_t stride) {
        int64_t first = group * LANES;
        live = (int)std::min<int64_t>(LANES, shape.pairs() - first);
        for (int lane = 0; lane < live; lane++) {
            int64_t pair = first + lane;
            offset[lane] = pair / shape.n_heads * shape.tokens * stride + pair % shape.n_heads * HD;
        }
        contiguous = shape.n_heads % LANES == 0;
    }
};

constexpr bool NARROW_POWER_OF_TWO = HD <= LANES && (HD & (HD - 1)) == 0;

template <class Number>
inline void gather_token(const Number *from, const Lanes &lanes, Vec *to) {
    if constexpr (NARROW_POWER_OF_TWO) {
        if (lanes.contiguous) {
            Vec in[HD];
            for (int i = 0; i < HD; i++) in[i] = load(from + lanes.offset[0] + i * LANES);
            deinterleave<HD>(in, to, 0, 1);
            return;
        }
    }
    if constexpr (HD % LANES == 0) {
        for (int block = 0; block < HD; block += LANES) {
            Vec in[LANES];
            for (int lane = 0; lane < LANES; lane++)
                in[lane] = lane < lanes.live ? load(from + lanes.offset[lane] + block) : Vec{};
            deinterleave<LANES>(in, to + block, 0, 1);
        }
        return;
    }
    float *numbers = (float *)to;
    for (int lane = 0; lane < LANES; lane++)
        for (int64_t d = 0; d < HD; d++)
            numbers[d * LANES + lane] = lane < lanes.live ? to_float(from[lanes.offset[lane] + d]) : 0.0f;
}

template <class Number>
inline void scatter_token(const Vec *from, const Lanes &lanes, Number *to) {
    if constexpr (NARROW_POWER_OF_TWO) {
        if (lanes.contiguous) {
            Vec out[HD];
            interleave<HD>(from, out, 0, 1);
            for (int i = 0; i < HD; i++) store(to + lanes.offset[0] + i * LANES, out[i]);
            return;
        }
    }
    if constexpr (HD % LANES == 0) {
        for (int block = 0; block < HD; block += LANES) {
            Vec out[LANES];
            interleave<LANES>(from + block, out, 0, 1);
            for (int lane = 0; lane < lanes.live; lane++) store(to + lanes.offset[lane] + block, out[lane]);
        }
        return;
    }
    for (int64_t d = 0; d < HD; d++) {
        Number numbers[LANES];
        store(numbers, from[d]);
        for (int lane = 0; lane < lanes.live; lane++) to[lanes.offset[lane] + d] = numbers[lane];
    }
}

template <class Number>
void gather(const Number *from, const Lanes &lanes, int64_t stride, const Shape &shape, Vec *to) {
    for (int64_t t = 0; t < shape.tokens; t++)
        gather_token(from + t * stride, lanes, to + t * HD);
    for (Vec *pad = to + shape.tokens * HD; pad < to + shape.tokens4() * HD; pad++) *pad = Vec{};
}

template <class Number>
void scatter(const Vec *from, const Lanes &lanes, int64_t stride, const Shape &shape, Number *to) {
    for (int64_t t = 0; t < shape.tokens; t++)
        scatter_token(from + t * HD, lanes, to + t * stride);
}

// ---- tiles of 4 queries by 4 keys ------------------------------------------------------------------------------

#define FOR4(i) _Pragma("GCC unroll 4") for (int i = 0; i < TILE; i++)

typedef Vec Tile[TILE][TILE];  // [query][key]

// tile = a . b over the head's numbers.
inline void dot(const Vec *a, const Vec *b, Tile &tile) {
    FOR4(i) FOR4(j) tile[i][j] = Vec{};
    for (int64_t d = 0; d < HD; d++) {
        Vec row[TILE];
        FOR4(i) row[i] = a[i * HD + d];
        FOR4(j) {
            Vec column = b[j * HD + d];
            FOR4(i) tile[i][j] += row[i] * column;
        }
    }
}

// to[i] += sum_j tile[i][j] from[j]
inline void add_rows(const Tile &tile, const Vec *from, Vec *to) {
    for (int64_t d = 0; d < HD; d++) {
        Vec sum[TILE];
        FOR4(i) sum[i] = to[i * HD + d];
        FOR4(j) {
            Vec value = from[j * HD + d];
            FOR4(i) sum[i] += tile[i][j] * value;
        }
        FOR4(i) to[i * HD + d] = sum[i];
    }
}

// to[j] += sum_i tile[i][j] from[i]
inline void add_columns(const Tile &tile, const Vec *from, Vec *to) {
    for (int64_t d = 0; d < HD; d++) {
        Vec sum[TILE];
        FOR4(j) sum[j] = to[j * HD + d];
        FOR4(i) {
            Vec value = from[i * HD + d];
            FOR4(j) sum[j] += tile[i][j] * value;
        }
        FOR4(j) to[j * HD + d] = sum[j];
    }
}

// Does the tile hold pairs that may not see each other? At the diagonal, and where the window ends.
inline bool at_edge(int64_t query, int64_t key, int64_t window) {
    return key + TILE > query + 1 || query + TILE - key > window;
}

inline void fill_unseen(Tile &tile, int64_t query, int64_t key, int64_t window, float value) {
    FOR4(i) FOR4(j) {
        int64_t gap = query + i - key - j;
        if (gap < 0 || gap >= window) tile[i][j] = splat(value);
    }
}

inline int64_t first_key(int64_t query, int64_t window) {
    return std::max<int64_t>(0, query - window + 1) / TILE * TILE;
}

// ---- the two passes over one group of lanes --------------------------------------------------------------------

constexpr float LOWEST = -3.0e38f;

// Four queries against all their keys: out [4, head_dim] and lse [4], with a running maximum.
void forward_queries(const Vec *q, const Vec *k, const Vec *v, int64_t query, const Shape &shape, Vec *out, Vec *lse) {
    const int64_t end = query + TILE;
    Vec maximum[TILE], total[TILE];
    FOR4(i) maximum[i] = splat(LOWEST), total[i] = Vec{};
    std::fill(out, out + TILE * HD, Vec{});
    Tile tiles[CHUNK / TILE];
    for (int64_t begin = first_key(query, shape.window); begin < end; begin += CHUNK) {
        const int64_t stop = std::min(begin + CHUNK, end);
        Vec highest[TILE];
        FOR4(i) highest[i] = maximum[i];
        for (int64_t key = begin; key < stop; key += TILE) {
            Tile &tile = tiles[(key - begin) / TILE];
            Tile scores;
            dot(q, k + key * HD, scores);
            if (at_edge(query, key, shape.window)) fill_unseen(scores, query, key, shape.window, LOWEST);
            FOR4(i) FOR4(j) tile[i][j] = scores[i][j], highest[i] = larger(highest[i], scores[i][j]);
        }
        FOR4(i) {
            Vec shrink = exponential(maximum[i] - highest[i]);
            total[i] *= shrink;
            for (int64_t d = 0; d < HD; d++) out[i * HD + d] *= shrink;
            maximum[i] = highest[i];
        }
        for (int64_t key = begin; key < stop; key += TILE) {
            const Tile &tile = tiles[(key - begin) / TILE];
            Tile weights;
            FOR4(i) FOR4(j) weights[i][j] = exponential(tile[i][j] - maximum[i]);
            if (at_edge(query, key, shape.window)) fill_unseen(weights, query, key, shape.window, 0.0f);
            FOR4(i) FOR4(j) total[i] += weights[i][j];
            add_rows(weights, v + key * HD, out);
        }
    }
    FOR4(i) {
        Vec inverse = 1.0f / total[i];
        for (int64_t d = 0; d < HD; d++) out[i * HD + d] *= inverse;
        lse[i] = maximum[i] + logarithm(total[i]);
    }
}

template <class Number>
void forward_group(const Number *qkv, Number *out, float *lse, const Shape &shape, int64_t group) {
    const int64_t width = shape.width(), size = shape.tokens4() * HD;
    Scratch scratch(4 * size);
    Vec *q = scratch.memory, *k = q + size, *v = k + size, *result = v + size;
    const Lanes lanes(shape, group, 3 * width);
    gather(qkv, lanes, 3 * width, shape, q);
    gather(qkv + width, lanes, 3 * width, shape, k);
    gather(qkv + 2 * width, lanes, 3 * width, shape, v);
    for (int64_t query = 0; query < shape.tokens; query += TILE) {
        Vec log_sums[TILE];
        forward_queries(q + query * HD, k, v, query, shape, result + query * HD, log_sums);
        FOR4(i) store(lse + (group * shape.tokens4() + query + i) * LANES, log_sums[i]);
    }
    scatter(result, Lanes(shape, group, width), width, shape, out);
}

// Arrays of one group, each [tokens4, head_dim] vectors, except the last two, [tokens4].
struct Gradients {
    const Vec *q, *k, *v, *grad_out;
    Vec *grad_q, *grad_k, *grad_v;
    const Vec *lse, *row_dot;
};

// dv_j = sum_i p_ij do_i;  ds_ij = p_ij (do_i . v_j - do_i . o_i);  dq_i = sum_j ds_ij k_j;  dk_j = sum_i ds_ij q_i
void backward_queries(const Gradients &g, int64_t query, const Shape &shape) {
    const int64_t row = query * HD;
    for (int64_t key = first_key(query, shape.window); key < query + TILE; key += TILE) {
        const int64_t column = key * HD;
        Tile weights, slopes;
        dot(g.q + row, g.k + column, weights);
        FOR4(i) FOR4(j) weights[i][j] = exponential(weights[i][j] - g.lse[query + i]);
        if (at_edge(query, key, shape.window)) fill_unseen(weights, query, key, shape.window, 0.0f);
        add_columns(weights, g.grad_out + row, g.grad_v + column);
        dot(g.grad_out + row, g.v + column, slopes);
        FOR4(i) FOR4(j) slopes[i][j] = weights[i][j] * (slopes[i][j] - g.row_dot[query + i]);
        add_columns(slopes, g.q + row, g.grad_k + column);
        add_rows(slopes, g.k + column, g.grad_q + row);
    }
}

template <class Number>
void backward_group(const Number *qkv, const Number *out, const float *lse, const Number *grad_out, Number *grad_qkv,
                    const Shape &shape, int64_t group) {
    const int64_t width = shape.width(), tokens4 = shape.tokens4();
    const int64_t size = tokens4 * HD;
    Scratch scratch(7 * size + HD + 2 * tokens4);
    Vec *q = scratch.memory, *k = q + size, *v = k + size, *slope = v + size;
    Vec *grad_q = slope + size, *grad_k = grad_q + size, *grad_v = grad_k + size, *one_out = grad_v + size;
    Vec *row_dot = one_out + HD, *log_sums = row_dot + tokens4;
    const Lanes wide(shape, group, 3 * width), lanes(shape, group, width);
    gather(qkv, wide, 3 * width, shape, q);
    gather(qkv + width, wide, 3 * width, shape, k);
    gather(qkv + 2 * width, wide, 3 * width, shape, v);
    gather(grad_out, lanes, width, shape, slope);
    std::fill(grad_q, grad_q + 3 * size, Vec{});
    std::fill(row_dot, row_dot + tokens4, Vec{});
    for (int64_t t = 0; t < shape.tokens; t++) {
        gather_token(out + t * width, lanes, one_out);
        for (int64_t d = 0; d < HD; d++) row_dot[t] += one_out[d] * slope[t * HD + d];
    }
    for (int64_t t = 0; t < tokens4; t++) log_sums[t] = load(lse + (group * tokens4 + t) * LANES);
    const Gradients gradients{q, k, v, slope, grad_q, grad_k, grad_v, log_sums, row_dot};
    for (int64_t query = 0; query < shape.tokens; query += TILE) backward_queries(gradients, query, shape);
    scatter(grad_q, wide, 3 * width, shape, grad_qkv);
    scatter(grad_k, wide, 3 * width, shape, grad_qkv + width);
    scatter(grad_v, wide, 3 * width, shape, grad_qkv + 2 * width);
}

// ---- all groups ------------------------------------------------------------------------------------------------

template <class Number>
void forward(const Number *qkv, Number *out, float *lse, const Shape &shape, int64_t n_threads) {
    over_blocks(shape.groups(), n_threads, [&](int64_t group) { forward_group(qkv, out, lse, shape, group); });
}

template <class Number>
void backward(const Number *qkv, const Number *out, const float *lse, const Number *grad_out, Number *grad_qkv,
              const Shape &shape, int64_t n_threads) {
    over_blocks(shape.groups(), n_threads,
                [&](int64_t group) { backward_group(qkv, out, lse, grad_out, grad_qkv, shape, group); });
}

}  // namespace

extern "C" {

void attention_forward(const void *qkv, void *out, float *lse, int64_t batch, int64_t tokens, int64_t n_heads,
                       int64_t window, int64_t is_bfloat16, int64_t n_threads) {
    const Shape shape{batch, tokens, n_heads, window};
    if (is_bfloat16)
        forward((const Bfloat16 *)qkv, (Bfloat16 *)out, lse, shape, n_threads);
    else
        forward((const float *)qkv, (float *)out, lse, shape, n_threads);
}

void attention_backward(const void *qkv, const void *out, const float *lse, const void *grad_out, void *grad_qkv,
                        int64_t batch, int64_t tokens, int64_t n_heads, int64_t window,
                        int64_t is_bfloat16, int64_t n_threads) {
    const Shape shape{batch, tokens, n_heads, window};
    if (is_bfloat16)
        backward((const Bfloat16 *)qkv, (const Bfloat16 *)out, lse, (const Bfloat16 *)grad_out, (Bfloat16 *)grad_qkv,
                 shape, n_threads);
    else
        backward((const float *)qkv, (const float *)out, lse, (const float *)grad_out, (float *)grad_qkv, shape,
                 n_threads);
}
}
