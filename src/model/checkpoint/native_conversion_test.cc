#include "model/checkpoint/native_conversion.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/files.h"
#include "model/checkpoint/gguf_writer.h"
#include "model/checkpoint/pre_tokenizer.h"
#include "model/checkpoint/safetensors.h"
#include "model/checkpoint/unknown.h"

namespace hre {
namespace {

using Json = nlohmann::json;

/// What is wrong with a header whose data has so many bytes; "" if nothing.
std::string problem(const std::string& header, uint64_t data_bytes) {
  const auto found = parse_safetensors(header, 8 + header.size() + data_bytes);
  return found ? "" : found.error().message;
}

TEST(Safetensors, ReadsAHeader) {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},)"
      R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})";
  const auto found = parse_safetensors(header, 8 + header.size() + 16);
  ASSERT_TRUE(found) << found.error().text();
  ASSERT_EQ(2U, found->tensors.size());
  EXPECT_EQ("a", found->tensors[0].name);
  EXPECT_EQ("b", found->tensors[1].name);
  EXPECT_EQ((std::vector<int64_t>{2, 3}), found->tensors[1].shape);
  EXPECT_EQ(8 + header.size() + 4, found->tensors[1].offset);
  EXPECT_EQ("pt", found->metadata.at("format"));
}

TEST(Safetensors, RefusesHostileHeaders) {
  const auto one = [](const std::string& rest) { return R"({"a":{"dtype":)" + rest + "}}"; };
  EXPECT_EQ("", problem(one(R"("F32","shape":[2],"data_offsets":[0,8])"), 8));
  EXPECT_NE("", problem(one(R"("F32","shape":[2],"data_offsets":[0,8])"), 7));
  EXPECT_NE("", problem(one(R"("F32","shape":[2],"data_offsets":[0,8])"), 9));
  EXPECT_NE("", problem(one(R"("F32","shape":[2],"data_offsets":[8,0])"), 8));
  EXPECT_NE("", problem(one(R"("F32","shape":[2],"data_offsets":[0,8,8])"), 8));
  EXPECT_NE("", problem(one(R"("F32","shape":[3],"data_offsets":[0,8])"), 8));
  EXPECT_NE("", problem(one(R"("F32","shape":[-2],"data_offsets":[0,8])"), 8));
  EXPECT_NE("", problem(one(R"("F32","shape":[2.0],"data_offsets":[0,8])"), 8));
  EXPECT_NE("", problem(one(R"("F32","shape":[1e300],"data_offsets":[0,8])"), 8));
  EXPECT_NE("", problem(one(R"("F32","shape":[2],"data_offsets":[0,18446744073709551615])"), 8));
  EXPECT_NE("", problem(one(R"("F32","shape":[4611686018427387904,4],"data_offsets":[0,0])"), 0));
  EXPECT_NE("", problem(one(R"("F33","shape":[2],"data_offsets":[0,8])"), 8));
  EXPECT_NE("", problem(one(R"("F4","shape":[1],"data_offsets":[0,0])"), 0));
  EXPECT_NE("", problem(one(R"(7,"shape":[2],"data_offsets":[0,8])"), 8));
  EXPECT_NE("", problem(R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8));
  EXPECT_NE("", problem(R"([1])", 0));
  EXPECT_NE("", problem(R"({"__metadata__":{"a":7}})", 0));
  EXPECT_NE("", problem(R"({"__metadata__":7})", 0));
  EXPECT_NE("", problem("{", 0));
  EXPECT_NE("", problem("{\"\xff\":1}", 0));
  EXPECT_NE("", parse_safetensors("{}", 9).error().message);
}

TEST(Safetensors, RefusesOverlapsGapsAndNamesTwice) {
  const auto two = [](const std::string& first, const std::string& second, const std::string& name = "b") {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first + R"(},")" + name +
           R"(":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}";
  };
  EXPECT_EQ("", problem(two("[0,4]", "[4,8]"), 8));
  EXPECT_EQ("", problem(two("[4,8]", "[0,4]"), 8));
  EXPECT_NE("", problem(two("[0,4]", "[3,7]"), 7));
  EXPECT_NE("", problem(two("[0,4]", "[0,4]"), 4));
  EXPECT_NE("", problem(two("[0,4]", "[5,9]"), 9));
  EXPECT_NE(std::string::npos, problem(two("[0,4]", "[4,8]", "a"), 8).find("twice"));
}

TEST(Safetensors, RefusesDeepNesting) {
  const size_t depth = 1'000'000;
  EXPECT_NE(std::string::npos, problem(R"({"a":)" + std::string(depth, '['), 0).find("nested deeper"));
  EXPECT_NE(std::string::npos,
            problem(R"({"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}", 0).find("nested deeper"));
}

/// The half that is nearest to a value, of the two around it, by the values of halves alone.
TEST(WeightTypes, HalvesAreTheNearest) {
  for (uint32_t half = 0; half < 0x7c00; ++half) {
    const float value = float_of_half(static_cast<uint16_t>(half));
    EXPECT_EQ(half, half_of(value));
    EXPECT_EQ(half | 0x8000, half_of(-value));
    // Above the largest half, the next would be 65536.
    const float next = half + 1 < 0x7c00 ? float_of_half(static_cast<uint16_t>(half + 1)) : 65536.0F;
    const float middle = value + (next - value) / 2;
    EXPECT_EQ(half + half % 2, half_of(middle)) << half;  // ties go to the even one
    EXPECT_EQ(half, half_of(std::nextafter(middle, 0.0F)));
    EXPECT_EQ(half + 1, half_of(std::nextafter(middle, 1e9F)));
  }
  EXPECT_EQ(0x1p-24F, float_of_half(1));
  EXPECT_EQ(1.0F, float_of_half(0x3c00));
  EXPECT_EQ(65504.0F, float_of_half(0x7bff));
  EXPECT_TRUE(std::isnan(float_of_half(half_of(NAN))));
  EXPECT_EQ(0x7c00, half_of(INFINITY));
  EXPECT_EQ(0x7c00, half_of(1e30F));
}

TEST(WeightTypes, BfloatsAreTheNearest) {
  EXPECT_EQ(0x3f80, bfloat_of(1.0F));
  EXPECT_EQ(0x3f80, bfloat_of(1.0F + 0x1p-8F));      // a tie, to even
  EXPECT_EQ(0x3f82, bfloat_of(1.0F + 3 * 0x1p-8F));  // and upwards
  EXPECT_EQ(0x3f81, bfloat_of(1.0F + 0x1p-8F + 0x1p-20F));
  EXPECT_EQ(0x7f80, bfloat_of(3.4e38F));
  EXPECT_NE(0, bfloat_of(NAN) & 0x7f);
}

/// As conversion from float32 and back: every pattern of bits, at each place among those that are done together.
TEST(WeightTypes, NanInBfloatBecomesQuiet) {
  constexpr size_t kValues = 65536 + 4, kPadded = 65536 + 16;
  const TemporaryFolder folder(testing::TempDir() + "bfloats");
  const std::string in = folder.path() + "/in", out = folder.path() + "/out";
  std::string bytes;
  for (size_t i = 0; i < kValues + 1; ++i) bytes += {static_cast<char>(i), static_cast<char>(i >> 8)};
  ASSERT_TRUE(write_file(in, bytes));
  TensorSource tensor;
  tensor.name = "t";
  tensor.shape = {static_cast<int64_t>(kValues)};
  tensor.type = tensor.stored = WeightType::kBF16;
  for (const size_t first : {0, 1}) {
    tensor.offset = 2 * first;
    ASSERT_TRUE(write_gguf(out, {}, {tensor}, {in}, [](uint64_t) {}, {}));
    const auto file = read_file(out);
    ASSERT_TRUE(file);
    const std::string_view written = std::string_view(*file).substr(file->size() - 2 * kPadded);
    for (size_t i = 0; i < kValues; ++i) {
      const auto bits = static_cast<uint16_t>(first + i);
      uint16_t found = 0;
      std::memcpy(&found, written.data() + 2 * i, sizeof found);
      ASSERT_EQ((bits & 0x7fff) > 0x7f80 ? bits | 64 : bits, found) << bits;
    }
  }
}

TEST(PreTokenizer, Sha256) {  // the vectors of FIPS 180-4
  EXPECT_EQ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", sha256(""));
  EXPECT_EQ("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", sha256("abc"));
  EXPECT_EQ("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"));
  EXPECT_EQ("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", sha256(std::string(1'000'000, 'a')));
}

/// A byte-level vocabulary with a few merges, and 333, which ignore_merges alone finds.
Json small_tokenizer() {
  Json vocab = Json::object();
  const auto utf8 = [](int code) {
    return code < 128 ? std::string(1, static_cast<char>(code))
                      : std::string{static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
  };
  for (int byte = 0, other = 256; byte < 256; ++byte) {
    const bool is_kept = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    vocab[utf8(is_kept ? byte : other++)] = byte;
  }
  const std::vector<std::pair<std::string, std::string>> merges = {{"Ġ", "Ġ"}, {"3", "3"},   {"33", "33"}, {"Ġ", "t"},
                                                                   {"l", "l"}, {"'", "l"},   {"'l", "l"},  {"Ċ", "Ġ"},
                                                                   {"=", "="}, {"==", "=="}, {"Ð", "½"},   {"Ĺ", "Ķ"}};
  Json list = Json::array();
  for (const auto& [left, right] : merges) {
    list.push_back({left, right});
    if (!vocab.contains(left + right)) vocab[left + right] = vocab.size();
  }
  vocab["<s>"] = vocab.size();
  vocab["333"] = vocab.size();
  return {{"added_tokens", {{{"id", vocab["<s>"]}, {"content", "<s>"}}}},
          {"pre_tokenizer",
           {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}}},
          {"model", {{"type", "BPE"}, {"ignore_merges", false}, {"vocab", vocab}, {"merges", list}}}};
}

Json split_by(const std::string& numbers) {
  const std::string regex = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)" + numbers +
                            R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  return {{"type", "Sequence"},
          {"pretokenizers",
           {{{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}},
            {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}}}}};
}

/// The hashes are those of Hugging Face's tokenizers for these vocabularies.
TEST(PreTokenizer, IsNamedByTheHashOfTheTokensOfAText) {
  const auto known = [](const std::string& hash) {
    return "        if chkhsh == \"" + hash +
           "\":\n            # ref: https://example.org\n            res = \"found\"\n";
  };
  Json tokenizer = small_tokenizer();
  const std::string gpt2 = known("492d638552c4c9afb1cefdaadf9bc102049b301584a0dc4e2505fce53baf6e52");
  EXPECT_EQ("found", pre_tokenizer_name(tokenizer, gpt2));
  EXPECT_EQ("gpt-2", pre_tokenizer_name(tokenizer, ""));
  tokenizer["normalizer"] = {{"type", "NFC"}};  // changes nothing in the text; without the hash it would be unknown
  EXPECT_EQ("found", pre_tokenizer_name(tokenizer, gpt2));
  EXPECT_THROW(pre_tokenizer_name(tokenizer, ""), Unknown);
  tokenizer["normalizer"] = nullptr;

  tokenizer["pre_tokenizer"] = split_by(R"(\p{N})");
  EXPECT_EQ("found",
            pre_tokenizer_name(tokenizer, known("08dedb2d01caf87e876e4d9a5a0156057435d7da134e2b4654acd5c2e716a37c")));
  EXPECT_EQ("qwen2", pre_tokenizer_name(tokenizer, gpt2));

  tokenizer["pre_tokenizer"] = split_by(R"(\p{N}{1,3})");
  EXPECT_THROW(pre_tokenizer_name(tokenizer, gpt2), Unknown);
  tokenizer["model"]["ignore_merges"] = true;
  EXPECT_EQ("llama-bpe", pre_tokenizer_name(tokenizer, gpt2));
  tokenizer["post_processor"] = {{"type", "TemplateProcessing"},
                                 {"single", {{{"SpecialToken", {{"id", "<s>"}}}}, {{"Sequence", {{"id", "A"}}}}}},
                                 {"special_tokens", {{"<s>", {{"ids", {tokenizer["model"]["vocab"]["<s>"]}}}}}}};
  EXPECT_EQ("found",
            pre_tokenizer_name(tokenizer, known("1469ac73841a1cacbb2b4da67a0f1458b8cba51284df8110fb2f5c3b0daf3494")));
}

TEST(PreTokenizer, RefusesWhatItDoesNotKnow) {
  const auto refused = [](const std::function<void(Json&)>& change) {
    Json tokenizer = small_tokenizer();
    change(tokenizer);
    EXPECT_THROW(pre_tokenizer_name(tokenizer, ""), Unknown);
  };
  refused([](Json& it) { it["pre_tokenizer"]["add_prefix_space"] = true; });
  refused([](Json& it) { it["pre_tokenizer"]["surprise"] = 1; });
  refused([](Json& it) { it["pre_tokenizer"] = split_by(R"(\p{N}{2})"); });
  refused([](Json& it) { it["normalizer"] = {{"type", "Lowercase"}}; });
  refused([](Json& it) { it["post_processor"] = {{"type", "RobertaProcessing"}}; });
  refused([](Json& it) { it["added_tokens"].push_back({{"id", 5}, {"content", "told"}}); });
  refused([](Json& it) { it["model"]["vocab"].erase("!"); });
  refused([](Json& it) { it["model"]["merges"].push_back({"q", "q"}); });
  refused([](Json& it) { it["model"]["merges"].push_back("q q q"); });
}

}  // namespace
}  // namespace hre
