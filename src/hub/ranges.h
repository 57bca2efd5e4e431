#pragma once
/// The ranges of a file that are complete: disjoint, and merged when they touch.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hre::hub {

/// Bytes [begin, end).
struct Range {
  int64_t begin = 0;
  int64_t end = 0;

  [[nodiscard]] int64_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

class RangeSet {
 public:
  /// Adds a range; an empty range changes nothing.
  void add(Range range);
  /// The total number of bytes.
  [[nodiscard]] int64_t total() const;
  /// The end of the range that begins at 0; 0 if there is none.
  [[nodiscard]] int64_t prefix() const;
  /// The missing parts of [0, size), in order, in pieces of at most this many bytes.
  [[nodiscard]] std::vector<Range> missing(int64_t size, int64_t piece) const;

 private:
  std::map<int64_t, int64_t> ends_;  // by begin; disjoint and not touching
};

/// The record of an incomplete download: a line "size SIZE", then one line "BEGIN END" for each complete range. Lines
/// are appended while the download continues. Damaged lines and ranges outside of [0, size) are ignored; a record with
/// another size is treated as missing.
RangeSet parse_record(std::string_view text, int64_t size);
std::string record_head(int64_t size);
std::string record_line(Range range);

}  // namespace hre::hub
