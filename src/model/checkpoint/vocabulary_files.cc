#include "model/checkpoint/vocabulary_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/files.h"
#include "core/json_whole.h"
#include "model/checkpoint/pre_tokenizer.h"
#include "model/checkpoint/unknown.h"

namespace hre {
namespace {

using Json = nlohmann::json;

enum TokenType : int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

constexpr int64_t kMostTokens = 16 << 20;

struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<int32_t> types;
};

bool file_is_there(const std::string& folder, const std::string& name) { return path_exists(folder + "/" + name); }

std::string with_spaces(std::string text) {
  constexpr std::string_view kMark = "\342\226\201";  // SentencePiece's space
  for (size_t at = text.find(kMark); at != std::string::npos; at = text.find(kMark, at))
    text.replace(at, kMark.size(), " ");
  return text;
}

/// The converter's does_token_look_special.
bool looks_special(const std::string& token) {
  const auto is_between = [&](std::string_view start, std::string_view end) {
    return token.starts_with(start) && token.ends_with(end);
  };
  return token == "<pad>" || token == "<mask>" || token == "<2mass>" || token == "[@BOS@]" || is_between("<|", "|>") ||
         is_between("<\357\275\234", "\357\275\234>") || is_between("<unused", ">");
}

// --- tokenizer.model ---------------------------------------------------------------------------------------------

/// Reads protocol buffers, as far as SentencePiece's models need it.
class Protobuf {
 public:
  explicit Protobuf(std::string_view bytes) : left_(bytes) {}

  /// The next field; false at the end.
  bool next() {
    if (left_.empty()) return false;
    const uint64_t tag = varint();
    number = tag >> 3, wire = tag & 7;
    if (wire == 0) {
      value = varint();
    } else if (wire == 2) {
      payload = take(varint());
    } else if (wire == 1 || wire == 5) {
      payload = take(wire == 1 ? 8 : 4);
    } else {
      throw Unknown{"tokenizer.model is broken"};
    }
    return true;
  }

  uint64_t number = 0, wire = 0, value = 0;
  std::string_view payload;

 private:
  uint64_t varint() {
    uint64_t value_ = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1).front());
      value_ |= static_cast<uint64_t>(byte & 127) << shift;
      if (byte < 128) return value_;
    }
    throw Unknown{"tokenizer.model is broken"};
  }

  std::string_view take(uint64_t size) {
    if (size > left_.size()) throw Unknown{"tokenizer.model is broken"};
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }

  std::string_view left_;
};

/// The pieces of tokenizer.model: ModelProto.pieces, each with piece, score and type.
Vocabulary read_pieces(const std::string& folder) {
  auto bytes = read_file(folder + "/tokenizer.model", int64_t{1} << 30);
  if (!bytes) throw Unknown{"tokenizer.model can't be read"};
  Vocabulary pieces;
  std::unordered_set<std::string> seen;
  int n_unknown = 0, n_bytes = 0;
  for (Protobuf model(*bytes); model.next();) {
    if (model.number != 1) continue;
    if (model.wire != 2) throw Unknown{"tokenizer.model is broken"};
    std::string text;
    float score = 0;
    uint64_t type = kNormal;
    for (Protobuf piece(model.payload); piece.next();) {
      if (piece.number == 1 && piece.wire == 2) text = piece.payload;
      if (piece.number == 2 && piece.wire == 5) std::memcpy(&score, piece.payload.data(), sizeof score);
      if (piece.number == 3 && piece.wire == 0) type = piece.value;
    }
    if (text.empty() || !seen.insert(text).second || type < kNormal || type > kByte)
      throw Unknown{"tokenizer.model has an unusual piece"};
    n_unknown += type == kUnknown ? 1 : 0;
    n_bytes += type == kByte ? 1 : 0;
    pieces.tokens.push_back(std::move(text));
    pieces.scores.push_back(score);
    // SentencePiece's own user-defined pieces are plain ones to the converter.
    pieces.types.push_back(type == kUserDefined ? kNormal : static_cast<int32_t>(type));
  }
  if (n_unknown != 1 || (n_bytes != 0 && n_bytes != 256)) throw Unknown{"tokenizer.model has unusual pieces"};
  return pieces;
}

/// A token that the files beside tokenizer.model add, or put in place of a piece.
struct AddedToken {
  int64_t id = 0;
  std::string content;
  bool is_special = false;
};

/// added_tokens_decoder of tokenizer_config.json.
std::vector<AddedToken> decoder_tokens(const Json& settings) {
  std::vector<AddedToken> tokens;
  if (!settings.contains("added_tokens_decoder")) return tokens;
  for (const auto& [key, entry] : settings["added_tokens_decoder"].items()) {
    if (key.empty() || key.size() > 9 || key.find_first_not_of("0123456789") != std::string::npos ||
        (key.size() > 1 && key[0] == '0')) {
      throw Unknown{"tokenizer_config.json adds a token with the number " + key};
    }
    tokens.push_back({std::stoll(key), entry.at("content").get<std::string>(),
                      entry.contains("special") && entry["special"].get<bool>()});
  }
  return tokens;
}

std::vector<AddedToken> tokenizer_json_tokens(const Json& tokenizer) {
  std::vector<AddedToken> tokens;
  if (!has(tokenizer, "added_tokens")) return tokens;
  for (const Json& entry : tokenizer["added_tokens"]) {
    tokens.push_back({whole_number<int64_t>(entry.at("id")), entry.at("content").get<std::string>(),
                      entry.contains("special") && entry["special"].get<bool>()});
  }
  return tokens;
}

/// The vocabulary of tokenizer.model and the tokens that other files add to it. Phi-3's converter reads tokenizer.json,
/// too, and takes no token that isn't called special for one.
Vocabulary sentencepiece_vocabulary(const VocabularySource& source, const Json& settings, bool is_phi3) {
  Vocabulary all = read_pieces(source.folder);
  const auto size = static_cast<size_t>(source.vocab_size);
  if (is_phi3 && all.tokens.size() > size) throw Unknown{"tokenizer.model has more pieces than config.json says"};
  const size_t n_pieces = std::min(all.tokens.size(), size);
  all.tokens.resize(size), all.scores.resize(size, -10000.0F), all.types.resize(size, kUnused);
  for (size_t i = n_pieces; i < size; ++i) all.tokens[i] = fmt::format("[PAD{}]", i);
  const auto set = [&](const AddedToken& token, const std::string& text, int32_t type) {
    if (token.id < 0) throw Unknown{"an added token has a negative number"};
    if (static_cast<size_t>(token.id) >= size) {
      if (is_phi3) throw Unknown{"an added token's number is beyond the vocabulary"};
      return;
    }
    const auto at = static_cast<size_t>(token.id);
    all.tokens[at] = text, all.scores[at] = -1000.0F, all.types[at] = type;
  };
  if (file_is_there(source.folder, "added_tokens.json")) {
    std::set<int64_t> ids;
    const Json added = object_of(source.folder, "added_tokens.json");
    for (const auto& [text, id] : added.items()) {
      const AddedToken token{whole_number<int64_t>(id), text, false};
      if (!ids.insert(token.id).second) throw Unknown{"added_tokens.json has a number twice"};
      set(token, text, kUserDefined);
    }
  }
  if (is_phi3) {
    for (const AddedToken& token : decoder_tokens(settings))
      set(token, token.content, token.is_special ? kControl : kUserDefined);
    if (file_is_there(source.folder, "tokenizer.json")) {
      for (const AddedToken& token : tokenizer_json_tokens(object_of(source.folder, "tokenizer.json")))
        set(token, token.content, token.is_special ? kControl : kUserDefined);
    }
    return all;
  }
  for (const AddedToken& token : decoder_tokens(settings)) {
    const bool is_control = token.is_special || looks_special(token.content);
    set(token, is_control ? token.content : with_spaces(token.content), is_control ? kControl : kUserDefined);
  }
  return all;
}

// --- tokenizer.json ----------------------------------------------------------------------------------------------

std::string class_of(const Json& settings) {
  if (!has(settings, "tokenizer_class")) throw Unknown{"tokenizer_config.json has no tokenizer_class"};
  return settings["tokenizer_class"].get<std::string>();
}

std::string content_of(const Json& token) {
  return token.is_object() ? token.at("content").get<std::string>() : token.get<std::string>();
}

/// The special tokens that tokenizer_config.json names, or special_tokens_map.json, which Transformers reads where the
/// former has no added_tokens_decoder.
std::set<std::string> named_specials(const VocabularySource& source, const Json& settings) {
  std::set<std::string> names;
  const auto add = [&](const Json& object) {
    for (const char* key : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"})
      if (has(object, key)) names.insert(content_of(object[key]));
    if (has(object, "additional_special_tokens"))
      for (const Json& token : object["additional_special_tokens"]) names.insert(content_of(token));
  };
  add(settings);
  if (has(settings, "extra_special_tokens") && !settings["extra_special_tokens"].empty())
    throw Unknown{"tokenizer_config.json has extra_special_tokens"};
  if (has(settings, "added_tokens_decoder")) return names;
  if (file_is_there(source.folder, "special_tokens_map.json")) add(object_of(source.folder, "special_tokens_map.json"));
  if (file_is_there(source.folder, "added_tokens.json")) throw Unknown{"there is an added_tokens.json"};
  return names;
}

/// Checks that Transformers' tokenizer has the tokens that tokenizer.json states, and adds none: those that
/// tokenizer_config.json adds or names are the same.
void check_added_tokens(const Json& tokenizer, const Json& settings, const std::set<std::string>& specials) {
  const Json& vocab = tokenizer.at("model").at("vocab");
  auto next = static_cast<int64_t>(vocab.size());
  std::map<std::string, std::pair<int64_t, Json>> added;
  std::set<int64_t> ids;
  for (const Json& entry : tokenizer.at("added_tokens")) {
    const auto content = entry.at("content").get<std::string>();
    const auto id = whole_number<int64_t>(entry.at("id"));
    const auto in_vocab = vocab.find(content);
    const int64_t expected = in_vocab == vocab.end() ? next++ : whole_number<int64_t>(*in_vocab);
    const bool is_printable = std::all_of(content.begin(), content.end(), [](char c) { return c > ' ' && c <= '~'; });
    const bool is_special = entry.at("special").get<bool>();
    // The converter encodes and decodes tokens that aren't normalised; plain ASCII comes back as it was.
    if (content.empty() || id != expected || !ids.insert(id).second ||
        ((is_special || !entry.at("normalized").get<bool>()) && !is_printable)) {
      throw Unknown{"tokenizer.json has an unusual added token"};
    }
    Json rest = entry;
    rest.erase("id");
    if (!added.emplace(content, std::pair(id, std::move(rest))).second)
      throw Unknown{"tokenizer.json has an added token twice"};
  }
  for (const std::string& special : specials) {
    const auto found = added.find(special);
    if (found == added.end() || found->second.second["special"] != true)
      throw Unknown{"tokenizer.json has no special token " + special};
  }
  if (!has(settings, "added_tokens_decoder")) return;
  const Json& decoder = settings["added_tokens_decoder"];
  bool same = decoder.size() == added.size();
  for (const auto& [content, token] : added) {
    const auto found = decoder.find(std::to_string(token.first));
    same = same && found != decoder.end() && *found == token.second;
  }
  if (!same) throw Unknown{"tokenizer_config.json and tokenizer.json add different tokens"};
}

void check_settings(const Json& tokenizer, const Json& settings) {
  for (const char* key : {"truncation", "padding"})
    if (has(tokenizer, key)) throw Unknown{fmt::format("tokenizer.json has {}", key)};
  for (const char* key : {"auto_map", "fix_mistral_regex", "split_special_tokens", "gguf_file", "from_slow"})
    if (has(settings, key) && settings[key] != false) throw Unknown{fmt::format("tokenizer_config.json has {}", key)};
  const Json& model = tokenizer.at("model");
  if (model.at("type") != "BPE") throw Unknown{"tokenizer.json has a model other than BPE"};
  for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"})
    if (has(model, key) && model[key] != "") throw Unknown{fmt::format("tokenizer.json has {}", key)};
}

/// The token of each id of the vocabulary.
std::unordered_map<int64_t, std::string> tokens_by_id(const Json& vocab) {
  std::unordered_map<int64_t, std::string> tokens;
  for (const auto& [token, id] : vocab.items()) {
    if (!tokens.emplace(whole_number<int64_t>(id), token).second) throw Unknown{"tokenizer.json has a number twice"};
  }
  return tokens;
}

/// A byte-level vocabulary: the converter's get_vocab_base. Returns the pre-tokenizer's name.
std::pair<Vocabulary, std::string> bytes_vocabulary(const VocabularySource& source, const Json& tokenizer,
                                                    const Json& settings) {
  check_settings(tokenizer, settings);
  const Json& model = tokenizer.at("model");
  if (has(model, "byte_fallback") && model["byte_fallback"] != false)
    throw Unknown{"tokenizer.json falls back to bytes"};
  if (!has(tokenizer, "decoder") || tokenizer["decoder"].at("type") != "ByteLevel")
    throw Unknown{"tokenizer.json has a decoder other than ByteLevel"};
  const std::string name = class_of(settings);
  std::set<std::string> specials = named_specials(source, settings);
  const bool is_gpt2 = name == "GPT2Tokenizer" || name == "GPT2TokenizerFast";
  const bool is_qwen = name == "Qwen2Tokenizer" || name == "Qwen2TokenizerFast";
  if (!is_gpt2 && !is_qwen && name != "PreTrainedTokenizerFast")
    throw Unknown{"hre's own conversion does not know the class " + name};
  const auto has_default = [&](const char* key) { return !settings.contains(key); };
  if ((is_gpt2 && (has_default("unk_token") || has_default("bos_token") || has_default("eos_token"))) ||
      (is_qwen && (has_default("unk_token") || has_default("eos_token") || has_default("pad_token")))) {
    specials.insert("<|endoftext|>");
  }
  if (has(settings, "add_prefix_space") && settings["add_prefix_space"] != false)
    throw Unknown{"tokenizer_config.json has add_prefix_space"};
  check_added_tokens(tokenizer, settings, specials);

  std::unordered_map<int64_t, std::string> tokens = tokens_by_id(model.at("vocab"));
  std::unordered_map<int64_t, int32_t> types;
  for (const AddedToken& token : tokenizer_json_tokens(tokenizer)) {
    const bool is_control = token.is_special || looks_special(token.content);
    tokens[token.id] = is_control ? token.content : with_spaces(token.content);
    types[token.id] = is_control ? kControl : kUserDefined;
  }
  Vocabulary all;
  for (int64_t id = 0; id < source.vocab_size; ++id) {
    const auto token = tokens.find(id);
    const auto type = types.find(id);
    all.tokens.push_back(token == tokens.end() ? fmt::format("[PAD{}]", id) : token->second);
    all.types.push_back(token == tokens.end() ? kUnused : type == types.end() ? kNormal : type->second);
  }
  for (const auto& [id, token] : tokens)
    if (id < 0 || id >= source.vocab_size) throw Unknown{"tokenizer.json has more tokens than config.json says"};
  return {std::move(all), pre_tokenizer_name(tokenizer, source.known_pre_tokenizers)};
}

/// By the token that each merge makes (`unknown` where there is none), the place of the first such merge.
std::unordered_map<int64_t, size_t> merge_ranks(const Json& merges, const std::unordered_map<std::string, int64_t>& ids,
                                                int64_t unknown) {
  std::unordered_map<int64_t, size_t> ranks;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    std::string both;
    if (merges[rank].is_string()) {
      both = merges[rank].get<std::string>();
      const size_t space = both.find(' ');
      if (space == std::string::npos) throw Unknown{"tokenizer.json has a merge of one part"};
      both.erase(space, 1);
    } else {
      if (merges[rank].size() != 2) throw Unknown{"tokenizer.json has a merge of other than two parts"};
      both = merges[rank][0].get<std::string>() + merges[rank][1].get<std::string>();
    }
    const auto id = ids.find(both);
    ranks.emplace(id == ids.end() ? unknown : id->second, rank);
  }
  return ranks;
}

/// "<0x0A>": what stands for a byte that no piece has.
bool is_byte_token(const std::string& text) {
  return text.size() == 6 && text.starts_with("<0x") && text[5] == '>' &&
         std::isxdigit(static_cast<unsigned char>(text[3])) && std::isxdigit(static_cast<unsigned char>(text[4]));
}

/// A SentencePiece vocabulary that is there as tokenizer.json alone: the converter's LlamaHfVocab, with scores by the
/// order of merges, as convert_checkpoint.py gives them.
Vocabulary pieces_in_json(const VocabularySource& source, const Json& tokenizer, const Json& settings) {
  check_settings(tokenizer, settings);
  const std::string name = class_of(settings);
  if (name != "LlamaTokenizer" && name != "LlamaTokenizerFast")
    throw Unknown{"hre's own conversion does not know the class " + name};
  for (const char* key : {"bos_token", "eos_token", "unk_token", "added_tokens_decoder"})
    if (!has(settings, key)) throw Unknown{fmt::format("tokenizer_config.json has no {}", key)};
  const std::set<std::string> specials = named_specials(source, settings);
  check_added_tokens(tokenizer, settings, specials);

  const Json& model = tokenizer.at("model");
  const Json& vocab = model.at("vocab");
  std::unordered_map<int64_t, std::string> tokens = tokens_by_id(vocab);
  const auto n_base = static_cast<int64_t>(vocab.size());
  std::unordered_map<std::string, int64_t> ids;
  for (const auto& [id, token] : tokens) ids[token] = id;
  std::vector<AddedToken> beyond;
  std::set<int64_t> special_ids;
  for (const AddedToken& token : tokenizer_json_tokens(tokenizer)) {
    ids[token.content] = token.id;
    if (specials.contains(token.content)) special_ids.insert(token.id);
    if (token.id >= n_base) beyond.push_back(token);
  }
  const int64_t unknown = ids.at(content_of(settings["unk_token"]));
  const std::unordered_map<int64_t, size_t> ranks = merge_ranks(model.at("merges"), ids, unknown);
  const auto score_of = [&](int64_t id) {
    const auto rank = ranks.find(id);
    return -static_cast<float>(rank == ranks.end() ? ranks.size() : rank->second);
  };
  Vocabulary all;
  for (int64_t id = 0; id < n_base; ++id) {
    const auto token = tokens.find(id);
    if (token == tokens.end()) throw Unknown{"tokenizer.json leaves out a number"};
    all.tokens.push_back(token->second);
    all.scores.push_back(score_of(id));
    all.types.push_back(is_byte_token(token->second) ? kByte : special_ids.contains(id) ? kControl : kNormal);
  }
  std::sort(beyond.begin(), beyond.end(), [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  for (const AddedToken& token : beyond) {
    const bool is_special = special_ids.contains(token.id);
    all.tokens.push_back(token.content);
    all.scores.push_back(is_special ? score_of(token.id) : -1000.0F);
    all.types.push_back(is_special ? kControl : kUserDefined);
  }
  return all;
}

// --- special tokens, merges and chat templates: the converter's SpecialVocab -------------------------------------

bool truthy(const Json& value) {
  return !value.is_null() && value != "" && value != false && !(value.is_object() && value.empty());
}

struct SpecialTokens {
  std::vector<std::string> kinds = {"bos", "eos", "unk", "sep", "pad", "cls", "mask"};
  std::vector<std::pair<std::string, int64_t>> ids;
  std::vector<std::pair<std::string, bool>> added;  // whether texts get them

  void set_added(const std::string& kind, bool value) {
    for (auto& [known, is_added] : added) {
      if (known == kind) return void(is_added = value);
    }
    added.emplace_back(kind, value);
  }
  [[nodiscard]] bool has_kind(const std::string& kind) const {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  }
  void set_id(const std::string& kind, const Json& id, std::optional<int64_t> n_vocab) {
    if (!id.is_number_integer()) return;
    const auto number = whole_number<int64_t>(id);
    if (number < 0 || number > std::numeric_limits<int32_t>::max())
      throw Unknown{"a special token has an impossible number"};
    if (n_vocab && number >= *n_vocab) return;
    if (std::none_of(ids.begin(), ids.end(), [&](const auto& known) { return known.first == kind; }))
      ids.emplace_back(kind, number);
  }
};

/// What the post-processor's template says about BOS, EOS and SEP; may put names into the settings, as the converter
/// does.
void read_template(const Json& step, Json& settings, SpecialTokens& special) {
  const auto at = [&](const char* key) { return settings.contains(key) ? settings[key] : Json(); };
  const auto special_id = [](const Json& part) {
    return part.contains("SpecialToken") && part["SpecialToken"].contains("id") ? part["SpecialToken"]["id"] : Json();
  };
  const auto sequence_id = [](const Json& part) {
    return part.contains("Sequence") && part["Sequence"].contains("id") ? part["Sequence"]["id"] : Json();
  };
  Json bos = at("bos_token"), cls = at("cls_token"), eos = at("eos_token"), sep = at("sep_token");
  const Json single = step.value("single", Json::array()), pair = step.value("pair", Json::array());
  Json first, last;
  if (single.size() > 1) {
    first = special_id(single.front());
    if (truthy(first)) {
      if (first != bos && first != cls) {
        if (!truthy(bos)) settings["bos_token"] = bos = first;
        if (!truthy(cls)) settings["cls_token"] = cls = first;
      }
      special.set_added("bos", first == bos || first == cls);
    }
    last = special_id(single.back());
    if (truthy(last)) {
      if (last != eos) {
        if (special.has_kind("eot")) throw Unknown{"tokenizer.json has several templates that end"};
        special.kinds.emplace_back("eot");
        settings["eot_token"] = eos;
        settings["eos_token"] = eos = last;
      }
      special.set_added("eos", last == eos);
    }
  }
  if (!pair.is_array() || pair.empty()) return;
  size_t begin = truthy(first) && special_id(pair.front()) == first ? 1 : 0;
  size_t end = pair.size() - (truthy(last) && special_id(pair.back()) == last ? 1 : 0);
  if (begin >= end) return;
  if (sequence_id(pair[begin]) != "A" || sequence_id(pair[end - 1]) != "B") return;
  if (++begin >= --end) return;  // what is between A and B
  const Json between = special_id(pair[begin]);
  bool add_sep = truthy(between) && (between == sep || between == eos) && !truthy(last);
  if (end - begin == 2) {
    const Json second = special_id(pair[begin + 1]);
    add_sep = add_sep || (truthy(second) && (second == sep || second == eos));
  }
  special.set_added("sep", add_sep);
  if (add_sep && !truthy(sep)) settings["sep_token"] = eos;
}

std::string chat_template(const VocabularySource& source, const Json& settings) {
  Json found;
  if (file_is_there(source.folder, "chat_template.jinja")) {
    auto text = read_file(source.folder + "/chat_template.jinja", 16 << 20);
    if (!text || text->find('\r') != std::string::npos || file_is_there(source.folder, "additional_chat_templates"))
      throw Unknown{"chat templates of an unusual kind"};
    found = *text;
  } else if (file_is_there(source.folder, "chat_template.json")) {
    const Json json = object_of(source.folder, "chat_template.json");
    if (has(json, "chat_template")) found = json["chat_template"];
  }
  if (settings.contains("chat_template")) found = settings["chat_template"];
  if (found.is_null()) return "";
  if (!found.is_string()) throw Unknown{"several chat templates"};
  return found.get<std::string>();
}

std::vector<std::string> merges_of(const Json& tokenizer) {
  std::vector<std::string> all;
  const Json& merges = tokenizer.at("model").at("merges");
  if (!merges.is_array()) throw Unknown{"tokenizer.json has no list of merges"};
  for (const Json& merge : merges) {
    if (merge.is_string() != merges.front().is_string()) throw Unknown{"tokenizer.json has merges of two kinds"};
    if (merge.is_string()) {
      all.push_back(merge.get<std::string>());
      continue;
    }
    if (!merge.is_array() || merge.size() != 2) throw Unknown{"tokenizer.json has a merge of other than two parts"};
    for (const Json& part : merge)
      if (part.get<std::string>().find(' ') != std::string::npos)
        throw Unknown{"tokenizer.json has a merge with a space"};
    all.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
  }
  return all;
}

void check_normalizer(const Json& tokenizer) {
  if (!has(tokenizer, "normalizer")) return;
  const Json& stated = tokenizer["normalizer"];
  const Json steps = stated.contains("normalizers") ? stated["normalizers"] : Json::array({stated});
  for (const Json& step : steps) {
    const std::string type = step.value("type", "");
    if (type != "NFC" && type != "Prepend" && type != "Replace")
      throw Unknown{"tokenizer.json has the normalizer " + type};
  }
}

/// Adds merges (of byte-level vocabularies), special tokens and the chat template. n_vocab: the number of tokens, where
/// the converter leaves out special tokens beyond it.
void add_special_tokens(const VocabularySource& source, const Json* tokenizer, Json settings, bool with_merges,
                        std::optional<int64_t> n_vocab, GgufMetadata& metadata) {
  SpecialTokens special;
  if (tokenizer != nullptr) {
    const auto take = [&](const char* key, const char* other) {
      if (settings.contains(other) && truthy(settings[other]) && !(settings.contains(key) && truthy(settings[key])))
        settings[key] = settings[other];
    };
    take("bos_token", "cls_token"), take("eos_token", "sep_token");
    if (has(*tokenizer, "post_processor")) {
      const Json& stated = (*tokenizer)["post_processor"];
      const Json steps = stated.contains("processors") ? stated["processors"] : Json::array({stated});
      for (const Json& step : steps) {
        const std::string type = step.value("type", "");
        if (type == "TemplateProcessing") {
          read_template(step, settings, special);
        } else if (type != "ByteLevel") {
          throw Unknown{"tokenizer.json has the post-processor " + type};
        }
      }
    }
    if (with_merges) metadata.add_texts("tokenizer.ggml.merges", merges_of(*tokenizer));
    check_normalizer(*tokenizer);
  }
  const std::string text = chat_template(source, settings);
  for (const std::string& kind : special.kinds) {
    const std::string add = "add_" + kind + "_token", name = kind + "_token";
    if (settings.contains(add) && settings[add].is_boolean()) special.set_added(kind, settings[add].get<bool>());
    if (!has(settings, name) || tokenizer == nullptr) continue;
    const Json& entry = settings[name];
    const Json content = entry.is_object() && entry.contains("content") ? entry["content"] : entry;
    if (!content.is_string() || !has(*tokenizer, "added_tokens")) continue;
    for (const Json& token : (*tokenizer)["added_tokens"]) {
      if (token.at("content") != content) continue;
      special.set_id(kind, token.at("id"), n_vocab);
      break;
    }
  }
  const Json config = object_of(source.folder, "config.json");
  for (const std::string& kind : special.kinds)
    if (config.contains(kind + "_token_id")) special.set_id(kind, config[kind + "_token_id"], n_vocab);

  static const std::map<std::string, std::string> kKeys = {{"bos", "bos"},       {"eos", "eos"},     {"unk", "unknown"},
                                                           {"sep", "seperator"}, {"pad", "padding"}, {"mask", "mask"},
                                                           {"eot", "eot"}};
  for (const auto& [kind, id] : special.ids) {
    const auto key = kKeys.find(kind);
    if (key != kKeys.end()) metadata.add_u32("tokenizer.ggml." + key->second + "_token_id", static_cast<uint32_t>(id));
  }
  for (const auto& [kind, is_added] : special.added) {
    if (kind == "bos" || kind == "eos" || kind == "sep")
      metadata.add_bool("tokenizer.ggml.add_" + kind + "_token", is_added);
  }
  metadata.add_text("tokenizer.chat_template", text);
}

}  // namespace

void add_vocabulary(const VocabularySource& source, VocabularyRule rule, GgufMetadata& metadata) {
  if (source.vocab_size < 1 || source.vocab_size > kMostTokens)
    throw Unknown{"config.json has an impossible vocab_size"};
  if (file_is_there(source.folder, "tekken.json")) throw Unknown{"there is a tekken.json"};
  const Json settings = object_of(source.folder, "tokenizer_config.json");
  if (settings.empty() || has(settings, "auto_map") ||
      (has(settings, "tokenizer_class") && class_of(settings) == "HybridDNATokenizer"))
    throw Unknown{"tokenizer_config.json is of an unusual kind"};
  if (rule == VocabularyRule::kLlama && has(settings, "add_prefix_space"))
    metadata.add_bool("tokenizer.ggml.add_space_prefix", settings["add_prefix_space"].get<bool>());

  const bool has_json = file_is_there(source.folder, "tokenizer.json");
  std::optional<Json> tokenizer;
  if (has_json) tokenizer = object_of(source.folder, "tokenizer.json");
  bool has_pieces = file_is_there(source.folder, "tokenizer.model");
  if (rule == VocabularyRule::kBytes) has_pieces = false;
  if (rule == VocabularyRule::kPhi3) has_pieces = class_of(settings) != "GPT2Tokenizer";

  if (has_pieces) {
    const Vocabulary all = sentencepiece_vocabulary(source, settings, rule == VocabularyRule::kPhi3);
    metadata.add_text("tokenizer.ggml.model", "llama");
    metadata.add_text("tokenizer.ggml.pre", "default");
    metadata.add_texts("tokenizer.ggml.tokens", all.tokens);
    metadata.add_f32s("tokenizer.ggml.scores", all.scores);
    metadata.add_i32s("tokenizer.ggml.token_type", all.types);
    add_special_tokens(source, tokenizer ? &*tokenizer : nullptr, settings, false,
                       static_cast<int64_t>(all.tokens.size()), metadata);
    if (rule == VocabularyRule::kGemma) metadata.add_bool("tokenizer.ggml.add_space_prefix", false);
    return;
  }
  if (!tokenizer) throw Unknown{"there is no tokenizer.json"};
  const Json& model = tokenizer->at("model");
  const bool falls_back = has(model, "byte_fallback") && model["byte_fallback"].get<bool>();
  const bool has_sequence = has(*tokenizer, "decoder") && (*tokenizer)["decoder"].at("type") == "Sequence";
  if (rule == VocabularyRule::kLlama && falls_back && has_sequence) {
    if (has(settings, "add_prefix_space")) throw Unknown{"tokenizer_config.json has add_prefix_space"};
    const Vocabulary all = pieces_in_json(source, *tokenizer, settings);
    metadata.add_text("tokenizer.ggml.model", "llama");
    metadata.add_text("tokenizer.ggml.pre", "default");
    metadata.add_texts("tokenizer.ggml.tokens", all.tokens);
    metadata.add_f32s("tokenizer.ggml.scores", all.scores);
    metadata.add_i32s("tokenizer.ggml.token_type", all.types);
    add_special_tokens(source, &*tokenizer, settings, false, static_cast<int64_t>(all.tokens.size()), metadata);
  } else {
    if (rule == VocabularyRule::kGemma) throw Unknown{"there is no tokenizer.model"};
    const auto [all, pre] = bytes_vocabulary(source, *tokenizer, settings);
    metadata.add_text("tokenizer.ggml.model", "gpt2");
    metadata.add_text("tokenizer.ggml.pre", pre);
    metadata.add_texts("tokenizer.ggml.tokens", all.tokens);
    metadata.add_i32s("tokenizer.ggml.token_type", all.types);
    add_special_tokens(source, &*tokenizer, settings, true, {}, metadata);
  }
}

}  // namespace hre
