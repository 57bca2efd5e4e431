#pragma once
/// Dates as texts: ISO 8601 in UTC, as dumps, metadata and conditions write them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hre {

inline constexpr int64_t kMsADay = 86'400'000;

/// In milliseconds since 1970-01-01, UTC. A moment has no length.
struct Period {
  int64_t begin_ms = 0, end_ms = 0;

  [[nodiscard]] double begin_days() const { return static_cast<double>(begin_ms) / static_cast<double>(kMsADay); }
  [[nodiscard]] double end_days() const { return static_cast<double>(end_ms) / static_cast<double>(kMsADay); }
};

/// "2019", "2019-07", "2019-07-31", or a day with a time: "2019-07-31T12:30", ":05", ".123" and any further digits, a
/// space for the T, and "Z" or "+00:00" at the end. Nothing for anything else.
std::optional<Period> parse_period(std::string_view text);

/// Now, in UTC and seconds: 2016-08-02T15:39:14Z
std::string utc_now();

/// 2016-08-02T15:39:14.947
std::string format_date(int64_t ms);

}  // namespace hre
