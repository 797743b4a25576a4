#include "ha/cli/control_desk.h"

namespace hotpair::ha::cli {

Response ControlDesk::run(const Request& request, const Caller& caller, const Instant& instant) {
  if (request.verb == SessionVerb::none) {
    Caller single = caller;
    single.session = 0;
    return interpreter_.run(request, single, instant);
  }
  if (request.verb == SessionVerb::open) {
    sessions_.erase(caller.session);  // an earlier one gives up its lock first
    sessions_.emplace(caller.session,
                      std::make_unique<ShellSession>(view_, actions_, transactions_, caller));
  }
  const auto session = sessions_.find(caller.session);
  if (session == sessions_.end())
    return refuse_with(ErrorCode::refused, "no session was opened on this connection");
  Response response = session->second->run(request, caller, instant);
  if (request.verb == SessionVerb::close) sessions_.erase(session);
  return response;
}

Response ControlDesk::finish(const Request& request, std::uint64_t connection,
                             const ActionOutcome& outcome, const Instant& instant) {
  const auto session = sessions_.find(connection);
  if (request.verb == SessionVerb::none || session == sessions_.end())
    return interpreter_.finish(request, outcome);
  return session->second->finish(request, outcome, instant);
}

}  // namespace hotpair::ha::cli
