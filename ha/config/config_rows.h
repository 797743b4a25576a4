#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ha/config/config_model.h"
#include "ha/config/diagnostic.h"
#include "ha/config/grammar.h"

/// The rows of the configuration language: how a line changes a Config and how it is printed.
namespace hotpair::ha::config {

enum class View : std::uint8_t {
  system,
  etrunk,
  ssl_policy,
  service,
  profile,
  interface,
  pim,
  pim_ipv6,
  bfd,
  bfd_session,
  vrf,
};
inline constexpr std::uint8_t kViewCount = static_cast<std::uint8_t>(View::vrf) + 1;

/// How the view is called in messages: "e-trunk", "interface".
[[nodiscard]] std::string_view name_of(View view);

/// Where a line stands and what it changes. `undo` lines run the same code.
class Editor {
 public:
  explicit Editor(Config base) : config(std::move(base)) {}

  Config config;
  View view = View::system;
  std::string path;  ///< header of the view; empty in the system view
  std::uint16_t etrunk_id = 0;
  std::string name;  ///< of the policy, service, profile or BFD session
  InterfaceName interface_name;
  std::string vrf;  ///< of views vrf, pim and pim-ipv6; empty: the public instance
  SourceLine line;
  bool undo = false;
  Diagnostics complaints;  ///< of the current line; the parser adds file and column

  void enter(View to, std::string header) {
    view = to;
    path = std::move(header);
    vrf.clear();
  }
  void leave() { enter(View::system, {}); }
  [[nodiscard]] EtrunkConfigModel& etrunk();
  [[nodiscard]] SslPolicyModel& ssl_policy();
  [[nodiscard]] RbsModel& service();
  [[nodiscard]] RbpModel& profile();
  [[nodiscard]] BfdSessionModel& bfd_session();
  [[nodiscard]] InterfaceModel& interface();
  /// The VPN instance `vrf`, made if need be.
  [[nodiscard]] VrfModel& vpn_instance();
  /// That, or the public instance.
  [[nodiscard]] PimInstance& instance();
  [[nodiscard]] Family pim_family() const {
    return view == View::pim_ipv6 ? Family::ipv6 : Family::ipv4;
  }

  void refuse(std::string message);
  void warn(std::string message);
  /// Sets the value, or with `undo` its default.
  template <typename Model, typename T>
  void assign(Model& model, Setting<T> Model::*member, std::type_identity_t<T> value) const {
    if (undo) {
      model.*member = Model{}.*member;
    } else {
      (model.*member).set(std::move(value), line);
    }
  }
};

/// One printed line with the row and the view that it belongs to.
struct PrintedLine {
  std::string path;  ///< header of its view; empty in the system view
  std::string text;
  std::size_t row = 0;
  bool header = false;            ///< opens the view named `text`
  std::vector<std::string> body;  ///< of a foreign section, verbatim
  SourceLine line;
};

/// What a row prints from: the part of the configuration its view shows.
struct PrintScope {
  const Config& config;
  std::string path;
  const EtrunkConfigModel* etrunk = nullptr;
  const SslPolicyModel* ssl_policy = nullptr;
  const RbsModel* service = nullptr;
  const RbpModel* profile = nullptr;
  const InterfaceModel* interface = nullptr;
  const BfdSessionModel* bfd = nullptr;
  const VrfModel* vrf = nullptr;
  bool secrets = true;

  [[nodiscard]] const PimInstance& instance() const {
    return vrf == nullptr ? static_cast<const PimInstance&>(config) : *vrf;
  }
};

class LineSink;
using ApplyRow = void (*)(Editor&, const Values&);
using PrintRow = void (*)(const PrintScope&, LineSink&);

enum class RowKind : std::uint8_t {
  active,
  not_active,     ///< kept as InactiveLine
  foreign,        ///< kept as InactiveLine for the unicast routing daemon
  section,        ///< kept with its sub-lines as ForeignSection, foreign
  later_section,  ///< the same, for a later version
};

/// Of a line that takes effect in a later version only.
[[nodiscard]] constexpr bool is_later(RowKind kind) {
  return kind == RowKind::not_active || kind == RowKind::later_section;
}

struct ConfigRow {
  View view = View::system;
  std::string_view syntax;
  std::string_view help;
  ApplyRow apply = nullptr;  ///< none for lines that are only kept
  PrintRow print = nullptr;  ///< none for other spellings of a row that prints
  RowKind kind = RowKind::active;
  bool multi = false;  ///< several such lines may stand beside each other
  bool apart = false;  ///< printed with `#` before it
};

/// Every row of every view; within a view in the order of printing.
[[nodiscard]] const std::vector<ConfigRow>& config_rows();
/// The grammar of those rows.
[[nodiscard]] const Grammar& config_grammar();
/// The index of the row with that syntax, or the number of rows.
[[nodiscard]] std::size_t find_row(View view, std::string_view syntax);

/// Collects what rows print.
class LineSink {
 public:
  void line(std::string text, SourceLine at = {});
  /// Prints the header of a view and then every row of it.
  void section(const PrintScope& scope, View view, std::string header, SourceLine at);
  /// Prints every row of a view.
  void view(const PrintScope& scope, View view);
  [[nodiscard]] std::vector<PrintedLine> take() { return std::move(lines_); }

 private:
  void kept_lines(const PrintScope& scope, const ConfigRow& row);
  std::string path_;
  std::size_t row_ = 0;
  std::vector<PrintedLine> lines_;
};

/// The whole configuration as printed lines, view by view.
[[nodiscard]] std::vector<PrintedLine> printed_lines(const Config& config, bool secrets);

/// The system view in parts, in the order of printing.
[[nodiscard]] std::span<const ConfigRow> first_rows();
[[nodiscard]] std::span<const ConfigRow> trunk_system_rows();
[[nodiscard]] std::span<const ConfigRow> vrf_rows();  ///< VPN instances, and bindings to them
[[nodiscard]] std::span<const ConfigRow> system_rows();
[[nodiscard]] std::span<const ConfigRow> mcac_system_rows();
[[nodiscard]] std::span<const ConfigRow> ssl_rows();
[[nodiscard]] std::span<const ConfigRow> backup_rows();  ///< e-trunk, services, profiles
[[nodiscard]] std::span<const ConfigRow> bfd_rows();     ///< and what follows BFD sessions
/// Views pim and pim-ipv6 in parts, in the order of printing.
[[nodiscard]] std::span<const ConfigRow> pim_view_rows();
[[nodiscard]] std::span<const ConfigRow> pim_candidate_rows();  ///< candidate BSR and RP, Auto-RP
[[nodiscard]] std::span<const ConfigRow> scope_view_rows();     ///< BSRs of administrative scopes
[[nodiscard]] std::span<const ConfigRow> pim_default_rows();    ///< of all interfaces
/// The interface view in parts, in the order of printing.
[[nodiscard]] std::span<const ConfigRow> vrf_binding_rows();
[[nodiscard]] std::span<const ConfigRow> address_rows();
[[nodiscard]] std::span<const ConfigRow> floating_rows();
[[nodiscard]] std::span<const ConfigRow> pim_interface_rows();
[[nodiscard]] std::span<const ConfigRow> pim_join_rows();  ///< whose Hellos, which Joins
[[nodiscard]] std::span<const ConfigRow> membership_rows();
[[nodiscard]] std::span<const ConfigRow> scope_interface_rows();  ///< their boundaries
[[nodiscard]] std::span<const ConfigRow> mcac_interface_rows();
[[nodiscard]] std::span<const ConfigRow> trunk_rows();
[[nodiscard]] std::span<const ConfigRow> binding_rows();

/// The header of the view `ssl policy NAME`.
void enter_ssl_policy(Editor& editor, const Values& values);
void print_ssl_policies(const PrintScope& scope, LineSink& sink);

/// An address as the seeds print it: IPv6 in capitals.
[[nodiscard]] std::string shown(const IpAddress& address);
[[nodiscard]] std::string shown(const IpPrefix& prefix);

}  // namespace hotpair::ha::config
