#include "eval/inspect_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "core/files.h"
#include "core/text.h"
#include "data/archive.h"

namespace hre {
namespace {

using Json = nlohmann::ordered_json;
using Event = Json::parse_event_t;

/// What is kept of a sample; its transcript is not.
bool is_kept(const std::string& key) { return key == "id" || key == "input" || key == "scores"; }

/// Keeps a few members of the objects whose keys are at this depth, and everything elsewhere.
Json::parser_callback_t keep_of_samples(int at) {
  return [at](int depth, Event event, Json& json) {
    return event != Event::key || depth != at || is_kept(json.get_ref<const std::string&>());
  };
}

/// Of a whole log: {"eval": {...}, "samples": [{...}, ...], and much else}.
bool keep_of_log(int depth, Event event, Json& json) {
  if (event != Event::key) return true;
  const std::string& key = json.get_ref<const std::string&>();
  if (depth == 1) return key == "eval" || key == "samples";
  if (depth == 2) return key == "model" || key == "task" || key == "created";  // of "eval"
  return depth != 3 || is_kept(key);
}

std::string member_text(const Json& json, const char* name) {
  return json.is_object() && json.contains(name) ? text_of(json.at(name)) : "";
}

/// The text of an input: a string, or messages whose content is a string or parts. Messages have ids made at random.
std::string text_of_input(const Json& input) {
  if (input.is_string()) return input.get<std::string>();
  std::string text;
  if (!input.is_array()) return text;
  for (const Json& message : input) {
    if (!message.is_object() || !message.contains("content")) continue;
    const Json& content = message.at("content");
    if (content.is_string()) text += content.get<std::string>() + '\n';
    if (!content.is_array()) continue;
    for (const Json& part : content) text += member_text(part, "text") + '\n';
  }
  return text;
}

std::optional<double> value_of(const Json& json) {
  if (const auto number = number_of(json)) return number;
  if (!json.is_string()) return std::nullopt;
  std::string text = json.get<std::string>();
  if (text == "C") return 1;
  if (text == "P") return 0.5;
  if (text == "I" || text == "N") return 0;
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (text == "yes" || text == "true") return 1;
  if (text == "no" || text == "false") return 0;
  return std::nullopt;
}

std::vector<std::string> keys_of(const Json& object, const std::string& prefix) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(prefix + key);
  return keys;
}

/// Reads samples one after the other; the first score decides which value is meant where none is named.
class Samples {
 public:
  Samples(ItemValues& log, const std::string& metric) : log_(log) {
    log_.metric = metric;
    split();
  }

  Status add(const Json& sample, const std::string& where) {
    if (!sample.is_object() || !sample.contains("id")) return input_error("is not a sample of Inspect", where);
    const std::string id = text_of(sample.at("id"));
    const std::string text = sample.contains("input") ? text_of_input(sample.at("input")) : "";
    ItemValue& item = log_.values.emplace_back(ItemValue{log_.task, id_with_contents(id, text), std::nullopt});
    if (!sample.contains("scores") || !sample.at("scores").is_object() || sample.at("scores").empty()) return {};
    const Json& scores = sample.at("scores");
    if (log_.metric.empty()) {
      log_.metric = scores.begin().key();
      split();
    }
    if (scorers_.empty()) scorers_ = keys_of(scores, "");
    if (!scores.contains(scorer_)) return {};
    found_ = true;
    const Json& score = scores.at(scorer_);
    if (!score.is_object() || !score.contains("value")) return input_error("a score has no value", where);
    const Json* value = &score.at("value");
    if (value->is_object() && key_.empty()) {
      return input_error("the score '" + scorer_ + "' has several values", where,
                         "FILE#NAME names one: " + join(keys_of(*value, scorer_ + ":")));
    }
    if (!key_.empty()) {
      if (!value->is_object() || !value->contains(key_)) {
        return value->is_object() ? Status(no_such_value(log_.metric, keys_of(*value, scorer_ + ":"), where))
                                  : Status(no_such_value(log_.metric, scorers_, where));
      }
      value = &value->at(key_);
    }
    item.value = value_of(*value);
    if (item.value || is_undefined(*value)) return {};
    return input_error(
        "'" + log_.metric + "' is not a number: " + std::string(first_code_points(one_line(text_of(*value)), 40)),
        where);
  }

  /// Input errors where no sample has the score that was named.
  [[nodiscard]] Status finish(const std::string& path) const {
    if (log_.values.empty() || found_) return {};
    return scorers_.empty() ? Status(input_error("no sample has a score", path))
                            : Status(no_such_value(log_.metric, scorers_, path));
  }

 private:
  void split() {
    const size_t colon = log_.metric.rfind(':');
    scorer_ = log_.metric.substr(0, colon);
    key_ = colon == std::string::npos ? "" : log_.metric.substr(colon + 1);
  }

  ItemValues& log_;
  std::string scorer_, key_;
  std::vector<std::string> scorers_;  // of the first sample that has any
  bool found_ = false;
};

void add_names(const Json& log, ItemValues& values) {
  if (!log.is_object() || !log.contains("eval")) return;
  const Json& eval = log.at("eval");
  values.model = member_text(eval, "model");
  values.task = member_text(eval, "task");
  values.created = member_text(eval, "created");
}

Error not_json(const std::string& where) {
  return {ErrorCode::kInput, "is not JSON", where, "it may be damaged or cut short: copy it again"};
}

/// An entry of the archive. Summaries of 100,000 samples are about 200 MB; a bomb stops here.
Result<std::string> text_of_entry(data::ByteSource& bytes, const std::string& where) {
  constexpr size_t kMost = size_t{1} << 29, kBlock = size_t{1} << 20;
  std::string text;
  while (true) {
    const size_t before = text.size();
    text.resize(before + kBlock);
    auto got = bytes.read(text.data() + before, kBlock);
    if (!got) return forward(got);
    text.resize(before + *got);
    if (*got == 0) break;
    if (text.size() > kMost) return input_error(fmt::format("unpacks to more than {} bytes", kMost), where);
  }
  if (const auto at = find_invalid_utf8(text)) return input_error(fmt::format("byte {} is not UTF-8", *at + 1), where);
  return text;
}

/// The entries to read: the summaries of all samples; of a log that was interrupted, those of its journal; else the
/// samples themselves.
struct Entries {
  std::string header;
  std::vector<std::string> samples;
};

Entries entries_of(const std::vector<data::ArchiveEntry>& all) {
  Entries journal, samples;
  const auto has = [&](const char* name) {
    return std::ranges::any_of(all, [&](const data::ArchiveEntry& entry) { return entry.name == name; });
  };
  for (const data::ArchiveEntry& entry : all) {
    if (entry.name.starts_with("_journal/summaries/")) journal.samples.push_back(entry.name);
    if (entry.name.starts_with("samples/")) samples.samples.push_back(entry.name);
  }
  Entries entries = journal.samples.empty() ? std::move(samples) : std::move(journal);
  if (has("summaries.json")) entries.samples = {"summaries.json"};
  entries.header = has("header.json") ? "header.json" : "_journal/start.json";
  std::ranges::sort(entries.samples);
  return entries;
}

/// An archive ends with the record of its directory: "PK\5\6", 16 bytes, and the length of a comment, which follows.
/// Without it, libarchive reads what is there.
bool is_whole_archive(const std::string& path) {
  constexpr int64_t kRecord = 22, kLongestComment = 65535;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const auto size = static_cast<int64_t>(file.tellg());
  if (!file || size < kRecord) return false;
  std::string end(static_cast<size_t>(std::min(size, kRecord + kLongestComment)), '\0');
  if (!file.seekg(-static_cast<int64_t>(end.size()), std::ios::end)) return false;
  if (!file.read(end.data(), static_cast<std::streamsize>(end.size()))) return false;
  for (size_t at = end.size() - kRecord + 1; at-- > 0;) {
    if (end.compare(at, 4, "PK\5\6") != 0) continue;
    const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(end[at + i])); };
    if (at + kRecord + byte(20) + 256 * byte(21) == end.size()) return true;
  }
  return false;
}

Status read_archive(const std::string& path, ItemValues& values, Samples& samples) {
  std::error_code unknown;
  if (std::filesystem::is_regular_file(path, unknown) && !is_whole_archive(path)) {
    return input_error("the file is cut short, damaged, or not an archive", path, "copy it again");
  }
  auto all = data::list_archive(path);
  if (!all) return forward(all);
  const Entries entries = entries_of(*all);
  if (entries.samples.empty()) return input_error("the archive holds no samples of Inspect", path);
  const auto visit = [&](const auto& use) {
    return [&path, use](const std::string& name, data::ByteSource& bytes) -> Status {
      const std::string where = path + ":" + name;
      auto text = text_of_entry(bytes, where);
      return text ? use(name, *std::move(text), where) : Status(forward(text));
    };
  };
  Status read =
      data::visit_archive(path, [&](const std::string& name) { return name == entries.header; },
                          visit([&](const std::string&, std::string text, const std::string& where) -> Status {
                            const Json header = parse_python_json(std::move(text), keep_of_log);
                            if (!header.is_object()) return tl::unexpected(not_json(where));
                            add_names(header, values);
                            return {};
                          }),
                          {});
  if (!read) return read;
  return data::visit_archive(
      path, [&](const std::string& name) { return std::ranges::binary_search(entries.samples, name); },
      visit([&](const std::string& name, std::string text, const std::string& where) -> Status {
        const bool is_one = name.starts_with("samples/");
        const Json json = parse_python_json(std::move(text), keep_of_samples(is_one ? 1 : 2));
        if (is_one && json.is_object()) return samples.add(json, where);
        if (!json.is_array()) return tl::unexpected(not_json(where));
        for (size_t i = 0; i < json.size(); ++i) {
          if (Status added = samples.add(json[i], fmt::format("{}: sample {}", where, i + 1)); !added) return added;
        }
        return {};
      }),
      {});
}

Status read_json(const std::string& path, ItemValues& values, Samples& samples) {
  auto text = read_file(path);
  if (!text) return forward(text);
  if (const auto at = find_invalid_utf8(*text)) return input_error(fmt::format("byte {} is not UTF-8", *at + 1), path);
  const Json log = parse_python_json(*std::move(text), keep_of_log);
  if (!log.is_object()) return tl::unexpected(not_json(path));
  if (!log.contains("samples") || !log.at("samples").is_array()) {
    return input_error("the log holds no samples of Inspect", path);
  }
  add_names(log, values);
  for (size_t i = 0; i < log.at("samples").size(); ++i) {
    Status added = samples.add(log.at("samples")[i], fmt::format("{}: sample {}", path, i + 1));
    if (!added) return added;
  }
  return {};
}

}  // namespace

Result<ItemValues> read_inspect_log(const std::string& path, const std::string& metric) {
  ItemValues values;
  Samples samples(values, metric);
  Status read = path.ends_with(".json") ? read_json(path, values, samples) : read_archive(path, values, samples);
  if (read) read = samples.finish(path);
  return read ? Result<ItemValues>(std::move(values)) : forward(read);
}

bool begins_as_inspect_log(const std::string& path) {
  std::error_code unknown;  // of a pipe, nothing may be read twice
  if (!std::filesystem::is_regular_file(path, unknown)) return false;
  std::array<char, 64> start{};
  std::ifstream file(path, std::ios::binary);
  file.read(start.data(), start.size());
  std::string text(start.data(), static_cast<size_t>(file.gcount()));
  std::erase_if(text, is_space);
  return text.starts_with(R"({"version":)");
}

}  // namespace hre
