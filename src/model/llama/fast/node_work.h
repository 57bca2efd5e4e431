#pragma once
/// Work that the threads of a graph share: all of them enter each node together and leave it when it is done.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

struct ggml_threadpool;

namespace hre::fast {

/// One of the graph's threads, at a node.
struct Worker {
  int index = 0, count = 1;
  ggml_threadpool* pool = nullptr;

  /// Waits until all threads of the graph have called this.
  void wait_for_all() const;
};

/// Tasks 0..n-1, each taken by one thread. The last thread that finds no task resets the queue for its next use, which
/// must come after a wait_for_all (or the end of the node).
class TaskQueue {
 public:
  /// The next task, or n if there is none.
  int64_t take(const Worker& worker, int64_t n) {
    const int64_t task = next_.fetch_add(1, std::memory_order_relaxed);
    if (task == n + worker.count - 1) next_.store(0, std::memory_order_relaxed);
    return task < n ? task : n;
  }

 private:
  std::atomic<int64_t> next_ = 0;
};

/// Memory aligned to a cache line that grows on demand and is never cleared.
class Room {
 public:
  void* bytes(size_t n) {
    if (n <= size_) return at_.get();
    at_.reset();
    at_.reset(::operator new(n, std::align_val_t(64)));
    size_ = n;
    return at_.get();
  }
  float* floats(size_t n) { return static_cast<float*>(bytes(n * sizeof(float))); }

 private:
  struct Free {
    void operator()(void* at) const { ::operator delete(at, std::align_val_t(64)); }
  };
  std::unique_ptr<void, Free> at_;
  size_t size_ = 0;
};

}  // namespace hre::fast
