#pragma once
/// The folder src/stackexchange: datasets from Stack Exchange dumps and other forums' exports. Start reading here.
///
/// Not here: the dataset formats (src/data), the command's output and messages (src/cli/data_build.cc).
/// Types:    `Recipe` says what to build; `Dump` is a site's tables; `PostRecord` (post.h) is a post as numbers;
///           `Funnel` counts what filters removed.
/// Owners:   a build owns its intermediate files, which lie in the work folder; records are values.
/// Threads:  one thread decides; texts.cc converts HTML on several, and `read_ahead` unpacks on its own. No result
///           depends on their number.
/// To add:   a filter: see `Reason` in filters.h, which lists the places. A source: a `TableReader` (rows.h).

/// Builds datasets from Stack Exchange dumps. Start reading here.
///
///   recipe.h   what to build             dump.h, bytes.h   where dumps are, and their bytes
///   rows.h, tables.h   the rows of a table    post.h      a post as numbers
///   jsonl_posts.h      rows of other forums' JSON lines
///   index.h    first reading: votes, dates, marks of every post
///   texts.h    second reading: texts (html.h) of the posts that passed
///   filters.h, judge.h, choose.h, near_duplicates.h   which posts stay; fates.h   and why
///   card.h     the files beside the questions
///   work_folder.h   where intermediate files lie
///
/// Goals: the same input and recipe give the same bytes, whatever the number of threads or the kind of source; memory
/// does not grow with the dump; the fate of every post can be explained. docs/datasets.md has the rules and the
/// arithmetic. Not a goal: XML in layouts other than Stack Exchange's own.

#include <cstdint>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/dataset.h"
#include "hre/progress.h"
#include "stackexchange/dump.h"
#include "stackexchange/filters.h"
#include "stackexchange/index.h"
#include "stackexchange/known_texts.h"
#include "stackexchange/measures.h"
#include "stackexchange/recipe.h"

namespace hre::stackexchange {

/// Opens the dumps of all topics' sources, each site once, in the order of the recipe, and sets every source's site.
/// Sources without a path are looked for in `folder`.
Result<std::vector<Dump>> open_dumps(Recipe& recipe, const std::string& folder);

struct BuildOptions {
  ReadOptions read;
  std::string work;                   ///< the folder of intermediate files
  bool census = false;                ///< only count the questions of each month: nothing is drawn
  const KnownTexts* known = nullptr;  ///< questions that share words with these texts are left out
  std::vector<std::string> why;       ///< posts whose fate is to be explained: "123" or "SITE/123"
};

/// Receives the questions, topic after topic, each with its line of metadata/questions.jsonl (JSON).
using BuildSink = std::function<Status(const Question& question, const std::string& metadata)>;

struct SiteReport {
  std::string site;
  bool jsonl = false;  ///< not a site of Stack Exchange
  SiteCounts counts;
  bool index_reused = false, texts_reused = false;
};

struct TopicReport {
  std::string topic;
  Funnel funnel;
  std::map<std::string, MonthCounts> months;  ///< of a census, by "2014-01"
  std::vector<int32_t> votes;                 ///< of the chosen answers
  std::vector<uint32_t> question_lengths;     ///< code points
  std::vector<uint32_t> answer_lengths;
  int64_t edited = 0, edited_late = 0;                ///< answers; late: after more than 30 days
  int64_t dated_votes = 0, before_edit = 0;           ///< votes on answers; cast before the last edit
  int64_t of_model_times = 0;                         ///< answers; see machine_text.h
  std::map<std::string, int64_t> machine_phrases;     ///< number of answers by the phrase that they have
  SetMeasures all, passing, chosen;                   ///< see measures.h
  std::map<std::string, int64_t> licences;            ///< number of posts by licence
  std::map<std::string, int64_t> sites;               ///< number of questions by site
  int64_t first_ms = INT64_MAX, last_ms = INT64_MIN;  ///< of the posts taken
};

struct BuildReport {
  std::vector<SiteReport> sites;
  std::vector<TopicReport> topics;
  std::string known;               ///< the description of BuildOptions::known
  std::vector<std::string> fates;  ///< the answers to BuildOptions::why, one line each
};

/// Builds a dataset from a recipe whose dumps are open. Errors: bad input that may not be skipped, lack of space for
/// intermediate files, errors of the sink; kInterrupted if the stop token stopped it. Intermediate files stay in place,
/// for a later build to reuse or for the caller to remove.
Result<BuildReport> build_dataset(const Recipe& recipe, const std::vector<Dump>& dumps, const BuildOptions& options,
                                  const BuildSink& sink, ProgressListener& progress, std::stop_token stop);

}  // namespace hre::stackexchange
