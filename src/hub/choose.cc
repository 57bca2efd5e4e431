#include "hub/choose.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/text.h"

namespace hre::hub {
namespace {

bool ends_with(const std::string& path, std::string_view ending) { return lower(path).ends_with(ending); }

bool in_folder(const std::string& path) { return path.find('/') != std::string::npos; }

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string shown_size(int64_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (size >= 1e9) return fmt::format("{:.1f} GB", size / 1e9);
  if (size >= 1e6) return fmt::format("{:.1f} MB", size / 1e6);
  return fmt::format("{:.0f} KB", std::max(1.0, size / 1e3));
}

/// One choice: a file, or all parts of a split file.
struct Choice {
  std::vector<std::string> files;
  int64_t size = 0;
  int parts = 1;  // the number of parts that there should be
};

/// "model-00001-of-00003.gguf" as "model.gguf", with the number of parts; other names unchanged.
std::pair<std::string, int> whole_name(const std::string& path) {
  constexpr size_t kTail = 15;  // -00001-of-00003
  const size_t dot = path.rfind('.');
  if (dot == std::string::npos || dot <= kTail) return {path, 1};
  const std::string tail = path.substr(dot - kTail, kTail);
  if (!matches_glob("-[0-9][0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9][0-9]", tail)) return {path, 1};
  return {path.substr(0, dot - kTail) + path.substr(dot), std::stoi(tail.substr(10))};
}

using Choices = std::map<std::string, Choice>;

/// The GGUF models among the files. Projectors and importance matrices are not models.
Choices gguf_choices(const std::vector<RepoFile>& files) {
  Choices choices;
  for (const RepoFile& file : files) {
    const std::string name = lower(file_name(file.path));
    if (!name.ends_with(".gguf") || name.starts_with("mmproj") || name.find("imatrix") != std::string::npos) continue;
    const auto [whole, parts] = whole_name(file.path);
    Choice& choice = choices[whole];
    choice.files.push_back(file.path);
    choice.size += file.size;
    choice.parts = parts;
  }
  return choices;
}

/// Whether the name contains a type of weights as a word: Q4_K_M is in model-Q4_K_M.gguf but not in model-IQ4_K_M.gguf,
/// and Q4_K is not in Q4_K_M.
bool has_type(const std::string& name, const std::string& type) {
  const std::string text = lower(name), wanted = lower(type);
  const auto in_word = [&](size_t at) {
    return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '_');
  };
  for (size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) {
    if ((at == 0 || !in_word(at - 1)) && !in_word(at + wanted.size())) return true;
  }
  return false;
}

bool means(const std::string& wanted, const std::string& path) {
  if (wanted.empty() || wanted == path) return true;
  if (is_pattern(wanted)) return matches_glob(wanted, path) || matches_glob(wanted, file_name(path));
  return has_type(path, wanted);
}

/// Whether the name is that of the choice or of any of its parts.
Choices matching(const Choices& choices, const std::string& wanted) {
  Choices found;
  for (const auto& [name, choice] : choices) {
    const bool any =
        std::any_of(choice.files.begin(), choice.files.end(), [&](const auto& path) { return means(wanted, path); });
    if (any || means(wanted, name)) found.insert({name, choice});
    if (name == wanted || std::find(choice.files.begin(), choice.files.end(), wanted) != choice.files.end()) {
      return {{name, choice}};
    }
  }
  return found;
}

std::string list_of(const Choices& choices) {
  constexpr size_t kShown = 12;
  std::vector<std::string> lines;
  for (const auto& [name, choice] : choices) {
    if (lines.size() == kShown) break;
    lines.push_back(fmt::format("{} ({})", name, shown_size(choice.size)));
  }
  if (choices.size() > kShown) lines.push_back(fmt::format("{} more", choices.size() - kShown));
  return join(lines);
}

/// The error for a missing file, with the most similar names.
tl::unexpected<Error> no_such_file(const std::vector<std::string>& names, const std::string& wanted,
                                   const std::string& where) {
  std::vector<std::string> near = names;
  const auto distance = [&](const std::string& name) {
    return std::min(edit_distance(lower(wanted), lower(name)), edit_distance(lower(wanted), lower(file_name(name))));
  };
  std::stable_sort(near.begin(), near.end(), [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
  constexpr size_t kShown = 5;
  if (near.size() > kShown) near.resize(kShown);
  return input_error("no such file: " + wanted, where, near.empty() ? "" : "similar names are " + join(near));
}

Result<Selection> one_gguf(const Choices& choices, const std::string& wanted, const std::string& where) {
  const Choices found = matching(choices, wanted);
  if (found.empty()) {
    std::vector<std::string> names;
    for (const auto& [name, choice] : choices) names.push_back(name);
    return no_such_file(names, wanted, where);
  }
  if (found.size() > 1) {
    return input_error(fmt::format("{} files are possible: {}", found.size(), list_of(found)), where,
                       "choose one by name, pattern or type: " + where + "/" + found.begin()->first);
  }
  const Choice& choice = found.begin()->second;
  if (static_cast<int>(choice.files.size()) != choice.parts) {
    return input_error(
        fmt::format("{} has only {} of {} parts", found.begin()->first, choice.files.size(), choice.parts), where);
  }
  return Selection{.files = choice.files, .main = choice.files.front()};
}

/// The files that a checkpoint needs besides its weights.
bool is_checkpoint_text(const std::string& path) {
  if (in_folder(path)) return false;
  constexpr std::array<std::string_view, 7> kEndings = {".json",     ".model", ".txt",     ".jinja",
                                                        ".tiktoken", ".vocab", "readme.md"};
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return ends_with(path, ending); });
}

/// The weights of a checkpoint at the top of the repository: files named model*, or else all.
std::vector<std::string> safetensors(const std::vector<RepoFile>& files) {
  std::vector<std::string> all, named;
  for (const RepoFile& file : files) {
    if (in_folder(file.path) || !ends_with(file.path, ".safetensors")) continue;
    all.push_back(file.path);
    if (file.path.starts_with("model")) named.push_back(file.path);
  }
  return named.empty() ? all : named;
}

bool has_file(const std::vector<RepoFile>& files, const std::string& path) {
  return std::any_of(files.begin(), files.end(), [&](const RepoFile& file) { return file.path == path; });
}

Result<Selection> checkpoint(const std::vector<RepoFile>& files, const std::string& where) {
  Selection selection{.files = safetensors(files), .main = ""};
  if (selection.files.empty() || !has_file(files, "config.json")) {
    const bool pickled =
        std::any_of(files.begin(), files.end(), [](const auto& file) { return ends_with(file.path, ".bin"); });
    return input_error(
        pickled ? "the weights are only in .bin files, which can contain programs"
                : "no .gguf file and no safetensors checkpoint found",
        where,
        pickled ? "look for a revision or a copy with safetensors or .gguf" : "check that this is a language model");
  }
  std::map<std::string, int> parts_there;
  for (const std::string& name : selection.files) ++parts_there[whole_name(name).first];
  for (const std::string& name : selection.files) {
    const auto [whole, parts] = whole_name(name);
    const int there = parts_there[whole];
    if (there < parts) return input_error(fmt::format("the weights have only {} of {} parts", there, parts), where);
  }
  for (const RepoFile& file : files) {
    if (is_checkpoint_text(file.path)) selection.files.push_back(file.path);
  }
  return selection;
}

bool is_questions(const std::string& path) {
  return ends_with(path, ".parquet") || ends_with(path, ".jsonl") || ends_with(path, ".ndjson") ||
         ends_with(path, ".arrow");
}

/// Follows the reader of local folders: the files at the top, or else those in the folder data.
std::vector<std::string> question_files(const std::vector<RepoFile>& files) {
  std::vector<std::string> top, data;
  for (const RepoFile& file : files) {
    if (!is_questions(file.path)) continue;
    const bool inner = file.path.starts_with("data/") && file.path.find('/', 5) == std::string::npos;
    if (!in_folder(file.path)) top.push_back(file.path);
    if (inner) data.push_back(file.path);
  }
  return top.empty() ? data : top;
}

}  // namespace

bool is_pattern(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

Result<Selection> choose_model_files(const std::vector<RepoFile>& files, const std::string& wanted,
                                     const std::string& where) {
  const Choices choices = gguf_choices(files);
  if (!choices.empty()) return one_gguf(choices, wanted, where);
  if (wanted.empty()) return checkpoint(files, where);
  if (auto named = choose_file(files, wanted, where); !named) return named;
  return input_error(wanted + " is not a .gguf file", where, "leave out the file to use the repository's checkpoint");
}

Result<Selection> choose_dataset_files(const std::vector<RepoFile>& files, const std::string& wanted,
                                       const std::string& where) {
  std::vector<std::string> chosen;
  std::vector<std::string> all;
  for (const RepoFile& file : files) {
    if (!is_questions(file.path)) continue;
    all.push_back(file.path);
    const bool below = file.path.starts_with(wanted + "/");
    if (!wanted.empty() && (wanted == file.path || below || (is_pattern(wanted) && means(wanted, file.path))))
      chosen.push_back(file.path);
  }
  if (all.empty())
    return input_error("no parquet or .jsonl files found", where,
                       "hre reads datasets in the published layout: docs/formats.md");
  if (!wanted.empty() && chosen.empty()) return no_such_file(all, wanted, where);
  if (wanted.empty()) chosen = question_files(files);
  if (chosen.empty())
    return input_error("the questions are in subfolders, such as " + all.front(), where,
                       "add the folder or the file to the name");
  if (is_pattern(wanted) && chosen.size() > 1) {
    return input_error(fmt::format("{} files match {}: {}", chosen.size(), wanted, join(chosen)), where,
                       "a pattern must match one file; ‹topic› chooses among the topics of a dataset");
  }
  Selection selection{.files = chosen, .main = is_pattern(wanted) ? chosen[0] : wanted};
  if (has_file(files, "README.md")) selection.files.emplace_back("README.md");
  return selection;
}

Result<Selection> choose_file(const std::vector<RepoFile>& files, const std::string& path, const std::string& where) {
  if (has_file(files, path)) return Selection{.files = {path}, .main = path};
  std::vector<std::string> names;
  for (const RepoFile& file : files) names.push_back(file.path);
  return no_such_file(names, path, where);
}

}  // namespace hre::hub
