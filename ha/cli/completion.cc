#include "ha/cli/completion.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>
#include <utility>

#include "ha/cli/words.h"

namespace hotpair::ha::cli {
namespace {

using config::Candidate;
using config::ElementKind;

constexpr std::size_t kNamesMax = 100;

// Help for words that no single row explains: those that several rows share, and parameters.
std::string_view help_of(std::string_view word) {
  constexpr std::pair<std::string_view, std::string_view> kHelp[] = {
      {"display", "Show the state of this node"},
      {"reset", "Set counters to zero"},
      {"display ip", "IPv4, in the words of IOS"},
      {"display ipv6", "IPv6, in the words of IOS"},
      {"igmp", "IPv4 group membership"},
      {"mld", "IPv6 group membership"},
      {"pim", "Protocol independent multicast"},
      {"pim ipv6", "The same for IPv6"},
      {"neighbor", "PIM neighbors"},
      {"mroute", "Multicast routes, in the words of IOS"},
      {"routing-table", "Trees of PIM, up and down"},
      {"bfd", "Bidirectional forwarding detection"},
      {"session", "BFD sessions"},
      {"session-name", "Only this session"},
      {"all", "Every one"},
      {"multicast", "Multicast routes and their replication"},
      {"remote-backup-service", "The channel to the peer"},
      {"current-configuration", "The running configuration"},
      {"apply", "Make a file the running configuration, all or nothing"},
      {"interface", "Only this interface"},
      {"verbose", "With every detail"},
      {"group", "Group address"},
      {"source", "Only this source"},
      {"name", "Name"},
      {"id", "Number"},
      {"file", "Name of a file, - for the standard input"},
      {"backup-id", "Only the profile with this backup-id"},
      {"ready", "Every scope has a role"},
      {"synced", "Both nodes hold the same"},
      {"master", "This node is master of every scope"},
      {"--timeout", "How long to wait, 60 s unless told"},
      {"seconds", "Seconds"},
      {"--dry-run", "Only show what it would change"},
      {"pair", "Keys and certificates of the pair; needs no daemon"},
      {"--pair-key", "Another file than /etc/hotpair/pair.key"},
      {"configuration", "The candidate and the commits"},
      {"commit", "Put the candidate in force"},
      {"configuration commit", "The commits that were made"},
      {"confirmed", "Taken back unless confirmed in time, 600 s unless told"},
      {"label", "A name for the list of commits"},
      {"steps", "How many commits back, 1 unless told"},
  };
  for (const auto& [known, help] : kHelp)
    if (known == word) return help;
  return {};
}

bool same_letters(std::string_view word, std::string_view typed) {
  if (word.size() < typed.size()) return false;
  return std::equal(typed.begin(), typed.end(), word.begin(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  });
}

template <typename List, typename NameOf>
std::set<std::string> names_of(const List& list, NameOf name) {
  std::set<std::string> names;
  for (const auto& each : list) names.insert(name(each));
  return names;
}

std::set<std::string> interface_names(const Names& names) {
  return names_of(names.config.interfaces, [](const auto& each) { return each.name.name; });
}

std::set<std::string> addresses(const Names& names, const Candidate& candidate) {
  std::set<std::string> found;
  const auto fits = [&](const IpAddress& address) {
    return candidate.kind == ElementKind::ip ||
           address.is_v4() == (candidate.kind == ElementKind::ipv4);
  };
  if (candidate.name == "group") {
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      GmpGroupQuery query;
      query.family = family;
      query.max_rows = kNamesMax;
      for (const auto& each : names.view.gmp_groups(query).groups)
        if (found.size() < kNamesMax && fits(each.row.group.address()))
          found.insert(shown(each.row.group.address()));
    }
  }
  return found;
}

// Names that exist for a parameter; empty when there is nothing to name.
std::set<std::string> existing(const Candidate& candidate, const Names& names) {
  const config::Config& config = names.config;
  const auto name = [](const auto& each) { return each.name; };
  const auto id = [](const auto& each) { return fmt::format("{}", each.id); };
  switch (candidate.kind) {
    case ElementKind::interface:
      return interface_names(names);
    case ElementKind::ipv4:
    case ElementKind::ipv6:
    case ElementKind::ip:
      return addresses(names, candidate);
    case ElementKind::string:
      if (candidate.after == "remote-backup-profile") return names_of(config.profiles, name);
      if (candidate.after == "remote-backup-service") return names_of(config.services, name);
      if (candidate.after == "policy" || candidate.after == "ssl-policy")
        return names_of(config.ssl_policies, name);
      break;
    case ElementKind::number:
      if (candidate.after == "e-trunk") return names_of(config.etrunks, id);
      break;
    default:
      break;
  }
  return {};
}

}  // namespace

void explain_words(std::vector<Candidate>& candidates) {
  std::string complete;  // what the line does as it is: no help for a word that may follow
  for (const Candidate& each : candidates)
    if (each.shown == "<cr>") complete = each.help;
  for (Candidate& each : candidates) {
    const bool own = each.keyword && !each.shared && each.help != complete;
    if (each.shown == "<cr>" || own) continue;
    const auto of_place = help_of(each.after + " " + each.name);
    if (const auto help = of_place.empty() ? help_of(each.name) : of_place; !help.empty())
      each.help = help;
  }
}

std::vector<Completion> completions_of(std::vector<Candidate> candidates, const Names& names,
                                       const std::string& typed) {
  explain_words(candidates);
  std::vector<Completion> list;
  std::set<std::string> named;
  for (const Candidate& each : candidates) {
    list.push_back({each.shown, each.help, each.keyword});
    if (each.keyword) continue;
    std::size_t count = 0;
    for (const std::string& name : existing(each, names)) {
      if (!same_letters(name, typed) || !named.insert(name).second) continue;
      if (++count > kNamesMax) break;
      list.push_back({name, each.help, true});
    }
  }
  return list;
}

std::string help_text_of(const std::vector<Completion>& completions) {
  std::string text;
  for (const Completion& each : completions) {
    std::string line = fmt::format("  {:<24} {}", each.word, each.help);
    line.resize(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace hotpair::ha::cli
