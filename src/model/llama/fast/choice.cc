#include "model/llama/fast/choice.h"

#include <ggml-cpu.h>
#include <ggml.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>

#include "core/cache.h"
#include "core/files.h"
#include "core/hashing.h"
#include "model/llama/fast/kernels.h"
#include "model/llama/fast/product_node.h"

namespace hre::fast {
namespace {

constexpr int64_t kRows = 192, kColumns = 512, kDepth = 1024;
constexpr int kRounds = 5;
constexpr double kClearly = 1.15;

struct FreeContext {
  void operator()(ggml_context* context) const { ggml_free(context); }
};

/// The best of a few times, in seconds.
template <class Work>
double seconds_of(const Work& work) {
  double best = 1e9;
  for (int round = 0; round <= kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (round > 0) best = std::min(best, seconds);
  }
  return best;
}

/// A product with weights of this type, all small numbers, to be computed by either side.
class Trial {
 public:
  explicit Trial(ggml_type type) : context_(ggml_init({size_t{16} << 20, nullptr, false})) {
    weights_ = ggml_new_tensor_2d(context_.get(), type, kDepth, kColumns);
    rows_ = ggml_new_tensor_2d(context_.get(), GGML_TYPE_F32, kDepth, kRows);
    std::vector<float> values(static_cast<size_t>(kDepth * kColumns));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 17) / 16 - 0.5F;
    ggml_quantize_chunk(type, values.data(), weights_->data, 0, kColumns, kDepth, nullptr);
    std::copy_n(values.data(), kDepth * kRows, static_cast<float*>(rows_->data));
    to_ = ggml_mul_mat(context_.get(), weights_, rows_);
    graph_ = ggml_new_graph(context_.get());
    ggml_build_forward_expand(graph_, to_);
  }

  double by_engine() {
    return seconds_of([&] { ggml_graph_compute_with_ctx(context_.get(), graph_, 1); });
  }

  double here(Precision precision) {
    ProductNode product{weights_, static_cast<const float*>(rows_->data), kRows, kColumns, kDepth, kDepth};
    product.to = static_cast<float*>(to_->data);
    product.precision = precision;
    return seconds_of([&] { compute(product, Worker{}, nullptr); });
  }

 private:
  std::unique_ptr<ggml_context, FreeContext> context_;
  ggml_tensor *weights_, *rows_, *to_;
  ggml_cgraph* graph_;
};

/// A way to multiply here.
struct Way {
  Multiplies how;
  char letter;  ///< in what is kept
};
constexpr Way kF32{Multiplies::kF32, 'f'}, kBf16{Multiplies::kBf16, 'b'}, kI14{Multiplies::kI14, 'n'},
    kI16{Multiplies::kI16, 'i'};
constexpr char kEngineLetter = 'e';

/// Weights of one kind, what stands for them in the measurement, and the ways, the most exact first.
struct Kind {
  Multiplies Settings::*setting;
  ggml_type type;
  std::vector<Way> ways;
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {{&Settings::f32, GGML_TYPE_F32, {kF32}},
                                        {&Settings::bf16, GGML_TYPE_BF16, {kF32, kI14, kBf16}},
                                        {&Settings::q8_0, GGML_TYPE_Q8_0, {kF32, kI16, kBf16}},
                                        {&Settings::quantised, GGML_TYPE_Q8_0, {kF32, kI14, kBf16}}};
  return all;
}

/// The fastest way; the engine where it is clearly faster.
Multiplies fastest_for(const Kind& kind) {
  Trial trial(kind.type);
  Multiplies best = Multiplies::kEngine;
  double seconds = trial.by_engine() * kClearly;
  for (const Way& way : kind.ways) {
    if (!can_multiply(precision_of(way.how))) continue;
    const double here = trial.here(precision_of(way.how));
    if (here < seconds) best = way.how, seconds = here;
  }
  return best;
}

/// Everything that the measurement depends on.
std::string machine_key() {
  std::string processor;
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name") || line.starts_with("flags")) processor += line + "\n";
    if (line.empty()) break;
  }
  ContentHash hash;
  hash.add_bytes(processor + kernels().name + products_version() + ggml_version());
  return hash.value();
}

constexpr std::string_view kFormat = "hre-kernels/3 ";

/// A letter a kind.
std::string text_of(const Settings& settings) {
  std::string text(kFormat);
  for (const Kind& kind : kinds()) {
    const auto way = std::find_if(kind.ways.begin(), kind.ways.end(),
                                  [&](const Way& one) { return one.how == settings.*kind.setting; });
    text += way == kind.ways.end() ? kEngineLetter : way->letter;
  }
  return text + "\n";
}

std::optional<Settings> parse_kept(const std::string& text) {
  if (text.size() < kFormat.size() + kinds().size() || !text.starts_with(kFormat)) return {};
  Settings settings;
  for (size_t i = 0; i < kinds().size(); ++i) {
    const char letter = text[kFormat.size() + i];
    if (letter == kEngineLetter) continue;
    const auto& [setting, type, ways] = kinds()[i];
    const auto way = std::find_if(ways.begin(), ways.end(), [&](const Way& one) { return one.letter == letter; });
    if (way == ways.end() || !can_multiply(precision_of(way->how))) return {};
    settings.*setting = way->how;
  }
  return settings;
}

Settings find_fastest() {
  if (!can_multiply(Precision::kF32)) return {};
  const auto folder = cache_folder("kernels");
  const std::string path = folder ? *folder + "/" + machine_key() + ".txt" : "";
  if (!path.empty() && std::filesystem::exists(path)) {
    const auto text = read_file(path, 4096);
    const auto kept = text ? parse_kept(*text) : std::nullopt;
    if (kept) return *kept;
  }
  Settings measured;
  for (const Kind& kind : kinds()) measured.*kind.setting = fastest_for(kind);
  if (path.empty()) return measured;
  if (auto file = AtomicFile::create(path)) (void)file->commit(text_of(measured));  // measured again if it failed
  return measured;
}

}  // namespace

Settings all_here() {
  if (!can_multiply(Precision::kF32)) return {};
  const Multiplies narrow = can_multiply(Precision::kBf16) ? Multiplies::kBf16 : Multiplies::kF32;
  return {Multiplies::kF32, narrow, can_multiply(Precision::kI16) ? Multiplies::kI16 : narrow, narrow};
}

Settings fastest_here() {
  static const Settings kept_or_measured = find_fastest();
  return kept_or_measured;
}

}  // namespace hre::fast
