#include "ha/cli/interpreter.h"

#include <fmt/core.h>

#include <algorithm>

#include "ha/cli/command_rows.h"
#include "ha/cli/json.h"
#include "ha/config/config_rows.h"
#include "ha/config/grammar_syntax.h"

namespace hotpair::ha::cli {
namespace {

using config::Word;

Response refuse(ErrorCode code, std::string detail) {
  Response response;
  response.error = Error{code, std::move(detail)};
  response.exit_code = 1;
  return response;
}

bool abbreviates(const std::string& typed, std::string_view word, std::size_t shortest) {
  return typed.size() >= shortest && word.substr(0, typed.size()) == typed;
}

// Words with columns as if typed with one blank between; `show` and `clear` are the IOS words.
std::vector<Word> words_of(const std::vector<std::string>& argv) {
  std::vector<Word> words;
  std::size_t column = 1;
  for (const std::string& text : argv) {
    words.push_back({text, static_cast<std::uint32_t>(column)});
    column += text.size() + 1;
  }
  if (!words.empty() && abbreviates(words[0].text, "show", 2)) words[0].text = "display";
  if (!words.empty() && abbreviates(words[0].text, "clear", 2)) words[0].text = "reset";
  return words;
}

// Help for words that no single row explains: those that several rows share, and parameters.
std::string_view help_of(std::string_view word) {
  constexpr std::pair<std::string_view, std::string_view> kHelp[] = {
      {"display", "Show the state of this node"},
      {"reset", "Set counters to zero"},
      {"igmp", "IPv4 group membership"},
      {"mld", "IPv6 group membership"},
      {"multicast", "Multicast routes and their replication"},
      {"remote-backup-service", "The channel to the peer"},
      {"current-configuration", "The running configuration"},
      {"apply", "Make a file the running configuration, all or nothing"},
      {"interface", "Only this interface"},
      {"verbose", "With every detail"},
      {"group", "Group address"},
      {"source", "Only this source"},
      {"name", "Name"},
      {"id", "Number"},
      {"file", "Name of a file, - for the standard input"},
      {"backup-id", "Only the profile with this backup-id"},
      {"ready", "Every scope has a role"},
      {"synced", "Both nodes hold the same"},
      {"master", "This node is master of every scope"},
      {"--timeout", "How long to wait, 60 s unless told"},
      {"seconds", "Seconds"},
      {"--dry-run", "Only show what it would change"},
      {"--pair-key", "Another file than /etc/hotpair/pair.key"},
  };
  for (const auto& [known, help] : kHelp)
    if (known == word) return help;
  return {};
}

void explain_words(std::vector<config::Candidate>& candidates) {
  std::string complete;  // what the line does as it is: no help for a word that may follow
  for (const config::Candidate& each : candidates)
    if (each.shown == "<cr>") complete = each.help;
  for (config::Candidate& each : candidates) {
    const bool own = each.keyword && !each.shared && each.help != complete;
    if (each.shown == "<cr>" || own) continue;
    if (const auto help = help_of(each.name); !help.empty()) each.help = help;
  }
}

Response question(std::vector<Word> words, bool json) {
  std::string& last = words.back().text;
  last.pop_back();
  const bool partial = !last.empty();
  if (!partial) words.pop_back();
  auto candidates = command_grammar().candidates(0, words, partial);
  explain_words(candidates);
  if (candidates.empty())
    return refuse(ErrorCode::malformed, "nothing can follow '" + config::join_words(words) + "'");
  Response response;
  Json list = Json::array();
  for (const config::Candidate& each : candidates) {
    response.text += fmt::format("  {:<24} {}\n", each.shown, each.help);
    Json one = Json::object();
    one.set("word", each.shown).set("help", each.help).set("keyword", each.keyword);
    list.push(std::move(one));
  }
  if (json) {
    Json out = Json::object();
    response.text = out.set("candidates", std::move(list)).dump(2) + "\n";
  }
  return response;
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
    all.insert(all.end(), action_rows().begin(), action_rows().end());
    return all;
  }();
  return rows;
}

const config::Grammar& command_grammar() {
  static const config::Grammar grammar = [] {
    std::vector<config::RowSyntax> rows;
    for (const CommandRow& row : command_rows()) rows.push_back({0, row.syntax, row.help});
    return config::Grammar(rows);
  }();
  return grammar;
}

Response CommandInterpreter::run(const Request& request, AccessRole role) const {
  const std::vector<Word> words = words_of(request.argv);
  if (words.empty()) return refuse(ErrorCode::malformed, "no command; 'help' lists them");
  if (words.back().text.ends_with('?')) return question(words, request.json);
  const auto match = command_grammar().match(0, words);
  if (!match) return refuse(ErrorCode::malformed, explain(match.error(), words));
  const CommandRow& row = command_rows()[match->row];
  if (row.run == nullptr)
    return refuse(ErrorCode::unsupported,
                  "'hotpair' runs this command itself, on the node's own shell");
  if (role < row.role)
    return refuse(ErrorCode::refused, fmt::format("this needs the right '{}', you have '{}'",
                                                  name_of(row.role), name_of(role)));
  const bool verbose = match->text.ends_with(" verbose");
  Response response = row.run(Call{match->values, request, role, view_, actions_, verbose});
  response.changes =
      row.role != AccessRole::view && !response.error && !match->text.ends_with(" --dry-run");
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
  return text + "Words may be abbreviated; 'show' is 'display'; '?' lists what may follow.\n";
}

std::string manual_page() {
  std::string text =
      ".TH HOTPAIR 1\n.SH NAME\nhotpair \\- operator shell of a hotpair node\n.SH SYNOPSIS\n"
      ".B hotpair\n[\\-\\-control SOCKET] [\\-\\-json] [\\-c COMMAND]... [COMMAND...]\n"
      ".SH DESCRIPTION\nRuns commands on the daemon of this node. Without a command it reads them "
      "from "
      "its input. Words may be abbreviated, show is display, a question mark lists what may "
      "follow. "
      "Exit codes: 0 done, 1 refused, 2 no daemon.\n.SH COMMANDS\n";
  for (const CommandRow& row : command_rows()) text += entry(row.syntax, row.help);
  text +=
      ".SH CONFIGURATION\nLines of hotpair.conf, view by view; undo before a line takes it back.\n";
  for (const auto view :
       {config::View::system, config::View::etrunk, config::View::service, config::View::profile,
        config::View::interface, config::View::pim, config::View::pim_ipv6}) {
    text += fmt::format(".SS View {}\n", roff(config::name_of(view)));
    for (const config::ConfigRow& row : config::config_rows()) {
      if (row.view != view) continue;
      const bool later =
          row.kind == config::RowKind::not_active || row.kind == config::RowKind::later_section;
      text +=
          entry(row.syntax, std::string(row.help) + (later ? " (not active in this version)" : ""));
    }
  }
  return text;
}

}  // namespace hotpair::ha::cli
