#include "ha/cli/session.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "ha/cli/command_rows.h"
#include "ha/cli/completion.h"
#include "ha/cli/filter.h"
#include "ha/cli/words.h"

namespace hotpair::ha::cli {
namespace {

using config::MatchError;
using config::Word;

bool begins(std::string_view word, const std::string& typed, std::size_t shortest) {
  return typed.size() >= shortest && word.substr(0, typed.size()) == typed;
}

bool takes_back(const Word& word) { return word.text == "no" || begins("undo", word.text, 3); }

std::string sentence(const std::string& message, const std::string& expected,
                     const std::string& nearest) {
  std::string text = message;
  if (!expected.empty()) text += "; expected " + expected;
  if (!nearest.empty()) text += fmt::format("; did you mean '{}'?", nearest);
  return text;
}

Response wrong(const MatchError& error, std::span<const Word> words) {
  Response response =
      refuse_with(ErrorCode::malformed, sentence(error.message, error.expected, error.nearest));
  if (error.word < words.size())
    response.column = words[error.word].column;
  else if (!words.empty())
    response.column = words.back().column + static_cast<std::uint32_t>(words.back().text.size());
  return response;
}

// Words of IOS, and those that stand before a line of configuration.
std::vector<std::pair<std::string_view, std::string_view>> own_words(std::uint8_t view) {
  constexpr std::pair<std::string_view, std::string_view> kShow{"show", "The same as display"};
  if (view >= config::kViewCount) return {kShow, {"clear", "The same as reset"}};
  return {kShow,
          {"do", "A command of the user view"},
          {"undo", "Take a line back"},
          {"no", "The same as undo"}};
}

std::optional<std::uint32_t> control_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return static_cast<std::uint32_t>(i) + 1;
  }
  return std::nullopt;
}

}  // namespace

std::string marked(const ErrorChunk& error, std::size_t before) {
  std::string text;
  if (error.column != 0) text = std::string(before + error.column - 1, ' ') + "^\n";
  return text + "Error: " + error.text + "\n";
}

ShellSession::ShellSession(const NodeView& view, Actions& actions, Transactions& transactions,
                           const Caller& caller)
    : view_(view),
      transactions_(transactions),
      interpreter_(view, actions, transactions),
      id_(caller.session),
      base_(view.running_config()),
      base_version_(transactions.version()),
      editor_(view.running_config()) {
  if (!transactions_.events().empty()) seen_event_ = transactions_.events().back().number;
}

ShellSession::~ShellSession() { transactions_.unlock(id_); }

Response ShellSession::run(const Request& request, const Caller& caller, const Instant& instant) {
  refresh();
  Response response;
  switch (request.verb) {
    case SessionVerb::open:
      terminal_ = request.terminal;
      notices(response, instant);
      break;
    case SessionVerb::line:
      response = line({request, caller, instant});
      if (!response.pending && !request.json) notices(response, instant);
      break;
    case SessionVerb::complete:
    case SessionVerb::help:
      response = complete(request);
      break;
    case SessionVerb::close:
      ended_ = true;
      break;
    case SessionVerb::cancel:
      response = refuse_with(ErrorCode::refused,
                             acting_ ? "interrupted; what was begun goes on" : "interrupted");
      break;
    case SessionVerb::none:
      break;
  }
  acting_ = response.pending.has_value();
  if (!acting_) state(response);
  return response;
}

Response ShellSession::finish(const Request& request, const ActionOutcome& outcome,
                              const Instant& instant) {
  Response response = interpreter_.finish(request, outcome);
  if (!request.json) notices(response, instant);
  state(response);
  return response;
}

void ShellSession::state(Response& response) const {
  response.session = SessionChunk{prompt(), changes_, ended_, page_lines_};
}

// What others did since, and what waits for a confirmation; for people only.
void ShellSession::notices(Response& response, const Instant& instant) {
  if (response.error) return;  // its mark follows the line at once
  const std::uint64_t seen = std::exchange(
      seen_event_, transactions_.events().empty() ? 0 : transactions_.events().back().number);
  if (!terminal_) return;
  for (const auto& event : transactions_.events())
    if (event.number > seen && event.session != id_)
      response.text += fmt::format("Notice: {}\n", event.text);
  const std::string waits = transactions_.countdown(instant);
  if (!waits.empty() && !response.text.ends_with(waits + "\n")) response.text += waits + "\n";
}

// ---- the candidate ----

/// A candidate without changes follows the running configuration.
void ShellSession::refresh() {
  if (changes_ || base_version_ == transactions_.version()) return;
  take_over(view_.running_config());
}

void ShellSession::take_over(const config::Config& running) {
  base_ = running;
  base_version_ = transactions_.version();
  editor_.rebase(running);
  changes_ = false;
  lines_ = 0;
}

void ShellSession::edited() {
  editor_.sort_kept();
  changes_ = editor_.config() != base_;
}

std::expected<config::Config, std::vector<config::MergeConflict>> ShellSession::effective() const {
  if (base_version_ == transactions_.version()) return editor_.config();
  return config::merge_config(base_, editor_.config(), view_.running_config());
}

std::string ShellSession::prompt() const {
  if (!configuring_) return fmt::format("<{}>", *view_.running_config().sysname);
  return fmt::format("[{}{}{}]", changes_ ? '*' : '~', *editor_.config().sysname, view_name());
}

// ---- reading a line ----

std::uint8_t ShellSession::view() const {
  if (!configuring_) return kUserView;
  return editor_.in_section() ? kSectionView : static_cast<std::uint8_t>(editor_.view());
}

Response ShellSession::line(const Ask& ask) {
  std::string text = ask.request.line;
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.pop_back();
  if (text.size() > kLineBytesMax)
    return refuse_with(ErrorCode::malformed,
                       fmt::format("the line is longer than {} characters", kLineBytesMax));
  if (const auto column = control_character(text)) {
    Response response = refuse_with(ErrorCode::malformed, "the line holds a control character");
    response.column = *column;
    return response;
  }
  std::vector<Word> typed = config::split_words(text);
  if (typed.empty()) return {};
  if (typed[0].text == "#" || typed[0].text == "!") {
    // Alone it ends a view, as in a file; else it is a comment.
    if (typed.size() == 1) editor_.close_section();
    if (typed.size() == 1 && typed[0].column == 1) editor_.leave();
    return {};
  }
  if (view() == kSectionView)
    if (auto done = section_line(typed, text, ask)) return *std::move(done);
  const bool warned = leaving_;
  Response response = words(std::move(typed), ask);
  if (warned) leaving_ = false;
  return response;
}

/// In a section that is kept and not read only the shell's own words, written out, are read.
std::optional<Response> ShellSession::section_line(const std::vector<Word>& typed,
                                                   const std::string& text, const Ask& ask) {
  const auto match = language().grammar.match(kSectionView, typed);
  if (match && match->text.substr(0, match->text.find(' ')) == typed[0].text)
    return shell(*match, ask);
  if (typed[0].text == "display" || typed[0].text == "do" || typed.back().text == "?")
    return std::nullopt;
  if (ask.caller.role < AccessRole::admin)
    return refuse_with(ErrorCode::refused, "this needs the right 'admin'");
  if (++lines_ > kCandidateLinesMax)
    return refuse_with(ErrorCode::exhausted, "too many lines since the last commit");
  editor_.keep((text[0] == ' ' ? "" : " ") + text);
  edited();
  return Response{};
}

Response ShellSession::words(std::vector<Word> typed, const Ask& ask) {
  if (typed.back().text == "?") return complete(ask.request);
  const bool from_view = configuring_ && typed.size() > 1 && typed[0].text == "do";
  if (from_view) typed.erase(typed.begin());
  const std::uint8_t here = from_view ? kUserView : view();
  const auto match = language().grammar.match(here, typed);
  if (match) return matched(*match, std::move(typed), ask);
  if (auto shown = display(typed, here, ask)) return *std::move(shown);
  if (here != kUserView && here != kSectionView)
    return unmatched(std::move(typed), match.error(), ask);
  return typed.back().text.ends_with('?') ? complete(ask.request) : wrong(match.error(), typed);
}

/// `display …` and `show …` with their filters, and other words of IOS. Nothing if it is none.
std::optional<Response> ShellSession::display(const std::vector<Word>& typed, std::uint8_t here,
                                              const Ask& ask) {
  std::vector<Word> own = typed;
  use_own_words(own);
  const bool meant = own[0].text != typed[0].text || begins("display", typed[0].text, 2);
  SplitLine split = split_filter(std::move(own));
  const std::uint8_t in =
      here == kSectionView ? static_cast<std::uint8_t>(config::View::system) : here;
  const auto match = language().grammar.match(in, split.command);
  if (!match) {
    // `sh` in the view of an interface is nearer to `shutdown`.
    const bool of_user_view = here != kUserView && split.command[0].text == "reset";
    if (!meant || of_user_view || (configuring_ && typed.size() == 1)) return std::nullopt;
    if (typed.back().text.ends_with('?')) return complete(ask.request);
    return wrong(match.error(), split.command);
  }
  const Target& target = language().targets[match->row];
  if (!split.filter) return matched(*match, split.command, ask);
  if (target.kind == Target::Kind::config) return std::nullopt;
  if (!may_be_filtered(*match))
    return refuse_with(ErrorCode::malformed, "a filter follows 'display' and 'help' only");
  return command(*match, split.filter, ask);
}

Response ShellSession::matched(const config::Match& match, std::vector<Word> typed,
                               const Ask& ask) {
  if (language().targets[match.row].kind == Target::Kind::config)
    return edit(std::move(typed), ask);
  return command(match, std::nullopt, ask);
}

/// In a view of the configuration: a command begun well, a command of the user view, or a line of
/// the configuration, right (in the system view) or wrong.
Response ShellSession::unmatched(std::vector<Word> typed, const MatchError& error, const Ask& ask) {
  if (takes_back(typed[0])) return edit(std::move(typed), ask);
  const auto line = config::config_grammar().match(view(), typed);
  const bool above = view() != 0 && config::config_grammar().match(0, typed).has_value();
  if (above || line) return edit(std::move(typed), ask);
  if (error.word > line.error().word) return wrong(error, typed);
  std::vector<Word> own = typed;
  use_own_words(own);
  if (line.error().word == 0 && language().grammar.match(kUserView, own)) {
    Response response =
        refuse_with(ErrorCode::malformed,
                    fmt::format("'{}' belongs to the user view; 'do {}' runs it from here",
                                typed[0].text, config::join_words(typed)));
    response.column = typed[0].column;
    return response;
  }
  return edit(std::move(typed), ask);
}

/// A command of the node or of the shell, its text through the filter.
Response ShellSession::command(const config::Match& match,
                               const std::optional<std::vector<Word>>& filter, const Ask& ask) {
  Request request = ask.request;
  std::optional<OutputFilter> stages;
  if (filter) {
    auto parsed = OutputFilter::parse(*filter);
    if (!parsed) return wrong(parsed.error(), *filter);
    request.json = request.json || parsed->json();
    stages = *std::move(parsed);
  }
  const Ask asked{request, ask.caller, ask.instant};
  const Target& target = language().targets[match.row];
  Response response =
      target.kind == Target::Kind::shell
          ? shell(match, asked)
          : interpreter_.run_row(target.index, match, request, ask.caller, ask.instant);
  if (stages) filter_response(response, *std::move(stages));
  return response;
}

Response ShellSession::shell(const config::Match& match, const Ask& ask) {
  const Row& row = rows()[language().targets[match.row].index];
  if (ask.caller.role < row.role)
    return refuse_with(ErrorCode::refused,
                       fmt::format("this needs the right '{}', you have '{}'", name_of(row.role),
                                   name_of(ask.caller.role)));
  Response response =
      (this->*row.run)(Call{match.values, ask.request, ask.caller, ask.instant, match.text});
  const bool only_a_view = row.run == &ShellSession::configure;
  response.changes = row.role != AccessRole::view && !response.error && !only_a_view;
  return response;
}

/// A line of configuration for the candidate.
Response ShellSession::edit(std::vector<Word> typed, const Ask& ask) {
  if (ask.caller.role < AccessRole::admin)
    return refuse_with(ErrorCode::refused, "this needs the right 'admin'");
  if (++lines_ > kCandidateLinesMax)
    return refuse_with(ErrorCode::exhausted, "too many lines since the last commit");
  if (takes_back(typed[0])) typed[0].text = "undo";
  const auto found = editor_.line(typed, {}, config::LineEditor::Follow::to_system_view);
  edited();
  Response response;
  for (const config::Diagnostic& each : found) {
    const std::string text = sentence(each.message, each.expected, each.nearest);
    if (each.severity == config::Severity::warning) {
      response.text += "Warning: " + text + "\n";
      continue;
    }
    response.error = Error{ErrorCode::malformed, text};
    response.exit_code = 1;
    response.column = each.column;
  }
  return response;
}

// ---- help and completion ----

Response ShellSession::complete(const Request& request) const {
  std::string text = request.line;
  if (request.verb == SessionVerb::line) text.erase(text.find_last_of('?'));
  if (text.size() > kLineBytesMax) text.clear();
  std::vector<Word> typed = config::split_words(text);
  const bool partial = !typed.empty() && text.back() != ' ' && text.back() != '\t';
  const std::string begun = partial ? typed.back().text : std::string();
  const Names names{view_, configuring_ ? editor_.config() : view_.running_config()};
  std::vector<Completion> list;
  SplitLine split = split_filter(std::move(typed));
  std::vector<Word>& command = split.command;
  std::uint8_t here = view();
  if (configuring_ && command.size() + (partial ? 0U : 1U) > 1 && command[0].text == "do") {
    command.erase(command.begin());
    here = kUserView;
  }
  const bool first = command.size() == (partial ? 1U : 0U) && !split.filter;
  if (split.filter) {
    const auto stage = last_stage(*split.filter);
    const bool of_stage = partial && !stage.empty();
    list = completions_of(filter_grammar().candidates(0, stage, of_stage), names, begun);
  } else {
    if (!first) use_own_words(command);
    const bool undo = !first && configuring_ && takes_back(command[0]);
    const auto rest = std::span(command).subspan(undo ? 1 : 0);
    auto candidates = undo ? config::config_grammar().candidates(here, rest, partial)
                           : language().grammar.candidates(here, rest, partial);
    list = completions_of(std::move(candidates), names, begun);
  }
  if (first)
    for (const auto& [word, help] : own_words(here))
      if (begins(word, begun, 0) && std::ranges::find(list, word, &Completion::word) == list.end())
        list.push_back({std::string(word), std::string(help), true});
  std::ranges::sort(list, {}, [](const Completion& each) {
    return std::pair(each.word == "<cr>", std::string_view(each.word));
  });
  Response response;
  if (request.verb == SessionVerb::complete) {
    response.completion =
        CompletionChunk{static_cast<std::uint32_t>(begun.size()), std::move(list)};
    return response;
  }
  if (list.empty()) return refuse_with(ErrorCode::malformed, "nothing can follow here");
  response.text = help_text_of(list);
  return response;
}

}  // namespace hotpair::ha::cli
