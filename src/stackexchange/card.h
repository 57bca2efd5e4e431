#pragma once
/// The files beside a dataset's questions: one line of metadata per question, the card, the recipe.

#include <string>
#include <vector>

#include "stackexchange/build.h"
#include "stackexchange/texts.h"

namespace hre::stackexchange {

/// A question (the first) or one of its answers, with the data that was used.
struct TakenPost {
  PostRecord post;
  TextRecord text;
  PostTexts texts;
};

/// One line of metadata/questions.jsonl: sources, authors, dates and licences of the question and its answers. Upvotes
/// and downvotes are null without a Votes.xml.
std::string metadata_line(const std::string& id, const std::string& topic, const SiteReport& site, Label label,
                          const std::vector<TakenPost>& posts);

void add_to_report(const SiteReport& site, Label label, const std::vector<TakenPost>& posts, TopicReport& report);

/// README.md: the dataset's card, a datasheet: composition, collection, licence, filters, biases, use.
std::string format_card(const Recipe& recipe, const BuildReport& report);

/// recipe.toml: the complete recipe, with the hash of each site's posts.
std::string format_resolved(const Recipe& recipe, const BuildReport& report);

/// A site's counts, as one paragraph of text.
std::string format_site(const SiteReport& site);

}  // namespace hre::stackexchange
