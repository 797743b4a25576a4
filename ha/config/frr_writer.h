#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ha/config/config_model.h"
#include "ha/config/diagnostic.h"
#include "ha/config/frr.h"
#include "ha/config/frr_rows.h"
#include "ha/config/grammar.h"
#include "ha/config/ports.h"

namespace hotpair::ha::config {

enum class FrrProtocol : std::uint8_t { ospf, ospfv3, isis };

/// Translates line by line and gathers the blocks of an frr.conf. Rows call it with the values of a
/// line that matched.
class FrrWriter {
 public:
  FrrWriter(const Config& config, const PortMap& ports, std::string_view file)
      : config_(config), ports_(ports), file_(file) {}

  /// Translates everything; to be called once.
  [[nodiscard]] FrrOutcome run();

  /// The process of a line, "1" without one.
  [[nodiscard]] static std::string process_of(const Values& values);

  // ---- for rows ----
  /// Opens the block of a protocol. FRR runs one process of each.
  void open(FrrProtocol protocol, const Values& values, const std::string& header);
  void open_area(const Values& values);
  void router_id(const IpAddress& id);
  /// `network ADDRESS WILDCARD`; the area is the line's own or the open one.
  void ospf_network(const Values& values);
  void ospf_enable(const Values& values);
  /// Puts a protocol on the interface of the line; its process must be the one that FRR runs.
  void enable(FrrProtocol protocol, const Values& values, std::string_view line);
  void static_route(const Values& values);

 private:
  struct Block {
    std::string process;
    std::string header;
    std::vector<std::string> lines;
    std::optional<IpAddress> router_id;
  };
  struct PortLine {
    std::size_t row;
    Match match;
    const InactiveLine* line;
  };

  /// The process has its section; complains otherwise.
  [[nodiscard]] bool runs(FrrProtocol protocol, const std::string& process);
  [[nodiscard]] Block* block(FrrProtocol protocol);
  [[nodiscard]] std::string expand(std::string_view text, const Values& values) const;
  [[nodiscard]] std::string text_of(const Value& value) const;
  void section(const ForeignSection& section);
  void section_line(const std::vector<Word>& words, std::uint32_t depth);
  void interface(const InterfaceModel& interface);
  void apply(const Match& match, std::vector<std::string>& lines);
  void fix_router_ids();
  [[nodiscard]] std::string assemble() const;
  void complain(std::string message, std::string expected = {}, std::string nearest = {});
  void complain(const MatchError& error);

  const Config& config_;
  const PortMap& ports_;
  std::string_view file_;
  std::array<std::optional<Block>, 3> blocks_;  // by FrrProtocol
  std::vector<std::string> routes_;
  std::map<std::string, std::vector<std::string>> port_lines_;  // by device
  Diagnostics untranslated_;
  bool has_networks_ = false;  // FRR takes either networks or areas of interfaces

  // The line that is being translated.
  SourceLine at_;
  std::string where_;                         // the header of its section or view
  std::optional<FrrProtocol> open_;           // of its section
  std::string area_;                          // open area
  std::uint32_t area_depth_ = 0;              // indentation of its line; 0: none is open
  std::uint32_t depth_ = 0;                   // of this line
  const InterfaceModel* port_ = nullptr;      // of its view
  std::vector<std::string>* into_ = nullptr;  // where its translation goes
};

}  // namespace hotpair::ha::config
