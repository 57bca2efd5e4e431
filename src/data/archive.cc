// The only file that knows libarchive.
#include "data/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hre::data {
namespace {

constexpr size_t kBlock = size_t{1} << 20;

// Feeds the archive's bytes to libarchive. They end with an error when reading must stop, whatever libarchive is doing:
// skipping unwanted entries takes as long as unpacking them.
struct ArchiveFile {
  int descriptor = -1;
  std::stop_token stop;
  std::vector<char> block = std::vector<char>(kBlock);

  ArchiveFile(const std::string& path, std::stop_token token)
      : descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), stop(std::move(token)) {}
  ArchiveFile(const ArchiveFile&) = delete;
  ArchiveFile& operator=(const ArchiveFile&) = delete;
  ~ArchiveFile() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

la_ssize_t read_block(archive* opened, void* data, const void** block) {
  auto& file = *static_cast<ArchiveFile*>(data);
  *block = file.block.data();
  while (!file.stop.stop_requested()) {
    const ssize_t got = ::read(file.descriptor, file.block.data(), file.block.size());
    if (got >= 0) return got;
    if (errno == EINTR) continue;
    archive_set_error(opened, errno, "reading failed");
    return ARCHIVE_FATAL;
  }
  archive_set_error(opened, EINTR, "interrupted");
  return ARCHIVE_FATAL;
}

la_int64_t seek_to(archive*, void* data, la_int64_t offset, int whence) {
  const off_t at = ::lseek(static_cast<ArchiveFile*>(data)->descriptor, offset, whence);
  return at < 0 ? la_int64_t{ARCHIVE_FATAL} : la_int64_t{at};
}

struct FreeArchive {
  void operator()(archive* opened) const { archive_read_free(opened); }
};

struct Archive {
  std::unique_ptr<ArchiveFile> file;
  std::unique_ptr<archive, FreeArchive> opened;

  [[nodiscard]] archive* get() const { return opened.get(); }
};

std::string problem_of(archive* opened) {
  const char* text = archive_error_string(opened);
  // libarchive reports no error if the list of entries, which a .7z has at its end, is missing.
  return text != nullptr ? text : "the file is cut short, damaged, or not an archive";
}

Error damaged(const Archive& archive, std::string where) {
  if (archive.file->stop.stop_requested()) return Error{ErrorCode::kInterrupted, "interrupted", {}, {}};
  return Error{ErrorCode::kInput, "the archive can't be read: " + problem_of(archive.get()), std::move(where),
               "copy or download it again, or test it with 7z t"};
}

Result<Archive> open_archive(const std::string& path, std::stop_token stop) {
  Archive archive{std::make_unique<ArchiveFile>(path, std::move(stop)), {}};
  if (archive.file->descriptor < 0) return input_error(std::strerror(errno), path);
  archive.opened.reset(archive_read_new());
  if (!archive.opened) return fail(ErrorCode::kFailed, "not enough memory for the archive", path);
  archive_read_support_format_7zip(archive.get());
  archive_read_support_format_zip(archive.get());
  archive_read_set_callback_data(archive.get(), archive.file.get());
  archive_read_set_read_callback(archive.get(), read_block);
  archive_read_set_seek_callback(archive.get(), seek_to);
  if (archive_read_open1(archive.get()) != ARCHIVE_OK) return tl::unexpected(damaged(archive, path));
  return archive;
}

std::string name_of(archive_entry* entry) {
  const char* name = archive_entry_pathname_utf8(entry);
  if (name == nullptr) name = archive_entry_pathname(entry);
  return name != nullptr ? name : "";
}

// The next entry; null at the end.
Result<archive_entry*> next_entry(const Archive& archive, const std::string& path) {
  archive_entry* entry = nullptr;
  const int status = archive_read_next_header(archive.get(), &entry);
  if (status == ARCHIVE_EOF) return nullptr;
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return tl::unexpected(damaged(archive, path));
  return entry;
}

class EntrySource final : public ByteSource {
 public:
  EntrySource(const Archive& archive, std::string where) : archive_(archive), where_(std::move(where)) {}

  Result<size_t> read(char* to, size_t n) override {
    const la_ssize_t got = archive_read_data(archive_.get(), to, n);
    if (got < 0) return tl::unexpected(damaged(archive_, fmt::format("{}: byte {}", where_, at_)));
    at_ += got;
    return static_cast<size_t>(got);
  }

 private:
  const Archive& archive_;
  std::string where_;
  int64_t at_ = 0;
};

}  // namespace

Result<std::vector<ArchiveEntry>> list_archive(const std::string& path) {
  Result<Archive> opened = open_archive(path, {});
  if (!opened) return forward(opened);
  std::vector<ArchiveEntry> entries;
  while (true) {
    Result<archive_entry*> entry = next_entry(*opened, path);
    if (!entry) return forward(entry);
    if (*entry == nullptr) return entries;
    entries.push_back({name_of(*entry), archive_entry_size(*entry)});
  }
}

Status visit_archive(const std::string& path, const std::function<bool(const std::string& name)>& wanted,
                     const std::function<Status(const std::string& name, ByteSource& bytes)>& visit,
                     const std::stop_token& stop) {
  Result<Archive> opened = open_archive(path, stop);
  if (!opened) return forward(opened);
  while (true) {
    Result<archive_entry*> entry = next_entry(*opened, path);
    if (!entry) return forward(entry);
    if (*entry == nullptr) return {};
    const std::string name = name_of(*entry);
    if (!wanted(name)) continue;
    EntrySource bytes(*opened, path + ":" + name);
    if (Status status = visit(name, bytes); !status) return status;
  }
}

}  // namespace hre::data
