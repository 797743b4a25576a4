#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/store/memory_store.h"
#include "ha/node/node.h"
#include "rbs/wire/frame_codec.h"

namespace hotpair::ha::node::testing {

using namespace std::chrono_literals;

inline constexpr ScopeId kScope{2};
inline constexpr NodeId kSelf{0x11};
inline constexpr NodeId kPeer{0x22};
inline constexpr etrunk::EtrunkId kTrunk{1};
inline constexpr TransportId kTransport{1};

/// One node with a store in memory; keeper and peer are played by the test. `log`, `ended` and
/// `to_keeper` gather what it says.
class NodeStand {
 public:
  enum class Key { absent, present };
  explicit NodeStand(Key key = Key::absent, const NodeConfig& config = configuration(),
                     checkpoint::store::StoreExecutor* other_store = nullptr) {
    if (other_store != nullptr) executor = other_store;
    if (key == Key::present) node.set_pair_key(true, now);
    apply(config);
  }

  static NodeConfig configuration() {
    NodeConfig config;
    EtrunkSettings trunk;
    trunk.etrunk.id = kTrunk;
    trunk.etrunk.paths = {
        {etrunk::PathId{0}, IpAddress::v4(0x0a000001), IpAddress::v4(0x0a000002), ""}};
    config.etrunks = {trunk};
    config.services = {{"rbs1", IpAddress::v4(0x0a000001), IpAddress::v4(0x0a000002), 1025}};
    config.scopes = {{kScope, "rbp1", "rbs1", kTrunk, 1, true, true}};
    return config;
  }
  void apply(const NodeConfig& config) {
    node.apply(config, now);
    settle();
  }

  /// Carries out what can be carried out here.
  void settle() {
    while (auto effect = node.poll_effect()) {
      if (const auto* ask = std::get_if<AskStore>(&*effect)) {
        for (const auto& reply : executor->execute({&ask->request, 1})) node.on_store(reply, now);
      } else if (const auto* line = std::get_if<WriteLog>(&*effect)) {
        log.emplace_back(line->message->id, line->text);
      } else if (auto* end = std::get_if<ActionEnded>(&*effect)) {
        ended.push_back(std::move(*end));
      } else if (auto* said = std::get_if<SendToKeeper>(&*effect)) {
        to_keeper.push_back(std::move(said->message));
      } else if (std::holds_alternative<DialNow>(*effect)) {
        ++dials;
      } else if (const auto* drop = std::get_if<DropConnection>(&*effect)) {
        dropped.push_back(drop->reason);
      } else if (auto* bytes = std::get_if<SendBytes>(&*effect)) {
        sent.feed(bytes->bytes);
        while (auto payload = sent.next()) {
          if (!*payload) break;
          frames.push_back(*rbs::wire::decode(**payload));
        }
        node.on_transport_sent(bytes->transport, bytes->bytes.size(), now);
      } else if (const auto* add = std::get_if<AddPlaneLink>(&*effect)) {
        plane.push_back("+" + std::to_string(add->link.link.value()) + " " + add->link.device);
      } else if (const auto* remove = std::get_if<RemovePlaneLink>(&*effect)) {
        plane.push_back("-" + std::to_string(remove->link.value()));
      } else if (const auto* attach = std::get_if<AttachGate>(&*effect)) {
        plane.push_back("gate +" + attach->device);
      } else if (const auto* detach = std::get_if<DetachGate>(&*effect)) {
        plane.push_back("gate -" + detach->device);
      } else if (std::holds_alternative<Stop>(*effect)) {
        stopped = true;
      } else if (other) {
        other(*effect);
      }
    }
  }
  /// Runs every timer that is due until `then`.
  void run_until(TimePoint then) {
    while (const auto due = node.next_deadline()) {
      if (*due > then) break;
      now = std::max(now, *due);
      node.on_timeout(now);
      settle();
    }
    now = then;
  }
  void run(Duration time) { run_until(now + time); }

  void keeper(const keeper::FromKeeper& message) {
    node.on_keeper(message, now);
    settle();
  }
  void connect_keeper(std::vector<keeper::ScopeState> scopes = {}) {
    node.on_keeper_connected(now);
    settle();
    keeper::Welcome welcome;
    welcome.scopes = std::move(scopes);
    keeper(welcome);
  }
  etrunk::Hello hello(role::Role role, Term term, std::uint8_t rank = 50) const {
    etrunk::Hello hello;
    hello.etrunk = kTrunk;
    hello.node = kPeer;
    hello.rank = rank;
    hello.control = etrunk::ControlState::running;
    etrunk::ScopeReport report;
    report.scope = kScope;
    report.role = role;
    report.term = term;
    report.complete = term != Term{};
    report.access_up = true;
    hello.scopes = {report};
    return hello;
  }
  void hear(role::Role role, Term term, std::uint8_t rank = 50) {
    keeper(keeper::PeerHello{hello(role, term, rank)});
  }
  // ---- the peer's end of the channel ----
  void say(const rbs::session::Frame& frame) {
    node.on_transport_bytes(kTransport, *rbs::wire::encode(frame), now);
    settle();
  }
  /// The newest frame of its kind; made empty if none was sent.
  template <typename Wanted>
  [[nodiscard]] Wanted sent_last() const {
    for (auto each = frames.rbegin(); each != frames.rend(); ++each)
      if (const auto* found = std::get_if<Wanted>(&*each)) return *found;
    ADD_FAILURE() << "no such frame was sent";
    return {};
  }
  void come_up() {
    node.on_transport_up(kTransport, now);
    settle();
    rbs::session::Open open;
    open.node = kPeer;
    open.scopes = {kScope};
    say(open);
    say(rbs::session::Accept{});
  }
  /// The peer's copy, empty at first, becomes complete.
  void sync_as_master(const Term& own, std::uint32_t generation = 1) {
    rbs::session::ScopeState state;
    state.scope = kScope;
    state.role = rbs::session::Role::backup;
    state.term = own;
    state.incomplete = true;
    state.generation = generation;
    say(state);
    const auto begin = sent_last<rbs::session::BulkBegin>();
    const auto end = sent_last<rbs::session::BulkEnd>();
    ASSERT_FALSE(begin.history.empty());
    say(rbs::session::Ack{kScope, end.sync, begin.history.back().epoch, end.target});
  }
  /// The peer's copy is the same.
  void answer_digests() {
    auto digests = sent_last<rbs::session::Digests>();
    digests.answer = true;
    say(digests);
  }
  [[nodiscard]] bool has_alarm(std::string_view id) const {
    for (const ActiveAlarm& alarm : node.alarms().active())
      if (alarm.message->id == id) return true;
    return false;
  }
  [[nodiscard]] const Scope& scope() const { return *node.scopes().at(kScope); }

  TimePoint now{1h};
  checkpoint::store::MemoryStore store;
  checkpoint::store::StoreExecutor* executor = &store;
  Node node{{kSelf, "test", 1}, now};
  std::vector<std::pair<std::string, std::string>> log;
  std::vector<ActionEnded> ended;
  std::vector<keeper::ToKeeper> to_keeper;
  std::vector<std::string> dropped;
  int dials = 0;  ///< how often the channel was to be dialled at once
  rbs::wire::FrameReader sent;
  std::vector<rbs::session::Frame> frames;  ///< to the peer
  std::vector<std::string> plane;  ///< links and gates: "+1 et1", "-1", "gate +et1", "gate -et1"
  bool stopped = false;
  std::function<void(NodeEffect&)> other;  ///< what is not carried out here
};

}  // namespace hotpair::ha::node::testing
