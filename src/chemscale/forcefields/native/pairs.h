// Walking over the pairs of an atom. Every sum has a fixed order, whatever the number of threads.
#pragma once

#include <cstdint>

#include "threads.h"

// Pairs p with first[p] = a are first_order[first_offsets[a]] .. ; the same for the second atoms.
struct Pairs {
    const int64_t *first, *first_order, *first_offsets;
    const int64_t *second, *second_order, *second_offsets;
};

// Calls work(pair, other atom, +1) where `atom` is the first of a pair, then work(pair, other atom, -1).
template <class Work> inline void over_pairs_of(const Pairs &pairs, int64_t atom, Work work) {
    for (int64_t k = pairs.first_offsets[atom]; k < pairs.first_offsets[atom + 1]; k++) {
        int64_t p = pairs.first_order[k];
        work(p, pairs.second[p], 1);
    }
    for (int64_t k = pairs.second_offsets[atom]; k < pairs.second_offsets[atom + 1]; k++) {
        int64_t p = pairs.second_order[k];
        work(p, pairs.first[p], -1);
    }
}
