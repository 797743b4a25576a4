#include "tests/unit/ha_keeper_core/pair.h"

namespace hotpair::ha::keeper::test {

Pair::Pair() {
  a.id = NodeId(0xa);
  b.id = NodeId(0xb);
}
Pair::~Pair() = default;

void Pair::start_keeper(Router& router) {
  ++router.lives;
  const std::uint64_t session = router.id.value() * 1000 + router.lives;
  router.keeper = std::make_unique<Keeper>(
      Keeper::Identity{static_cast<std::uint32_t>(session), session, session}, now);
  router.socket.clear();
  router.bfd_socket.clear();
  router.exited = false;
}

void Pair::kill_keeper(Router& router) {
  router.keeper.reset();
  router.heartbeat_at.reset();
}

Configure Pair::configuration(const Router& router) const {
  Configure configure;
  configure.restart_grace_ms = grace_ms;
  EtrunkConfig etrunk;
  etrunk.id = kEtrunk;
  etrunk.hello_ms = hello_ms;
  etrunk.multiplier = multiplier;
  const std::uint32_t own = &router == &a ? 1 : 2;
  for (std::uint32_t n = 0; n < path_count; ++n) {
    etrunk.paths.push_back({etrunk::PathId(static_cast<std::uint8_t>(n)),
                            IpAddress::v4(0x0a000000 + n * 256 + own),
                            IpAddress::v4(0x0a000000 + n * 256 + 3 - own), ""});
  }
  configure.etrunks.push_back(etrunk);
  configure.scopes.push_back({kScope, kEtrunk, 3, {"ge0"}});
  return configure;
}

void Pair::connect(Router& router) {
  router.daemon = true;
  router.heartbeat_at = now + milliseconds(500);
  router.told.clear();
  router.keeper->on_daemon_connected(now);
  drain(router);
  tell(router, DaemonHello{1, 1, router.id, "test"});
  before_configuration(router);
  tell(router, configuration(router));
  if (bfd_us != 0) tell(router, bfd_configuration(router));
}

ConfigureBfd Pair::bfd_configuration(const Router& router) const {
  const std::uint32_t own = &router == &a ? 1 : 2;
  BfdSessionConfig config;
  config.session.name = "ab";
  config.session.local = IpAddress::v4(0x0a000000 + own);
  config.session.peer = IpAddress::v4(0x0a000003 - own);
  config.session.min_tx_us = config.session.min_rx_us = bfd_us;
  if (bfd_keyed) config.session.keys = {{1, "secret"}};
  config.paths = {{kEtrunk, etrunk::PathId(0)}};
  return {true, true, {config}};
}

void Pair::kill_daemon(Router& router) {
  router.daemon = false;
  router.heartbeat_at.reset();
  if (!router.keeper) return;
  router.keeper->on_daemon_disconnected(now);
  drain(router);
}

void Pair::run_until(TimePoint end) {
  while (true) {
    const auto due = next_event();
    if (!due || *due > end) break;
    advance(std::max(now, *due));
    step();
  }
  advance(end);
}

void Pair::step() {
  other_step();
  deliver();
  for (Router& router : routers) {
    if (!router.keeper || router.frozen || router.exited) continue;
    if (router.heartbeat_at && *router.heartbeat_at <= now) {
      router.heartbeat_at = now + milliseconds(500);
      router.keeper->on_message(Heartbeat{}, now);
      drain(router);
    }
    const auto due = router.keeper->next_deadline();
    if (due && *due <= now) {
      router.keeper->on_timeout(now);
      drain(router);
    }
    read_socket(router);
  }
}

void Pair::bring_up(const std::vector<Cause>& causes) {
  for (Router& router : routers) {
    start_keeper(router);
    connect(router);
    set_scope(router, Role::init, Term{}, GatePosture::closed, false);
  }
  run_for(milliseconds(3 * hello_ms));
  set_scope(a, Role::master, term(1, a), GatePosture::leased);
  run_for(milliseconds(2 * hello_ms));
  if (bfd_us != 0) run_for(seconds(3));
  set_scope(b, Role::backup, term(1, a), GatePosture::closed);
  arm(b, term(1, a), term(2, b), causes);
  run_for(milliseconds(3 * hello_ms + 7));
}

void Pair::give_bfd(Router& router, const bfd::ControlPacket& packet) {
  const std::uint32_t own = &router == &a ? 1 : 2;
  const bfd::Arrival arrival{IpAddress::v4(0x0a000003 - own),
                             IpAddress::v4(0x0a000000 + own),
                             255,
                             false,
                             {},
                             packet.auth ? bfd::DigestCheck::verified : bfd::DigestCheck::none};
  router.keeper->on_bfd(packet, arrival, now);
  drain(router);
}

void Pair::drain(Router& router) {
  while (router.keeper) {
    auto effect = router.keeper->poll_effect();
    if (!effect) break;
    ++steps;
    router.journal.push_back(*effect);
    on_effect(router, *effect);
    if (auto* send = std::get_if<SendHello>(&*effect)) {
      transmit(router, *send);
    } else if (auto* packet = std::get_if<SendBfd>(&*effect)) {
      transmit(router, *packet);
    } else if (auto* gate = std::get_if<StoreGate>(&*effect)) {
      router.gates[gate->slot] = gate->word;
    } else if (auto* message = std::get_if<ToDaemon>(&*effect)) {
      if (router.daemon) router.told.push_back(message->message);
    } else if (std::holds_alternative<DrainSockets>(*effect)) {
      read_socket(router);
      router.keeper->on_drained(now);
    } else if (std::holds_alternative<Exit>(*effect)) {
      router.exited = true;
    }
  }
}

std::optional<TimePoint> Pair::next_event() const {
  std::optional<TimePoint> due = other_deadline();
  for (const Packet& packet : wire_) due = earliest(due, packet.at);
  for (const Router& router : routers) {
    if (!router.keeper || router.frozen || router.exited) continue;
    due = earliest(due, router.heartbeat_at);
    due = earliest(due, router.keeper->next_deadline());
    if (!router.socket.empty() || !router.bfd_socket.empty()) due = now;
  }
  return due;
}

void Pair::advance(TimePoint to) {
  const auto end_of = [&](const Router& router) {
    const std::uint64_t value = word(router);
    return value == kGateOpen ? to : TimePoint(Duration(static_cast<std::int64_t>(value)));
  };
  const TimePoint both = std::min({end_of(a), end_of(b), to});
  if (both > now) {
    overlap_run_ += both - now;
    overlap = std::max(overlap, overlap_run_);
  }
  if (both < to) overlap_run_ = Duration{};
  now = to;
}

void Pair::deliver() {
  std::vector<Packet> due;
  std::erase_if(wire_, [&](const Packet& packet) {
    if (packet.at > now) return false;
    due.push_back(packet);
    return true;
  });
  for (Packet& packet : due) {
    ++steps;
    Router& to = routers[packet.to];
    if (!to.keeper) continue;
    if (const Hello* hello = std::get_if<Hello>(&packet.content))
      to.socket.push_back(*hello);
    else
      to.bfd_socket.push_back(std::get<bfd::ControlPacket>(packet.content));
  }
}

void Pair::read_socket(Router& router) {
  while (router.keeper && !router.exited && !router.bfd_socket.empty()) {
    const bfd::ControlPacket packet = router.bfd_socket.front();
    router.bfd_socket.pop_front();
    give_bfd(router, packet);
  }
  while (router.keeper && !router.exited && !router.socket.empty()) {
    const Hello hello = router.socket.front();
    router.socket.pop_front();
    router.keeper->on_hello(hello.etrunk, hello.path, hello, now);
    drain(router);
  }
}

void Pair::transmit(Router& router, const SendHello& send) {
  const std::size_t path = send.path.value();
  if (!router.can_send[path]) {
    router.keeper->on_hello_failed(send.etrunk, send.path, now);
    return;
  }
  Hello hello = send.hello;
  if (!marks)
    for (etrunk::ScopeReport& report : hello.scopes) report.opened = 0;
  if (router.link[path]) wire_.push_back({now + kDelay, 1 - index(router), std::move(hello)});
  router.keeper->on_hello_sent(send.etrunk, send.path, now);
}

void Pair::transmit(Router& router, const SendBfd& send) {
  if (!router.bfd_can_send) {
    router.keeper->on_bfd_failed(send.session);
    return;
  }
  if (router.bfd_link) wire_.push_back({now + kDelay, 1 - index(router), send.packet});
  router.keeper->on_bfd_sent(send.session);
}

}  // namespace hotpair::ha::keeper::test
