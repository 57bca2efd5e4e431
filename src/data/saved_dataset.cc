#include "data/saved_dataset.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/text.h"

namespace hre::data {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kSaveAgain = "save the dataset again with save_to_disk";

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

Result<json> read_json(const fs::path& path) {
  constexpr int64_t kLargest = 16 << 20;
  auto text = read_file(path.string(), kLargest);
  if (!text) return forward(text);
  json value = json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) return input_error("cannot be read as a JSON object", path.string(), kSaveAgain);
  return value;
}

// Whether the name stays inside the folder: not a path that leads out of it.
bool is_plain_name(const json& name) {
  if (!name.is_string()) return false;
  const std::string& text = name.get_ref<const std::string&>();
  return !text.empty() && text != "." && text != ".." &&
         text.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
}

Result<std::vector<InputFile>> files_of_split(const fs::path& folder, const std::string& topic, const json& state) {
  const fs::path state_path = folder / "state.json";
  const json names = state.value("_data_files", json());
  if (!names.is_array()) return input_error("lists no _data_files", state_path.string(), kSaveAgain);
  if (const json indices = state.value("_indices_data_files", json()); indices.is_array() && !indices.empty()) {
    return input_error("the dataset selects rows by an index, which hre does not read", state_path.string(),
                       "call flatten_indices() before save_to_disk");
  }
  std::vector<InputFile> files;
  for (const json& entry : names) {
    const json name = entry.is_object() ? entry.value("filename", json()) : json();
    if (!is_plain_name(name))
      return input_error("_data_files has an entry without a file name", state_path.string(), kSaveAgain);
    const fs::path path = folder / name.get<std::string>();
    if (!is_file(path)) return input_error("the file is named in state.json but missing", path.string(), kSaveAgain);
    std::error_code ignored;
    files.push_back({.path = path.string(),
                     .format = Format::kArrowStream,
                     .topic = topic,
                     .bytes = fs::file_size(path, ignored),
                     .contents = {}});
  }
  return files;
}

Result<std::vector<InputFile>> single_dataset(const fs::path& folder) {
  Result<json> state = read_json(folder / "state.json");
  if (!state) return forward(state);
  const json split = state->value("_split", json());
  const std::string name = split.is_string() ? split.get<std::string>() : dataset_name(folder.string());
  Result<std::vector<InputFile>> files = files_of_split(folder, topic_of_split(name), *state);
  if (files && files->empty()) return input_error("no questions found", folder.string(), kSaveAgain);
  return files;
}

}  // namespace

bool is_saved_dataset(const std::string& folder) {
  return is_file(fs::path(folder) / "dataset_dict.json") || is_file(fs::path(folder) / "state.json");
}

Result<std::vector<InputFile>> saved_dataset_inputs(const std::string& folder) {
  const fs::path dict_path = fs::path(folder) / "dataset_dict.json";
  if (!is_file(dict_path)) return single_dataset(folder);
  Result<json> dict = read_json(dict_path);
  if (!dict) return forward(dict);
  const json splits = dict->value("splits", json());
  if (!splits.is_array()) return input_error("lists no splits", dict_path.string(), kSaveAgain);
  std::vector<InputFile> files;
  for (const json& split : splits) {
    if (!is_plain_name(split))
      return input_error("the name of a split is not a folder name", dict_path.string(), kSaveAgain);
    const std::string name = split.get<std::string>();
    Result<json> state = read_json(fs::path(folder) / name / "state.json");
    if (!state) return forward(state);
    Result<std::vector<InputFile>> of_split = files_of_split(fs::path(folder) / name, topic_of_split(name), *state);
    if (!of_split) return of_split;
    files.insert(files.end(), of_split->begin(), of_split->end());
  }
  if (files.empty()) return input_error("no questions found", folder, kSaveAgain);
  return files;
}

}  // namespace hre::data
