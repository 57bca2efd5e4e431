// One of the ways to read a Posts.xml, timed; bench/stackexchange_read.py runs them side by side.
//   bench_stackexchange_read bytes|expat|rows|first|first2 Posts.xml
// bytes: reading alone; expat: its own parse, which does nothing with what it finds; rows: the reader of rows; first
// and first2: the first reading, with 1 and 2 threads. Prints one line of JSON: seconds, rows and peak memory.
#include <expat.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "stackexchange/index.h"
#include "stackexchange/rows.h"

namespace {

using namespace hre::stackexchange;

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
  while (value_of(file->read(block.data(), block.size())) > 0) {
  }
  return 0;
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
  XmlReader reader(*file, path, "posts");
  TableRow row;
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

int64_t run(const std::string& way, const std::string& path) {
  if (way == "bytes") return read_bytes(path);
  if (way == "expat") return rows_by_expat(path);
  if (way == "rows") return rows_by_reader(path);
  if (way == "first") return first_reading(path, 1);
  if (way == "first2") return first_reading(path, 2);
  stop("there is no way '" + way + "'");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) stop("give a way and a Posts.xml");
  const auto start = std::chrono::steady_clock::now();
  const int64_t rows = run(argv[1], argv[2]);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  fmt::print("{{\"seconds\": {}, \"cpu_seconds\": {}, \"rows\": {}, \"peak_mb\": {}}}\n", seconds, cpu, rows,
             usage.ru_maxrss / 1024);
}
