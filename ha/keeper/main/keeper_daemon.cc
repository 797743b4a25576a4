#include <sys/epoll.h>

#include "ha/keeper/main/keeper_messages.h"
#include "ha/keeper/main/keeper_process.h"
#include "platform/io/clock.h"

// The daemon's side of the reflex process: one connection, kept descriptors, the map of gate words.
namespace hotpair::ha::keeper {

void KeeperProcess::accept_daemon() {
  auto accepted = listener_.accept();
  if (!accepted) {
    log_(messages::kDaemonRefused, accepted.error().detail);
    return;
  }
  if (!*accepted) return;
  if (daemon_) read_daemon();  // it may have ended just before
  if (daemon_ && keeper_.control() == ControlState::running) {
    log_(messages::kDaemonRefused, "another daemon is connected");
    MessageStream refused(std::move((*accepted)->fd));
    static_cast<void>(refused.send(encode(FromKeeper(Refused{"another daemon is connected"}))));
    return;
  }
  if (daemon_) lose_daemon("silent, and another one came");
  daemon_.emplace(std::move((*accepted)->fd));
  static_cast<void>(watch(daemon_->fd(), EPOLLIN));
  log_(messages::kDaemonConnected, (*accepted)->pid);
  keeper_.on_daemon_connected(platform::io::now());
  drain();
}

void KeeperProcess::read_daemon() {
  if (const auto flushed = daemon_->flush(); !flushed) {
    lose_daemon(flushed.error().detail);
    return;
  }
  if (!daemon_->wants_write()) static_cast<void>(watch(daemon_->fd(), EPOLLIN, true));
  const auto frames = daemon_->receive();
  if (!frames) {
    lose_daemon(frames.error().detail);
    return;
  }
  for (const Bytes& frame : *frames) {
    if (!daemon_ || done_) return;
    on_daemon_frame(frame);
  }
}

void KeeperProcess::on_daemon_frame(const Bytes& frame) {
  const auto message = decode_to_keeper(frame);
  if (!message) {
    log_(messages::kMalformed,
         message.error() == MessageReject::malformed ? "malformed" : "unknown number");
    return;
  }
  if (const auto* descriptors = std::get_if<Descriptors>(&*message)) {
    if (const auto kept = keep_descriptors(*descriptors); !kept) {
      lose_daemon(kept.error().detail);
      return;
    }
  }
  keeper_.on_message(*message, platform::io::now());
  drain();
}

Result<void> KeeperProcess::keep_descriptors(const Descriptors& message) {
  auto fds = daemon_->take_fds(message.names.size());
  if (!fds) return std::unexpected(fds.error());
  for (std::size_t i = 0; i < message.names.size(); ++i) {
    if (message.names[i] == "gate-words") adopt_gate_words((*fds)[i].get());
    if (message.names[i] == "trunk-words") adopt_trunk_words((*fds)[i].get());
    kept_.keep(message.names[i], std::move((*fds)[i]));
  }
  return {};
}

void KeeperProcess::adopt_gate_words(int fd) {
  auto words = platform::gate::GateWords::map_writable(fd);
  if (!words) {
    log_(messages::kGateMap, words.error().detail);
    return;
  }
  gate_words_.emplace(std::move(*words));
  for (StoreGate& word : keeper_.gate_words()) carry_out(word);
}

void KeeperProcess::lose_daemon(const std::string& why) {
  if (!daemon_) return;
  daemon_.reset();
  log_(messages::kDaemonLost, why);
  keeper_.on_daemon_disconnected(platform::io::now());
  drain();
}

void KeeperProcess::send_to_daemon(const FromKeeper& message) {
  const bool refused = std::holds_alternative<Refused>(message);
  if (!daemon_ || (!refused && !keeper_.daemon_welcomed())) return;
  std::vector<int> fds;
  if (const auto* welcome = std::get_if<Welcome>(&message))
    for (const std::string& name : welcome->descriptors) fds.push_back(kept_.find(name));
  const auto sent = daemon_->send(encode(message), fds);
  if (!sent || refused) {
    lose_daemon(refused ? "versions do not meet" : sent.error().detail);
    return;
  }
  if (daemon_->wants_write())
    static_cast<void>(watch(daemon_->fd(), EPOLLIN | EPOLLOUT, true));
}

}  // namespace hotpair::ha::keeper
