#include "ha/bfd/bfd_table.h"

#include <algorithm>

namespace hotpair::ha::bfd {

// splitmix64: the seed is random, what comes of it need only not repeat.
std::uint64_t BfdTable::random() {
  seed_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t bits = seed_;
  bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebULL;
  return bits ^ (bits >> 31U);
}

void BfdTable::retire(const std::vector<SessionConfig>& configs, TimePoint now) {
  std::vector<Discriminator> kept;
  for (const Discriminator id : order_) {
    Entry& entry = entries_.at(id);
    const bool wanted = std::ranges::any_of(configs, [&](const SessionConfig& config) {
      return entry.session.is_same_session(config);
    });
    if (wanted) {
      kept.push_back(id);
      continue;
    }
    entry.session.shut_down(now);
    collect(id, entry);
    if (entry.due) due_.erase({*entry.due, id});
    entries_.erase(id);
  }
  order_ = std::move(kept);
}

void BfdTable::configure(const std::vector<SessionConfig>& configs, TimePoint now) {
  retire(configs, now);
  std::vector<Discriminator> left = std::exchange(order_, {});
  for (const SessionConfig& config : configs) {
    const auto same = std::ranges::find_if(
        left, [&](Discriminator id) { return entries_.at(id).session.is_same_session(config); });
    if (same == left.end()) {
      if (!is_taken(config) && entries_.size() < kSessionsMax) add(config, now);
      continue;
    }
    Entry& entry = entries_.at(*same);
    order_.push_back(*same);
    left.erase(same);
    if (entry.session.config() == config) continue;
    entry.session.reconfigure(config, now);
    collect(order_.back(), entry);
  }
}

bool BfdTable::is_taken(const SessionConfig& config) const {
  return std::ranges::any_of(entries_, [&](const auto& known) {
    const SessionConfig& other = known.second.session.config();
    const bool discriminator = config.local_discriminator == known.first;
    const bool addresses = other.local == config.local && other.peer == config.peer &&
                           other.device == config.device && other.multihop == config.multihop;
    return discriminator || addresses || other.name == config.name;
  });
}

void BfdTable::add(const SessionConfig& config, TimePoint now) {
  Discriminator id = config.local_discriminator;
  while (id.value() == 0 || (id != config.local_discriminator && entries_.contains(id))) {
    const auto chosen = static_cast<std::uint32_t>(random());
    id = Discriminator(chosen > kConfiguredDiscriminatorMax ? chosen : 0);
  }
  const BfdSession::Start start{id, static_cast<std::uint32_t>(random()), random()};
  const auto [it, made] = entries_.emplace(id, Entry{BfdSession(config, start, now), {}});
  order_.push_back(id);
  collect(id, it->second);
}

const BfdSession* BfdTable::route(const ControlPacket& packet, const Arrival& arrival) const {
  if (packet.your_discriminator != Discriminator()) return find(packet.your_discriminator);
  for (const Discriminator id : order_) {
    const BfdSession& session = entries_.at(id).session;
    const SessionConfig& config = session.config();
    if (config.peer == arrival.source && config.local == arrival.destination &&
        config.multihop == arrival.multihop && config.device == arrival.device) {
      return &session;
    }
  }
  return nullptr;
}

void BfdTable::on_packet(const ControlPacket& packet, const Arrival& arrival, TimePoint now) {
  const BfdSession* session = route(packet, arrival);
  if (session == nullptr) {
    ++unknown_session_;
    return;
  }
  const Discriminator id = session->discriminator();
  Entry& entry = entries_.at(id);
  static_cast<void>(entry.session.on_packet(packet, arrival, now));
  collect(id, entry);
}

void BfdTable::on_sent(Discriminator session) {
  const auto it = entries_.find(session);
  if (it != entries_.end()) it->second.session.on_sent();
}

void BfdTable::on_send_failed(Discriminator session) {
  const auto it = entries_.find(session);
  if (it != entries_.end()) it->second.session.on_send_failed();
}

void BfdTable::on_timeout(TimePoint now) {
  // A session is looked at once, also if it is due again at the same instant.
  std::size_t left = entries_.size();
  while (left-- > 0 && !due_.empty() && due_.begin()->first <= now) {
    const Discriminator id = due_.begin()->second;
    Entry& entry = entries_.at(id);
    entry.session.on_timeout(now);
    collect(id, entry);
  }
}

void BfdTable::shut_down(TimePoint now) {
  for (const Discriminator id : order_) {
    Entry& entry = entries_.at(id);
    entry.session.shut_down(now);
    collect(id, entry);
  }
}

// What a session wants done, and its next timer.
void BfdTable::collect(Discriminator id, Entry& entry) {
  while (auto effect = entry.session.poll_effect()) effects_.push_back({id, std::move(*effect)});
  const auto due = entry.session.next_deadline();
  if (due == entry.due) return;
  if (entry.due) due_.erase({*entry.due, id});
  if (due) due_.insert({*due, id});
  entry.due = due;
}

std::optional<TimePoint> BfdTable::next_deadline() const {
  return due_.empty() ? std::nullopt : std::optional(due_.begin()->first);
}

std::optional<BfdTable::Effect> BfdTable::poll_effect() {
  if (effects_.empty()) return std::nullopt;
  Effect effect = std::move(effects_.front());
  effects_.pop_front();
  return effect;
}

const BfdSession* BfdTable::find(Discriminator session) const {
  const auto it = entries_.find(session);
  return it == entries_.end() ? nullptr : &it->second.session;
}

const BfdSession* BfdTable::find(const std::string& name) const {
  for (const Discriminator id : order_) {
    const BfdSession& session = entries_.at(id).session;
    if (session.config().name == name) return &session;
  }
  return nullptr;
}

std::vector<SessionView> BfdTable::views() const {
  std::vector<SessionView> views;
  for (const Discriminator id : order_) views.push_back(entries_.at(id).session.view());
  return views;
}

}  // namespace hotpair::ha::bfd
