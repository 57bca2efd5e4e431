#include "stackexchange/post.h"

#include <fmt/format.h>

#include <limits>

namespace hre::stackexchange {
namespace {

std::optional<uint32_t> read_id(const TableRow& row, std::string_view name) {
  const std::optional<int64_t> value = row.number_of(name);
  if (!value || *value < 1 || *value > std::numeric_limits<uint32_t>::max()) return std::nullopt;
  return static_cast<uint32_t>(*value);
}

std::string bad(std::string_view name, const TableRow& row) {
  if (!row.has(name)) return fmt::format("{} is missing", name);
  return fmt::format("{}=\"{:.40}\" is not valid", name, *row.raw(name));
}

PostKind kind_of(int64_t type) {
  return type == 1 ? PostKind::kQuestion : type == 2 ? PostKind::kAnswer : PostKind::kOther;
}

uint8_t flags_of(const TableRow& row) {
  const bool owner = !row.raw("OwnerUserId").value_or("").empty();
  return static_cast<uint8_t>((row.has("ClosedDate") ? kClosed : 0) | (row.has("CommunityOwnedDate") ? kWiki : 0) |
                              (owner ? 0 : kDeletedAuthor) | (row.has("Accepted") ? kAccepted : 0));
}

}  // namespace

std::optional<std::string> read_post(const TableRow& row, PostRecord& post) {
  const auto id = read_id(row, "Id");
  if (!id) return bad("Id", row);
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
  constexpr size_t kDay = 10;  // of characters: a year or a month alone says too little
  const auto period = text.size() < kDay ? std::nullopt : parse_period(text);
  return period ? std::optional(period->begin_ms) : std::nullopt;
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
  if (edited_ms < third) return "CC BY-SA 2.5";
  return edited_ms < fourth ? "CC BY-SA 3.0" : "CC BY-SA 4.0";
}

}  // namespace hre::stackexchange
