#include "ha/cli/shell.h"

#include <fmt/core.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <iostream>
#include <utility>

#include "ha/cli/client.h"
#include "ha/cli/pager.h"
#include "ha/cli/render_commands.h"
#include "ha/cli/session.h"
#include "ha/cli/terminal.h"
#include "ha/config/grammar.h"

namespace hotpair::ha::cli {
namespace {

constexpr std::chrono::milliseconds kHelpPatience{30'000};

volatile std::sig_atomic_t interrupts = 0;

void on_interrupt(int) { interrupts = interrupts + 1; }

// One shell: the connection with its session, and how the answers are shown.
class Shell {
 public:
  Shell(const ShellOptions& options, bool terminal) : options_(options), terminal_(terminal) {}

  /// Opens connection and session.
  [[nodiscard]] Result<void> open();
  [[nodiscard]] bool connected() const { return client_.has_value(); }
  [[nodiscard]] const SessionChunk& session() const { return session_; }
  /// Runs a line; the exit code of it. `number`: of the line in a script.
  int line(const std::string& text, std::size_t number);
  [[nodiscard]] CompletionChunk complete(const std::string& text);
  [[nodiscard]] std::string help(const std::string& text);

 private:
  struct Answer {
    int exit_code = kNoDaemon;
    std::string text;
    std::optional<ErrorChunk> error;
    CompletionChunk completion;
  };
  [[nodiscard]] Request request(SessionVerb verb, const std::string& text) const;
  [[nodiscard]] Answer ask(const Request& request, Pager* pager);
  [[nodiscard]] bool on_signal(bool& cancelled, int& seen);
  [[nodiscard]] Pager pager() const;
  void complain(const ErrorChunk& error, const std::string& text, std::size_t number,
                std::size_t before) const;

  const ShellOptions& options_;
  bool terminal_;
  std::optional<Client> client_;
  SessionChunk session_;
};

Request Shell::request(SessionVerb verb, const std::string& text) const {
  Request made;
  made.version = kSessionVersion;
  made.verb = verb;
  made.line = text;
  made.terminal = terminal_;
  made.json = options_.json;
  const passwd* entry = ::getpwuid(::getuid());
  made.user = entry == nullptr ? fmt::format("{}", ::getuid()) : entry->pw_name;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0) made.width = size.ws_col;
  return made;
}

Result<void> Shell::open() {
  client_.reset();
  auto connected = Client::connect(options_.control, std::chrono::seconds(0));
  if (!connected) return std::unexpected(connected.error());
  client_.emplace(std::move(*connected));
  const Answer answer = ask(request(SessionVerb::open, {}), nullptr);
  if (answer.error) {
    client_.reset();
    return fail(ErrorCode::refused, answer.error->text);
  }
  std::cout << answer.text << std::flush;
  return {};
}

// Ctrl-C while a command runs: the first one ends the command, the second the connection.
bool Shell::on_signal(bool& cancelled, int& seen) {
  if (interrupts == seen) return false;
  seen = interrupts;
  if (std::exchange(cancelled, true)) return true;
  return !client_->send(request(SessionVerb::cancel, {})).has_value();
}

Shell::Answer Shell::ask(const Request& asked, Pager* pager) {
  Answer answer;
  const bool quick = asked.verb != SessionVerb::line;
  bool cancelled = false;
  bool left = false;
  int seen = interrupts;
  const auto lost = [&](const Error& error) {
    client_.reset();
    session_.changes = false;
    answer.exit_code = kNoDaemon;
    answer.error = ErrorChunk{std::string(name_of(error.code)), error.detail};
    return answer;
  };
  if (const auto sent = client_->send(asked); !sent) {
    if (sent.error().code != ErrorCode::exhausted) return lost(sent.error());
    answer.exit_code = kRefused;
    answer.error = ErrorChunk{"exhausted", sent.error().detail};
    return answer;
  }
  while (true) {
    const auto chunk = client_->receive([&] { return on_signal(cancelled, seen); },
                                        quick ? std::optional(kHelpPatience) : std::nullopt);
    if (!chunk) return lost(chunk.error());
    if (const auto* text = std::get_if<TextChunk>(&*chunk)) {
      if (pager == nullptr) {
        answer.text += text->text;
      } else if (!cancelled && !pager->write(text->text)) {
        cancelled = left = true;
        if (const auto sent = client_->send(request(SessionVerb::cancel, {})); !sent)
          return lost(sent.error());
      }
    } else if (const auto* error = std::get_if<ErrorChunk>(&*chunk)) {
      if (!left) answer.error = *error;  // who leaves the pages knows that he did
    } else if (const auto* session = std::get_if<SessionChunk>(&*chunk)) {
      session_ = *session;
    } else if (const auto* completion = std::get_if<CompletionChunk>(&*chunk)) {
      answer.completion = *completion;
    } else if (const auto* done = std::get_if<DoneChunk>(&*chunk)) {
      answer.exit_code = done->exit_code;
      return answer;
    }
  }
}

Pager Shell::pager() const {
  winsize size{};
  const bool known =
      terminal_ && ::isatty(STDOUT_FILENO) != 0 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  if (!known) return {0, 0};
  return {session_.page_lines.value_or(size.ws_row), size.ws_col};
}

void Shell::complain(const ErrorChunk& error, const std::string& text, std::size_t number,
                     std::size_t before) const {
  std::cout << std::flush;
  if (options_.json) {
    print_error(error, true);
  } else if (terminal_) {
    std::cerr << marked(error, before);
  } else {
    std::string place = fmt::format("line {}", number);
    if (error.column != 0) place += fmt::format(", column {}", error.column);
    std::cerr << fmt::format("hotpair: {}: {}\n", place, error.text);
    if (error.column != 0)
      std::cerr << "  " << text << "\n  " << std::string(error.column - 1, ' ') << "^\n";
  }
}

int Shell::line(const std::string& text, std::size_t number) {
  std::vector<std::string> words;
  for (const config::Word& word : config::split_words(text)) words.push_back(word.text);
  if (!words.empty() && words[0] == "pair" && words.back() != "?") return run_pair(options_, words);
  if (!words.empty() && words[0] == "render" && words.back() != "?") return run_render({}, words);
  if (!client_) {
    session_ = {};
    if (const auto opened = open(); !opened) {
      complain({"unavailable", opened.error().detail}, text, number, 0);
      return kNoDaemon;
    }
    // The line was meant for a view that is gone.
    std::cout << "This is a new session: what was not committed is gone. Type the line again.\n";
    return kRefused;
  }
  Request asked = request(SessionVerb::line, text);
  const bool applies = words.size() > 1 && words[0].size() >= 2 && words.back() != "?" &&
                       std::string_view("apply").starts_with(words[0]);
  if (applies && session_.prompt.starts_with('<')) {
    auto input = read_input(words[1]);
    if (!input) {
      complain({std::string(name_of(input.error().code)), input.error().detail}, text, number, 0);
      return kRefused;
    }
    asked.input = std::move(*input);
  }
  Pager pages = pager();
  const std::size_t before = session_.prompt.size() + 1;
  const Answer answer = ask(asked, &pages);
  if (answer.error) complain(*answer.error, text, number, before);
  return answer.exit_code;
}

CompletionChunk Shell::complete(const std::string& text) {
  if (!client_) return {};
  return ask(request(SessionVerb::complete, text), nullptr).completion;
}

std::string Shell::help(const std::string& text) {
  if (!client_) return {};
  const Answer answer = ask(request(SessionVerb::help, text), nullptr);
  return answer.error ? answer.error->text + "\n" : answer.text;
}

int run_person(Shell& shell) {
  struct sigaction action {};
  action.sa_handler = on_interrupt;  // without SA_RESTART: waits end
  ::sigaction(SIGINT, &action, nullptr);
  sigset_t interrupt;  // delivered only while an answer is waited for
  ::sigemptyset(&interrupt);
  ::sigaddset(&interrupt, SIGINT);
  ::sigprocmask(SIG_BLOCK, &interrupt, nullptr);
  Terminal terminal({[&](const std::string& text) { return shell.complete(text); },
                     [&](const std::string& text) { return shell.help(text); }});
  bool warned = false;
  while (!shell.session().ended) {
    auto line = terminal.read(shell.session().prompt + " ");
    if (!line) {
      std::cout << "\n" << std::flush;
      if (!shell.session().changes || std::exchange(warned, true)) break;
      std::cout << "The candidate has changes that are not committed: 'commit' keeps them, Ctrl-D "
                   "again drops them.\n"
                << std::flush;
      continue;
    }
    warned = false;
    static_cast<void>(shell.line(*line, 0));
  }
  return kDone;
}

int run_script(Shell& shell, const std::optional<std::vector<std::string>>& lines) {
  std::string text;
  for (std::size_t number = 1; !shell.session().ended; ++number) {
    if (lines && number > lines->size()) break;
    if (lines)
      text = (*lines)[number - 1];
    else if (!std::getline(std::cin, text))
      break;
    if (const int code = shell.line(text, number); code != kDone) return code;
  }
  if (!shell.session().changes || shell.session().ended) return kDone;
  std::cerr << "hotpair: the changes were not committed and are dropped\n";
  return kRefused;
}

}  // namespace

int run_shell(const ShellOptions& options, const std::optional<std::vector<std::string>>& lines) {
  const bool person = !lines && ::isatty(STDIN_FILENO) != 0;
  Shell shell(options, person);
  if (const auto opened = shell.open(); !opened) {
    print_error({"unavailable", opened.error().detail}, options.json);
    return kNoDaemon;
  }
  return person ? run_person(shell) : run_script(shell, lines);
}

}  // namespace hotpair::ha::cli
