#include "model/llama/fast/weight_stream.h"

#include <ggml-backend.h>
#include <ggml.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace hre::fast {
namespace {

/// The layer number in a name: 12 for "blk.12.attn_q.weight".
std::optional<size_t> layer_of(const std::string& name) {
  if (!name.starts_with("blk.")) return {};
  size_t layer = 0;
  const auto [end, error] = std::from_chars(name.data() + 4, name.data() + name.size(), layer);
  if (error != std::errc() || end == name.data() + name.size() || *end != '.') return {};
  return layer;
}

size_t page_size() {
  static const auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

/// The pages that contain these bytes. Releasing a page that is shared with a neighbour costs a page fault, but never a
/// value.
std::pair<std::byte*, size_t> pages_of(const std::byte* first, size_t bytes) {
  const auto at = reinterpret_cast<uintptr_t>(first), begin = at / page_size() * page_size();
  const size_t length = (at + bytes - begin + page_size() - 1) / page_size() * page_size();
  return {reinterpret_cast<std::byte*>(begin), length};  // NOLINT(performance-no-int-to-ptr): the same address
}

void give_back(const std::byte* first, size_t bytes) {
  const auto [begin, length] = pages_of(first, bytes);
  madvise(begin, length, MADV_DONTNEED);
}

/// Reads the pages and waits for them.
void read_in(const std::byte* first, size_t bytes) {
  const auto [begin, length] = pages_of(first, bytes);
#ifdef MADV_POPULATE_READ
  if (madvise(begin, length, MADV_POPULATE_READ) == 0) return;
#endif
  for (size_t at = 0; at < length; at += page_size()) (void)*(static_cast<volatile std::byte*>(begin) + at);
}

}  // namespace

std::vector<std::vector<size_t>> stages_of(std::span<const std::string> names) {
  std::vector<std::vector<size_t>> stages;
  const bool has_output = std::find(names.begin(), names.end(), "output.weight") != names.end();
  std::vector<size_t> last;
  for (size_t i = 0; i < names.size(); ++i) {
    if (const auto layer = layer_of(names[i])) {
      if (stages.size() <= *layer && *layer < names.size()) stages.resize(*layer + 1);
      if (*layer < stages.size()) stages[*layer].push_back(i);
    } else if (names[i].starts_with("output") || (names[i] == "token_embd.weight" && !has_output)) {
      last.push_back(i);
    }
  }
  stages.push_back(std::move(last));
  return stages;
}

WeightStream::WeightStream(std::vector<MappedWeight> weights) {
  std::vector<std::string> names;
  for (const MappedWeight& weight : weights) names.push_back(weight.name);
  std::vector<bool> is_in_stage(weights.size());
  for (const std::vector<size_t>& indices : stages_of(names)) {
    stages_.emplace_back();
    for (const size_t i : indices) {
      is_in_stage[i] = true;
      stages_.back().push_back({weights[i].data, weights[i].bytes, stages_.size() - 1});
      ranges_.push_back(stages_.back().back());
    }
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    if (!is_in_stage[i]) rows_.push_back({weights[i].data, weights[i].bytes, 0});
  }
  std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  stage_ = wanted_ = read_ = stages_.size();
  for (const Range& range : rows_) {
    const auto [begin, length] = pages_of(range.first, range.bytes);
    madvise(begin, length, MADV_RANDOM);
  }
}

WeightStream::~WeightStream() = default;

void WeightStream::reach(const ggml_tensor* node) {
  for (const ggml_tensor* source : node->src) {
    if (source == nullptr || source->op != GGML_OP_NONE || source->data == nullptr) continue;
    if (node->op == GGML_OP_GET_ROWS) continue;  // reads only some rows of the embeddings
    const auto* at = static_cast<const std::byte*>(source->data);
    auto range = std::upper_bound(ranges_.begin(), ranges_.end(), at,
                                  [](const std::byte* address, const Range& r) { return address < r.first; });
    if (range == ranges_.begin()) continue;
    --range;
    if (at < range->first + range->bytes && range->stage != stage_) enter(range->stage);
  }
}

void WeightStream::enter(size_t stage) {
  if (stage_ < stages_.size()) {
    for (const Range& range : stages_[stage_]) give_back(range.first, range.bytes);
  }
  if (stage == 0) {
    for (const Range& range : rows_) give_back(range.first, range.bytes);
  }
  stage_ = stage;
  if (!reader_.joinable()) reader_ = std::jthread([this](const std::stop_token& stop) { read_ahead(stop); });
  want(stage);
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return read_ == stage; });
  }
  want((stage + 1) % stages_.size());
}

/// Asks for a stage, after the previous one has been read to its end.
void WeightStream::want(size_t stage) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return read_ == wanted_; });
    wanted_ = stage;
  }
  changed_.notify_all();
}

void WeightStream::read_ahead(const std::stop_token& stop) {
  while (true) {
    size_t stage = 0;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return wanted_ != read_; })) return;
      stage = wanted_;
    }
    for (const Range& range : stages_[stage]) read_in(range.first, range.bytes);
    {
      const std::lock_guard lock(mutex_);
      read_ = stage;
    }
    changed_.notify_all();
  }
}

}  // namespace hre::fast
