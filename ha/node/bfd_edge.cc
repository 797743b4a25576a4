#include <fmt/format.h>

#include <algorithm>

#include "ha/node/link_address.h"
#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

// BFD lives in the keeper; here is what the brain does with its word: channels, alarms, displays.
namespace hotpair::ha::node {

/// Those of the configuration, and one with each PIM neighbour on links that ask for it.
std::vector<keeper::BfdSessionConfig> Node::bfd_sessions() const {
  std::vector<keeper::BfdSessionConfig> sessions = config_.bfd;
  for (const auto& [name, neighbour] : bfd_neighbours_)
    if (sessions.size() < bfd::kSessionsMax) sessions.push_back({neighbour.session, {}});
  return sessions;
}

/// After a change of neighbours, links or roles; the keeper hears of it if the sessions change.
void Node::refresh_bfd_neighbours() {
  std::map<std::string, BfdNeighbour> wanted;
  for (const auto& family : pim_)
    for (const auto& [id, link] : links_) {
      const auto& settings =
          family->family == Family::ipv4 ? link.settings.pim_ipv4 : link.settings.pim_ipv6;
      if (!settings || !settings->bfd || link.settings.vrf != family->vrf ||
          !family->pim.neighbours().is_live(id))
        continue;
      for (const IpAddress& address : family->pim.neighbours().addresses(id)) {
        bfd::SessionConfig session;
        session.name = fmt::format("pim-{}-{}", link.settings.name, address.to_string());
        const bool floats = link.settings.pim_floating;
        session.local =
            floats ? floating_address(link, family->family) : link_address(link, family->family);
        session.peer = address;
        session.device = floats ? link.floating_facts.device : link.settings.device;
        session.min_tx_us = settings->bfd->min_tx_us;
        session.min_rx_us = settings->bfd->min_rx_us;
        session.multiplier = settings->bfd->multiplier;
        const std::string name = session.name;
        wanted.emplace(name, BfdNeighbour{id, std::move(session)});
      }
    }
  if (wanted == bfd_neighbours_) return;
  bfd_neighbours_ = std::move(wanted);
  std::erase_if(bfd_, [this](const auto& each) { return !is_bfd_session(each.first); });
  if (keeper_up_) configure_keeper_bfd();
}

bool Node::is_bfd_session(const std::string& name) const {
  return bfd_neighbours_.contains(name) || std::ranges::any_of(config_.bfd, [&](const auto& each) {
           return each.session.name == name;
         });
}

void Node::configure_keeper_bfd() {
  keeper::ConfigureBfd part;
  const std::vector<keeper::BfdSessionConfig> all = bfd_sessions();
  for (const keeper::BfdSessionConfig& session : all) {
    if (part.sessions.size() == keeper::kBfdSessionsPerMessage) {
      part.last = false;
      effects_.push(SendToKeeper{part});
      part = {false, true, {}};
    }
    part.sessions.push_back(session);
  }
  // An earlier keeper does not know the message; it is not troubled before BFD is configured.
  if (!all.empty() || bfd_told_) effects_.push(SendToKeeper{part});
  bfd_told_ = bfd_told_ || !all.empty();  // it is asked on, so that displays forget what is gone
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
  if (!is_bfd_session(message.name)) {  // of an earlier life of this daemon
    bfd_told_ = true;
    configure_keeper_bfd();
    return;
  }
  bfd_[message.name] = message;
  check_bfd_alarms(now);
  if (const auto found = bfd_neighbours_.find(message.name); found != bfd_neighbours_.end()) {
    // A Down that is not proven counts too: who can forge it can forge a goodbye as well.
    const bool is_lost =
        message.from == bfd::State::up && (message.reason == bfd::Reason::detection_timeout ||
                                           message.reason == bfd::Reason::remote_down);
    if (!is_lost) return;
    const BfdNeighbour neighbour = found->second;
    const IpAddress& address = neighbour.session.peer;
    pim_of(links_.at(neighbour.link), address.family())
        .pim.on_neighbour_bfd_down(neighbour.link, address, now);
    return;
  }
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
