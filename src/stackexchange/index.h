#pragma once
/// The first reading of a site's dump: every post becomes a 56-byte record with its votes, in buckets by the question
/// it belongs to. Distributing twice bounds the memory: first votes and posts by post id, where they are joined,
/// then posts by question. The index depends on the dump and on the tags of topics, but not on filters; a later build
/// reuses it.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/progress.h"
#include "hre/result.h"
#include "stackexchange/blocks.h"
#include "stackexchange/dump.h"
#include "stackexchange/post.h"
#include "stackexchange/tables.h"

namespace hre::stackexchange {

/// A topic's rule: it takes questions with one of `tags` (any question if there are none) and none of `not_tags`.
struct TopicRule {
  uint16_t topic = 0;
  std::vector<std::string> tags, not_tags;
};

/// The topic of the first rule that accepts a question with these tags; kNoTopic if none does.
uint16_t topic_of(const std::vector<TopicRule>& rules, const std::vector<std::string>& tags);

/// What was found in a site's dump.
struct SiteCounts {
  int64_t rows = 0, skipped = 0;  ///< of Posts.xml
  int64_t cleaned = 0;            ///< ... accepted after control characters were removed
  int64_t questions = 0, answers = 0, others = 0;
  int64_t last_ms = 0;      ///< when the last question or answer was posted
  int64_t orphans = 0;      ///< answers whose question is missing
  int64_t repeated = 0;     ///< posts whose id occurred before
  int64_t fabricated = 0;   ///< posts that Stack Exchange made up (kFirstFabricated); they are refused
  int64_t votes = 0;        ///< rows of Votes.xml
  int64_t dated_votes = 0;  ///< ... that are votes for and against, and have a date
  int64_t skipped_votes = 0, skipped_history = 0;
  bool has_votes = false, has_history = false;
  std::vector<std::string> truncated;  ///< names of truncated files
  std::string posts_hash;              ///< of Posts.xml, unpacked
  std::vector<std::string> problems;   ///< the first few skipped rows: place and reason
};

struct SiteIndex {
  SiteCounts counts;
  Buckets<PostRecord> posts;  ///< in buckets by question
  std::string key;            ///< identifies everything that the index depends on
  bool reused = false;
};

/// Reads a dump into `folder`, or reuses the index there if it is for this dump and these rules.
Result<SiteIndex> index_site(const Dump& dump, const std::vector<TopicRule>& rules, const ReadOptions& options,
                             const std::string& folder, ProgressListener& progress, std::stop_token stop);

/// A question with its answers, by id.
struct PostGroup {
  const PostRecord* question = nullptr;
  std::span<const PostRecord> answers;
};

/// Sorts a bucket's records into groups; records without their question form a group without a question.
std::vector<PostGroup> split_groups(std::vector<PostRecord>& records);

}  // namespace hre::stackexchange
