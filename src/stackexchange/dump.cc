#include "stackexchange/dump.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "core/text.h"

namespace hre::stackexchange {
namespace {

namespace fs = std::filesystem;

constexpr std::array kTables = {Table::kPosts, Table::kVotes, Table::kPostHistory};

bool same_name(const std::string& a, const std::string& b) { return lower(a) == lower(b); }

std::string last_part(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

// Size and time of change; zeros if the file can't be examined.
void stamp(TableFile& file) {
  struct stat status {};
  if (::stat(file.path.c_str(), &status) != 0) return;
  file.file_bytes = status.st_size;
  file.modified_ns = int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

std::vector<TableFile> tables_of_folder(const fs::path& folder) {
  std::vector<TableFile> tables;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    for (const Table table : kTables) {
      if (!same_name(entry.path().filename(), file_of(table)) || !entry.is_regular_file(problem)) continue;
      TableFile file{table, entry.path(), {}, 0, 0, 0, false};
      stamp(file);
      file.bytes = file.file_bytes;
      tables.push_back(std::move(file));
    }
  }
  std::sort(tables.begin(), tables.end(), [](const auto& a, const auto& b) { return a.table < b.table; });
  return tables;
}

Status add_tables_of_archive(const std::string& path, std::vector<TableFile>& tables) {
  Result<std::vector<data::ArchiveEntry>> entries = data::list_archive(path);
  if (!entries) return forward(entries);
  for (const data::ArchiveEntry& entry : *entries) {
    for (const Table table : kTables) {
      if (!same_name(last_part(entry.name), file_of(table))) continue;
      TableFile file{table, path, entry.name, entry.bytes, 0, 0, false};
      stamp(file);
      tables.push_back(std::move(file));
    }
  }
  return {};
}

Status check_once(const std::vector<TableFile>& tables) {
  for (size_t i = 0; i < tables.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (tables[i].table != tables[k].table) continue;
      return input_error("the table exists twice, also as " + tables[k].place(), tables[i].place(),
                         "keep only one of the two");
    }
  }
  return {};
}

// Strips "dumps/beer.stackexchange.com.7z" and "stackoverflow.com-Posts.7z" to the name of the site.
std::string site_of_path(const fs::path& path, bool archive) {
  std::string name = lower(path.filename());
  if (archive) name = name.substr(0, name.rfind('.'));
  if (name.ends_with("-posts")) name.resize(name.size() - 6);
  return name;
}

// The votes of stackoverflow.com-Posts.7z are in stackoverflow.com-Votes.7z.
Status add_siblings(const fs::path& path, std::vector<TableFile>& tables) {
  const std::string name = path.filename();
  const size_t dash = lower(name).rfind("-posts.");
  if (dash == std::string::npos) return {};
  for (const char* other : {"-Votes", "-PostHistory"}) {
    const fs::path sibling = path.parent_path() / (name.substr(0, dash) + other + name.substr(dash + 6));
    std::error_code problem;
    if (!fs::exists(sibling, problem)) continue;
    if (Status status = add_tables_of_archive(sibling, tables); !status) return status;
  }
  return {};
}

// The name of a forum's file, of letters that every file system and id can have.
std::string forum_of_path(const fs::path& path) {
  std::string name = lower(path.stem());
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'; };
  std::replace_if(
      name.begin(), name.end(), [&](char c) { return !good(c); }, '_');
  return name;
}

}  // namespace

std::string file_of(Table table) {
  switch (table) {
    case Table::kPosts:
      return "Posts.xml";
    case Table::kVotes:
      return "Votes.xml";
    case Table::kPostHistory:
      return "PostHistory.xml";
  }
  return {};
}

std::string root_of(Table table) {
  std::string name = lower(file_of(table));
  return name.substr(0, name.size() - 4);
}

const TableFile* Dump::find(Table table) const {
  const auto at =
      std::find_if(tables.begin(), tables.end(), [&](const TableFile& file) { return file.table == table; });
  return at == tables.end() ? nullptr : &*at;
}

bool is_known_site(const std::string& site) {
  static constexpr std::array<std::string_view, 6> kOwnDomains = {
      "stackoverflow.com", "superuser.com", "serverfault.com", "askubuntu.com", "mathoverflow.net", "stackapps.com"};
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'; };
  if (!std::all_of(site.begin(), site.end(), good) || site.starts_with('.')) return false;
  if (site.ends_with(".stackexchange.com")) return true;
  return std::any_of(kOwnDomains.begin(), kOwnDomains.end(), [&](std::string_view domain) {
    return site == domain || (site.ends_with(domain) && site[site.size() - domain.size() - 1] == '.');
  });
}

Result<Dump> open_dump(const std::string& path, const std::string& site) {
  std::error_code problem;
  if (path.starts_with(kJsonl)) {
    TableFile file{Table::kPosts, path.substr(kJsonl.size()), {}, 0, 0, 0, true};
    if (!fs::is_regular_file(file.path, problem)) return input_error("there is no such file", file.path);
    stamp(file);
    file.bytes = file.file_bytes;
    const std::string forum = forum_of_path(file.path);
    return Dump{path, forum, {std::move(file)}};
  }
  fs::path at(path);
  if (!fs::exists(at, problem)) {
    return input_error("there is no such file or folder", path, "give a dump's folder, SITE.7z or SITE-Posts.7z");
  }
  if (!at.has_filename()) at = at.parent_path();
  if (same_name(at.filename(), file_of(Table::kPosts))) at = fs::absolute(at, problem).parent_path();
  const bool archive = !fs::is_directory(at, problem);
  Dump dump{
      path,
      site.empty() ? site_of_path(archive ? at : fs::absolute(at, problem).lexically_normal(), archive) : lower(site),
      {}};
  if (!is_known_site(dump.site)) {
    return input_error("'" + dump.site + "' is not a Stack Exchange site, so its posts would have no address", path,
                       "name the folder or archive after the site, or write SITE@PATH (beer.stackexchange.com@PATH)");
  }
  if (archive) {
    if (Status status = add_tables_of_archive(at, dump.tables); !status) return forward(status);
    if (Status status = add_siblings(at, dump.tables); !status) return forward(status);
  } else {
    dump.tables = tables_of_folder(at);
  }
  if (dump.find(Table::kPosts) == nullptr) {
    return input_error("holds no Posts.xml", path, "give a dump's folder, SITE.7z or SITE-Posts.7z");
  }
  if (Status status = check_once(dump.tables); !status) return forward(status);
  return dump;
}

std::optional<std::string> path_of_dump(const std::string& folder, const std::string& site) {
  std::error_code problem;
  for (const std::string& name : {site, site + ".7z", site + "-Posts.7z"}) {
    const fs::path path = fs::path(folder) / name;
    if (fs::exists(path, problem)) return path.string();
  }
  return std::nullopt;
}

Status visit_tables(const Dump& dump, const std::vector<Table>& wanted,
                    const std::function<Status(const TableFile& table, ByteSource& bytes)>& visit,
                    const std::stop_token& stop) {
  std::map<std::string, std::vector<const TableFile*>> by_file;
  for (const TableFile& file : dump.tables) {
    if (std::find(wanted.begin(), wanted.end(), file.table) != wanted.end()) by_file[file.path].push_back(&file);
  }
  for (const auto& entry : by_file) {
    const std::string& path = entry.first;
    const std::vector<const TableFile*>& files = entry.second;
    if (files.front()->entry.empty()) {
      Result<std::unique_ptr<ByteSource>> bytes = open_file(path);
      if (!bytes) return forward(bytes);
      if (Status status = visit(*files.front(), **bytes); !status) return status;
      continue;
    }
    const auto find = [&](const std::string& name) {
      return std::find_if(files.begin(), files.end(), [&](const TableFile* file) { return file->entry == name; });
    };
    Status status = data::visit_archive(
        path, [&](const std::string& name) { return find(name) != files.end(); },
        [&](const std::string& name, ByteSource& bytes) { return visit(**find(name), bytes); }, stop);
    if (!status) return status;
  }
  return {};
}

}  // namespace hre::stackexchange
