// The only file that knows libarchive.
#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include "stackexchange/bytes.h"

namespace hre::stackexchange {
namespace {

struct CloseArchive {
  void operator()(archive* opened) const { archive_read_free(opened); }
};
using Archive = std::unique_ptr<archive, CloseArchive>;

constexpr size_t kBlock = size_t{1} << 20;

std::string problem_of(archive* opened) {
  const char* text = archive_error_string(opened);
  return text != nullptr ? text : "the archive is damaged";
}

Error damaged(archive* opened, std::string where) {
  return Error{ErrorCode::kInput, "the archive can't be read: " + problem_of(opened), std::move(where),
               "download it again, or test it with 7z t"};
}

Result<Archive> open_archive(const std::string& path) {
  Archive opened(archive_read_new());
  if (!opened) return fail(ErrorCode::kFailed, "no memory for the archive", path);
  archive_read_support_format_7zip(opened.get());
  archive_read_support_format_zip(opened.get());
  if (archive_read_open_filename(opened.get(), path.c_str(), kBlock) != ARCHIVE_OK) {
    return tl::unexpected(damaged(opened.get(), path));
  }
  return opened;
}

std::string name_of(archive_entry* entry) {
  const char* name = archive_entry_pathname_utf8(entry);
  if (name == nullptr) name = archive_entry_pathname(entry);
  return name != nullptr ? name : "";
}

// The next entry; null at the end.
Result<archive_entry*> next_entry(archive* opened, const std::string& path) {
  archive_entry* entry = nullptr;
  const int status = archive_read_next_header(opened, &entry);
  if (status == ARCHIVE_EOF) return nullptr;
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return tl::unexpected(damaged(opened, path));
  return entry;
}

class EntrySource final : public ByteSource {
 public:
  EntrySource(archive* opened, std::string where) : opened_(opened), where_(std::move(where)) {}

  Result<size_t> read(char* to, size_t n) override {
    const la_ssize_t got = archive_read_data(opened_, to, n);
    if (got < 0) return tl::unexpected(damaged(opened_, fmt::format("{}: byte {}", where_, at_)));
    at_ += got;
    return static_cast<size_t>(got);
  }

 private:
  archive* opened_;
  std::string where_;
  int64_t at_ = 0;
};

}  // namespace

Result<std::vector<ArchiveEntry>> list_archive(const std::string& path) {
  Result<Archive> opened = open_archive(path);
  if (!opened) return forward(opened);
  std::vector<ArchiveEntry> entries;
  while (true) {
    Result<archive_entry*> entry = next_entry(opened->get(), path);
    if (!entry) return forward(entry);
    if (*entry == nullptr) return entries;
    entries.push_back({name_of(*entry), archive_entry_size(*entry)});
  }
}

Status visit_archive(const std::string& path, const std::function<bool(const std::string& name)>& wanted,
                     const std::function<Status(const std::string& name, ByteSource& bytes)>& visit) {
  Result<Archive> opened = open_archive(path);
  if (!opened) return forward(opened);
  while (true) {
    Result<archive_entry*> entry = next_entry(opened->get(), path);
    if (!entry) return forward(entry);
    if (*entry == nullptr) return {};
    const std::string name = name_of(*entry);
    if (!wanted(name)) continue;
    EntrySource bytes(opened->get(), path + ":" + name);
    if (Status status = visit(name, bytes); !status) return status;
  }
}

}  // namespace hre::stackexchange
