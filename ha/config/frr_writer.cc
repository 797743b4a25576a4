#include "ha/config/frr_writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <expected>
#include <span>
#include <tuple>
#include <utility>

#include "platform/base/assert.h"

namespace hotpair::ha::config {
namespace {

FrrView view_of(FrrProtocol protocol, bool in_area) {
  if (protocol == FrrProtocol::isis) return FrrView::isis;
  if (protocol == FrrProtocol::ospf) return in_area ? FrrView::ospf_area : FrrView::ospf;
  return in_area ? FrrView::ospfv3_area : FrrView::ospfv3;
}

std::string_view name_of(FrrProtocol protocol) {
  if (protocol == FrrProtocol::isis) return "isis";
  return protocol == FrrProtocol::ospf ? "ospf" : "ospfv3";
}

std::uint32_t depth_of(std::string_view line) {
  return static_cast<std::uint32_t>(std::min(line.find_first_not_of(' '), line.size()));
}

std::expected<Match, MatchError> match(FrrView view, std::span<const Word> words) {
  return frr_grammar().match(static_cast<std::uint8_t>(view), words);
}

/// The length of a wildcard's prefix: 0.0.0.255 is 24.
std::optional<std::uint8_t> length_of_wildcard(const IpAddress& wildcard) {
  const std::uint32_t bits = wildcard.v4_value();
  if ((bits & (bits + 1)) != 0) return std::nullopt;
  return static_cast<std::uint8_t>(std::countl_zero(bits));
}

}  // namespace

FrrOutcome render_frr(const Config& config, const PortMap& ports, std::string_view file) {
  return FrrWriter(config, ports, file).run();
}

FrrOutcome FrrWriter::run() {
  for (const ForeignSection& each : config_.foreign)
    if (each.kind == InactiveLine::Kind::foreign) section(each);
  for (const InterfaceModel& each : config_.interfaces) interface(each);
  fix_router_ids();
  return {assemble(), std::move(untranslated_)};
}

// ---- sections ----

void FrrWriter::section(const ForeignSection& section) {
  at_ = section.line;
  where_ = section.header;
  open_.reset();
  area_depth_ = 0;
  into_ = &routes_;
  const auto header = match(FrrView::system, split_words(section.header));
  if (!header) return complain(header.error());
  apply(*header, routes_);
  if (!open_) return;
  into_ = &block(*open_)->lines;
  for (std::size_t i = 0; i < section.lines.size(); ++i) {
    at_ = i < section.numbers.of.size() ? section.numbers.of[i] : SourceLine{};
    const auto words = split_words(section.lines[i]);
    const bool separator = words.size() == 1 && (words[0].text == "#" || words[0].text == "!");
    if (!words.empty() && !separator) section_line(words, depth_of(section.lines[i]));
  }
}

// An indented line below an area belongs to it. Without indentation (pasted text) the area stays
// open for the lines that only it knows.
void FrrWriter::section_line(const std::vector<Word>& words, std::uint32_t depth) {
  depth_ = depth;
  const bool inside = area_depth_ != 0 && depth > area_depth_;
  auto found = match(view_of(*open_, inside), words);
  if (!found && area_depth_ != 0 && !inside) {
    if (auto in_area = match(view_of(*open_, true), words)) found = std::move(in_area);
  } else if (!inside) {
    area_depth_ = 0;
  }
  if (!found) return complain(found.error());
  apply(*found, block(*open_)->lines);
}

void FrrWriter::open(FrrProtocol protocol, const Values& values, const std::string& header) {
  auto& place = blocks_[static_cast<std::size_t>(protocol)];
  const std::string process = process_of(values);
  if (place && place->process != process)
    return complain(fmt::format("FRR runs one process of {} and has {} already; the lines of "
                                "this section were left out",
                                name_of(protocol), place->process),
                    "a single section");
  if (!place) place = Block{process, header, {}, std::nullopt};
  open_ = protocol;
}

void FrrWriter::open_area(const Values& values) {
  area_ = expand("{area}", values);
  area_depth_ = depth_;
}

void FrrWriter::router_id(const IpAddress& id) { block(*open_)->router_id = id; }

void FrrWriter::ospf_network(const Values& values) {
  const auto length = length_of_wildcard(values.address("wildcard"));
  if (!length)
    return complain(
        fmt::format("'{}' is not the wildcard of a prefix", values.address("wildcard").to_string()),
        "ones at its end only, as in 0.0.0.255");
  const IpPrefix network = IpPrefix{values.address("address"), *length}.network();
  has_networks_ = true;
  into_->push_back(fmt::format("network {} area {}", network.to_string(),
                               values.has("area") ? expand("{area}", values) : area_));
}

// ---- interfaces ----

void FrrWriter::interface(const InterfaceModel& interface) {
  std::vector<PortLine> lines;
  where_ = "interface " + interface.name.name;
  for (const InactiveLine& each : config_.inactive) {
    if (each.kind != InactiveLine::Kind::foreign || each.path != where_) continue;
    at_ = each.line;
    auto found = match(FrrView::interface, split_words(each.text));
    if (found)
      lines.push_back({found->row, std::move(*found), &each});
    else
      complain(found.error());
  }
  std::sort(lines.begin(), lines.end(), [](const PortLine& a, const PortLine& b) {
    return std::tie(a.row, a.line->text) < std::tie(b.row, b.line->text);
  });
  std::vector<std::string> made;
  port_ = &interface;
  into_ = &made;
  for (const PortLine& each : lines) {
    at_ = each.line->line;
    apply(each.match, made);
  }
  port_ = nullptr;
  const std::string device = ports_.device_of(interface.name);
  auto& all = port_lines_[device];  // several loopbacks are one device
  for (std::string& each : made)
    if (std::find(all.begin(), all.end(), each) == all.end()) all.push_back(std::move(each));
}

bool FrrWriter::runs(FrrProtocol protocol, const std::string& process) {
  const Block* const open = block(protocol);
  if (open != nullptr && open->process == process) return true;
  complain(fmt::format("there is no section '{} {}'", name_of(protocol), process),
           "that section, or the number of another one");
  return false;
}

void FrrWriter::enable(FrrProtocol protocol, const Values& values, std::string_view line) {
  if (!runs(protocol, process_of(values))) return;
  Values more = values;
  more.add("process", process_of(values));
  into_->push_back(expand(line, more));
}

// FRR refuses areas of interfaces beside networks; then each address is a network of its own.
void FrrWriter::ospf_enable(const Values& values) {
  if (!has_networks_) return enable(FrrProtocol::ospf, values, "ip ospf area {area}");
  if (!runs(FrrProtocol::ospf, process_of(values))) return;
  auto& lines = block(FrrProtocol::ospf)->lines;
  for (const auto& address : port_->ipv4_addresses) {
    std::string made =
        fmt::format("network {} area {}", address->network().to_string(), expand("{area}", values));
    if (std::find(lines.begin(), lines.end(), made) == lines.end())
      lines.push_back(std::move(made));
  }
}

// ---- static routes ----

// FRR: ip route PREFIX [NEXTHOP] [DEVICE] [tag N] [DISTANCE].
void FrrWriter::static_route(const Values& values) {
  const IpPrefix to = values.has("prefix")
                          ? values.prefix("prefix")
                          : IpPrefix{values.address("destination"),
                                     static_cast<std::uint8_t>(values.number("mask"))};
  std::string line =
      fmt::format("{} route {}", to.address.is_v4() ? "ip" : "ipv6", to.network().to_string());
  if (values.has("nexthop")) line += " " + values.address("nexthop").to_string();
  if (values.has("device")) line += " " + expand("{device}", values);
  if (values.has("tag")) line += expand(" tag {tag}", values);
  if (values.has("distance")) line += expand(" {distance}", values);
  into_->push_back(std::move(line));
}

// ---- the text ----

FrrWriter::Block* FrrWriter::block(FrrProtocol protocol) {
  auto& place = blocks_[static_cast<std::size_t>(protocol)];
  return place ? &*place : nullptr;
}

std::string FrrWriter::process_of(const Values& values) {
  if (!values.has("process")) return "1";
  if (values.holds<std::uint64_t>("process")) return fmt::format("{}", values.number("process"));
  return values.text("process");
}

void FrrWriter::apply(const Match& match, std::vector<std::string>& lines) {
  const FrrRow& row = frr_rows()[match.row];
  if (row.write != nullptr)
    row.write(*this, match.values);
  else if (!row.frr.empty())
    lines.push_back(expand(row.frr, match.values));
}

std::string FrrWriter::text_of(const Value& value) const {
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* address = std::get_if<IpAddress>(&value)) return address->to_string();
  if (const auto* prefix = std::get_if<IpPrefix>(&value)) return prefix->to_string();
  if (const auto* name = std::get_if<InterfaceName>(&value))
    return name->kind == InterfaceKind::null ? "Null0" : ports_.device_of(*name);
  return std::get<MacAddress>(value).to_string();
}

std::string FrrWriter::expand(std::string_view text, const Values& values) const {
  std::string out;
  while (!text.empty()) {
    const std::size_t open = std::min(text.find('{'), text.size());
    out += text.substr(0, open);
    text.remove_prefix(open);
    if (text.empty()) break;
    const std::size_t close = text.find('}');
    HA_ASSERT(close != std::string_view::npos);
    const std::string_view name = text.substr(1, close - 1);
    out += values.has(name) ? text_of(values.value(name)) : area_;
    text.remove_prefix(close + 1);
  }
  return out;
}

// The router id must not change when hotpair adds an address: VRP's rule, the largest address of a
// loopback interface, else the largest of all.
void FrrWriter::fix_router_ids() {
  std::optional<std::pair<bool, IpAddress>> best;
  for (const InterfaceModel& interface : config_.interfaces)
    for (const auto& address : interface.ipv4_addresses)
      best = std::max(best, std::optional(std::pair(interface.name.kind == InterfaceKind::loopback,
                                                    address->address)));
  Block* const ospf = block(FrrProtocol::ospf);
  if (ospf != nullptr && !ospf->router_id && best) ospf->router_id = best->second;
}

std::string FrrWriter::assemble() const {
  std::string text = fmt::format(
      "! Unicast routing of {}, made by 'hotpair render frr'.\n"
      "! Addresses and multicast are hotpair's own: FRR must not run pimd here.\n"
      "frr defaults traditional\nhostname {}\n!\n",
      *config_.sysname, *config_.sysname);
  for (const std::string& route : routes_) text += route + "\n";
  if (!routes_.empty()) text += "!\n";
  const auto add = [&text](const std::string& header, const std::vector<std::string>& lines) {
    text += header + "\n";
    for (const std::string& line : lines) text += " " + line + "\n";
    text += "!\n";
  };
  for (const auto& [device, lines] : port_lines_)
    if (!lines.empty()) add("interface " + device, lines);
  constexpr std::string_view kRouterId[] = {"ospf router-id ", "ospf6 router-id "};
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (!blocks_[i]) continue;
    auto lines = blocks_[i]->lines;
    if (blocks_[i]->router_id)
      lines.insert(lines.begin(), std::string(kRouterId[i]) + blocks_[i]->router_id->to_string());
    add(blocks_[i]->header, lines);
  }
  if (!untranslated_.empty()) text += "! Not translated:\n";
  for (const Diagnostic& each : untranslated_) text += "!  " + to_string(each) + "\n";
  return text;
}

void FrrWriter::complain(std::string message, std::string expected, std::string nearest) {
  Diagnostic made;
  made.severity = Severity::warning;
  made.file = std::string(file_);
  made.line = at_;
  made.message = fmt::format("{}: {}", where_, message);
  made.expected = std::move(expected);
  made.nearest = std::move(nearest);
  untranslated_.push_back(std::move(made));
}

void FrrWriter::complain(const MatchError& error) {
  complain(error.message, error.expected, error.nearest);
}

}  // namespace hotpair::ha::config
