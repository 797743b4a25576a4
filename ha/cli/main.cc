#include <fmt/core.h>
#include <getopt.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ha/cli/client.h"
#include "ha/cli/control_protocol.h"
#include "ha/cli/interpreter.h"
#include "ha/cli/json.h"
#include "ha/cli/pair_commands.h"
#include "ha/cli/render_commands.h"
#include "ha/cli/shell.h"
#include "ha/config/grammar.h"
#include "ha/config/parser.h"

/// `hotpair`, the operator's thin terminal: sends a line to the daemon and prints what comes back.
namespace hotpair::ha::cli {

void print_error(const ErrorChunk& error, bool json) {
  if (!json) {
    std::cerr << "hotpair: " << error.text << "\n";
    return;
  }
  Json body = Json::object();
  body.set("code", error.code).set("text", error.text);
  Json document = Json::object();
  std::cout << document.set("error", std::move(body)).dump(2) << "\n";
}

Result<InputFile> read_input(const std::string& name) {
  std::ifstream file;
  if (name != "-") {
    file.open(name, std::ios::binary);
    if (!file)
      return fail(ErrorCode::not_found,
                  fmt::format("cannot read {}: {}", name, std::strerror(errno)));
  }
  std::istream& in = name == "-" ? std::cin : file;
  std::string text(config::kConfigBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > config::kConfigBytesMax)
    return fail(ErrorCode::exhausted,
                fmt::format("{} is larger than {} bytes", name, config::kConfigBytesMax));
  return InputFile{name, std::move(text)};
}

namespace {

constexpr std::chrono::milliseconds kPairPatience{5'000};

struct Options {
  ShellOptions shell;
  std::vector<std::string> commands;  // -c, one line each
  std::vector<std::string> words;     // the rest of the command line
};

std::string user_name() {
  const passwd* entry = ::getpwuid(::getuid());
  return entry == nullptr ? fmt::format("{}", ::getuid()) : entry->pw_name;
}

std::uint16_t terminal_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

/// How long `wait … --timeout S` waits for a daemon to be there at all; other commands do not wait.
std::chrono::seconds patience(const Request& request) {
  if (request.argv.empty() || request.argv.front() != "wait") return std::chrono::seconds(0);
  for (std::size_t i = 1; i + 1 < request.argv.size(); ++i) {
    unsigned seconds = 0;
    const std::string& value = request.argv[i + 1];
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (request.argv[i] == "--timeout" && error == std::errc{} &&
        end == value.data() + value.size())
      return std::chrono::seconds(seconds);
  }
  return std::chrono::seconds(0);
}

int exchange(const ShellOptions& options, const Request& request) {
  auto client = Client::connect(options.control, patience(request));
  if (!client) {
    print_error({std::string(name_of(client.error().code)), client.error().detail}, request.json);
    return kNoDaemon;
  }
  if (const auto sent = client->send(request); !sent) {
    print_error({std::string(name_of(sent.error().code)), sent.error().detail}, request.json);
    return sent.error().code == ErrorCode::exhausted ? kRefused : kNoDaemon;
  }
  bool printed = false;
  while (true) {
    const auto chunk = client->receive([] { return false; }, std::nullopt);
    if (!chunk) {
      if (!request.json || !printed)
        print_error({std::string(name_of(chunk.error().code)), chunk.error().detail}, request.json);
      return kNoDaemon;
    }
    if (const auto* text = std::get_if<TextChunk>(&*chunk)) {
      printed = true;
      std::cout << text->text << std::flush;
    } else if (const auto* error = std::get_if<ErrorChunk>(&*chunk)) {
      if (!request.json || !printed) print_error(*error, request.json);  // else the document tells
    } else if (const auto* done = std::get_if<DoneChunk>(&*chunk)) {
      return done->exit_code;
    }
  }
}

// The text of an answer; empty without a daemon.
std::string quietly(const ShellOptions& options, const Request& request) {
  auto client = Client::connect(options.control, std::chrono::seconds(0));
  if (!client || !client->send(request)) return {};
  std::string text;
  while (true) {
    const auto chunk = client->receive([] { return false; }, kPairPatience);
    if (!chunk) return {};
    if (const auto* part = std::get_if<TextChunk>(&*chunk)) text += part->text;
    if (std::holds_alternative<DoneChunk>(*chunk)) return text;
  }
}

bool abbreviates(const std::string& typed, std::string_view word, std::size_t shortest) {
  return typed.size() >= shortest && word.substr(0, typed.size()) == typed;
}

int run_words(const Options& options, std::vector<std::string> words) {
  Request request;
  const bool asked_here = std::erase(words, "--json") > 0;
  request.json = options.shell.json || asked_here;
  request.user = user_name();
  request.width = terminal_width();
  if (words.empty()) return kDone;
  if (words[0] == "pair" && words.back() != "?") {
    ShellOptions local = options.shell;
    local.json = request.json;
    return run_pair(local, words);
  }
  if (words[0] == "render" && words.back() != "?") return run_render({}, words);
  if (words.size() == 1 && words[0] == "help" && !request.json) {  // of use before a daemon runs
    std::cout << help_text();
    return kDone;
  }
  if (abbreviates(words[0], "apply", 1) && words.size() > 1 && words.back() != "?" &&
      !words[1].ends_with('?')) {
    auto input = read_input(words[1]);
    if (!input) {
      print_error({std::string(name_of(input.error().code)), input.error().detail}, request.json);
      return kRefused;
    }
    request.input = std::move(*input);
  }
  request.argv = std::move(words);
  return exchange(options.shell, request);
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> words;
  for (const config::Word& word : config::split_words(line)) words.push_back(word.text);
  return words;
}

}  // namespace

int run_pair(const ShellOptions& options, const std::vector<std::string>& words) {
  PairOptions pair;
  pair.pair_key = options.pair_key;
  pair.json = options.json;
  pair.ask_services = [&] {
    Request ask;
    ask.user = user_name();
    ask.argv = {"display", "remote-backup-service"};
    ask.json = true;
    return quietly(options, ask);
  };
  return run_pair(pair, words);
}

namespace {

int usage(int code) {
  std::ostream& out = code == kDone ? std::cout : std::cerr;
  out << "usage: hotpair [--control SOCKET] [--json] [-c COMMAND]... [COMMAND...]\n"
         "       hotpair pair init|rotate [...] [--pair-key FILE]\n"
         "       hotpair pair ca init|certificate NODE [...] [--tls-dir DIR]\n"
         "       hotpair render frr [FILE] [--ports FILE] [--strict]\n"
         "Without a command: a shell; Tab completes, '?' explains. From a file or a pipe a script\n"
         "that ends at its first error; several -c are lines of one script.\n"
         "Exit codes: 0 done, 1 refused, 2 no daemon.\n";
  return code;
}

int run(int argc, char** argv) {
  Options options;
  const option known[] = {{"control", required_argument, nullptr, 's'},
                          {"json", no_argument, nullptr, 'j'},
                          {"command", required_argument, nullptr, 'c'},
                          {"help", no_argument, nullptr, 'h'},
                          {"version", no_argument, nullptr, 'V'},
                          {"manual", no_argument, nullptr, 'm'},
                          {nullptr, 0, nullptr, 0}};
  for (int each = 0; (each = ::getopt_long(argc, argv, "+s:jc:hV", known, nullptr)) != -1;) {
    switch (each) {
      case 's':
        options.shell.control = optarg;
        break;
      case 'j':
        options.shell.json = true;
        break;
      case 'c':
        options.commands.emplace_back(optarg);
        break;
      case 'h':
        std::cout << help_text();
        return usage(kDone);
      case 'V':
        std::cout << "hotpair " HOTPAIR_VERSION "\n";
        return kDone;
      case 'm':
        std::cout << manual_page();
        return kDone;
      default:
        return usage(kRefused);
    }
  }
  options.words.assign(argv + optind, argv + argc);
  int code = kDone;
  if (options.commands.size() == 1) code = run_words(options, split(options.commands.front()));
  if (options.commands.size() > 1) code = run_shell(options.shell, options.commands);
  if (!options.words.empty()) return std::max(code, run_words(options, options.words));
  return options.commands.empty() ? run_shell(options.shell, std::nullopt) : code;
}

}  // namespace
}  // namespace hotpair::ha::cli

int main(int argc, char** argv) { return hotpair::ha::cli::run(argc, argv); }
