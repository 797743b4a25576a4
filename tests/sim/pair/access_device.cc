#include "tests/sim/pair/access_device.h"

#include <algorithm>

#include "tests/sim/pair/sim_node.h"

namespace hotpair::sim {
namespace {

using namespace std::chrono_literals;
namespace lacp = ha::lacp;

lacp::TrunkConfig config_of(bool fast) {
  lacp::TrunkConfig config;
  config.id = lacp::TrunkId(1);
  config.system = MacAddress{{0x00, 0xe0, 0xfc, 0x12, 0x34, 0x60}};
  config.key = 9;
  config.fast = fast;
  config.members = {{0, "to-a", 1, 32768}, {1, "to-b", 2, 32768}};
  return config;
}

constexpr std::uint32_t bit(int node) { return std::uint32_t{1} << static_cast<unsigned>(node); }

}  // namespace

void AccessDevice::connect(SimNode& a, SimNode& b) {
  links_[0].node = &a;
  links_[1].node = &b;
  start();
}

void AccessDevice::start() {
  lights_ = true;
  lacp_ = std::make_unique<lacp::LacpTrunk>(config_of(settings_.fast), true, world_.now());
  armed_.reset();
  for (int node = 0; node < 2; ++node) {
    refresh(node);
    on_link(node);
  }
  if (settings_.period != Duration{})
    world_.after(world_.duration(0ms, settings_.period), [this, life = life_] {
      if (life == life_) tick();
    });
}

void AccessDevice::restart(Duration away, bool links) {
  if (!lacp_) return;
  world_.trace("access device: gone for {} ms{}", away / 1ms, links ? ", with carrier" : "");
  ++life_;
  lacp_.reset();
  inbox_.clear();
  for (Link& link : links_) link.to_say.reset();
  collecting_ = distributing_ = 0;
  lights_ = links;
  for (int node = 0; node < 2; ++node) refresh(node);
  world_.after(away, [this] { start(); });
}

bool AccessDevice::linked(int node) const {
  const Link& link = links_[index(node)];
  return lights_ && link.plugged && !link.held && link.node->powered();
}

bool AccessDevice::collects(int node) const {
  return linked(node) && (collecting_ & bit(node)) != 0;
}

bool AccessDevice::distributes(int node) const {
  return linked(node) && (distributing_ & bit(node)) != 0;
}

void AccessDevice::hold(int node, bool down) {
  Link& link = links_[index(node)];
  if (link.held == down) return;
  world_.trace("{}: member link {}", node, down ? "held down" : "given back");
  link.held = down;
  refresh(node);
}

void AccessDevice::plug(int node, bool plugged) {
  links_[index(node)].plugged = plugged;
  refresh(node);
}

// Both ends learn of it, each at its own time, and see what holds by then.
void AccessDevice::refresh(int node) {
  Link& link = links_[index(node)];
  if (link.was_up == linked(node)) return;
  link.was_up = linked(node);
  world_.after(world_.duration(100us, 12ms), [node = link.node] { node->on_member_carrier(); });
  world_.after(world_.duration(100us, 30ms), [this, node, life = life_] {
    if (life != life_ || !lacp_) return;
    if (settings_.period != Duration{})
      inbox_.emplace_back(node, std::nullopt);
    else
      on_link(node);
  });
}

void AccessDevice::on_link(int node) {
  lacp_->set_enabled(static_cast<lacp::MemberIndex>(node), linked(node), world_.now());
  drain();
}

void AccessDevice::hear(int from, const Bytes& pdu) {
  if (mute || world_.chance(loss)) return;
  world_.after(way(links_[index(from)].from_node), [this, from, pdu, life = life_] {
    if (life != life_ || !lacp_ || !linked(from)) return;
    if (settings_.period != Duration{})
      inbox_.emplace_back(from, pdu);
    else
      on_pdu(from, pdu);
  });
}

Duration AccessDevice::way(TimePoint& newest) {
  newest = std::max(newest, world_.now() + world_.duration(20us, 200us));
  return newest - world_.now();
}

void AccessDevice::on_pdu(int from, const Bytes& pdu) {
  lacp_->on_pdu(static_cast<lacp::MemberIndex>(from), pdu, world_.now());
  drain();
}

void AccessDevice::tick() {
  const auto inbox = std::exchange(inbox_, {});
  for (const auto& [node, pdu] : inbox) {
    if (pdu)
      on_pdu(node, *pdu);
    else
      on_link(node);
  }
  lacp_->on_timeout(world_.now());
  drain();
  if (++ticks_ % 3 == 0)
    for (int node = 0; node < 2; ++node)
      if (const auto pdu = std::exchange(links_[index(node)].to_say, std::nullopt)) say(node, *pdu);
  world_.after(settings_.period, [this, life = life_] {
    if (life == life_) tick();
  });
}

void AccessDevice::drain() {
  while (const auto effect = lacp_->poll_effect()) take(*effect);
  if (settings_.period == Duration{}) arm();
}

void AccessDevice::take(const lacp::Effect& effect) {
  if (const auto* send = std::get_if<lacp::SendPdu>(&effect)) {
    if (settings_.period != Duration{})
      links_[send->member].to_say = send->bytes;
    else
      say(send->member, send->bytes);
  } else if (const auto* masks = std::get_if<lacp::MasksChanged>(&effect)) {
    use(masks->collecting, masks->distributing);
  }
}

void AccessDevice::say(int to, const Bytes& pdu) {
  SimNode* node = links_[index(to)].node;
  const bool lost = !node->crosses({Crossing::What::lacpdu, Crossing::kAccess, "LACPDU", nullptr});
  if (lost || mute || world_.chance(loss)) return;
  world_.after(way(links_[index(to)].to_node), [this, to, pdu, node] {
    if (linked(to)) node->on_datagram(SlowPdu{pdu});
  });
}

// One event at a time; one that comes too early changes nothing.
void AccessDevice::arm() {
  const auto due = lacp_->next_deadline();
  if (!due || (armed_ && *armed_ <= *due && *armed_ > world_.now())) return;
  armed_ = std::max(*due, world_.now());
  world_.after(*armed_ - world_.now(), [this, life = life_] {
    if (life != life_) return;
    lacp_->on_timeout(world_.now());
    drain();
  });
}

// Its forwarding follows its machines: at once with the period, else flow by flow.
void AccessDevice::use(std::uint32_t collecting, std::uint32_t distributing) {
  const Duration takes = settings_.period == Duration{} ? world_.duration(1ms, 15ms) : Duration{};
  used_from_ = std::max(used_from_, world_.now() + takes);
  world_.after(used_from_ - world_.now(), [this, collecting, distributing, life = life_] {
    if (life != life_) return;
    collecting_ = collecting;
    distributing_ = distributing;
    world_.trace("access device: collects from {:02b}, sends to {:02b}", collecting, distributing);
  });
}

}  // namespace hotpair::sim
