#include "tests/sim/pair/network.h"

#include <algorithm>
#include <utility>

#include "tests/sim/pair/sim_node.h"

namespace hotpair::sim {

using namespace std::chrono_literals;

bool Network::cut(int from, std::uint8_t path) const {
  const auto found = cut_.find({from, path});
  return found != cut_.end() && found->second;
}

Duration Network::unheard() const {
  Duration worst{};
  for (int from = 0; from < 2; ++from) worst = std::max(worst, sent_[from] - arrived_[from]);
  return worst;
}

bool Network::all_cut() const {
  for (int from = 0; from < 2; ++from) {
    bool any = false;
    for (std::uint8_t path = 0; path < 2; ++path) any |= !cut(from, path);
    if (!any) return true;
  }
  return false;
}

void Network::hello(int from, const ha::etrunk::Hello& hello) {
  sent_[from] = world_.now();
  for (const ha::etrunk::ScopeReport& report : hello.scopes)
    if (report.handed_over) given.insert(report.term);
  if (!crosses({Crossing::What::hello, from, "hello", &hello})) return;
  if (cut(from, hello.path.value()) || world_.chance(loss)) return;
  arrived_[from] = world_.now();
  deliver(from, hello);
}

void Network::bfd(int from, const BfdDatagram& datagram) {
  if (!cut(from, datagram.path) && !world_.chance(loss)) deliver(from, datagram);
}

void Network::deliver(int from, const Datagram& datagram) {
  SimNode* to = ends_[static_cast<std::size_t>(1 - from)];
  world_.after(world_.duration(20us, delay_max), [to, datagram] { to->on_datagram(datagram); });
}

/// The stream follows path 0, both ways.
void Network::dial() {
  const std::uint64_t attempt = ++dialling_;
  world_.after(world_.duration(1ms, 100ms), [this, attempt] {
    if (attempt != dialling_ || up_) return;
    if (cut(0, 0) || cut(1, 0) || !ends_[0]->daemon_alive() || !ends_[1]->daemon_alive() ||
        ends_[0]->frozen() || ends_[1]->frozen()) {
      dial();
      return;
    }
    up_ = true;
    ++life_;
    for (Direction& direction : directions_) direction = {};
    ends_[0]->on_stream_up();
    ends_[1]->on_stream_up();
  });
}

void Network::send(int from, const Bytes& bytes) {
  if (!up_) return;
  static_cast<void>(crosses({Crossing::What::stream, from, "frames", nullptr}));
  if (!up_) return;
  const int to = 1 - from;
  directions_[to].waiting.push_back(bytes);
  pump(to);
}

void Network::pump(int to) {
  Direction& direction = directions_[to];
  if (direction.scheduled || direction.paused || direction.waiting.empty()) return;
  direction.scheduled = true;
  Duration delay = world_.duration(20us, delay_max);
  if (stalled_until_ > world_.now()) delay += stalled_until_ - world_.now();
  world_.after(delay, [this, to, life = life_] {
    if (life != life_ || !up_) return;
    Direction& ready = directions_[to];
    ready.scheduled = false;
    if (cut(0, 0) || cut(1, 0) || ends_[static_cast<std::size_t>(to)]->frozen()) {
      ready.scheduled = true;
      world_.after(5ms, [this, to, life] {
        if (life != life_) return;
        directions_[to].scheduled = false;
        pump(to);
      });
      return;
    }
    if (ready.paused || ready.waiting.empty()) return;
    const Bytes bytes = std::move(ready.waiting.front());
    ready.waiting.pop_front();
    // Cut in two somewhere: frames do not come whole.
    const std::size_t cut_at = world_.number(0, bytes.size());
    const ByteSpan whole(bytes);
    ends_[static_cast<std::size_t>(1 - to)]->on_stream_sent(bytes.size());
    if (life == life_ && up_)
      ends_[static_cast<std::size_t>(to)]->on_stream_bytes(to_bytes(whole.first(cut_at)));
    if (life == life_ && up_)
      ends_[static_cast<std::size_t>(to)]->on_stream_bytes(to_bytes(whole.subspan(cut_at)));
    if (life == life_ && up_) pump(to);
  });
}

void Network::break_stream(const std::string& why) {
  if (!up_) return;
  up_ = false;
  ++life_;
  for (SimNode* end : ends_) {
    world_.after(world_.duration(10us, 2ms), [end, why] { end->on_stream_down(why); });
  }
  dial();
}

void Network::set_paused(int end, bool paused) {
  directions_[end].paused = paused;
  if (!paused) pump(end);
}

void Network::stall(Duration time) { stalled_until_ = world_.now() + time; }

}  // namespace hotpair::sim
