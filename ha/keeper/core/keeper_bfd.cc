#include <algorithm>

#include "ha/keeper/core/keeper.h"

// BFD: sessions and what they say of paths. See DESIGN.md.
namespace hotpair::ha::keeper {
namespace {

constexpr std::size_t kBfdSessionsMax = bfd::kSessionsMax;

std::uint64_t bit(PathId path) { return std::uint64_t{1} << path.value(); }

template <typename Microseconds>
auto us(Duration duration) {
  return static_cast<Microseconds>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

}  // namespace

// ---- configuration ----

void Keeper::handle(const ConfigureBfd& message, TimePoint now) {
  if (message.first) bfd_incoming_.clear();
  for (const BfdSessionConfig& session : message.sessions)
    if (bfd_incoming_.size() < kBfdSessionsMax) bfd_incoming_.push_back(session);
  if (!message.last) return;
  bfd_index_.clear();
  bfd_config_ = std::move(bfd_incoming_);
  bfd_incoming_.clear();
  std::vector<bfd::SessionConfig> sessions;
  for (const BfdSessionConfig& config : bfd_config_) sessions.push_back(config.session);
  // Sockets are changed after the last packets of old sessions and before the first of new ones.
  bfd_.retire(sessions, now);
  pump_bfd(now);
  effects_.push(BfdReconfigured{});
  bfd_.configure(sessions, now);
  for (std::size_t i = 0; i < bfd_config_.size(); ++i)
    if (const auto* session = bfd_.find(bfd_config_[i].session.name))
      bfd_index_.emplace(session->discriminator(), i);
  bind_bfd();
  pump_bfd(now);
}

void Keeper::bind_bfd() {
  bfd_bound_.clear();
  for (const auto& [session, index] : bfd_index_)
    for (const BfdBinding& path : bfd_config_[index].paths)
      if (path.path.value() < etrunk::kPathsMax) bfd_bound_.push_back({path, session});
}

const BfdSessionConfig* Keeper::bfd_config_of(bfd::Discriminator session) const {
  const auto index = bfd_index_.find(session);
  return index == bfd_index_.end() ? nullptr : &bfd_config_[index->second];
}

// Sessions are few here: those that are bound to paths.
etrunk::Detectors Keeper::detectors_of(EtrunkId id) const {
  etrunk::Detectors detectors;
  std::uint64_t down = 0;
  for (const BoundSession& bound : bfd_bound_) {
    if (bound.path.etrunk != id) continue;
    const bfd::BfdSession* session = bfd_.find(bound.session);
    if (session != nullptr && session->state() == bfd::State::up) {
      detectors.up |= bit(bound.path.path);
      detectors.time = std::max(detectors.time, session->longer_detection_time());
    } else {
      down |= bit(bound.path.path);
    }
  }
  detectors.up &= ~down;
  return detectors;
}

// ---- packets ----

void Keeper::on_bfd(const bfd::ControlPacket& packet, const bfd::Arrival& arrival, TimePoint now) {
  if (leaving_ == Leaving::gone) return;
  bfd_.on_packet(packet, arrival, now);
  pump_bfd_and_decide(now);
}

void Keeper::on_bfd_sent(bfd::Discriminator session) { bfd_.on_sent(session); }

void Keeper::on_bfd_failed(bfd::Discriminator session) { bfd_.on_send_failed(session); }

// A packet that changes nothing costs no round of decisions.
void Keeper::pump_bfd_and_decide(TimePoint now) {
  if (!bfd_.has_effects()) return;
  begin(now);
  pump_bfd(now);
  finish(now);
}

void Keeper::pump_bfd(TimePoint now) {
  while (auto effect = bfd_.poll_effect()) {
    const bfd::Discriminator id = effect->session;
    if (auto* send = std::get_if<bfd::SendPacket>(&effect->effect))
      effects_.push(SendBfd{id, send->packet});
    else if (const auto* change = std::get_if<bfd::StateChanged>(&effect->effect))
      on_bfd_changed(id, *change, now);
    else
      request_drain();
  }
}

// ---- what a session says of paths ----

void Keeper::on_bfd_changed(bfd::Discriminator id, const bfd::StateChanged& change, TimePoint now) {
  const BfdSessionConfig* config = bfd_config_of(id);
  if (config == nullptr) return;  // it was removed
  BfdChanged changed;
  changed.name = config->session.name;
  changed.discriminator = id;
  changed.from = change.from;
  changed.state = change.to;
  changed.reason = change.reason;
  changed.authenticated = change.authenticated;
  changed.at = now;
  tell(changed);
  for (const BfdBinding& binding : config->paths) {
    const auto session = sessions_.find(binding.etrunk);
    if (session == sessions_.end()) continue;
    judge_path(session->second.machine, binding.path, changed, now);
    pump(binding.etrunk, session->second);
  }
}

// A Down from the wire comes from a peer that lives and does not hear us: it may take a path down,
// but it never makes the peer dead, for the peer's gate may be open for long (DESIGN.md).
void Keeper::judge_path(etrunk::EtrunkSession& machine, PathId path, const BfdChanged& change,
                        TimePoint now) {
  if (change.state == bfd::State::up) machine.on_doubt_over(path);
  if (change.from != bfd::State::up) return;
  const bool disowned = change.reason == bfd::Reason::remote_down;
  if (disowned) machine.on_disowned(now);
  if (change.is_loss())
    machine.on_path_silent(path, now);
  else if (disowned)
    machine.on_path_doubted(path, now);
}

// ---- status ----

void Keeper::welcome_bfd(TimePoint now) {
  for (const bfd::SessionView& view : bfd_.views()) {
    BfdChanged changed;
    changed.name = view.config.name;
    changed.discriminator = view.local_discriminator;
    changed.from = changed.state = view.state;
    changed.reason = view.last_reason;
    changed.at = view.changed_at.value_or(now);
    tell(changed);
  }
}

BfdSessionStatus Keeper::bfd_status_of(const bfd::SessionView& view, TimePoint now) const {
  BfdSessionStatus status;
  status.config = view.config;
  status.local_discriminator = view.local_discriminator;
  status.remote_discriminator = view.remote_discriminator;
  status.state = view.state;
  status.remote_state = view.remote_state;
  status.diag = view.diag;
  status.remote_diag = view.remote_diag;
  status.remote_multiplier = view.remote_multiplier;
  status.remote_demand = view.remote_demand;
  status.remote_control_plane_independent = view.remote_control_plane_independent;
  status.authenticated = view.authenticated;
  status.polling = view.polling;
  status.tx_us = us<std::uint32_t>(view.tx_interval);
  status.rx_us = us<std::uint32_t>(view.rx_interval);
  status.detection_us = us<std::uint64_t>(view.detection_time);
  status.sent = view.sent;
  status.send_failures = view.send_failures;
  status.verdicts.assign(view.verdicts.begin(), view.verdicts.end());
  status.times_up = view.times_up;
  status.times_down = view.times_down;
  status.extensions = view.extensions;
  status.last_reason = view.last_reason;
  if (view.changed_at) status.changed_ms = us<std::uint64_t>(now - *view.changed_at) / 1000;
  status.longest_gap_us = us<std::uint64_t>(view.longest_gap);
  status.lateness.assign(view.lateness.counts().begin(), view.lateness.counts().end());
  status.worst_late_us = us<std::uint64_t>(view.lateness.worst());
  if (const BfdSessionConfig* config = bfd_config_of(view.local_discriminator))
    status.paths = config->paths;
  return status;
}

void Keeper::handle(const AskBfd& /*message*/, TimePoint now) {
  BfdStatus part;
  part.unknown_session = bfd_.unknown_session();
  for (std::size_t i = 0; i < static_cast<std::size_t>(bfd::PacketReject::count); ++i)
    part.rejects.push_back(bfd_.rejects(static_cast<bfd::PacketReject>(i)));
  const std::vector<bfd::SessionView> views = bfd_.views();
  part.last = false;
  for (const bfd::SessionView& view : views) {
    if (part.sessions.size() == kBfdSessionsPerMessage) {
      tell(part);
      part.first = false;
      part.sessions.clear();
    }
    part.sessions.push_back(bfd_status_of(view, now));
  }
  part.last = true;
  tell(part);
}

}  // namespace hotpair::ha::keeper
