#include "stackexchange/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "core/hashing.h"
#include "core/text.h"
#include "stackexchange/card.h"
#include "stackexchange/choose.h"
#include "stackexchange/fates.h"
#include "stackexchange/judge.h"
#include "stackexchange/language.h"
#include "stackexchange/near_duplicates.h"
#include "stackexchange/texts.h"
#include "stackexchange/work_folder.h"

namespace hre::stackexchange {
namespace {

// A question that passed all filters and waits for the draw.
struct Candidate {
  uint64_t key;     // its place in the draw
  uint64_t offset;  // of the question's measures, itself and its chosen answers, in the site's file
  uint32_t site;
  uint32_t id;
  uint32_t passing;  // number of answers that passed
  uint32_t chosen;   // number of answers in the file
};

// A post with the data that the draw needs.
struct Chosen {
  PostRecord post;
  TextRecord text;
};

class Builder {
 public:
  Builder(const Recipe& recipe, const std::vector<Dump>& dumps, const BuildOptions& options, const BuildSink& sink,
          ProgressListener& progress, std::stop_token stop)
      : recipe_(recipe),
        dumps_(dumps),
        options_(options),
        sink_(sink),
        progress_(progress),
        stop_(std::move(stop)),
        fates_(options.why),
        candidates_(recipe.topics.size()) {
    for (const Topic& topic : recipe.topics) {
      TopicReport report;
      report.topic = topic.name;
      report_.topics.push_back(std::move(report));
    }
  }

  Result<BuildReport> run() {
    for (uint32_t site = 0; site < dumps_.size(); ++site) {
      if (Status status = read_site(site); !status) return forward(status);
    }
    for (size_t topic = 0; topic < recipe_.topics.size() && !options_.census; ++topic) {
      if (Status status = draw(topic); !status) return forward(status);
    }
    if (options_.known) report_.known = options_.known->description();
    report_.fates = fates_.lines();
    return std::move(report_);
  }

 private:
  struct Site {
    WorkFile texts, chosen;  // set aside until the draw: there may be more sites than files may be open
  };

  [[nodiscard]] std::vector<TopicRule> rules_of(const std::string& site) const {
    std::vector<TopicRule> rules;
    for (size_t i = 0; i < recipe_.topics.size(); ++i) {
      const Topic& topic = recipe_.topics[i];
      for (const Source& source : topic.sources) {
        if (source.site != site) continue;
        rules.push_back({static_cast<uint16_t>(i), source.tags.empty() ? topic.tags : source.tags, topic.not_tags});
      }
    }
    return rules;
  }

  Status read_site(uint32_t number) {
    const Dump& dump = dumps_[number];
    ReadOptions read = options_.read;
    read.need_locks = std::any_of(recipe_.topics.begin(), recipe_.topics.end(), [](const Topic& topic) {
      return ((topic.question.drop | topic.answer.drop) & kDropLocked) != 0;
    });
    site_topics_.clear();
    for (const Topic& topic : recipe_.topics) site_topics_.push_back(topic_of_site(topic, dump.site));
    const std::string folder = work_folder_of(options_.work, dump.site);
    Result<SiteIndex> index = index_site(dump, rules_of(dump.site), read, folder, progress_, stop_);
    if (!index) return forward(index);
    IdSet wanted;
    if (Status status = want(number, *index, wanted); !status) return status;
    Result<SiteTexts> texts = read_texts(dump, wanted, text_options(), read, folder, key_of(*index), progress_, stop_);
    if (!texts) return forward(texts);
    Result<WorkFile> chosen = WorkFile::create(folder + "/chosen");
    if (!chosen) return forward(chosen);
    const bool texts_reused = texts->reused;
    sites_.push_back({std::move(texts->texts), std::move(*chosen)});
    if (Status status = choose(number, *index, texts->records); !status) return status;
    sites_.back().texts.set_aside();
    sites_.back().chosen.set_aside();
    report_.sites.push_back({dump.site, dump.is_jsonl(), std::move(index->counts), index->reused, texts_reused});
    return {};
  }

  [[nodiscard]] TextOptions text_options() const {
    const bool tell = std::any_of(recipe_.topics.begin(), recipe_.topics.end(), [](const Topic& topic) {
      return !topic.question.languages.empty() || !topic.answer.languages.empty() || !topic.site_languages.empty();
    });
    return {recipe_.code, recipe_.text, tell};
  }

  [[nodiscard]] std::string key_of(const SiteIndex& index) const {
    ContentHash hash;
    for (const std::string& part : {std::string(kTextRules), std::string(kFilterRules), language_data(), index.key,
                                    index.counts.posts_hash, format_recipe(recipe_)}) {
      hash.add_field(part);
    }
    return hash.value();
  }

  // Collects the posts whose texts are needed for a decision.
  Status want(uint32_t site, SiteIndex& index, IdSet& wanted) {
    for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
      auto posts = index.posts.load(bucket);
      if (!posts) return forward(posts);
      for (const PostGroup& group : split_groups(*posts)) {
        if (group.question == nullptr) {
          if (Status status = meet_orphans(site, group, index.counts); !status) return status;
        }
        if (group.question == nullptr || group.question->topic == kNoTopic) continue;
        const Verdict verdict = first_look(recipe_, recipe_.topics[group.question->topic], group);
        if (verdict.question != Reason::kNone) continue;
        wanted.insert(group.question->id);
        for (const size_t i : verdict.passing()) wanted.insert(group.answers[i].id);
      }
    }
    return {};
  }

  // Counts answers whose question is missing.
  Status meet_orphans(uint32_t site, const PostGroup& group, SiteCounts& counts) const {
    counts.orphans += static_cast<int64_t>(group.answers.size());
    if (!options_.read.rows.strict) return {};
    const PostRecord& answer = group.answers.front();
    return input_error(fmt::format("answer {} belongs to question {}, which is missing", answer.id, answer.question),
                       place_of_post(dumps_[site], answer.id, 1, stop_), "without ‹strict› the answer is left out");
  }

  Status choose(uint32_t site, const SiteIndex& index, const Buckets<TextRecord>& texts_of) {
    for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
      if (stop_.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");
      auto posts = index.posts.load(bucket);
      if (!posts) return forward(posts);
      auto records = texts_of.load(bucket);
      if (!records) return forward(records);
      const TextsById texts(std::move(*records));
      for (const PostGroup& group : split_groups(*posts)) {
        if (Status status = judge(site, group, texts, index.counts.last_ms); !status) return status;
      }
    }
    return {};
  }

  Status judge(uint32_t site, const PostGroup& group, const TextsById& texts, int64_t end_ms) {
    if (group.question == nullptr || group.question->topic == kNoTopic) {
      fates_.tell_outside(dumps_[site].site, group);
      return {};
    }
    const Topic& topic = site_topics_[group.question->topic];
    Verdict verdict = first_look(recipe_, topic, group);
    if (verdict.question == Reason::kNone && !second_look(recipe_, topic, group, texts, verdict)) {
      return input_error("the dump changed while hre was reading it", dumps_[site].path, "run the command again");
    }
    Funnel& funnel = report_.topics[group.question->topic].funnel;
    std::vector<size_t> chosen;
    if (verdict.question == Reason::kNone) {
      chosen = choose_from(site, group, verdict.passing());
      verdict.question =
          chosen.empty() ? Reason::kLater : judge_chosen(topic.question, recipe_.label, picked(group.answers, chosen));
    }
    count(group, verdict, funnel);
    if (options_.census) {
      const std::string month = format_date(group.question->created_ms).substr(0, 7);
      ++report_.topics[group.question->topic].months[month][static_cast<size_t>(verdict.question)];
    }
    if (verdict.question == Reason::kNone) {
      if (Status kept = keep(site, group, texts, verdict, chosen, end_ms); !kept) return kept;
      funnel.answers_not_chosen += static_cast<int64_t>(verdict.passing().size() - chosen.size());
    }
    fates_.tell_judged(dumps_[site].site, topic, group, verdict, chosen);
    return {};
  }

  // The indices of the chosen answers.
  std::vector<size_t> choose_from(uint32_t site, const PostGroup& group, const std::vector<size_t>& passing) const {
    std::vector<PostRecord> answers = picked(group.answers, passing);
    for (PostRecord& answer : answers) answer.score = label_of(recipe_.label, answer);
    std::vector<size_t> chosen =
        choose_answers(recipe_.choose, static_cast<size_t>(recipe_.answers), recipe_.seed, dumps_[site].site, answers);
    for (size_t& i : chosen) i = passing[i];
    return chosen;
  }

  static AnswerMeasures measure_some(const PostGroup& group, const TextsById& texts, const std::vector<size_t>& at,
                                     int64_t end_ms) {
    const std::vector<PostRecord> answers = picked(group.answers, at);
    std::vector<uint32_t> lengths;
    for (const PostRecord& answer : answers) lengths.push_back(texts.find(answer.id)->length);
    return measure(*group.question, answers, lengths, end_ms);
  }

  // Stores the question for the draw.
  Status keep(uint32_t site, const PostGroup& group, const TextsById& texts, const Verdict& verdict,
              const std::vector<size_t>& chosen, int64_t end_ms) {
    const QuestionMeasures measures = {measure(*group.question, group.answers, {}, end_ms),
                                       measure_some(group, texts, verdict.passing(), end_ms),
                                       measure_some(group, texts, chosen, end_ms)};
    Result<uint64_t> offset = sites_[site].chosen.append({reinterpret_cast<const char*>(&measures), sizeof measures});
    if (!offset) return forward(offset);
    std::vector<Chosen> posts = {{*group.question, *texts.find(group.question->id)}};
    for (const size_t i : chosen) posts.push_back({group.answers[i], *texts.find(group.answers[i].id)});
    Result<uint64_t> written =
        sites_[site].chosen.append({reinterpret_cast<const char*>(posts.data()), posts.size() * sizeof(Chosen)});
    if (!written) return forward(written);
    const uint32_t id = group.question->id;
    candidates_[group.question->topic].push_back({draw_key(recipe_.seed, dumps_[site].site, id), *offset, site, id,
                                                  static_cast<uint32_t>(verdict.passing().size()),
                                                  static_cast<uint32_t>(chosen.size())});
    return {};
  }

  Status draw(size_t number) {
    std::vector<Candidate>& all = candidates_[number];
    std::sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
      return std::tie(a.key, a.site, a.id) < std::tie(b.key, b.site, b.id);
    });
    const Topic& topic = recipe_.topics[number];
    Funnel& funnel = report_.topics[number].funnel;
    progress_.begin("drawing " + topic.name, static_cast<int64_t>(all.size()), "questions", 0);
    int64_t done = 0;
    for (const Candidate& candidate : all) {
      if (stop_.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");
      Result<Reason> reason = topic.questions > 0 && funnel.taken_questions == topic.questions
                                  ? Reason::kNotDrawn
                                  : take(number, candidate);
      if (!reason) return forward(reason);
      if (*reason != Reason::kNone) leave_out(funnel, candidate, *reason);
      ++done;
      progress_.advance(done, static_cast<double>(done));
    }
    progress_.end();
    all = {};
    return {};
  }

  void leave_out(Funnel& funnel, const Candidate& candidate, Reason reason) {
    ++funnel.questions_removed[static_cast<size_t>(reason)];
    funnel.answers_with_question += candidate.passing;
    funnel.answers_not_chosen -= candidate.passing - candidate.chosen;
    if (reason == Reason::kNotDrawn) {
      fates_.tell_draw(dumps_[candidate.site].site, candidate.id, "not drawn: enough questions were drawn before");
    }
  }

  Result<Reason> take(size_t number, const Candidate& candidate) {
    const Site& site = sites_[candidate.site];
    QuestionMeasures measures;
    std::vector<Chosen> posts(candidate.chosen + 1);
    Status status = site.chosen.read(candidate.offset, reinterpret_cast<char*>(&measures), sizeof measures);
    if (!status) return forward(status);
    status = site.chosen.read(candidate.offset + sizeof measures, reinterpret_cast<char*>(posts.data()),
                              posts.size() * sizeof(Chosen));
    if (!status) return forward(status);
    std::vector<TakenPost> taken;
    for (const Chosen& post : posts) {
      Result<PostTexts> texts = load_texts(site.texts, post.text);
      if (!texts) return forward(texts);
      taken.push_back({post.post, post.text, std::move(*texts)});
    }
    const std::string& name = dumps_[candidate.site].site;
    if (shares_known_words(taken)) {
      fates_.tell_draw(name, candidate.id, "shares 13 words in a row with known texts");
      return Reason::kKnown;
    }
    if (const auto twin = find_twin(taken.front().texts.text)) {
      fates_.tell_draw(name, candidate.id, "nearly the same as " + *twin + ", which was taken earlier");
      return Reason::kDuplicate;
    }
    TopicReport& report = report_.topics[number];
    const std::string id = positional_id(report.topic, report.funnel.taken_questions);
    fates_.tell_draw(name, candidate.id, "taken as " + id);
    if (recipe_.near_duplicates > 0) taken_ids_.push_back(id);
    add_to_report(report_.sites[candidate.site], recipe_.label, taken, report);
    report.all.add(measures.all);
    report.passing.add(measures.passing);
    report.chosen.add(measures.chosen);
    if (status = sink_(as_question(id, report.topic, taken),
                       metadata_line(id, report.topic, report_.sites[candidate.site], recipe_.label, taken));
        !status)
      return forward(status);
    return Reason::kNone;
  }

  [[nodiscard]] bool shares_known_words(const std::vector<TakenPost>& posts) const {
    return options_.known != nullptr && std::ranges::any_of(posts, [&](const TakenPost& post) {
             return options_.known->share_a_run(post.texts.text);
           });
  }

  std::optional<std::string> find_twin(const std::string& text) {
    if (recipe_.near_duplicates <= 0) return std::nullopt;
    if (!near_) near_.emplace(recipe_.near_duplicates);
    const auto found = near_->find_or_add(text);
    if (!found) return std::nullopt;
    return taken_ids_[*found];
  }

  [[nodiscard]] Question as_question(const std::string& id, const std::string& topic,
                                     const std::vector<TakenPost>& posts) const {
    Question question{id, topic, posts.front().texts.text, {}};
    for (size_t i = 1; i < posts.size(); ++i)
      question.answers.push_back({posts[i].texts.text, static_cast<double>(label_of(recipe_.label, posts[i].post))});
    return question;
  }

  const Recipe& recipe_;
  const std::vector<Dump>& dumps_;
  const BuildOptions& options_;
  const BuildSink& sink_;
  ProgressListener& progress_;
  std::stop_token stop_;
  Fates fates_;
  std::vector<Topic> site_topics_;                  // the recipe's, as they are for the site that is read
  std::vector<std::vector<Candidate>> candidates_;  // by topic
  std::vector<Site> sites_;
  std::optional<NearDuplicates> near_;
  std::vector<std::string> taken_ids_;
  BuildReport report_;
};

// Checks that the folder has all sites that must be found there; all missing sites are reported at once.
Status check_dumps(const Recipe& recipe, const std::string& folder) {
  std::vector<std::string> missing;
  for (const Topic& topic : recipe.topics) {
    for (const Source& source : topic.sources) {
      if (!source.path.empty()) continue;
      if (folder.empty()) {
        return input_error("no path is given for " + source.site + " of topic " + topic.name, "",
                           "give the folder of the dumps with ‹dumps› FOLDER, or ‹topic› " + topic.name + "=PATH");
      }
      const bool told = std::find(missing.begin(), missing.end(), source.site) != missing.end();
      if (!told && !path_of_dump(folder, source.site)) missing.push_back(source.site);
    }
  }
  if (missing.empty()) return {};
  return input_error("no dump of " + join(missing), folder, "put SITE/, SITE.7z or SITE-Posts.7z there for each");
}

}  // namespace

Result<std::vector<Dump>> open_dumps(Recipe& recipe, const std::string& folder) {
  if (Status status = check_dumps(recipe, folder); !status) return forward(status);
  std::vector<Dump> dumps;
  for (Topic& topic : recipe.topics) {
    for (Source& source : topic.sources) {
      Result<Dump> dump = open_dump(
          source.path.empty() ? path_of_dump(folder, source.site).value_or(folder) : source.path, source.site);
      if (!dump) return forward(dump);
      source.site = dump->site;
      const auto known = std::find_if(dumps.begin(), dumps.end(), [&](const Dump& d) { return d.site == dump->site; });
      if (known == dumps.end()) {
        dumps.push_back(std::move(*dump));
      } else if (known->path != dump->path) {
        return input_error(fmt::format("{} is given twice, also as {}", dump->site, known->path), dump->path,
                           "give only one of them");
      }
    }
  }
  return dumps;
}

Result<BuildReport> build_dataset(const Recipe& recipe, const std::vector<Dump>& dumps, const BuildOptions& options,
                                  const BuildSink& sink, ProgressListener& progress, std::stop_token stop) {
  return Builder(recipe, dumps, options, sink, progress, std::move(stop)).run();
}

}  // namespace hre::stackexchange
