#include "ha/switchover/history.h"

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

void History::set_remark(std::uint64_t number, const std::string& remark) {
  for (Story& story : stories_)
    if (story.number == number) story.remark = remark;
}

std::string to_string(keeper::Cause cause) {
  switch (cause) {
    case keeper::Cause::none:
      return "none";
    case keeper::Cause::paths_down:
      return "all paths down";
    case keeper::Cause::peer_access_lost:
      return "peer access lost";
    case keeper::Cause::peer_control_dead:
      return "peer control dead";
    case keeper::Cause::peer_leaving:
      return "peer leaving";
    case keeper::Cause::election:
      return "election";
    case keeper::Cause::handover:
      return "handover";
    case keeper::Cause::larger_term:
      return "larger term";
    case keeper::Cause::alone:
      return "alone";
    case keeper::Cause::lease_expired:
      return "lease expired";
  }
  return "unknown";
}

std::string to_string(keeper::CarrierEnd end) {
  switch (end) {
    case keeper::CarrierEnd::partner_moved:
      return "the access device moved";
    case keeper::CarrierEnd::timed_out:
      return "the access device did not move within 10 s";
    case keeper::CarrierEnd::peer_silent:
      return "the peer is silent";
    case keeper::CarrierEnd::peer_lost_access:
      return "the peer hears no LACP partner";
    case keeper::CarrierEnd::taken_back:
      return "this node is master again";
    case keeper::CarrierEnd::operator_up:
      return "a member was set up by hand";
    case keeper::CarrierEnd::ended:
      return "the keeper leaves or the configuration changed";
  }
  return "unknown";
}

std::string to_string(keeper::Role role) {
  switch (role) {
    case keeper::Role::init:
      return "init";
    case keeper::Role::backup:
      return "backup";
    case keeper::Role::master:
      return "master";
  }
  return "unknown";
}

}  // namespace hotpair::ha::switchover
