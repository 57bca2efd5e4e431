#include "stackexchange/post.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <limits>

namespace hre::stackexchange {
namespace {

// The digits text[at, at + n) as a number; -1 if any of them is not a digit.
int digits(std::string_view text, size_t at, size_t n) {
  int value = 0;
  for (size_t i = at; i < at + n; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

std::optional<int64_t> parse_day(std::string_view text) {
  const int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  if (year < 0 || month < 0 || day < 0 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * kMsADay;
}

// "15:39:14", ".947" and any number of further digits.
std::optional<int64_t> parse_time(std::string_view text) {
  const int hour = digits(text, 0, 2), minute = digits(text, 3, 2), second = digits(text, 6, 2);
  if (hour < 0 || minute < 0 || second < 0 || text[2] != ':' || text[5] != ':') return std::nullopt;
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  int64_t ms = 0;
  if (text.size() > 8) {
    if (text[8] != '.' || text.find_first_not_of("0123456789", 9) != std::string_view::npos) return std::nullopt;
    for (size_t i = 9; i < 12; ++i) ms = ms * 10 + (i < text.size() ? text[i] - '0' : 0);
  }
  return ((hour * 60 + minute) * 60 + second) * int64_t{1000} + ms;
}

std::optional<uint32_t> read_id(const Row& row, std::string_view name) {
  const std::optional<int64_t> value = row.number_of(name);
  if (!value || *value < 1 || *value > std::numeric_limits<uint32_t>::max()) return std::nullopt;
  return static_cast<uint32_t>(*value);
}

std::string bad(std::string_view name, const Row& row) {
  if (!row.has(name)) return fmt::format("{} is missing", name);
  return fmt::format("{}=\"{:.40}\" is not valid", name, *row.raw(name));
}

PostKind kind_of(int64_t type) {
  return type == 1 ? PostKind::kQuestion : type == 2 ? PostKind::kAnswer : PostKind::kOther;
}

uint8_t flags_of(const Row& row) {
  const bool owner = !row.raw("OwnerUserId").value_or("").empty();
  return static_cast<uint8_t>((row.has("ClosedDate") ? kClosed : 0) | (row.has("CommunityOwnedDate") ? kWiki : 0) |
                              (owner ? 0 : kDeletedAuthor));
}

}  // namespace

std::optional<std::string> read_post(const Row& row, PostRecord& post) {
  const auto id = read_id(row, "Id");
  if (!id) return row.has("Problem") ? row.text("Problem") : bad("Id", row);  // Problem: of JSON lines
  const auto type = row.number_of("PostTypeId");
  if (!type) return bad("PostTypeId", row);
  post = {};
  post.id = post.question = *id;
  post.topic = kNoTopic;
  post.kind = kind_of(*type);
  if (post.kind == PostKind::kOther) return std::nullopt;
  const auto score = row.number_of("Score");
  if (!score || *score != static_cast<int32_t>(*score)) return bad("Score", row);
  const auto created = parse_date(row.raw("CreationDate").value_or(""));
  if (!created) return bad("CreationDate", row);
  if (!row.has("Body")) return bad("Body", row);
  if (post.kind == PostKind::kAnswer) {
    const auto parent = read_id(row, "ParentId");
    if (!parent) return bad("ParentId", row);
    post.question = *parent;
  }
  post.score = static_cast<int32_t>(*score);
  post.created_ms = *created;
  post.edited_ms = std::max(*created, parse_date(row.raw("LastEditDate").value_or("")).value_or(*created));
  if (post.kind == PostKind::kQuestion) post.accepted = read_id(row, "AcceptedAnswerId").value_or(0);
  const int64_t views = row.number_of("ViewCount").value_or(0);
  post.views = static_cast<uint32_t>(std::min<int64_t>(std::max<int64_t>(views, 0), UINT32_MAX));
  post.flags = flags_of(row);
  return std::nullopt;
}

std::optional<int64_t> parse_date(std::string_view text) {
  if (text.size() < 10) return std::nullopt;
  const auto day = parse_day(text);
  if (!day || text.size() == 10) return day;
  if (text[10] != 'T' || text.size() < 19) return std::nullopt;
  const auto time = parse_time(text.substr(11));
  if (!time) return std::nullopt;
  return *day + *time;
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

std::vector<std::string> parse_tags(std::string_view text) {
  std::vector<std::string> tags;
  while (!text.empty()) {
    const size_t begin = text.find_first_not_of("<>|");
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const size_t end = std::min(text.find_first_of("<>|"), text.size());
    tags.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return tags;
}

std::string licence_of(int64_t edited_ms) {
  static const int64_t third = *parse_date("2011-04-08"), fourth = *parse_date("2018-05-02");
  return edited_ms < third ? "CC BY-SA 2.5" : edited_ms < fourth ? "CC BY-SA 3.0" : "CC BY-SA 4.0";
}

}  // namespace hre::stackexchange
