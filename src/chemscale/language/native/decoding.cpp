// Attention of one new token for each of many sequences, over keys and values that were kept, without 1/sqrt(d).
//
// One lane of a vector is one head. Numbers lie with the heads innermost, [head_dim, n_heads], so that a vector is
// loaded as it lies: the caller has put the rows of its weights into that order once.
//
// A kept row is one token of one layer: its keys and its values, [2, head_dim, n_heads]. Which rows a sequence sees is
// a list of row numbers, so sequences that begin alike share rows, and a beam changes its past without a copy.

#include <algorithm>
#include <cstdlib>

#include "threads.h"
#include "vectors.h"

namespace {

constexpr int HD = HEAD_DIM;  // numbers in a head, given on the compiler's command line
constexpr float LOWEST = -3.0e38f;

struct Step {
    const float *qkv;     // [sequences, 3, HD, n_heads]
    float *kept;          // [rows, 2, HD, n_heads]
    const int32_t *rows;  // [sequences, row_stride]: the row of each position
    const int32_t *lengths;  // [sequences]: positions, the new one included
    float *out;           // [sequences, HD, n_heads]
    int64_t row_stride, n_heads, window;
};

// Rows lie anywhere in a memory that is larger than the caches: they are asked for some positions ahead.
constexpr int AHEAD = 8;
inline void fetch(const float *from, int64_t numbers) {
    for (int64_t i = 0; i < numbers; i += 16) __builtin_prefetch(from + i);
}

inline Vec load_heads(const float *from, int64_t count) { return count == LANES ? load(from) : load_part(from, count); }
inline void store_heads(float *to, Vec value, int64_t count) {
    if (count == LANES)
        store(to, value);
    else
        store_part(to, value, count);
}

// The heads from `head` on, at most LANES of them, of one sequence; `scores` has room for one vector a position.
void attend_heads(const Step &step, int64_t sequence, int64_t head, Vec *scores) {
    const int64_t n_heads = step.n_heads, width = HD * n_heads, count = std::min<int64_t>(LANES, n_heads - head);
    const int64_t length = step.lengths[sequence];
    const int64_t begin = step.window > 0 ? std::max<int64_t>(0, length - step.window) : 0;
    const int32_t *rows = step.rows + sequence * step.row_stride;
    const float *query = step.qkv + sequence * 3 * width + head;
    Vec q[HD];
    for (int d = 0; d < HD; d++) q[d] = load_heads(query + d * n_heads, count);
    Vec highest = splat(LOWEST);
    for (int64_t position = begin; position < length; position++) {
        const float *keys = step.kept + rows[position] * 2 * width + head;
        if (position + AHEAD < length) fetch(step.kept + rows[position + AHEAD] * 2 * width, 2 * width);
        Vec even = {}, odd = {};
        for (int d = 0; d + 1 < HD; d += 2) {
            even += q[d] * load_heads(keys + d * n_heads, count);
            odd += q[d + 1] * load_heads(keys + (d + 1) * n_heads, count);
        }
        if (HD % 2) even += q[HD - 1] * load_heads(keys + (HD - 1) * n_heads, count);
        scores[position - begin] = even + odd;
        highest = larger(highest, scores[position - begin]);
    }
    Vec total = {}, sum[HD];
    for (int d = 0; d < HD; d++) sum[d] = Vec{};
    for (int64_t position = begin; position < length; position++) {
        const float *values = step.kept + rows[position] * 2 * width + width + head;
        const Vec weight = exponential(scores[position - begin] - highest);
        total += weight;
        for (int d = 0; d < HD; d++) sum[d] += weight * load_heads(values + d * n_heads, count);
    }
    const Vec inverse = 1.0f / total;
    float *out = step.out + sequence * width + head;
    for (int d = 0; d < HD; d++) store_heads(out + d * n_heads, sum[d] * inverse, count);
}

}  // namespace

extern "C" void decode_attention(const float *qkv, float *kept, const int32_t *rows, const int32_t *lengths, float *out,
                                 int64_t sequences, int64_t row_stride, int64_t n_heads, int64_t window,
                                 int64_t n_threads) {
    const Step step{qkv, kept, rows, lengths, out, row_stride, n_heads, window};
    const int64_t width = HD * n_heads;
    n_threads = std::max<int64_t>(1, std::min(n_threads, sequences / 16));
    over_blocks(n_threads, n_threads, [&](int64_t share) {
        const int64_t first = sequences * share / n_threads, last = sequences * (share + 1) / n_threads;
        int64_t longest = 1;
        for (int64_t s = first; s < last; s++) longest = std::max<int64_t>(longest, lengths[s]);
        Vec *scores = (Vec *)std::aligned_alloc(64, (longest * sizeof(Vec) + 63) / 64 * 64);
        for (int64_t s = first; s < last; s++) {
            const int64_t row = rows[s * row_stride + lengths[s] - 1];
            std::memcpy(kept + row * 2 * width, qkv + (s * 3 + 1) * width, 2 * width * sizeof(float));
            for (int64_t head = 0; head < n_heads; head += LANES) attend_heads(step, s, head, scores);
        }
        std::free(scores);
    });
}
