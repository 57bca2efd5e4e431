#pragma once
/// Weights that stay on the disk: a mapped file's pages are read a layer ahead of the graph that is computed, and given
/// back behind it, so that a model larger than the memory can be scored.

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

/// The model's layers in order, the output layer last, each the weights that a graph reads together: indices into
/// `names`. What is read row by row (embeddings that are not the output layer's too) is in none.
std::vector<std::vector<size_t>> stages_of(std::span<const std::string> names);

/// Follows a graph from stage to stage. Its calls come from one thread at a time.
class WeightStream {
 public:
  /// The weights must stay mapped as long.
  explicit WeightStream(std::vector<MappedWeight> weights);
  ~WeightStream();
  WeightStream(const WeightStream&) = delete;
  WeightStream& operator=(const WeightStream&) = delete;

  /// Before a node is computed: where its weights are of another stage, waits for that, has the one after it read, and
  /// gives back the one before.
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

  std::vector<Range> ranges_;  // by address
  std::vector<std::vector<Range>> stages_;
  std::vector<Range> rows_;  // in no stage
  size_t stage_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  size_t wanted_, read_;  // the stage to read ahead, and the last that was; one past the last: none
  std::jthread reader_;   // started with the first graph: a fork has no threads
};

}  // namespace hre::fast
