#include "stackexchange/tables.h"

#include <memory>

#include "stackexchange/jsonl_posts.h"

namespace hre::stackexchange {
namespace {

constexpr int64_t kMegabyte = 1'000'000;

// Passes bytes through, reports their number, and ends with an error when reading must stop.
class WatchedSource final : public ByteSource {
 public:
  WatchedSource(ByteSource& inner, ProgressListener& progress, std::stop_token stop)
      : inner_(inner), progress_(progress), stop_(std::move(stop)) {}
  Result<size_t> read(char* to, size_t n) override {
    if (stop_.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");
    progress_.advance(given_ / kMegabyte, static_cast<double>(given_));  // earlier bytes are processed by now
    Result<size_t> got = inner_.read(to, n);
    if (got) given_ += static_cast<int64_t>(*got);
    return got;
  }

 private:
  ByteSource& inner_;
  ProgressListener& progress_;
  std::stop_token stop_;
  int64_t given_ = 0;
};

std::unique_ptr<TableReader> reader_of(const TableFile& table, ByteSource& bytes, const RowOptions& options) {
  if (table.jsonl) return std::make_unique<JsonlReader>(bytes, table.place(), options);
  return std::make_unique<XmlReader>(bytes, table.place(), root_of(table.table), options);
}

}  // namespace

Result<TableCounts> read_table(const TableFile& table, ByteSource& bytes, const ReadOptions& options,
                               ProgressListener& progress, std::stop_token stop,
                               const std::function<Result<std::optional<std::string>>(const TableRow&)>& each) {
  std::unique_ptr<ByteSource> ahead = options.threads > 1 ? read_ahead(bytes) : nullptr;
  WatchedSource watched(ahead ? *ahead : bytes, progress, std::move(stop));
  const std::unique_ptr<TableReader> reader = reader_of(table, watched, options.rows);
  progress.begin("reading " + table.place(), table.bytes / kMegabyte, "MB", static_cast<double>(table.bytes));
  TableRow row;
  while (true) {
    Result<bool> more = reader->next(row);
    if (!more) return forward(more);
    if (!*more) break;
    Result<std::optional<std::string>> problem = each(row);
    if (!problem) return forward(problem);
    if (*problem) {
      if (Status status = reader->reject(row, std::move(**problem)); !status) return forward(status);
    }
  }
  progress.end();
  TableCounts counts{reader->rows(), reader->skipped(), reader->cleaned(), reader->truncated(), {}};
  for (const RowProblem& problem : reader->problems()) {
    counts.problems.push_back(reader->where(problem.number, problem.offset) + ": " + problem.message);
  }
  return counts;
}

std::string place_of_post(const Dump& dump, uint32_t id, int occurrence, const std::stop_token& stop) {
  const TableFile& posts = *dump.find(Table::kPosts);
  std::string place = posts.place();
  const auto visit = [&](const TableFile& table, ByteSource& bytes) -> Status {
    const auto reader = reader_of(table, bytes, {.strict = false, .allow_truncated = true});
    TableRow row;
    while (true) {
      Result<bool> more = reader->next(row);
      if (!more) return forward(more);
      if (!*more) return {};
      if (row.number_of("Id") != id || --occurrence > 0) continue;
      place = reader->where(row.number, row.offset);
      return fail(ErrorCode::kInterrupted, "found");
    }
  };
  static_cast<void>(visit_tables(dump, {Table::kPosts}, visit, stop));
  return place;
}

}  // namespace hre::stackexchange
