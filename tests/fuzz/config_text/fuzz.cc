#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ha/config/check.h"
#include "ha/config/diff.h"
#include "ha/config/parser.h"
#include "ha/config/ports.h"
#include "ha/config/printer.h"
#include "platform/base/assert.h"

/// Any text is parsed or refused; what was understood prints, parses again to the same, and the
/// difference to nothing leads there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hotpair::ha::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ParseOutcome outcome = parse_config(text, "fuzz");
  for (const Diagnostic& each : outcome.diagnostics) static_cast<void>(to_string(each));
  const std::string printed = print_config(outcome.config);
  const ParseOutcome again = parse_config(printed, "printed");
  HA_ASSERT(again.ok());
  HA_ASSERT(again.config == outcome.config);
  std::string changes;
  for (const std::string& line : diff_config({}, outcome.config)) changes += line + "\n";
  HA_ASSERT(parse_config(changes, "diff").config == outcome.config);
  static_cast<void>(check_config(outcome.config, {}));
  const PortsOutcome ports = parse_ports(text, "ports");
  static_cast<void>(check_ports(outcome.config, ports.ports, "fuzz"));
  return 0;
}
