#include <algorithm>
#include <string>
#include <utility>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

// What an operator is told of the paths of an E-Trunk while the peer is heard. Roles do not ask:
// one path is as good as three, until it is the last one.
namespace hotpair::ha::node {

bool EtrunkState::has_single_path() const {
  const auto& paths = settings.etrunk.paths;
  if (paths.size() <= 1 || !heard) return paths.size() == 1;
  return std::ranges::count_if(paths, [this](const auto& path) { return is_up(path); }) == 1;
}

/// With a silent peer kPeerSilent says it all, so no path is told of.
void Node::check_paths(EtrunkState& state, TimePoint now) {
  const std::uint16_t number = state.settings.etrunk.id.value();
  const std::string etrunk = "e-trunk " + std::to_string(number);
  std::set<std::string> down;
  for (const etrunk::PathConfig& path : state.settings.etrunk.paths) {
    if (!state.heard || state.is_up(path)) continue;
    std::string subject = fmt::format("{} path {}", etrunk, path.path.value());
    raise_if_it_lasts(kPathDown, subject, now, number, path.path.value(), path.local.to_string(),
                      path.peer.to_string());
    down.insert(std::move(subject));
  }
  for (const std::string& subject : state.alarmed_paths)
    if (!down.contains(subject)) clear(kPathDown, subject);
  state.alarmed_paths = std::move(down);
  if (!state.has_single_path())
    clear(kSinglePath, etrunk);
  else if (state.settings.etrunk.paths.size() == 1)
    raise(kSinglePath, etrunk, now, number);
  else
    raise_if_it_lasts(kSinglePath, etrunk, now, number);
}

}  // namespace hotpair::ha::node
