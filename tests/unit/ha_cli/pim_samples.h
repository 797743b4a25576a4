#pragma once

#include "ha/cli/pim_routes.h"
#include "ha/cli/render_pim.h"
#include "tests/unit/ha_cli/fake_node.h"

/// What PIM has to show in the tests of its displays.
namespace hotpair::ha::cli::testing {

using namespace std::chrono_literals;

inline IpPrefix prefix(std::string_view text) { return *IpPrefix::parse(text); }
inline Group group(std::string_view text) { return *Group::from(ip(text)); }

/// The neighbor that seed 002 prints.
inline PimNeighborsModel seed_neighbors() {
  PimNeighbor one;
  one.interface = "GigabitEthernet0/1";
  one.row.address = ip("192.168.10.5");
  one.row.uptime = 95s;
  one.row.expires = 97s;
  one.row.dr_priority = 1;
  one.row.generation_id = 0x8e6b0c51;
  one.row.is_dr = one.row.bidirectional = one.row.proxy = one.row.state_refresh = true;
  return {Family::ipv4, {one}};
}

inline PimInterface an_interface() {
  PimInterface one;
  one.name = "GigabitEthernet0/1/3";
  one.propagation_delay = 500ms;
  one.override_interval = 2500ms;
  one.row.address = ip("10.0.13.1");
  one.row.dr = ip("10.0.13.3");
  one.row.mode = mcast::pim::LinkMode::live;
  one.row.neighbours = 1;
  one.row.dr_priority = 1;
  one.row.generation_id = 0x12345678;
  one.row.hello_period = 30s;
  one.row.next_hello = 12s;
  one.row.holdtime = 105s;
  one.row.propagation_delay = 700ms;
  one.row.override_interval = 3000ms;
  one.row.join_prune_period = 60s;
  one.messages = {{"Hello", 12, 13}, {"Join/Prune", 0, 4}};
  one.ignored = {{"not from a neighbor", 2}};
  return one;
}

inline constexpr LinkId kUp{1};
inline constexpr LinkId kLan{2};
inline constexpr LinkId kDown{3};
inline constexpr LinkId kTunnel{4};

/// What MRIB and PIM show of a group with one source: routers on one link, hosts on another, whose
/// gate is closed here.
struct Tables {
  mcast::mrib::RouteTableModel routes;
  mcast::pim::DownstreamModel downstream;
  mcast::pim::UpstreamModel upstream;

  Tables() {
    using mcast::pim::DownstreamState;
    using mcast::pim::UpstreamState;
    mcast::mrib::RouteModel shared{.vrf = VrfId{0}, .group = group("225.1.1.1")};
    shared.rp = ip("2.2.2.2");
    shared.incoming = kUp;
    shared.rpf_neighbour = ip("10.0.13.3");
    shared.uptime = 103s;
    shared.outgoing = {{kLan, ScopeId{10}, true}, {kDown, std::nullopt, false}};
    mcast::mrib::RouteModel source = shared;
    source.source = ip("10.110.1.10");
    source.rp.reset();
    source.data_driven = true;
    mcast::mrib::RouteModel dropped = source;
    dropped.source = ip("10.110.1.11");
    dropped.negative = true;
    routes.rows = {shared, source, dropped};
    routes.rows_total = 3;
    const mcast::pim::TreeKey star{group("225.1.1.1"), std::nullopt, false};
    const mcast::pim::TreeKey tree{group("225.1.1.1"), ip("10.110.1.10"), false};
    const mcast::pim::TreeKey rpt{group("225.1.1.1"), ip("10.110.1.10"), true};
    downstream.rows = {{kDown, star, DownstreamState::join, 167s, std::nullopt},
                       {kLan, star, DownstreamState::no_info, std::nullopt, std::nullopt}};
    upstream.rows = {
        {VrfId{0}, star, UpstreamState::joined, kUp, ip("10.0.13.3"), false, 34s},
        {VrfId{0}, tree, UpstreamState::joined, kUp, ip("10.0.13.4"), true, 35s},
        {VrfId{0}, rpt, UpstreamState::pruned, kUp, ip("10.0.13.3"), false, std::nullopt}};
  }
  [[nodiscard]] PimRoutesModel joined() const {
    return pim_routes({
        .family = Family::ipv4,
        .routes = routes,
        .downstream = downstream,
        .upstream = upstream,
        .name_of =
            [](LinkId link) {
              return link == kUp ? "GE0/1/3" : link == kLan ? "Eth-Trunk1" : "GE0/1/4";
            },
        .register_link = kTunnel,
        .rp_of = [](const Group&) { return std::optional(ip("2.2.2.2")); },
        .is_own = [](const IpAddress& address) { return address == ip("2.2.2.2"); },
        .is_ssm = [](const Group& of) { return of.is_default_ssm(); },
    });
  }
};

inline PimRpModel some_rps() {
  using mcast::rp::RpSource;
  PimRpModel model;
  mcast::rp::RpInfoRow learned;
  learned.mapping = {
      prefix("224.0.0.0/4"), ip("10.1.1.2"), RpSource::bootstrap, 3, 30, 150s, false};
  learned.told_by = ip("10.1.1.1");
  learned.uptime = 70s;
  learned.expires = 110s;
  learned.local = true;
  mcast::rp::RpInfoRow fixed;
  fixed.mapping = {prefix("239.0.0.0/8"), ip("2.2.2.2"), RpSource::configured, 0, {}, {}, false};
  model.info.rows = {fixed, learned};
  return model;
}

inline PimBsrModel a_bsr() {
  PimBsrModel model;
  mcast::rp::BsrZoneModel zone;
  zone.state = mcast::rp::BsrState::accept_preferred;
  zone.bsr = mcast::rp::BsrWeight{64, ip("10.1.1.1")};
  zone.hash_mask_length = 30;
  zone.uptime = 70s;
  zone.expires = 110s;
  zone.mappings = 2;
  model.zones = {zone};
  return model;
}

}  // namespace hotpair::ha::cli::testing
