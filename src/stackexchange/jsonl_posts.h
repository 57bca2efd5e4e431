#pragma once
/// Questions of any forum as JSON lines, read as rows of a Posts.xml, so that all that follows is the same.
/// docs/datasets.md lists the fields. A line is a question with its answers, or a single post that names its question.
/// Rows have three attributes that dumps don't have: Format ("text", "html"), Url, Accepted.

#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stackexchange/rows.h"

namespace hre::stackexchange {

/// Memory grows with the number of questions of which each post has a line of its own: their ids are kept.
class JsonlReader final : public TableReader {
 public:
  using TableReader::TableReader;
  Result<bool> next(TableRow& row) override;
  [[nodiscard]] std::string where(int64_t number, int64_t offset) const override;

 private:
  friend class LineReader;
  using PostRow = std::vector<std::pair<const char*, std::string>>;
  Result<bool> next_line();
  Status read_line();

  std::string window_, line_;
  size_t used_ = 0, size_ = 0;
  int64_t line_number_ = 0, offset_ = 0, end_ = 0;  // the line's place, and that of the byte after it
  bool too_long_ = false;
  std::deque<PostRow> waiting_;  // rows of this line that were not given yet
  PostRow current_;
  uint32_t last_id_ = 0;                             // posts are numbered from 1 in the order in which they are named
  std::unordered_map<std::string, uint32_t> known_;  // the numbers of questions, by their ids in the file
};

}  // namespace hre::stackexchange
