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

Multiplies fastest_for(ggml_type type) {
  if (!can_multiply(Precision::kF32)) return Multiplies::kEngine;
  Trial trial(type);
  Multiplies best = Multiplies::kF32;
  double seconds = trial.here(Precision::kF32);
  if (type != GGML_TYPE_F32 && can_multiply(Precision::kBf16)) {
    const double narrow = trial.here(Precision::kBf16);
    if (narrow < seconds) best = Multiplies::kBf16, seconds = narrow;
  }
  return trial.by_engine() * kClearly < seconds ? Multiplies::kEngine : best;
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

char letter_of(Multiplies how) { return how == Multiplies::kEngine ? 'e' : how == Multiplies::kF32 ? 'f' : 'b'; }

std::optional<Multiplies> multiplies_of(char letter) {
  for (const Multiplies how : {Multiplies::kEngine, Multiplies::kF32, Multiplies::kBf16}) {
    if (letter_of(how) == letter) return how;
  }
  return {};
}

constexpr std::string_view kFormat = "hre-kernels/1 ";

std::optional<Settings> parse_kept(const std::string& text) {
  if (text.size() < kFormat.size() + 3 || !text.starts_with(kFormat)) return {};
  const auto f32 = multiplies_of(text[kFormat.size()]), bf16 = multiplies_of(text[kFormat.size() + 1]),
             quantised = multiplies_of(text[kFormat.size() + 2]);
  if (!f32 || !bf16 || !quantised || *f32 == Multiplies::kBf16) return {};
  if (*bf16 == Multiplies::kBf16 || *quantised == Multiplies::kBf16) {
    if (!can_multiply(Precision::kBf16)) return {};
  }
  return Settings{*f32, *bf16, *quantised};
}

}  // namespace

Settings all_here() {
  if (!can_multiply(Precision::kF32)) return {};
  const Multiplies narrow = can_multiply(Precision::kBf16) ? Multiplies::kBf16 : Multiplies::kF32;
  return {Multiplies::kF32, narrow, narrow};
}

Settings fastest_here() {
  const auto folder = cache_folder("kernels");
  const std::string path = folder ? *folder + "/" + machine_key() + ".txt" : "";
  if (!path.empty() && std::filesystem::exists(path)) {
    const auto text = read_file(path, 4096);
    const auto kept = text ? parse_kept(*text) : std::nullopt;
    if (kept) return *kept;
  }
  const Settings measured{fastest_for(GGML_TYPE_F32), fastest_for(GGML_TYPE_BF16), fastest_for(GGML_TYPE_Q8_0)};
  if (path.empty()) return measured;
  if (auto file = AtomicFile::create(path)) {
    const char letters[] = {letter_of(measured.f32), letter_of(measured.bf16), letter_of(measured.quantised), '\n'};
    (void)file->commit(std::string(kFormat) + std::string(letters, sizeof letters));  // measured again if it failed
  }
  return measured;
}

}  // namespace hre::fast
