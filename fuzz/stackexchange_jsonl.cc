// JSON lines as Posts.xml: no crash, and what comes out is a table whose rows are read, or say what is wrong with a
// line.
#include <cstdlib>

#include "stackexchange/jsonl_posts.h"
#include "stackexchange/post.h"
#include "stackexchange/rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hre::stackexchange;
  const auto lines = open_memory({reinterpret_cast<const char*>(data), size});
  const auto posts = posts_of_jsonl(*lines);
  RowReader reader(*posts, "x.jsonl", "posts");
  Row row;
  hre::Result<bool> more = true;
  for (more = reader.next(row); more && *more; more = reader.next(row)) {
    PostRecord post;
    if (read_post(row, post) && !row.has("Problem")) std::abort();
  }
  if (!more) std::abort();
  return 0;
}
