// Work that falls into independent blocks, over threads. Which thread does a block never changes its result.
#pragma once

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <thread>
#include <vector>

template <class Work> void over_blocks(int64_t blocks, int64_t n_threads, Work work) {
    n_threads = std::max<int64_t>(1, std::min(n_threads, blocks));
    auto share = [&](int64_t thread) {
        for (int64_t b = blocks * thread / n_threads; b < blocks * (thread + 1) / n_threads; b++) work(b);
    };
    std::vector<std::thread> others;
    for (int64_t thread = 1; thread < n_threads; thread++) {
        try {
            others.emplace_back(share, thread);
        } catch (const std::system_error &) {
            share(thread);  // the system gives no more threads
        }
    }
    share(0);
    for (auto &other : others) other.join();
}
