#include <fmt/core.h>
#include <getopt.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
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
#include <thread>
#include <utility>
#include <vector>

#include "ha/cli/control_protocol.h"
#include "ha/cli/interpreter.h"
#include "ha/cli/json.h"
#include "ha/cli/pair_commands.h"
#include "ha/config/grammar.h"
#include "ha/config/parser.h"

/// `hotpair`, the operator's thin terminal: sends a line to the daemon and prints what comes back.
namespace hotpair::ha::cli {
namespace {

constexpr int kDone = 0;
constexpr int kRefused = 1;
constexpr int kNoDaemon = 2;

struct Options {
  std::string control = "/run/hotpair/control";
  std::string pair_key = "/etc/hotpair/pair.key";
  bool json = false;
  std::vector<std::string> commands;  // -c, one line each
  std::vector<std::string> words;     // the rest of the command line
};

// A connected socket, closed when it goes.
class Connection {
 public:
  explicit Connection(int descriptor) : descriptor_(descriptor) {}
  ~Connection() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Connection& operator=(Connection&&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  bool write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// Empty at the end of the stream.
  [[nodiscard]] std::string read() const {
    std::string buffer(65536, '\0');
    ssize_t got = 0;
    do got = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
    while (got < 0 && errno == EINTR);
    buffer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return buffer;
  }

 private:
  int descriptor_;
};

Result<Connection> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(ErrorCode::malformed, fmt::format("the path of the socket is too long: {}", path));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Connection connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int descriptor = connection.descriptor();
  if (descriptor < 0 ||
      ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EACCES)
      return fail(ErrorCode::unavailable,
                  fmt::format("{} may not be opened: be root or a member of its group", path));
    return fail(ErrorCode::unavailable,
                fmt::format("no daemon answers on {}: {}", path, std::strerror(errno)));
  }
  return connection;
}

std::string user_name() {
  const passwd* entry = ::getpwuid(::getuid());
  return entry == nullptr ? fmt::format("{}", ::getuid()) : entry->pw_name;
}

std::uint16_t terminal_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

// What an answer left behind.
struct Answer {
  int exit_code = kNoDaemon;
  std::string text;  // only when captured
};

void print_error(const ErrorChunk& error, bool json, bool printed) {
  if (!json) {
    std::cerr << "hotpair: " << error.text << "\n";
    return;
  }
  if (printed) return;  // the document tells it already
  Json body = Json::object();
  body.set("code", error.code).set("text", error.text);
  Json document = Json::object();
  std::cout << document.set("error", std::move(body)).dump(2) << "\n";
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

Result<Connection> connect_patiently(const std::string& path, std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (true) {
    auto connection = connect_to(path);
    if (connection || std::chrono::steady_clock::now() >= end) return connection;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Answer exchange(const Options& options, const Request& request, bool capture) {
  Answer answer;
  auto connection = connect_patiently(options.control, patience(request));
  if (!connection) {
    print_error({std::string(name_of(connection.error().code)), connection.error().detail},
                request.json, false);
    return answer;
  }
  const std::string frame = encode_frame(request);
  if (frame.size() > kControlFrameMax) {
    print_error({"exhausted", "the request is too long"}, request.json, false);
    answer.exit_code = kRefused;
    return answer;
  }
  static_cast<void>(connection->write(frame));
  FrameSplitter splitter;
  bool printed = false;
  for (std::string bytes = connection->read(); !bytes.empty(); bytes = connection->read()) {
    splitter.feed(bytes);
    for (auto document = splitter.next(); document && *document; document = splitter.next()) {
      const auto chunk = decode_chunk(**document);
      if (!chunk) break;
      if (const auto* text = std::get_if<TextChunk>(&*chunk)) {
        printed = true;
        if (capture) {
          answer.text += text->text;
        } else {
          std::cout << text->text << std::flush;
        }
      } else if (const auto* error = std::get_if<ErrorChunk>(&*chunk)) {
        if (!capture) print_error(*error, request.json, printed);
      } else if (const auto* done = std::get_if<DoneChunk>(&*chunk)) {
        answer.exit_code = done->exit_code;
        return answer;
      }
    }
  }
  print_error({"disconnected", "the daemon closed the connection before it was done"}, request.json,
              printed);
  return answer;
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

bool abbreviates(const std::string& typed, std::string_view word, std::size_t shortest) {
  return typed.size() >= shortest && word.substr(0, typed.size()) == typed;
}

int run_words(const Options& options, std::vector<std::string> words) {
  Request request;
  const bool asked_here = std::erase(words, "--json") > 0;
  request.json = options.json || asked_here;
  request.user = user_name();
  request.width = terminal_width();
  if (words.empty()) return kDone;
  if (words[0] == "pair" && words.back() != "?") {
    PairOptions pair;
    pair.pair_key = options.pair_key;
    pair.json = request.json;
    pair.ask_services = [&] {
      if (!connect_to(options.control)) return std::string();  // they work without a daemon
      Request ask = request;
      ask.argv = {"display", "remote-backup-service"};
      ask.json = true;
      return exchange(options, ask, true).text;
    };
    return run_pair(pair, words);
  }
  if (abbreviates(words[0], "apply", 1) && words.size() > 1 && words.back() != "?" &&
      !words[1].ends_with('?')) {
    auto input = read_input(words[1]);
    if (!input) {
      print_error({std::string(name_of(input.error().code)), input.error().detail}, request.json,
                  false);
      return kRefused;
    }
    request.input = std::move(*input);
  }
  request.argv = std::move(words);
  return exchange(options, request, false).exit_code;
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> words;
  for (const config::Word& word : config::split_words(line)) words.push_back(word.text);
  return words;
}

std::string prompt(const Options& options) {
  Request request;
  request.argv = {"display", "version"};
  request.json = true;
  const auto document = Json::parse(exchange(options, request, true).text, kControlDepthMax);
  const Json* name = document ? document->find("sysname") : nullptr;
  return fmt::format("<{}> ",
                     name != nullptr && name->string() != nullptr ? *name->string() : "hotpair");
}

// Reads lines until the end of input; the prompt is for people only.
int run_interactive(const Options& options) {
  const bool person = ::isatty(STDIN_FILENO) != 0;
  const std::string text = person ? prompt(options) : std::string();
  int worst = kDone;
  std::string line;
  while (std::cout << text << std::flush && std::getline(std::cin, line)) {
    auto words = split(line);
    if (words.empty() || words[0] == "#" || words[0] == "!") continue;
    if (words.size() == 1 && (words[0] == "quit" || words[0] == "exit")) break;
    const int code = run_words(options, std::move(words));
    if (!person) worst = std::max(worst, code);
  }
  return worst;
}

int usage(int code) {
  std::ostream& out = code == kDone ? std::cout : std::cerr;
  out << "usage: hotpair [--control SOCKET] [--json] [-c COMMAND]... [COMMAND...]\n"
         "       hotpair pair init|rotate [...] [--pair-key FILE]\n"
         "       hotpair pair ca init|certificate NODE [...] [--tls-dir DIR]\n"
         "Without a command: reads commands from its input; '?' and 'help' explain them.\n"
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
        options.control = optarg;
        break;
      case 'j':
        options.json = true;
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
  int worst = kDone;
  for (const std::string& line : options.commands)
    worst = std::max(worst, run_words(options, split(line)));
  if (!options.words.empty()) return std::max(worst, run_words(options, options.words));
  return options.commands.empty() ? run_interactive(options) : worst;
}

}  // namespace
}  // namespace hotpair::ha::cli

int main(int argc, char** argv) { return hotpair::ha::cli::run(argc, argv); }
