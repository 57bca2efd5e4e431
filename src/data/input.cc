#include "data/input.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "core/text.h"
#include "data/arrow_reader.h"
#include "data/jsonl_reader.h"
#include "data/saved_dataset.h"

namespace hre::data {
namespace {

namespace fs = std::filesystem;

std::optional<Format> format_of(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  if (ending == ".jsonl" || ending == ".ndjson") return Format::kJsonLines;
  if (ending == ".parquet") return Format::kParquet;
  if (ending == ".arrow") return Format::kArrowStream;
  return std::nullopt;
}

// A file name of the published layout, "<Split>-00000-of-00001-<hash>"; any other name is a split with one part.
struct PartName {
  std::string split;
  int part = 0;
  int parts = 0;  // 0: not stated in the name
};

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

PartName parse_part(const std::string& stem) {
  const size_t of = stem.rfind("-of-");
  if (of == std::string::npos || of < 6 || stem.size() < of + 9 || stem[of - 6] != '-') return {.split = stem};
  const std::string part = stem.substr(of - 5, 5), parts = stem.substr(of + 4, 5), rest = stem.substr(of + 9);
  if (!all_digits(part) || !all_digits(parts) || (!rest.empty() && rest[0] != '-')) return {.split = stem};
  return {.split = stem.substr(0, of - 6), .part = std::stoi(part), .parts = std::stoi(parts)};
}

InputFile input_file(const fs::path& path, Format format) {
  std::error_code ignored;
  const uint64_t bytes = fs::file_size(path, ignored);
  return {.path = path.string(),
          .format = format,
          .topic = topic_of_split(parse_part(path.stem().string()).split),
          .bytes = bytes,
          .contents = {}};
}

// Checks that every part of every split exists exactly once.
Status check_parts(const std::vector<InputFile>& files) {
  std::map<std::string, std::vector<PartName>> splits;
  for (const InputFile& file : files) {
    PartName part = parse_part(fs::path(file.path).stem().string());
    if (part.parts > 0) splits[part.split].push_back(std::move(part));
  }
  const std::string folder = fs::path(files.front().path).parent_path().string();
  for (const auto& [split, parts] : splits) {
    for (size_t i = 0; i < parts.size(); ++i) {
      if (i > 0 && parts[i].part == parts[i - 1].part) {
        return input_error(fmt::format("part {} of split {} exists twice", parts[i].part, split), folder,
                           "remove one of the two");
      }
    }
    const bool alike =
        std::ranges::all_of(parts, [n = parts.front().parts](const PartName& part) { return part.parts == n; });
    const bool numbered = parts.front().part == 0 && parts.back().part == static_cast<int>(parts.size()) - 1;
    if (alike && static_cast<int>(parts.size()) == parts.front().parts && !numbered) {
      return input_error(fmt::format("split {} has parts that are not numbered from 0 to {}", split, parts.size() - 1),
                         folder, "fetch or copy the whole split");
    }
    if (!alike || static_cast<int>(parts.size()) != parts.front().parts) {
      return input_error(fmt::format("split {} has {} of {} parts", split, parts.size(), parts.front().parts), folder,
                         "fetch or copy the whole split");
    }
  }
  return {};
}

struct Listing {
  std::vector<InputFile> files;     // in a known format, sorted by name
  std::vector<std::string> others;  // all other entries; folders end in "/"
};

Result<Listing> list_folder(const fs::path& folder) {
  Listing listing;
  std::error_code problem;
  for (fs::directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with('.')) continue;
    std::error_code ignored;
    const std::optional<Format> format = format_of(at->path());
    if (format && at->is_regular_file(ignored)) {
      listing.files.push_back(input_file(at->path(), *format));
    } else {
      listing.others.push_back(at->is_directory(ignored) ? name + "/" : name);
    }
  }
  if (problem)
    return input_error(fmt::format("the folder cannot be read: {}", problem.message()), folder.string(),
                       "check its permissions");
  std::sort(listing.files.begin(), listing.files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  std::sort(listing.others.begin(), listing.others.end());
  return listing;
}

tl::unexpected<Error> nothing_here(const std::string& folder, const std::vector<std::string>& others) {
  if (others.empty()) return input_error("the folder is empty", folder, kAcceptedData);
  constexpr size_t kShown = 5;
  std::vector<std::string> shown(others.begin(), others.begin() + static_cast<long>(std::min(kShown, others.size())));
  if (others.size() > kShown) shown.push_back(fmt::format("{} more", others.size() - kShown));
  return input_error("the folder has no parquet, .jsonl or saved dataset, only " + join(shown), folder, kAcceptedData);
}

Result<std::vector<InputFile>> find_in_folder(const std::string& source) {
  if (is_saved_dataset(source)) return saved_dataset_inputs(source);
  Result<Listing> listing = list_folder(source);
  if (!listing) return forward(listing);
  std::vector<InputFile> files = std::move(listing->files);
  std::error_code ignored;
  if (const fs::path inner = fs::path(source) / "data"; fs::is_directory(inner, ignored)) {
    Result<Listing> published = list_folder(inner);
    if (!published) return forward(published);
    if (!files.empty() && !published->files.empty()) {
      return input_error("questions are both in the folder and in its subfolder data", source,
                         "give one of the two: " + inner.string() + ", or the files");
    }
    if (files.empty()) files = std::move(published->files);
  }
  if (files.empty()) return nothing_here(source, listing->others);
  for (const InputFile& file : files) {
    if (file.format == files.front().format) continue;
    return input_error(
        fmt::format("the folder mixes formats: {} and {}", fs::path(files.front().path).filename().string(),
                    fs::path(file.path).filename().string()),
        source, "give one of the files, or a folder of one format");
  }
  if (Status parts = check_parts(files); !parts) return forward(parts);
  return files;
}

}  // namespace

Result<std::vector<InputFile>> find_inputs(const std::string& source) {
  if (source == "sample") {
    std::vector<InputFile> files = sample_inputs();
    if (files.empty()) return fail(ErrorCode::kFailed, "this build of hre has no sample", source);
    return files;
  }
  if (source.starts_with("hf:")) {
    return input_error("this is a name on the hub, not a path", source, "fetch_dataset (hre/hub.h) gives its folder");
  }
  std::error_code problem;
  const fs::file_status status = fs::status(source, problem);
  if (!fs::exists(status)) {
    const std::string message =
        status.type() == fs::file_type::not_found ? "there is no such file or folder" : problem.message();
    const bool slip = nearest_name(source, {"sample"}).has_value();
    return input_error(message, source, slip ? "did you mean sample?" : kAcceptedData);
  }
  if (fs::is_directory(status)) return find_in_folder(source);
  if (!fs::is_regular_file(status)) return input_error("this is neither a file nor a folder", source, kAcceptedData);
  const std::optional<Format> format = format_of(source);
  if (!format) return input_error("the file's name does not end in .parquet, .jsonl or .arrow", source, kAcceptedData);
  return std::vector<InputFile>{input_file(source, *format)};
}

Result<std::unique_ptr<RowReader>> open_rows(const InputFile& file) {
  switch (file.format) {
    case Format::kParquet:
      return open_parquet(file.path);
    case Format::kArrowStream:
      return open_arrow_stream(file.path);
    case Format::kJsonLines:
      break;
  }
  return file.contents ? read_jsonl(*file.contents, file.path) : open_jsonl(file.path);
}

}  // namespace hre::data

namespace hre {

std::string dataset_name(const std::string& source) {
  std::error_code problem;
  std::filesystem::path path = std::filesystem::path(source).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "folder/"
  if (path == "." || path == ".." || path.empty()) path = std::filesystem::weakly_canonical(path, problem);
  if (path.filename() == "data" && path.has_parent_path()) path = path.parent_path();
  return data::format_of(path) ? path.stem().string() : path.filename().string();
}

}  // namespace hre
