#include "ha/cli/terminal.h"

#include <fmt/core.h>
#include <histedit.h>

#include <algorithm>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

namespace hotpair::ha::cli {
namespace {

constexpr int kHistoryLines = 500;

}  // namespace

struct Terminal::State {
  explicit State(Events given) : events(std::move(given)) {}

  Events events;
  EditLine* editor = nullptr;
  History* history = nullptr;
  HistEvent event{};
  std::string prompt;

  static State& of(EditLine* editor) {
    void* data = nullptr;
    el_get(editor, EL_CLIENTDATA, &data);
    return *static_cast<State*>(data);
  }
  static char* show_prompt(EditLine* editor) { return of(editor).prompt.data(); }

  /// The line up to the cursor.
  [[nodiscard]] std::string before_cursor() const {
    const LineInfo* line = el_line(editor);
    return {line->buffer, line->cursor};
  }
  /// Text below the line; the caller answers CC_REDISPLAY.
  static void print_below(const std::string& text) {
    std::fputc('\n', stdout);
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
  }

  static unsigned char on_tab(EditLine* editor, int) { return of(editor).complete(); }
  static unsigned char on_question(EditLine* editor, int) {
    State& state = of(editor);
    print_below(state.events.help(state.before_cursor()));
    return CC_REDISPLAY;
  }
  /// The line is dropped, the shell stays.
  static unsigned char on_interrupt(EditLine* editor, int) {
    print_below({});
    const LineInfo* line = el_line(editor);
    const auto behind = static_cast<int>(line->lastchar - line->cursor);
    const auto length = static_cast<int>(line->lastchar - line->buffer);
    el_cursor(editor, behind);
    el_deletestr(editor, length);
    return CC_REDISPLAY;
  }

  unsigned char complete() const {
    const std::string line = before_cursor();
    const CompletionChunk found = events.complete(line);
    std::vector<std::string> words;
    for (const Completion& each : found.completions)
      if (each.insert) words.push_back(each.word);
    if (words.empty()) {
      if (found.completions.empty()) return CC_ERROR;
      print_below(list(found));
      return CC_REDISPLAY;
    }
    std::string common = words.front();
    for (const std::string& word : words) {
      const auto differs = std::mismatch(common.begin(), common.end(), word.begin(), word.end());
      common.erase(differs.first, common.end());
    }
    const std::size_t typed = std::min<std::size_t>(found.typed, line.size());
    const bool only = words.size() == 1;
    if (only || common.size() > typed) {
      el_deletestr(editor, static_cast<int>(typed));
      if (only) common += ' ';
      el_insertstr(editor, common.c_str());
      return CC_REFRESH;
    }
    print_below(list(found));
    return CC_REDISPLAY;
  }

  static std::string list(const CompletionChunk& found) {
    std::string text;
    for (const Completion& each : found.completions)
      text += fmt::format("  {:<24} {}\n", each.word, each.help);
    return text;
  }
};

Terminal::Terminal(Events events) : state_(std::make_unique<State>(std::move(events))) {
  std::setlocale(LC_CTYPE, "");
  State& state = *state_;
  state.editor = el_init("hotpair", stdin, stdout, stderr);
  state.history = history_init();
  history(state.history, &state.event, H_SETSIZE, kHistoryLines);
  history(state.history, &state.event, H_SETUNIQUE, 1);
  EditLine* editor = state.editor;
  el_set(editor, EL_CLIENTDATA, &state);
  el_set(editor, EL_PROMPT, &State::show_prompt);
  el_set(editor, EL_EDITOR, "emacs");
  el_set(editor, EL_SIGNAL, 0);
  el_set(editor, EL_HIST, history, state.history);
  // In wide characters: of others libedit makes copies that it never gives back.
  el_wset(editor, EL_ADDFN, L"hotpair-complete", L"Complete the word", &State::on_tab);
  el_wset(editor, EL_ADDFN, L"hotpair-help", L"What may follow", &State::on_question);
  el_wset(editor, EL_ADDFN, L"hotpair-interrupt", L"Drop the line", &State::on_interrupt);
  el_set(editor, EL_BIND, "\t", "hotpair-complete", nullptr);
  el_set(editor, EL_BIND, "?", "hotpair-help", nullptr);
  // Ctrl-C is a key while a line is edited; while a command runs it is a signal.
  el_set(editor, EL_SETTY, "-d", "-isig", nullptr);
  el_set(editor, EL_BIND, "^C", "hotpair-interrupt", nullptr);
  el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
}

Terminal::~Terminal() {
  el_end(state_->editor);
  history_end(state_->history);
}

std::optional<std::string> Terminal::read(const std::string& prompt) {
  state_->prompt = prompt;
  // Keys are keys before the prompt appears; a Ctrl-C that came too late for the last command is
  // not kept for the next one.
  el_set(state_->editor, EL_PREP_TERM, 1);
  sigset_t interrupt;
  ::sigemptyset(&interrupt);
  ::sigaddset(&interrupt, SIGINT);
  const timespec at_once{};
  while (::sigtimedwait(&interrupt, nullptr, &at_once) > 0) {
  }
  int length = 0;
  const char* text = el_gets(state_->editor, &length);
  if (text == nullptr || length <= 0) return std::nullopt;
  std::string line(text, static_cast<std::size_t>(length));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  if (line.find_first_not_of(" \t") != std::string::npos)
    history(state_->history, &state_->event, H_ENTER, line.c_str());
  return line;
}

}  // namespace hotpair::ha::cli
