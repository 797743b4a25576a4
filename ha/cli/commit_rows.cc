#include <fmt/core.h>

#include "ha/cli/command_rows.h"
#include "ha/cli/json.h"
#include "ha/cli/words.h"
#include "ha/config/diff.h"
#include "ha/config/parser.h"

/// The history of commits and the way back.
namespace hotpair::ha::cli {
namespace {

Response document(const Json& json) {
  Response response;
  response.text = json.dump(2) + "\n";
  return response;
}

Response commit_list(const Call& call) {
  const auto& records = call.transactions.history().records();
  if (call.request.json) {
    Json list = Json::array();
    for (auto each = records.rbegin(); each != records.rend(); ++each) {
      Json one = Json::object();
      one.set("id", each->id).set("time", rfc3339(each->when)).set("user", each->user);
      one.set("uid", each->uid).set("label", each->label).set("how", each->how);
      list.push(std::move(one));
    }
    Json out = Json::object();
    out.set("commits", std::move(list));
    if (const auto& pending = call.transactions.pending()) {
      Json waits = Json::object();
      waits.set("id", pending->id)
          .set("left_s", ms_of(pending->deadline - call.instant.now) / 1000);
      out.set("unconfirmed", std::move(waits));
    }
    return document(out);
  }
  Table table({"Back", "Id", "Time", "User", "Label", "What"});
  std::size_t steps = 0;
  for (auto each = records.rbegin(); each != records.rend(); ++each, ++steps)
    table.add({fmt::format("{}", steps), fmt::format("{}", each->id),
               date_of(each->when, call.instant.utc_offset_s),
               fmt::format("{}({})", each->user, each->uid),
               each->label.empty() ? "-" : each->label, each->how});
  Response response;
  response.text = table.text();
  if (const std::string waits = call.transactions.countdown(call.instant); !waits.empty())
    response.text += waits + "\n";
  return response;
}

Response commit_changes(const Call& call) {
  const CommitHistory& history = call.transactions.history();
  const CommitRecord* record = history.find(call.values.number("id"));
  if (record == nullptr)
    return refuse_with(ErrorCode::not_found,
                       fmt::format("there is no commit {}; 'display configuration commit list' "
                                   "shows them",
                                   call.values.number("id")));
  const CommitRecord* earlier = history.find(record->id - 1);
  const auto config_of = [](const CommitRecord* of) {
    return of == nullptr ? config::Config{} : config::parse_config(of->text, "commit").config;
  };
  const auto lines = config::diff_config(config_of(earlier), config_of(record));
  if (call.request.json) {
    Json list = Json::array();
    for (const std::string& line : lines) list.push(masked(line));
    Json out = Json::object();
    return document(out.set("id", record->id).set("changes", std::move(list)));
  }
  Response response;
  for (const std::string& line : lines) response.text += masked(line) + "\n";
  return response;
}

Response rollback(const Call& call) {
  const std::uint64_t steps = call.values.has("steps") ? call.values.number("steps") : 1;
  const auto outcome = call.transactions.rollback(steps, call.caller, call.instant);
  Response response;
  if (outcome.error) response = refuse_with(outcome.error->code, outcome.error->detail);
  for (const auto& each : outcome.found) response.text += to_string(each) + "\n";
  for (const std::string& line : outcome.changes)
    if (!outcome.error) response.text += masked(line) + "\n";
  if (!outcome.error && outcome.changes.empty()) response.text += "No changes.\n";
  response.pending = outcome.ticket;
  if (call.request.json && response.pending) response.text.clear();
  return response;
}

constexpr CommandRow kRows[] = {
    {"display configuration commit list", "Who changed the configuration, when and how",
     AccessRole::view, commit_list},
    {"display configuration commit changes id:1-4294967295", "What a commit changed",
     AccessRole::operate, commit_changes},
    {"rollback configuration [ steps:1-49 ]", "Back by that many commits, itself a commit",
     AccessRole::admin, rollback},
};

}  // namespace

std::span<const CommandRow> commit_rows() { return kRows; }

}  // namespace hotpair::ha::cli
