#include "stackexchange/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <tuple>

#include "core/hashing.h"
#include "stackexchange/blocks.h"
#include "stackexchange/card.h"
#include "stackexchange/choose.h"
#include "stackexchange/near_duplicates.h"
#include "stackexchange/texts.h"

namespace hre::stackexchange {
namespace {

// A site's folder of intermediate files; never that of its dump, wherever the user puts them.
std::string work_of(const std::string& work, const std::string& site) { return work + "/" + site + ".index"; }

// A question that passed everything, until it is drawn.
struct Candidate {
  uint64_t key;     // its place in the draw
  uint64_t offset;  // of the question and its chosen answers in the site's file
  uint32_t site;
  uint32_t id;
  uint32_t passing;  // answers that passed
  uint32_t chosen;   // answers in the file
};

// A post as the drawing needs it.
struct Chosen {
  PostRecord post;
  TextRecord text;
};

// What the filters say of a question and each of its answers.
struct Verdict {
  Reason question = Reason::kNone;
  std::vector<Reason> answers;
  bool answers_judged = false;

  [[nodiscard]] std::vector<size_t> passing() const {
    std::vector<size_t> at;
    for (size_t i = 0; i < answers.size(); ++i) {
      if (answers[i] == Reason::kNone) at.push_back(i);
    }
    return at;
  }
};

std::vector<PostRecord> picked(std::span<const PostRecord> posts, const std::vector<size_t>& at) {
  std::vector<PostRecord> some;
  for (const size_t i : at) some.push_back(posts[i]);
  return some;
}

int64_t answers_taken(const Recipe& recipe) { return recipe.choose == Choice::kAll ? 0 : recipe.answers; }

// Before texts are known. Whatever fails here for its answers would fail later as well, with fewer of them.
Verdict first_look(const Recipe& recipe, const Topic& topic, const Group& group) {
  Verdict verdict{judge_question(topic.question, *group.question), std::vector<Reason>(group.answers.size()), false};
  if (verdict.question != Reason::kNone) return verdict;
  verdict.answers_judged = true;
  for (size_t i = 0; i < group.answers.size(); ++i) {
    verdict.answers[i] = judge_answer(topic.answer, group.answers[i], *group.question);
  }
  QuestionFilter filter = topic.question;
  filter.max_answers = QuestionFilter().max_answers;
  verdict.question = judge_answers(filter, answers_taken(recipe), picked(group.answers, verdict.passing()));
  return verdict;
}

// The texts of a bucket by post id; of posts that were there twice, the first.
class TextsById {
 public:
  explicit TextsById(std::vector<TextRecord> records) : records_(std::move(records)) {
    std::stable_sort(records_.begin(), records_.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  }
  [[nodiscard]] const TextRecord* find(uint32_t id) const {
    const auto at =
        std::lower_bound(records_.begin(), records_.end(), id, [](const auto& r, uint32_t i) { return r.id < i; });
    return at == records_.end() || at->id != id ? nullptr : &*at;
  }

 private:
  std::vector<TextRecord> records_;
};

void judge_repeated(const Group& group, const TextsById& texts, Verdict& verdict) {
  std::set<uint64_t> seen;
  for (const size_t i : verdict.passing()) {
    if (!seen.insert(texts.find(group.answers[i].id)->hash).second) verdict.answers[i] = Reason::kRepeated;
  }
}

void judge_lengths(const Group& group, const TextsById& texts, double ratio, Verdict& verdict) {
  const std::vector<size_t> passing = verdict.passing();
  std::vector<uint32_t> lengths;
  for (const size_t i : passing) lengths.push_back(texts.find(group.answers[i].id)->length);
  const std::vector<bool> stays = within_length_ratio(lengths, ratio);
  for (size_t k = 0; k < passing.size(); ++k) {
    if (!stays[k]) verdict.answers[passing[k]] = Reason::kLengthRatio;
  }
}

// With texts. False where a text is missing that the first look asked for.
bool second_look(const Recipe& recipe, const Topic& topic, const Group& group, const TextsById& texts,
                 Verdict& verdict) {
  const TextRecord* question = texts.find(group.question->id);
  if (question == nullptr) return false;
  for (const size_t i : verdict.passing()) {
    const TextRecord* answer = texts.find(group.answers[i].id);
    if (answer == nullptr) return false;
    verdict.answers[i] = judge_text(topic.answer, *answer);
  }
  judge_repeated(group, texts, verdict);
  if (topic.answer.max_length_ratio > 0) judge_lengths(group, texts, topic.answer.max_length_ratio, verdict);
  verdict.question = judge_text(topic.question, *question);
  if (verdict.question != Reason::kNone) return true;
  verdict.question = judge_answers(topic.question, answers_taken(recipe), picked(group.answers, verdict.passing()));
  return true;
}

void count(const Group& group, const Verdict& verdict, Funnel& funnel) {
  ++funnel.questions;
  funnel.answers += static_cast<int64_t>(group.answers.size());
  if (verdict.question != Reason::kNone) ++funnel.questions_removed[static_cast<size_t>(verdict.question)];
  for (const Reason reason : verdict.answers) {
    if (reason != Reason::kNone) {
      ++funnel.answers_removed[static_cast<size_t>(reason)];
    } else if (verdict.question != Reason::kNone) {
      ++funnel.answers_with_question;
    }
  }
}

// Tells the fate of posts that somebody asked about.
class Fates {
 public:
  explicit Fates(const std::vector<std::string>& asked) : asked_(asked), lines_(asked.size()) {}

  void tell(const std::string& site, uint32_t id, const std::string& line) {
    for (size_t i = 0; i < asked_.size(); ++i) {
      if (is(i, site, id)) lines_[i].push_back(fmt::format("{}/{}: {}", site, id, line));
    }
  }

  [[nodiscard]] bool asks(const std::string& site, uint32_t id) const {
    for (size_t i = 0; i < asked_.size(); ++i) {
      if (is(i, site, id)) return true;
    }
    return false;
  }

  // Questions whose draw matters to a post that was asked about.
  void follow(uint32_t site, const Group& group, const std::vector<size_t>& chosen) {
    std::vector<uint32_t> posts;
    for (const size_t i : chosen) posts.push_back(group.answers[i].id);
    followed_[{site, group.question->id}] = std::move(posts);
  }

  void tell_draw(uint32_t site_number, const std::string& site, uint32_t question, const std::string& line) {
    const auto found = followed_.find({site_number, question});
    if (found == followed_.end()) return;
    tell(site, question, line);
    for (const uint32_t answer : found->second) tell(site, answer, "its question: " + line);
  }

  std::vector<std::string> take() {
    std::vector<std::string> all;
    for (size_t i = 0; i < asked_.size(); ++i) {
      if (lines_[i].empty()) all.push_back(asked_[i] + ": no question or answer with this id was read");
      all.insert(all.end(), lines_[i].begin(), lines_[i].end());
    }
    return all;
  }

 private:
  [[nodiscard]] bool is(size_t i, const std::string& site, uint32_t id) const {
    const std::string number = std::to_string(id);
    return asked_[i] == number || asked_[i] == site + "/" + number;
  }

  const std::vector<std::string>& asked_;
  std::vector<std::vector<std::string>> lines_;
  std::map<std::pair<uint32_t, uint32_t>, std::vector<uint32_t>> followed_;
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
    for (size_t topic = 0; topic < recipe_.topics.size(); ++topic) {
      if (Status status = draw(topic); !status) return forward(status);
    }
    report_.fates = fates_.take();
    return std::move(report_);
  }

 private:
  struct Site {
    SiteTexts texts;
    WorkFile chosen;
  };

  [[nodiscard]] std::vector<TopicRule> rules_of(const std::string& site) const {
    std::vector<TopicRule> rules;
    for (size_t i = 0; i < recipe_.topics.size(); ++i) {
      const Topic& topic = recipe_.topics[i];
      const bool feeds =
          std::any_of(topic.sources.begin(), topic.sources.end(), [&](const Source& s) { return s.site == site; });
      if (feeds) rules.push_back({static_cast<uint16_t>(i), topic.tags, topic.not_tags});
    }
    return rules;
  }

  Status read_site(uint32_t number) {
    const Dump& dump = dumps_[number];
    ReadOptions read = options_.read;
    read.need_locks = std::any_of(recipe_.topics.begin(), recipe_.topics.end(), [](const Topic& topic) {
      return ((topic.question.drop | topic.answer.drop) & kDropLocked) != 0;
    });
    const std::string folder = work_of(options_.work, dump.site);
    Result<SiteIndex> index = index_site(dump, rules_of(dump.site), read, folder, progress_, stop_);
    if (!index) return forward(index);
    IdSet wanted;
    if (Status status = want(*index, wanted); !status) return status;
    Result<SiteTexts> texts = read_texts(dump, wanted, text_options(), read, folder, key_of(*index), progress_, stop_);
    if (!texts) return forward(texts);
    Result<WorkFile> chosen = WorkFile::open(folder + "/chosen", false);
    if (!chosen) return forward(chosen);
    const bool texts_reused = texts->reused;
    sites_.push_back({std::move(*texts), std::move(*chosen)});
    if (Status status = choose(number, *index); !status) return status;
    report_.sites.push_back({dump.site, std::move(index->counts), index->reused, texts_reused});
    return {};
  }

  [[nodiscard]] TextOptions text_options() const {
    const bool tell = std::any_of(recipe_.topics.begin(), recipe_.topics.end(), [](const Topic& topic) {
      return !topic.question.languages.empty() || !topic.answer.languages.empty();
    });
    return {recipe_.code, recipe_.text, tell};
  }

  [[nodiscard]] std::string key_of(const SiteIndex& index) const {
    ContentHash hash;
    for (const std::string& part :
         {std::string("hre-texts/1"), index.key, index.counts.posts_hash, format_recipe(recipe_)}) {
      hash.add_field(part);
    }
    return hash.value();
  }

  // The posts whose texts decide.
  Status want(const SiteIndex& index, IdSet& wanted) {
    for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
      auto posts = index.posts.load(bucket);
      if (!posts) return forward(posts);
      for (const Group& group : split_groups(*posts)) {
        if (group.question == nullptr || group.question->topic == kNoTopic) continue;
        const Verdict verdict = first_look(recipe_, recipe_.topics[group.question->topic], group);
        if (verdict.question != Reason::kNone) continue;
        wanted.insert(group.question->id);
        for (const size_t i : verdict.passing()) wanted.insert(group.answers[i].id);
      }
    }
    return {};
  }

  Status choose(uint32_t site, SiteIndex& index) {
    for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
      if (stop_.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");
      auto posts = index.posts.load(bucket);
      if (!posts) return forward(posts);
      auto records = sites_[site].texts.records.load(bucket);
      if (!records) return forward(records);
      const TextsById texts(std::move(*records));
      for (const Group& group : split_groups(*posts)) {
        if (group.question == nullptr) index.counts.orphans += static_cast<int64_t>(group.answers.size());
        if (Status status = judge(site, group, texts); !status) return status;
      }
    }
    return {};
  }

  Status judge(uint32_t site, const Group& group, const TextsById& texts) {
    if (group.question == nullptr || group.question->topic == kNoTopic) {
      tell_outside(site, group);
      return {};
    }
    const Topic& topic = recipe_.topics[group.question->topic];
    Verdict verdict = first_look(recipe_, topic, group);
    if (verdict.question == Reason::kNone && !second_look(recipe_, topic, group, texts, verdict)) {
      return input_error("the dump has changed while it was read", dumps_[site].path, "run this again");
    }
    Funnel& funnel = report_.topics[group.question->topic].funnel;
    count(group, verdict, funnel);
    std::vector<size_t> chosen;
    if (verdict.question == Reason::kNone) {
      Result<std::vector<size_t>> kept = keep(site, group, texts, verdict);
      if (!kept) return forward(kept);
      chosen = std::move(*kept);
      funnel.answers_not_chosen += static_cast<int64_t>(verdict.passing().size() - chosen.size());
    }
    tell_judged(site, topic, group, verdict, chosen);
    return {};
  }

  // Chooses answers and keeps the question for the draw; the chosen answers' positions.
  Result<std::vector<size_t>> keep(uint32_t site, const Group& group, const TextsById& texts, const Verdict& verdict) {
    const std::vector<size_t> passing = verdict.passing();
    const std::string& name = dumps_[site].site;
    std::vector<size_t> chosen = choose_answers(recipe_.choose, static_cast<size_t>(recipe_.answers), recipe_.seed,
                                                name, picked(group.answers, passing));
    std::vector<Chosen> posts = {{*group.question, *texts.find(group.question->id)}};
    for (size_t& i : chosen) {
      i = passing[i];
      posts.push_back({group.answers[i], *texts.find(group.answers[i].id)});
    }
    Result<uint64_t> offset =
        sites_[site].chosen.append({reinterpret_cast<const char*>(posts.data()), posts.size() * sizeof(Chosen)});
    if (!offset) return forward(offset);
    const uint32_t id = group.question->id;
    candidates_[group.question->topic].push_back({draw_key(recipe_.seed, name, id), *offset, site, id,
                                                  static_cast<uint32_t>(passing.size()),
                                                  static_cast<uint32_t>(chosen.size())});
    return chosen;
  }

  void tell_outside(uint32_t site, const Group& group) {
    if (options_.why.empty()) return;
    const std::string& name = dumps_[site].site;
    const bool missing = group.question == nullptr;
    if (!missing) fates_.tell(name, group.question->id, "a question of no topic: none takes its tags");
    for (const PostRecord& answer : group.answers) {
      fates_.tell(name, answer.id,
                  missing ? fmt::format("an answer whose question {} is missing", answer.question)
                          : fmt::format("an answer to {}, which is of no topic", answer.question));
    }
  }

  void tell_judged(uint32_t site, const Topic& topic, const Group& group, const Verdict& verdict,
                   const std::vector<size_t>& chosen) {
    if (options_.why.empty()) return;
    const std::string& name = dumps_[site].site;
    bool asked = fates_.asks(name, group.question->id);
    fates_.tell(name, group.question->id, question_fate(topic, group, verdict));
    for (size_t i = 0; i < group.answers.size(); ++i) {
      asked = asked || fates_.asks(name, group.answers[i].id);
      const bool taken = std::find(chosen.begin(), chosen.end(), i) != chosen.end();
      fates_.tell(name, group.answers[i].id, answer_fate(topic, group.answers[i], verdict, verdict.answers[i], taken));
    }
    if (asked && verdict.question == Reason::kNone) fates_.follow(site, group, chosen);
  }

  static std::string question_fate(const Topic& topic, const Group& group, const Verdict& verdict) {
    const PostRecord& post = *group.question;
    const std::string what = fmt::format("a question of topic {}, score {}, {} votes cast, {} answers read", topic.name,
                                         post.score, votes_cast(post), group.answers.size());
    if (verdict.question != Reason::kNone) return what + "; removed: " + describe(verdict.question);
    return fmt::format("{}; passed with {} answers", what, verdict.passing().size());
  }

  static std::string answer_fate(const Topic& topic, const PostRecord& post, const Verdict& verdict, Reason reason,
                                 bool taken) {
    const std::string what = fmt::format("an answer to {} of topic {}, score {}, {} votes cast; ", post.question,
                                         topic.name, post.score, votes_cast(post));
    if (!verdict.answers_judged) return what + "its question was removed: " + describe(verdict.question);
    if (reason != Reason::kNone) return what + "removed: " + describe(reason);
    if (verdict.question != Reason::kNone)
      return what + "passed, but its question was removed: " + describe(verdict.question);
    return what + (taken ? "chosen" : "passed, but others were chosen");
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
      fates_.tell_draw(candidate.site, dumps_[candidate.site].site, candidate.id, "not drawn: enough were");
    }
  }

  Result<Reason> take(size_t number, const Candidate& candidate) {
    const Site& site = sites_[candidate.site];
    std::vector<Chosen> posts(candidate.chosen + 1);
    Status status =
        site.chosen.read(candidate.offset, reinterpret_cast<char*>(posts.data()), posts.size() * sizeof(Chosen));
    if (!status) return forward(status);
    std::vector<TakenPost> taken;
    for (const Chosen& post : posts) {
      Result<PostTexts> texts = site.texts.load(post.text);
      if (!texts) return forward(texts);
      taken.push_back({post.post, post.text, std::move(*texts)});
    }
    const std::string& name = dumps_[candidate.site].site;
    if (const auto twin = find_twin(taken.front().texts.text)) {
      fates_.tell_draw(candidate.site, name, candidate.id, "nearly the same as " + *twin + ", which was taken before");
      return Reason::kDuplicate;
    }
    TopicReport& report = report_.topics[number];
    const std::string id = positional_id(report.topic, report.funnel.taken_questions);
    fates_.tell_draw(candidate.site, name, candidate.id, "taken as " + id);
    if (recipe_.near_duplicates > 0) taken_ids_.push_back(id);
    add_to_report(name, taken, report);
    if (status = sink_(as_question(id, report.topic, taken),
                       metadata_line(id, report.topic, report_.sites[candidate.site], taken));
        !status)
      return forward(status);
    return Reason::kNone;
  }

  std::optional<std::string> find_twin(const std::string& text) {
    if (recipe_.near_duplicates <= 0) return std::nullopt;
    if (!near_) near_.emplace(recipe_.near_duplicates);
    const auto found = near_->find_or_add(text);
    if (!found) return std::nullopt;
    return taken_ids_[*found];
  }

  static Question as_question(const std::string& id, const std::string& topic, const std::vector<TakenPost>& posts) {
    Question question{id, topic, posts.front().texts.text, {}};
    for (size_t i = 1; i < posts.size(); ++i)
      question.answers.push_back({posts[i].texts.text, static_cast<double>(posts[i].post.score)});
    return question;
  }

  const Recipe& recipe_;
  const std::vector<Dump>& dumps_;
  const BuildOptions& options_;
  const BuildSink& sink_;
  ProgressListener& progress_;
  std::stop_token stop_;
  Fates fates_;
  std::vector<std::vector<Candidate>> candidates_;  // by topic
  std::vector<Site> sites_;
  std::optional<NearDuplicates> near_;
  std::vector<std::string> taken_ids_;
  BuildReport report_;
};

}  // namespace

Result<std::vector<Dump>> open_dumps(Recipe& recipe, const std::string& folder) {
  std::vector<Dump> dumps;
  for (Topic& topic : recipe.topics) {
    for (Source& source : topic.sources) {
      if (source.path.empty() && folder.empty()) {
        return input_error("there is no path for " + source.site + " of topic " + topic.name, "",
                           "say where dumps lie with --dumps FOLDER, or give --topic " + topic.name + "=PATH");
      }
      Result<Dump> dump = source.path.empty() ? find_dump(folder, source.site) : open_dump(source.path, source.site);
      if (!dump) return forward(dump);
      source.site = dump->site;
      const auto known = std::find_if(dumps.begin(), dumps.end(), [&](const Dump& d) { return d.site == dump->site; });
      if (known == dumps.end()) {
        dumps.push_back(std::move(*dump));
      } else if (known->path != dump->path) {
        return input_error(fmt::format("{} is given twice, also as {}", dump->site, known->path), dump->path,
                           "give one of them");
      }
    }
  }
  return dumps;
}

Result<BuildReport> build_dataset(const Recipe& recipe, const std::vector<Dump>& dumps, const BuildOptions& options,
                                  const BuildSink& sink, ProgressListener& progress, std::stop_token stop) {
  return Builder(recipe, dumps, options, sink, progress, std::move(stop)).run();
}

void remove_work(const std::string& work, const std::vector<Dump>& dumps) {
  std::error_code ignored;
  for (const Dump& dump : dumps) {
    const std::string folder = work_of(work, dump.site);
    for (const char* name : {"posts", "votes", "groups", "groups.blocks", "index.json", "records", "records.blocks",
                             "texts", "texts.key", "chosen"}) {
      std::filesystem::remove(folder + "/" + name, ignored);
    }
    std::filesystem::remove(folder, ignored);
  }
  std::filesystem::remove(work, ignored);
}

}  // namespace hre::stackexchange
