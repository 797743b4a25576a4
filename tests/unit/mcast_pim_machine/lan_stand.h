#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "mcast/pim/pim_machine.h"
#include "mcast/wire/pim_message.h"

/// Routers on links that are lists of routers: what one sends on a link all others of it hear, by
/// way of the wire's bytes, in order and at once.
namespace hotpair::mcast::pim::testing {

using namespace std::chrono_literals;

inline const Group kGroup = *Group::from(*IpAddress::parse("225.1.1.1"));
inline const IpAddress kRp = *IpAddress::parse("10.0.0.9");
inline const IpAddress kSource = *IpAddress::parse("10.9.9.9");

inline TreeKey star() { return {.group = kGroup}; }
inline TreeKey source_tree() { return {.group = kGroup, .source = kSource}; }

/// One RP for all groups.
class OneRp final : public RpDirectory {
 public:
  [[nodiscard]] std::optional<IpAddress> rp_of(VrfId, const Group&) const override { return kRp; }
};

struct Router {
  Router(unsigned number, std::uint64_t seed, const RpDirectory& rps)
      : number(number), pim(Family::ipv4, seed, rps) {}
  unsigned number;
  Pim pim;
  std::map<LinkId, IpAddress> addresses;
  std::map<std::pair<LinkId, Group>, DownstreamView> views;
  std::vector<std::string> sent;  ///< "hello", "join-prune", … in order
  std::vector<PimEffect> told;    ///< all but what is sent
};

class LanStand {
 public:
  /// Router `number` has 10.0.LINK.NUMBER there.
  LinkConfig link(unsigned number, unsigned link, std::optional<ScopeId> scope = {}) const {
    LinkConfig config{.link = LinkId{link}, .vrf = VrfId{0}};
    config.address =
        *IpAddress::parse("10.0." + std::to_string(link) + "." + std::to_string(number));
    config.scope = scope;
    return config;
  }
  Router& add(unsigned number, const std::vector<unsigned>& links,
              std::optional<ScopeId> scope = {}) {
    auto& router = routers[number];
    router = std::make_unique<Router>(number, ++seed_, rps);
    for (const unsigned id : links) {
      const LinkConfig config = link(number, id, scope);
      router->addresses[config.link] = config.address;
      router->pim.set_link(config, now);
    }
    deliver();
    return *router;
  }
  Router& at(unsigned number) { return *routers.at(number); }
  [[nodiscard]] IpAddress address(unsigned number, unsigned link) const {
    return this->link(number, link).address;
  }

  /// `number` wants a tree by the router `upstream` of a link; 0: not any more.
  void wish(unsigned number, const TreeKey& key, unsigned link, unsigned upstream) {
    UpstreamWish wish{.vrf = VrfId{0},
                      .key = key,
                      .kind = UpstreamKind::join,
                      .link = LinkId{link},
                      .neighbour = {},
                      .rp = kRp};
    if (upstream != 0)
      wish.neighbour = address(upstream, link);
    else
      wish.kind = UpstreamKind::none;
    at(number).pim.on_wish(wish, now);
    deliver();
  }
  void send(unsigned from, unsigned link, const wire::PimMessage& message) {
    wire_.push_back({from, LinkId{link}, address(from, link), message});
    deliver();
  }
  void kill(unsigned number) { routers.erase(number); }

  /// Takes effects and carries messages until all is quiet.
  void deliver() {
    bool progress = true;
    while (progress) {
      progress = false;
      for (auto& [number, router] : routers)
        while (auto effect = router->pim.poll_effect()) {
          progress = true;
          take(*router, *effect);
        }
      if (wire_.empty()) continue;
      progress = true;
      const Frame frame = std::move(wire_.front());
      wire_.pop_front();
      for (auto& [number, router] : routers)
        if (number != frame.from && router->addresses.contains(frame.link)) hear(*router, frame);
    }
  }
  void pass(Duration time) {
    deliver();
    const TimePoint end = now + time;
    for (int guard = 0; guard < 1'000'000; ++guard) {
      std::optional<TimePoint> next;
      for (auto& [number, router] : routers)
        if (const auto due = router->pim.next_deadline(); due && (!next || *due < *next))
          next = due;
      if (!next || *next > end) break;
      now = std::max(now, *next);
      for (auto& [number, router] : routers) router->pim.on_timeout(now);
      deliver();
    }
    now = end;
  }
  [[nodiscard]] bool joined(unsigned number, unsigned link) {
    const auto found = at(number).views.find({LinkId{link}, kGroup});
    return found != at(number).views.end() &&
           (found->second.shared_tree || !found->second.sources.empty());
  }

  OneRp rps;
  TimePoint now{1000s};
  std::map<unsigned, std::unique_ptr<Router>> routers;

 private:
  struct Frame {
    unsigned from = 0;
    LinkId link;
    IpAddress source;
    wire::PimMessage message;
  };

  void take(Router& router, const PimEffect& effect) {
    if (const auto* send = std::get_if<SendOnLink>(&effect)) {
      constexpr const char* kNames[] = {"hello",     "register", "register-stop", "join-prune",
                                        "bootstrap", "assert",   "candidate-rp",  "df"};
      router.sent.emplace_back(kNames[send->message.index()]);
      wire_.push_back({router.number, send->link, router.addresses.at(send->link), send->message});
      return;
    }
    if (const auto* view = std::get_if<DownstreamView>(&effect))
      router.views.insert_or_assign({view->link, view->group}, *view);
    if (const auto* flushed = std::get_if<DownstreamFlushed>(&effect))
      std::erase_if(router.views,
                    [&](const auto& each) { return each.first.first == flushed->link; });
    router.told.push_back(effect);
  }
  void hear(Router& router, const Frame& frame) {
    const IpAddress all = wire::all_pim_routers(Family::ipv4);
    const Bytes bytes = wire::encode_pim(frame.message, frame.source, all);
    const auto packet = wire::parse_pim(bytes, {frame.source, all, 1});
    ASSERT_TRUE(packet) << wire::to_string(packet.error());
    static_cast<void>(router.pim.on_packet(frame.link, *packet, now));
  }

  std::deque<Frame> wire_;
  std::uint64_t seed_ = 0;
};

}  // namespace hotpair::mcast::pim::testing
