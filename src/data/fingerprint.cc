#include <bit>
#include <map>

#include "core/hashing.h"
#include "hre/dataset.h"

namespace hre {
namespace {

void add_number(ContentHash& hash, uint64_t value) {
  char bytes[8];  // little-endian on every machine
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  hash.add_bytes({bytes, sizeof bytes});
}

}  // namespace

// One hash per topic, so that the order and mixing of topics make no difference.
struct DatasetFingerprint::State {
  std::map<std::string, ContentHash> topics;
};

DatasetFingerprint::DatasetFingerprint() : state_(std::make_unique<State>()) {}
DatasetFingerprint::~DatasetFingerprint() = default;
DatasetFingerprint::DatasetFingerprint(DatasetFingerprint&&) noexcept = default;
DatasetFingerprint& DatasetFingerprint::operator=(DatasetFingerprint&&) noexcept = default;

void DatasetFingerprint::add(const Question& question) {
  ContentHash& hash = state_->topics[question.topic];
  hash.add_field(question.id);
  hash.add_field(question.text);
  add_number(hash, question.answers.size());
  for (const Answer& answer : question.answers) {
    hash.add_field(answer.text);
    add_number(hash, std::bit_cast<uint64_t>(answer.votes + 0.0));  // negative zero becomes zero
  }
}

std::string DatasetFingerprint::value() const {
  ContentHash all;
  for (const auto& [topic, hash] : state_->topics) {
    all.add_field(topic);
    all.add_field(hash.value());
  }
  return all.value();
}

}  // namespace hre
