#include "model/checkpoint/checkpoint.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "core/cache.h"
#include "core/files.h"
#include "core/hashing.h"
#include "core/process.h"

namespace hre {
namespace {

namespace fs = std::filesystem;

/// The parts of the converter: our scripts, its environment's pins, llama.cpp's sources.
struct Converter {
  fs::path scripts, lock, sources;

  [[nodiscard]] fs::path script() const { return scripts / "convert_checkpoint.py"; }
};

/// The folder that this library lies in.
fs::path library_folder() {
  Dl_info info = {};
  const bool known = dladdr(reinterpret_cast<const void*>(&is_checkpoint), &info) != 0 && info.dli_fname != nullptr;
  std::error_code problem;
  return known ? fs::weakly_canonical(info.dli_fname, problem).parent_path() : fs::path();
}

/// Beside the installed library, or where it was built.
Result<Converter> find_converter() {
  const fs::path installed = library_folder() / HRE_CONVERTER_FROM_LIBRARY;
  for (const Converter& converter : {Converter{installed, installed / "pypi-convert.lock", installed / "llama.cpp"},
                                     Converter{HRE_CONVERTER_SCRIPTS, HRE_CONVERTER_LOCK, HRE_CONVERTER_SOURCES}}) {
    if (path_exists(converter.script()) && path_exists(converter.sources / "conversion")) return converter;
  }
  return fail(ErrorCode::kFailed, "llama.cpp's converter is not installed with hre",
              installed.lexically_normal().string(), "give a .gguf file, or build hre with tools/setup.sh");
}

/// What of a folder goes into a conversion.
bool is_part(const fs::path& file) {
  const std::string extension = file.extension().string();
  return extension == ".json" || extension == ".safetensors" || extension == ".bin" || extension == ".model" ||
         extension == ".jinja" || extension == ".txt" || extension == ".tiktoken";
}

Result<std::vector<fs::path>> parts_of(const std::string& folder) {
  std::error_code problem;
  std::vector<fs::path> parts;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end; entry.increment(problem)) {
    if (entry->is_regular_file(problem) && is_part(entry->path())) parts.push_back(entry->path());
  }
  if (problem) return input_error("cannot be read: " + problem.message(), folder);
  std::sort(parts.begin(), parts.end());
  return parts;
}

/// The hash of everything that decides what the conversion gives.
Result<std::string> hash_of(const std::vector<fs::path>& parts, const Converter& converter, ProgressListener& progress,
                            const std::stop_token& stop) {
  ContentHash all;
  progress.begin("reading the checkpoint", static_cast<int64_t>(parts.size()), "files", 0);
  std::vector<fs::path> files = parts;
  files.push_back(converter.script());
  for (size_t i = 0; i < files.size() && !stop.stop_requested(); ++i) {
    auto hash = hash_file(files[i].string());
    if (!hash) return hash;
    all.add_field(files[i].filename().string());
    all.add_field(*hash);
    progress.advance(static_cast<int64_t>(std::min(i + 1, parts.size())), static_cast<double>(i + 1));
  }
  progress.end();
  if (stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");
  all.add_field(HRE_LLAMA_BUILD);
  return all.value();
}

std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

Status run_step(const std::vector<std::string>& words, const std::stop_token& stop) {
  auto done = run_process(
      words, [](const std::string&) {}, stop);
  if (!done) return forward(done);
  if (done->status == 0) return {};
  return fail(ErrorCode::kFailed, "the converter's Python environment could not be made: " + last_line(done->errors),
              words[0], "it takes packages from PyPI; HRE_CONVERT_PYTHON names a Python that has them already");
}

/// The Python that runs the converter; makes its environment where there is none for this lock yet.
Result<std::string> find_python(const Converter& converter, ProgressListener& progress, const std::stop_token& stop) {
  if (const char* given = std::getenv("HRE_CONVERT_PYTHON"); given != nullptr && *given != '\0')
    return std::string(given);
  auto hash = hash_file(converter.lock.string());
  if (!hash) return hash;
  auto place = cache_folder("python");
  if (!place) return place;
  const fs::path folder = fs::path(*place) / ("convert-" + hash->substr(0, 16)), ready = folder / "ready";
  const std::string python = (folder / "bin" / "python").string();
  if (path_exists(ready)) return python;
  progress.note("making the converter's Python environment in " + folder.string() + ", once (several GB)");
  progress.begin("installing the converter", 2, "steps", 0);
  if (auto ok = run_step({"python3", "-m", "venv", "--clear", folder.string()}, stop); !ok) return forward(ok);
  progress.advance(1, 1);
  if (auto ok = run_step({python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--require-hashes",
                          "--disable-pip-version-check", "-r", converter.lock.string()},
                         stop);
      !ok) {
    return forward(ok);
  }
  progress.end();
  std::ofstream(ready) << "made from " << converter.lock.filename().string() << '\n';
  return python;
}

/// Hands "progress DONE TOTAL" lines (in bytes) on.
void report(const std::string& line, ProgressListener& progress) {
  std::istringstream words(line);
  std::string word;
  double done = 0, total = 0;
  if (!(words >> word >> done >> total) || word != "progress" || total <= 0) return;
  progress.advance(static_cast<int64_t>(100 * done / total), 100 * done / total);
}

Status convert(const Converter& converter, const std::string& python, const std::string& folder, const std::string& out,
               ProgressListener& progress, const std::stop_token& stop) {
  progress.begin("converting to GGUF", 100, "%", 100);
  auto done = run_process(
      {python, converter.script().string(), converter.sources.string(), folder, out},
      [&](const std::string& line) { report(line, progress); }, stop);
  progress.end();
  if (!done) return forward(done);
  if (done->status == 0) return {};
  const ErrorCode code = done->status == 2 ? ErrorCode::kInput : ErrorCode::kFailed;
  return fail(code, "the checkpoint can't be converted: " + last_line(done->errors), folder);
}

/// The folder's own name, for people.
std::string name_of(const std::string& folder) {
  std::error_code problem;
  const fs::path path = fs::weakly_canonical(folder, problem);
  return path.filename().empty() ? "model" : path.filename().string();
}

/// A file of JSON lines, removed at its end.
class RequestFile {
 public:
  static Result<RequestFile> write(const std::vector<ScoringRequest>& requests) {
    std::error_code problem;
    const fs::path folder = fs::temp_directory_path(problem);
    if (problem)
      return fail(ErrorCode::kFailed, "there is no folder for temporary files: " + problem.message(), "TMPDIR");
    std::string path = (folder / "hre-requests-XXXXXX").string();
    const int descriptor = mkstemp(path.data());
    if (descriptor < 0) return fail(ErrorCode::kFailed, "no file can be made here", folder.string());
    close(descriptor);
    RequestFile file(path);
    std::ofstream out(file.path_);
    for (const ScoringRequest& request : requests) {
      out << nlohmann::json{{"context", request.context}, {"continuations", request.continuations}}.dump() << '\n';
    }
    out.close();
    if (!out) return fail(ErrorCode::kFailed, "cannot be written", file.path_);
    return file;
  }
  ~RequestFile() {
    std::error_code problem;
    if (!path_.empty()) fs::remove(path_, problem);
  }
  RequestFile(RequestFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  RequestFile& operator=(RequestFile&&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit RequestFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// "scores [-1.5, -2]"; nothing for any other line.
std::optional<std::vector<double>> parse_scores(const std::string& line) {
  constexpr std::string_view kStart = "scores ";
  if (!line.starts_with(kStart)) return {};
  const auto json = nlohmann::json::parse(line.substr(kStart.size()), nullptr, false);
  std::vector<double> scores;
  if (json.is_array()) {
    for (const auto& value : json) scores.push_back(value.is_number() ? value.get<double>() : std::nan(""));
  }
  return scores;
}

}  // namespace

bool is_checkpoint(const std::string& path) {
  std::error_code problem;
  return fs::is_directory(path, problem) && fs::exists(fs::path(path) / "config.json", problem);
}

Result<std::string> converted_checkpoint(const std::string& folder, ProgressListener& progress,
                                         const std::stop_token& stop) {
  auto converter = find_converter();
  if (!converter) return forward(converter);
  auto parts = parts_of(folder);
  if (!parts) return forward(parts);
  auto hash = hash_of(*parts, *converter, progress, stop);
  if (!hash) return hash;
  auto cache = cache_folder("converted/" + *hash);
  if (!cache) return cache;
  const std::string target = (fs::path(*cache) / (name_of(folder) + ".gguf")).string();
  if (path_exists(target)) return target;
  auto python = find_python(*converter, progress, stop);
  if (!python) return python;
  const std::string made = fmt::format("{}.{}.part", target, getpid());
  auto converted = convert(*converter, *python, folder, made, progress, stop);
  std::error_code problem;
  if (converted) fs::rename(made, target, problem);
  fs::remove(made, problem);
  if (!converted) return forward(converted);
  if (!path_exists(target)) return fail(ErrorCode::kFailed, "the converted file could not be kept", target);
  return target;
}

Result<std::vector<std::vector<double>>> score_by_transformers(const std::string& folder,
                                                               const std::vector<ScoringRequest>& requests,
                                                               int max_length, ProgressListener& progress,
                                                               const std::stop_token& stop) {
  auto converter = find_converter();
  if (!converter) return forward(converter);
  auto python = find_python(*converter, progress, stop);
  if (!python) return forward(python);
  auto file = RequestFile::write(requests);
  if (!file) return forward(file);
  std::vector<std::vector<double>> all;
  progress.begin("scoring by Transformers", static_cast<int64_t>(requests.size()), "questions", 0);
  const auto take = [&](const std::string& line) {
    if (auto scores = parse_scores(line)) all.push_back(std::move(*scores));
    progress.advance(static_cast<int64_t>(all.size()), static_cast<double>(all.size()));
  };
  auto done = run_process({*python, (converter->scripts / "score_checkpoint.py").string(), folder, file->path(),
                           std::to_string(max_length)},
                          take, stop);
  progress.end();
  if (!done) return forward(done);
  if (done->status != 0 || all.size() != requests.size()) {
    return fail(ErrorCode::kFailed, "Transformers could not score it: " + last_line(done->errors), folder);
  }
  return all;
}

}  // namespace hre
