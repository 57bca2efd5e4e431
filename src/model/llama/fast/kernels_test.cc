#include "model/llama/fast/kernels.h"

#include <ggml.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "model/llama/fast/attention_node.h"
#include "model/llama/fast/isa.h"
#include "model/llama/fast/kernel_table.h"
#include "model/llama/fast/product_node.h"
#include "model/llama/fast/products.h"
#include "model/llama/fast/widening.h"

namespace hre::fast {
namespace {

/// A seed that a failure names.
class Random {
 public:
  Random() : seed_(std::random_device()()), engine_(seed_) {}
  [[nodiscard]] unsigned seed() const { return seed_; }
  float normal() { return std::normal_distribution<float>()(engine_); }
  int64_t below(int64_t n) { return std::uniform_int_distribution<int64_t>(0, n - 1)(engine_); }
  std::vector<float> normals(int64_t n) {
    std::vector<float> values(static_cast<size_t>(n));
    for (float& value : values) value = normal();
    return values;
  }

 private:
  unsigned seed_;
  std::mt19937 engine_;
};

std::vector<const Kernels*> every_width() {
  size_t n = 0;
  const Kernels* const* all = all_kernels(n);
  return {all, all + n};
}

double exact_gelu(double x, Activation activation) {
  if (activation == Activation::kGeluErf) return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * x * (1 + 0.044715 * x * x)));
}

TEST(Kernels, ComputeGeluAsItIsDefined) {
  std::vector<float> xs;
  for (float x = -12; x < 12; x += 0.0037F) xs.push_back(x);
  xs.insert(xs.end(), {0, -0.0F, 1e-8F, -1e-8F, 100, -100, 3e38F, -3e38F});
  for (const Kernels* width : every_width()) {
    for (const Activation activation : {Activation::kGeluTanh, Activation::kGeluErf}) {
      std::vector<float> ys = xs;
      width->finish(ys.data(), 1, ys.size(), nullptr, activation, ys.size());
      for (size_t i = 0; i < xs.size(); ++i) {
        const double expected = exact_gelu(xs[i], activation);
        EXPECT_NEAR(ys[i], expected, 3e-7 * std::max(1.0, std::abs(static_cast<double>(xs[i]))))
            << width->name << " x = " << xs[i] << " form " << static_cast<int>(activation);
      }
    }
  }
}

TEST(Kernels, FinishAddsTheBiasAndKeepsToItsColumns) {
  const std::vector<float> bias = {10, 20, 30};
  for (const Kernels* width : every_width()) {
    std::vector<float> values = {1, 2, 3, -1, 4, 5, 6, -1};
    width->finish(values.data(), 2, 3, bias.data(), Activation::kNone, 4);
    EXPECT_THAT(values, testing::ElementsAre(11, 22, 33, -1, 14, 25, 36, -1)) << width->name;
  }
}

TEST(Kernels, ReduceGivesTheLogSumOfARow) {
  Random random;
  for (const Kernels* width : every_width()) {
    for (const int64_t n : {1, 7, 16, 33, 128}) {
      const std::vector<float> row = random.normals(2 * n);
      float maxima[2], sums[2];
      width->reduce(row.data(), 2, static_cast<size_t>(n), maxima, sums, 1);
      for (int64_t r = 0; r < 2; ++r) {
        double expected = 0;
        for (int64_t i = 0; i < n; ++i) expected += std::exp(static_cast<double>(row[static_cast<size_t>(r * n + i)]));
        EXPECT_NEAR(maxima[r] + std::log(sums[r]), std::log(expected), 1e-6)
            << width->name << " seed " << random.seed();
      }
    }
  }
}

TEST(Kernels, ReduceKeepsNaN) {
  for (const Kernels* width : every_width()) {
    for (const size_t at : {0U, 17U, 32U}) {
      std::vector<float> row(33, 1);
      row[at] = NAN;
      float maximum = 0, sum = 0;
      width->reduce(row.data(), 1, row.size(), &maximum, &sum, 1);
      EXPECT_TRUE(std::isnan(maximum + std::log(sum))) << width->name << " at " << at;
    }
  }
}

TEST(Kernels, RmsNormsHaveTheSameBitsAtEveryWidth) {
  Random random;
  for (const size_t n : {1U, 5U, 16U, 33U, 576U, 2049U}) {
    const std::vector<float> x = random.normals(static_cast<int64_t>(n)), w = random.normals(static_cast<int64_t>(n));
    double squares = 0;
    for (const float value : x) squares += static_cast<double>(value) * static_cast<double>(value);
    const double by = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-5);
    for (const float* weights : {static_cast<const float*>(nullptr), w.data()}) {
      std::vector<float> narrowest;
      for (const Kernels* width : every_width()) {
        std::vector<float> to = x;  // in place
        width->rms_norm(to.data(), n, 1e-5F, weights, to.data());
        for (size_t i = 0; i < n; ++i) {
          const double expected = static_cast<double>(x[i]) * by * static_cast<double>(weights == nullptr ? 1 : w[i]);
          ASSERT_NEAR(to[i], expected, 1e-6 * (1 + std::abs(expected))) << width->name << " seed " << random.seed();
        }
        if (narrowest.empty()) narrowest = to;
        EXPECT_EQ(to, narrowest) << width->name << " n " << n << " seed " << random.seed();
      }
    }
  }
}

TEST(Kernels, RoundToBfloat16AsTheProcessorDoes) {
  const std::vector<float> values = {0, -0.0F, 1, 1.00390625F, 1.01171875F, 3.3895314e38F, NAN, INFINITY, -1e-40F};
  for (const Kernels* width : every_width()) {
    std::vector<uint16_t> narrow(values.size());
    width->to_bf16(values.data(), values.size(), narrow.data());
    EXPECT_THAT(std::vector<uint16_t>(narrow.begin(), narrow.begin() + 6),
                testing::ElementsAre(0, 0x8000, 0x3f80, 0x3f80, 0x3f82, 0x7f7f))
        << width->name;  // ties go to even
    std::vector<float> wide(values.size());
    width->from_bf16(narrow.data(), narrow.size(), wide.data());
    EXPECT_TRUE(std::isnan(wide[6]));
    EXPECT_EQ(wide[7], INFINITY);
  }
}

TEST(Kernels, WidenStoredWeightsAsTheEngineDoes) {
  Random random;
  for (const ggml_type type : {GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q4_K, GGML_TYPE_Q5_K, GGML_TYPE_Q6_K}) {
    constexpr int64_t kWeights = 4096;
    const std::vector<float> values = random.normals(kWeights);
    std::vector<char> stored(ggml_row_size(type, kWeights));
    ggml_quantize_chunk(type, values.data(), stored.data(), 0, 1, kWeights, nullptr);
    std::vector<float> expected(kWeights), wide(kWeights, NAN);
    ggml_get_type_traits(type)->to_float(stored.data(), expected.data(), kWeights);
    widen_row(type, stored.data(), kWeights, wide.data());
    for (size_t i = 0; i < kWeights; ++i) {  // a fused product and sum rounds once, the engine may round twice
      ASSERT_NEAR(wide[i], expected[i], 1e-6) << ggml_type_name(type) << " " << i << " seed " << random.seed();
    }
  }
}

/// A shape of attention with a random mask.
struct Problem {
  int64_t rows, keys, heads, kv_heads, d_k, d_v;
  float scale, max_bias, softcap;
  bool has_sinks;
  std::vector<float> q, k, v, sinks;
  std::vector<uint16_t> mask;
};

constexpr uint16_t kHidden = 0xfc00;

/// A tree of tokens: a shared prefix, then tails that see the prefix and themselves, in random order of cells.
std::vector<uint16_t> tree_mask(int64_t rows, int64_t keys, Random& random) {
  const int64_t n_prefix = random.below(rows + 1), tail = 1 + random.below(90);
  std::vector<uint16_t> mask(static_cast<size_t>(rows * keys), kHidden);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t key = 0; key <= std::min(row, keys - 1); ++key) {
      const bool same = row < n_prefix || key < n_prefix || (row - n_prefix) / tail == (key - n_prefix) / tail;
      if (same) mask[static_cast<size_t>(row * keys + key)] = 0;
    }
  }
  return mask;
}

uint16_t half_of_small_integer(int64_t n) {  // -n for n in 0..2048
  if (n == 0) return 0;
  const int exponent = static_cast<int>(std::log2(n));
  return static_cast<uint16_t>(0x8000 | (exponent + 15) << 10 | ((n << (10 - exponent)) & 1023));
}

Problem random_problem(Random& random) {
  Problem p;
  p.rows = 1 + random.below(130);
  p.keys = p.rows + random.below(70);
  p.kv_heads = 1 + random.below(2);
  p.heads = p.kv_heads * (1 + random.below(3));
  p.d_k = 1 + random.below(70);
  p.d_v = random.below(2) == 0 ? p.d_k : 1 + random.below(70);
  p.scale = 1 / std::sqrt(static_cast<float>(p.d_k));
  p.max_bias = random.below(3) == 0 ? 8.0F : 0.0F;
  p.softcap = random.below(3) == 0 ? 5.0F : 0.0F;
  p.has_sinks = random.below(3) == 0;
  p.q = random.normals(p.rows * p.heads * p.d_k);
  p.k = random.normals(p.keys * p.kv_heads * p.d_k);
  p.v = random.normals(p.keys * p.kv_heads * p.d_v);
  p.sinks = random.normals(p.heads);
  p.mask = tree_mask(p.rows, p.keys, random);
  if (p.max_bias > 0) {
    for (int64_t row = 0; row < p.rows; ++row) {
      for (int64_t key = 0; key <= row; ++key) {
        uint16_t& half = p.mask[static_cast<size_t>(row * p.keys + key)];
        if (half == 0) half = half_of_small_integer(row - key);
      }
    }
  }
  return p;
}

/// Row `row` of head `head`, in double precision, one key after another.
std::vector<double> naive(const Problem& p, int64_t row, int64_t head) {
  const int64_t kv = head / (p.heads / p.kv_heads);
  const int64_t power = static_cast<int64_t>(std::exp2(std::floor(std::log2(p.heads))));
  const double slope =
      p.max_bias == 0 ? 1
      : head < power
          ? std::pow(2.0, -p.max_bias / static_cast<double>(power) * static_cast<double>(head + 1))
          : std::pow(2.0, -p.max_bias / 2 / static_cast<double>(power) * static_cast<double>(2 * (head - power) + 1));
  std::vector<double> sums(static_cast<size_t>(p.d_v));
  double total = p.has_sinks ? std::exp(static_cast<double>(p.sinks[static_cast<size_t>(head)])) : 0;
  for (int64_t key = 0; key < p.keys; ++key) {
    const uint16_t half = p.mask[static_cast<size_t>(row * p.keys + key)];
    if (half == kHidden) continue;
    double logit = 0;
    for (int64_t d = 0; d < p.d_k; ++d) {
      logit += static_cast<double>(p.q[static_cast<size_t>((row * p.heads + head) * p.d_k + d)]) *
               p.k[static_cast<size_t>((key * p.kv_heads + kv) * p.d_k + d)];
    }
    logit *= p.scale;
    if (p.softcap != 0) logit = p.softcap * std::tanh(logit / p.softcap);
    if (half != 0) logit -= slope * static_cast<double>(row - key);
    total += std::exp(logit);
    for (int64_t d = 0; d < p.d_v; ++d) {
      sums[static_cast<size_t>(d)] += std::exp(logit) * p.v[static_cast<size_t>((key * p.kv_heads + kv) * p.d_v + d)];
    }
  }
  for (double& sum : sums) sum = total == 0 ? 0 : sum / total;
  return sums;
}

AttentionNode node_of(const Problem& p, std::vector<float>& to) {
  AttentionNode node;
  node.q = {p.q.data(), p.rows, p.heads, p.d_k, p.heads * p.d_k, p.d_k};
  node.k = {p.k.data(), p.keys, p.kv_heads, p.d_k, p.kv_heads * p.d_k, p.d_k};
  node.v = {p.v.data(), p.keys, p.kv_heads, p.d_v, p.kv_heads * p.d_v, p.d_v};
  node.mask = p.mask.data();
  node.mask_stride = p.keys;
  node.sinks = p.has_sinks ? p.sinks.data() : nullptr;
  node.scale = p.scale;
  node.max_bias = p.max_bias;
  node.softcap = p.softcap;
  node.to = to.data();
  return node;
}

TEST(Attention, IsThatOfOneKeyAfterAnother) {
  Random random;
  for (int round = 0; round < 60; ++round) {
    const Problem p = random_problem(random);
    std::vector<float> to(static_cast<size_t>(p.rows * p.heads * p.d_v), NAN);
    forget_masks();
    compute(node_of(p, to), Worker{});
    for (int64_t row = 0; row < p.rows; ++row) {
      for (int64_t head = 0; head < p.heads; ++head) {
        const std::vector<double> expected = naive(p, row, head);
        for (int64_t d = 0; d < p.d_v; ++d) {
          ASSERT_NEAR(to[static_cast<size_t>((row * p.heads + head) * p.d_v + d)], expected[static_cast<size_t>(d)],
                      5e-6)
              << "seed " << random.seed() << " round " << round << " row " << row << " head " << head << " value " << d;
        }
      }
    }
  }
}

/// The same rows where so many rows and keys of something else lie before them.
Problem behind(const Problem& p, int64_t before, Random& random) {
  Problem longer = p;
  longer.rows += before;
  longer.keys += before;
  const auto put_before = [&](std::vector<float>& values, int64_t width) {
    const std::vector<float> others = random.normals(before * width);
    values.insert(values.begin(), others.begin(), others.end());
  };
  put_before(longer.q, p.heads * p.d_k), put_before(longer.k, p.kv_heads * p.d_k),
      put_before(longer.v, p.kv_heads * p.d_v);
  longer.mask.assign(static_cast<size_t>(longer.rows * longer.keys), kHidden);
  for (int64_t row = 0; row < p.rows; ++row) {
    std::copy_n(p.mask.begin() + row * p.keys, p.keys, longer.mask.begin() + (before + row) * longer.keys + before);
  }
  return longer;
}

TEST(Attention, WhatLiesBeforeAPartChangesNoBit) {
  Random random;
  for (int round = 0; round < 40; ++round) {
    const Problem p = random_problem(random);
    const int64_t before = 1 + random.below(150);
    const Problem longer = behind(p, before, random);
    std::vector<float> alone(static_cast<size_t>(p.rows * p.heads * p.d_v)),
        together(static_cast<size_t>(longer.rows * p.heads * p.d_v));
    forget_masks();
    compute(node_of(p, alone), Worker{});
    const std::vector<int64_t> starts = {0, before};
    AttentionNode node = node_of(longer, together);
    node.starts = starts;
    forget_masks();
    compute(node, Worker{});
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + before * p.heads * p.d_v))
        << "seed " << random.seed() << " round " << round << ", " << before << " before";
  }
}

TEST(Attention, ValuesThatAreNotFiniteStayInTheirPart) {
  Random random;
  for (int round = 0; round < 40; ++round) {
    const Problem p = random_problem(random);
    const int64_t before = 1 + random.below(20);  // so that a tile holds rows of both parts
    Problem longer = behind(p, before, random);
    for (int64_t i = 0; i < before * p.kv_heads * p.d_v; ++i)
      longer.v[static_cast<size_t>(i)] = i % 2 == 0 ? INFINITY : NAN;
    std::vector<float> alone(static_cast<size_t>(p.rows * p.heads * p.d_v)),
        together(static_cast<size_t>(longer.rows * p.heads * p.d_v));
    forget_masks();
    compute(node_of(p, alone), Worker{});
    const std::vector<int64_t> starts = {0, before};
    AttentionNode node = node_of(longer, together);
    node.starts = starts;
    forget_masks();
    compute(node, Worker{});
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + before * p.heads * p.d_v))
        << "seed " << random.seed() << " round " << round << ", " << before << " before";
  }
}

TEST(Attention, EveryWidthGivesTheSame) {
  Random random;
  const int d = 48;
  std::vector<float> q = random.normals(kBlockRows * d);
  for (float& x : q) x *= 0.1F;
  const std::vector<float> k = random.normals(d * kBlockKeys), v = random.normals(kBlockKeys * d);
  BlockMask mask;
  for (float& m : mask.values) m = random.below(3) == 0 ? -INFINITY : 0;
  for (BlockMask::Keys& seen : mask.tiles) seen = {0, kBlockKeys};
  std::vector<std::vector<float>> results;
  for (const Kernels* width : every_width()) {
    std::vector<float> scores(kBlockRows * kBlockKeys), sums(kBlockRows * d), maxima(kBlockRows, -INFINITY),
        weights(kBlockRows);
    AttentionTask task{d, d, 0, 1, q.data(), scores.data(), sums.data(), maxima.data(), weights.data()};
    width->attend(task, k.data(), v.data(), &mask);
    width->attend(task, k.data(), v.data(), nullptr);
    for (int i = 0; i < kBlockRows * d; ++i) sums[static_cast<size_t>(i)] /= weights[static_cast<size_t>(i / d)];
    results.push_back(sums);
  }
  for (const auto& result : results) EXPECT_THAT(result, testing::Pointwise(testing::FloatNear(1e-5F), results[0]));
}

/// Random rows of weights of a block, as they are packed and as they are meant.
struct Weights {
  RowType type = RowType::kF32;
  std::vector<float> values;     ///< [n x k]
  std::vector<std::byte> bytes;  ///< of Q8_0

  [[nodiscard]] const void* rows() const {
    return type == RowType::kQ8_0 ? static_cast<const void*>(bytes.data()) : values.data();
  }
};

Weights random_weights(const BlockShape& shape, Random& random) {
  Weights weights{RowType::kF32, random.normals(shape.n * shape.k), {}};
  if (shape.precision != Precision::kI16) return weights;
  weights.type = RowType::kQ8_0;
  weights.bytes.resize(weights.values.size() / 32 * 34);
  ggml_quantize_chunk(GGML_TYPE_Q8_0, weights.values.data(), weights.bytes.data(), 0, shape.n, shape.k, nullptr);
  ggml_get_type_traits(GGML_TYPE_Q8_0)
      ->to_float(weights.bytes.data(), weights.values.data(), static_cast<int64_t>(weights.values.size()));
  return weights;
}

std::vector<char> rounded_rows(Precision precision, const std::vector<float>& values, int64_t k) {
  const size_t stride = row_bytes(precision, k), n = values.size() / static_cast<size_t>(k);
  std::vector<char> rows(stride * (n + static_cast<size_t>(kSpareRows)));
  for (size_t row = 0; row < n; ++row) {
    const float* from = values.data() + row * static_cast<size_t>(k);
    if (precision == Precision::kF32) {
      std::memcpy(rows.data() + row * stride, from, stride);
    } else {
      round_row(precision, from, k, rows.data() + row * stride);
    }
  }
  return rows;
}

/// How far a product of k normal values may be off. Integers: values under 6 are off by up to 6 / 65534, at random.
double tolerance_of(Precision precision, int64_t k) {
  const auto n = static_cast<double>(k);
  switch (precision) {
    case Precision::kBf16:
      return 1e-2 * n;
    case Precision::kI14:
      return 7 * std::sqrt(n) * 6 / 16382;
    case Precision::kI16:
      return 5 * std::sqrt(n) * 6 / 65534;
    case Precision::kF32:
      break;
  }
  return 1e-6 * n;
}

/// A block of weights, packed.
struct Packed {
  Packed(const BlockShape& of, const void* rows, RowType type) : shape(of) {
    pack_block(shape, rows, type, room.bytes(packed_bytes(shape)));
  }

  /// Rows [first, first + rows) of a.
  std::vector<float> multiply(const std::vector<char>& a, int64_t first, int64_t rows) {
    const size_t stride = row_bytes(shape.precision, shape.k);
    std::vector<float> c(static_cast<size_t>(rows * shape.n));
    multiply_block(shape, rows, a.data() + static_cast<size_t>(first) * stride, stride, room.bytes(0), c.data(),
                   shape.n);
    return c;
  }

  BlockShape shape;
  Room room;
};

/// Calls `check` for each precision that this process's instruction set multiplies, and names those.
template <class Check>
void for_each_precision(const Check& check) {
  std::string names;
  for (const Precision precision : kPrecisions) {
    if (!can_multiply(precision)) continue;
    names += std::string(" ") + name_of(precision);
    check(precision);
  }
  std::printf("multiplied in%s\n", names.c_str());
}

TEST(Products, AreThoseOfWeightsAndRows) {
  Random random;
  for_each_precision([&](Precision precision) {
    for (const BlockShape shape : {BlockShape{precision, 128, 256},
                                   {precision, 80, 64},
                                   {precision, 33, 992},
                                   {precision, 7, 32},
                                   {precision, 128, 4096}}) {
      const Weights w = random_weights(shape, random);
      const std::vector<float> wide = random.normals(20 * shape.k);
      Packed packed(shape, w.rows(), w.type);
      const std::vector<float> c = packed.multiply(rounded_rows(precision, wide, shape.k), 0, 20);
      for (size_t i = 0; i < c.size(); ++i) {
        const auto row = wide.begin() + static_cast<ptrdiff_t>(i) / shape.n * shape.k;
        const auto weights = w.values.begin() + static_cast<ptrdiff_t>(i) % shape.n * shape.k;
        const double expected = std::inner_product(row, row + shape.k, weights, 0.0);
        ASSERT_NEAR(c[i], expected, tolerance_of(precision, shape.k)) << "at " << i << " seed " << random.seed();
      }
    }
  });
}

// What makes a question's value independent of the questions beside it.
TEST(Products, GiveARowTheSameBitsWhateverIsBesideIt) {
  Random random;
  for_each_precision([&](Precision precision) {
    for (const int64_t k : {32, 576, 992, 1024, 2816, 5632, 14336, 16384}) {
      const BlockShape shape{precision, 1 + random.below(64), k};
      const Weights w = random_weights(shape, random);
      const int64_t n_rows = 200;
      const std::vector<char> a = rounded_rows(precision, random.normals(n_rows * k), k);
      Packed packed(shape, w.rows(), w.type);
      const std::vector<float> whole = packed.multiply(a, 0, n_rows);
      std::vector<int64_t> counts = {1, 2, 3, 4, 5, 6, 7, 47, 48, 95, 96, 97, 193};
      for (int64_t rows : counts) {
        const int64_t first = random.below(n_rows - rows);
        const std::vector<float> part = packed.multiply(a, first, rows);
        EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + first * shape.n))
            << name_of(precision) << ": " << rows << " rows from " << first << " of k " << k << " n " << shape.n
            << " seed " << random.seed();
      }
    }
  });
}

TEST(Products, GiveAColumnTheSameBitsHoweverWeightsAreCut) {
  Random random;
  for_each_precision([&](Precision precision) {
    for (const int64_t k : {64, 1024, 4096}) {
      const BlockShape shape{precision, 128, k};
      const Weights w = random_weights(shape, random);
      const std::vector<char> a = rounded_rows(precision, random.normals(30 * k), k);
      Packed packed(shape, w.rows(), w.type);
      const std::vector<float> whole = packed.multiply(a, 0, 30);
      for (const int64_t n : {1, 5, 16, 31, 64, 100}) {
        const int64_t first = random.below(128 - n);
        const auto bytes = static_cast<int64_t>(w.type == RowType::kQ8_0 ? k / 32 * 34 : k * 4);
        Packed part({precision, n, k}, static_cast<const char*>(w.rows()) + first * bytes, w.type);
        const std::vector<float> c = part.multiply(a, 0, 30);
        for (int64_t row = 0; row < 30; ++row) {
          EXPECT_TRUE(std::equal(c.begin() + row * n, c.begin() + (row + 1) * n, whole.begin() + row * 128 + first))
              << name_of(precision) << " k " << k << " n " << n << " seed " << random.seed();
        }
      }
    }
  });
}

/// A weight matrix [n x k] of any type, of random rows that repeat.
struct Matrix {
  ggml_tensor tensor{};
  std::vector<char> bytes;

  Matrix(ggml_type type, int64_t n, int64_t k, Random& random) {
    constexpr int64_t kRows = 240;
    const size_t row = ggml_row_size(type, k);
    std::vector<char> some(row * kRows);
    const std::vector<float> values = random.normals(kRows * k);
    if (type == GGML_TYPE_F32) {
      std::memcpy(some.data(), values.data(), some.size());
    } else {
      ggml_quantize_chunk(type, values.data(), some.data(), 0, kRows, k, nullptr);
    }
    bytes.resize(row * static_cast<size_t>(n));
    for (size_t at = 0; at < bytes.size(); at += some.size()) {
      std::memcpy(bytes.data() + at, some.data(), std::min(some.size(), bytes.size() - at));
    }
    tensor.type = type;
    tensor.data = bytes.data();
    tensor.ne[0] = k;
    tensor.ne[1] = n;
    tensor.ne[2] = tensor.ne[3] = 1;
    tensor.nb[0] = ggml_type_size(type);
    tensor.nb[1] = row;
    tensor.nb[2] = tensor.nb[3] = bytes.size();
  }
};

ProductNode product_of(const Matrix& weights, const std::vector<float>& a, int64_t first, int64_t m, float* to) {
  const KernelSettings row = table_row(isa());
  ProductNode product;
  product.weights = &weights.tensor;
  product.n = weights.tensor.ne[1];
  product.k = product.a_stride = weights.tensor.ne[0];
  product.m = m;
  product.a = a.data() + first * product.k;
  product.to = to;
  switch (weights.tensor.type) {
    case GGML_TYPE_F32:
    case GGML_TYPE_F16:
      break;
    case GGML_TYPE_BF16:
      product.precision = row.bf16;
      break;
    case GGML_TYPE_Q8_0:
      product.precision = row.q8_0;
      break;
    default:
      product.precision = row.quantised;
  }
  return product;
}

constexpr ggml_type kTypes[] = {GGML_TYPE_F32,  GGML_TYPE_F16,  GGML_TYPE_BF16,
                                GGML_TYPE_Q8_0, GGML_TYPE_Q4_K, GGML_TYPE_IQ4_NL};

TEST(Products, OfEveryTypeGiveARowTheSameBitsWhateverIsBesideIt) {
  Random random;
  for (const ggml_type type : kTypes) {
    for (const int64_t n : {192, 576, 1000}) {
      const int64_t k = 512, m = 700;
      const Matrix weights(type, n, k, random);
      const std::vector<float> a = random.normals((m + kSpareRows) * k);
      std::vector<float> whole(static_cast<size_t>(m * n));
      forget_rounded_rows();
      compute(product_of(weights, a, 0, m, whole.data()), Worker{}, nullptr);
      for (const int64_t rows : {1, 2, 3, 5, 97, 300}) {
        const int64_t first = random.below(m - rows);
        std::vector<float> part(static_cast<size_t>(rows * n));
        forget_rounded_rows();
        compute(product_of(weights, a, first, rows, part.data()), Worker{}, nullptr);
        EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + first * n))
            << ggml_type_name(type) << ": " << rows << " rows of n " << n << " seed " << random.seed();
      }
    }
  }
}

TEST(Products, OfAnOutputLayerGiveARowTheSameSumsWhateverIsBesideIt) {
  Random random;
  for (const ggml_type type : kTypes) {
    for (const int64_t n : {int64_t{50'001}, int64_t{262'144}}) {
      const int64_t k = type == GGML_TYPE_Q4_K ? 256 : 64, m = 100;
      const Matrix weights(type, n, k, random);
      const std::vector<float> a = random.normals((m + kSpareRows) * k);
      const auto reduce = [&](int64_t first, int64_t rows) {
        std::vector<WantedLogit> wanted;
        Reduction reduction;
        for (int64_t row = 0; row < rows; ++row) {
          reduction.first_wanted.push_back(wanted.size());
          for (const int64_t token : {int64_t{0}, (first + row) * 397, n - 1}) wanted.push_back({row, token});
        }
        reduction.first_wanted.push_back(wanted.size());
        reduction.wanted = wanted;
        reduction.n_rows = rows;
        forget_rounded_rows();
        compute(product_of(weights, a, first, rows, nullptr), Worker{}, &reduction);
        std::vector<float> logits;
        for (const WantedLogit& logit : wanted) logits.push_back(logit.logit);
        return std::tuple(reduction.maxima, reduction.sums, logits);
      };
      const auto [maxima, sums, logits] = reduce(0, m);
      for (const int64_t rows : {1, 3, 49}) {
        const int64_t first = random.below(m - rows), blocks = static_cast<int64_t>(maxima.size()) / m;
        const auto [some_maxima, some_sums, some_logits] = reduce(first, rows);
        EXPECT_TRUE(std::equal(some_maxima.begin(), some_maxima.end(), maxima.begin() + first * blocks) &&
                    std::equal(some_sums.begin(), some_sums.end(), sums.begin() + first * blocks) &&
                    std::equal(some_logits.begin(), some_logits.end(), logits.begin() + first * 3))
            << ggml_type_name(type) << ": " << rows << " rows of n " << n << " seed " << random.seed();
      }
    }
  }
}

TEST(Products, OfEveryWidthHaveTheSameBits) {
  Random random;
  const int64_t m = 13, n = 70, k = 300;
  const std::vector<float> a = random.normals(m * k), w = random.normals(n * k);
  std::vector<std::vector<float>> results;
  for (const Kernels* width : every_width()) {
    if (width == every_width().front()) continue;  // the compiler's baseline may lack fused multiplications
    std::vector<float> packed(static_cast<size_t>((n + width->panel_columns) * k)), c(static_cast<size_t>(m * n));
    width->pack(w.data(), n, k, packed.data());
    width->multiply(a.data(), k, packed.data(), m, n, k, c.data(), n);
    results.push_back(c);
  }
  for (const auto& result : results) EXPECT_EQ(result, results[0]) << "seed " << random.seed();
}

TEST(Gates, AreTheirFunctions) {
  const std::vector<float> x = {-30, -3, -0.5F, 0, 0.25F, 1, 2, 5, 60, NAN}, up(x.size(), 2);
  for (const Kernels* width : every_width()) {
    std::vector<float> silu(x.size()), tanh(x.size()), erf(x.size());
    width->gate(Gate::kSilu, x.data(), up.data(), x.size(), silu.data());
    width->gate(Gate::kGeluTanh, x.data(), up.data(), x.size(), tanh.data());
    width->gate(Gate::kGeluErf, x.data(), up.data(), x.size(), erf.data());
    for (size_t i = 0; i + 1 < x.size(); ++i) {
      const double v = x[i], size = 2e-6 * (1 + std::abs(v));
      EXPECT_NEAR(silu[i], 2 * v / (1 + std::exp(-v)), size) << width->name;
      EXPECT_NEAR(tanh[i], v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v))), size) << width->name;
      EXPECT_NEAR(erf[i], v * (1 + std::erf(v / std::sqrt(2.0))), size) << width->name;
    }
    EXPECT_TRUE(std::isnan(silu.back()) && std::isnan(tanh.back()) && std::isnan(erf.back())) << width->name;
  }
}

class IntegerProducts : public testing::TestWithParam<Precision> {};
INSTANTIATE_TEST_SUITE_P(Every, IntegerProducts, testing::Values(Precision::kI14, Precision::kI16),
                         [](const auto& one) { return std::string(name_of(one.param)); });

TEST_P(IntegerProducts, KeepNaNAndZerosAndLargeValues) {
  if (!can_multiply(GetParam())) GTEST_SKIP() << "this instruction set does not multiply pairs of 16-bit integers";
  Random random;
  const BlockShape shape{GetParam(), 16, 64};
  const Weights w = random_weights(shape, random);
  std::vector<float> rows(static_cast<size_t>(5 * shape.k));
  rows[70] = NAN, rows[130] = INFINITY, rows[195] = 1e30F;  // of rows 1, 2, 3
  for (int64_t i = 256; i < 320; ++i) rows[static_cast<size_t>(i)] = 3;
  const std::vector<char> a = rounded_rows(shape.precision, rows, shape.k);
  Room room;
  void* packed = room.bytes(packed_bytes(shape));
  pack_block(shape, w.rows(), w.type, packed);
  std::vector<float> c(static_cast<size_t>(5 * shape.n));
  multiply_block(shape, 5, a.data(), row_bytes(shape.precision, shape.k), packed, c.data(), shape.n);
  for (size_t column = 0; column < 16; ++column) {
    const float* weights = w.values.data() + column * 64;
    EXPECT_EQ(c[column], 0);
    EXPECT_TRUE(std::isnan(c[16 + column]) && std::isnan(c[32 + column]));
    EXPECT_NEAR(c[48 + column] / 1e30F, weights[3], 3e-4);
    EXPECT_NEAR(c[64 + column], 3 * std::accumulate(weights, weights + 64, 0.0), 1e-2);
  }
}

TEST_P(IntegerProducts, DoNotOverflow) {
  if (!can_multiply(GetParam())) GTEST_SKIP() << "this instruction set does not multiply pairs of 16-bit integers";
  const BlockShape shape{GetParam(), 1, 32};
  const std::vector<float> ones(32, 1);
  std::vector<std::byte> q8_0(34, std::byte{0x80});   // each -128, the least that a file may say
  q8_0[0] = std::byte{0}, q8_0[1] = std::byte{0x3c};  // times 1
  const bool in_file = GetParam() == Precision::kI16;
  Room room;
  void* packed = room.bytes(packed_bytes(shape));
  pack_block(shape, in_file ? static_cast<const void*>(q8_0.data()) : ones.data(),
             in_file ? RowType::kQ8_0 : RowType::kF32, packed);
  const std::vector<char> a = rounded_rows(shape.precision, ones, shape.k);
  float c = 0;
  multiply_block(shape, 1, a.data(), row_bytes(shape.precision, shape.k), packed, &c, 1);
  EXPECT_NEAR(c, in_file ? -128 * 32 : 32, 1e-3);
}

}  // namespace
}  // namespace hre::fast
