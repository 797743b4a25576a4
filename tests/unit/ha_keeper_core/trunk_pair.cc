#include "tests/unit/ha_keeper_core/trunk_pair.h"

#include <gtest/gtest.h>

namespace hotpair::ha::keeper::test {

lacp::TrunkConfig trunk_of(std::uint16_t first_port) {
  lacp::TrunkConfig config;
  config.id = lacp::TrunkId(1);
  config.system = kOurSystem;
  config.key = 305;
  config.fast = true;
  config.members = {{0, "ge1", first_port, 32768}};
  return config;
}

lacp::TrunkConfig access_device() {
  lacp::TrunkConfig config;
  config.id = lacp::TrunkId(1);
  config.system = MacAddress{{0x00, 0xe0, 0xfc, 0x12, 0x34, 0x60}};
  config.key = 9;
  config.fast = true;
  config.members = {{0, "to-a", 1, 32768}, {1, "to-b", 2, 32768}};
  return config;
}

TrunkPair::TrunkPair() = default;
TrunkPair::~TrunkPair() = default;

Configure TrunkPair::configuration(const Router& router) const {
  Configure configure = Pair::configuration(router);
  configure.scopes[0].access_devices.clear();
  const bool is_a = &router == &a;
  configure.etrunks.at(0).system_id = system_ids[is_a ? 0 : 1];
  configure.trunks.push_back({trunk_of(is_a ? 1 : 0x8001), kTrunkSlot, bound, mode[is_a ? 0 : 1]});
  configure.trunks[0].lacp.fast = fast;
  if (system_ids[0] != system_ids[1])
    configure.trunks[0].lacp.system = configure.etrunks[0].system_id;
  return configure;
}

void TrunkPair::up(const std::vector<Cause>& causes) {
  bring_up({});
  for (std::size_t i = 0; i < 2; ++i) plug(i, true);
  run_for(seconds(5));
  if (!causes.empty()) arm(b, term(1, a), term(2, b), causes);
}

void TrunkPair::replace_keeper(Router& router, Duration after) {
  const lacp::PortShow last = port(router);
  if (last.mux == lacp::MuxState::distributing)
    resumed[index(router)] = {{lacp::TrunkId(1), 0, last.partner}};
  const ScopeState before = state(router);
  kill_keeper(router);
  run_for(after);
  start_keeper(router);
  connect(router);
  set_scope(router, before.role, before.term, before.posture);
  plug(index(router), true);
}

void TrunkPair::plug(std::size_t i, bool plugged) {
  if (routers[i].keeper && !routers[i].exited) {
    routers[i].keeper->on_carrier("ge1", plugged, now);
    drain(routers[i]);
  }
  access->set_enabled(static_cast<lacp::MemberIndex>(i), plugged, now);
  take_access();
}

lacp::PortShow TrunkPair::port(Router& router) {
  tell(router, AskStatus{});
  return router.last<TrunkStatus>().value().trunk.ports.at(0);
}

void TrunkPair::before_configuration(Router& router) {
  auto& members = resumed[index(router)];
  if (!members.empty()) tell(router, ResumeTrunks{std::exchange(members, {})});
}

void TrunkPair::on_effect(Router& router, const Effect& effect) {
  const std::size_t i = index(router);
  if (const auto* store = std::get_if<StoreTrunk>(&effect)) {
    EXPECT_EQ(store->slot, kTrunkSlot);
    words[i] = store->word;
  } else if (const auto* send = std::get_if<SendLacpdu>(&effect)) {
    EXPECT_EQ(send->device, "ge1");
    if (access_link[i] && upward[i]) flights_.push_back({now + kDelay, i, true, send->bytes});
  } else if (const auto* hold = std::get_if<HoldLink>(&effect)) {
    EXPECT_EQ(hold->device, "ge1");
    EXPECT_NE(held[i], hold->down);
    held[i] = hold->down;
    plugs_.push_back({now + kLinkDelay, i});
  }
}

std::optional<TimePoint> TrunkPair::other_deadline() const {
  std::optional<TimePoint> due = access->next_deadline();
  for (const Flight& flight : flights_) due = earliest(due, flight.at);
  for (const Plug& each : plugs_) due = earliest(due, each.at);
  return due;
}

void TrunkPair::other_step() {
  std::vector<Flight> due;
  std::erase_if(flights_, [&](Flight& flight) {
    if (flight.at > now) return false;
    due.push_back(std::move(flight));
    return true;
  });
  for (const Flight& flight : due) {
    if (flight.up) {
      access->on_pdu(static_cast<lacp::MemberIndex>(flight.link), flight.bytes, now);
    } else if (Router& router = routers[flight.link]; router.keeper && !router.exited) {
      router.keeper->on_lacpdu("ge1", flight.bytes, now);
      drain(router);
    }
  }
  access->on_timeout(now);
  take_access();
  std::vector<Plug> changed;
  std::erase_if(plugs_, [&](const Plug& each) {
    if (each.at > now) return false;
    changed.push_back(each);
    return true;
  });
  for (const Plug& each : changed) plug(each.link, !held[each.link]);
}

void TrunkPair::take_access() {
  while (auto effect = access->poll_effect())
    if (auto* send = std::get_if<lacp::SendPdu>(&*effect); send && access_link[send->member])
      flights_.push_back({now + answers_after, send->member, false, std::move(send->bytes)});
}

}  // namespace hotpair::ha::keeper::test
