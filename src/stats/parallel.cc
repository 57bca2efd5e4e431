#include "stats/parallel.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

#include "core/cores.h"

namespace hre {

void in_chunks(size_t n, int threads, const std::function<void(size_t, size_t)>& work) {
  const size_t wanted = threads > 0 ? static_cast<size_t>(threads) : static_cast<size_t>(usable_cores());
  const size_t chunks = std::clamp<size_t>(wanted, 1, std::max<size_t>(n, 1));
  const auto begin_of = [&](size_t chunk) { return n / chunks * chunk + std::min(chunk, n % chunks); };
  std::vector<std::jthread> workers;
  for (size_t chunk = 1; chunk < chunks; ++chunk) {
    const size_t begin = begin_of(chunk);
    const size_t end = begin_of(chunk + 1);
    try {
      workers.emplace_back([&work, begin, end] { work(begin, end); });
    } catch (const std::system_error&) {  // no thread to be had: this one does it
      work(begin, end);
    }
  }
  work(0, begin_of(1));
}

}  // namespace hre
