#pragma once
/// A post of a dump as numbers, and the small grammars of its attributes: dates, tags, licences.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/dates.h"
#include "stackexchange/rows.h"

namespace hre::stackexchange {

enum class PostKind : uint8_t { kQuestion, kAnswer, kOther };

enum PostFlag : uint8_t {
  kClosed = 1,         ///< it has a ClosedDate
  kWiki = 2,           ///< it has a CommunityOwnedDate
  kDeletedAuthor = 4,  ///< it has no OwnerUserId
  kLocked = 8,         ///< by PostHistory.xml
  kAccepted = 16,      ///< an answer that its question's asker accepted
};

/// The data that filters of votes, dates and marks need; 56 bytes, kept in intermediate files.
struct PostRecord {
  int64_t created_ms = 0;  ///< since 1970, UTC
  int64_t edited_ms = 0;   ///< the last edit; if there is none, created_ms
  uint32_t id = 0;
  uint32_t question = 0;      ///< for a question, its own id
  int32_t score = 0;          ///< upvotes minus downvotes
  uint32_t up = 0, down = 0;  ///< from Votes.xml
  uint32_t before_edit = 0;   ///< ... of them, cast before the day of the last edit, on another text
  uint32_t views = 0;
  uint32_t accepted = 0;  ///< of a question: the answer that the asker accepted; 0: none
  uint16_t topic = 0;     ///< of a question; kNoTopic if no topic wants it
  PostKind kind = PostKind::kOther;
  uint8_t flags = 0;
  uint32_t unused = 0;
};
static_assert(sizeof(PostRecord) == 56);

inline constexpr uint16_t kNoTopic = 0xFFFF;

/// Ids from here on are no posts of a site: its dump holds posts that Stack Exchange made up (question 1000000001 and
/// answer 1000000010 of user -1), to recognise copies. The largest site counts its posts in tens of millions.
inline constexpr uint32_t kFirstFabricated = 1'000'000'000;

/// Reads a row of Posts.xml, except topic and votes; otherwise says what is missing or malformed.
std::optional<std::string> read_post(const TableRow& row, PostRecord& post);

/// "2016-08-02T15:39:14.947" or "2016-08-02" (core/dates.h) as milliseconds since 1970; nothing if it is not a date.
std::optional<int64_t> parse_date(std::string_view text);

/// Parses tags as dumps write them, "<c++><templates>" or "|c++|templates|".
std::vector<std::string> parse_tags(std::string_view text);

/// The licence of a post by the day of its last edit: CC BY-SA 2.5 before 2011-04-08, 3.0 before 2018-05-02, 4.0 since
/// then.
std::string licence_of(int64_t edited_ms);

}  // namespace hre::stackexchange
