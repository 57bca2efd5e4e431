#include "model/checkpoint/native_conversion.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "core/files.h"
#include "core/json_whole.h"
#include "model/checkpoint/families.h"
#include "model/checkpoint/gguf_writer.h"
#include "model/checkpoint/safetensors.h"
#include "model/checkpoint/unknown.h"
#include "model/checkpoint/vocabulary_files.h"

namespace hre {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// The type in which most bytes are stored.
WeightType main_type(const Safetensors& weights) {
  std::map<std::string, uint64_t> bytes;
  for (const Safetensor& tensor : weights.tensors) bytes[tensor.type] += tensor.bytes;
  uint64_t most = 0;
  std::string main;
  bool is_tie = false;
  for (const auto& [type, size] : bytes) {
    is_tie = size == most;
    if (size <= most) continue;
    most = size;
    main = type;
  }
  static const std::map<std::string, WeightType> kTypes = {
      {"F32", WeightType::kF32}, {"F16", WeightType::kF16}, {"BF16", WeightType::kBF16}};
  const auto found = kTypes.find(main);
  if (found == kTypes.end() || is_tie) throw Unknown{"its weights are of unusual types"};
  return found->second;
}

/// Refuses what else in the folder could change a conversion.
void check_folder(const std::string& folder, const Safetensors& weights) {
  size_t n_safetensors = 0;
  std::error_code problem;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end; entry.increment(problem)) {
    const std::string name = entry->path().filename().string();
    n_safetensors += entry->path().extension() == ".safetensors" ? 1 : 0;
    for (const char* unusual : {"hf_quant_config.json", "modules.json", "params.json", "adapter_config.json"})
      if (name == unusual) throw Unknown{"there is a " + name};
  }
  if (problem) throw Unknown{"the folder can't be read"};
  if (weights.files.empty()) throw Unknown{"there are no safetensors files"};
  if (n_safetensors != weights.files.size()) throw Unknown{"there are safetensors files of another model"};
}

/// A classifier that is named after its base model. The converter looks at the same texts.
void check_is_no_reranker(const std::string& folder, const Json& config) {
  std::string texts = fs::weakly_canonical(folder).filename().string();
  if (has(config, "_name_or_path") && config["_name_or_path"].is_string())
    texts += "\n" + config["_name_or_path"].get<std::string>();
  if (path_exists(folder + "/README.md")) {
    auto card = read_file(folder + "/README.md", 64 << 20);
    if (!card) throw Unknown{"README.md can't be read"};
    texts += "\n" + *card;
  }
  std::transform(texts.begin(), texts.end(), texts.begin(),
                 [](unsigned char c) { return static_cast<char>(c < 128 ? std::tolower(c) : c); });
  if (texts.find("reranker") != std::string::npos) throw Unknown{"it may be a reranker"};
}

/// Whether the converter, too, finds no name in the model card: in the YAML at its head.
bool card_has_no_name(const std::string& card) {
  std::istringstream lines(card);
  std::string line;
  if (!std::getline(lines, line) || !line.starts_with("---")) return true;
  while (std::getline(lines, line) && line != "---") {
    if (line.empty() || line[0] == ' ' || line[0] == '#' || line[0] == '-') continue;  // not a key of the whole
    if (line.starts_with("name") || line.starts_with("model_name") ||
        std::isalpha(static_cast<unsigned char>(line[0])) == 0)
      return false;
  }
  return true;
}

/// The converter's Metadata.id_to_title: "tiny-llama-v1" becomes "Tiny Llama v1".
std::string title_of(const std::string& id) {
  if (std::any_of(id.begin(), id.end(), [](unsigned char c) { return c >= 128 || c < ' '; }))
    throw Unknown{"its name is not plain ASCII"};
  std::string spaced = id, title;
  std::replace(spaced.begin(), spaced.end(), '-', ' ');
  std::istringstream words(spaced);
  static const std::regex kVersion("v[0-9]+(\\.[0-9]+)*|[0-9].*");
  for (std::string word; words >> word;) {
    const auto is = [&](int (*of)(int)) {
      return std::any_of(word.begin(), word.end(), [&](char c) { return of(c) != 0; });
    };
    if (is(std::islower) && !is(std::isupper) && !std::regex_match(word, kVersion)) {
      for (size_t i = 0; i < word.size(); ++i)
        if (i == 0 || std::isalpha(word[i - 1]) == 0) word[i] = static_cast<char>(std::toupper(word[i]));
    }
    title += (title.empty() ? "" : " ") + word;
  }
  return title;
}

/// general.name, by which libllama tells a few models: from config.json, else the folder's own.
std::string name_of(const std::string& folder, const Json& config) {
  if (path_exists(folder + "/README.md")) {
    auto card = read_file(folder + "/README.md", 64 << 20);
    if (!card || !card_has_no_name(*card)) throw Unknown{"README.md may name the model"};
  }
  if (has(config, "_name_or_path")) {
    const auto id = config["_name_or_path"].get<std::string>();
    const size_t slash = id.find('/');
    if (slash == std::string::npos || id.find('/', slash + 1) == std::string::npos)
      return title_of(slash == std::string::npos || id.find(' ') != std::string::npos ? id : id.substr(slash + 1));
  }
  fs::path path(folder);
  while (path.has_relative_path() && (path.filename().empty() || path.filename() == ".")) {
    if (path.parent_path() == path) break;
    path = path.parent_path();
  }
  return title_of(path.filename() == "." ? "" : path.filename().string());
}

/// Settings of generation_config.json that the converter notes.
void add_sampling(const std::string& folder, GgufMetadata& metadata) {
  if (!path_exists(folder + "/generation_config.json")) return;
  const Json settings = object_of(folder, "generation_config.json");
  const auto number = [&](const char* key, const char* to) {
    if (!has(settings, key)) return;
    if (!settings[key].is_number()) throw Unknown{std::string("generation_config.json has an unusual ") + key};
    metadata.add_f32(std::string("general.sampling.") + to, settings[key].get<double>());
  };
  const auto whole = [&](const char* key, const char* to) {
    if (has(settings, key))
      metadata.add_i32(std::string("general.sampling.") + to, whole_number<int32_t>(settings[key]));
  };
  if (has(settings, "sequence"))
    metadata.add_text("general.sampling.sequence", settings["sequence"].get<std::string>());
  whole("top_k", "top_k");
  number("top_p", "top_p"), number("min_p", "min_p");
  number("xtc_probability", "xtc_probability"), number("xtc_threshold", "xtc_threshold");
  number("temperature", "temp");
  whole("penalty_last_n", "penalty_last_n");
  number("penalty_repeat", "penalty_repeat");
  whole("mirostat", "mirostat");
  number("mirostat_tau", "mirostat_tau"), number("mirostat_eta", "mirostat_eta");
}

struct Plan {
  GgufMetadata metadata;
  std::vector<TensorSource> tensors;
};

/// Everything that will be written. Throws Unknown, and JSON's and look-ups' exceptions for files of unusual kinds.
Plan plan_of(const std::string& folder, const std::string& known_pre_tokenizers, const Json& config,
             const Safetensors& weights) {
  const Family& family = family_of(config);
  check_folder(folder, weights);
  check_is_no_reranker(folder, config);
  FamilyContent content = convert_family(family, config, weights, main_type(weights));
  Plan plan;
  GgufMetadata& metadata = plan.metadata;
  metadata.add_text("general.architecture", content.architecture);
  metadata.add_all(content.before_name);
  metadata.add_text("general.type", "model");
  add_sampling(folder, metadata);
  metadata.add_text("general.name", name_of(folder, config));
  metadata.add_all(content.parameters);
  metadata.add_u32("general.quantization_version", 2);
  VocabularySource source;
  source.folder = folder;
  source.vocab_size = whole_number<int64_t>(config.at("vocab_size"));
  source.known_pre_tokenizers = known_pre_tokenizers;
  add_vocabulary(source, vocabulary_of(family), metadata);
  metadata.add_all(content.after_vocabulary);
  plan.tensors = std::move(content.tensors);
  return plan;
}

}  // namespace

Result<std::optional<std::string>> convert_natively(const std::string& folder, const std::string& known_pre_tokenizers,
                                                    const std::string& out, ProgressListener& progress,
                                                    const std::stop_token& stop) {
  Plan plan;
  Safetensors weights;
  try {
    const Json config = object_of(folder, "config.json");
    (void)family_of(config);  // before other files are read
    auto read = read_safetensors(folder);
    if (!read) return forward(read);
    weights = std::move(*read);
    plan = plan_of(folder, known_pre_tokenizers, config, weights);
  } catch (const Unknown& unknown) {
    return std::optional(unknown.why);
  } catch (const Json::exception&) {
    return std::optional<std::string>("a file has values of unusual kinds");
  } catch (const std::out_of_range&) {
    return std::optional<std::string>("a file names a token that is not there");
  }
  uint64_t all = 0;
  for (const TensorSource& tensor : plan.tensors) all += tensor.bytes();
  progress.begin("converting to GGUF", 100, "%", 100);
  auto ok = write_gguf(
      out, plan.metadata, plan.tensors, weights.files,
      [&](uint64_t done) {
        const double percent = 100.0 * static_cast<double>(done) / static_cast<double>(std::max<uint64_t>(1, all));
        progress.advance(static_cast<int64_t>(percent), percent);
      },
      stop);
  progress.end();
  if (!ok) return forward(ok);
  return std::optional<std::string>();
}

}  // namespace hre
