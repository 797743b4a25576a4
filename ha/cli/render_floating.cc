#include "ha/cli/render_floating.h"

#include <fmt/core.h>

#include "ha/cli/render_json.h"
#include "ha/cli/words.h"

/// `display floating-address`.
namespace hotpair::ha::cli {
namespace {

std::string_view word_of(FloatingOwner owner) {
  switch (owner) {
    case FloatingOwner::nobody:
      return "nobody";
    case FloatingOwner::here:
      return "this node";
    case FloatingOwner::peer:
      return "peer";
  }
  return "unknown";
}

std::string text_of(const IpPrefix& prefix) {
  return fmt::format("{}/{}", shown(prefix.address), prefix.length);
}

std::string scope_of(const FloatingInterface& each) {
  return each.backup_id ? fmt::format("backup-id {}", each.backup_id->value()) : "floating pair";
}

std::string details(const FloatingInterface& each) {
  std::string text = fmt::format(" Interface: {}\n", each.name);
  text += fmt::format("     VPN-Instance: {}\n", each.instance);
  for (const IpPrefix& address : each.addresses)
    text += fmt::format("     Floating address: {}\n", text_of(address));
  text += fmt::format("     Virtual MAC: {}\n", each.mac.to_string());
  text += fmt::format("     Follows: {} ({}), {} here\n", scope_of(each), each.profile,
                      cli::word_of(each.role));
  text += fmt::format("     Owner: {}{}\n", word_of(each.owner),
                      each.since ? ", for " + clock_of(*each.since) : "");
  text += fmt::format("     PIM identity: {}\n", each.identity ? "floating" : "separate");
  text += fmt::format("     Device: {}, {}\n", each.device, each.device_up ? "up" : "down");
  return text + fmt::format("     Announcements sent for its scope: {}\n", each.announced);
}

Json interface_json(const FloatingInterface& each) {
  Json addresses = Json::array();
  for (const IpPrefix& address : each.addresses) addresses.push(address.to_string());
  Json out = Json::object();
  out.set("interface", each.name).set("vrf", vrf_of(each.instance));
  out.set("addresses", std::move(addresses));
  out.set("virtual_mac", each.mac.to_string()).set("device", each.device);
  out.set("device_up", each.device_up);
  out.set("pim_identity", each.identity ? "floating" : "separate");
  out.set("scope", each.backup_id ? "profile" : "floating-pair");
  out.set("backup_id", each.backup_id ? Json(each.backup_id->value()) : Json());
  out.set("profile", each.profile).set("role", cli::word_of(each.role));
  out.set("owner", each.owner == FloatingOwner::here ? "self" : word_of(each.owner));
  out.set("owned_ms", each.since ? Json(ms_of(*each.since)) : Json());
  return out.set("announcements", each.announced);
}

}  // namespace

std::string to_text(const FloatingAddressesModel& model, TextOptions options) {
  if (model.interfaces.empty()) return "No interface has a floating address.\n";
  std::string text;
  if (options.verbose) {
    for (const FloatingInterface& each : model.interfaces) text += details(each);
    return text;
  }
  Table table({"Interface", "Address", "Virtual MAC", "Follows", "Owner", "Since", "Announced"});
  for (const FloatingInterface& each : model.interfaces)
    for (const IpPrefix& address : each.addresses)
      table.add({each.name, text_of(address), each.mac.to_string(), scope_of(each),
                 std::string(word_of(each.owner)), each.since ? clock_of(*each.since) : "-",
                 fmt::format("{}", each.announced)});
  return table.text();
}

std::string ios_text(const FloatingAddressesModel& model) {
  std::string text;
  for (const FloatingInterface& each : model.interfaces) {
    text += fmt::format("{} - {}\n", each.name, scope_of(each));
    text +=
        fmt::format("  State is {}\n", each.owner == FloatingOwner::here ? "Active" : "Standby");
    if (each.since) text += fmt::format("    last state change {} ago\n", clock_of(*each.since));
    for (const IpPrefix& address : each.addresses)
      text += fmt::format("  Virtual IP address is {}\n", shown(address.address));
    text += fmt::format("  Active virtual MAC address is {}\n", each.mac.to_string());
    text += fmt::format("  Active router is {}\n",
                        each.owner == FloatingOwner::here ? "local" : word_of(each.owner));
    text += fmt::format("  PIM identity is {}\n", each.identity ? "floating" : "separate");
  }
  return text.empty() ? "No interface has a floating address.\n" : text;
}

Json to_json(const FloatingAddressesModel& model) {
  Json list = Json::array();
  for (const FloatingInterface& each : model.interfaces) list.push(interface_json(each));
  Json out = Json::object();
  return out.set("interfaces", std::move(list));
}

}  // namespace hotpair::ha::cli
