#include "model/checkpoint/checkpoint.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "core/cache.h"
#include "core/file_lock.h"
#include "core/files.h"
#include "core/fingerprint.h"
#include "core/hashing.h"
#include "core/process.h"
#include "model/checkpoint/native_conversion.h"

namespace hre {
namespace {

namespace fs = std::filesystem;

/// The parts of the converter: hre's scripts, the pins of its Python environment, llama.cpp's sources.
struct Converter {
  fs::path scripts, lock, sources;

  [[nodiscard]] fs::path script() const { return scripts / "convert_checkpoint.py"; }
};

/// The folder of this library's file.
fs::path library_folder() {
  Dl_info info = {};
  const bool known = dladdr(reinterpret_cast<const void*>(&is_checkpoint), &info) != 0 && info.dli_fname != nullptr;
  std::error_code problem;
  return known ? fs::weakly_canonical(info.dli_fname, problem).parent_path() : fs::path();
}

/// The converter beside the installed library, or in the source tree.
Result<Converter> find_converter() {
  const fs::path installed = library_folder() / HRE_CONVERTER_FROM_LIBRARY;
  for (const Converter& converter : {Converter{installed, installed / "pypi-convert.lock", installed / "llama.cpp"},
                                     Converter{HRE_CONVERTER_SCRIPTS, HRE_CONVERTER_LOCK, HRE_CONVERTER_SOURCES}}) {
    if (path_exists(converter.script()) && path_exists(converter.sources / "conversion")) return converter;
  }
  return fail(ErrorCode::kFailed, "llama.cpp's converter is not installed with hre",
              installed.lexically_normal().string(), "give a .gguf file, or build hre with tools/setup.sh");
}

/// The files of a folder that affect a conversion.
bool is_part(const fs::path& file) {
  const std::string extension = file.extension().string();
  return extension == ".json" || extension == ".safetensors" || extension == ".bin" || extension == ".model" ||
         extension == ".jinja" || extension == ".txt" || extension == ".tiktoken" || extension == ".vocab";
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

/// The hash of everything that affects a conversion's result.
Result<std::string> hash_of(const std::vector<fs::path>& parts, const Converter& converter, ProgressListener& progress,
                            const std::stop_token& stop) {
  ContentHash all;
  progress.begin("reading the checkpoint", static_cast<int64_t>(parts.size()), "files", 0);
  std::vector<fs::path> files = parts;
  files.push_back(converter.script());
  files.push_back(converter.lock);  // the packages that read the checkpoint
  for (size_t i = 0; i < files.size() && !stop.stop_requested(); ++i) {
    auto hash = fingerprint_file(files[i].string());
    if (!hash) return hash;
    all.add_field(files[i].filename().string());
    all.add_field(*hash);
    progress.advance(static_cast<int64_t>(std::min(i + 1, parts.size())), static_cast<double>(i + 1));
  }
  progress.end();
  if (stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");
  all.add_field(HRE_LLAMA_BUILD);
  all.add_field(std::to_string(kNativeConversion));
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
  return fail(ErrorCode::kFailed, "the converter's Python environment could not be created: " + last_line(done->errors),
              words[0], "its packages come from PyPI; set HRE_CONVERT_PYTHON to a Python that has them already");
}

/// The lock for something that one process makes while others wait. If the file system has no locks, nothing is locked:
/// the result has a name of its own until it is complete, so two processes that make it at once do no harm.
Result<std::optional<FileLock>> lock_of(const std::string& path, const std::string& what, ProgressListener& progress,
                                        const std::stop_token& stop) {
  for (bool said = false; !stop.stop_requested(); said = true) {
    auto lock = FileLock::try_take(path);
    if (!lock) return std::optional<FileLock>();
    if (*lock) return std::move(*lock);
    if (!said) progress.note("waiting for another process to create " + what);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return fail(ErrorCode::kInterrupted, "interrupted");
}

/// Removes what killed processes have left beside a path, while a lock guarantees that no other process is working.
void remove_leftovers(const std::string& path) {
  const fs::path whole(path);
  std::error_code problem;
  for (fs::directory_iterator entry(whole.parent_path(), problem), end; !problem && entry != end;
       entry.increment(problem)) {
    const std::string name = entry->path().filename().string(), start = whole.filename().string() + ".part-";
    std::error_code ignored;
    if (name.starts_with(start)) fs::remove_all(entry->path(), ignored);
  }
}

/// Flushes the whole file system that holds a folder: an environment has many thousands of files.
void sync_file_system(const std::string& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  (void)syncfs(descriptor);
  close(descriptor);
}

/// The Python that runs the converter. Creates its environment if there is none for this lock file yet.
Result<std::string> find_python(const Converter& converter, ProgressListener& progress, const std::stop_token& stop) {
  if (const char* given = std::getenv("HRE_CONVERT_PYTHON"); given != nullptr && *given != '\0')
    return std::string(given);
  auto hash = hash_file(converter.lock.string());
  if (!hash) return hash;
  auto place = cache_folder("python");
  if (!place) return place;
  const fs::path folder = fs::path(*place) / ("convert-" + hash->substr(0, 16)), ready = folder / "ready";
  const std::string python = (folder / "bin" / "python").string();
  std::error_code problem;
  if (fs::exists(ready, problem)) return python;
  auto lock = lock_of(folder.string() + ".lock", "the converter's Python environment", progress, stop);
  if (!lock) return forward(lock);
  if (fs::exists(ready, problem)) return python;
  if (*lock) remove_leftovers(folder.string());
  progress.note("creating the converter's Python environment in " + folder.string() + ", once (several GB)");
  progress.begin("installing the converter", 2, "steps", 0);
  // The environment gets its final name last: a folder with that name is complete, whatever ends this process.
  const TemporaryFolder made(folder.string());
  if (made.path().empty()) return fail(ErrorCode::kFailed, "the folder can't be created", folder.string());
  const std::string its_python = made.path() + "/bin/python";
  if (auto ok = run_step({"python3", "-m", "venv", made.path()}, stop); !ok) return forward(ok);
  progress.advance(1, 1);
  if (auto ok = run_step({its_python, "-m", "pip", "install", "-q", "--no-deps", "--no-compile", "--require-hashes",
                          "--disable-pip-version-check", "-r", converter.lock.string()},
                         stop);
      !ok) {
    return forward(ok);
  }
  progress.end();
  if (auto ok = write_file(made.path() + "/ready", "made from " + converter.lock.filename().string() + "\n"); !ok)
    return forward(ok);
  sync_file_system(made.path());
  fs::rename(made.path(), folder, problem);
  if (!fs::exists(ready, problem)) {  // an incomplete environment of an earlier hre stands there
    const TemporaryFolder aside(folder.string());
    fs::rename(folder, aside.path(), problem);
    // Where files can't be locked another process may have completed it since: then it goes back.
    const bool complete = fs::exists(fs::path(aside.path()) / "ready", problem);
    fs::rename(complete ? aside.path() : made.path(), folder, problem);
  }
  if (!fs::exists(ready, problem))
    return fail(ErrorCode::kFailed, "the environment could not be kept", folder.string());
  sync_folder(folder_of(folder.string()));
  return python;
}

/// Passes on "progress DONE TOTAL" lines (in bytes).
void report(const std::string& line, ProgressListener& progress) {
  std::istringstream words(line);
  std::string word;
  double done = 0, total = 0;
  if (!(words >> word >> done >> total) || word != "progress" || total <= 0) return;
  progress.advance(static_cast<int64_t>(100 * done / total), 100 * done / total);
}

Status convert_by_python(const Converter& converter, const std::string& folder, const std::string& out,
                         ProgressListener& progress, const std::stop_token& stop) {
  auto python = find_python(converter, progress, stop);
  if (!python) return forward(python);
  progress.begin("converting to GGUF", 100, "%", 100);
  auto done = run_process(
      {*python, converter.script().string(), converter.sources.string(), folder, out},
      [&](const std::string& line) { report(line, progress); }, stop);
  progress.end();
  if (!done) return forward(done);
  if (done->status == 0) return {};
  const ErrorCode code = done->status == 2 ? ErrorCode::kInput : ErrorCode::kFailed;
  return fail(code, "the checkpoint can't be converted: " + last_line(done->errors), folder);
}

/// The folder's own name, for messages.
std::string name_of(const std::string& folder) {
  std::error_code problem;
  const fs::path path = fs::weakly_canonical(folder, problem);
  return path.filename().empty() ? "model" : path.filename().string();
}

/// Converts by hre itself where it knows the checkpoint exactly, else by llama.cpp's converter.
Status convert(const Converter& converter, const std::string& folder, const std::string& out,
               ProgressListener& progress, const std::stop_token& stop) {
  // The list of pre-tokenizers by hash, which the converter's authors generate into its source.
  auto known = read_file((converter.sources / "conversion" / "base.py").string());
  if (!known) return forward(known);
  auto unknown = convert_natively(folder, *known, out, progress, stop);
  if (!unknown) {
    unknown.error().message = "the checkpoint can't be converted: " + unknown.error().text();
    unknown.error().where = folder;
    unknown.error().next.clear();
    return forward(unknown);
  }
  if (!unknown->has_value()) return {};
  progress.note("llama.cpp's converter converts this checkpoint, because hre can't without it: " + **unknown);
  return convert_by_python(converter, folder, out, progress, stop);
}

/// A file of JSON lines, removed by the destructor.
class RequestFile {
 public:
  static Result<RequestFile> write(const std::vector<ScoringRequest>& requests) {
    std::error_code problem;
    const fs::path folder = fs::temp_directory_path(problem);
    if (problem)
      return fail(ErrorCode::kFailed, "there is no folder for temporary files: " + problem.message(), "TMPDIR");
    std::string path = (folder / "hre-requests-XXXXXX").string();
    const int descriptor = mkstemp(path.data());
    if (descriptor < 0) return fail(ErrorCode::kFailed, "no file can be created here", folder.string());
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

/// Parses "scores [-1.5, -2]"; nothing for any other line.
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

Result<std::string> place_of_converted(const std::string& folder, ProgressListener& progress,
                                       const std::stop_token& stop) {
  auto converter = find_converter();
  if (!converter) return forward(converter);
  auto parts = parts_of(folder);
  if (!parts) return forward(parts);
  auto hash = hash_of(*parts, *converter, progress, stop);
  if (!hash) return hash;
  auto cache = cache_folder("converted/" + *hash);
  if (!cache) return cache;
  return (fs::path(*cache) / (name_of(folder) + ".gguf")).string();
}

void remove_unfinished(const std::string& place) {
  const auto lock = FileLock::try_take(place + ".lock");
  if (lock && *lock) remove_leftovers(place);
}

Result<std::string> converted_checkpoint(const std::string& folder, ProgressListener& progress,
                                         const std::stop_token& stop) {
  auto target_place = place_of_converted(folder, progress, stop);
  if (!target_place) return target_place;
  const std::string& target = *target_place;
  std::error_code problem;
  if (fs::exists(target, problem)) return target;
  auto lock = lock_of(target + ".lock", "the converted file", progress, stop);
  if (!lock) return forward(lock);
  if (fs::exists(target, problem)) return target;
  if (*lock) remove_leftovers(target);
  const TemporaryFolder place(target);
  if (place.path().empty()) return fail(ErrorCode::kFailed, "no folder can be created beside this file", target);
  const std::string made = place.path() + "/model.gguf";
  auto converter = find_converter();
  if (!converter) return forward(converter);
  if (auto ok = convert(*converter, folder, made, progress, stop); !ok) return forward(ok);
  if (auto ok = sync_file(made); !ok) return forward(ok);
  fs::rename(made, target, problem);
  if (problem) return fail(ErrorCode::kFailed, "the converted file could not be kept: " + problem.message(), target);
  sync_folder(folder_of(target));
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
  progress.begin("scoring with Transformers", static_cast<int64_t>(requests.size()), "questions", 0);
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
    return fail(ErrorCode::kFailed, "Transformers could not score the questions: " + last_line(done->errors), folder);
  }
  return all;
}

}  // namespace hre
