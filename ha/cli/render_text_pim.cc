#include <fmt/core.h>

#include <array>

#include "ha/cli/render_pim.h"
#include "ha/cli/words.h"

/// Text of the displays of PIM, in the vendor's layout.
namespace hotpair::ha::cli {
namespace {

std::string instance_line(const std::string& instance) {
  return fmt::format(" VPN-Instance: {}\n", instance);
}

std::string_view on_off(bool on) { return on ? "enabled" : "disabled"; }
std::string_view protocol(Family family) { return family == Family::ipv4 ? "PIM" : "IPv6 PIM"; }
std::string clock_or_never(const std::optional<Duration>& duration) {
  return duration ? clock_of(*duration) : "never";
}
std::string address_or(const std::optional<IpAddress>& address, std::string_view otherwise) {
  return address && !address->is_unspecified() ? shown(*address) : std::string(otherwise);
}
std::string generation(const std::optional<std::uint32_t>& id) {
  return id ? fmt::format("0x{:08X}", *id) : "-";
}

std::string neighbor_details(const PimNeighbor& each) {
  const auto& row = each.row;
  std::string text = fmt::format(" Neighbor: {}{}\n", shown(row.address), row.is_dr ? " (DR)" : "");
  text += fmt::format("     Interface: {}\n", each.interface);
  text += fmt::format("     Uptime: {}\n", clock_of(row.uptime));
  text += fmt::format("     Expiry time: {}\n", clock_or_never(row.expires));
  text += fmt::format("     DR Priority: {}\n",
                      row.dr_priority ? fmt::format("{}", *row.dr_priority) : "-");
  text += fmt::format("     Generation ID: {}\n", generation(row.generation_id));
  const auto& lan = row.lan_prune_delay;
  text += fmt::format("     LAN delay: {}\n",
                      lan ? fmt::format("{} ms", lan->propagation_delay_ms) : "-");
  text += fmt::format("     Override interval: {}\n",
                      lan ? fmt::format("{} ms", lan->override_interval_ms) : "-");
  text += fmt::format("     Neighbor tracking: {}\n", on_off(lan && lan->tracking));
  for (std::size_t i = 0; i < row.secondary.size(); ++i)
    text +=
        fmt::format("     {}{}\n", i == 0 ? "Secondary address(es): " : "                       ",
                    shown(row.secondary[i]));
  return text;
}

std::string_view state_of(const PimInterface& each) {
  if (!each.up) return "down";
  return each.row.silent ? "silent" : "up";
}

std::string interface_details(const PimInterface& each) {
  const auto& row = each.row;
  std::string text = fmt::format(" Interface: {}, {}\n", each.name, address_or(row.address, "-"));
  text += "     PIM version: 2\n     PIM mode: Sparse\n";
  text += fmt::format("     PIM state: {}\n", state_of(each));
  if (each.floating)
    text += fmt::format("     PIM identity: floating, {}\n",
                        row.mode == mcast::pim::LinkMode::live ? "live" : "muted");
  else if (row.scope)
    text += fmt::format("     Backed up with backup-id {}: {}\n", row.scope->value(),
                        row.mode == mcast::pim::LinkMode::live ? "live" : "muted");
  text +=
      fmt::format("     PIM DR: {}{}\n", address_or(row.dr, "none"), row.am_dr ? " (local)" : "");
  text += fmt::format("     PIM DR Priority (configured): {}\n", row.dr_priority);
  text += fmt::format("     PIM neighbor count: {}\n", row.neighbours);
  text += fmt::format("     PIM hello interval: {} s\n", seconds_of(row.hello_period));
  text += fmt::format("     Next hello in: {}\n", clock_or_off(row.next_hello));
  text += fmt::format("     PIM LAN delay (negotiated): {} ms\n", ms_of(row.propagation_delay));
  text += fmt::format("     PIM LAN delay (configured): {} ms\n", ms_of(each.propagation_delay));
  text += fmt::format("     PIM hello override interval (negotiated): {} ms\n",
                      ms_of(row.override_interval));
  text += fmt::format("     PIM hello override interval (configured): {} ms\n",
                      ms_of(each.override_interval));
  text += fmt::format("     PIM neighbor tracking (negotiated): {}\n", on_off(!row.suppression));
  text += fmt::format("     PIM neighbor tracking (configured): {}\n", on_off(each.tracking));
  text += fmt::format("     PIM generation ID: {}\n", generation(row.generation_id));
  text += fmt::format("     PIM hello hold interval: {} s\n", seconds_of(row.holdtime));
  text += fmt::format("     PIM J/P interval: {} s\n", seconds_of(row.join_prune_period));
  text += fmt::format("     PIM require-GenID: {}\n", on_off(row.require_genid));
  if (row.join_policy != 0)
    text += fmt::format("     PIM join policy: {} line(s)\n", row.join_policy);
  return text + fmt::format("     PIM BSR domain border: {}\n", on_off(each.bsr_boundary));
}

std::string flags_of(const PimRoute& route) {
  if (!route.source) return "WC";
  std::string text = route.on_source_tree() ? "SPT" : "RPT";
  if (route.state == mcast::pim::UpstreamState::direct) text += " LOC";
  if (route.active) text += " ACT";
  return text;
}

std::string downstream_text(const PimDownstream& each, Family family) {
  const std::string_view hosts = family == Family::ipv4 ? "igmp" : "mld";
  return fmt::format("             Protocol: {}, UpTime: -, Expires: {}{}\n",
                     each.of == PimDownstreamOf::hosts ? hosts : "pim-sm",
                     each.of == PimDownstreamOf::routers ? clock_or_never(each.expires) : "-",
                     each.gate_open ? "" : ", slave forwarding");
}

std::string route_text(const PimRoute& route, Family family, bool verbose) {
  std::string text =
      fmt::format(" ({}, {})\n", route.source ? shown(*route.source) : "*", shown(route.group));
  if (!route.source_specific)
    text += fmt::format("     RP: {}{}\n", address_or(route.rp, "none"),
                        route.rp_is_local ? " (local)" : "");
  text += fmt::format("     Protocol: {}, Flag: {}\n",
                      route.bidir             ? "bidir-pim"
                      : route.source_specific ? "pim-ssm"
                                              : "pim-sm",
                      flags_of(route));
  text += fmt::format("     UpTime: {}\n", route.uptime ? clock_of(*route.uptime) : "-");
  text += fmt::format("     Upstream interface: {}\n", route.upstream.value_or("NULL"));
  text +=
      fmt::format("         Upstream neighbor: {}\n", address_or(route.upstream_neighbor, "NULL"));
  text += fmt::format("         RPF prime neighbor: {}{}\n", address_or(route.rpf_prime, "NULL"),
                      route.by_assert ? " (assert winner)" : "");
  if (verbose) {
    text += fmt::format("         Upstream state: {}{}\n", word_of(route.state),
                        route.next_join ? ", next message in " + clock_of(*route.next_join) : "");
    if (route.pruned_off_shared_tree) text += "         Pruned off the shared tree\n";
    if (!route.installed) text += "     Not installed: the data plane refused it\n";
  }
  text += "     Downstream interface(s) information:";
  if (route.downstreams.empty()) return text + " None\n";
  text += fmt::format("\n     Total number of downstreams: {}\n", route.downstreams.size());
  for (std::size_t i = 0; i < route.downstreams.size(); ++i)
    text += fmt::format("         {}: {}\n", i + 1, route.downstreams[i].interface) +
            downstream_text(route.downstreams[i], family);
  return text;
}

std::string learned_rp(const mcast::rp::RpInfoRow& row) {
  std::string text =
      fmt::format(" Group/MaskLen: {}/{}{}\n", shown(row.mapping.range.address),
                  row.mapping.range.length, row.mapping.negative ? " (without an RP)" : "");
  text += fmt::format("     RP: {}{}\n", shown(row.mapping.rp), row.local ? " (local)" : "");
  if (row.mapping.source == mcast::rp::RpSource::bootstrap)
    text += fmt::format("     Priority: {}\n", row.mapping.priority);
  if (row.told_by) text += fmt::format("     Told by: {}\n", shown(*row.told_by));
  text += fmt::format("     Uptime: {}\n", row.uptime ? clock_of(*row.uptime) : "-");
  return text + fmt::format("     Expires: {}\n", clock_or_never(row.expires));
}

std::string group_rp_text(const std::string& instance, const mcast::rp::GroupRpModel& group) {
  if (!group.mapping)
    return fmt::format("{} No RP serves group {}.\n", instance_line(instance), shown(group.group));
  return fmt::format(
      "{} RP Address for this group is: {}\n     Learned by: {}\n     Range: {}/{}\n",
      instance_line(instance), shown(group.mapping->rp), word_of(group.mapping->source),
      shown(group.mapping->range.address), group.mapping->range.length);
}

std::string zone_text(const mcast::rp::BsrZoneModel& zone) {
  const std::string scope = zone.zone
                                ? fmt::format("{}/{}", shown(zone.zone->address), zone.zone->length)
                                : std::string("Not scoped");
  std::string text;
  if (zone.bsr) {
    text += fmt::format(" Elected BSR Address: {}\n     Priority: {}\n     Hash mask length: {}\n",
                        shown(zone.bsr->address), zone.bsr->priority, zone.hash_mask_length);
    text += fmt::format("     State: {}\n     Scope: {}\n     Uptime: {}\n", word_of(zone.state),
                        scope, clock_of(zone.uptime));
    if (zone.next_bootstrap)
      text +=
          fmt::format("     Next BSR message scheduled at: {}\n", clock_of(*zone.next_bootstrap));
    else
      text += fmt::format("     Expires: {}\n", clock_or_never(zone.expires));
    text += fmt::format("     C-RP Count: {}\n", zone.next_bootstrap ? zone.offers : zone.mappings);
  } else {
    text += fmt::format(" Elected BSR Address: none\n     State: {}\n     Scope: {}\n",
                        word_of(zone.state), scope);
  }
  if (zone.candidate)
    text += fmt::format(
        " Candidate BSR Address: {}\n     Priority: {}\n     Hash mask length: {}\n     State: "
        "{}\n",
        shown(zone.candidate->address), zone.candidate->priority, zone.candidate->hash_mask_length,
        word_of(zone.state));
  return text;
}

template <std::size_t Count, typename Enum>
std::string_view pick(const std::array<std::string_view, Count>& words, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < Count ? words[index] : "unknown";
}

}  // namespace

std::string_view word_of(mcast::pim::UpstreamState state) {
  return pick(std::array<std::string_view, 6>{"not joined", "joined", "waiting for a neighbor",
                                              "directly connected", "pruned", "not pruned"},
              state);
}
std::string_view word_of(mcast::rp::RpSource source) {
  return pick(std::array<std::string_view, 5>{"unknown", "configuration", "bootstrap", "Auto-RP",
                                              "the group's address"},
              source);
}
std::string_view word_of(mcast::rp::BsrState state) {
  return pick(
      std::array<std::string_view, 7>{"unknown", "No Info", "Accept Any", "Accept Preferred",
                                      "Candidate", "Pending", "Elected"},
      state);
}
std::string_view word_of(mcast::rp::BsrIgnored reason) {
  return pick(
      std::array<std::string_view, mcast::rp::kBsrIgnoredCount>{
          "standby", "unknown link", "border", "other family", "own", "filtered",
          "not from the RPF neighbor", "RPF unanswered", "no forward", "not preferred", "bad zone",
          "zone limit", "bad range", "bidirectional", "mapping limit", "not elected",
          "cache limit"},
      reason);
}

std::string to_text(const PimNeighborsModel& model, TextOptions options) {
  std::string text = instance_line(model.instance);
  text += fmt::format(" Total Number of Neighbors = {}\n", model.neighbors.size());
  if (model.neighbors.empty()) return text;
  text += "\n";
  if (options.verbose) {
    for (const PimNeighbor& each : model.neighbors) text += neighbor_details(each);
    return text;
  }
  Table table({" Neighbor", "Interface", "Uptime", "Expires", "Dr-Priority", "DR"});
  for (const auto& [interface, row] : model.neighbors)
    table.add({" " + shown(row.address), interface, clock_of(row.uptime),
               clock_or_never(row.expires),
               row.dr_priority ? fmt::format("{}", *row.dr_priority) : "-", row.is_dr ? "Y" : "N"});
  return text + table.text();
}

std::string to_text(const PimInterfacesModel& model, TextOptions options) {
  if (model.interfaces.empty())
    return fmt::format("No interface has {}.\n", protocol(model.family));
  std::string text = instance_line(model.instance);
  if (options.verbose) {
    for (const PimInterface& each : model.interfaces) text += interface_details(each);
    return text;
  }
  Table table({" Interface", "State", "NbrCnt", "HelloInt", "DR-Pri", "DR-Address"});
  for (const PimInterface& each : model.interfaces)
    table.add({" " + each.name, std::string(state_of(each)), fmt::format("{}", each.row.neighbours),
               seconds_of(each.row.hello_period), fmt::format("{}", each.row.dr_priority),
               address_or(each.row.dr, "-") + (each.row.am_dr ? " (local)" : "")});
  return text + table.text();
}

std::string to_text(const PimRoutesModel& model, TextOptions options) {
  std::size_t shared = 0;
  for (const PimRoute& route : model.routes) shared += route.source ? 0U : 1U;
  const std::size_t sources = model.routes.size() - shared;
  std::string text = instance_line(model.instance);
  text += fmt::format(" Total {} (*, G) entr{}; {} (S, G) entr{}\n", shared,
                      shared == 1 ? "y" : "ies", sources, sources == 1 ? "y" : "ies");
  for (const PimRoute& route : model.routes)
    text += "\n" + route_text(route, model.family, options.verbose);
  if (model.total > model.routes.size())
    text +=
        fmt::format("The first {} of {} entries are shown.\n", model.routes.size(), model.total);
  return text;
}

std::string to_text(const PimRpModel& model) {
  if (model.group) return group_rp_text(model.instance, *model.group);
  using mcast::rp::RpSource;
  std::string text = instance_line(model.instance);
  for (const RpSource source : {RpSource::bootstrap, RpSource::auto_rp}) {
    bool first = true;
    for (const auto& row : model.info.rows) {
      if (row.mapping.source != source) continue;
      if (first)
        text += source == RpSource::bootstrap ? " PIM-SM BSR RP information:\n"
                                              : " PIM-SM Auto-RP information:\n";
      first = false;
      text += learned_rp(row);
    }
  }
  std::size_t count = 0;
  std::string rows;
  for (const auto& row : model.info.rows) {
    if (row.mapping.source != RpSource::configured) continue;
    ++count;
    rows += fmt::format("     Static RP: {}{}, group {}/{}{}\n", shown(row.mapping.rp),
                        row.local ? " (local)" : "", shown(row.mapping.range.address),
                        row.mapping.range.length, row.mapping.bidir ? ", bidir" : "");
  }
  text += fmt::format(" PIM-SM static RP Number: {}{}\n{}", count,
                      model.info.rules.static_preferred ? ", preferred" : "", rows);
  if (model.family == Family::ipv6)
    text += fmt::format(" Embedded RP: {}\n", on_off(model.info.rules.embedded));
  return text;
}

std::string to_text(const PimBsrModel& model) {
  std::string text = instance_line(model.instance);
  for (const auto& zone : model.zones) text += zone_text(zone);
  return text;
}

std::string counters_text(const PimInterfacesModel& model, const PimBsrModel& bsr) {
  std::string text = instance_line(model.instance);
  const auto& counters = bsr.counters;
  text += fmt::format(" Bootstrap: accepted {}, forwarded {}, originated {}\n",
                      counters.bootstraps_heard, counters.bootstraps_forwarded,
                      counters.bootstraps_originated);
  text += fmt::format(" Candidate-RP-Advertisement: accepted {}, sent {}\n",
                      counters.candidate_rps_heard, counters.candidate_rps_sent);
  for (std::size_t i = 0; i < counters.ignored.size(); ++i)
    if (counters.ignored[i] != 0)
      text += fmt::format("     Ignored, {}: {}\n", word_of(static_cast<mcast::rp::BsrIgnored>(i)),
                          counters.ignored[i]);
  for (const auto& [reason, count] : model.registers_ignored)
    text += fmt::format(" Register, ignored, {}: {}\n", reason, count);
  for (const PimInterface& each : model.interfaces) {
    text += fmt::format(" PIM control-message counters for interface: {}\n", each.name);
    Table table({"     Message", "Received", "Sent"});
    for (const PimMessageCount& count : each.messages)
      table.add(
          {"     " + count.name, fmt::format("{}", count.received), fmt::format("{}", count.sent)});
    text += table.text();
    for (const auto& [reason, count] : each.ignored)
      text += fmt::format("     Ignored, {}: {}\n", reason, count);
  }
  return text;
}

}  // namespace hotpair::ha::cli
