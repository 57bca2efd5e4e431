#pragma once
/// Which bytes of a file are there: disjoint ranges, merged as they come.

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
  /// Adds a range; an empty one changes nothing.
  void add(Range range);
  /// Bytes in all.
  [[nodiscard]] int64_t total() const;
  /// The end of the range that begins at 0; 0 where there is none.
  [[nodiscard]] int64_t prefix() const;
  /// What is missing of [0, size), in pieces of at most so many bytes, in order.
  [[nodiscard]] std::vector<Range> missing(int64_t size, int64_t piece) const;

 private:
  std::map<int64_t, int64_t> ends_;  // by begin; disjoint and not touching
};

/// The record of a download that broke off: a line "size SIZE", then one "BEGIN END" for each range that is there.
/// It is added to while the download goes on. Lines that are damaged, or outside [0, size), count as nothing;
/// another size as no record.
RangeSet parse_record(std::string_view text, int64_t size);
std::string record_head(int64_t size);
std::string record_line(Range range);

}  // namespace hre::hub
