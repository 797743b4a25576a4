#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/result.h"
#include "platform/base/time.h"
#include "platform/probe/flow_account.h"

namespace hotpair::platform::probe {

/// What send and receive have in common.
struct CommonOptions {
  std::vector<Group> groups;  ///< never empty, one family
  std::string interface;      ///< Linux device
  std::uint16_t port = 5000;
  std::optional<Duration> duration;  ///< nullopt: until SIGINT or SIGTERM
  std::string json_file;             ///< empty: none, "-": standard output instead of the text
  bool every_group = false;
  bool quiet = false;
  bool realtime = true;
};

struct SendOptions {
  CommonOptions common;
  Duration interval{};  ///< between two packets of one group
  std::uint32_t size = 200;
  std::uint8_t ttl = 16;
  std::optional<IpAddress> source;
  bool loop = false;
};

struct ReceiveOptions {
  CommonOptions common;
  std::vector<IpAddress> sources;  ///< empty: any source
  ExpectFrom expect_from = ExpectFrom::first_heard;
  bool until_end = false;  ///< finish when every sender heard has ended
  bool strict = false;     ///< exit code 3 unless every packet came exactly once
  std::string ready_file;
};

struct HelpOptions {
  std::string text;
};

using Options = std::variant<SendOptions, ReceiveOptions, HelpOptions>;

/// Reads the command line without the program's name; the error is what the user is told.
[[nodiscard]] Result<Options> parse_options(std::span<char* const> arguments);

}  // namespace hotpair::platform::probe
