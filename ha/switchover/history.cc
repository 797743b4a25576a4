#include "ha/switchover/history.h"

#include "ha/keeper/wire/keeper_names.h"

namespace hotpair::ha::switchover {
namespace {

constexpr std::size_t kStoriesMax = 64;

}  // namespace

std::uint64_t History::begin(Story story) {
  story.number = next_++;
  stories_.push_back(std::move(story));
  if (stories_.size() > kStoriesMax) stories_.pop_front();
  return next_ - 1;
}

void History::add_phase(std::uint64_t number, const std::string& name, Duration at) {
  for (Story& story : stories_)
    if (story.number == number) story.phases.push_back({name, at});
}

std::string to_string(keeper::Cause cause) { return std::string(name_of(cause)); }

std::string to_string(keeper::Role role) { return std::string(keeper::name_of(role)); }

}  // namespace hotpair::ha::switchover
