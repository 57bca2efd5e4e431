#include "stackexchange/index.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tuple>
#include <unordered_map>

#include "core/files.h"
#include "core/hashing.h"

namespace hre::stackexchange {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SiteCounts, rows, skipped, cleaned, questions, answers, others, last_ms, orphans,
                                   repeated, fabricated, votes, dated_votes, skipped_votes, skipped_history, has_votes,
                                   has_history, truncated, posts_hash, problems)

namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "hre-index/4";

struct VoteRecord {
  uint32_t post;
  uint32_t up : 1;    // otherwise down
  uint32_t day : 31;  // since 1970; 0 if it is not known
};
static_assert(sizeof(VoteRecord) == 8);

// Passes bytes through and adds them to a hash.
class HashedSource final : public ByteSource {
 public:
  HashedSource(ByteSource& inner, ContentHash& hash) : inner_(inner), hash_(hash) {}
  Result<size_t> read(char* to, size_t n) override {
    Result<size_t> got = inner_.read(to, n);
    if (got) hash_.add_bytes({to, *got});
    return got;
  }

 private:
  ByteSource& inner_;
  ContentHash& hash_;
};

bool is_post_id(int64_t id) { return id >= 1 && id <= UINT32_MAX; }

// One reading of a site's dump: its output files and its counts.
class Indexer {
 public:
  Indexer(const Dump& dump, const std::vector<TopicRule>& rules, const ReadOptions& options, std::string folder,
          ProgressListener& progress, std::stop_token stop)
      : dump_(dump),
        rules_(rules),
        options_(options),
        folder_(std::move(folder)),
        progress_(progress),
        stop_(std::move(stop)) {
    tags_matter_ = std::any_of(rules.begin(), rules.end(),
                               [](const TopicRule& r) { return !r.tags.empty() || !r.not_tags.empty(); });
  }

  Result<SiteIndex> run() {
    auto posts = Buckets<PostRecord>::create(folder_ + "/posts");
    auto votes = Buckets<VoteRecord>::create(folder_ + "/votes");
    auto groups = Buckets<PostRecord>::create(folder_ + "/groups");
    if (!posts) return forward(posts);
    if (!votes) return forward(votes);
    if (!groups) return forward(groups);
    if (Status status = read_all(*posts, *votes); !status) return forward(status);
    if (Status status = join(*posts, *votes, *groups); !status) return forward(status);
    if (Status status = groups->finish(); !status) return forward(status);
    std::error_code ignored;
    std::filesystem::remove(folder_ + "/posts", ignored);
    std::filesystem::remove(folder_ + "/votes", ignored);
    counts_.posts_hash = hash_.value();
    return SiteIndex{std::move(counts_), std::move(*groups), {}, false};
  }

 private:
  Status read_all(Buckets<PostRecord>& posts, Buckets<VoteRecord>& votes) {
    std::vector<Table> wanted = {Table::kPosts, Table::kVotes};
    if (options_.need_locks) wanted.push_back(Table::kPostHistory);
    const auto visit = [&](const TableFile& table, ByteSource& bytes) {
      if (table.table == Table::kPosts) return read_posts(table, bytes, posts);
      return table.table == Table::kVotes ? read_votes(table, bytes, votes) : read_history(table, bytes);
    };
    Status status = visit_tables(dump_, wanted, visit, stop_);
    if (!status) return status;
    if (status = posts.flush(); !status) return status;
    return votes.flush();
  }

  Status read_posts(const TableFile& table, ByteSource& bytes, Buckets<PostRecord>& posts) {
    HashedSource hashed(bytes, hash_);
    auto counts =
        read_table(table, hashed, options_, progress_, stop_, [&](const TableRow& row) { return post(row, posts); });
    if (!counts) return forward(counts);
    counts_.rows = counts->rows;
    counts_.skipped = counts->skipped;
    counts_.cleaned = counts->cleaned;
    if (counts->truncated) counts_.truncated.emplace_back("Posts.xml");
    counts_.problems.insert(counts_.problems.end(), counts->problems.begin(), counts->problems.end());
    return {};
  }

  Result<std::optional<std::string>> post(const TableRow& row, Buckets<PostRecord>& posts) {
    PostRecord record;
    if (auto problem = read_post(row, record)) return problem;
    if (record.kind == PostKind::kOther) {
      ++counts_.others;
      return std::optional<std::string>();
    }
    if (record.id >= kFirstFabricated) {
      ++counts_.fabricated;
      return std::optional<std::string>();
    }
    ++(record.kind == PostKind::kQuestion ? counts_.questions : counts_.answers);
    counts_.last_ms = std::max(counts_.last_ms, record.created_ms);
    if (record.kind == PostKind::kQuestion) record.topic = topic_of_row(row);
    if (Status status = posts.add(bucket_of(record.id), record); !status) return forward(status);
    return std::optional<std::string>();
  }

  uint16_t topic_of_row(const TableRow& row) const {
    if (!tags_matter_) return topic_of(rules_, {});
    return topic_of(rules_, parse_tags(row.text("Tags").value_or("")));
  }

  Status read_votes(const TableFile& table, ByteSource& bytes, Buckets<VoteRecord>& votes) {
    counts_.has_votes = true;
    auto counts = read_table(
        table, bytes, options_, progress_, stop_, [&](const TableRow& row) -> Result<std::optional<std::string>> {
          constexpr int64_t kUp = 2, kDown = 3;
          const auto type = row.number_of("VoteTypeId"), post = row.number_of("PostId");
          if (!type || !post) return std::optional<std::string>("PostId or VoteTypeId is missing");
          if ((*type != kUp && *type != kDown) || !is_post_id(*post)) return std::optional<std::string>();
          const int64_t ms = std::max<int64_t>(0, parse_date(row.raw("CreationDate").value_or("")).value_or(0));
          const VoteRecord vote{static_cast<uint32_t>(*post), *type == kUp ? 1U : 0U,
                                static_cast<uint32_t>(ms / kMsADay)};
          counts_.dated_votes += vote.day > 0 ? 1 : 0;
          if (Status status = votes.add(bucket_of(vote.post), vote); !status) return forward(status);
          return std::optional<std::string>();
        });
    if (!counts) return forward(counts);
    counts_.votes = counts->rows;
    counts_.skipped_votes = counts->skipped;
    if (counts->truncated) counts_.truncated.emplace_back("Votes.xml");
    counts_.problems.insert(counts_.problems.end(), counts->problems.begin(), counts->problems.end());
    return {};
  }

  // Few posts are locked, so their ids stay in memory.
  Status read_history(const TableFile& table, ByteSource& bytes) {
    counts_.has_history = true;
    auto counts = read_table(table, bytes, options_, progress_, stop_,
                             [&](const TableRow& row) -> Result<std::optional<std::string>> {
                               constexpr int64_t kLockedNow = 14, kUnlocked = 15;
                               const auto type = row.number_of("PostHistoryTypeId"), post = row.number_of("PostId");
                               if (!type || !post)
                                 return std::optional<std::string>("PostId or PostHistoryTypeId is missing");
                               if ((*type == kLockedNow || *type == kUnlocked) && is_post_id(*post)) {
                                 locked_[static_cast<uint32_t>(*post)] = *type == kLockedNow;
                               }
                               return std::optional<std::string>();
                             });
    if (!counts) return forward(counts);
    counts_.skipped_history = counts->skipped;
    if (counts->truncated) counts_.truncated.emplace_back("PostHistory.xml");
    counts_.problems.insert(counts_.problems.end(), counts->problems.begin(), counts->problems.end());
    return {};
  }

  // Adds the votes to the posts and distributes the posts by question.
  Status join(const Buckets<PostRecord>& posts, const Buckets<VoteRecord>& votes, Buckets<PostRecord>& groups) {
    for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
      auto some = posts.load(bucket);
      auto cast = votes.load(bucket);
      if (!some) return forward(some);
      if (!cast) return forward(cast);
      if (Status status = drop_repeated(*some); !status) return status;
      add_votes(*some, *cast);
      for (const PostRecord& post : *some) {
        if (Status status = groups.add(bucket_of(post.question), post); !status) return status;
      }
    }
    return {};
  }

  Status drop_repeated(std::vector<PostRecord>& posts) {
    const auto same = [](const auto& a, const auto& b) { return a.id == b.id; };
    std::stable_sort(posts.begin(), posts.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    const auto first = std::adjacent_find(posts.begin(), posts.end(), same);
    if (first == posts.end()) return {};
    if (options_.rows.strict) {
      return input_error(fmt::format("post {} appears twice", first->id), place_of_post(dump_, first->id, 2, stop_),
                         "without ‹strict› the first is taken");
    }
    const auto end = std::unique(posts.begin(), posts.end(), same);
    counts_.repeated += posts.end() - end;
    posts.erase(end, posts.end());
    return {};
  }

  void add_votes(std::vector<PostRecord>& posts, std::vector<VoteRecord>& votes) const {
    std::sort(votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.post < b.post; });
    auto vote = votes.begin();
    for (PostRecord& post : posts) {
      while (vote != votes.end() && vote->post < post.id) ++vote;
      const int64_t edit_day = post.edited_ms > post.created_ms ? post.edited_ms / kMsADay : 0;
      for (; vote != votes.end() && vote->post == post.id; ++vote) {
        ++(vote->up != 0 ? post.up : post.down);
        post.before_edit += vote->day > 0 && vote->day < edit_day ? 1 : 0;
      }
      const auto lock = locked_.find(post.id);
      if (lock != locked_.end() && lock->second) post.flags |= kLocked;
    }
  }

  const Dump& dump_;
  const std::vector<TopicRule>& rules_;
  const ReadOptions& options_;
  std::string folder_;
  ProgressListener& progress_;
  std::stop_token stop_;
  bool tags_matter_ = false;
  SiteCounts counts_;
  ContentHash hash_;
  std::unordered_map<uint32_t, bool> locked_;
};

// A hash of everything that affects the index.
std::string key_of(const Dump& dump, const std::vector<TopicRule>& rules, const ReadOptions& options) {
  ContentHash hash;
  for (const std::string& part : {std::string(kFormat), dump.site, std::to_string(options.need_locks),
                                  std::to_string(options.rows.strict), std::to_string(options.rows.allow_truncated)}) {
    hash.add_field(part);
  }
  for (const TableFile& table : dump.tables) {
    std::error_code ignored;
    hash.add_field(std::filesystem::weakly_canonical(table.path, ignored).string());
    hash.add_field(fmt::format("{} {} {}", table.entry, table.file_bytes, table.modified_ns));
  }
  for (const TopicRule& rule : rules) {
    hash.add_field(fmt::format("{} {} {}", rule.topic, rule.tags.size(), rule.not_tags.size()));
    for (const std::string& tag : rule.tags) hash.add_field(tag);
    for (const std::string& tag : rule.not_tags) hash.add_field(tag);
  }
  return hash.value();
}

// The index of an earlier build, if it is complete and has this key.
std::optional<SiteIndex> find_index(const std::string& folder, const std::string& key) {
  std::ifstream file(folder + "/index.json");
  const Json json = Json::parse(file, nullptr, false);
  if (!json.is_object() || json.value("key", "") != key) return std::nullopt;
  auto groups = Buckets<PostRecord>::reopen(folder + "/groups");
  if (!groups) return std::nullopt;
  try {
    return SiteIndex{json.at("counts").get<SiteCounts>(), std::move(*groups), key, true};
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

// Written last: its existence says that all other files are complete.
Status save_index(const std::string& folder, const std::string& key, const SiteCounts& counts) {
  const Json index = {{"key", key}, {"counts", counts}};
  return write_file(folder + "/index.json", index.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace

uint16_t topic_of(const std::vector<TopicRule>& rules, const std::vector<std::string>& tags) {
  const auto has = [&](const std::string& tag) { return std::find(tags.begin(), tags.end(), tag) != tags.end(); };
  for (const TopicRule& rule : rules) {
    const bool wanted = rule.tags.empty() || std::any_of(rule.tags.begin(), rule.tags.end(), has);
    if (wanted && std::none_of(rule.not_tags.begin(), rule.not_tags.end(), has)) return rule.topic;
  }
  return kNoTopic;
}

std::vector<PostGroup> split_groups(std::vector<PostRecord>& records) {
  std::sort(records.begin(), records.end(), [](const PostRecord& a, const PostRecord& b) {
    return std::tie(a.question, a.kind, a.id) < std::tie(b.question, b.kind, b.id);
  });
  std::vector<PostGroup> groups;
  for (size_t begin = 0; begin < records.size();) {
    size_t end = begin;
    while (end < records.size() && records[end].question == records[begin].question) ++end;
    const bool has_question = records[begin].kind == PostKind::kQuestion;
    for (size_t i = begin; has_question && i < end; ++i) {
      if (records[i].id == records[begin].accepted) records[i].flags |= kAccepted;
    }
    const size_t first = begin + (has_question ? 1 : 0);
    groups.push_back({has_question ? &records[begin] : nullptr, {records.data() + first, end - first}});
    begin = end;
  }
  return groups;
}

Result<SiteIndex> index_site(const Dump& dump, const std::vector<TopicRule>& rules, const ReadOptions& options,
                             const std::string& folder, ProgressListener& progress, std::stop_token stop) {
  const std::string key = key_of(dump, rules, options);
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) return fail(ErrorCode::kFailed, problem.message(), folder);
  if (std::optional<SiteIndex> found = find_index(folder, key)) return std::move(*found);
  std::filesystem::remove(folder + "/index.json", problem);
  Result<SiteIndex> index = Indexer(dump, rules, options, folder, progress, std::move(stop)).run();
  if (!index) return index;
  if (Status status = save_index(folder, key, index->counts); !status) return forward(status);
  index->key = key;
  return index;
}

}  // namespace hre::stackexchange
