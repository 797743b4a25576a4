#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "mrib_stand.h"

namespace hotpair::mcast::mrib {

constexpr std::uint32_t kLinks = 5;
constexpr std::uint32_t kRegisterLink = 6;
constexpr std::uint32_t kPimLinks = 3;  // links 1 to 3 have PIM routers

using Links = std::set<std::uint32_t>;
inline Links operator+(Links a, const Links& b) {
  a.insert(b.begin(), b.end());
  return a;
}
inline Links operator-(Links a, const Links& b) {
  for (const std::uint32_t link : b) a.erase(link);
  return a;
}

/// What the inputs say, as plainly as it can be kept, and the routes, wishes and assert facts
/// recomputed from nothing else, by the set formulas of RFC 7761 as they are printed.
struct Naive {
  using Source = std::optional<IpAddress>;
  struct Link {
    bool ipv4 = false;
    bool ipv6 = false;
    bool serves = true;
    bool away = false;
  };
  struct Unicast {
    std::optional<std::uint32_t> link;
    std::optional<std::string> hop;
    bool connected = false;
    bool local = false;
    friend bool operator==(const Unicast&, const Unicast&) = default;
  };
  std::map<std::uint32_t, Link> links;
  std::map<std::tuple<std::uint32_t, Group, Origin>, Membership> members;
  std::map<IpAddress, Unicast> unicast;
  std::vector<rp::RpMapping> rps;
  std::map<std::tuple<std::uint32_t, Group, Source>, AssertState> asserts;
  std::map<std::pair<Group, IpAddress>, bool> traffic;  ///< whether the Keepalive Timer runs
  std::set<std::pair<Group, IpAddress>> spt;            ///< SPTbit
  std::set<std::pair<Group, IpAddress>> tunnels;        ///< open register tunnels
  std::map<Family, SptPolicy> policies{{Family::ipv4, {.never = true}},
                                       {Family::ipv6, {.never = true}}};

  [[nodiscard]] bool knows(std::uint32_t link, Family family) const {
    const auto found = links.find(link);
    if (found == links.end()) return false;
    return family == Family::ipv4 ? found->second.ipv4 : found->second.ipv6;
  }
  [[nodiscard]] bool is_away(std::uint32_t link) const {
    const auto found = links.find(link);
    return found != links.end() && found->second.away;
  }
  [[nodiscard]] bool has(std::uint32_t link, Family family) const {
    return knows(link, family) && !is_away(link);
  }
  void drop_family(std::uint32_t link, Family family) {
    std::erase_if(members, [&](const auto& entry) {
      return std::get<0>(entry.first) == link && std::get<1>(entry.first).family() == family;
    });
    drop_asserts(link, family);
  }
  void drop_asserts(std::uint32_t link, Family family) {
    std::erase_if(asserts, [&](const auto& entry) {
      return std::get<0>(entry.first) == link && std::get<1>(entry.first).family() == family;
    });
  }
  void drop_members(std::uint32_t link, Family family, Origin origin) {
    std::erase_if(members, [&](const auto& entry) {
      return std::get<0>(entry.first) == link && std::get<1>(entry.first).family() == family &&
             std::get<2>(entry.first) == origin;
    });
  }

  // ---- the unicast side ----

  [[nodiscard]] static Links set_of(std::optional<std::uint32_t> link) {
    return link ? Links{*link} : Links{};
  }
  [[nodiscard]] Unicast to(const IpAddress& target) const {
    const auto found = unicast.find(target);
    return found == unicast.end() ? Unicast{} : found->second;
  }
  [[nodiscard]] std::optional<std::uint32_t> rpf(const IpAddress& target) const {
    const Unicast way = to(target);
    return way.link && has(*way.link, target.family()) ? way.link : std::nullopt;
  }
  [[nodiscard]] std::optional<IpAddress> rp(const Group& g) const {
    const auto mapping = rp::RpSet(rps).rp_of(g);
    return mapping ? std::optional(mapping->rp) : std::nullopt;
  }
  [[nodiscard]] std::optional<std::uint32_t> rpf_of_rp(const Group& g) const {
    if (is_rp(g)) return kRegisterLink;
    const auto address = rp(g);
    return address ? rpf(*address) : std::nullopt;
  }
  [[nodiscard]] bool is_rp(const Group& g) const {
    const auto address = rp(g);
    return address && to(*address).local;
  }
  [[nodiscard]] static bool is_pim(std::optional<std::uint32_t> link) {
    return link && *link <= kPimLinks;
  }
  /// MRIB.next_hop: an RP on a link of ours is its own.
  [[nodiscard]] std::optional<std::string> next_hop(const IpAddress& target,
                                                    bool towards_rp) const {
    return towards_rp && to(target).connected ? target.to_string() : to(target).hop;
  }
  /// "link next-hop" where a PIM router is the next hop.
  [[nodiscard]] std::string way(const IpAddress& target, bool towards_rp) const {
    const auto link = rpf(target);
    const auto hop = next_hop(target, towards_rp);
    return is_pim(link) && hop ? std::to_string(*link) + " " + *hop : "";
  }
  /// RPF'(S,G), of (*,G) with the RP as target.
  [[nodiscard]] std::optional<IpAddress> prime(const IpAddress& target, const Group& g,
                                               const Source& s) const {
    const auto link = rpf(target);
    if (!link || to(target).local) return std::nullopt;
    if (const AssertState state = assert_on(*link, g, s); state.winner) return state.winner;
    const auto hop = next_hop(target, !s);
    return hop ? std::optional(ip(*hop)) : std::nullopt;
  }

  // ---- the sets of 4.1.6 ----

  [[nodiscard]] AssertState assert_on(std::uint32_t link, const Group& g, const Source& s) const {
    const auto found = asserts.find({link, g, s});
    return found == asserts.end() ? AssertState{} : found->second;
  }
  [[nodiscard]] const Membership* member(std::uint32_t link, const Group& g, Origin origin) const {
    const auto found = members.find({link, g, origin});
    return found == members.end() || is_away(link) ? nullptr : &found->second;
  }
  [[nodiscard]] static bool lists(const Membership* one, const IpAddress& s) {
    return one != nullptr && std::ranges::count(one->sources, s) > 0;
  }
  [[nodiscard]] bool receiver_star(std::uint32_t link, const Group& g) const {
    const Membership* hosts = member(link, g, Origin::hosts);
    return hosts != nullptr && hosts->mode == FilterMode::exclude;
  }
  [[nodiscard]] bool receiver_source(std::uint32_t link, const Group& g, const IpAddress& s) const {
    const Membership* hosts = member(link, g, Origin::hosts);
    return lists(hosts, s) && hosts->mode == FilterMode::include;
  }
  [[nodiscard]] bool receiver_exclude(std::uint32_t link, const Group& g,
                                      const IpAddress& s) const {
    return receiver_star(link, g) && lists(member(link, g, Origin::hosts), s);
  }
  template <typename Condition>
  [[nodiscard]] Links where(const Condition& condition) const {
    Links found;
    for (const auto& [link, config] : links)
      if (condition(link)) found.insert(link);
    return found;
  }
  [[nodiscard]] bool lost(std::uint32_t link, const Group& g) const {
    return assert_on(link, g, {}).lost && link != rpf_of_rp(g);
  }
  [[nodiscard]] bool lost(std::uint32_t link, const Group& g, const IpAddress& s) const {
    return assert_on(link, g, s).lost && link != rpf(s);
  }
  [[nodiscard]] bool lost_rpt(std::uint32_t link, const Group& g, const IpAddress& s) const {
    if (link == rpf_of_rp(g) || (link == rpf(s) && spt.contains({g, s}))) return false;
    return assert_on(link, g, s).winner.has_value();
  }
  [[nodiscard]] bool ours(std::uint32_t link, const Group& g, const Source& s) const {
    return assert_on(link, g, s).winner_is_us;
  }
  [[nodiscard]] bool is_dr(std::uint32_t link) const { return links.at(link).serves; }

  [[nodiscard]] Links joins(const Group& g) const {
    return where([&](std::uint32_t i) { return member(i, g, Origin::shared_tree) != nullptr; });
  }
  [[nodiscard]] Links prunes(const Group& g, const IpAddress& s) const {
    return where([&](std::uint32_t i) { return lists(member(i, g, Origin::shared_tree), s); });
  }
  [[nodiscard]] Links joins(const Group& g, const IpAddress& s) const {
    return where([&](std::uint32_t i) { return lists(member(i, g, Origin::source_trees), s); });
  }
  [[nodiscard]] Links pim_include(const Group& g) const {
    return where([&](std::uint32_t i) {
      return ((is_dr(i) && !lost(i, g)) || ours(i, g, {})) && receiver_star(i, g);
    });
  }
  [[nodiscard]] Links pim_include(const Group& g, const IpAddress& s) const {
    return where([&](std::uint32_t i) {
      return ((is_dr(i) && !lost(i, g, s)) || ours(i, g, s)) && receiver_source(i, g, s);
    });
  }
  [[nodiscard]] Links pim_exclude(const Group& g, const IpAddress& s) const {
    return where([&](std::uint32_t i) {
      return ((is_dr(i) && !lost(i, g)) || ours(i, g, {})) && receiver_exclude(i, g, s);
    });
  }
  [[nodiscard]] Links lost_assert(const Group& g) const {
    return where([&](std::uint32_t i) { return lost(i, g); });
  }
  [[nodiscard]] Links lost_assert(const Group& g, const IpAddress& s) const {
    return where([&](std::uint32_t i) { return lost(i, g, s); });
  }
  [[nodiscard]] Links lost_assert_rpt(const Group& g, const IpAddress& s) const {
    return where([&](std::uint32_t i) { return lost_rpt(i, g, s); });
  }
  [[nodiscard]] Links immediate_olist(const Group& g) const {
    return joins(g) + pim_include(g) - lost_assert(g);
  }
  [[nodiscard]] Links immediate_olist(const Group& g, const IpAddress& s) const {
    return joins(g, s) + pim_include(g, s) - lost_assert(g, s);
  }
  [[nodiscard]] Links shared_interest(const Group& g, const IpAddress& s) const {
    return (joins(g) - prunes(g, s)) + (pim_include(g) - pim_exclude(g, s));
  }
  [[nodiscard]] Links inherited_olist_rpt(const Group& g, const IpAddress& s) const {
    return shared_interest(g, s) - (lost_assert(g) + lost_assert_rpt(g, s));
  }
  [[nodiscard]] Links inherited_olist(const Group& g, const IpAddress& s) const {
    return inherited_olist_rpt(g, s) + joins(g, s) + pim_include(g, s) - lost_assert(g, s);
  }

  // ---- upstream, 4.5.4 to 4.5.6. Whom only the incoming link has, needs no tree: the lists are
  // taken without it, which the RFC leaves to forwarding (4.2). ----

  [[nodiscard]] bool join_desired(const Group& g) const {
    return rpf_of_rp(g) && !(immediate_olist(g) - set_of(rpf_of_rp(g))).empty();
  }
  [[nodiscard]] bool is_named(const Group& g, const IpAddress& s) const {
    return std::ranges::any_of(members, [&](const auto& one) {
      const auto& [link, of, origin] = one.first;
      return of == g && lists(member(link, of, origin), s);
    });
  }
  [[nodiscard]] bool is_known(const Group& g, const IpAddress& s) const {
    return is_named(g, s) || traffic.contains({g, s});
  }
  [[nodiscard]] bool is_shared_wanted(const Group& g, const IpAddress& s) const {
    return !(inherited_olist_rpt(g, s) - set_of(rpf_of_rp(g))).empty();
  }
  [[nodiscard]] bool is_pim_tree(const Group& g) const { return is_rp(g) || is_pim(rpf_of_rp(g)); }
  [[nodiscard]] bool keepalive(const Group& g, const IpAddress& s) const {
    const auto found = traffic.find({g, s});
    return found != traffic.end() && (found->second || !is_pim_tree(g));
  }
  /// CheckSwitchToSpt of 4.2.1 for every source that packets are known of.
  void check_switch_to_spt() {
    for (auto& [key, runs] : traffic) {
      const auto& [g, s] = key;
      const SptPolicy& policy = policies.at(g.family());
      const Links local = (pim_include(g) - pim_exclude(g, s)) + pim_include(g, s);
      if (!policy.never && policy.threshold_kbps == 0 && is_pim_tree(g))
        runs |= !(local - set_of(rpf_of_rp(g))).empty();
    }
  }
  /// The last hop and the RP see the sources of a shared tree by their packets.
  [[nodiscard]] bool is_split(const Group& g) const {
    const Links local = pim_include(g) - set_of(rpf_of_rp(g));
    return !policies.at(g.family()).never && is_pim_tree(g) && (is_rp(g) || !local.empty());
  }
  /// CouldRegister(S,G) of 4.4.1, at a router that is not the RP.
  [[nodiscard]] bool could_register(const Group& g, const IpAddress& s) const {
    const auto found = traffic.find({g, s});
    return found != traffic.end() && found->second && is_beside(g, s);
  }
  [[nodiscard]] bool is_beside(const Group& g, const IpAddress& s) const {
    return to(s).connected && rpf(s) && rp(g) && !is_rp(g) && is_dr(*rpf(s));
  }
  [[nodiscard]] bool join_desired(const Group& g, const IpAddress& s) const {
    if (!(immediate_olist(g, s) - set_of(rpf(s))).empty()) return true;
    return keepalive(g, s) && !olist(g, s).empty();
  }
  [[nodiscard]] bool prune_desired(const Group& g, const IpAddress& s) const {
    if (!is_known(g, s)) return false;
    return !is_shared_wanted(g, s) ||
           (spt.contains({g, s}) && prime(*rp(g), g, {}) != prime(s, g, s));
  }

  // ---- forwarding, 4.2 ----

  [[nodiscard]] std::optional<std::uint32_t> incoming(const Group& g, const IpAddress& s) const {
    const bool shared = join_desired(g) && is_pim_tree(g) && (is_split(g) || is_pim(rpf(s))) &&
                        is_shared_wanted(g, s) && !to(s).connected && !spt.contains({g, s});
    return shared ? rpf_of_rp(g) : rpf(s);
  }
  [[nodiscard]] Links olist(const Group& g, const IpAddress& s) const {
    const auto in = incoming(g, s);
    return in ? inherited_olist(g, s) - Links{*in} : Links{};
  }
  [[nodiscard]] static std::string text(std::optional<std::uint32_t> in, const Links& out) {
    std::string line = (in ? std::to_string(*in) : "?") + ">";
    for (const std::uint32_t link : out)
      line += (line.back() == '>' ? "" : ",") + std::to_string(link);
    return line;
  }
  [[nodiscard]] std::string star_route(const Group& g) const {
    if (!join_desired(g) || is_split(g)) return "";
    return text(rpf_of_rp(g), immediate_olist(g) - set_of(rpf_of_rp(g)));
  }
  [[nodiscard]] std::string source_route(const Group& g, const IpAddress& s) const {
    if (!is_known(g, s)) return "";
    if (!traffic.contains({g, s}) && is_beside(g, s)) return "";  // its first packet is to be seen
    bool blocked = !(shared_interest(g, s) - inherited_olist_rpt(g, s)).empty();
    for (const auto& [key, one] : members)
      blocked |= std::get<1>(key) == g && !is_away(std::get<0>(key)) &&
                 one.mode == FilterMode::exclude && lists(&one, s);
    Links out = olist(g, s);
    if (tunnels.contains({g, s}) && incoming(g, s)) out.insert(kRegisterLink);
    if (out.empty() && !traffic.contains({g, s}) && !(blocked && join_desired(g))) return "";
    return text(incoming(g, s), out);
  }
  /// A packet on `link`: "on receipt of data" of 4.2, Update_SPTbit of 4.2.2.
  void packet(std::uint32_t link, const Group& g, const IpAddress& s, bool upcall) {
    if (upcall) traffic.insert({{g, s}, false});
    if (!is_known(g, s) || rpf(s) != link) return;
    const bool apart = to(s).connected || rpf(s) != rpf_of_rp(g);
    if (upcall) traffic[{g, s}] |= apart;
    if (!join_desired(g, s)) return;
    const auto hop = prime(s, g, s);
    if (apart || !is_shared_wanted(g, s) || assert_on(link, g, s).winner ||
        (hop && hop == prime(*rp(g), g, {})))
      spt.insert({g, s});
  }

  // ---- asserts, 4.6.1 and 4.6.2 ----

  [[nodiscard]] static std::string fact(bool could, bool track, bool is_rpf) {
    if (!could && !track) return "";
    return Stand::text_of(could, track, is_rpf);
  }
  [[nodiscard]] std::string facts(std::uint32_t i, const Group& g) const {
    const auto in = rpf_of_rp(g);
    if (!in || !is_pim(i) || !has(i, g.family())) return "";
    const bool could = (joins(g) + pim_include(g)).contains(i) && in != i;
    const bool track = could || (receiver_star(i, g) && (is_dr(i) || ours(i, g, {}))) ||
                       (in == i && join_desired(g));
    return fact(could, track, in == i);
  }
  [[nodiscard]] std::string facts(std::uint32_t i, const Group& g, const IpAddress& s) const {
    if (!is_known(g, s) || !is_pim(i) || !has(i, g.family())) return "";
    const bool sptbit = spt.contains({g, s});
    const Links tracked = shared_interest(g, s) - lost_assert(g) + joins(g, s);
    const bool could = sptbit && rpf(s) != i && (tracked + pim_include(g, s)).contains(i);
    const bool track =
        tracked.contains(i) || (receiver_source(i, g, s) && (is_dr(i) || ours(i, g, s))) ||
        (rpf(s) == i && join_desired(g, s)) || (rpf_of_rp(g) == i && join_desired(g) && !sptbit);
    return fact(could, track, rpf(s) == i);
  }
};

}  // namespace hotpair::mcast::mrib
