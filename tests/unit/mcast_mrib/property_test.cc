#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>

#include "mrib_naive.h"

namespace hotpair::mcast::mrib {
namespace {

const std::vector<std::string> kGroups{"225.1.1.1", "225.1.1.2", "232.1.1.1", "ff1e::1", "ff3e::1"};
const std::vector<std::string> kSources4{"10.0.0.1", "10.0.0.2", "10.0.0.3"};
const std::vector<std::string> kSources6{"2001:db8::1", "2001:db8::2", "2001:db8::3"};
const std::vector<std::string> kRps{"5.5.5.5", "6.6.6.6", "2001:db8::5"};

const std::vector<std::string>& sources_of(const Group& to) {
  return to.family() == Family::ipv4 ? kSources4 : kSources6;
}

using Texts = std::map<std::string, std::string>;

/// Random inputs to a Mrib and to the naive model of it, compared when all has settled.
class World {
 public:
  explicit World(unsigned seed) : random_(seed) {
    config_.negative_time = std::chrono::hours(10'000);
    config_.keepalive = std::chrono::hours(10'000);
    config_.retry_max = std::chrono::seconds(2);
    stand_ = std::make_unique<Stand>(config_, &plane_);
    for (std::uint32_t link = 1; link <= kLinks; ++link) set_link(link, {true, true, true});
    static_cast<void>(plane_.add_link({LinkId{kRegisterLink}, "pimreg", true, true}));
    give_register_link();
  }
  void step() {
    switch (pick(16)) {
      case 13:
        policy();
        break;
      case 14:
        registered();
        break;
      case 15:
        tunnel();
        break;
      case 0:
        unicast();
        break;
      case 1:
        flush();
        break;
      case 2:
        change_link();
        break;
      case 3:
        rps();
        break;
      case 4:
        refuse();
        break;
      case 5:
      case 6:
        packet(true);
        break;
      case 7:
        packet(false);
        break;
      case 8:
      case 9:
        assert_state();
        break;
      default:
        membership();
        break;
    }
    if (pick(40) == 0) restart();
    settle();
  }
  void check(const std::string& where) {
    Texts found;
    for (const auto& [key, route] : plane_.routes())
      found[name(key.group, key.source)] = Stand::text_of(route);
    for (const auto& [key, change] : stand_->wishes)
      found["wish " + key.first.to_string() + " " + key.second] =
          stand_->wish(key.first.address().to_string(), key.second);
    for (const auto& [key, facts] : stand_->told_facts)
      found["facts " + std::to_string(std::get<0>(key)) + " " + std::get<1>(key) + " " +
            std::get<2>(key)] = Stand::text_of(facts);
    const Texts wanted = recomputed();
    for (const auto& [what, text] : wanted) EXPECT_EQ(found[what], text) << where << " " << what;
    for (const auto& [what, text] : found)
      if (!wanted.contains(what)) EXPECT_EQ(text, "") << where << " " << what;
    for (const std::string& to : kGroups)
      for (const std::string& from : sources_of(group(to)))
        EXPECT_EQ(stand_->mrib.spt_bit(VrfId{0}, group(to), ip(from)),
                  naive_.spt.contains({group(to), ip(from)}))
            << where << " " << to << " " << from;
    for (const std::string& to : kGroups)
      for (const std::string& from : sources_of(group(to))) {
        const std::string what = where + " " + to + " " + from;
        const auto told = stand_->registering.find({group(to), ip(from)});
        const bool could = naive_.could_register(group(to), ip(from));
        EXPECT_EQ(told != stand_->registering.end(), could) << what;
        if (could && told != stand_->registering.end())
          EXPECT_EQ(told->second, naive_.rp(group(to))) << what;
        EXPECT_EQ(
            stand_->mrib.has_receivers(VrfId{0}, group(to), ip(from)),
            naive_.is_known(group(to), ip(from)) && !naive_.olist(group(to), ip(from)).empty())
            << what;
      }
    ASSERT_TRUE(stand_->mrib.is_settled()) << where;
  }

 private:
  static std::string name(const Group& to, const Naive::Source& from) {
    return "route " + to.to_string() + " " + (from ? from->to_string() : "*");
  }
  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_()) % below; }
  std::uint32_t pick_link() { return 1 + pick(kLinks); }
  Group pick_group() { return group(kGroups[pick(static_cast<std::uint32_t>(kGroups.size()))]); }
  Origin pick_origin() {
    constexpr std::array kLikely{Origin::hosts, Origin::hosts, Origin::shared_tree,
                                 Origin::source_trees};
    return kLikely[pick(kLikely.size())];
  }

  [[nodiscard]] Texts recomputed() const {
    Texts all;
    for (const std::string& to : kGroups) {
      const Group g = group(to);
      all[name(g, {})] = naive_.star_route(g);
      const std::string rp_way = naive_.join_desired(g) ? naive_.way(*naive_.rp(g), true) : "";
      const std::string rp = rp_way.empty() ? "" : rp_way + " rp " + naive_.rp(g)->to_string();
      if (!rp.empty()) all["wish " + to + " *"] = "join " + rp;
      for (std::uint32_t i = 1; i <= kLinks; ++i)
        all["facts " + std::to_string(i) + " " + to + " *"] = naive_.facts(i, g);
      for (const std::string& from : sources_of(g)) {
        const IpAddress s = ip(from);
        all[name(g, s)] = naive_.source_route(g, s);
        const std::string way = naive_.way(s, false);
        if (naive_.join_desired(g, s) && !way.empty())
          all["wish " + to + " " + from] = "join " + way;
        if (!rp.empty() && naive_.prune_desired(g, s))
          all["wish " + to + " " + from + "/rpt"] = "prune " + rp;
        for (std::uint32_t i = 1; i <= kLinks; ++i)
          all["facts " + std::to_string(i) + " " + to + " " + from] = naive_.facts(i, g, s);
      }
    }
    return all;
  }

  /// Until nothing is due and refused changes were tried again. As PIM does, a tree without facts
  /// loses its assert state.
  void settle() {
    do {
      stand_->run();
      stand_->pass(std::chrono::seconds(5));
      stand_->run();
      naive_.check_switch_to_spt();  // before PIM has heard of it
      for (const Stand::FactsKey& key : std::exchange(stand_->ended_facts, {})) {
        const auto& [link, to, from] = key;
        const Naive::Source source = from == "*" ? Naive::Source{} : ip(from);
        naive_.asserts.erase({link, group(to), source});
        stand_->mrib.on_assert(LinkId{link}, group(to), source, {}, stand_->now);
      }
    } while (!stand_->mrib.is_settled());
    naive_.check_switch_to_spt();
    std::erase_if(naive_.spt,
                  [&](const auto& one) { return !naive_.is_known(one.first, one.second); });
    std::erase_if(naive_.tunnels,
                  [&](const auto& one) { return !naive_.could_register(one.first, one.second); });
  }

  /// PIM ends there and forgets what it was told.
  void drop_family(std::uint32_t link, Family family) {
    naive_.drop_family(link, family);
    drop_facts(link, family);
  }
  void drop_facts(std::uint32_t link, Family family) {
    std::erase_if(stand_->told_facts, [&](const auto& one) {
      return one.second.link.value() == link && one.second.group.family() == family;
    });
  }
  void set_link(std::uint32_t link, const Naive::Link& config) {
    static_cast<void>(plane_.add_link({LinkId{link}, "d" + std::to_string(link), true, true}));
    naive_.links[link] = config;
    if (!config.ipv4) drop_family(link, Family::ipv4);
    if (!config.ipv6) drop_family(link, Family::ipv6);
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      if (!config.away) continue;
      naive_.drop_asserts(link, family);
      drop_facts(link, family);
    }
    give_link(*stand_, link, config);
  }
  static void give_link(Stand& stand, std::uint32_t link, const Naive::Link& config) {
    const bool pim = link <= kPimLinks;
    stand.mrib.set_link({LinkId{link}, VrfId{0}, config.ipv4, config.ipv6, std::nullopt, pim, pim,
                         config.serves, config.serves, config.away},
                        stand.now);
  }
  void give_register_link() {
    stand_->mrib.set_link({LinkId{kRegisterLink}, VrfId{0}, true, true}, stand_->now);
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      stand_->mrib.set_register_link(VrfId{0}, family, LinkId{kRegisterLink}, stand_->now);
      stand_->mrib.set_spt_policy(family, naive_.policies.at(family), stand_->now);
    }
  }
  void policy() {
    const Family family = pick(2) == 0 ? Family::ipv4 : Family::ipv6;
    naive_.policies[family] = {.never = pick(3) == 0, .threshold_kbps = pick(2)};
    stand_->mrib.set_spt_policy(family, naive_.policies[family], stand_->now);
  }
  void registered() {
    const Group to = pick_group();
    const IpAddress from = ip(sources_of(to)[pick(3)]);
    stand_->mrib.on_register_source(VrfId{0}, to, from, stand_->now);
    naive_.traffic[{to, from}] = true;
  }
  void tunnel() {
    const Group to = pick_group();
    const IpAddress from = ip(sources_of(to)[pick(3)]);
    const bool on = pick(4) > 0;
    stand_->mrib.set_register_tunnel(VrfId{0}, to, from, on, stand_->now);
    if (!on)
      naive_.tunnels.erase({to, from});
    else if (naive_.could_register(to, from))
      naive_.tunnels.insert({to, from});
  }
  void change_link() {
    const std::uint32_t link = pick_link();
    if (pick(4) > 0) {
      set_link(link, {pick(4) > 0, pick(4) > 0, pick(3) > 0, pick(4) == 0});
      return;
    }
    naive_.links.erase(link);
    drop_family(link, Family::ipv4);
    drop_family(link, Family::ipv6);
    stand_->mrib.remove_link(LinkId{link}, stand_->now);
  }
  static void give_unicast(Stand& stand, const IpAddress& target, const Naive::Unicast& way) {
    if (way.local)
      stand.local(target.to_string());
    else if (way.connected)
      stand.connect(target.to_string(), *way.link);
    else
      stand.unicast(target.to_string(), way.link, way.hop);
  }
  void unicast() {
    for (const auto* list : {&kSources4, &kSources6, &kRps})
      for (const std::string& target : *list) {
        if (pick(3) > 0) continue;
        Naive::Unicast way;
        if (pick(5) > 0) way.link = pick_link();
        if (way.link && pick(5) > 0)
          way.hop = "10.0.0." + std::to_string(100 + pick(2));
        else
          way.connected = way.link && pick(2) == 0;
        if (list == &kRps && pick(3) == 0) way = {.link = 0, .local = true};
        if (naive_.to(ip(target)) != way)
          std::erase_if(naive_.spt, [&](const auto& one) { return one.second == ip(target); });
        naive_.unicast[ip(target)] = way;
        give_unicast(*stand_, ip(target), way);
      }
    stand_->mrib.on_unicast_changed(stand_->now);
  }
  void flush() {
    const std::uint32_t link = pick_link();
    const Family family = pick(2) == 0 ? Family::ipv4 : Family::ipv6;
    if (pick(4) == 0) {
      naive_.drop_asserts(link, family);
      stand_->mrib.on_asserts_flushed(LinkId{link}, family, stand_->now);
      return;
    }
    const Origin origin = pick_origin();
    naive_.drop_members(link, family, origin);
    stand_->mrib.on_flush(LinkId{link}, family, stand_->now, origin);
  }
  void rps() {
    const auto before = naive_;
    naive_.rps.clear();
    if (pick(4) > 0) naive_.rps.push_back(rp::make_static_rp(ip(kRps[pick(2)]), {}).value());
    if (pick(4) > 0)
      naive_.rps.push_back(
          rp::make_static_rp(ip(kRps[pick(2)]), IpPrefix::parse("225.1.1.2/32").value()).value());
    if (pick(4) > 0) naive_.rps.push_back(rp::make_static_rp(ip(kRps[2]), {}).value());
    stand_->set_rps(naive_.rps);
    std::erase_if(naive_.tunnels,
                  [&](const auto& one) { return before.rp(one.first) != naive_.rp(one.first); });
  }
  void membership() {
    const std::uint32_t link = pick_link();
    const Group to = pick_group();
    const Origin origin = pick_origin();
    const bool include =
        origin == Origin::source_trees || pick(origin == Origin::hosts ? 2 : 4) == 0;
    Membership wanted{include ? FilterMode::include : FilterMode::exclude, {}};
    if (!include || origin != Origin::shared_tree)
      for (const std::string& source : sources_of(to))
        if (pick(3) == 0) wanted.sources.push_back(ip(source));
    stand_->mrib.on_membership(LinkId{link}, to, wanted, stand_->now, origin);
    if (!naive_.knows(link, to.family())) return;
    naive_.members.erase({link, to, origin});
    if (wanted.mode == FilterMode::exclude || !wanted.sources.empty())
      naive_.members[{link, to, origin}] = wanted;
  }
  void packet(bool upcall) {
    const std::uint32_t link = pick_link();
    const Group to = pick_group();
    const IpAddress from = ip(sources_of(to)[pick(3)]);
    if (upcall)
      stand_->mrib.on_no_route({VrfId{0}, LinkId{link}, from, to}, stand_->now);
    else
      stand_->mrib.on_wrong_interface({VrfId{0}, LinkId{link}, from, to}, stand_->now);
    if (naive_.has(link, to.family())) naive_.packet(link, to, from, upcall);
  }
  void assert_state() {
    if (stand_->told_facts.empty()) return;
    auto told = stand_->told_facts.begin();
    std::advance(told, pick(static_cast<std::uint32_t>(stand_->told_facts.size())));
    const AssertFactsChanged& facts = told->second;
    AssertState state;
    if (const std::uint32_t kind = pick(4); kind == 1) {
      state.winner_is_us = true;
    } else if (kind > 1) {
      state.winner = ip("10.0.0." + std::to_string(100 + pick(2)));
      state.lost = !facts.rpf_interface && (!facts.source || pick(2) == 0);
      state.sets_spt = facts.rpf_interface && facts.source;
    }
    const Group to = facts.group;
    const Naive::Source from = facts.source;
    const std::uint32_t link = facts.link.value();
    stand_->mrib.on_assert(facts.link, to, from, state, stand_->now);
    const bool joined = from && naive_.join_desired(to, *from) && !naive_.way(*from, false).empty();
    if (state.sets_spt && joined) naive_.spt.insert({to, *from});
    naive_.asserts[{link, to, from}] = state;
  }
  void refuse() {
    if (plane_.routes().empty()) return;
    auto victim = plane_.routes().begin();
    std::advance(victim, pick(static_cast<std::uint32_t>(plane_.routes().size())));
    plane_.fail_route(victim->first, {ErrorCode::unavailable, "busy"}, 1);
  }
  /// The process ends and a new one takes the plane over; meanwhile nothing may shrink.
  void restart() {
    settle();
    const auto old = plane_.routes();
    auto next = std::make_unique<Stand>(config_, &plane_);
    next->now = stand_->now;
    stand_ = std::move(next);
    for (const auto& [target, way] : naive_.unicast) give_unicast(*stand_, target, way);
    for (const auto& [link, config] : naive_.links) give_link(*stand_, link, config);
    give_register_link();
    stand_->mrib.on_read_back(plane_.read_back().value(), stand_->now);
    stand_->run();
    for (const auto& [key, membership] : naive_.members) {
      const auto& [link, to, origin] = key;
      stand_->mrib.on_membership(LinkId{link}, to, membership, stand_->now, origin);
      stand_->run();
    }
    stand_->set_rps(naive_.rps);
    stand_->run();
    for (const auto& [key, route] : old) expect_not_shrunk(key, route);
    stand_->mrib.end_hold(std::chrono::seconds(1), stand_->now);
    stand_->pass(std::chrono::seconds(1));
    naive_.traffic.clear();
    naive_.spt.clear();
    naive_.asserts.clear();
    naive_.tunnels.clear();
    for (const auto& [key, route] : old)
      if (key.source) naive_.traffic.insert({{key.group, *key.source}, false});
    naive_.check_switch_to_spt();
    for (const auto& [key, route] : old)
      if (key.source)
        naive_.packet(route.incoming ? route.incoming->value() : 0, key.group, *key.source, true);
  }
  void expect_not_shrunk(const fwd::RouteKey& key, const fwd::Route& old) {
    const auto found = plane_.routes().find(key);
    ASSERT_NE(found, plane_.routes().end()) << name(key.group, key.source);
    for (const LinkId link : old.outgoing)
      EXPECT_TRUE(std::ranges::count(found->second.outgoing, link) > 0 ||
                  found->second.incoming == link)
          << name(key.group, key.source);
  }

  std::mt19937 random_;
  Config config_;
  fwd::FakePlane plane_;
  Naive naive_;
  std::unique_ptr<Stand> stand_;
};

TEST(Property, RoutesWishesAndFactsEqualANaiveRecomputation) {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    World world(seed);
    for (int step = 0; step < 120; ++step) {
      world.step();
      if (step % 4 == 3)
        world.check("seed " + std::to_string(seed) + " step " + std::to_string(step));
      if (testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace hotpair::mcast::mrib
