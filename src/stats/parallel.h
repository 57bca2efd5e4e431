#pragma once
/// Work on several threads whose result does not depend on their number.

#include <cstddef>
#include <functional>

namespace hre {

/// Calls work(begin, end) on contiguous chunks that cover [0, n), each on a thread of its own, and waits.
/// threads: 0 is all cores. `work` must not throw, and what it does for an index must not depend on the chunk.
void in_chunks(size_t n, int threads, const std::function<void(size_t begin, size_t end)>& work);

}  // namespace hre
