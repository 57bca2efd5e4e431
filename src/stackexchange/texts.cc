#include "stackexchange/texts.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "core/files.h"
#include "core/text.h"
#include "stackexchange/language.h"
#include "stackexchange/machine_text.h"

namespace hre::stackexchange {
namespace {

constexpr size_t kBatchBytes = size_t{4} << 20;

// A post whose text is needed, as read and as converted.
struct Job {
  uint32_t id = 0, question = 0;
  bool is_question = false, is_plain = false;
  std::string body;
  PostTexts texts;
  TextRecord record;
};

std::string single_spaced(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space) line += c;
    if (space && !line.empty() && line.back() != ' ') line += ' ';
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

Job read_job(const TableRow& row, const PostRecord& post) {
  Job job;
  job.id = post.id;
  job.question = post.question;
  job.is_question = post.kind == PostKind::kQuestion;
  job.body = row.text("Body").value_or("");
  job.texts.title = single_spaced(row.text("Title").value_or(""));
  job.texts.tags = row.text("Tags").value_or("");
  job.texts.author = row.text("OwnerDisplayName").value_or("");
  job.texts.author_id = row.text("OwnerUserId").value_or("");
  job.is_plain = row.raw("Format") == "text";
  job.texts.url = row.text("Url").value_or("");
  job.texts.licence = row.text("ContentLicense").value_or("");
  return job;
}

std::string question_text(QuestionText style, const std::string& title, std::string body) {
  if (style == QuestionText::kTitle) return title;
  if (style == QuestionText::kBody || title.empty()) return body;
  return body.empty() ? title : title + "\n\n" + body;
}

uint32_t as_count(int64_t n) { return static_cast<uint32_t>(std::min<int64_t>(n, UINT32_MAX)); }

// A text that is no HTML, without white space at its ends.
HtmlText plain_text(std::string_view body) {
  while (!body.empty() && is_space(body.front())) body.remove_prefix(1);
  while (!body.empty() && is_space(body.back())) body.remove_suffix(1);
  HtmlText text;
  text.text = text.prose = body;
  text.code_points = count_code_points(body) - std::ranges::count_if(body, is_space);
  return text;
}

// The slow part. Jobs are independent of each other, so threads share them.
void convert(Job& job, const TextOptions& options) {
  job.record.id = job.id;
  job.record.question = job.question;
  Result<HtmlText> html = job.is_plain ? plain_text(job.body) : html_to_text(job.body, {options.code});
  if (!html) {
    job.record.bad_html = 1;
    return;
  }
  job.record.visible = as_count(html->code_points);
  job.record.code = as_count(html->code_code_points);
  job.record.links = as_count(html->link_code_points);
  job.record.image_only = html->images > 0 && html->code_points == 0;
  if (options.tell_language) {
    const std::string language = language_of(html->prose);
    language.copy(job.record.language, sizeof job.record.language - 1);
  }
  job.texts.text =
      job.is_question ? question_text(options.question, job.texts.title, std::move(html->text)) : std::move(html->text);
  job.record.machine_phrase = machine_phrase(job.texts.text);
  job.record.length = as_count(count_code_points(job.texts.text));
  job.record.hash = XXH3_64bits(job.texts.text.data(), job.texts.text.size());
}

void convert_all(std::vector<Job>& jobs, const TextOptions& options, int threads) {
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < jobs.size(); i = next++) convert(jobs[i], options);
  };
  std::vector<std::jthread> helpers;
  for (int i = 1; i < threads; ++i) helpers.emplace_back(work);
  work();
}

// Appends a field: its length in 4 bytes, then its bytes.
void put(std::string& to, const std::string& field) {
  const auto n = static_cast<uint32_t>(field.size());
  to.append(reinterpret_cast<const char*>(&n), sizeof n);
  to += field;
}

std::string take(std::string_view& from) {
  uint32_t n = 0;
  std::memcpy(&n, from.data(), sizeof n);
  std::string field(from.substr(sizeof n, n));
  from.remove_prefix(sizeof n + n);
  return field;
}

Status store(std::vector<Job>& jobs, SiteTexts& texts) {
  for (Job& job : jobs) {
    std::string bytes;
    const PostTexts& t = job.texts;
    for (const std::string* field : {&t.text, &t.title, &t.tags, &t.author, &t.author_id, &t.licence, &t.url})
      put(bytes, *field);
    Result<uint64_t> offset = texts.texts.append(bytes);
    if (!offset) return forward(offset);
    job.record.offset = *offset;
    job.record.bytes = static_cast<uint32_t>(bytes.size());
    if (Status status = texts.records.add(bucket_of(job.question), job.record); !status) return status;
  }
  jobs.clear();
  return {};
}

Result<SiteTexts> create_texts(const std::string& folder) {
  auto texts = WorkFile::create(folder + "/texts");
  if (!texts) return forward(texts);
  auto records = Buckets<TextRecord>::create(folder + "/records");
  if (!records) return forward(records);
  return SiteTexts{std::move(*texts), std::move(*records), false};
}

// The content of the seal, a file that says that the texts are complete and which key they have.
std::string seal_of(const std::string& key, const WorkFile& texts) { return fmt::format("{} {}\n", key, texts.size()); }

// The texts of an earlier build, if they are complete and have this key.
std::optional<SiteTexts> find_texts(const std::string& folder, const std::string& key, const std::string& seal) {
  std::ifstream file(seal, std::ios::binary);
  const std::string sealed{std::istreambuf_iterator<char>(file), {}};
  if (sealed.empty()) return std::nullopt;
  auto texts = WorkFile::reopen(folder + "/texts");
  if (!texts || sealed != seal_of(key, *texts)) return std::nullopt;
  auto records = Buckets<TextRecord>::reopen(folder + "/records");
  if (!records) return std::nullopt;
  return SiteTexts{std::move(*texts), std::move(*records), true};
}

}  // namespace

void IdSet::insert(uint32_t id) {
  std::vector<uint64_t>& page = pages_[id >> kPageBits];
  if (page.empty()) page.resize((size_t{1} << kPageBits) / 64);
  const uint32_t at = id & ((1U << kPageBits) - 1);
  const uint64_t bit = uint64_t{1} << (at % 64);
  size_ += (page[at / 64] & bit) == 0 ? 1 : 0;
  page[at / 64] |= bit;
}

bool IdSet::contains(uint32_t id) const {
  const auto page = pages_.find(id >> kPageBits);
  if (page == pages_.end()) return false;
  const uint32_t at = id & ((1U << kPageBits) - 1);
  return (page->second[at / 64] >> (at % 64) & 1) != 0;
}

Result<PostTexts> load_texts(const WorkFile& texts, const TextRecord& record) {
  std::string bytes(record.bytes, '\0');
  if (Status status = texts.read(record.offset, bytes.data(), bytes.size()); !status) return forward(status);
  std::string_view rest = bytes;
  PostTexts post;
  for (std::string* field :
       {&post.text, &post.title, &post.tags, &post.author, &post.author_id, &post.licence, &post.url})
    *field = take(rest);
  return post;
}

Result<SiteTexts> read_texts(const Dump& dump, const IdSet& wanted, const TextOptions& text, const ReadOptions& options,
                             const std::string& folder, const std::string& key, ProgressListener& progress,
                             std::stop_token stop) {
  const std::string seal = folder + "/texts.key";
  if (std::optional<SiteTexts> found = find_texts(folder, key, seal)) return std::move(*found);
  std::error_code ignored;
  std::filesystem::remove(seal, ignored);
  Result<SiteTexts> texts = create_texts(folder);
  if (!texts) return texts;
  std::vector<Job> jobs;
  size_t waiting = 0;
  const auto flush = [&] {
    convert_all(jobs, text, options.threads);
    waiting = 0;
    return store(jobs, *texts);
  };
  const auto each = [&](const TableRow& row) -> Result<std::optional<std::string>> {
    const std::optional<int64_t> id = row.number_of("Id");
    PostRecord post;
    // The first reading has already reported the problems of rows.
    if (!id || *id < 1 || *id > UINT32_MAX || !wanted.contains(static_cast<uint32_t>(*id)) || read_post(row, post)) {
      return std::optional<std::string>();
    }
    jobs.push_back(read_job(row, post));
    waiting += jobs.back().body.size();
    if (waiting < kBatchBytes) return std::optional<std::string>();
    if (Status status = flush(); !status) return forward(status);
    return std::optional<std::string>();
  };
  const auto visit = [&](const TableFile& table, ByteSource& bytes) -> Status {
    auto counts = read_table(table, bytes, options, progress, stop, each);
    if (!counts) return forward(counts);
    return {};
  };
  Status status = visit_tables(dump, {Table::kPosts}, visit, stop);
  if (status) status = flush();
  if (status) status = texts->texts.sync();
  if (status) status = texts->records.finish();
  if (status) status = write_file(seal, seal_of(key, texts->texts));
  if (!status) return forward(status);
  return texts;
}

}  // namespace hre::stackexchange
