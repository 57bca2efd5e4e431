#pragma once
/// Finds a site's dump: a folder with Posts.xml (and Votes.xml, PostHistory.xml), a site's .7z as archive.org
/// distributes it, or a big site's separate SITE-Posts.7z with SITE-Votes.7z beside it.

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"
#include "stackexchange/bytes.h"

namespace hre::stackexchange {

enum class Table { kPosts, kVotes, kPostHistory };

/// "Posts.xml"; the name of its element, "posts".
std::string file_of(Table table);
std::string root_of(Table table);

struct TableFile {
  Table table;
  std::string path;                         ///< the file, or the archive that holds it
  std::string entry;                        ///< its name in the archive; empty for a file
  int64_t bytes = 0;                        ///< size of the unpacked XML
  int64_t file_bytes = 0, modified_ns = 0;  ///< of `path`, to notice changes
  bool jsonl = false;                       ///< JSON lines, read as a table by jsonl_posts.h
  [[nodiscard]] std::string place() const { return entry.empty() ? path : path + ":" + entry; }
};

struct Dump {
  std::string path;  ///< as the user gave it
  std::string site;  ///< "beer.stackexchange.com"
  std::vector<TableFile> tables;
  [[nodiscard]] const TableFile* find(Table table) const;
  [[nodiscard]] bool is_jsonl() const { return tables.front().jsonl; }
};

/// The beginning of a path to JSON lines of another forum.
inline constexpr std::string_view kJsonl = "jsonl:";

/// Finds the tables at a path, which may also be "jsonl:FILE": then the site is the file's name. If `site` is empty,
/// the site follows from the folder's or archive's name. Errors: nothing at the path, no Posts.xml, a name that is not
/// a site of Stack Exchange.
Result<Dump> open_dump(const std::string& path, const std::string& site = {});

/// The path of a site's dump within a folder of dumps: SITE/, SITE.7z or SITE-Posts.7z.
std::optional<std::string> path_of_dump(const std::string& folder, const std::string& site);

/// Streams the wanted tables of the dump, each once, in their order in the archive. kInterrupted if the token stops it,
/// also while it skips entries of an archive, which may take long.
Status visit_tables(const Dump& dump, const std::vector<Table>& wanted,
                    const std::function<Status(const TableFile& table, ByteSource& bytes)>& visit,
                    const std::stop_token& stop);

/// Whether the name is a site of Stack Exchange: *.stackexchange.com, stackoverflow.com and its relatives.
bool is_known_site(const std::string& site);

}  // namespace hre::stackexchange
