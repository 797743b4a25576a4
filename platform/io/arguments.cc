#include "platform/io/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>
#include <utility>

namespace hotpair::platform::io {

struct Arguments::State {
  State(const std::string& program, const std::string& description) : app(description, program) {
    app.set_version_flag("--version", program + " " HOTPAIR_VERSION);
    app.get_formatter()->column_width(34);
  }
  CLI::App app;
  std::vector<std::string>* rest = nullptr;
};

Arguments::Arguments(std::string program, std::string description)
    : state_(std::make_unique<State>(program, description)) {}
Arguments::~Arguments() = default;

void Arguments::option(const std::string& names, const std::string& value, const std::string& help,
                       std::string& target) {
  auto* option = state_->app.add_option(names, target, help)->option_text(value);
  if (!target.empty()) option->description(help + " [" + target + "]");
}

void Arguments::option(const std::string& names, const std::string& value, const std::string& help,
                       std::optional<std::string>& target) {
  state_->app.add_option(names, target, help)->option_text(value);
}

void Arguments::option(const std::string& names, const std::string& value, const std::string& help,
                       std::vector<std::string>& target) {
  state_->app.add_option(names, target, help)->option_text(value)->expected(1)->take_all();
}

void Arguments::option(const std::string& names, const std::string& value, const std::string& help,
                       std::uint64_t& target, std::uint64_t low, std::uint64_t high) {
  state_->app.add_option(names, target, help + " [" + std::to_string(target) + "]")
      ->option_text(value)
      ->check(CLI::Range(low, high));
}

void Arguments::flag(const std::string& names, const std::string& help, bool& target) {
  state_->app.add_flag(names, target, help);
}

void Arguments::positional(const std::string& name, const std::string& help, std::string& target,
                           bool required) {
  state_->app.add_option(name, target, help)->option_text(" ")->required(required);
}

void Arguments::positional(const std::string& name, const std::string& help,
                           std::vector<std::string>& target, bool required) {
  state_->app.add_option(name, target, help)->option_text("...")->required(required);
}

void Arguments::rest(std::vector<std::string>& target) {
  state_->rest = &target;
  state_->app.prefix_command();
}

Result<Arguments::Parsed> Arguments::parse(int argc, const char* const* argv) {
  std::vector<std::string> words;
  for (int index = 1; index < argc; ++index) words.emplace_back(argv[index]);
  return parse(words);
}

Result<Arguments::Parsed> Arguments::parse(std::span<const std::string> words) {
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());  // CLI11 takes from the back
    state_->app.parse(std::move(reversed));
    if (state_->rest != nullptr) *state_->rest = state_->app.remaining();
    return Parsed{};
  } catch (const CLI::CallForHelp&) {
    return Parsed{Outcome::shown, state_->app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Parsed{Outcome::shown, std::string(version.what()) + "\n"};
  } catch (const CLI::ParseError& error) {
    return fail(ErrorCode::malformed, std::string(error.what()) + "; try --help");
  }
}

std::string Arguments::usage() const { return state_->app.help(); }

}  // namespace hotpair::platform::io
