#include "ha/cli/transactions.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "ha/cli/words.h"
#include "ha/config/check.h"
#include "ha/config/diff.h"
#include "ha/config/parser.h"
#include "ha/config/printer.h"

namespace hotpair::ha::cli {
namespace {

constexpr std::size_t kEventsMax = 16;
constexpr Duration kRetry = std::chrono::seconds(10);

std::string how_of(const Transactions::Change& change) {
  switch (change.kind) {
    case Transactions::Kind::apply:
      return "apply " + change.file;
    case Transactions::Kind::rollback:
      return change.file;
    case Transactions::Kind::commit:
      break;
  }
  return change.confirm_within ? "commit confirmed" : "commit";
}

std::string minutes_of(Duration left) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(std::max(left, Duration(0))).count();
  return fmt::format("{:02}:{:02}", seconds / 60, seconds % 60);
}

}  // namespace

std::string name_of(const Caller& caller) {
  return fmt::format("{} (uid {})", caller.user.empty() ? "?" : caller.user, caller.uid);
}

void Transactions::start(std::vector<CommitRecord> records, const std::string& how,
                         const Instant& instant) {
  history_.restore(std::move(records));
  noted(how, instant);
}

void Transactions::noted(const std::string& how, const Instant& instant) {
  pending_.reset();
  ++version_;
  const CommitRecord* newest = history_.before(0);
  if (newest != nullptr && newest->text == config::print_config(view_.running_config())) return;
  Outcome ignored;
  record({AccessRole::admin, "hotpaird", 0, 0}, {}, how, instant, ignored);
}

Transactions::Outcome Transactions::check(const config::Config& config, const std::string& file,
                                          Warnings warnings) const {
  Outcome outcome;
  const config::CheckContext context{
      file, view_.pair_key_present(),
      [&](const config::SslPolicyModel& policy) { return view_.policy_problem(policy); }};
  outcome.found = config::check_config(config, context);
  const auto known = warnings == Warnings::only_new
                         ? config::check_config(view_.running_config(), context)
                         : config::Diagnostics{};
  std::erase_if(outcome.found, [&](const config::Diagnostic& each) {
    return each.severity == config::Severity::warning &&
           std::ranges::find(known, each) != known.end();
  });
  outcome.changes = config::diff_config(view_.running_config(), config);
  const auto errors =
      std::ranges::count(outcome.found, config::Severity::error, &config::Diagnostic::severity);
  if (errors > 0)
    outcome.error = Error{ErrorCode::refused,
                          fmt::format("{}{}{} error{}, nothing was changed", file,
                                      file.empty() ? "" : ": ", errors, errors == 1 ? "" : "s")};
  return outcome;
}

Transactions::Outcome Transactions::commit(Change change, const Instant& instant) {
  Outcome outcome;
  const auto refuse = [&](const Error& error) {
    outcome.error = error;
    return outcome;
  };
  if (const auto allowed = may_change(change.caller); !allowed) return refuse(allowed.error());
  if (pending_ && change.kind == Kind::apply)
    return refuse({ErrorCode::refused, countdown(instant) + " Decide about it first."});
  outcome = check(change.config, change.file,
                  change.kind == Kind::apply ? Warnings::all : Warnings::only_new);
  if (outcome.error) return outcome;
  const config::Config before =
      pending_ ? pending_->before : config::Config(view_.running_config());
  if (!outcome.changes.empty()) {
    const auto ticket = actions_.apply(change.config);
    if (!ticket) return refuse(ticket.error());
    outcome.ticket = *ticket;
    ++version_;
    record(change.caller, change.label, how_of(change), instant, outcome);
  }
  if (change.confirm_within && (pending_ || outcome.id != 0)) {
    const std::uint64_t id = outcome.id != 0 ? outcome.id : pending_->id;
    pending_ = Pending{id, before, instant.now + *change.confirm_within};
  } else if (pending_ && !change.confirm_within) {
    outcome.confirmed = change.kind == Kind::commit;
    if (outcome.confirmed)
      tell(change.caller.session,
           fmt::format("commit {} was confirmed by {}", pending_->id, name_of(change.caller)));
    pending_.reset();
  }
  return outcome;
}

Transactions::Outcome Transactions::rollback(std::uint64_t steps, const Caller& caller,
                                             const Instant& instant) {
  Outcome outcome;
  const CommitRecord* record = history_.before(steps);
  if (record == nullptr) {
    outcome.error =
        Error{ErrorCode::not_found,
              history_.records().size() < 2
                  ? "there is no commit to go back to"
                  : fmt::format("one can go back by {} at most; 'display configuration commit "
                                "list' shows the commits",
                                history_.records().size() - 1)};
    return outcome;
  }
  const std::string file = fmt::format("rollback to {}", record->id);
  auto parsed = config::parse_config(record->text, file);
  if (!parsed.ok()) {
    outcome.found = std::move(parsed.diagnostics);
    outcome.error = Error{ErrorCode::refused, fmt::format("commit {} can not be read by this "
                                                          "version",
                                                          record->id)};
    return outcome;
  }
  Change change;
  change.kind = Kind::rollback;
  change.config = std::move(parsed.config);
  change.caller = caller;
  change.file = file;
  return commit(std::move(change), instant);
}

void Transactions::record(const Caller& caller, const std::string& label, const std::string& how,
                          const Instant& instant, Outcome& outcome) {
  CommitRecord made;
  made.when = instant.wall;
  made.user = caller.user;
  made.uid = caller.uid;
  made.label = label;
  made.how = how;
  made.text = config::print_config(view_.running_config());
  Result<void> stored;
  outcome.id = history_.add(std::move(made), stored);
  tell(caller.session, fmt::format("commit {} by {}: {}", outcome.id, name_of(caller), how));
  if (stored) return;
  config::Diagnostic warning;
  warning.severity = config::Severity::warning;
  warning.message = "in force, but not recorded: " + stored.error().detail;
  outcome.found.push_back(std::move(warning));
}

void Transactions::tell(std::uint64_t session, std::string text) {
  events_.push_back({next_event_++, session, std::move(text)});
  if (events_.size() > kEventsMax) events_.pop_front();
}

Result<void> Transactions::may_change(const Caller& caller) const {
  if (!owner_ || owner_->session == caller.session) return {};
  return fail(ErrorCode::refused,
              fmt::format("the configuration is locked by {}", name_of(*owner_)));
}

Result<void> Transactions::lock(const Caller& caller) {
  if (const auto allowed = may_change(caller); !allowed) return allowed;
  owner_ = caller;
  return {};
}

bool Transactions::unlock(std::uint64_t session) {
  if (!owner_ || owner_->session != session) return false;
  owner_.reset();
  return true;
}

std::string Transactions::countdown(const Instant& instant) const {
  if (!pending_) return {};
  return fmt::format("Commit {} is taken back in {} unless 'commit' confirms it.", pending_->id,
                     minutes_of(pending_->deadline - instant.now));
}

std::optional<TimePoint> Transactions::next_deadline() const {
  if (!pending_) return std::nullopt;
  return pending_->deadline;
}

std::optional<std::string> Transactions::on_timeout(const Instant& instant) {
  if (!pending_ || instant.now < pending_->deadline) return std::nullopt;
  const auto ticket = actions_.apply(pending_->before);
  if (!ticket) {
    pending_->deadline = instant.now + kRetry;
    return fmt::format("commit {} was not confirmed and could not be taken back: {}", pending_->id,
                       ticket.error().detail);
  }
  const std::string how = fmt::format("commit {} was not confirmed", pending_->id);
  pending_.reset();
  ++version_;
  Outcome ignored;
  record({AccessRole::admin, "hotpaird", 0, 0}, {}, how, instant, ignored);
  return how + ": taken back";
}

}  // namespace hotpair::ha::cli
