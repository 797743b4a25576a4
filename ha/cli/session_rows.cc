#include <fmt/core.h>

#include <utility>

#include "ha/cli/command_rows.h"
#include "ha/cli/session.h"
#include "ha/cli/words.h"
#include "ha/config/diff.h"
#include "ha/config/printer.h"

/// The commands of the shell itself.
namespace hotpair::ha::cli {
namespace {

using config::View;

constexpr Duration kConfirmDefault = std::chrono::seconds(600);

// Where a row stands.
constexpr std::uint8_t kUser = 1;
constexpr std::uint8_t kConfigure = 2;
constexpr std::uint8_t kSection = 4;
constexpr std::uint8_t kEverywhere = kUser | kConfigure | kSection;

std::string dashed(std::string text) {
  for (char& each : text)
    if (each == ' ') each = '-';
  return text;
}

}  // namespace

// As the seeds name them.
std::string ShellSession::view_name() const {
  if (editor_.in_section()) return "-" + dashed(editor_.section());
  const std::string& path = editor_.path();
  const std::string name = path.substr(path.find(' ') + 1);
  switch (editor_.view()) {
    case View::system:
      return {};
    case View::etrunk:
      return "-e-trunk-" + name;
    case View::ssl_policy:
      return "-" + dashed(path);
    case View::service:
      return "-rm-backup-srv-" + name;
    case View::profile:
      return "-rm-backup-prf-" + name;
    case View::interface:
      return "-" + name;
    case View::pim:
    case View::pim_ipv6: {
      const std::string prompt = editor_.view() == View::pim ? "-pim" : "-pim6";
      return path.find(' ') == std::string::npos ? prompt
                                                 : prompt + "-" + path.substr(path.rfind(' ') + 1);
    }
    case View::vrf:
      return "-vpn-instance-" + path.substr(path.rfind(' ') + 1);
    case View::bfd:
      return "-bfd";
    case View::bfd_session:
      return "-bfd-session-" + name.substr(0, name.find(' '));
  }
  return "-" + dashed(path);
}

// ---- views ----

Response ShellSession::configure(const Call&) {
  configuring_ = true;
  return {};
}

// What one may do is decided by who one is, so there is nothing to enable.
Response ShellSession::enable(const Call&) { return {}; }

Response ShellSession::quit(const Call&) {
  if (editor_.in_section()) {
    editor_.close_section();
  } else if (configuring_ && editor_.view() != View::system) {
    editor_.leave();
  } else if (configuring_) {
    configuring_ = false;
  } else if (changes_ && !std::exchange(leaving_, true)) {
    return refuse_with(ErrorCode::refused,
                       "the candidate has changes that are not committed; 'commit' in the system "
                       "view keeps them, 'quit' again drops them");
  } else {
    ended_ = true;
  }
  return {};
}

Response ShellSession::to_user_view(const Call&) {
  editor_.close_section();
  editor_.leave();
  configuring_ = false;
  Response response;
  if (changes_ && terminal_) response.text = "The candidate has changes that are not committed.\n";
  return response;
}

// ---- the candidate ----

Response ShellSession::report(const Transactions::Outcome& outcome) const {
  Response response;
  if (outcome.error) response = refuse_with(outcome.error->code, outcome.error->detail);
  for (config::Diagnostic each : outcome.found) {
    each.line = {};  // of a file that was loaded once
    const std::string text = to_string(each);
    response.text += (text[0] == 'e'   ? 'E'
                      : text[0] == 'w' ? 'W'
                                       : text[0]) +
                     text.substr(1) + "\n";
  }
  response.pending = outcome.ticket;
  return response;
}

Response ShellSession::conflicts(const std::vector<config::MergeConflict>& list) const {
  Response response =
      refuse_with(ErrorCode::refused,
                  fmt::format("the running configuration was changed meanwhile, {} setting{} "
                              "in another way than here; nothing was changed; 'clear configuration "
                              "candidate' begins anew from what runs",
                              list.size(), list.size() == 1 ? "" : "s"));
  for (const auto& each : list) response.text += to_string(each) + "\n";
  return response;
}

Response ShellSession::commit_with(const Call& call, std::optional<Duration> confirm_within) {
  auto candidate = effective();
  if (!candidate) return conflicts(candidate.error());
  const auto waited = transactions_.pending();
  Transactions::Change change;
  change.config = std::move(*candidate);
  change.caller = call.caller;
  if (call.values.has("label")) change.label = call.values.text("label");
  change.confirm_within = confirm_within;
  const auto outcome = transactions_.commit(std::move(change), call.instant);
  Response response = report(outcome);
  if (outcome.error) return response;
  take_over(view_.running_config());
  if (outcome.confirmed) response.text += fmt::format("Commit {} is confirmed.\n", waited->id);
  if (confirm_within && !terminal_)
    response.text += transactions_.countdown(call.instant) + (transactions_.pending() ? "\n" : "");
  return response;
}

Response ShellSession::commit(const Call& call) { return commit_with(call, std::nullopt); }

Response ShellSession::commit_confirmed(const Call& call) {
  const bool given = call.values.has("seconds");
  return commit_with(call,
                     given ? std::chrono::seconds(call.values.number("seconds")) : kConfirmDefault);
}

Response ShellSession::commit_check(const Call&) {
  const auto candidate = effective();
  if (!candidate) return conflicts(candidate.error());
  return report(transactions_.check(*candidate, {}, Transactions::Warnings::all));
}

Response ShellSession::clear_candidate(const Call&) {
  take_over(view_.running_config());
  return {};
}

Response ShellSession::abort(const Call& call) {
  static_cast<void>(clear_candidate(call));
  return to_user_view(call);
}

Response ShellSession::show_candidate(const Call& call) {
  const bool secrets = call.caller.role == AccessRole::admin;
  const auto candidate = effective();
  Response response;
  response.text = config::print_config(candidate ? *candidate : editor_.config(), {secrets});
  return response;
}

Response ShellSession::show_diff(const Call&) {
  const auto candidate = effective();
  if (!candidate) return conflicts(candidate.error());
  Response response;
  for (const std::string& line : config::diff_config(view_.running_config(), *candidate))
    response.text += masked(line) + "\n";
  return response;
}

Response ShellSession::show_this(const Call& call) {
  const bool secrets = call.caller.role == AccessRole::admin;
  Response response;
  if (editor_.view() == View::system && !editor_.in_section()) {
    response.text = config::print_config(editor_.config(), {secrets});
    return response;
  }
  response.text = "#\n";
  const std::string& header = editor_.in_section() ? editor_.section() : editor_.path();
  response.text += header + "\n";
  for (const auto& line : config::printed_lines(editor_.config(), secrets)) {
    if (editor_.in_section() && line.header && line.path.empty() && line.text == header)
      for (const std::string& kept : line.body) response.text += kept + "\n";
    if (!editor_.in_section() && line.path == header) response.text += " " + line.text + "\n";
  }
  response.text += "#\nreturn\n";
  return response;
}

Response ShellSession::lock(const Call& call) {
  const auto locked = transactions_.lock(call.caller);
  return locked ? Response{} : refuse_with(locked.error().code, locked.error().detail);
}

Response ShellSession::unlock(const Call& call) {
  if (transactions_.unlock(call.caller.session)) return {};
  return refuse_with(ErrorCode::refused, "this shell does not hold the lock");
}

Response ShellSession::page_length(const Call& call) {
  page_lines_ = static_cast<std::uint16_t>(call.values.number("lines"));
  return {};
}

std::span<const ShellSession::Row> ShellSession::rows() {
  using S = ShellSession;
  using enum AccessRole;
  static constexpr Row kRows[] = {
      {kUser, "system-view", "Change the configuration", admin, &S::configure},
      {kUser, "configure terminal", "Change the configuration", admin, &S::configure},
      {kUser, "enable", "Accepted; rights come from who you are", view, &S::enable},
      {kEverywhere, "quit", "Leave this view, or the shell", view, &S::quit},
      {kEverywhere, "exit", "Leave this view, or the shell", view, &S::quit},
      {kConfigure | kSection, "return", "Back to the user view", view, &S::to_user_view},
      {kConfigure | kSection, "end", "Back to the user view", view, &S::to_user_view},
      {kEverywhere, "commit [ label label:STRING31 ]",
       "Put the candidate in force, or confirm a commit", admin, &S::commit},
      {kEverywhere, "commit confirmed [ seconds:5-86400 ] [ label label:STRING31 ]",
       "Put the candidate in force until confirmed, else take it back", admin,
       &S::commit_confirmed},
      {kEverywhere, "commit check", "Only check the candidate", view, &S::commit_check},
      {kConfigure | kSection, "abort", "Drop the candidate, back to the user view", view,
       &S::abort},
      {kEverywhere, "clear configuration candidate", "Drop the candidate's changes", view,
       &S::clear_candidate},
      {kEverywhere, "display configuration candidate", "The candidate", view, &S::show_candidate},
      {kEverywhere, "display configuration diff", "What a commit would change", view,
       &S::show_diff},
      {kConfigure | kSection, "display this", "This view as the candidate has it", view,
       &S::show_this},
      {kEverywhere, "configuration exclusive", "Nobody else may change the configuration", admin,
       &S::lock},
      {kEverywhere, "undo configuration exclusive", "Others may change it again", admin,
       &S::unlock},
      {kUser, "screen-length lines:0-512 temporary", "Lines of a page, 0: no stops", view,
       &S::page_length},
      {kUser, "terminal length lines:0-512", "Lines of a page, 0: no stops", view, &S::page_length},
  };
  return kRows;
}

const ShellSession::Language& ShellSession::language() {
  static const Language language = [] {
    std::vector<config::RowSyntax> all;
    std::vector<Target> targets;
    const auto add = [&](std::uint8_t view, std::string_view syntax, std::string_view help,
                         Target target) {
      all.push_back({view, syntax, help});
      targets.push_back(target);
    };
    const auto& lines = config::config_rows();
    for (std::size_t i = 0; i < lines.size(); ++i)
      add(static_cast<std::uint8_t>(lines[i].view), lines[i].syntax, lines[i].help,
          {Target::Kind::config, i});
    for (std::size_t i = 0; i < rows().size(); ++i) {
      const Row& row = rows()[i];
      const Target target{Target::Kind::shell, i};
      if ((row.where & kUser) != 0) add(kUserView, row.syntax, row.help, target);
      if ((row.where & kSection) != 0) add(kSectionView, row.syntax, row.help, target);
      for (std::uint8_t view = 0; view < config::kViewCount && (row.where & kConfigure) != 0;
           ++view)
        add(view, row.syntax, row.help, target);
    }
    const auto commands = command_rows();
    for (std::size_t i = 0; i < commands.size(); ++i) {
      const CommandRow& row = commands[i];
      const Target target{Target::Kind::command, i};
      const bool everywhere = row.syntax.starts_with("display ") ||
                              row.syntax.starts_with("rollback ") || row.syntax == "help";
      add(kUserView, row.syntax, row.help, target);
      for (std::uint8_t view = 0; view < config::kViewCount && everywhere; ++view)
        add(view, row.syntax, row.help, target);
    }
    return Language{config::Grammar(all), std::move(targets)};
  }();
  return language;
}

std::vector<std::pair<std::string_view, std::string_view>> ShellSession::described() {
  std::vector<std::pair<std::string_view, std::string_view>> list;
  for (const Row& row : rows()) list.emplace_back(row.syntax, row.help);
  return list;
}

}  // namespace hotpair::ha::cli
