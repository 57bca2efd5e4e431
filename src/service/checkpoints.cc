#include "service/checkpoints.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "analysis/training.h"
#include "core/files.h"
#include "core/hashing.h"
#include "core/text.h"
#include "model/llama/gguf_header.h"

namespace hre::service {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLongestText = 64 << 20;                   // of a config.json or an index
constexpr uint64_t kLongestSafetensorsHeader = 100'000'000;  // the format's own bound

/// Why a file is not whole; empty: it is.
using Problem = std::string;

std::optional<nlohmann::json> read_json(const fs::path& path) {
  auto text = read_file(path.string(), kLongestText);
  if (!text) return std::nullopt;
  auto json = nlohmann::json::parse(*text, nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

/// The size that a safetensors file's header promises: 8 bytes with the header's length, the header, the tensors.
Problem problem_of_safetensors(const fs::path& path) {
  const std::string name = path.filename().string();
  std::ifstream file(path, std::ios::binary);
  std::array<unsigned char, 8> start{};
  if (!file.read(reinterpret_cast<char*>(start.data()), start.size())) return name + " is not there or has no header";
  uint64_t length = 0;
  for (size_t i = 0; i < start.size(); ++i) length |= uint64_t{start[i]} << (8 * i);
  if (length == 0 || length > kLongestSafetensorsHeader) return name + " has no header yet";
  std::string text(length, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(length))) return name + " ends in its header";
  const auto header = nlohmann::json::parse(text, nullptr, false);
  if (!header.is_object()) return name + " has a broken header";
  uint64_t end = 0;
  for (const auto& [tensor, value] : header.items()) {
    if (tensor == "__metadata__") continue;
    const auto offsets = value.is_object() ? value.find("data_offsets") : value.end();
    if (!value.is_object() || offsets == value.end() || !offsets->is_array() || offsets->size() != 2 ||
        !(*offsets)[1].is_number_unsigned()) {
      return name + " has a broken header";
    }
    end = std::max(end, (*offsets)[1].get<uint64_t>());
  }
  std::error_code problem;
  const uint64_t size = fs::file_size(path, problem), whole = 8 + length + end;
  if (problem) return name + " cannot be read: " + problem.message();
  if (size != whole) return fmt::format("{} has {} of {} bytes", name, size, whole);
  return "";
}

/// A file of torch.save is a zip archive, which ends with its directory.
Problem problem_of_archive(const fs::path& path) {
  constexpr uint64_t kEnd = 22, kLongestComment = 64 << 10;
  std::error_code problem;
  const uint64_t size = fs::file_size(path, problem);
  const std::string name = path.filename().string();
  if (problem) return name + " is not there";
  const uint64_t n = std::min(size, kEnd + kLongestComment);
  std::string tail(n, '\0');
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(size - n));
  if (!file.read(tail.data(), static_cast<std::streamsize>(n)) || tail.find("PK\5\6") == std::string::npos) {
    return name + " has no end yet";
  }
  return "";
}

Problem problem_of_weights(const fs::path& path) {
  return path.extension() == ".bin" ? problem_of_archive(path) : problem_of_safetensors(path);
}

/// The files that an index names.
std::optional<std::set<std::string>> shards_of(const fs::path& index) {
  const auto json = read_json(index);
  if (!json || !json->is_object()) return std::nullopt;
  const auto map = json->find("weight_map");
  if (map == json->end() || !map->is_object()) return std::nullopt;
  std::set<std::string> shards;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string() || file.get<std::string>().find('/') != std::string::npos) return std::nullopt;
    shards.insert(file.get<std::string>());
  }
  return shards;
}

bool is_shard_name(const std::string& name) {
  return matches_glob("*-[0-9][0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9][0-9].*", name);
}

/// A folder's files; those that have gone since it was listed are left out.
struct File {
  std::string name;
  int64_t size = 0, modified_ns = 0, changed_ns = 0;
};

std::optional<File> look_at(const fs::path& path) {
  struct stat s = {};
  if (stat(path.c_str(), &s) != 0 || !S_ISREG(s.st_mode)) return std::nullopt;
  const auto ns = [](const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; };
  return File{path.filename().string(), s.st_size, ns(s.st_mtim), std::max(ns(s.st_mtim), ns(s.st_ctim))};
}

std::string hash_of(const std::vector<File>& files) {
  ContentHash hash;
  for (const File& file : files) hash.add_field(fmt::format("{} {} {}", file.name, file.size, file.modified_ns));
  return hash.value();
}

/// Whether a checkpoint's value may depend on the file. A trainer adds others later, and rewrites them.
bool moves_values(const std::string& name) {
  const auto begins = [&](std::string_view start) { return name.starts_with(start); };
  return name == "config.json" || name == "adapter_config.json" || name == "added_tokens.json" ||
         name == "special_tokens_map.json" || name == "merges.txt" || name.ends_with(".safetensors") ||
         name.ends_with(".index.json") || begins("pytorch_model") || begins("tokenizer") || begins("vocab") ||
         begins("chat_template") || name.ends_with(".model") || name.ends_with(".tiktoken");
}

void describe(FoundCheckpoint& checkpoint, std::vector<File> files) {
  std::ranges::sort(files, {}, &File::name);
  checkpoint.state = hash_of(files);
  for (const File& file : files) checkpoint.changed_ns = std::max(checkpoint.changed_ns, file.changed_ns);
  std::erase_if(files, [](const File& file) { return !file.name.ends_with(".gguf") && !moves_values(file.name); });
  checkpoint.identity = hash_of(files);
}

/// What a folder in Hugging Face's layout still lacks.
Problem problem_of_folder(const fs::path& folder, const std::vector<File>& files) {
  const auto has = [&](const std::string& name) { return std::ranges::find(files, name, &File::name) != files.end(); };
  for (const std::string config : {"config.json", "adapter_config.json"}) {
    if (has(config) && !read_json(folder / config)) return config + " is not whole";
  }
  for (const File& file : files) {
    if (is_temporary_name(file.name) && file.name.find(".safetensors") != std::string::npos)
      return file.name + " is being written";
  }
  for (const std::string index : {"model.safetensors.index.json", "pytorch_model.bin.index.json"}) {
    if (!has(index)) continue;
    const auto shards = shards_of(folder / index);
    if (!shards || shards->empty()) return index + " is not whole";
    for (const std::string& shard : *shards) {
      if (Problem problem = problem_of_weights(folder / shard); !problem.empty()) return problem;
    }
    return "";
  }
  bool any = false;
  for (const File& file : files) {
    const bool is_weights = file.name.ends_with(".safetensors") || file.name == "pytorch_model.bin";
    if (!is_weights || is_temporary_name(file.name)) continue;
    if (is_shard_name(file.name)) return "the index of its shards is missing";
    if (Problem problem = problem_of_weights(folder / file.name); !problem.empty()) return problem;
    any = true;
  }
  return any ? "" : "its weights are missing";
}

/// "model-00002-of-00003.gguf" as "model", 2 and 3.
struct Part {
  std::string base;
  int index = 0, count = 0;
};

std::optional<Part> part_of(const std::string& name) {
  constexpr size_t kTail = std::string_view("-00001-of-00003.gguf").size();
  if (name.size() <= kTail || !is_shard_name(name)) return std::nullopt;
  const std::string tail = name.substr(name.size() - kTail);
  return Part{name.substr(0, name.size() - kTail), std::stoi(tail.substr(1, 5)), std::stoi(tail.substr(10, 5))};
}

/// GGUF files that are no models: projectors, importance matrices.
bool is_model_name(const std::string& name) {
  const std::string folded = lower(name);
  return folded.ends_with(".gguf") && !folded.starts_with("mmproj") && folded.find("imatrix") == std::string::npos;
}

Problem problem_of_gguf(const fs::path& path, bool& is_adapter) {
  const auto header = read_gguf_header(path.string());
  if (!header) return path.filename().string() + ": " + header.error().message;
  is_adapter = header->text("general.type") == "adapter";
  return "";
}

/// Of a split model's parts, by number, of which there should be `count`.
Problem problem_of_parts(const fs::path& folder, const std::vector<std::pair<int, File>>& parts, int count,
                         bool& is_adapter) {
  for (int i = 1; i <= count; ++i) {
    const auto at = static_cast<size_t>(i - 1);
    if (at >= parts.size() || parts[at].first != i) return fmt::format("part {} of {} is missing", i, count);
    if (Problem problem = problem_of_gguf(folder / parts[at].second.name, is_adapter); !problem.empty()) return problem;
  }
  return "";
}

class Search {
 public:
  Search(const fs::path& root, const KnownCheckpoints& known) : root_(root), known_(&known) {}

  Result<std::vector<FoundCheckpoint>> run() {
    std::error_code problem;
    look_in(root_, 0, problem);
    if (problem) return input_error("cannot be read: " + problem.message(), root_.string());
    std::ranges::stable_sort(found_, {}, [](const FoundCheckpoint& one) {
      return std::tuple(one.training, !one.step.has_value(), one.step.value_or(0), one.step ? 0 : one.changed_ns,
                        one.path);
    });
    return std::move(found_);
  }

 private:
  static constexpr int kDeepest = 2;

  void look_in(const fs::path& folder, int depth, std::error_code& problem) {
    std::vector<fs::path> folders;
    std::vector<File> files;
    for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end; entry.increment(problem)) {
      std::error_code ignored;
      const std::string name = entry->path().filename().string();
      if (entry->is_directory(ignored)) {
        if (!is_temporary_name(name)) folders.push_back(entry->path());
      } else if (auto file = look_at(entry->path())) {
        files.push_back(std::move(*file));
      }
    }
    if (problem) return;
    const auto has = [&](const std::string& name) {
      return std::ranges::find(files, name, &File::name) != files.end();
    };
    add_gguf(folder, files);
    if (has("config.json") || has("adapter_config.json")) {
      FoundCheckpoint checkpoint;
      checkpoint.path = folder.string();
      place(checkpoint, folder, folder == root_);
      describe(checkpoint, files);
      if (!known_->contains({checkpoint.path, checkpoint.identity}))
        checkpoint.incomplete = problem_of_folder(folder, files);
      found_.push_back(std::move(checkpoint));
      if (folder != root_) return;  // what lies in a checkpoint is its own
    }
    if (depth == kDeepest) return;
    for (const fs::path& below : folders) {
      std::error_code ignored;  // it may be gone
      look_in(below, depth + 1, ignored);
    }
  }

  /// GGUF files, each one or each set of parts a checkpoint.
  void add_gguf(const fs::path& folder, const std::vector<File>& files) {
    std::map<std::pair<std::string, int>, std::vector<std::pair<int, File>>> sets;  // by base and number of parts
    for (const File& file : files) {
      if (is_temporary_name(file.name) || !is_model_name(file.name)) continue;
      const auto part = part_of(file.name);
      sets[part ? std::pair(part->base, part->count) : std::pair(file.name, 1)].emplace_back(part ? part->index : 1,
                                                                                             file);
    }
    for (auto& [base_and_count, parts] : sets) {
      std::ranges::sort(parts, {}, &std::pair<int, File>::first);
      FoundCheckpoint checkpoint;
      checkpoint.path = (folder / parts.front().second.name).string();
      std::vector<File> its_files;
      for (const auto& [index, file] : parts) its_files.push_back(file);
      describe(checkpoint, std::move(its_files));
      if (!known_->contains({checkpoint.path, checkpoint.identity})) {
        bool is_adapter = false;
        checkpoint.incomplete = problem_of_parts(folder, parts, base_and_count.second, is_adapter);
        if (is_adapter) continue;
      }
      place(checkpoint, fs::path(checkpoint.path), false);
      found_.push_back(std::move(checkpoint));
    }
  }

  /// Its step, by its own name or that of its folder, and its training. A folder that is searched is a training, not
  /// one of a training's checkpoints, unless its name has a step.
  void place(FoundCheckpoint& checkpoint, const fs::path& path, bool is_root) const {
    ModelDescription model;
    model.name = path.filename().string();
    if (auto step = training_step(model.name.ends_with(".gguf") ? path.stem().string() : model.name)) {
      checkpoint.step = step->step;
    }
    fs::path training = is_root ? path : path.parent_path();
    if (!checkpoint.step && path.extension() == ".gguf" && training != root_) {  // step-100/model.gguf
      if (auto step = training_step(training.filename().string())) {
        checkpoint.step = step->step;
        training = training.parent_path();
      }
    }
    checkpoint.training = training.string();
  }

  fs::path root_;
  const KnownCheckpoints* known_;
  std::vector<FoundCheckpoint> found_;
};

}  // namespace

bool is_temporary_name(const std::string& name) {
  const std::string folded = lower(name);
  if (folded.starts_with('.') || folded.starts_with("tmp-") || folded.starts_with("tmp_") || folded.ends_with('~'))
    return true;
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{".tmp", ".temp", ".part", ".partial", ".incomplete", ".lock"},
      [&](std::string_view end) {
        // "model.safetensors.tmp.3" and "checkpoint-5.tmp-ab12" as well
        const size_t at = folded.rfind(end);
        if (at == std::string::npos) return false;
        const std::string_view rest = std::string_view(folded).substr(at + end.size());
        return rest.empty() || ((rest[0] == '.' || rest[0] == '-' || rest[0] == '_') && !rest.ends_with(".gguf") &&
                                !rest.ends_with(".safetensors"));
      });
}

Result<std::vector<FoundCheckpoint>> find_checkpoints(const std::string& folder, const KnownCheckpoints& known) {
  return Search(folder, known).run();
}

Result<std::optional<FoundCheckpoint>> find_checkpoint(const std::string& path) {
  auto found = find_checkpoints(is_folder(path) ? path : folder_of(path));
  if (!found) return forward(found);
  const auto at = std::ranges::find(*found, path, &FoundCheckpoint::path);
  if (at == found->end()) return std::optional<FoundCheckpoint>();
  return std::optional(std::move(*at));
}

Settling::Now Settling::Now::read() {
  return {std::chrono::steady_clock::now(),
          std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

std::chrono::milliseconds Settling::quiet(const FoundCheckpoint& checkpoint, const Now& now) {
  auto& seen = seen_[checkpoint.path];
  if (seen.state != checkpoint.state) seen = {checkpoint.state, now.steady};
  const auto watched = std::chrono::duration_cast<std::chrono::milliseconds>(now.steady - seen.since);
  constexpr std::chrono::minutes kClocksDiffer{1};
  const std::chrono::milliseconds age{(now.since_1970_ns - checkpoint.changed_ns) / 1'000'000};
  return age >= settle_ + kClocksDiffer ? std::max(watched, age) : watched;
}

}  // namespace hre::service
