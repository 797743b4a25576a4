#include <fmt/core.h>

#include <algorithm>

#include "ha/cli/render_pim.h"
#include "ha/cli/words.h"

/// Text of the displays of PIM in the layout of IOS; the neighbors as seed 002 prints them.
namespace hotpair::ha::cli {
namespace {

std::string address_or(const std::optional<IpAddress>& address, std::string_view otherwise) {
  return address && !address->is_unspecified() ? shown(*address) : std::string(otherwise);
}
std::string clock_or_never(const std::optional<Duration>& duration) {
  return duration ? clock_of(*duration) : "never";
}

std::string mode_of(const mcast::pim::NeighbourRow& row) {
  std::string text;
  const auto flag = [&](bool is, std::string_view word) {
    if (is) text += fmt::format(" {}", word);
  };
  flag(row.is_dr, "DR");
  flag(!row.dr_priority, "N");
  flag(row.bidirectional, "B");
  flag(row.state_refresh, "S");
  flag(row.proxy, "P");
  flag(row.generation_id.has_value(), "G");
  return text;
}

bool goes_to(const PimRoute& route, PimDownstreamOf of) {
  return std::ranges::any_of(route.downstreams,
                             [&](const PimDownstream& each) { return each.of == of; });
}

std::string flags_of(const PimRoute& route) {
  std::string text = route.bidir ? "B" : route.source_specific ? "s" : "S";
  if (goes_to(route, PimDownstreamOf::hosts)) text += 'C';
  if (route.downstreams.empty()) text += 'P';
  if (route.source && !route.bidir && !route.on_source_tree()) text += 'R';
  if (goes_to(route, PimDownstreamOf::register_tunnel)) text += 'F';
  if (route.on_source_tree()) text += 'T';
  return text;
}

std::string route_text(const PimRoute& route) {
  std::string text = fmt::format("({}, {}), {}/stopped", route.source ? shown(*route.source) : "*",
                                 shown(route.group), route.uptime ? clock_of(*route.uptime) : "-");
  if (!route.source) text += fmt::format(", RP {}", address_or(route.rp, "0.0.0.0"));
  text += fmt::format(", flags: {}\n", flags_of(route));
  text += fmt::format("  Incoming interface: {}, RPF nbr {}\n", route.upstream.value_or("Null"),
                      address_or(route.rpf_prime ? route.rpf_prime : route.upstream_neighbor,
                                 IpAddress::any(route.group.family()).to_string()));
  text += "  Outgoing interface list:";
  if (route.downstreams.empty()) return text + " Null\n";
  text += "\n";
  for (const PimDownstream& each : route.downstreams)
    text += fmt::format("    {}, {}/Sparse, {}\n", each.interface,
                        each.gate_open ? "Forward" : "Backup",
                        each.of == PimDownstreamOf::routers ? clock_or_never(each.expires)
                        : each.of == PimDownstreamOf::hosts ? "by hosts"
                                                            : "stopped");
  return text;
}

std::string zone_text(const mcast::rp::BsrZoneModel& zone) {
  if (!zone.bsr) return "  No BSR is known\n";
  std::string text;
  if (zone.state == mcast::rp::BsrState::elected)
    text += "This system is the Bootstrap Router (BSR)\n";
  if (zone.zone)
    text += fmt::format("  Scope: {}/{}\n", shown(zone.zone->address), zone.zone->length);
  text += fmt::format("  BSR address: {}\n", shown(zone.bsr->address));
  text += fmt::format("  Uptime:      {}, BSR Priority: {}, Hash mask length: {}\n",
                      clock_of(zone.uptime), zone.bsr->priority, zone.hash_mask_length);
  if (zone.next_bootstrap)
    text += fmt::format("  Next bootstrap message in {}\n", clock_of(*zone.next_bootstrap));
  else
    text += fmt::format("  Expires:     {}\n", clock_or_never(zone.expires));
  return text;
}

std::string mapping_text(const mcast::rp::RpInfoRow& row) {
  const mcast::rp::RpMapping& mapping = row.mapping;
  const bool fixed = mapping.source == mcast::rp::RpSource::configured;
  std::string text =
      fmt::format("Group(s) {}{}/{}{}\n", mapping.negative ? "(-)" : "",
                  shown(mapping.range.address), mapping.range.length, fixed ? ", Static" : "");
  text += fmt::format("  RP {}, v2{}{}\n", shown(mapping.rp), row.local ? ", local" : "",
                      mapping.bidir ? ", bidir" : "");
  if (fixed) return text;
  const bool agent = mapping.source == mcast::rp::RpSource::auto_rp;
  text += fmt::format(
      "    Info source: {}, {}via {}, {}holdtime {}\n", address_or(row.told_by, "?"),
      agent ? "elected " : "", word_of(mapping.source),
      agent ? "" : fmt::format("priority {}, ", mapping.priority), ms_of(mapping.holdtime) / 1000);
  return text + fmt::format("         Uptime: {}, expires: {}\n",
                            row.uptime ? clock_of(*row.uptime) : "-", clock_or_never(row.expires));
}

}  // namespace

std::string ios_text(const PimNeighborsModel& model) {
  std::string text =
      "PIM Neighbor Table\n"
      "Mode: B - Bidir Capable, DR - Designated Router, N - Default DR Priority,\n"
      "      P - Proxy Capable, S - State Refresh Capable, G - GenID Capable\n"
      "Neighbor          Interface                Uptime/Expires    Ver   DR\n"
      "Address                                                            Prio/Mode\n";
  for (const auto& [interface, row] : model.neighbors)
    text += fmt::format("{:<17} {:<31} {}/{} v{}{:>5} /{}\n", shown(row.address), interface,
                        clock_of(row.uptime), clock_or_never(row.expires), row.version,
                        row.dr_priority.value_or(1), mode_of(row));
  return text;
}

std::string ios_text(const PimInterfacesModel& model) {
  std::string text =
      "Address          Interface                Ver/   Nbr    Query  DR         DR\n"
      "                                          Mode   Count  Intvl  Prior\n";
  for (const PimInterface& each : model.interfaces)
    text += fmt::format("{:<16} {:<24} {:<6} {:<6} {:<6} {:<10} {}{}\n",
                        address_or(each.row.address, "-"), each.name, "v2/S", each.row.neighbours,
                        ms_of(each.row.hello_period) / 1000, each.row.dr_priority,
                        address_or(each.row.dr, "-"),
                        each.floating     ? " (floating)"
                        : each.row.silent ? " (passive)"
                                          : "");
  return text;
}

std::string ios_text(const PimRoutesModel& model) {
  std::string text =
      "IP Multicast Routing Table\n"
      "Flags: S - Sparse, B - Bidir Group, s - SSM Group, C - Connected, P - Pruned,\n"
      "       R - RP-bit set, F - Register flag, T - SPT-bit set\n"
      " Timers: Uptime/Expires\n"
      " Interface state: Interface, Next-Hop or VCD, State/Mode\n";
  for (const PimRoute& route : model.routes) text += "\n" + route_text(route);
  if (model.total > model.routes.size())
    text +=
        fmt::format("The first {} of {} entries are shown.\n", model.routes.size(), model.total);
  return text;
}

std::string ios_text(const PimRpModel& model) {
  std::string text = "PIM Group-to-RP Mappings\n";
  for (const auto& row : model.info.rows) text += "\n" + mapping_text(row);
  return text;
}

std::string ios_text(const PimBsrModel& model) {
  std::string text = "PIMv2 Bootstrap information\n";
  for (const auto& zone : model.zones) text += zone_text(zone);
  return text;
}

std::string ios_text(const PimRpfModel& model) {
  std::string text =
      fmt::format("RPF information for {}{}\n", shown(model.target), model.is_rp ? " (RP)" : "");
  if (!model.interface) return text + "  No route exists\n";
  text += fmt::format("  RPF interface: {}\n", *model.interface);
  text += fmt::format("  RPF neighbor: {}\n", address_or(model.neighbor, "directly connected"));
  if (model.rpf_prime && model.rpf_prime != model.neighbor)
    text += fmt::format("  RPF' neighbor: {}\n", shown(*model.rpf_prime));
  return text + "  RPF type: unicast\n";
}

}  // namespace hotpair::ha::cli
