// Metadata of questions, and conditions on them: no crash, one question a line that is not blank, dates in order.
#include <cstdlib>
#include <string>

#include "data/metadata.h"
#include "data/where.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hre::data;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto period = parse_date(text)) require(period->begin <= period->end);
  const auto condition = Condition::parse(text);
  const auto metadata = read_metadata(text, "fuzz.jsonl");
  if (!metadata) {
    require(!metadata.error().message.empty() && metadata.error().where.starts_with("fuzz.jsonl, line "));
  } else {
    for (const auto& [key, question] : *metadata) {
      QuestionFacts facts{key.first, key.second, 4, 100, 3, &question};
      if (condition) condition->holds(facts);
    }
  }
  const auto equal = Condition::parse("topic=" + text);
  const auto other = Condition::parse("topic!=" + text);
  const QuestionFacts facts{"python", "python/000001", 4, 100, 3, nullptr};
  require(equal && other && equal->holds(facts) != other->holds(facts));
  return 0;
}
