#include <algorithm>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

// BFD lives in the keeper; here is what the brain does with its word: channels, alarms, displays.
namespace hotpair::ha::node {

void Node::configure_keeper_bfd() {
  keeper::ConfigureBfd part;
  for (const keeper::BfdSessionConfig& session : config_.bfd) {
    if (part.sessions.size() == keeper::kBfdSessionsPerMessage) {
      part.last = false;
      effects_.push(SendToKeeper{part});
      part = {false, true, {}};
    }
    part.sessions.push_back(session);
  }
  // An earlier keeper does not know the message; it is not troubled before BFD is configured.
  if (!config_.bfd.empty() || bfd_told_) effects_.push(SendToKeeper{part});
  bfd_told_ = !config_.bfd.empty();
}

bool Node::is_tracked(const keeper::BfdSessionConfig& session) const {
  return !session.paths.empty() ||
         std::ranges::any_of(config_.services, [&](const ServiceSettings& service) {
           return service.bfd_session == session.session.name;
         });
}

// After a change of the configuration or of a session.
void Node::check_bfd_alarms(TimePoint now) {
  std::vector<std::string> down;
  for (const keeper::BfdSessionConfig& session : config_.bfd) {
    const std::string& name = session.session.name;
    const auto known = bfd_.find(name);
    const bool is_up = known != bfd_.end() && known->second.state == bfd::State::up;
    if (is_up || session.session.admin_down || !is_tracked(session)) continue;
    const auto reason = known == bfd_.end() ? bfd::Reason::none : known->second.reason;
    down.push_back(name);
    raise_if_it_lasts(kBfdDown, "bfd " + name, now, name,
                      reason == bfd::Reason::none ? "not up yet" : bfd::to_string(reason));
  }
  for (const std::string& name : bfd_alarms_)
    if (std::ranges::find(down, name) == down.end()) clear(kBfdDown, "bfd " + name);
  bfd_alarms_ = std::move(down);
}

void Node::handle(const keeper::BfdChanged& message, TimePoint now) {
  const bool configured = std::ranges::any_of(
      config_.bfd, [&](const auto& each) { return each.session.name == message.name; });
  if (!configured) {  // of an earlier life of this daemon
    bfd_told_ = true;
    configure_keeper_bfd();
    return;
  }
  bfd_[message.name] = message;
  check_bfd_alarms(now);
  if (!message.is_loss()) return;
  for (const auto& [name, service] : services_)
    if (service->settings.bfd_session == message.name && service->stream_up)
      service->session->close("bfd session " + message.name + ": " + bfd::to_string(message.reason),
                              now);
}

void Node::handle(const keeper::BfdStatus& message, TimePoint now) {
  if (message.first) bfd_incoming_ = {};
  bfd_incoming_.unknown_session = message.unknown_session;
  bfd_incoming_.rejects = message.rejects;
  for (const keeper::BfdSessionStatus& session : message.sessions)
    if (bfd_incoming_.sessions.size() < bfd::kSessionsMax)
      bfd_incoming_.sessions.push_back(session);
  if (!message.last) return;
  bfd_status_ = std::move(bfd_incoming_);
  bfd_incoming_ = {};
  bfd_status_at_ = now;
}

}  // namespace hotpair::ha::node
