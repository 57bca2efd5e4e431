#pragma once
/// Weights that stay on the disk: the pages of a mapped file are read one layer ahead of the graph's computation and
/// released behind it, so that a model larger than the memory can be scored.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

struct ggml_tensor;

namespace hre::fast {

/// A weight in a mapped file.
struct MappedWeight {
  std::string name;
  const std::byte* data = nullptr;
  size_t bytes = 0;
};

/// The model's stages: its layers in order, then the output layer, each with the weights that a graph reads together,
/// as indices into `names`. Weights that are read row by row (embeddings, unless they are also the output layer's) are
/// in no stage.
std::vector<std::vector<size_t>> stages_of(std::span<const std::string> names);

/// Follows a graph from stage to stage. Only one thread at a time may call it.
class WeightStream {
 public:
  /// The weights must stay mapped while this object lives.
  explicit WeightStream(std::vector<MappedWeight> weights);
  ~WeightStream();
  WeightStream(const WeightStream&) = delete;
  WeightStream& operator=(const WeightStream&) = delete;

  /// Call this before a node is computed. If the node's weights are in another stage, it waits for that stage, has the
  /// next one read, and releases the previous one.
  void reach(const ggml_tensor* node);

 private:
  struct Range {
    const std::byte* first;
    size_t bytes;
    size_t stage;
  };
  void enter(size_t stage);
  void want(size_t stage);
  void read_ahead(const std::stop_token& stop);

  std::vector<Range> ranges_;  // sorted by address
  std::vector<std::vector<Range>> stages_;
  std::vector<Range> rows_;  // in no stage
  size_t stage_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  size_t wanted_, read_;  // the stage to read, and the last stage read; one past the last: none
  std::jthread reader_;   // started with the first graph, because a fork would have no threads
};

}  // namespace hre::fast
