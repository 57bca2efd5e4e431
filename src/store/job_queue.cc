#include "store/job_queue.h"

#include <utility>

#include "core/dates.h"
#include "core/named.h"
#include "store/schema.h"

namespace hre::store {
namespace {

constexpr Named<JobStatus> kNames[kJobStatuses] = {{"queued", JobStatus::kQueued},
                                                   {"running", JobStatus::kRunning},
                                                   {"completed", JobStatus::kCompleted},
                                                   {"failed", JobStatus::kFailed},
                                                   {"cancelled", JobStatus::kCancelled}};

constexpr const char* kColumns = "id, status, model, request, created, started, ended, attempts, why, result";

Job read_job(const Statement& row) {
  Job job;
  job.id = row.integer(0);
  job.status = job_status(row.text(1)).value_or(JobStatus::kFailed);
  job.model = row.text(2);
  job.request = row.text(3);
  job.created = row.text(4);
  job.started = row.text(5);
  job.ended = row.text(6);
  job.attempts = row.integer(7);
  job.why = row.text(8);
  job.result = row.text(9);
  return job;
}

Result<std::vector<Job>> read_jobs(Database& database, Statement& rows) {
  std::vector<Job> jobs;
  while (rows.step()) jobs.push_back(read_job(rows));
  if (auto ok = database.status(); !ok) return forward(ok);
  return jobs;
}

std::string select(const std::string& rest) { return std::string("SELECT ") + kColumns + " FROM job " + rest; }

}  // namespace

const char* job_status_name(JobStatus status) { return kNames[static_cast<size_t>(status)].name; }

std::optional<JobStatus> job_status(std::string_view name) {
  for (const auto& named : kNames) {
    if (name == named.name) return named.value;
  }
  return std::nullopt;
}

JobQueue::JobQueue(std::unique_ptr<Database> database) : database_(std::move(database)) {}
JobQueue::~JobQueue() = default;
JobQueue::JobQueue(JobQueue&&) noexcept = default;

Result<JobQueue> JobQueue::open(const std::string& path) {
  auto database = open_store(path, Open::kCreate);
  if (!database) return forward(database);
  if ((*database)->is_read_only()) return fail(ErrorCode::kFailed, "the store can't be written", path);
  return JobQueue(std::move(*database));
}

Result<std::optional<Job>> JobQueue::add(const std::string& model, const std::string& request, int64_t most_queued) {
  Transaction transaction(*database_);
  const bool is_full = database_->number("SELECT count(*) FROM job WHERE status = 'queued'") >= most_queued;
  if (!is_full) {
    Statement(*database_,
              "INSERT INTO job (status, model, request, created, started, ended, attempts, why, result) VALUES "
              "('queued', ?, ?, ?, '', '', 0, '', '')")
        .with(model, request, utc_now())
        .run();
  }
  const int64_t id = database_->last_row();
  if (auto ok = transaction.commit(); !ok) return forward(ok);
  if (is_full) return std::optional<Job>();
  return find(id);
}

Result<std::optional<Job>> JobQueue::find(int64_t id) {
  auto jobs = read_jobs(*database_, Statement(*database_, select("WHERE id = ?")).with(id));
  if (!jobs) return forward(jobs);
  if (jobs->empty()) return std::optional<Job>();
  return std::optional(std::move(jobs->front()));
}

Result<std::vector<Job>> JobQueue::list(std::optional<JobStatus> status, int64_t before, int64_t most) {
  const std::string name = status ? job_status_name(*status) : "";
  return read_jobs(*database_,
                   Statement(*database_, select("WHERE id < ? AND (? OR status = ?) ORDER BY id DESC LIMIT ?"))
                       .with(before, name.empty(), name, most));
}

Result<std::vector<Job>> JobQueue::completed() {
  return read_jobs(*database_, Statement(*database_, select("WHERE status = 'completed' ORDER BY id")).with());
}

Result<JobCounts> JobQueue::counts() {
  JobCounts counts = {};
  Statement rows(*database_, "SELECT status, count(*) FROM job GROUP BY status");
  while (rows.step()) {
    if (const auto status = job_status(rows.text(0))) counts[static_cast<size_t>(*status)] = rows.integer(1);
  }
  if (auto ok = database_->status(); !ok) return forward(ok);
  return counts;
}

Result<std::optional<Job>> JobQueue::take() {
  Transaction transaction(*database_);
  auto jobs =
      read_jobs(*database_, Statement(*database_, select("WHERE status = 'queued' ORDER BY id LIMIT 1")).with());
  if (!jobs) return forward(jobs);
  if (jobs->empty()) return std::optional<Job>();
  Job& job = jobs->front();
  job.status = JobStatus::kRunning;
  job.started = utc_now();
  ++job.attempts;
  Statement(*database_, "UPDATE job SET status = 'running', started = ?, attempts = ? WHERE id = ?")
      .with(job.started, job.attempts, job.id)
      .run();
  if (auto ok = transaction.commit(); !ok) return forward(ok);
  return std::optional(std::move(job));
}

Status JobQueue::end(int64_t id, JobStatus status, const std::string& why, const std::string& result) {
  database_->check_place();
  Statement(*database_, "UPDATE job SET status = ?, ended = ?, why = ?, result = ? WHERE id = ? AND status = 'running'")
      .with(std::string(job_status_name(status)), utc_now(), why, result, id)
      .run();
  return database_->status();
}

Status JobQueue::put_back(bool in_order) {
  database_->check_place();
  Statement(*database_, "UPDATE job SET status = 'queued', attempts = attempts - ? WHERE status = 'running'")
      .with(in_order)
      .run();
  return database_->status();
}

Result<bool> JobQueue::cancel(int64_t id) {
  database_->check_place();
  Statement(*database_, "UPDATE job SET status = 'cancelled', ended = ? WHERE id = ? AND status = 'queued'")
      .with(utc_now(), id)
      .run();
  const bool is_cancelled = database_->changes() > 0;
  if (auto ok = database_->status(); !ok) return forward(ok);
  return is_cancelled;
}

}  // namespace hre::store
