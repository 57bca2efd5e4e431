#include "stackexchange/filters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "stackexchange/choose.h"
#include "stackexchange/language.h"
#include "stackexchange/machine_text.h"
#include "stackexchange/measures.h"
#include "stackexchange/near_duplicates.h"

namespace hre::stackexchange {
namespace {

using ::testing::ElementsAre;

PostRecord post(uint32_t id, int32_t score) {
  PostRecord record;
  record.id = id;
  record.score = score;
  record.created_ms = record.edited_ms = *parse_date("2020-06-01T12:00:00.000");
  return record;
}

TEST(Dates, AreReadAndWritten) {
  EXPECT_EQ(parse_date("1970-01-02"), 86'400'000);
  EXPECT_EQ(parse_date("2016-08-02T15:39:14.947"), 1470152354947);  // date -d 2016-08-02T15:39:14.947Z +%s%3N
  EXPECT_EQ(parse_date("2016-08-02T15:39:14"), 1470152354000);
  EXPECT_EQ(parse_date("2016-08-02T15:39:14.9"), 1470152354900);
  EXPECT_EQ(parse_date("2016-08-02 15:39:14+00:00"), parse_date("2016-08-02T15:39:14Z"));
  EXPECT_EQ(parse_date("2016-08-02T15:39"), 1470152340000);
  for (const char* text : {"2016-08-02T15:39:14.947", "2008-07-31T21:42:52.667", "1969-12-31T23:59:59.999"}) {
    EXPECT_EQ(format_date(*parse_date(text)), text);
  }
  for (const char* text : {"", "2016", "2016-08", "2016-13-01", "2016-02-30", "2016-08-02T25:00:00", "2016-08-02T15",
                           "2016-08-02T15:39:14+01:00", "x016-08-02"}) {
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_date("2016-08-02T15:39:14." + std::string(60, '9')), parse_date("2016-08-02T15:39:14.999"));
  EXPECT_EQ(parse_date("2016-08-02T15:39:14." + std::string(60, '9') + "x"), std::nullopt);
}

TEST(Tags, InBothFormsOfDumps) {
  EXPECT_THAT(parse_tags("<c++><node.js>"), ElementsAre("c++", "node.js"));
  EXPECT_THAT(parse_tags("|c++|c#|"), ElementsAre("c++", "c#"));
  EXPECT_THAT(parse_tags(""), ElementsAre());
}

TEST(Licences, ByTheDayOfTheLastEdit) {
  EXPECT_EQ(licence_of(*parse_date("2011-04-07T23:59:59.999")), "CC BY-SA 2.5");
  EXPECT_EQ(licence_of(*parse_date("2011-04-08")), "CC BY-SA 3.0");
  EXPECT_EQ(licence_of(*parse_date("2018-05-01T23:59:59.999")), "CC BY-SA 3.0");
  EXPECT_EQ(licence_of(*parse_date("2018-05-02")), "CC BY-SA 4.0");
}

TEST(Filters, VotesCastAreNoFewerThanTheScoreTells) {
  PostRecord record = post(1, -5);
  EXPECT_EQ(votes_cast(record), 5);
  record.up = 4;
  record.down = 9;
  EXPECT_EQ(votes_cast(record), 13);
}

TEST(Filters, OfQuestionsOneByOne) {
  const QuestionFilter all;
  PostRecord question = post(1, 3);
  EXPECT_EQ(judge_question(all, question), Reason::kNone);
  QuestionFilter filter = all;
  filter.from_ms = question.created_ms;
  filter.until_ms = question.created_ms + 1;
  EXPECT_EQ(judge_question(filter, question), Reason::kNone) << "from is inclusive";
  filter.until_ms = question.created_ms;
  EXPECT_EQ(judge_question(filter, question), Reason::kDate) << "until is exclusive";
  filter = all;
  filter.min_score = 4;
  EXPECT_EQ(judge_question(filter, question), Reason::kScore);
  filter = all;
  filter.min_views = 1;
  EXPECT_EQ(judge_question(filter, question), Reason::kViews);
  filter = all;
  filter.min_votes = 4;
  EXPECT_EQ(judge_question(filter, question), Reason::kVotes);
  const std::tuple<Drop, PostFlag, Reason> marks[] = {{kDropClosed, kClosed, Reason::kClosed},
                                                      {kDropLocked, kLocked, Reason::kLocked},
                                                      {kDropWiki, kWiki, Reason::kWiki},
                                                      {kDropDeletedAuthor, kDeletedAuthor, Reason::kDeletedAuthor}};
  for (const auto& [drop, flag, reason] : marks) {
    filter = all;
    question.flags = flag;
    EXPECT_EQ(judge_question(filter, question), Reason::kNone);
    filter.drop = drop;
    EXPECT_EQ(judge_question(filter, question), reason);
  }
}

TEST(Filters, OfAnswersByTheirTimeAfterTheQuestion) {
  AnswerFilter filter;
  filter.within_ms = 1000;
  const PostRecord question = post(1, 0);
  PostRecord answer = post(2, 0);
  answer.created_ms += 1000;
  EXPECT_EQ(judge_answer(filter, answer, question), Reason::kNone);
  answer.created_ms += 1;
  EXPECT_EQ(judge_answer(filter, answer, question), Reason::kDelay);
}

TEST(Filters, OfTheTimeOfTheLastEdit) {
  QuestionFilter of_questions;
  AnswerFilter of_answers;
  of_questions.edited_within_ms = of_answers.edited_within_ms = 1000;
  PostRecord one = post(1, 0);
  one.edited_ms = one.created_ms + 1000;
  EXPECT_EQ(judge_question(of_questions, one), Reason::kNone);
  EXPECT_EQ(judge_answer(of_answers, one, one), Reason::kNone);
  one.edited_ms += 1;
  EXPECT_EQ(judge_question(of_questions, one), Reason::kEdited);
  EXPECT_EQ(judge_answer(of_answers, one, one), Reason::kEdited);
}

TEST(Filters, OfVotesBeforeTheLastEdit) {
  QuestionFilter of_questions;
  AnswerFilter of_answers;
  PostRecord one = post(1, 0);
  one.up = 7;
  one.down = one.before_edit = 3;
  EXPECT_EQ(judge_answer(of_answers, one, one), Reason::kNone) << "any by default";
  of_questions.max_votes_before_edit = of_answers.max_votes_before_edit = 0.3;
  EXPECT_EQ(judge_question(of_questions, one), Reason::kNone);
  EXPECT_EQ(judge_answer(of_answers, one, one), Reason::kNone);
  ++one.before_edit;
  EXPECT_EQ(judge_question(of_questions, one), Reason::kBeforeEdit);
  EXPECT_EQ(judge_answer(of_answers, one, one), Reason::kBeforeEdit);
  of_answers.max_votes_before_edit = 0;
  EXPECT_EQ(judge_answer(of_answers, post(1, 5), one), Reason::kNone) << "votes without dates";
}

TEST(Filters, OfTexts) {
  TextRecord text;
  text.length = 100;
  text.visible = 80;
  text.code = 40;
  text.links = 20;
  PostFilter filter;
  filter.min_length = filter.max_length = 100;
  filter.max_code = 0.5;
  filter.max_links = 0.25;
  EXPECT_EQ(judge_text(filter, text), Reason::kNone);
  const auto with = [&](auto change) {
    PostFilter changed = filter;
    change(changed);
    return judge_text(changed, text);
  };
  EXPECT_EQ(with([](auto& f) { f.min_length = 101; }), Reason::kShort);
  EXPECT_EQ(with([](auto& f) { f.max_length = 99; }), Reason::kLong);
  EXPECT_EQ(with([](auto& f) { f.max_code = 0.49; }), Reason::kCode);
  EXPECT_EQ(with([](auto& f) { f.max_links = 0.24; }), Reason::kLinks);
  EXPECT_EQ(with([](auto& f) { f.languages = {"de"}; }), Reason::kNone) << "no clear language passes";
  text.language[0] = 'e';
  text.language[1] = 'n';
  EXPECT_EQ(with([](auto& f) { f.languages = {"de"}; }), Reason::kLanguage);
  EXPECT_EQ(with([](auto& f) { f.languages = {"de", "en"}; }), Reason::kNone);
  text.image_only = 1;
  EXPECT_EQ(with([](auto&) {}), Reason::kNone);
  EXPECT_EQ(with([](auto& f) { f.drop = kDropImageOnly; }), Reason::kImages);
  text.image_only = 0;
  text.machine_phrase = 1;
  EXPECT_EQ(with([](auto&) {}), Reason::kNone);
  EXPECT_EQ(with([](auto& f) { f.drop = kDropMachinePhrase; }), Reason::kMachine);
  text.bad_html = 1;
  EXPECT_EQ(with([](auto&) {}), Reason::kHtml);
}

TEST(Filters, OfAQuestionByItsAnswers) {
  const std::vector<PostRecord> answers = {post(2, 1), post(3, 5), post(4, 5)};
  QuestionFilter filter;
  EXPECT_EQ(judge_answers(filter, Label::kVotes, 3, answers), Reason::kNone);
  EXPECT_EQ(judge_answers(filter, Label::kVotes, 4, answers), Reason::kFewAnswers);
  EXPECT_EQ(judge_answers(filter, Label::kVotes, 0, {}), Reason::kFewAnswers);
  filter.max_answers = 2;
  EXPECT_EQ(judge_answers(filter, Label::kVotes, 2, answers), Reason::kManyAnswers);
  filter = {};
  filter.min_spread = 5;
  EXPECT_EQ(judge_answers(filter, Label::kVotes, 3, answers), Reason::kSpread);
  filter = {};
  filter.min_distinct = 3;
  EXPECT_EQ(judge_answers(filter, Label::kVotes, 3, answers), Reason::kDistinct);
  filter = {};
  filter.min_answer_votes = 12;
  EXPECT_EQ(judge_answers(filter, Label::kVotes, 3, answers), Reason::kAnswerVotes);
}

/// What is written must be what was asked for, and readable: a question with one answer is not.
TEST(Filters, OfTheAnswersThatAreChosen) {
  QuestionFilter filter;
  filter.min_distinct = 1;
  EXPECT_EQ(judge_answers(filter, Label::kVotes, 0, std::vector{post(2, 1)}), Reason::kFewAnswers);
  EXPECT_EQ(judge_answers(filter, Label::kVotes, 0, std::vector{post(2, 1), post(3, 1)}), Reason::kNone);
  filter.min_distinct = 2;
  EXPECT_EQ(judge_chosen(filter, Label::kVotes, std::vector{post(2, 5), post(3, 5)}), Reason::kDistinct);
  filter.min_spread = 5;
  EXPECT_EQ(judge_chosen(filter, Label::kVotes, std::vector{post(2, 1), post(3, 5)}), Reason::kSpread);
  filter.min_answer_votes = 8;
  EXPECT_EQ(judge_chosen(filter, Label::kVotes, std::vector{post(2, 1), post(3, 6)}), Reason::kAnswerVotes);
  EXPECT_EQ(judge_chosen(filter, Label::kVotes, std::vector{post(2, 1), post(3, 7)}), Reason::kNone);
  filter = {};
  std::vector<PostRecord> answers = {post(2, 1), post(3, 7)};
  EXPECT_EQ(judge_chosen(filter, Label::kAccepted, answers), Reason::kDistinct) << "none of them was accepted";
  answers[0].flags = kAccepted;
  EXPECT_EQ(judge_chosen(filter, Label::kAccepted, answers), Reason::kNone);
}

TEST(Filters, TheWidestGroupOfLikeLengths) {
  EXPECT_EQ(within_length_ratio({100, 10, 200, 15, 150}, 2), (std::vector<bool>{true, false, true, false, true}));
  EXPECT_EQ(within_length_ratio({10, 100, 15, 150}, 2), (std::vector<bool>{true, false, true, false}))
      << "of equals, the shorter";
  EXPECT_EQ(within_length_ratio({}, 2), std::vector<bool>{});
}

TEST(Filters, TheCensusIsAFunnelByMonth) {
  std::map<std::string, MonthCounts> months;
  months["2023-01"][static_cast<size_t>(Reason::kNone)] = 3;
  months["2023-01"][static_cast<size_t>(Reason::kClosed)] = 2;
  months["2023-02"][static_cast<size_t>(Reason::kFewAnswers)] = 4;
  EXPECT_EQ(format_census(months),
            "  month     questions    closed   answers\n"
            "  2023-01           5         3         3\n"
            "  2023-02           4         4         0\n"
            "  all               9         7         3\n");
}

TEST(MachineText, APhraseIsAHint) {
  EXPECT_EQ(kMachinePhrases[machine_phrase("Well. As an AI language model, I can't.")], "as an ai language model");
  EXPECT_EQ(machine_phrase("I hope this helps!"), 0);
  for (size_t i = 1; i < std::size(kMachinePhrases); ++i) EXPECT_EQ(machine_phrase(kMachinePhrases[i]), i);
  PostRecord one = post(1, 0);
  EXPECT_FALSE(is_of_model_times(one));
  one.edited_ms = *parse_date("2022-12-01");
  EXPECT_TRUE(is_of_model_times(one));
}

// --- choosing --------------------------------------------------------------------------------

TEST(Choose, SpreadTakesBothEndsAndWhatIsBetween) {
  std::vector<PostRecord> answers;
  for (uint32_t i = 0; i < 10; ++i) answers.push_back(post(100 - i, static_cast<int32_t>(i * i)));
  // Positions 0, 3, 6, 9 by score; given back by id, which falls as the score rises here.
  EXPECT_THAT(choose_answers(Choice::kSpread, 4, 1, "s", answers), ElementsAre(9, 6, 3, 0));
}

TEST(Choose, TopAndRandomHoldsTheTop) {
  std::vector<PostRecord> answers = {post(5, 7), post(3, 9), post(4, 9), post(9, 1), post(8, 2)};
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto chosen = choose_answers(Choice::kTopAndRandom, 2, seed, "s", answers);
    EXPECT_THAT(chosen, ::testing::Contains(1U)) << "of the two best, the one with the lower id";
  }
}

TEST(Choose, LaterWinsTakesTheWidestChain) {
  const auto chosen = [](size_t n, const std::vector<std::pair<int, int>>& days_and_scores) {
    std::vector<PostRecord> answers;
    for (const auto& [day, score] : days_and_scores) {
      answers.push_back(post(static_cast<uint32_t>(answers.size()) + 1, score));
      answers.back().created_ms = day * int64_t{86'400'000};
    }
    return choose_answers(Choice::kLaterWins, n, 1, "s", answers);
  };
  EXPECT_THAT(chosen(2, {{1, 9}, {2, 3}, {3, 5}, {4, 8}}), ElementsAre(1, 3));
  EXPECT_THAT(chosen(3, {{1, 9}, {2, 3}, {3, 5}, {4, 8}}), ElementsAre(1, 2, 3));
  EXPECT_THAT(chosen(4, {{1, 9}, {2, 3}, {3, 5}, {4, 8}}), ElementsAre());
  EXPECT_THAT(chosen(2, {{1, 9}, {2, 3}, {2, 4}}), ElementsAre()) << "the same day";
  EXPECT_THAT(chosen(2, {{1, 5}, {2, 5}}), ElementsAre()) << "the same votes";
  EXPECT_THAT(chosen(2, {{4, 8}, {1, 0}, {2, 0}, {3, 8}}), ElementsAre(1, 3)) << "the earliest ends";
}

// Against looking at all choices.
TEST(Choose, LaterWinsIsWhatAllChoicesGive) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 500; ++round) {
    std::vector<PostRecord> row;
    for (uint32_t i = 0, n = 2 + random() % 8; i < n; ++i) {
      row.push_back(post(i + 1, static_cast<int32_t>(random() % 6)));
      row.back().created_ms = i == 0 ? 1 : row[i - 1].created_ms + random() % 2;
    }
    std::vector<size_t> best;
    for (size_t a = 0; a < row.size(); ++a) {
      for (size_t b = a + 1; b < row.size(); ++b) {
        for (size_t c = b + 1; c < row.size(); ++c) {
          const auto rises = [&](size_t x, size_t y) {
            return row[x].created_ms < row[y].created_ms && row[x].score < row[y].score;
          };
          const auto key = [&](const std::vector<size_t>& at) {
            return std::tuple(row[at[0]].score - row[at[2]].score, at[0], at[2], at[1]);
          };
          const std::vector<size_t> at = {a, b, c};
          if (rises(a, b) && rises(b, c) && (best.empty() || key(at) < key(best))) best = at;
        }
      }
    }
    ASSERT_EQ(choose_answers(Choice::kLaterWins, 3, 1, "s", row), best);
  }
}

TEST(Choose, DependsOnIdsAndSeedNotOnOrder) {
  std::mt19937 random(3);
  std::vector<PostRecord> answers;
  for (uint32_t i = 0; i < 12; ++i) answers.push_back(post(i * 7 + 1, static_cast<int32_t>(i % 3)));
  for (const Choice choice : {Choice::kSpread, Choice::kTopAndRandom, Choice::kRandom, Choice::kAll}) {
    const auto ids = [&](const std::vector<PostRecord>& posts, uint64_t seed) {
      std::vector<uint32_t> all;
      for (const size_t i : choose_answers(choice, 4, seed, "beer.stackexchange.com", posts))
        all.push_back(posts[i].id);
      return all;
    };
    const std::vector<uint32_t> first = ids(answers, 42);
    EXPECT_TRUE(std::is_sorted(first.begin(), first.end()));
    EXPECT_EQ(first.size(), choice == Choice::kAll ? 12U : 4U);
    std::vector<PostRecord> shuffled = answers;
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    EXPECT_EQ(ids(shuffled, 42), first);
  }
}

TEST(Choose, RandomIsEvenAcrossSeeds) {
  std::vector<PostRecord> answers;
  for (uint32_t i = 0; i < 5; ++i) answers.push_back(post(i + 1, 0));
  std::vector<int> times(5);
  for (uint64_t seed = 0; seed < 5000; ++seed) {
    for (const size_t i : choose_answers(Choice::kRandom, 2, seed, "s", answers)) ++times[i];
  }
  for (const int n : times) EXPECT_NEAR(n, 2000, 170);  // five standard deviations
}

TEST(Languages, LatinIsNotEnglish) {
  EXPECT_EQ(language_of("Gallia est omnis divisa in partes tres, quarum unam incolunt Belgae, aliam Aquitani."), "la");
  EXPECT_EQ(language_of("Quomodo dicitur computatrum Latine? Nescio utrum hoc verbum rectum sit an non."), "la");
  EXPECT_EQ(language_of("What is the Latin word for a computer? I don't know whether this one is right."), "en");
}

// --- what votes go with -------------------------------------------------------------------------

bool has(const AnswerMeasures& m, Explainer what) { return m.has[static_cast<size_t>(what)]; }

TEST(Measures, OfOneQuestion) {
  std::vector<PostRecord> answers = {post(1, 1), post(2, 5), post(3, 3), post(4, 3)};
  PostRecord question = post(9, 0);
  question.created_ms = 0;
  for (size_t i = 0; i < answers.size(); ++i) answers[i].created_ms = static_cast<int64_t>(i + 1) * kMsADay;
  answers[2].flags = kAccepted;
  AnswerMeasures m = measure(question, answers, {}, 5 * kMsADay);
  EXPECT_EQ(m.pairs, 5);
  EXPECT_EQ(m.later_wins, 3.0 / 5);
  ASSERT_TRUE(m.has_accepted);
  EXPECT_EQ(m.accepted_r, 0) << "3 of the mean 3";
  EXPECT_FALSE(m.accepted_first);
  EXPECT_TRUE(has(m, Explainer::kOrder) && has(m, Explainer::kDelay));
  EXPECT_FALSE(has(m, Explainer::kLength));
  EXPECT_FALSE(has(m, Explainer::kRateOrder)) << "views are not known";
  answers[1].score = 0;
  m = measure(question, answers, std::vector<uint32_t>{1, 2, 3, 4}, 5 * kMsADay);
  EXPECT_TRUE(m.accepted_first);
  EXPECT_NEAR(m.accepted_r, 5 / std::sqrt(27.0 * 3), 1e-12);
  for (PostRecord& answer : answers) answer.score = 7;
  m = measure(question, answers, std::vector<uint32_t>{1, 2, 3, 4}, 5 * kMsADay);
  for (const bool one : m.has) EXPECT_FALSE(one);
  EXPECT_EQ(m.pairs, 0);
  EXPECT_FALSE(m.has_accepted);
}

// Votes that each view gives with the same probability depend on the place by date, votes per view do not.
TEST(Measures, VotesPerViewTakeTheTimeOut) {
  PostRecord question = post(9, 0);
  question.created_ms = 0;
  question.views = 1'000'000;
  const int64_t end = 10 * kMsADay;
  std::mt19937 random(3);
  SetMeasures set;
  for (int i = 0; i < 2000; ++i) {
    std::vector<PostRecord> answers;
    for (uint32_t k = 0; k < 4; ++k) {
      answers.push_back(post(k + 1, 0));
      answers.back().created_ms = k * 2 * kMsADay;
      const double views = *views_since(answers.back(), question, end);
      EXPECT_DOUBLE_EQ(views, 1e6 * (1 - 0.2 * k));
      answers.back().score = std::poisson_distribution<int32_t>(views * 1e-5 * (1 + random() % 3))(random);
    }
    set.add(measure(question, answers, {}, end));
  }
  const auto share = [&](Explainer what) {
    const auto& products = set.products[static_cast<size_t>(what)];
    return *value_parts(products, std::vector<size_t>{products.size()}, Weights::kQuestions).through.mean;
  };
  EXPECT_GT(share(Explainer::kOrder), 0.2);
  EXPECT_NEAR(share(Explainer::kRateOrder), 0, 0.01);
  question.views = 0;
  EXPECT_FALSE(views_since(question, question, end));
}

// The share is that of a known truth, and 0 where order plays no part.
TEST(Measures, TheShareOfOrderIsRecovered) {
  std::mt19937 random(7);
  std::normal_distribution<double> normal;
  for (const double slope : {0.0, 1.0}) {
    SetMeasures set;
    for (int i = 0; i < 4000; ++i) {
      std::vector<PostRecord> answers;
      for (int k = 0; k < 4; ++k) {
        answers.push_back(
            post(static_cast<uint32_t>(k) + 1, static_cast<int32_t>(1000 * (slope * k + normal(random)))));
        answers.back().created_ms = k;
      }
      set.add(measure(post(9, 0), answers, {}, 0));
    }
    const auto& order = set.products[static_cast<size_t>(Explainer::kOrder)];
    const std::vector<size_t> sizes = {order.size()};
    const Estimate share = value_parts(order, sizes, Weights::kQuestions).through;
    if (slope == 0) {
      EXPECT_NEAR(*share.mean, 0, 0.005);
      EXPECT_FALSE(share.ci_low) << "no clear slope";
    } else {
      EXPECT_NEAR(*share.mean, 0.654, 0.02);  // the square of the mean correlation, from 100,000 draws in plain Python
      ASSERT_TRUE(share.ci_low);
      EXPECT_LT(*share.ci_low, *share.mean);
    }
  }
}

// --- near duplicates -------------------------------------------------------------------------

TEST(NearDuplicates, JaccardOfFiveWords) {
  const auto a = shingles("one two three four five six"), b = shingles("ONE two\nthree  four five seven");
  EXPECT_EQ(a.size(), 2U);
  EXPECT_DOUBLE_EQ(jaccard(a, b), 1.0 / 3);
  EXPECT_DOUBLE_EQ(jaccard(shingles("short"), shingles("Short ")), 1);
  EXPECT_DOUBLE_EQ(jaccard(shingles(""), shingles("")), 1);
  EXPECT_DOUBLE_EQ(jaccard(shingles(""), shingles("x")), 0);
}

/// Scripts without spaces: each character is a word, also beside words of other scripts.
TEST(NearDuplicates, JaccardOfFiveCharactersWithoutSpaces) {
  EXPECT_EQ(shingles("今日はいい天気ですね").size(), 6U);
  EXPECT_EQ(shingles("vimで今日 は").size(), 1U) << "vim, で, 今, 日, は";
  EXPECT_EQ(shingles("vimで今日 は"), shingles("VIM で 今 日 は"));
  EXPECT_DOUBLE_EQ(jaccard(shingles("今日はいい天気"), shingles("今日はいい景気")), 1.0 / 5);
  EXPECT_EQ(shingles("ไทยไทย").size(), 2U);
  EXPECT_EQ(shingles("오늘은 날씨가 좋네요").size(), 1U) << "Korean has spaces";
  EXPECT_EQ(shingles("𠀀𠀁𠀂𠀃𠀄𠀅").size(), 2U);
  EXPECT_EQ(shingles("日\xE6").size(), 1U) << "cut short";
}

// Against comparing every pair.
TEST(NearDuplicates, FindsWhatComparingAllPairsFinds) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::vector<std::string> texts;
  for (int i = 0; i < 150; ++i) {
    std::vector<std::string> words;
    for (int k = 0; k < 120; ++k) words.push_back("w" + std::to_string(random() % 500));
    for (int copy = 0; copy < 3; ++copy) {
      std::string text;
      for (const std::string& word : words) text += word + " ";
      texts.push_back(text);
      for (unsigned change = random() % 8; change > 0; --change)
        words[random() % words.size()] = "x" + std::to_string(random() % 500);
    }
  }
  for (const double threshold : {0.8, 0.65, 0.5}) {
    NearDuplicates near(threshold);
    std::vector<std::vector<uint64_t>> kept;
    int found = 0;
    for (const std::string& text : texts) {
      const auto set = shingles(text);
      const bool twin =
          std::any_of(kept.begin(), kept.end(), [&](const auto& other) { return jaccard(set, other) >= threshold; });
      EXPECT_EQ(near.find_or_add(text).has_value(), twin) << threshold;
      if (!twin) kept.push_back(set);
      found += twin ? 1 : 0;
    }
    EXPECT_GT(found, 50);
  }
}

}  // namespace
}  // namespace hre::stackexchange
