#include "stackexchange/card.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/hashing.h"
#include "core/text.h"
#include "stackexchange/machine_text.h"

namespace hre::stackexchange {
namespace {

using Json = nlohmann::ordered_json;

std::string licence(const TakenPost& post) {
  return post.texts.licence.empty() ? licence_of(post.post.edited_ms) : post.texts.licence;
}

Json optional_text(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

// Metadata that questions and answers have in common.
void add_post(const TakenPost& taken, const SiteReport& report, bool is_question, Json& json) {
  const std::string& site = report.site;
  const PostRecord& post = taken.post;
  const std::string& author = taken.texts.author_id;
  json["post_id"] = post.id;
  json["url"] = report.jsonl ? optional_text(taken.texts.url)
                             : Json(fmt::format("https://{}/{}/{}", site, is_question ? "q" : "a", post.id));
  json["author"] = optional_text(taken.texts.author);
  json["author_id"] = optional_text(author);
  json["author_url"] =
      author.empty() || report.jsonl ? Json(nullptr) : Json(fmt::format("https://{}/users/{}", site, author));
  json["created"] = format_date(post.created_ms);
  json["edited"] = post.edited_ms > post.created_ms ? Json(format_date(post.edited_ms)) : Json(nullptr);
  json["licence"] = licence(taken);
  json["votes"] = post.score;
  json["up"] = report.counts.has_votes ? Json(post.up) : Json(nullptr);
  json["down"] = report.counts.has_votes ? Json(post.down) : Json(nullptr);
  json["votes_before_edit"] = report.counts.dated_votes > 0 ? Json(post.before_edit) : Json(nullptr);
  json["length"] = taken.text.length;
}

template <class T>
std::string spread_of(std::vector<T> values) {
  if (values.empty()) return "-";
  std::sort(values.begin(), values.end());
  return fmt::format("{} / {} / {}", values.front(), values[values.size() / 2], values.back());
}

std::string statistics(const BuildReport& report) {
  std::string text =
      "| topic | questions | answers | votes per answer: minimum / median / maximum | length of question | length of "
      "answer "
      "| posted |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const TopicReport& topic : report.topics) {
    const std::string dates =
        topic.funnel.taken_questions == 0
            ? "-"
            : fmt::format("{:.10} to {:.10}", format_date(topic.first_ms), format_date(topic.last_ms));
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", topic.topic, topic.funnel.taken_questions,
                        topic.funnel.taken_answers, spread_of(topic.votes), spread_of(topic.question_lengths),
                        spread_of(topic.answer_lengths), dates);
  }
  return text;
}

std::string licences(const BuildReport& report) {
  std::map<std::string, int64_t> all;
  for (const TopicReport& topic : report.topics) {
    for (const auto& [name, n] : topic.licences) all[name] += n;
  }
  std::string text;
  for (const auto& [name, n] : all) text += fmt::format("- {}: {} posts\n", name, n);
  return text;
}

std::string sources(const BuildReport& report) {
  std::string text;
  for (const SiteReport& site : report.sites) text += "- " + format_site(site) + "\n";
  return text;
}

std::string freshness(const BuildReport& report) {
  int64_t answers = 0, of_model_times = 0;
  std::map<std::string, int64_t> phrases;
  for (const TopicReport& topic : report.topics) {
    answers += topic.funnel.taken_answers;
    of_model_times += topic.of_model_times;
    for (const auto& [phrase, n] : topic.machine_phrases) phrases[phrase] += n;
  }
  std::string text =
      of_model_times == 0
          ? fmt::format(
                "None of {} was posted or edited since 2022-12-01, when chat models came into general use\n"
                "(`since_2022_12` in the metadata). ",
                counted(answers, "answer"))
          : fmt::format(
                "{} of {} {} posted or edited since 2022-12-01, when chat models came into general use: language "
                "models may\nhave written {} (`since_2022_12` in the metadata). ",
                of_model_times, counted(answers, "answer"), of_model_times == 1 ? "was" : "were",
                of_model_times == 1 ? "it" : "some of them");
  text += phrases.empty()
              ? "No answer has a phrase that is typical of chat models.\n"
              : "Answers with a phrase that is typical of chat models\n(`machine_phrase`; a hint, no proof):\n\n";
  for (const auto& [phrase, n] : phrases) text += fmt::format("- \"{}\": {}\n", phrase, n);
  if (!report.known.empty()) {
    text += "\nNo question or answer shares a run of 13 words with " + flat(report.known) + ".\n";
  }
  return text;
}

std::string biases(const BuildReport& report) {
  SetMeasures all, passing, chosen;
  for (const TopicReport& topic : report.topics) {
    all.add(topic.all);
    passing.add(topic.passing);
    chosen.add(topic.chosen);
  }
  return "Votes follow quality, and also when an answer was posted and how long it is. The shares of the votes' "
         "variance\n"
         "within questions that one slope explains; pairs of answers with different votes in which the later one has "
         "more;\n"
         "questions whose accepted answer has the most votes. In brackets: 95 % intervals, where there are enough "
         "questions;\n"
         "by chance: if dates, or acceptance, had nothing to do with votes.\n\n" +
         format_measures(all, passing, chosen) +
         "\nVoters are those who read these sites: they choose what they read, see the votes cast before, and are no "
         "sample\nof any population.\n";
}

// A text to search training data for. It follows from the dumps and the recipe, so that a build can be repeated.
std::string canary(const Recipe& recipe, const BuildReport& report) {
  ContentHash hash;
  hash.add_field(format_resolved(recipe, report));
  const std::string h = hash.value();
  return fmt::format("{}-{}-{}-{}-{}", h.substr(0, 8), h.substr(8, 4), h.substr(12, 4), h.substr(16, 4), h.substr(20));
}

// How the questions were drawn, and what is not known of them.
std::string sampling(const Recipe& recipe, const BuildReport& report) {
  Funnel all;
  int64_t not_drawn = 0;
  for (const TopicReport& topic : report.topics) {
    all.questions += topic.funnel.questions;
    all.taken_questions += topic.funnel.taken_questions;
    all.taken_answers += topic.funnel.taken_answers;
    all.answers_not_chosen += topic.funnel.answers_not_chosen;
    not_drawn += topic.funnel.questions_removed[static_cast<size_t>(Reason::kNotDrawn)];
  }
  std::string text = fmt::format(
      "The topics have {} in the dumps; {} passed the filters, of which {} were drawn (seed {}).\n"
      "Of their answers that passed, {} are here and {} were not chosen (`choose = \"{}\"`).",
      counted(all.questions, "question"), all.taken_questions + not_drawn, all.taken_questions, recipe.seed,
      all.taken_answers, all.answers_not_chosen, name_of(recipe.choose));
  const auto lacks_votes = [](const SiteReport& site) { return !site.counts.has_votes; };
  if (std::ranges::any_of(report.sites, lacks_votes)) {
    text += "\nUpvotes and downvotes are known only for sites with a Votes.xml.";
  }
  return text + "\nEach question has one record, and there is no split for training.\n";
}

std::string edits(const BuildReport& report) {
  int64_t answers = 0, edited = 0, late = 0, votes = 0, before = 0;
  for (const TopicReport& topic : report.topics) {
    answers += topic.funnel.taken_answers;
    edited += topic.edited;
    late += topic.edited_late;
    votes += topic.dated_votes;
    before += topic.before_edit;
  }
  if (edited == 0) {
    return "A text is that of its last edit; none of " + counted(answers, "answer") +
           " was edited after its posting.\n";
  }
  std::string text = fmt::format(
      "A text is that of its last edit: {} of {} were edited after their\nposting, {} of them more than 30 days after "
      "it",
      edited, counted(answers, "answer"), late);
  return votes == 0 ? text + ". The dates of votes are not known.\n"
                    : text + fmt::format(
                                 ".\n{} of {} whose dates are known were cast before the day of that edit, on another\n"
                                 "text.\n",
                                 before, counted(votes, "vote"));
}

std::string other_choices(const Recipe& recipe) {
  std::string text =
      "Another seed draws other questions. Another rule for choosing answers changes every value, since answers whose "
      "votes\n"
      "lie far apart are easier to rank: compare values within one set only. ";
  if (recipe.choose == Choice::kSpread) {
    text += "Here the answers with the most and the fewest\nvotes are always taken.";
  } else if (recipe.choose == Choice::kLaterWins) {
    text += "Here later answers always have more votes, so\nthat age can't be what voters rewarded.";
  }
  return text +
         "\nBounds on the age and length of answers (`within_days`, `max_length_ratio`) lower what these explain,\n"
         "`choose = \"later-wins\"` turns age's part round, `label = \"accepted\"` asks the askers, and stricter "
         "filters on\n"
         "votes leave less chance in them and fewer questions.\n";
}

bool has_jsonl(const BuildReport& report) {
  return std::ranges::any_of(report.sites, [](const SiteReport& site) { return site.jsonl; });
}

// The header that datasets.load_dataset and the hub read: one split per topic.
std::string header(const Recipe& recipe, const BuildReport& report) {
  std::string text = "---\npretty_name: " + Json(recipe.name).dump() +
                     "\nlicense: " + (has_jsonl(report) ? "other" : "cc-by-sa-4.0") +
                     "\nconfigs:\n- config_name: default\n  data_files:\n";
  for (const TopicReport& topic : report.topics) {
    if (topic.funnel.taken_questions == 0) continue;
    const std::string split = split_of_topic(topic.topic);
    text += fmt::format("  - split: {}\n    path: data/{}-*.parquet\n", split, split);
  }
  return text + "---\n";
}

}  // namespace

std::string metadata_line(const std::string& id, const std::string& topic, const SiteReport& site, Label label,
                          const std::vector<TakenPost>& posts) {
  const TakenPost& question = posts.front();
  Json json = {{"id", id}, {"topic", topic}, {"site", site.site}};
  add_post(question, site, true, json);
  json["views"] = question.post.views;
  json["title"] = question.texts.title;
  json["tags"] = parse_tags(question.texts.tags);
  json["answers"] = Json::array();
  for (size_t i = 1; i < posts.size(); ++i) {
    Json answer = Json::object();
    add_post(posts[i], site, false, answer);
    answer["accepted"] = (posts[i].post.flags & kAccepted) != 0;
    if (label == Label::kAccepted) {  // "votes" is what the dataset has
      answer["score"] = posts[i].post.score;
      answer["votes"] = label_of(label, posts[i].post);
    }
    const auto views = views_since(posts[i].post, question.post, site.counts.last_ms);
    answer["views_since"] = views ? Json(std::llround(*views)) : Json(nullptr);
    answer["votes_per_1000_views"] =
        views && *views >= 1 ? Json(std::round(1e6 * posts[i].post.score / *views) / 1000) : Json(nullptr);
    answer["since_2022_12"] = is_of_model_times(posts[i].post);
    answer["machine_phrase"] = optional_text(std::string(kMachinePhrases[posts[i].text.machine_phrase]));
    json["answers"].push_back(std::move(answer));
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void add_to_report(const SiteReport& site, Label label, const std::vector<TakenPost>& posts, TopicReport& report) {
  ++report.funnel.taken_questions;
  report.funnel.taken_answers += static_cast<int64_t>(posts.size()) - 1;
  ++report.sites[site.site];
  report.question_lengths.push_back(posts.front().text.length);
  for (const TakenPost& post : posts) {
    ++report.licences[licence(post)];
    report.first_ms = std::min(report.first_ms, post.post.created_ms);
    report.last_ms = std::max(report.last_ms, post.post.created_ms);
    if (&post == &posts.front()) continue;
    report.votes.push_back(label_of(label, post.post));
    report.edited += post.post.edited_ms > post.post.created_ms ? 1 : 0;
    report.edited_late += post.post.edited_ms - post.post.created_ms > 30 * kMsADay ? 1 : 0;
    if (site.counts.dated_votes > 0) {
      report.dated_votes += int64_t{post.post.up} + post.post.down;
      report.before_edit += post.post.before_edit;
    }
    report.of_model_times += is_of_model_times(post.post) ? 1 : 0;
    if (post.text.machine_phrase != 0) ++report.machine_phrases[std::string(kMachinePhrases[post.text.machine_phrase])];
    report.answer_lengths.push_back(post.text.length);
  }
}

std::string format_site(const SiteReport& site) {
  const SiteCounts& c = site.counts;
  const char* rows = site.jsonl ? "line" : "row";
  std::string text = fmt::format("{}: {} {}s, {} questions, {} answers, {} other posts", site.site, c.rows, rows,
                                 c.questions, c.answers, c.others);
  if (c.orphans > 0) text += fmt::format(", {} answers whose question is missing", c.orphans);
  if (c.repeated > 0) text += fmt::format(", {} posts with repeated ids", c.repeated);
  if (c.fabricated > 0) text += ", " + counted(c.fabricated, "post") + " refused that Stack Exchange made up";
  if (c.skipped > 0) text += ", " + counted(c.skipped, rows) + " skipped";
  if (site.jsonl)
    return c.cleaned > 0 ? text + ", " + counted(c.cleaned, rows) + " read without control characters" : text;
  text += c.has_votes ? fmt::format(", {} votes", c.votes)
                      : ", no Votes.xml: votes cast are estimated from the score, as a lower bound";
  if (c.skipped_votes > 0) text += " (" + counted(c.skipped_votes, "row") + " skipped)";
  if (c.cleaned > 0) {
    text += ", " + counted(c.cleaned, "row") + " read without control characters";
  }
  if (!c.has_history) text += "; no PostHistory.xml: locked posts can't be recognised";
  if (c.skipped_history > 0) {
    text += "; " + counted(c.skipped_history, "row") + " of PostHistory.xml skipped";
  }
  if (!c.truncated.empty()) {
    text += "; cut short: " + join(c.truncated);
    if (std::ranges::find(c.truncated, "Votes.xml") != c.truncated.end()) text += " (votes cast are undercounted)";
  }
  return text;
}

// The questions of "Datasheets for Datasets" (Gebru et al. 2021) that the dumps and the recipe can answer.
std::string format_card(const Recipe& recipe, const BuildReport& report) {
  std::string text = header(recipe, report) + "\n# " + recipe.name + "\n\n";
  if (!recipe.description.empty()) text += recipe.description + "\n\n";
  text +=
      std::string(has_jsonl(report) ? "Questions of forums" : "Questions from Stack Exchange") +
      ", each with answers that people wrote and voted on. Columns: `question: string`,\n"
      "`answers: list<struct<text: string, votes: string>>`; " +
      std::string(recipe.label == Label::kVotes
                      ? "votes are upvotes minus downvotes."
                      : "votes are 1 for the answer that the asker accepted, and 0 for others.") +
      " Built by\n`hre data build` from `recipe.toml`; the same dumps and recipe give the same bytes.\n\n"
      "## Composition\n\n" +
      statistics(report) + "\nLengths are in characters (Unicode code points): minimum / median / maximum.\n\n" +
      sampling(recipe, report) +
      "\n## Collection\n\n"
      "The texts were written, voted on and moderated by the users of these sites, for their own purposes and for "
      "nothing\n"
      "else. " +
      std::string(has_jsonl(report) ? "This set was made from these exports:\n\n"
                                    : "Stack Exchange Inc. publishes the dumps, from which this set was made:\n\n") +
      sources(report) + "\n## Consent, attribution and licence\n\n" +
      std::string(has_jsonl(report)
                      ? "Nobody was asked about this use. "
                      : "Authors agreed to these licences when they posted; nobody was asked about this use. ") +
      "Names and addresses of other\n"
      "people may stand in the texts. A post that is deleted from its site later stays in this set until it is built "
      "again.\n\n"
      "Each post is under the licence " +
      std::string(has_jsonl(report) ? "that the export states" : "of the day of its last edit") +
      ". For every question and answer,\n"
      "`metadata/questions.jsonl` gives the address, the author's id and page (and the name, if the dump has it), the "
      "dates\n"
      "and the licence:\n\n" +
      licences(report) +
      std::string(has_jsonl(report)
                      ? ""
                      : "\nEach of these licences allows adaptations to be shared under its later versions, so the "
                        "dataset as a whole\nis under CC BY-SA 4.0.\n") +
      "\n"
      "## Processing\n\n"
      "HTML was converted to plain text; images are left out.\n" +
      edits(report) + "\n### What the filters removed\n";
  for (const TopicReport& topic : report.topics)
    text += "\n" + topic.topic + ":\n\n```\n" + format_funnel(topic.funnel) + "```\n";
  return text + "\n## Known biases: what votes go with\n\n" + biases(report) + "\n## Freshness\n\n" +
         freshness(report) +
         "\n## Use\n\n"
         "Intended: how well a model's likelihoods of answers agree with people's votes (`hre eval`), on average over "
         "many\n"
         "questions, and comparisons of models on the same set. Not intended: judging a single answer or its author, "
         "and\n"
         "telling whether answers are true.\n\n"
         "This is data for evaluation. Keep it out of training data; to find it there, search for this text:\n"
         "`hre canary GUID " +
         canary(recipe, report) + "`.\n\n## Other choices\n\n" + other_choices(recipe);
}

std::string format_resolved(const Recipe& recipe, const BuildReport& report) {
  std::string text;
  for (const SiteReport& site : report.sites)
    text += fmt::format("# {} {} XXH3-128 {}\n", site.site, site.jsonl ? "JSON lines" : "Posts.xml",
                        site.counts.posts_hash);
  if (!report.known.empty()) text += "# without the texts of " + flat(report.known) + "\n";
  return text + format_recipe(recipe);
}

}  // namespace hre::stackexchange
