#include "store/job_queue.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <limits>
#include <set>
#include <thread>

#include "hre/store.h"
#include "store/test_run.h"

namespace hre::store {
namespace {

constexpr int64_t kAnyNumber = std::numeric_limits<int64_t>::max();

JobQueue open(const std::string& path) {
  auto queue = JobQueue::open(path);
  if (!queue) throw std::runtime_error(queue.error().text());
  return std::move(*queue);
}

TEST(JobQueue, DoesJobsInTheirOrder) {
  const Scratch scratch;
  JobQueue queue = open(scratch.path("runs.db"));
  for (const char* model : {"/a", "/b", "/c"}) ASSERT_TRUE(*queue.add(model, "{}", 10));
  const auto first = *queue.take();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->model, "/a");
  EXPECT_EQ(first->status, JobStatus::kRunning);
  EXPECT_EQ(first->attempts, 1);
  EXPECT_FALSE(first->created.empty() || first->started.empty());
  ASSERT_TRUE(queue.end(first->id, JobStatus::kCompleted, "", R"({"value": 0.5})"));
  const auto second = *queue.take();
  ASSERT_TRUE(queue.end(second->id, JobStatus::kFailed, "no memory", ""));
  EXPECT_EQ(*queue.counts(), (JobCounts{1, 0, 1, 1, 0}));
  const auto jobs = *queue.list({}, kAnyNumber, 10);
  ASSERT_EQ(jobs.size(), 3U);
  EXPECT_EQ(jobs[0].model, "/c");
  EXPECT_EQ(jobs[1].why, "no memory");
  EXPECT_EQ(jobs[2].result, R"({"value": 0.5})");
  EXPECT_FALSE(jobs[2].ended.empty());
  EXPECT_EQ(queue.list({}, jobs[1].id, 10)->size(), 1U);
  EXPECT_EQ(queue.list(JobStatus::kFailed, kAnyNumber, 10)->size(), 1U);
  EXPECT_EQ(queue.completed()->front().id, first->id);
  EXPECT_FALSE(*queue.find(999));
}

TEST(JobQueue, IsBounded) {
  const Scratch scratch;
  JobQueue queue = open(scratch.path("runs.db"));
  EXPECT_TRUE(*queue.add("/a", "{}", 2));
  EXPECT_TRUE(*queue.add("/b", "{}", 2));
  EXPECT_FALSE(*queue.add("/c", "{}", 2));
  EXPECT_TRUE(*queue.take());
  EXPECT_TRUE(*queue.add("/c", "{}", 2)) << "the one that runs doesn't wait";
}

TEST(JobQueue, CancelsOnlyWhatWaits) {
  const Scratch scratch;
  JobQueue queue = open(scratch.path("runs.db"));
  const int64_t first = (*queue.add("/a", "{}", 9))->id, second = (*queue.add("/b", "{}", 9))->id;
  EXPECT_EQ((*queue.take())->id, first);
  EXPECT_FALSE(*queue.cancel(first));
  EXPECT_TRUE(*queue.cancel(second));
  EXPECT_FALSE(*queue.cancel(second));
  EXPECT_FALSE(*queue.cancel(77));
  EXPECT_FALSE(*queue.take());
  EXPECT_EQ((*queue.find(second))->status, JobStatus::kCancelled);
}

/// What runs when the process ends is queued again in its old place, and its results are only taken while it runs.
TEST(JobQueue, SurvivesTheProcess) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  int64_t first = 0;
  {
    JobQueue queue = open(path);
    first = (*queue.add("/a", R"({"limit": 3})", 9))->id;
    ASSERT_TRUE(*queue.add("/b", "{}", 9));
    ASSERT_TRUE(*queue.take());
  }
  JobQueue queue = open(path);
  ASSERT_TRUE(queue.put_back(false));
  ASSERT_TRUE(queue.end(first, JobStatus::kCompleted, "", "late"));
  auto again = *queue.take();
  EXPECT_EQ(again->id, first);
  EXPECT_EQ(again->attempts, 2) << "an end that wasn't in order counts";
  EXPECT_EQ(again->request, R"({"limit": 3})");
  EXPECT_EQ(again->result, "");
  ASSERT_TRUE(queue.put_back(true));
  again = *queue.take();
  EXPECT_EQ(again->attempts, 2) << "one in order doesn't";
}

TEST(JobQueue, ManyConnectionsLoseNothing) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  constexpr int kThreads = 4, kJobs = 25;
  { JobQueue queue = open(path); }
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        JobQueue queue = open(path);
        for (int i = 0; i < kJobs; ++i) EXPECT_TRUE(*queue.add(std::to_string(t * kJobs + i), "{}", 1000));
      });
    }
  }
  JobQueue queue = open(path);
  std::set<std::string> models;
  std::set<int64_t> ids;
  while (const auto job = *queue.take()) {
    models.insert(job->model);
    ids.insert(job->id);
  }
  EXPECT_EQ(models.size(), 100U);
  EXPECT_EQ(ids.size(), 100U);
}

/// A store that is repaired keeps its jobs.
TEST(JobQueue, IsRepaired) {
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  {
    JobQueue queue = open(path);
    ASSERT_TRUE(*queue.add("/a", R"({"limit": 3})", 9));
    ASSERT_TRUE(*queue.add("/b", "{}", 9));
    ASSERT_TRUE(queue.end((*queue.take())->id, JobStatus::kCompleted, "", "{}"));
  }
  ASSERT_TRUE(repair_store(path, true));
  JobQueue queue = open(path);
  const auto jobs = *queue.list({}, kAnyNumber, 10);
  ASSERT_EQ(jobs.size(), 2U);
  EXPECT_EQ(jobs[1].result, "{}");
  EXPECT_EQ(jobs[1].request, R"({"limit": 3})");
  EXPECT_EQ((*queue.add("/c", "{}", 9))->id, 3);
}

}  // namespace
}  // namespace hre::store
