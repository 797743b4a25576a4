#include "ha/config/config_rows.h"

#include <fmt/core.h>

#include <algorithm>

#include "platform/base/assert.h"

namespace hotpair::ha::config {
namespace {

template <typename List, typename Key, typename KeyOf, typename Make>
auto& find_or_insert(List& list, const Key& key, KeyOf key_of, Make make) {
  auto at = std::lower_bound(list.begin(), list.end(), key,
                             [&](const auto& item, const Key& k) { return key_of(item) < k; });
  if (at == list.end() || key < key_of(*at)) at = list.insert(at, make());
  return *at;
}

}  // namespace

std::string shown(const IpAddress& address) { return address.to_upper_string(); }
std::string shown(const IpPrefix& prefix) {
  return fmt::format("{}/{}", prefix.address.to_upper_string(), prefix.length);
}

std::string_view name_of(View view) {
  switch (view) {
    case View::system:
      return "system";
    case View::etrunk:
      return "e-trunk";
    case View::ssl_policy:
      return "ssl policy";
    case View::service:
      return "remote-backup-service";
    case View::profile:
      return "remote-backup-profile";
    case View::interface:
      return "interface";
    case View::pim:
      return "pim";
    case View::pim_ipv6:
      return "pim-ipv6";
    case View::bfd:
      return "bfd";
    case View::bfd_session:
      return "bfd session";
    case View::vrf:
      return "vpn-instance";
  }
  return "";
}

EtrunkConfigModel& Editor::etrunk() {
  return find_or_insert(
      config.etrunks, etrunk_id, [](const auto& item) { return item.id; },
      [&] {
        EtrunkConfigModel made;
        made.id = etrunk_id;
        made.line = line;
        return made;
      });
}

SslPolicyModel& Editor::ssl_policy() {
  return find_or_insert(
      config.ssl_policies, name, [](const auto& item) { return item.name; },
      [&] {
        SslPolicyModel made;
        made.name = name;
        made.line = line;
        return made;
      });
}

RbsModel& Editor::service() {
  return find_or_insert(
      config.services, name, [](const auto& item) { return item.name; },
      [&] {
        RbsModel made;
        made.name = name;
        made.line = line;
        return made;
      });
}

RbpModel& Editor::profile() {
  return find_or_insert(
      config.profiles, name, [](const auto& item) { return item.name; },
      [&] {
        RbpModel made;
        made.name = name;
        made.line = line;
        return made;
      });
}

BfdSessionModel& Editor::bfd_session() {
  return find_or_insert(
      config.bfd_sessions, name, [](const auto& item) { return item.name; },
      [&] {
        BfdSessionModel made;
        made.name = name;
        made.line = line;
        return made;
      });
}

InterfaceModel& Editor::interface() {
  return find_or_insert(
      config.interfaces, interface_name, [](const auto& item) { return item.name; },
      [&] {
        InterfaceModel made;
        made.name = interface_name;
        made.line = line;
        return made;
      });
}

VrfModel& Editor::vpn_instance() {
  return find_or_insert(
      config.vrfs, vrf, [](const auto& item) { return item.name; },
      [&] {
        VrfModel made;
        made.name = vrf;
        made.line = line;
        return made;
      });
}

PimInstance& Editor::instance() {
  return vrf.empty() ? static_cast<PimInstance&>(config) : vpn_instance();
}

void Editor::refuse(std::string message) {
  Diagnostic complaint;
  complaint.message = std::move(message);
  complaints.push_back(std::move(complaint));
}

void Editor::warn(std::string message) {
  refuse(std::move(message));
  complaints.back().severity = Severity::warning;
}

const std::vector<ConfigRow>& config_rows() {
  static const std::vector<ConfigRow> rows = [] {
    std::vector<ConfigRow> all;
    for (const auto part : {first_rows(),
                            mcac_system_rows(),
                            trunk_system_rows(),
                            vrf_rows(),
                            system_rows(),
                            pim_view_rows(),
                            pim_candidate_rows(),
                            scope_view_rows(),
                            pim_default_rows(),
                            ssl_rows(),
                            bfd_rows(),
                            backup_rows(),
                            vrf_binding_rows(),
                            address_rows(),
                            floating_rows(),
                            pim_interface_rows(),
                            pim_join_rows(),
                            membership_rows(),
                            scope_interface_rows(),
                            mcac_interface_rows(),
                            trunk_rows(),
                            binding_rows()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return rows;
}

const Grammar& config_grammar() {
  static const Grammar grammar = [] {
    std::vector<RowSyntax> rows;
    for (const ConfigRow& row : config_rows())
      rows.push_back({static_cast<std::uint8_t>(row.view), row.syntax, row.help});
    return Grammar(rows);
  }();
  return grammar;
}

std::size_t find_row(View view, std::string_view syntax) {
  const auto& rows = config_rows();
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const ConfigRow& row) {
    return row.view == view && row.syntax == syntax;
  });
  return static_cast<std::size_t>(found - rows.begin());
}

void LineSink::line(std::string text, SourceLine at) {
  lines_.push_back({path_, std::move(text), row_, false, {}, at});
}

void LineSink::section(const PrintScope& scope, View view_to_print, std::string header,
                       SourceLine at) {
  lines_.push_back({path_, header, row_, true, {}, at});
  const std::size_t outer_row = row_;
  std::string outer = std::exchange(path_, scope.path);
  view(scope, view_to_print);
  path_ = std::move(outer);
  row_ = outer_row;
}

void LineSink::kept_lines(const PrintScope& scope, const ConfigRow& row) {
  for (const InactiveLine& kept : scope.config.inactive)
    if (kept.path == scope.path && kept.rule == row.syntax) line(kept.text, kept.line);
}

void LineSink::view(const PrintScope& scope, View view_to_print) {
  const auto& rows = config_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const ConfigRow& row = rows[i];
    if (row.view != view_to_print) continue;
    row_ = i;
    if (row.kind == RowKind::section || row.kind == RowKind::later_section) {
      for (const ForeignSection& section : scope.config.foreign)
        if (section.rule == row.syntax)
          lines_.push_back({path_, section.header, i, true, section.lines, section.line});
    } else if (row.kind == RowKind::not_active || row.kind == RowKind::foreign) {
      kept_lines(scope, row);
    } else if (row.print != nullptr) {
      row.print(scope, *this);
    }
  }
}

std::vector<PrintedLine> printed_lines(const Config& config, bool secrets) {
  LineSink sink;
  PrintScope scope{config};
  scope.secrets = secrets;
  sink.view(scope, View::system);
  return sink.take();
}

}  // namespace hotpair::ha::config
