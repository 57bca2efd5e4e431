// What the hub says, and what the cache keeps of it: no crash, and no path that leads out of the cache.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "hub/api.h"
#include "hub/cache.h"
#include "hub/choose.h"
#include "hub/ranges.h"

namespace {

void check(const std::vector<hre::hub::RepoFile>& files) {
  for (const auto& file : files) {
    if (!hre::hub::is_inner_path(file.path) || file.size < 0) std::abort();
  }
  for (const char* wanted : {"", "*Q4*", "Q8_0"}) {
    (void)hre::hub::choose_model_files(files, wanted, "hf:org/repo");
    (void)hre::hub::choose_dataset_files(files, wanted, "hf:org/repo");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hre::hub;
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)parse_commit(text);
  std::vector<RepoFile> files;
  if (parse_tree_page(text, files)) check(files);
  if (const auto listing = parse_listing(text)) {
    check(listing->files);
    if (parse_listing(listing_text(*listing)) != listing) std::abort();
  }
  if (const auto listing = parse_python_tree(text, std::string(40, '0'))) check(listing->files);
  if (const auto next = next_page(text); next && next->size() >= size) std::abort();
  constexpr int64_t kSize = 1000;
  if (parse_record(text, kSize).total() > kSize) std::abort();
  if (const auto name = parse_hub_name(text); name && !is_inner_path(name->repository)) std::abort();
  return 0;
}
