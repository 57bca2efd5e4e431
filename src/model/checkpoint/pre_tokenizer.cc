#include "model/checkpoint/pre_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/json_whole.h"
#include "model/checkpoint/unknown.h"

namespace hre {
namespace {

using Json = nlohmann::json;

/// The text that the converter tokenises. It is in Unicode's composed form (NFC).
constexpr std::string_view kText =
    "\n \n\n \n\n\n \t \t\t \t\n  \n   \n    \n     \n\360\237\232\200 (normal) "
    "\360\237\230\266\342\200\215\360\237\214\253\357\270\217 (multiple emojis concatenated) \342\234\205 "
    "\360\237\246\231\360\237\246\231 3 33 333 3333 33333 333333 3333333 33333333 3.3 3..3 3...3 "
    "\341\236\200\341\236\266\341\236\223\341\237\213\341\236\217\341\237\202\341\236\226\341\236\267\341\236\237"
    "\341\237\201\341\236\237\341\236\242\341\236\266\341\236\205\360\237\230\201 "
    "?\346\210\221\346\203\263\345\234\250apple\345\267\245\344\275\2341314151\345\244\251\357\275\236 ------======= "
    "\320\275\320\265\321\211\320\276 \320\275\320\260 "
    "\320\221\321\212\320\273\320\263\320\260\321\200\321\201\320\272\320\270 "
    "''''''```````\"\"\"\"......!!!!!!?????? I've been 'told he's there, 'RE you sure? 'M not sure I'll make it, 'D "
    "you "
    "like some tea? We'Ve a'lL";

/// One way to cut text into words: the regular expression of tokenizer.json ("" for GPT-2's, which ByteLevel has built
/// in), and the sizes in bytes of the words into which it cuts kText, as Hugging Face's tokenizers do.
struct Cut {
  std::string_view regex;
  std::vector<uint8_t> sizes;
};

const std::vector<Cut>& cuts() {
  static const std::vector<Cut> kCuts = {
      {"", {33, 1, 4, 2, 6, 1, 15, 2, 8, 7, 13, 1, 4, 9, 2, 3,  4, 5, 6, 7,  8, 9, 2,  1,  1, 2, 2, 1, 2, 3, 1,
            4,  3, 3, 3, 3, 3, 3,  3, 3, 3, 6,  3, 3, 4, 2, 20, 7, 3, 3, 14, 9, 5, 19, 36, 2, 3, 5, 2, 4, 3, 2,
            6,  1, 2, 2, 4, 5, 1,  2, 1, 4, 5,  2, 3, 5, 3, 1,  2, 1, 4, 5,  5, 4, 1,  3,  1, 2, 2, 1, 2}},
      {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       {34, 4, 2, 6, 1, 15, 2, 8, 7, 13, 1, 4, 9, 1, 1,  1, 1, 1, 1, 1, 1, 1, 1, 1, 1,  1, 1, 1,  1,  1, 1, 1,
        1,  1, 1, 1, 1, 1,  1, 1, 1, 1,  1, 1, 1, 1, 1,  1, 1, 1, 1, 1, 1, 1, 1, 1, 1,  1, 1, 1,  1,  1, 1, 2,
        1,  1, 1, 3, 1, 4,  6, 6, 6, 6,  9, 6, 4, 2, 20, 1, 1, 1, 1, 1, 1, 1, 3, 3, 14, 9, 5, 19, 36, 2, 3, 5,
        2,  4, 3, 2, 6, 1,  2, 2, 4, 5,  1, 2, 1, 4, 5,  2, 3, 5, 3, 1, 2, 1, 4, 5, 5,  4, 1, 3,  3,  2, 3}},
      {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       {34, 4, 2, 6, 1, 15, 2, 8, 7, 13, 1, 4, 9, 1, 1, 1, 2, 1, 3, 1, 3, 1, 1, 3,  2, 1, 3, 3, 1, 3,  3, 1, 1,  3,
        3,  2, 1, 1, 1, 1,  1, 1, 2, 1,  1, 1, 3, 1, 4, 6, 6, 6, 6, 9, 6, 4, 2, 20, 3, 3, 1, 3, 3, 14, 9, 5, 19, 36,
        2,  3, 5, 2, 4, 3,  2, 6, 1, 2,  2, 4, 5, 1, 2, 1, 4, 5, 2, 3, 5, 3, 1, 2,  1, 4, 5, 5, 4, 1,  3, 3, 2,  3}},
  };
  return kCuts;
}

/// The character that stands for a byte in byte-level vocabularies, in UTF-8: printable bytes stand for themselves.
std::string byte_character(unsigned char byte) {
  const auto is_kept = [](int b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255); };
  int code = byte;
  if (!is_kept(byte)) {
    code = 256;
    for (int b = 0; b < byte; ++b) code += is_kept(b) ? 0 : 1;
  }
  if (code < 128) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
}

/// Byte-pair encoding by the vocabulary and merges of a tokenizer.json.
class Encoder {
 public:
  explicit Encoder(const Json& model)
      : ignores_merges_(has(model, "ignore_merges") && model["ignore_merges"].get<bool>()) {
    for (const auto& [token, id] : model.at("vocab").items()) ids_.emplace(token, whole_number<int32_t>(id));
    int32_t rank = 0;
    for (const Json& merge : model.at("merges")) {
      std::string left, right;
      if (merge.is_string()) {
        const auto both = merge.get<std::string>();
        const size_t space = both.find(' ');
        if (space == std::string::npos || both.find(' ', space + 1) != std::string::npos)
          throw Unknown{"tokenizer.json has a merge of other than two parts"};
        left = both.substr(0, space);
        right = both.substr(space + 1);
      } else {
        if (!merge.is_array() || merge.size() != 2) throw Unknown{"tokenizer.json has a merge of other than two parts"};
        left = merge[0].get<std::string>();
        right = merge[1].get<std::string>();
      }
      merges_.insert_or_assign(std::pair(id_of(left), id_of(right)), std::pair(rank++, id_of(left + right)));
    }
  }

  [[nodiscard]] int32_t id_of(const std::string& token) const {
    const auto found = ids_.find(token);
    if (found == ids_.end()) throw Unknown{"tokenizer.json has no token " + token};
    return found->second;
  }

  /// Appends the tokens of a word of raw bytes.
  void encode(std::string_view word, std::vector<int32_t>& tokens) const {
    std::string whole;
    std::vector<int32_t> parts;
    for (const char byte : word) {
      const std::string character = byte_character(static_cast<unsigned char>(byte));
      whole += character;
      parts.push_back(id_of(character));
    }
    if (const auto found = ids_.find(whole); ignores_merges_ && found != ids_.end()) {
      tokens.push_back(found->second);
      return;
    }
    for (;;) {
      size_t best = 0;
      std::pair<int32_t, int32_t> merge{std::numeric_limits<int32_t>::max(), 0};
      for (size_t i = 0; i + 1 < parts.size(); ++i) {
        const auto found = merges_.find({parts[i], parts[i + 1]});
        if (found == merges_.end() || found->second.first >= merge.first) continue;
        best = i;
        merge = found->second;
      }
      if (merge.first == std::numeric_limits<int32_t>::max()) break;
      parts[best] = merge.second;
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
    tokens.insert(tokens.end(), parts.begin(), parts.end());
  }

 private:
  bool ignores_merges_;
  std::unordered_map<std::string, int32_t> ids_;
  std::map<std::pair<int32_t, int32_t>, std::pair<int32_t, int32_t>> merges_;  // to rank and token
};

/// Refuses an object with keys other than these.
void need_keys(const Json& object, std::initializer_list<std::string_view> keys, const std::string& what) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) throw Unknown{fmt::format("{} has {}", what, key)};
  }
}

std::string type_of(const Json& object) {
  return object.is_object() && object.contains("type") ? object["type"].get<std::string>() : "";
}

/// Whether this is the ByteLevel pre-tokenizer without a space in front, and with or without GPT-2's expression.
bool is_byte_level(const Json& step, bool with_regex) {
  if (type_of(step) != "ByteLevel") return false;
  need_keys(step, {"type", "add_prefix_space", "trim_offsets", "use_regex"}, "the pre-tokenizer ByteLevel");
  return step.contains("add_prefix_space") && !step["add_prefix_space"].get<bool>() &&
         step.value("use_regex", true) == with_regex;
}

/// How the pre-tokenizer cuts text.
const Cut& cut_of(const Json& tokenizer) {
  const Json& stated = tokenizer.at("pre_tokenizer");
  if (is_byte_level(stated, true)) return cuts()[0];
  if (type_of(stated) == "Sequence" && stated.at("pretokenizers").size() == 2) {
    const Json& split = stated["pretokenizers"][0];
    if (type_of(split) == "Split" && is_byte_level(stated["pretokenizers"][1], false)) {
      need_keys(split, {"type", "pattern", "behavior", "invert"}, "the pre-tokenizer Split");
      need_keys(split.at("pattern"), {"Regex"}, "the pre-tokenizer's pattern");
      const auto regex = split["pattern"].at("Regex").get<std::string>();
      if (split.at("behavior") == "Isolated" && split.at("invert") == false) {
        for (const Cut& cut : cuts())
          if (cut.regex == regex) return cut;
      }
    }
  }
  throw Unknown{"tokenizer.json has a pre-tokenizer that hre's own conversion does not know"};
}

/// What the post-processor puts before and after a text's tokens.
std::pair<std::vector<int32_t>, std::vector<int32_t>> surroundings(const Json& tokenizer) {
  std::pair<std::vector<int32_t>, std::vector<int32_t>> ids;
  if (!has(tokenizer, "post_processor")) return ids;
  const Json& stated = tokenizer["post_processor"];
  int templates = 0;
  for (const Json& step : type_of(stated) == "Sequence" ? stated.at("processors") : Json::array({stated})) {
    if (type_of(step) == "ByteLevel") continue;
    if (type_of(step) != "TemplateProcessing" || ++templates > 1)
      throw Unknown{"tokenizer.json has an unusual post-processor"};
    bool after = false;
    for (const Json& part : step.at("single")) {
      if (part.contains("Sequence")) {
        if (after) throw Unknown{"tokenizer.json has an unusual post-processor"};
        after = true;
        continue;
      }
      const auto name = part.at("SpecialToken").at("id").get<std::string>();
      for (const Json& id : step.at("special_tokens").at(name).at("ids"))
        (after ? ids.second : ids.first).push_back(whole_number<int32_t>(id));
    }
    if (!after) throw Unknown{"tokenizer.json has an unusual post-processor"};
  }
  return ids;
}

/// The converter's name for a hash: the `res` after the last `if chkhsh == "HASH":` of its source.
std::optional<std::string> name_in(const std::string& known, const std::string& hash) {
  const size_t found = known.rfind("if chkhsh == \"" + hash + "\":");
  if (found == std::string::npos) return {};
  constexpr std::string_view kResult = "res = \"";
  const size_t start = known.find(kResult, found);
  if (start == std::string::npos) throw Unknown{"the converter's list of pre-tokenizers is unreadable"};
  const size_t first = start + kResult.size(), end = known.find('"', first);
  if (end == std::string::npos) throw Unknown{"the converter's list of pre-tokenizers is unreadable"};
  return known.substr(first, end - first);
}

}  // namespace

std::string pre_tokenizer_name(const Json& tokenizer, const std::string& known) {
  const Json& model = tokenizer.at("model");
  const Cut& cut = cut_of(tokenizer);
  const std::string normalizer = has(tokenizer, "normalizer") ? type_of(tokenizer["normalizer"]) : "";
  if (has(tokenizer, "normalizer") && normalizer != "NFC")
    throw Unknown{"tokenizer.json has a normalizer other than NFC"};
  for (const Json& token : tokenizer.at("added_tokens")) {
    if (kText.find(token.at("content").get<std::string>()) != std::string_view::npos)
      throw Unknown{"tokenizer.json has an added token that the converter's check text contains"};
  }
  auto [tokens, after] = surroundings(tokenizer);
  const Encoder encoder(model);
  std::string_view rest = kText;
  for (const uint8_t size : cut.sizes) {
    encoder.encode(rest.substr(0, size), tokens);
    rest.remove_prefix(size);
  }
  tokens.insert(tokens.end(), after.begin(), after.end());
  if (auto name = name_in(known, sha256(fmt::format("[{}]", fmt::join(tokens, ", "))))) return *name;
  const bool ignores = has(model, "ignore_merges") && model["ignore_merges"].get<bool>();
  if (&cut == &cuts()[0] && normalizer.empty()) return "gpt-2";
  if (&cut == &cuts()[1] && !ignores) return "qwen2";
  if (&cut == &cuts()[2] && ignores) return "llama-bpe";
  throw Unknown{"neither the converter nor hre knows its pre-tokenizer"};
}

std::string sha256(const std::string& text) {
  // FIPS 180-4. The constants are the fractional parts of the cube roots of the first 64 primes.
  static constexpr std::array<uint32_t, 64> kConstants = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
  std::array<uint32_t, 8> state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::string padded = text + '\x80';
  padded.resize((padded.size() + 8 + 63) / 64 * 64 - 8, '\0');
  for (int shift = 56; shift >= 0; shift -= 8) padded += static_cast<char>(uint64_t{8} * text.size() >> shift & 255);
  for (size_t block = 0; block < padded.size(); block += 64) {
    std::array<uint32_t, 64> w{};
    for (size_t i = 0; i < 64; ++i) w[i / 4] = w[i / 4] << 8 | static_cast<unsigned char>(padded[block + i]);
    for (size_t i = 16; i < 64; ++i) {
      const uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
      const uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    std::array<uint32_t, 8> s = state;
    for (size_t i = 0; i < 64; ++i) {
      const uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]), majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
      const uint32_t t1 =
          s[7] + (std::rotr(s[4], 6) ^ std::rotr(s[4], 11) ^ std::rotr(s[4], 25)) + choice + kConstants[i] + w[i];
      const uint32_t t2 = (std::rotr(s[0], 2) ^ std::rotr(s[0], 13) ^ std::rotr(s[0], 22)) + majority;
      s = {t1 + t2, s[0], s[1], s[2], s[3] + t1, s[4], s[5], s[6]};
    }
    for (size_t i = 0; i < 8; ++i) state[i] += s[i];
  }
  std::string digits;
  for (const uint32_t word : state) digits += fmt::format("{:08x}", word);
  return digits;
}

}  // namespace hre
