#pragma once
/// What is written beside a dataset's questions: a line of metadata for each, the card, the recipe.

#include <string>
#include <vector>

#include "stackexchange/build.h"
#include "stackexchange/texts.h"

namespace hre::stackexchange {

/// A question (the first) or one of its answers, as it was taken.
struct TakenPost {
  PostRecord post;
  TextRecord text;
  PostTexts texts;
};

/// One line of metadata/questions.jsonl: where the question and its answers come from, by whom, when, and
/// their licences. Upvotes and downvotes are null where no Votes.xml told them.
std::string metadata_line(const std::string& id, const std::string& topic, const SiteReport& site,
                          const std::vector<TakenPost>& posts);

void add_to_report(const std::string& site, const std::vector<TakenPost>& posts, TopicReport& report);

/// README.md: the dataset's card with statistics, attribution and the funnel of filters.
std::string format_card(const Recipe& recipe, const BuildReport& report);

/// recipe.toml: the recipe as resolved, with the hash of each site's posts.
std::string format_resolved(const Recipe& recipe, const BuildReport& report);

/// The counts of a site for people, one paragraph.
std::string format_site(const SiteReport& site);

}  // namespace hre::stackexchange
