/// The store against a plain map, its versions, claims and names.

#include "hre/store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <random>
#include <thread>

#include "hre/summary.h"
#include "store/names.h"
#include "store/pickle.h"
#include "store/process.h"
#include "store/reference_cache.h"
#include "store/schema.h"
#include "store/session.h"
#include "store/test_run.h"

using namespace std::string_literals;

namespace hre::store {
namespace {

std::unique_ptr<Session> begin(const std::string& path, const Run& run, Stored stored = Stored::kStay) {
  auto session = Session::begin(path, run, "", stored);
  if (!session) ADD_FAILURE() << session.error().text();
  return session ? std::move(*session) : nullptr;
}

/// Any bytes, now and then many: whole characters, parts of them, and none.
std::string random_piece(std::mt19937_64& random) {
  std::string piece;
  for (uint64_t n = random() % 8 == 0 ? random() % 400 : random() % 5; n > 0; --n) {
    piece += random() % 2 == 0 ? static_cast<char>(random() % 128) : static_cast<char>(random());
  }
  return piece;
}

/// Any doubles and counts, with or without tokens, these with or without their texts.
QuestionResult random_question(std::mt19937_64& random, int64_t n) {
  QuestionResult question{"q" + std::to_string(n), "topic " + std::to_string(random() % 3), {}, {}, {}};
  const bool tokens = random() % 2 == 0, texts = random() % 4 != 0;
  for (uint64_t i = 0; i < 2 + random() % 4; ++i) {
    AnswerResult& answer = question.answers.emplace_back();
    answer.votes = static_cast<double>(static_cast<int64_t>(random() % 2000) - 1000) / 8;
    answer.n_tokens = static_cast<int>(random() % 5);
    answer.n_truncated = static_cast<int>(random() % 3);
    answer.n_cut_chars = static_cast<int>(random() % 4);
    answer.n_chars = static_cast<int64_t>(random() % 100);
    answer.sum_log_prob = std::bit_cast<double>(random());
    if (random() % 20 == 0) answer.sum_log_prob = -std::numeric_limits<double>::infinity();
    if (random() % 20 == 0) answer.sum_log_prob = std::nan("");
    if (tokens) {
      for (int t = 0; t < answer.n_tokens; ++t) {
        answer.token_log_probs.push_back(std::bit_cast<float>(static_cast<uint32_t>(random())));
      }
      std::vector<std::string> pieces(answer.token_log_probs.size());
      for (std::string& piece : pieces) piece = random_piece(random);
      if (texts) answer.token_texts = token_texts(pieces);
    }
  }
  return question;
}

TEST(Store, GivesBackWhatItWasGivenToTheLastBit) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  std::map<std::string, QuestionResult> model;
  for (int round = 0; round < 5; ++round) {
    auto session = begin(path, made_run("model", 1000));
    ASSERT_TRUE(session);
    for (int i = 0; i < 40; ++i) {
      const auto n = static_cast<int64_t>(random() % 150);
      const std::string key = made_key(n);
      if (model.contains(key)) continue;
      model[key] = random_question(random, n);
      session->put(n, key, model[key]);
    }
    ASSERT_TRUE(session->finish(made_run("model", 1000)));
  }
  auto session = begin(path, made_run("model", 1000));
  ASSERT_TRUE(session);
  const auto found = session->find(made_keys(150));
  ASSERT_TRUE(found);
  for (int64_t n = 0; n < 150; ++n) {
    const auto& score = (*found)[static_cast<size_t>(n)];
    const auto at = model.find(made_key(n));
    ASSERT_EQ(score.has_value(), at != model.end()) << n;
    if (!score) continue;
    EXPECT_FALSE(score->damaged);
    ASSERT_EQ(score->answers.size(), at->second.answers.size());
    for (size_t i = 0; i < score->answers.size(); ++i) {
      const AnswerResult &a = score->answers[i], &b = at->second.answers[i];
      EXPECT_TRUE(a.sum_log_prob == b.sum_log_prob || (std::isnan(a.sum_log_prob) && std::isnan(b.sum_log_prob)));
      ASSERT_EQ(a.token_log_probs.size(), b.token_log_probs.size());
      for (size_t t = 0; t < a.token_log_probs.size(); ++t) {
        EXPECT_EQ(std::bit_cast<uint32_t>(a.token_log_probs[t]), std::bit_cast<uint32_t>(b.token_log_probs[t]));
      }
      EXPECT_EQ(a.token_texts, b.token_texts);
    }
  }
}

TEST(Store, TextsComeToTokensThatAreKept) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  hre::Run run = made_run("model", 1);
  run.options.keep_tokens = true;
  const auto stored = [&](const QuestionResult& question) {
    auto session = begin(path, run);
    session->put(0, made_key(0), question);
    EXPECT_TRUE(session->finish(run));
    const auto found = begin(path, run)->find(made_keys(1));
    EXPECT_TRUE(found && (*found)[0] && !(*found)[0]->damaged);
    return *(*found)[0];
  };
  const QuestionResult whole = made_question(0, true);
  QuestionResult without = whole;
  for (AnswerResult& answer : without.answers) answer.token_texts = {};
  EXPECT_FALSE(stored(without).has_texts);
  EXPECT_TRUE(stored(whole).has_texts);
  const StoredScore again = stored(without);  // what is there stays
  EXPECT_TRUE(again.has_texts);
  EXPECT_TRUE(are_equal(again.answers, whole.answers));
}

TEST(Store, ATextIsKeptOnceForAllModels) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  hre::Run run = made_run("model", 1);
  for (const char* model : {"first", "second"}) {
    run = made_run(model, 1);
    run.options.keep_tokens = true;
    auto session = begin(path, run);
    session->put(0, made_key(0), made_question(0, true));
    ASSERT_TRUE(session->finish(run));
  }
  const auto count = [&] { return (*open_store(path, Open::kExisting))->number("SELECT count(*) FROM token_text"); };
  EXPECT_EQ(count(), 4);
  for (const char* name : {"last", "last"}) {
    EXPECT_EQ(count(), 4);
    auto store = RunStore::open(path);
    ASSERT_TRUE(store->remove({*store->find(name)}));
  }
  EXPECT_EQ(count(), 0);
}

TEST(Store, TwoProcessesShareTheWork) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  const auto keys = made_keys(20);
  auto mine = begin(path, made_run("model", 20));
  auto claimed = mine->claim(std::span(keys).first(8));
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->mine.size(), 8U);
  {
    // A process that ended: its claims hold nobody up.
    auto database = open_store(path, Open::kExisting);
    ASSERT_TRUE(database);
    Statement(**database, "UPDATE claim SET owner = replace(owner, ?, '999999999')")
        .with(std::to_string(getpid()))
        .run();
    ASSERT_TRUE((*database)->status());
  }
  claimed = mine->claim(keys);
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->mine.size(), 20U);
  {
    // One of which nothing is known is thought to live.
    auto database = open_store(path, Open::kExisting);
    ASSERT_TRUE(database);
    Statement(**database, "UPDATE claim SET owner = 'another one' WHERE text_key = ?")
        .with(std::string_view(keys[0]))
        .run();
    ASSERT_TRUE((*database)->status());
  }
  claimed = mine->claim(keys);
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->theirs, std::vector<size_t>{0});
  EXPECT_EQ(claimed->mine.size(), 19U);
}

TEST(Store, OwnProcessIsAlive) {
  EXPECT_TRUE(may_be_alive(process_identity()));
  EXPECT_EQ(process_id(process_identity()), std::to_string(getpid()));
}

std::vector<std::string> with_step(std::vector<std::string> steps, const std::string& step) {
  steps.push_back(step);
  return steps;
}

TEST(Schema, IsMadeOnceByThoseThatOpenItAtOnce) {
  const Scratch scratch;
  for (int store = 0; store < 40; ++store) {
    const std::string path = scratch.path(std::to_string(store) + ".db");
    std::vector<std::string> problems(8);
    std::vector<std::jthread> threads;
    for (std::string& problem : problems) {
      threads.emplace_back([&path, &problem] {
        if (auto opened = open_store(path, Open::kCreate); !opened) problem = opened.error().text();
      });
    }
    threads.clear();
    EXPECT_EQ(std::vector<std::string>(8), problems);
  }
}

TEST(Schema, UpgradesInOneTransactionAfterACopy) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  ASSERT_TRUE(begin(path, made_run("model", 3))->finish(made_run("model", 3)));
  const auto version = static_cast<int64_t>(migrations().size());
  const auto failing = with_step(migrations(), "CREATE TABLE extra (x); INSERT INTO nowhere VALUES (1);");
  EXPECT_FALSE(open_store(path, Open::kExisting, failing));
  {
    auto database = open_store(path, Open::kExisting);  // as it was
    ASSERT_TRUE(database) << database.error().text();
    EXPECT_EQ((*database)->number("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'"), 0);
  }
  auto upgraded = open_store(path, Open::kExisting, with_step(migrations(), "CREATE TABLE extra (x);"));
  ASSERT_TRUE(upgraded) << upgraded.error().text();
  EXPECT_EQ((*upgraded)->number("PRAGMA user_version"), version + 1);
  EXPECT_EQ((*upgraded)->number("SELECT count(*) FROM run"), 1);
  auto copy = open_store(path + ".v" + std::to_string(version), Open::kExisting);
  ASSERT_TRUE(copy) << copy.error().text();
  EXPECT_EQ((*copy)->number("SELECT count(*) FROM run"), 1);
  upgraded->reset();
  const auto newer = open_store(path, Open::kExisting);
  ASSERT_FALSE(newer);
  EXPECT_NE(newer.error().message.find("newer hre"), std::string::npos);
}

/// --gtest_also_run_disabled_tests writes a store of this version, to be kept as test data.
TEST(Schema, DISABLED_WritesTheStoreOfThisVersion) {
  const Scratch scratch;
  hre::Run run = made_run("model", 3);
  run.options.keep_tokens = true;
  auto session = begin(scratch.path("runs.db"), run);
  for (int64_t n = 0; n < 3; ++n) {
    run.questions.push_back(made_question(n, true));
    session->put(n, made_key(n), run.questions.back());
  }
  ASSERT_TRUE(session->finish(run));
  auto database = open_store(scratch.path("runs.db"), Open::kExisting);
  const std::string name = "/tests/data/store/v" + std::to_string(migrations().size()) + ".db";
  Statement(**database, "VACUUM INTO ?").with(std::string(HRE_SOURCE_DIR) + name).run();
  ASSERT_TRUE((*database)->status());
}

/// Stores of every version that was released stay readable: tests/data/store/vN.db holds a made-up run of 3 questions.
TEST(Schema, ReadsStoresOfEveryVersion) {
  const Scratch scratch;
  for (size_t version = 1; version <= migrations().size(); ++version) {
    const std::string name = "v" + std::to_string(version) + ".db";
    const std::string path = scratch.path(name);
    std::filesystem::copy_file(HRE_SOURCE_DIR "/tests/data/store/" + name, path);
    auto store = RunStore::open(path);
    ASSERT_TRUE(store) << store.error().text();
    const auto run = store->load("last");
    ASSERT_TRUE(run) << run.error().text();
    ASSERT_EQ(run->questions.size(), 3U);
    const auto info = store->find("last");
    EXPECT_TRUE(info->value && info->value_stderr);
    EXPECT_FALSE(info->value_low) << "3 questions have no interval";
    for (int64_t n = 0; n < 3; ++n) {
      QuestionResult made = made_question(n, true);
      for (AnswerResult& answer : made.answers) {
        if (version < 2) answer.token_texts = {};  // not kept then
        if (version < 3) answer.n_bytes = 0;
      }
      EXPECT_TRUE(are_equal(run->questions[static_cast<size_t>(n)].answers, made.answers)) << n;
    }
  }
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Schema, AStoreThatIsOnlyReadIsNotTouched) {
  const Scratch scratch;
  const std::string old = scratch.path("old.db"), mine = scratch.path("mine.db");
  std::filesystem::copy_file(HRE_SOURCE_DIR "/tests/data/store/v1.db", old);
  const std::string before = bytes_of(old);
  auto store = RunStore::open_or_create(mine);
  ASSERT_TRUE(store);
  const auto merged = store->merge(old);
  ASSERT_TRUE(merged) << merged.error().text();
  EXPECT_EQ(merged->runs, 1);
  EXPECT_EQ(merged->questions, 3);
  EXPECT_EQ(bytes_of(old), before);
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(old).parent_path())) {
    EXPECT_FALSE(entry.path().filename().string().starts_with("old.db") && entry.path() != old) << entry.path();
  }
}

/// Whether a reader sees so many questions, once the writer's thread has written them.
bool sees_questions(const std::string& path, int64_t n) {
  for (int tries = 0; tries < 100; ++tries) {
    auto reader = open_store_to_read(path);
    if (!reader || !(*reader)->is_read_only()) return false;
    if ((*reader)->number("SELECT count(*) FROM run_question") == n) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

/// What a writer has put into its log is there for those who may only read.
TEST(Schema, ReadersSeeWhatStandsInTheLog) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  auto session = begin(path, made_run("model", 3));
  for (int64_t n = 0; n < 3; ++n) session->put(n, made_key(n), made_question(n));
  EXPECT_TRUE(sees_questions(path, 3));
}

/// As after a crash: a log, and no index to it.
TEST(Schema, AStoreWhoseLogWasLeftIsReadAndNotTouched) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db"), mine = scratch.path("mine.db"), left = scratch.path("left.db");
  auto session = begin(path, made_run("model", 3));
  for (int64_t n = 0; n < 3; ++n) session->put(n, made_key(n), made_question(n));
  ASSERT_TRUE(sees_questions(path, 3));
  for (const char* part : {"", "-wal"}) std::filesystem::copy_file(path + part, left + part);
  const std::string before = bytes_of(left), log = bytes_of(left + "-wal");
  ASSERT_FALSE(log.empty());
  EXPECT_TRUE(sees_questions(left, 3));
  auto store = RunStore::open_or_create(mine);
  ASSERT_TRUE(store);
  const auto merged = store->merge(left);
  ASSERT_TRUE(merged) << merged.error().text();
  EXPECT_EQ(merged->questions, 3);
  EXPECT_EQ(bytes_of(left), before);
  EXPECT_EQ(bytes_of(left + "-wal"), log);
  EXPECT_FALSE(std::filesystem::exists(left + "-shm"));
}

TEST(Store, AnswersStoredWithoutTheSizesOfTheirTextsGetThem) {
  const Scratch scratch;
  hre::Run run = made_run("model", 2);
  run.options.keep_tokens = true;
  for (const bool again : {false, true}) {
    auto session = begin(scratch.path("runs.db"), run);
    run.questions.clear();
    for (int64_t n = 0; n < 2; ++n) {
      QuestionResult question = made_question(n, !again);  // tokens that are stored stay
      for (AnswerResult& answer : question.answers) answer.n_bytes = again ? answer.n_bytes : 0;
      session->put(n, made_key(n), question);
      run.questions.push_back(std::move(question));
    }
    ASSERT_TRUE(session->finish(run));
    EXPECT_EQ(session->n_replaced(), 0);
  }
  auto store = RunStore::open(scratch.path("runs.db"));
  ASSERT_TRUE(store);
  const auto loaded = store->load("last");
  ASSERT_TRUE(loaded) << loaded.error().text();
  for (int64_t n = 0; n < 2; ++n) {
    EXPECT_TRUE(are_equal(loaded->questions[static_cast<size_t>(n)].answers, made_question(n, true).answers)) << n;
  }
}

TEST(Store, APartOfARunIsNotTakenForTheWhole) {
  const Scratch scratch;
  auto store = RunStore::open_or_create(scratch.path("runs.db"));
  ASSERT_TRUE(store);
  hre::Run whole = made_run("model", 5);
  for (int64_t n = 0; n < 5; ++n) whole.questions.push_back(made_question(n));
  hre::Run part = whole, other_part = whole, chosen = whole;
  part.questions.resize(2);
  other_part.questions.erase(other_part.questions.begin());
  chosen.options.where = {"length<500"};
  for (const hre::Run* run : {&whole, &part, &other_part, &chosen}) {
    const auto added = store->add(*run, "", "a file");
    ASSERT_TRUE(added) << added.error().text();
    EXPECT_TRUE(added->is_new);
  }
  EXPECT_FALSE(store->add(whole, "", "another file")->is_new);
  EXPECT_EQ(store->load("last")->options.where, chosen.options.where);
  hre::Run shard = whole;
  shard.shard = RunShard{1, 2, 10, {0, 2, 4, 6, 8}};
  const auto refused = store->add(shard, "", "s.json");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("one shard of a run"), std::string::npos);
}

TEST(Store, RunsOfOneConfigurationWithOtherAnswersAreOthers) {
  const Scratch scratch;
  auto store = RunStore::open_or_create(scratch.path("runs.db")),
       other = RunStore::open_or_create(scratch.path("b.db"));
  ASSERT_TRUE(store && other);
  hre::Run first = made_run("model", 3);
  for (int64_t n = 0; n < 3; ++n) first.questions.push_back(made_question(n));
  hre::Run second = first;
  second.questions[1].answers[2].sum_log_prob -= 1e-9;
  complete_question(second.questions[1], true);
  EXPECT_TRUE(store->add(first, "", "first.json")->is_new);
  const auto added = store->add(second, "", "second.json");
  ASSERT_TRUE(added) << added.error().text();
  EXPECT_TRUE(added->is_new);
  EXPECT_FALSE(store->add(second, "", "again.json")->is_new);
  EXPECT_FALSE(store->add(first, "", "again.json")->is_new);
  const auto kept = store->load(added->name);
  ASSERT_TRUE(kept) << kept.error().text();
  EXPECT_EQ(kept->questions[1].answers[2].sum_log_prob, second.questions[1].answers[2].sum_log_prob);
  EXPECT_EQ(store->list()->size(), 2U);

  ASSERT_TRUE(other->add(second, "", "second.json")->is_new);  // there it has the configuration's own key
  hre::Run third = first;
  third.questions[0].answers[0].sum_log_prob = -3;
  complete_question(third.questions[0], true);
  auto more = RunStore::open_or_create(scratch.path("c.db"));
  ASSERT_TRUE(more && more->add(third, "", "third.json")->is_new);
  for (const char* name : {"b.db", "c.db", "b.db"}) ASSERT_TRUE(store->merge(scratch.path(name)));
  EXPECT_EQ(store->list()->size(), 3U);
}

/// An evaluation of what an import holds a part of numbers its questions anew.
TEST(Store, AnEvaluationTakesAnImportedRunsPlace) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  hre::Run run = made_run("model", 3);
  for (int64_t n = 0; n < 3; ++n) run.questions.push_back(made_question(n));
  ASSERT_TRUE(RunStore::open_or_create(path)->add(run, "", "a file"));
  run.dataset_source = "where it is now";
  auto session = begin(path, run);
  session->put(2, made_key(2), made_question(2));
  run.questions = {made_question(2)};
  ASSERT_TRUE(session->finish(run));
  auto store = RunStore::open(path);
  ASSERT_TRUE(store);
  const auto info = store->find("last");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->origin, "scored");
  EXPECT_EQ(info->dataset_source, "where it is now");
  EXPECT_EQ(info->done, 1);
}

TEST(Store, SurplusQuestionsAreNoPartOfTheRun) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  hre::Run run = made_run("model", 5);
  run.early_stop = EarlyStop{"width=0.1", "pearson", 42, true, 0.1, 0.2};
  auto session = begin(path, run);
  for (int64_t n = 0; n < 4; ++n) session->put(n, made_key(n), made_question(n));
  const std::vector<int64_t> surplus = {1, 3};
  ASSERT_TRUE(session->finish(run, surplus));
  session = begin(path, made_run("model", 5));
  EXPECT_TRUE((*session->find(made_keys(5)))[1]) << "their answers are kept";
  ASSERT_TRUE(session->finish(made_run("model", 5)));
  auto store = RunStore::open(path);
  EXPECT_EQ(store->list()->size(), 2U) << "a run that ended early is another one than the whole";
  EXPECT_EQ(store->load("last")->questions.size(), 2U) << "the other has no questions";
}

TEST(Repair, IsRefusedWhileAnotherUsesTheStore) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  auto session = begin(path, made_run("model", 3));
  const auto repaired = repair_store(path);
  ASSERT_FALSE(repaired);
  EXPECT_NE(repaired.error().message.find("another process has locked the store"), std::string::npos);
}

/// A process that had the store open, and had not read it yet: what it would write goes into the file that is moved
/// aside.
TEST(Repair, NobodyWritesToTheFileThatIsMovedAside) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  {
    auto session = begin(path, made_run("model", 3));
    for (int64_t n = 0; n < 3; ++n) session->put(n, made_key(n), made_question(n));
    ASSERT_TRUE(session->finish(made_run("model", 3)));
  }
  auto early = Database::open(path, Open::kExisting);
  ASSERT_TRUE(early);
  ASSERT_TRUE(repair_store(path, true));
  {
    Transaction transaction(**early);
    (*early)->run("UPDATE run SET name = 'lost'");
    const auto refused = transaction.commit();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("another file has replaced the store"), std::string::npos);
  }
  auto store = RunStore::open(path);
  ASSERT_TRUE(store);
  hre::Run run = made_run("another", 1);
  run.questions = {made_question(0)};
  EXPECT_TRUE(store->add(run, "", "a file")) << "the repaired store is written as any";
  EXPECT_EQ(store->list()->size(), 2U);
}

/// At every moment of a repair a store stands at the path: who opens it then gets the old one or the new one.
TEST(Repair, TheStoreIsThereAllTheTime) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  { auto store = RunStore::open_or_create(path); }
  std::atomic<bool> done = false;
  int64_t n_missing = 0;
  std::thread watcher([&] {
    while (!done) n_missing += std::filesystem::exists(path) ? 0 : 1;
  });
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(repair_store(path, true));
  done = true;
  watcher.join();
  EXPECT_EQ(n_missing, 0);
}

/// One run's description is no JSON any more: the others are listed, and it can be removed.
TEST(Store, ADamagedDescriptionHidesNoOtherRun) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  auto store = RunStore::open_or_create(path);
  ASSERT_TRUE(store);
  for (const char* model : {"first", "second", "third"}) {
    hre::Run run = made_run(model, 1);
    run.questions = {made_question(0)};
    ASSERT_TRUE(store->add(run, model, "a file"));
  }
  {
    auto database = open_store(path, Open::kExisting);
    (*database)->run("UPDATE run SET model = '{' WHERE name = 'second'");
    ASSERT_TRUE((*database)->status());
  }
  const auto runs = store->list();
  ASSERT_TRUE(runs) << runs.error().text();
  ASSERT_EQ(runs->size(), 3U);
  EXPECT_EQ((*runs)[1].name, "second");
  EXPECT_FALSE((*runs)[1].problem.empty());
  EXPECT_EQ((*runs)[0].problem + (*runs)[2].problem, "");
  EXPECT_FALSE(store->load("second"));
  ASSERT_TRUE(store->remove({*store->find("second")}));
  EXPECT_EQ(store->list()->size(), 2U);
}

TEST(Repair, AHealthyStoreStaysAsItIs) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  for (const char* model : {"first", "second", "first"}) {
    auto session = begin(path, made_run(model, 2));
    for (int64_t n = 0; n < 2; ++n) session->put(n, made_key(n), made_question(n));
    ASSERT_TRUE(session->finish(made_run(model, 2)));
  }
  for (const bool rewrite : {false, true}) {
    const auto repaired = repair_store(path, rewrite);
    ASSERT_TRUE(repaired) << repaired.error().text();
    EXPECT_EQ(repaired->damaged_copy.empty(), !rewrite);
    EXPECT_EQ(repaired->lost_questions, 0);
    EXPECT_FALSE(std::filesystem::exists(path + ".repaired"));
    const auto runs = RunStore::open(path)->list();
    ASSERT_TRUE(runs) << runs.error().text();
    ASSERT_EQ(runs->size(), 2U);
    EXPECT_EQ((*runs)[0].model.name, "first") << "it was used last, though it was added first";
  }
}

/// A run that a crash left without questions says nothing; it is listed, and "last" is the run before it.
TEST(Store, LastHasQuestions) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  { auto session = begin(path, made_run("empty", 2)); }
  const auto none = RunStore::open(path)->find("last");
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().text().find("0 runs with questions"), std::string::npos) << none.error().text();
  {
    auto session = begin(path, made_run("full", 2));
    session->put(0, made_key(0), made_question(0));
    ASSERT_TRUE(session->finish(made_run("full", 2)));
  }
  { auto session = begin(path, made_run("failed", 2)); }
  auto store = RunStore::open(path);
  EXPECT_EQ(store->list()->size(), 3U);
  EXPECT_EQ(store->find("last")->model.name, "full");
  EXPECT_FALSE(store->find("last~1"));
  EXPECT_EQ(store->find("last:full-*")->model.name, "full");
  const auto other = store->find("last:f*ed-*");
  ASSERT_FALSE(other) << "it has no questions";
  EXPECT_NE(other.error().text().find("0 runs with questions whose name matches"), std::string::npos);
}

/// The value that an interrupted evaluation left is not that of the questions which a killed one added to it.
TEST(Store, AKilledRunHasTheValueOfItsQuestions) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  {
    auto session = begin(path, made_run("model", 9));
    hre::Run run = made_run("model", 9);
    for (int64_t n = 0; n < 2; ++n) {
      session->put(n, made_key(n), made_question(n));
      run.questions.push_back(made_question(n));
    }
    ASSERT_TRUE(session->finish(run));
  }
  const auto before = RunStore::open(path)->find("last");
  {
    auto session = begin(path, made_run("model", 9));
    for (int64_t n = 2; n < 6; ++n) session->put(n, made_key(n), made_question(n));
  }
  const auto after = RunStore::open(path)->find("last");
  ASSERT_TRUE(before && after);
  EXPECT_EQ(after->done, 6);
  ASSERT_TRUE(before->value && after->value);
  EXPECT_NE(*before->value, *after->value);
  const auto whole = RunStore::open(path)->load("last");
  EXPECT_EQ(*after->value, *summarize(whole->questions, {.draws = 0}).micro.pearson.mean);
}

TEST(Repair, SavesAllThatCanBeRead) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  {
    auto session = begin(path, made_run("model", 400));
    for (int64_t n = 0; n < 400; ++n) session->put(n, made_key(n), made_question(n));
    ASSERT_TRUE(session->finish(made_run("model", 400)));
  }
  {
    auto database = open_store(path, Open::kExisting);
    (*database)->run("UPDATE answer_score SET sum_log_prob = 0 WHERE score = 7 AND position = 1");
    (*database)->run("PRAGMA wal_checkpoint(TRUNCATE)");
    ASSERT_TRUE((*database)->status());
  }
  // One page of answers is lost altogether.
  int64_t page = 0;
  {
    auto database = open_store(path, Open::kExisting);
    Statement pages(**database, "SELECT pageno FROM dbstat WHERE name = 'answer_score' AND pagetype = 'leaf' LIMIT 1");
    if (!pages.step()) GTEST_SKIP() << "this SQLite has no table dbstat";
    page = pages.integer(0);
  }
  {
    std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "r+b"), &std::fclose);
    const std::string zeros(4096, '\0');
    std::fseek(file.get(), static_cast<long>((page - 1) * 4096), SEEK_SET);
    std::fwrite(zeros.data(), 1, zeros.size(), file.get());
  }
  const auto repaired = repair_store(path);
  ASSERT_TRUE(repaired) << repaired.error().text();
  EXPECT_EQ(repaired->runs, 1);
  EXPECT_EQ(repaired->questions + repaired->lost_questions, 400);
  EXPECT_GT(repaired->lost_questions, 1);
  EXPECT_LT(repaired->lost_questions, 60);
  EXPECT_TRUE(std::filesystem::exists(repaired->damaged_copy));
  auto session = begin(path, made_run("model", 400));
  const auto found = session->find(made_keys(400));
  ASSERT_TRUE(found);
  int64_t n_found = 0;
  for (int64_t n = 0; n < 400; ++n) {
    const auto& score = (*found)[static_cast<size_t>(n)];
    if (!score) continue;
    ++n_found;
    EXPECT_TRUE(are_equal(score->answers, made_question(n).answers)) << n;
  }
  EXPECT_EQ(n_found, repaired->questions);
}

TEST(Pickle, ReadsWhatPythonWrites) {
  // pickle.dumps((-12.5, False), protocol) and (-12.5, True), protocols 2 to 5.
  const std::string value("G\xc0\x29\0\0\0\0\0\0", 9);
  for (const std::string& text : {"\x80\x02" + value + "\x89\x86q\0."s, "\x80\x03" + value + "\x88\x86q\0."s,
                                  "\x80\x04\x95\r\0\0\0\0\0\0\0"s + value + "\x89\x86\x94.",
                                  "\x80\x05\x95\r\0\0\0\0\0\0\0"s + value + "\x88\x86\x94."}) {
    EXPECT_EQ(read_pickled_score(text), -12.5) << text.size();
  }
  EXPECT_EQ(read_pickled_score(pickled_score(-0.1)), -0.1);
  EXPECT_FALSE(read_pickled_score(""));
  EXPECT_FALSE(read_pickled_score("\x80\x02" + value));
  EXPECT_FALSE(read_pickled_score("\x80\x02" + value + "\x89\x86." + "more"));
  EXPECT_FALSE(read_pickled_score("cos\nsystem\n(S'true'\ntR."));
}

TEST(ReferenceCache, KeysAreThePublishedOnes) {
  EXPECT_EQ(reference_key("Question: Q\nAnswer:", " A"),
            "b2558c798085d238475540c6b3dc21af2f73159bce125e3765c95c0e4444d5a9");
}

}  // namespace
}  // namespace hre::store
