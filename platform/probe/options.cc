#include "platform/probe/options.h"

#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <string_view>

#include "platform/probe/group_range.h"
#include "platform/probe/probe_packet.h"

namespace hotpair::platform::probe {
namespace {

constexpr std::string_view help_text =
    R"(hotpair-probe: sends and receives numbered multicast and measures what is lost

  hotpair-probe send    --group LIST --interface DEV [options]
  hotpair-probe receive --group LIST --interface DEV [options]

LIST is groups joined by commas: 239.1.1.1, 239.1.1.1-239.1.1.200, 239.1.1.1+200 (200 from there),
IPv4 or IPv6.

both
  --port N          UDP port (5000)
  --duration S      seconds; without it until SIGINT or SIGTERM, which always end it with a report
  --json FILE       the whole report as JSON; - is standard output, then without the text
  --all-groups      a row for every group, not only for those with losses or duplicates
  --quiet           neither progress nor text
  --no-realtime     stay out of SCHED_FIFO
send
  --rate PPS        packets per second in each group (50)
  --size N          bytes of UDP payload, 40 to 65000 (200)
  --ttl N           1 to 255 (16)
  --source ADDR     source address of the packets
  --loop            deliver to this machine's own receivers too
receive
  --source-list A,B join (S,G) for each of these sources (IGMPv3, MLDv2), else (*,G)
  --expect-from X   first (default): count from the first packet heard; start: from sequence 0
  --until-end       finish when every sender heard has ended
  --strict          exit code 3 unless every packet of every group came exactly once
  --ready-file F    write F once all groups are joined

The version of IGMP or MLD is the kernel's: net.ipv4.conf.DEV.force_igmp_version = 1, 2, 3 and
net.ipv6.conf.DEV.force_mld_version = 1, 2 choose it before the program starts. Times in reports are
CLOCK_MONOTONIC. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 see --strict.
)";

using Values = std::map<std::string_view, std::string_view>;

struct Known {
  std::string_view name;
  bool has_value;
};
constexpr Known common_known[] = {
    {"--group", true}, {"--interface", true},   {"--port", true},   {"--duration", true},
    {"--json", true},  {"--all-groups", false}, {"--quiet", false}, {"--no-realtime", false}};
constexpr Known send_known[] = {
    {"--rate", true}, {"--size", true}, {"--ttl", true}, {"--source", true}, {"--loop", false}};
constexpr Known receive_known[] = {{"--source-list", true},
                                   {"--expect-from", true},
                                   {"--until-end", false},
                                   {"--strict", false},
                                   {"--ready-file", true}};

const Known* find_known(std::string_view name, std::span<const Known> specific) {
  for (const Known& known : common_known)
    if (known.name == name) return &known;
  for (const Known& known : specific)
    if (known.name == name) return &known;
  return nullptr;
}

Result<Values> collect(std::span<char* const> arguments, std::span<const Known> specific) {
  Values values;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view name = arguments[i];
    std::optional<std::string_view> value;
    if (const std::size_t at = name.find('='); at != std::string_view::npos) {
      value = name.substr(at + 1);
      name = name.substr(0, at);
    }
    const Known* known = find_known(name, specific);
    if (known == nullptr) {
      return fail(ErrorCode::malformed, "unknown option '" + std::string(name) + "'");
    }
    if (known->has_value && !value) {
      if (++i == arguments.size()) {
        return fail(ErrorCode::malformed, std::string(name) + " wants a value");
      }
      value = arguments[i];
    }
    if (!known->has_value && value) {
      return fail(ErrorCode::malformed, std::string(name) + " takes no value");
    }
    if (!values.emplace(known->name, value.value_or("")).second) {
      return fail(ErrorCode::malformed, std::string(name) + " is given twice");
    }
  }
  return values;
}

/// A number in [least, most]; `fallback` if the option is not given.
Result<double> number(const Values& values, std::string_view name, double fallback, double least,
                      double most) {
  const auto at = values.find(name);
  if (at == values.end()) return fallback;
  const std::string_view text = at->second;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool read = error == std::errc{} && end == text.data() + text.size();
  if (!read || !(value >= least && value <= most)) {
    const auto shown = [](double bound) {
      std::string digits = std::to_string(bound);
      digits.erase(digits.find_last_not_of('0') + 1);
      if (digits.back() == '.') digits.pop_back();
      return digits;
    };
    return fail(ErrorCode::malformed, std::string(name) + " wants a number from " + shown(least) +
                                          " to " + shown(most) + ", not '" + std::string(text) +
                                          "'");
  }
  return value;
}

Result<long> whole(const Values& values, std::string_view name, long fallback, long least,
                   long most) {
  const Result<double> value = number(values, name, static_cast<double>(fallback),
                                      static_cast<double>(least), static_cast<double>(most));
  if (!value) return std::unexpected(value.error());
  if (std::floor(*value) != *value) {
    return fail(ErrorCode::malformed, std::string(name) + " wants a whole number");
  }
  return static_cast<long>(*value);
}

std::string text_of(const Values& values, std::string_view name) {
  const auto at = values.find(name);
  return at == values.end() ? std::string() : std::string(at->second);
}

Result<CommonOptions> parse_common(const Values& values) {
  CommonOptions options;
  if (!values.contains("--group")) return fail(ErrorCode::malformed, "--group is missing");
  if (!values.contains("--interface")) return fail(ErrorCode::malformed, "--interface is missing");
  Result<std::vector<Group>> groups = parse_groups(values.at("--group"));
  if (!groups) return fail(ErrorCode::malformed, "--group: " + groups.error().detail);
  options.groups = std::move(*groups);
  options.interface = text_of(values, "--interface");
  const Result<long> port = whole(values, "--port", 5000, 1, 65535);
  if (!port) return std::unexpected(port.error());
  options.port = static_cast<std::uint16_t>(*port);
  const Result<double> duration = number(values, "--duration", 0, 0.001, 1e8);
  if (!duration) return std::unexpected(duration.error());
  if (*duration > 0) options.duration = Duration(static_cast<Duration::rep>(*duration * 1e9));
  options.json_file = text_of(values, "--json");
  options.every_group = values.contains("--all-groups");
  options.quiet = values.contains("--quiet");
  options.realtime = !values.contains("--no-realtime");
  return options;
}

Result<Options> parse_send(std::span<char* const> arguments) {
  const Result<Values> values = collect(arguments, send_known);
  if (!values) return std::unexpected(values.error());
  Result<CommonOptions> common = parse_common(*values);
  if (!common) return std::unexpected(common.error());
  SendOptions options;
  options.common = std::move(*common);
  const Result<double> rate = number(*values, "--rate", 50, 0.01, 1e6);
  if (!rate) return std::unexpected(rate.error());
  options.interval = Duration(static_cast<Duration::rep>(1e9 / *rate));
  const Result<long> size =
      whole(*values, "--size", 200, static_cast<long>(packet_size_min), 65000);
  if (!size) return std::unexpected(size.error());
  options.size = static_cast<std::uint32_t>(*size);
  const Result<long> ttl = whole(*values, "--ttl", 16, 1, 255);
  if (!ttl) return std::unexpected(ttl.error());
  options.ttl = static_cast<std::uint8_t>(*ttl);
  if (values->contains("--source")) {
    const Family family = options.common.groups.front().family();
    const Result<std::vector<IpAddress>> source = parse_sources(values->at("--source"), family);
    if (!source) return fail(ErrorCode::malformed, "--source: " + source.error().detail);
    if (source->size() != 1) return fail(ErrorCode::malformed, "--source wants one address");
    options.source = source->front();
  }
  options.loop = values->contains("--loop");
  return options;
}

Result<Options> parse_receive(std::span<char* const> arguments) {
  const Result<Values> values = collect(arguments, receive_known);
  if (!values) return std::unexpected(values.error());
  Result<CommonOptions> common = parse_common(*values);
  if (!common) return std::unexpected(common.error());
  ReceiveOptions options;
  options.common = std::move(*common);
  if (values->contains("--source-list")) {
    const Family family = options.common.groups.front().family();
    Result<std::vector<IpAddress>> sources = parse_sources(values->at("--source-list"), family);
    if (!sources) return fail(ErrorCode::malformed, "--source-list: " + sources.error().detail);
    options.sources = std::move(*sources);
  }
  const std::string expect = text_of(*values, "--expect-from");
  if (expect != "" && expect != "first" && expect != "start") {
    return fail(ErrorCode::malformed,
                "--expect-from wants 'first' or 'start', not '" + expect + "'");
  }
  options.expect_from = expect == "start" ? ExpectFrom::start : ExpectFrom::first_heard;
  options.until_end = values->contains("--until-end");
  options.strict = values->contains("--strict");
  options.ready_file = text_of(*values, "--ready-file");
  return options;
}

}  // namespace

Result<Options> parse_options(std::span<char* const> arguments) {
  if (arguments.empty()) return fail(ErrorCode::malformed, "say 'send' or 'receive'");
  for (const std::string_view word : arguments) {
    if (word == "--help" || word == "-h") return HelpOptions{std::string(help_text)};
    if (word == "--version") return HelpOptions{"hotpair-probe " HOTPAIR_VERSION "\n"};
  }
  const std::string_view command = arguments.front();
  if (command == "send") return parse_send(arguments.subspan(1));
  if (command == "receive") return parse_receive(arguments.subspan(1));
  return fail(ErrorCode::malformed,
              "unknown command '" + std::string(command) + "': say 'send' or 'receive'");
}

}  // namespace hotpair::platform::probe
