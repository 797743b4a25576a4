#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <variant>

#include "checkpoint/store/memory_store.h"
#include "rbs/session/replication_session.h"
#include "rbs/wire/frame_codec.h"

// Bytes as an authenticated peer could send them: decode, apply to a session that is up, with a
// store behind it. The first byte chooses this node's role; the rest is a stream of frames, each
// with a 4-byte length. Whatever comes, the session stays up or has closed with a reason.
namespace {

using namespace hotpair;
using namespace hotpair::rbs;

constexpr ScopeId kScope{10};

class Node {
 public:
  explicit Node(bool master)
      : journal_(kScope, checkpoint::journal::JournalConfig{}, ids_), session_(config(), ids_) {
    const Term term{3, NodeId{1}};
    session_.set_scope(kScope, {master ? session::Role::master : session::Role::backup, term},
                       journal_, now_);
    settle();
    if (master) {
      for (std::uint8_t i = 0; i < 20; ++i) {
        checkpoint::RecordKey key{16, VrfId{0}, Family::ipv4, Bytes(1, std::byte{i})};
        journal_.append({key, checkpoint::RecordValue{1, Bytes(3)}}, now_);
      }
      settle();
    }
    session_.on_connected(now_);
    feed(session::Open{1, session::kProtocolMax, NodeId{2}, "fuzz", {}, 0, {kScope}});
    feed(session::Accept{session::kProtocolMax});
  }

  void feed(const session::Frame& frame) {
    session_.on_frame(frame, now_);
    settle();
  }
  void reject(const Error& error) {
    session_.on_reject(session::Reason::malformed, error.detail, now_);
    settle();
  }
  void pass(Duration time) {
    now_ += time;
    session_.on_timeout(now_);
    journal_.on_timeout(now_);
    settle();
  }
  [[nodiscard]] bool up() const { return session_.up(); }
  void check() const {
    const auto model = session_.show(now_);
    if (model.store_requests != 0 || model.store_bytes != 0) std::abort();
    if (model.state == session::SessionState::down && model.last_reason == session::Reason::none)
      std::abort();
  }

 private:
  static session::SessionConfig config() {
    session::SessionConfig config;
    config.node = NodeId{1};
    config.united_databases = {16, 17};
    return config;
  }
  void settle() {
    for (unsigned rounds = 0;; ++rounds) {
      if (rounds > 10'000) std::abort();  // an endless conversation with itself
      while (auto effect = session_.poll_effect()) {
        if (auto* ask = std::get_if<session::AskStore>(&*effect)) requests_.push_back(ask->request);
        if (const auto* send = std::get_if<session::SendFrame>(&*effect)) sent_ += send->cost;
      }
      while (auto request = journal_.poll_request()) requests_.push_back(*request);
      const auto due = session_.next_deadline();
      if (due && *due <= now_) {
        session_.on_timeout(now_);
        continue;
      }
      if (requests_.empty() && sent_ == 0) return;
      if (sent_ > 0) {
        const std::size_t sent = sent_;
        sent_ = 0;
        session_.on_sent(sent, now_);
        continue;
      }
      auto reply = store_.execute_one(requests_.front());
      requests_.pop_front();
      if (!session_.on_store_reply(std::move(reply), now_)) {
        static_cast<void>(journal_.on_store_reply(reply, now_));
        session_.on_journal(kScope, now_);
      }
    }
  }

  TimePoint now_{std::chrono::seconds(1)};
  checkpoint::journal::RequestIds ids_;
  checkpoint::journal::Journal journal_;
  session::ReplicationSession session_;
  checkpoint::store::MemoryStore store_;
  std::deque<checkpoint::StoreRequest> requests_;
  std::size_t sent_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Node node((data[0] & 1U) != 0);
  wire::FrameReader reader;
  reader.feed({reinterpret_cast<const std::byte*>(data + 1), size - 1});
  while (node.up()) {
    const auto next = reader.next();
    if (!next) {
      node.reject(next.error());
      break;
    }
    if (!*next) break;
    const auto frame = wire::decode(**next);
    if (frame)
      node.feed(*frame);
    else
      node.reject(frame.error());
  }
  node.check();
  node.pass(std::chrono::seconds(30));
  node.pass(std::chrono::seconds(30));
  node.check();
  return 0;
}
