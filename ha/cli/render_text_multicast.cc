#include <fmt/format.h>

#include <set>

#include "checkpoint/record/record.h"
#include "ha/cli/render_text.h"
#include "ha/cli/words.h"
#include "ha/node/floating_pair.h"

/// Text of the displays about multicast: membership, forwarding, databases.
namespace hotpair::ha::cli {
namespace {

namespace gmp = mcast::gmp;

std::string_view protocol(Family family) { return family == Family::ipv4 ? "IGMP" : "MLD"; }

std::uint64_t sum(const auto& counts) {
  std::uint64_t total = 0;
  for (const std::uint64_t count : counts) total += count;
  return total;
}

/// What this version keeps and mirrors without making it: multicast VPNs have no tunnels yet, the
/// layer 2 groups no engine.
bool is_made_here(std::uint8_t database) {
  using checkpoint::DatabaseId;
  switch (static_cast<DatabaseId>(database)) {
    case DatabaseId::mdt_data_group:
    case DatabaseId::mdt_tunnel:
    case DatabaseId::l2_group:
      return false;
    default:
      return true;
  }
}

std::string counters_text(const gmp::Counters& counters) {
  std::string text = fmt::format("   Received: queries {}, reports {}, leaves {}\n",
                                 sum(counters.queries), sum(counters.reports), counters.leaves);
  text +=
      fmt::format("   Sent: general queries {}, group queries {}, group-and-source queries {}\n",
                  counters.sent_general, counters.sent_group, counters.sent_source);
  for (std::size_t i = 0; i < counters.ignored.size(); ++i)
    if (counters.ignored[i] != 0)
      text += fmt::format("   Ignored, {}: {}\n", word_of(static_cast<gmp::Ignored>(i)),
                          counters.ignored[i]);
  for (std::size_t i = 0; i < counters.rejects.size(); ++i)
    if (counters.rejects[i] != 0)
      text += fmt::format("   Rejected, {}: {}\n", word_of(static_cast<mcast::wire::Reject>(i)),
                          counters.rejects[i]);
  return text;
}

std::string interface_text(const GmpInterface& each, Family family, bool verbose) {
  const gmp::InterfaceRow& row = each.row;
  std::string text = fmt::format(" {}({}):\n", each.name, shown(row.address));
  text +=
      fmt::format("   {} is enabled, interface is {}\n", protocol(family), each.up ? "up" : "down");
  text += fmt::format("   Current {} version is {}\n", protocol(family), row.version);
  text +=
      fmt::format("   Querier: {} ({})\n",
                  row.querier.is_unspecified() ? "none" : shown(row.querier), word_of(row.role));
  text +=
      fmt::format("   Value of query interval (in seconds): {}\n", seconds_of(row.query_interval));
  text += fmt::format("   Value of maximum query response time (in seconds): {}\n",
                      seconds_of(row.query_response_interval));
  text += fmt::format("   Value of last {} query interval (in seconds): {}\n",
                      family == Family::ipv4 ? "member" : "listener",
                      seconds_of(row.last_member_query_interval));
  text += fmt::format("   Robustness: {}\n", row.robustness);
  text += fmt::format("   Total {} groups reported: {} (peak {}, limit {})\n", protocol(family),
                      row.groups, row.groups_peak, row.max_groups);
  if (row.max_groups_per_host != 0)
    text += fmt::format("   Limit of groups per host: {}\n", row.max_groups_per_host);
  if (row.scope) text += fmt::format("   Backed up with {}\n", node::scope_in_words(*row.scope));
  if (!row.other_querier.is_unspecified())
    text += fmt::format("   Another querier was heard: {}\n", shown(row.other_querier));
  if (!verbose) return text;
  text += fmt::format("   Next general query in: {}\n", clock_or_off(row.next_query));
  text += fmt::format("   Other querier expires in: {}\n", clock_or_off(row.querier_expires));
  text +=
      fmt::format("   Membership interval (in seconds): {}\n", seconds_of(row.membership_interval));
  text += fmt::format("   Prompt leave: {}\n", row.fast_leave ? "enabled" : "disabled");
  return text + counters_text(row.counters);
}

int group_width(Family family) { return family == Family::ipv4 ? 16 : 40; }

std::string group_details(const gmp::GroupRow& row) {
  std::string text =
      fmt::format("    Filter mode: {}{}{}\n", word_of(row.mode), row.is_static ? ", static" : "",
                  row.synced ? ", synchronised" : "");
  if (row.older_host_version != 0)
    text += fmt::format("    Hosts of version {} are present\n", row.older_host_version);
  for (const gmp::SourceRow& source : row.sources)
    text += fmt::format("    Source {:<40} {:<8} {}\n", shown(source.source),
                        source.forwarding ? "forward" : "block", clock_or_off(source.expires));
  return text;
}

std::string route_origin(const ForwardingRoute& route) {
  std::string text = route.origin.empty() ? "-" : route.origin;
  if (route.negative) text += ", negative";
  if (!route.installed) text += ", not installed";
  return text;
}

}  // namespace

std::string to_text(const GmpInterfacesModel& model, TextOptions options) {
  if (model.interfaces.empty())
    return fmt::format("No interface has {}.\n", protocol(model.family));
  std::string text = "Interface information of VPN-Instance: " + model.instance + "\n";
  for (const GmpInterface& each : model.interfaces)
    text += interface_text(each, model.family, options.verbose);
  return text;
}

std::string groups_heading(const std::string& instance) {
  return "Interface group report information of VPN-Instance: " + instance + "\n";
}

std::string groups_heading(const GmpGroup& first, Family family, std::size_t count) {
  const int width = group_width(family);
  return fmt::format(" {}({}):\n", first.interface, shown(first.interface_address)) +
         fmt::format("  Total {} {} Group{} reported\n", count, protocol(family),
                     count == 1 ? "" : "s") +
         fmt::format("   {:<{}}{:<{}}{:<12}{}\n", "Group Address", width, "Last Reporter", width,
                     "Uptime", "Expires");
}

std::string to_text(const GmpGroup& group, Family family, TextOptions options) {
  const int width = group_width(family);
  const bool known = !group.row.last_reporter.is_unspecified();
  std::string text = fmt::format("   {:<{}}{:<{}}{:<12}{}\n", shown(group.row.group.address()),
                                 width, known ? shown(group.row.last_reporter) : "-", width,
                                 clock_of(group.row.uptime), clock_or_off(group.row.expires));
  if (options.verbose) text += group_details(group.row);
  return text;
}

std::string groups_ending(Family family, std::size_t shown, std::size_t total) {
  if (shown == 0) return fmt::format("No {} group.\n", protocol(family));
  if (total <= shown) return {};
  return fmt::format("The first {} of {} groups are shown.\n", shown, total);
}

std::string to_text(const GmpGroupsModel& model, TextOptions options) {
  std::string text = model.groups.empty() ? std::string() : groups_heading(model.instance);
  for (std::size_t i = 0; i < model.groups.size(); ++i) {
    const GmpGroup& each = model.groups[i];
    if (i == 0 || model.groups[i - 1].interface != each.interface) {
      std::size_t count = 1;
      while (i + count < model.groups.size() && model.groups[i + count].interface == each.interface)
        ++count;
      text += groups_heading(each, model.family, count);
    }
    text += to_text(each, model.family, options);
  }
  return text + groups_ending(model.family, model.groups.size(), model.total);
}

std::string to_text(const ForwardingTableModel& model) {
  if (model.routes.empty()) return "The multicast forwarding table is empty.\n";
  std::string text = fmt::format("Multicast forwarding table: {} entries\n", model.total);
  for (std::size_t i = 0; i < model.routes.size(); ++i) {
    const ForwardingRoute& route = model.routes[i];
    text += fmt::format("{:05}. ({}, {})\n", i + 1, route.source ? shown(*route.source) : "*",
                        shown(route.group));
    text += fmt::format("       Origin: {}", route_origin(route));
    if (route.uptime_s)
      text += fmt::format(", up {}", clock_of(std::chrono::seconds(*route.uptime_s)));
    if (route.expires_s)
      text += fmt::format(", expires {}", clock_of(std::chrono::seconds(*route.expires_s)));
    text += fmt::format("\n       Incoming interface: {}\n", route.incoming.value_or("none"));
    text += fmt::format("       Outgoing interfaces: {}\n", route.outgoing.size());
    for (const auto& out : route.outgoing) {
      text += "         " + out.interface;
      if (out.scope)
        text += fmt::format(" ({}, gate {})", node::scope_in_words(*out.scope),
                            out.gate_open ? "open" : "closed");
      text += "\n";
    }
    if (route.counters)
      text +=
          fmt::format("       Packets {}, bytes {}, wrong interface {}\n", route.counters->packets,
                      route.counters->bytes, route.counters->wrong_interface);
  }
  if (model.total > model.routes.size())
    text +=
        fmt::format("The first {} of {} entries are shown.\n", model.routes.size(), model.total);
  return text;
}

std::string to_text(const DatabasesModel& model) {
  if (model.scopes.empty()) return "Nothing is replicated.\n";
  std::string text;
  std::set<std::string> unmade;
  for (const ScopeDatabases& scope : model.scopes) {
    text += fmt::format("Scope {}{}: {}, term {}, {}\n", scope.scope.value(),
                        scope.profile.empty() ? "" : " (" + scope.profile + ")",
                        word_of(scope.role), to_string(scope.term), scope.sync_state);
    if (scope.store_failures != 0)
      text += fmt::format("Store: {}, {} requests refused, the last: {}\n",
                          scope.store_degraded ? "degraded" : "works again", scope.store_failures,
                          scope.store_failure);
    Table table({"Database", "Entries", "Sent", "Acked", "Awaiting", "Digest", "Lag", "Lag(ms)"});
    for (const DatabaseRow& row : scope.databases) {
      if (!is_made_here(row.database)) unmade.insert(row.name);
      table.add(
          {row.name, fmt::format("{}", row.entries), fmt::format("{}", row.sent),
           fmt::format("{}", row.acked), fmt::format("{}", row.awaiting_ack),
           std::string(scope.scope == ScopeId{} ? "-" : word_of(row.digest)),  // 0 has no peer
           fmt::format("{}", row.lag_records), fmt::format("{}", row.lag_ms)});
    }
    text += table.text();
  }
  if (!unmade.empty())
    text += fmt::format("Without a maker in this version, kept and mirrored all the same: {}.\n",
                        fmt::join(unmade, ", "));
  return text;
}

}  // namespace hotpair::ha::cli
