#pragma once
/// Where a site's dump lies: a folder of Posts.xml (and Votes.xml, PostHistory.xml), a site's .7z as
/// archive.org has it, or a big site's separate SITE-Posts.7z with SITE-Votes.7z beside it.

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/result.h"
#include "stackexchange/bytes.h"

namespace hre::stackexchange {

enum class Table { kPosts, kVotes, kPostHistory };

/// "Posts.xml"; its element's name, "posts".
std::string file_of(Table table);
std::string root_of(Table table);

struct TableFile {
  Table table;
  std::string path;                         ///< the file, or the archive that holds it
  std::string entry;                        ///< its name in the archive; empty for a file
  int64_t bytes = 0;                        ///< of XML, unpacked
  int64_t file_bytes = 0, modified_ns = 0;  ///< of `path`, to tell whether it has changed
  [[nodiscard]] std::string place() const { return entry.empty() ? path : path + ":" + entry; }
};

struct Dump {
  std::string path;  ///< as the user gave it
  std::string site;  ///< "beer.stackexchange.com"
  std::vector<TableFile> tables;
  [[nodiscard]] const TableFile* find(Table table) const;
};

/// Finds the tables at a path. `site` empty: told by the folder's or archive's name.
/// Errors: nothing there, no Posts.xml, a name that is no site of Stack Exchange.
Result<Dump> open_dump(const std::string& path, const std::string& site = {});

/// Where a site's dump lies within a folder of dumps: SITE/, SITE.7z or SITE-Posts.7z.
std::optional<std::string> path_of_dump(const std::string& folder, const std::string& site);

/// Streams those tables of the dump that are wanted, each once, in their order in the archive. kInterrupted where
/// the token stops it: what an archive holds before a table may take long to pass over.
Status visit_tables(const Dump& dump, const std::vector<Table>& wanted,
                    const std::function<Status(const TableFile& table, ByteSource& bytes)>& visit,
                    const std::stop_token& stop);

/// Whether it is a site of Stack Exchange: *.stackexchange.com, stackoverflow.com and its kin.
bool is_known_site(const std::string& site);

}  // namespace hre::stackexchange
