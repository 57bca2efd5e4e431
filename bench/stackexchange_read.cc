// How fast Posts.xml is read, against its limits: reading the bytes alone, and expat's own parse.
//   bench_stackexchange_read Posts.xml [REPEATS]
// Prints bytes a second (best of the repeats) and the process's peak memory. The numbers of rows that expat
// and the reader see must agree.
#include <expat.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <vector>

#include "stackexchange/index.h"
#include "stackexchange/rows.h"

namespace {

using namespace hre::stackexchange;

int64_t peak_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

[[noreturn]] void stop(const std::string& message) {
  fmt::print(stderr, "bench_stackexchange_read: {}\n", message);
  std::exit(1);
}

template <class T>
T value_of(hre::Result<T> result) {
  if (!result) stop(result.error().text());
  return std::move(*result);
}

int64_t read_bytes(const std::string& path) {
  const auto file = value_of(open_file(path));
  std::vector<char> block(size_t{1} << 20);
  int64_t total = 0;
  while (const size_t got = value_of(file->read(block.data(), block.size()))) total += static_cast<int64_t>(got);
  return total;
}

int64_t rows_by_expat(const std::string& path) {
  const auto file = value_of(open_file(path));
  int64_t elements = 0;
  XML_Parser parser = XML_ParserCreate(nullptr);
  XML_SetUserData(parser, &elements);
  XML_SetStartElementHandler(parser, [](void* data, const char*, const char**) { ++*static_cast<int64_t*>(data); });
  std::vector<char> block(size_t{1} << 20);
  while (const size_t got = value_of(file->read(block.data(), block.size()))) {
    if (XML_Parse(parser, block.data(), static_cast<int>(got), 0) != XML_STATUS_OK) stop("expat can't read the file");
  }
  XML_ParserFree(parser);
  return elements - 1;
}

int64_t rows_by_reader(const std::string& path) {
  const auto file = value_of(open_file(path));
  RowReader reader(*file, path, "posts");
  Row row;
  while (value_of(reader.next(row))) {
  }
  return reader.rows() - reader.skipped();
}

int64_t first_reading(const std::string& path, int threads) {
  const std::string work = std::filesystem::temp_directory_path() / fmt::format("hre-bench-{}", getpid());
  std::filesystem::remove_all(work);
  const Dump dump = value_of(open_dump(path, "bench.stackexchange.com"));
  ReadOptions options;
  options.threads = threads;
  hre::SilentProgress progress;
  const SiteIndex index = value_of(index_site(dump, {{0, {"python"}, {}}}, options, work, progress, {}));
  std::filesystem::remove_all(work);
  return index.counts.rows;
}

void report(const std::string& what, int64_t bytes, int repeats, const std::function<void()>& work) {
  double best = 1e300;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  fmt::print("{:<34} {:>8.0f} MB/s   {:>8.3f} s   peak {} MB\n", what, static_cast<double>(bytes) / best / 1e6, best,
             peak_mb());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) stop("give a Posts.xml");
  const std::string path = argv[1];
  const int repeats = argc > 2 ? std::atoi(argv[2]) : 3;
  const int64_t bytes = read_bytes(path), rows = rows_by_reader(path);
  if (rows != rows_by_expat(path)) stop("expat sees another number of rows");
  fmt::print("{}: {} bytes, {} rows\n", path, bytes, rows);
  report("limit: reading the bytes", bytes, repeats, [&] { read_bytes(path); });
  report("limit: expat's own parse", bytes, repeats, [&] { rows_by_expat(path); });
  report("rows", bytes, repeats, [&] { rows_by_reader(path); });
  report("first reading, 1 thread", bytes, repeats, [&] { first_reading(path, 1); });
  report("first reading, 2 threads", bytes, repeats, [&] { first_reading(path, 2); });
}
