#include "ha/cli/interpreter.h"

#include <fmt/core.h>

#include <algorithm>

#include "ha/cli/command_rows.h"
#include "ha/cli/completion.h"
#include "ha/cli/filter.h"
#include "ha/cli/json.h"
#include "ha/cli/session.h"
#include "ha/config/config_rows.h"
#include "ha/config/grammar_syntax.h"

namespace hotpair::ha::cli {
namespace {

using config::Word;

// Words with columns as if typed with one blank between.
std::vector<Word> words_of(const std::vector<std::string>& argv) {
  std::vector<Word> words;
  std::size_t column = 1;
  for (const std::string& text : argv) {
    words.push_back({text, static_cast<std::uint32_t>(column)});
    column += text.size() + 1;
  }
  return words;
}

std::string explain(const config::MatchError& error, const std::vector<Word>& words) {
  std::string text = error.message;
  const Word* at = error.word < words.size() ? &words[error.word] : nullptr;
  if (at != nullptr) text += fmt::format(" (word {}, column {})", error.word + 1, at->column);
  if (!error.expected.empty()) text += "; expected " + error.expected;
  if (!error.nearest.empty()) text += fmt::format("; did you mean '{}'?", error.nearest);
  return text;
}

std::string roff(std::string_view text) {
  std::string out;
  if (!text.empty() && (text[0] == '.' || text[0] == '\'')) out += "\\&";
  for (const char each : text) {
    if (each == '\\') {
      out += "\\e";
    } else if (each == '-') {
      out += "\\-";
    } else {
      out += each;
    }
  }
  return out;
}

std::string entry(std::string_view syntax, std::string_view help) {
  return fmt::format(".TP\n.B {}\n{}\n", roff(config::plain_syntax(syntax)), roff(help));
}

}  // namespace

void filter_response(Response& response, OutputFilter filter) {
  if (!response.more) {
    response.text = filter.apply(response.text);
    return;
  }
  response.text.clear();  // a long answer begins in its source
  response.more = filtered(std::move(response.more), std::move(filter));
}

Response refuse_with(ErrorCode code, std::string detail) {
  Response response;
  response.error = Error{code, std::move(detail)};
  response.exit_code = 1;
  return response;
}

void use_own_words(std::vector<Word>& words) {
  const auto abbreviates = [](const std::string& typed, std::string_view word) {
    return typed.size() >= 2 && word.substr(0, typed.size()) == typed;
  };
  if (words.empty()) return;
  if (abbreviates(words[0].text, "show")) words[0].text = "display";
  const bool candidate = words.size() > 1 && abbreviates(words[1].text, "configuration");
  if (abbreviates(words[0].text, "clear") && !candidate) words[0].text = "reset";
}

std::string_view name_of(AccessRole role) {
  switch (role) {
    case AccessRole::view:
      return "view";
    case AccessRole::operate:
      return "operate";
    case AccessRole::admin:
      return "admin";
  }
  return "";
}

std::span<const CommandRow> command_rows() {
  static const std::vector<CommandRow> rows = [] {
    std::vector<CommandRow> all(display_rows().begin(), display_rows().end());
    all.insert(all.end(), pim_rows().begin(), pim_rows().end());
    all.insert(all.end(), pim_vrf_rows().begin(), pim_vrf_rows().end());
    all.insert(all.end(), mcac_rows().begin(), mcac_rows().end());
    all.insert(all.end(), scope_rows().begin(), scope_rows().end());
    all.insert(all.end(), commit_rows().begin(), commit_rows().end());
    all.insert(all.end(), action_rows().begin(), action_rows().end());
    return all;
  }();
  return rows;
}

bool may_be_filtered(const config::Match& match) {
  return match.text.starts_with("display ") || match.text == "help";
}

const config::Grammar& command_grammar() {
  static const config::Grammar grammar = [] {
    std::vector<config::RowSyntax> rows;
    for (const CommandRow& row : command_rows()) rows.push_back({0, row.syntax, row.help});
    return config::Grammar(rows);
  }();
  return grammar;
}

Response CommandInterpreter::question(std::vector<Word> words, bool json) const {
  std::string& last = words.back().text;
  last.pop_back();
  const bool partial = !last.empty();
  if (!partial) words.pop_back();
  auto candidates = command_grammar().candidates(0, words, partial);
  const auto completions = completions_of(std::move(candidates), {view_, view_.running_config()},
                                          partial ? words.back().text : "");
  if (completions.empty())
    return refuse_with(ErrorCode::malformed,
                       "nothing can follow '" + config::join_words(words) + "'");
  Response response;
  if (!json) {
    response.text = help_text_of(completions);
    return response;
  }
  Json list = Json::array();
  for (const Completion& each : completions) {
    Json one = Json::object();
    one.set("word", each.word).set("help", each.help).set("keyword", each.insert);
    list.push(std::move(one));
  }
  Json out = Json::object();
  response.text = out.set("candidates", std::move(list)).dump(2) + "\n";
  return response;
}

Response CommandInterpreter::run(const Request& request, const Caller& caller,
                                 const Instant& instant) const {
  SplitLine split = split_filter(words_of(request.argv));
  std::vector<Word>& words = split.command;
  use_own_words(words);
  if (words.empty()) return refuse_with(ErrorCode::malformed, "no command; 'help' lists them");
  if (words.back().text.ends_with('?') && !split.filter) return question(words, request.json);
  const auto match = command_grammar().match(0, words);
  if (!match) return refuse_with(ErrorCode::malformed, explain(match.error(), words));
  if (!split.filter) return run_row(match->row, *match, request, caller, instant);
  if (!may_be_filtered(*match))
    return refuse_with(ErrorCode::malformed, "a filter follows 'display' and 'help' only");
  const auto filter = OutputFilter::parse(*split.filter);
  if (!filter) return refuse_with(ErrorCode::malformed, explain(filter.error(), *split.filter));
  Request asked = request;
  asked.json = request.json || filter->json();
  Response response = run_row(match->row, *match, asked, caller, instant);
  filter_response(response, *filter);
  return response;
}

Response CommandInterpreter::run_row(std::size_t index, const config::Match& match,
                                     const Request& request, const Caller& caller,
                                     const Instant& instant) const {
  const CommandRow& row = command_rows()[index];
  if (row.run == nullptr)
    return refuse_with(ErrorCode::unsupported,
                       "'hotpair' runs this command itself, on the node's own shell");
  if (caller.role < row.role)
    return refuse_with(ErrorCode::refused, fmt::format("this needs the right '{}', you have '{}'",
                                                       name_of(row.role), name_of(caller.role)));
  const bool verbose = match.text.ends_with(" verbose");
  Response response = row.run(
      Call{match.values, request, caller, instant, view_, actions_, transactions_, verbose});
  response.changes = row.role != AccessRole::view && !response.error &&
                     !match.text.starts_with("display ") && !match.text.ends_with(" --dry-run");
  return response;
}

Response CommandInterpreter::finish(const Request& request, const ActionOutcome& outcome) const {
  Response response;
  response.error = outcome.error;
  response.exit_code = outcome.error ? 1 : 0;
  if (!request.json) {
    for (const std::string& line : outcome.lines) response.text += line + "\n";
    for (const auto& [subject, text] : outcome.missing)
      response.text += fmt::format("{}: {}\n", subject, text);
    return response;
  }
  Json lines = Json::array();
  for (const std::string& line : outcome.lines) lines.push(line);
  Json out = Json::object();
  out.set("ok", !outcome.error.has_value()).set("lines", std::move(lines));
  if (outcome.error) {
    Json error = Json::object();
    error.set("code", name_of(outcome.error->code)).set("text", outcome.error->detail);
    out.set("error", std::move(error));
  }
  if (!outcome.missing.empty()) {
    Json missing = Json::array();
    for (const auto& [subject, text] : outcome.missing) {
      Json one = Json::object();
      one.set("subject", subject).set("text", text);
      missing.push(std::move(one));
    }
    out.set("missing", std::move(missing));
  }
  response.text = out.dump(2) + "\n";
  return response;
}

std::string help_text() {
  std::string text;
  for (const CommandRow& row : command_rows())
    text += fmt::format("{}\n        {}\n", config::plain_syntax(row.syntax), row.help);
  text += "\nIn the shell, which 'hotpair' alone begins:\n";
  for (const auto& [syntax, help] : ShellSession::described())
    text += fmt::format("{}\n        {}\n", config::plain_syntax(syntax), help);
  return text +
         "\nWords may be abbreviated; 'show' is 'display', 'clear' is 'reset', 'no' is 'undo'; '?' "
         "lists what may follow.\n";
}

std::string manual_page() {
  std::string text =
      ".TH HOTPAIR 1\n.SH NAME\nhotpair \\- operator shell of a hotpair node\n.SH SYNOPSIS\n"
      ".B hotpair\n[\\-\\-control SOCKET] [\\-\\-json] [\\-c COMMAND]... [COMMAND...]\n"
      ".SH DESCRIPTION\nRuns commands on the daemon of this node. Without a command it is a shell: "
      "Tab completes, a question mark lists what may follow, Ctrl\\-C ends the running command, "
      "Ctrl\\-D leaves. From a file or a pipe it reads a script, which ends at its first error. "
      "Words may be abbreviated, show is display. Exit codes: 0 done, 1 refused, 2 no daemon.\n"
      ".SH COMMANDS\n";
  for (const CommandRow& row : command_rows()) text += entry(row.syntax, row.help);
  text +=
      ".SH SHELL\nThe system view holds a candidate configuration, which lines change and commit "
      "puts in force, all or nothing. A star in the prompt marks changes that are not committed. "
      "Every shell has a candidate of its own; changes of others are merged at commit, or named if "
      "they meet.\n";
  for (const auto& [syntax, help] : ShellSession::described()) text += entry(syntax, help);
  text +=
      ".SH FILTERS\nA vertical bar after display or help leads to what is done with the lines. "
      "Expressions are those of RE2(3).\n";
  for (const config::RowSyntax& row : filter_rows()) text += entry(row.syntax, row.help);
  text +=
      ".SH CONFIGURATION\nLines of hotpair.conf, view by view; undo before a line takes it back.\n";
  for (const auto view :
       {config::View::system, config::View::etrunk, config::View::ssl_policy, config::View::service,
        config::View::profile, config::View::interface, config::View::pim, config::View::pim_ipv6,
        config::View::bfd, config::View::bfd_session, config::View::vrf}) {
    text += fmt::format(".SS View {}\n", roff(config::name_of(view)));
    for (const config::ConfigRow& row : config::config_rows()) {
      if (row.view != view) continue;
      const bool later = config::is_later(row.kind);
      text +=
          entry(row.syntax, std::string(row.help) + (later ? " (not active in this version)" : ""));
    }
  }
  return text;
}

}  // namespace hotpair::ha::cli
