#pragma once
/// The second reading of a site's dump: the texts of the posts that passed the filters on votes, dates and marks. Texts
/// go to one file; the facts that filters need about them go to another, in buckets by question.

#include <functional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "hre/progress.h"
#include "stackexchange/blocks.h"
#include "stackexchange/filters.h"
#include "stackexchange/index.h"

namespace hre::stackexchange {

/// Kept texts are reused under this name alone: raise it if any text or fact about a text comes out differently.
inline constexpr const char* kTextRules = "hre-texts/3";

/// A set of post ids with one bit per id, in pages of 8 KiB that are allocated when needed.
class IdSet {
 public:
  void insert(uint32_t id);
  [[nodiscard]] bool contains(uint32_t id) const;
  [[nodiscard]] int64_t size() const { return size_; }

 private:
  static constexpr uint32_t kPageBits = 16;
  std::unordered_map<uint32_t, std::vector<uint64_t>> pages_;
  int64_t size_ = 0;
};

/// A post's texts as people read them.
struct PostTexts {
  std::string text;  ///< for a question with its title, as the recipe says
  std::string title;
  std::string tags;       ///< as in the dump
  std::string author;     ///< the name, if the dump has it
  std::string author_id;  ///< empty for deleted users
  std::string licence;    ///< as in the dump, or empty
  std::string url;        ///< of JSON lines, or empty
};

struct TextOptions {
  CodeStyle code = CodeStyle::kPlain;
  QuestionText question = QuestionText::kTitleAndBody;
  bool tell_language = false;
};

struct SiteTexts {
  WorkFile texts;
  Buckets<TextRecord> records;  ///< in buckets by question
  bool reused = false;
};

/// From the file of a site's texts.
Result<PostTexts> load_texts(const WorkFile& texts, const TextRecord& record);

/// Reads the texts of the wanted posts into `folder`, or reuses those that are there. `key` must identify everything
/// that decides about `wanted`.
Result<SiteTexts> read_texts(const Dump& dump, const IdSet& wanted, const TextOptions& text, const ReadOptions& options,
                             const std::string& folder, const std::string& key, ProgressListener& progress,
                             std::stop_token stop);

}  // namespace hre::stackexchange
