#include "core/dates.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>

namespace hre {
namespace {

// Takes so many digits off the text's front; -1 if there are fewer.
int take_digits(std::string_view& text, size_t n) {
  int value = 0;
  for (size_t i = 0; i < n; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(n);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// The whole text as a time of day, in milliseconds.
std::optional<int64_t> parse_time(std::string_view text) {
  const int hour = take_digits(text, 2);
  if (hour < 0 || hour > 23 || !take(text, ':')) return std::nullopt;
  const int minute = take_digits(text, 2);
  if (minute < 0 || minute > 59) return std::nullopt;
  int64_t ms = (hour * 60 + minute) * int64_t{60'000};
  if (take(text, ':')) {
    const int second = take_digits(text, 2);
    if (second < 0 || second > 60) return std::nullopt;
    ms += second * int64_t{1000};
    if (take(text, '.')) {
      for (int64_t unit = 100; !text.empty() && text.front() >= '0' && text.front() <= '9'; unit /= 10) {
        ms += unit * (text.front() - '0');
        text.remove_prefix(1);
      }
    }
  }
  return text.empty() || text == "Z" || text == "+00:00" ? std::optional(ms) : std::nullopt;
}

int64_t ms_until(std::chrono::year_month_day date) {
  return std::chrono::sys_days(date).time_since_epoch().count() * kMsADay;
}

}  // namespace

std::optional<Period> parse_period(std::string_view text) {
  using namespace std::chrono;
  const int y = take_digits(text, 4);
  if (y < 0) return std::nullopt;
  if (text.empty()) return Period{ms_until(year(y) / January / 1), ms_until(year(y + 1) / January / 1)};
  const int m = take(text, '-') ? take_digits(text, 2) : -1;
  if (m < 1 || m > 12) return std::nullopt;
  const year_month of_month = year(y) / month(static_cast<unsigned>(m));
  if (text.empty()) return Period{ms_until(of_month / 1), ms_until((of_month + months(1)) / 1)};
  const int d = take(text, '-') ? take_digits(text, 2) : -1;
  const year_month_day date = of_month / day(static_cast<unsigned>(d < 0 ? 0 : d));
  if (!date.ok()) return std::nullopt;
  const int64_t begin = ms_until(date);
  if (text.empty()) return Period{begin, begin + kMsADay};
  if (!take(text, 'T') && !take(text, ' ')) return std::nullopt;
  const auto time = parse_time(text);
  return time ? std::optional(Period{begin + *time, begin + *time}) : std::nullopt;
}

std::string utc_now() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

std::string format_date(int64_t ms) {
  int64_t day = ms / kMsADay;
  if (ms % kMsADay < 0) --day;
  const int64_t rest = ms - day * kMsADay;
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), rest / 3'600'000,
                     rest / 60'000 % 60, rest / 1000 % 60, rest % 1000);
}

}  // namespace hre
