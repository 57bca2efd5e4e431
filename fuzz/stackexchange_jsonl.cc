// JSON lines as rows of posts: no crash, and every row that comes out is a post, of valid UTF-8 without control
// characters. Lines that can't be read are counted.
#include <cstdlib>

#include "core/text.h"
#include "stackexchange/jsonl_posts.h"
#include "stackexchange/post.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hre::stackexchange;
  const auto lines = open_memory({reinterpret_cast<const char*>(data), size});
  JsonlReader reader(*lines, "x.jsonl", {});
  TableRow row;
  hre::Result<bool> more = true;
  for (more = reader.next(row); more && *more; more = reader.next(row)) {
    PostRecord post;
    if (read_post(row, post)) std::abort();
    for (const auto& [name, value] : row.attributes()) {
      if (hre::find_invalid_utf8(value) || value.find('\x01') != std::string::npos) std::abort();
    }
  }
  if (!more || reader.skipped() > reader.rows()) std::abort();
  return 0;
}
