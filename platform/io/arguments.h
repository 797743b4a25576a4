#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "platform/base/result.h"

namespace hotpair::platform::io {

/// The command line of one program. Targets are written by parse() and must outlive it; a target
/// keeps its value, the default, when its option is absent.
class Arguments {
 public:
  Arguments(std::string program, std::string description);
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;
  ~Arguments();

  /// `names` like "--config" or "-c,--command"; `value` names the value in the usage text.
  void option(const std::string& names, const std::string& value, const std::string& help,
              std::string& target);
  void option(const std::string& names, const std::string& value, const std::string& help,
              std::optional<std::string>& target);
  /// May be given many times.
  void option(const std::string& names, const std::string& value, const std::string& help,
              std::vector<std::string>& target);
  /// A whole number from `low` to `high`.
  void option(const std::string& names, const std::string& value, const std::string& help,
              std::uint64_t& target, std::uint64_t low, std::uint64_t high);
  void flag(const std::string& names, const std::string& help, bool& target);
  void positional(const std::string& name, const std::string& help, std::string& target,
                  bool required = true);
  void positional(const std::string& name, const std::string& help,
                  std::vector<std::string>& target, bool required = false);
  /// From the first word that is not an option on, everything goes here unparsed ("hotpair --json
  /// display igmp group --x"). Not together with positional().
  void rest(std::vector<std::string>& target);

  enum class Outcome { run, shown };
  struct Parsed {
    Outcome outcome = Outcome::run;
    std::string text;  ///< usage or version, to be printed to stdout before leaving with 0
  };
  /// Malformed names the word and what was expected. --help and --version are always there.
  [[nodiscard]] Result<Parsed> parse(int argc, const char* const* argv);
  [[nodiscard]] Result<Parsed> parse(std::span<const std::string> words);
  [[nodiscard]] std::string usage() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hotpair::platform::io
