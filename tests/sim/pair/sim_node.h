#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "checkpoint/store/memory_store.h"
#include "ha/keeper/core/keeper.h"
#include "ha/node/node.h"
#include "platform/fwd/fake_plane.h"
#include "tests/sim/pair/network.h"
#include "tests/sim/pair/world.h"

namespace hotpair::sim {

/// Faults built into one port, to prove that the invariants see them.
enum class Bug : std::uint8_t {
  none,
  ack_before_commit,   ///< the store answers before the change is safe
  no_fencing,          ///< an expired lease does not close the gate
  skipped_tombstone,   ///< the receiver's store forgets deletions
  ready_not_awaited,   ///< the old master commits without HandoverReady
  commit_not_awaited,  ///< the new side takes the scope without the old one's commit
  carrier_kept,        ///< a link that was held down is never given back
  sync_kept,           ///< LACPDUs that say Synchronization = 0 do not leave
};

/// One router.
class SimNode {
 public:
  SimNode(World& world, Network& network, int index, NodeId id, ha::node::NodeConfig config,
          Bug bug);

  // life
  void start();
  void kill_daemon();
  void start_daemon();
  void kill_keeper();
  void start_keeper();
  /// The machine dies: processes and forwarding. `reboot`: the store's records are gone too.
  void power_off(bool reboot);
  void power_on();
  void freeze(Duration time);

  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  /// Runs one timer that is due.
  void run_timer();

  // what others do to it
  void on_datagram(const Datagram& datagram);
  void on_report(const ha::node::GroupMessage& message);
  void on_stream_up();
  void on_stream_bytes(const Bytes& bytes);
  void on_stream_sent(std::size_t bytes);
  void on_stream_down(const std::string& why);
  void set_access(bool up);
  /// Carrier of the member link behind an Eth-Trunk may have changed.
  void on_member_carrier();
  [[nodiscard]] Result<std::uint64_t> switchover(bool force);
  /// Before its next effect, whichever process would have it.
  void doom(std::function<void()> act) { doom_ = std::move(act); }
  void set_store_failing(bool failing) { store_failing_ = failing; }

  // what invariants look at
  [[nodiscard]] bool gate_open() const;
  [[nodiscard]] bool behind_trunk() const { return !config_.trunks.empty(); }
  [[nodiscard]] bool collects() const;     ///< its trunk word, and its gate, let frames in
  [[nodiscard]] bool distributes() const;  ///< likewise out
  [[nodiscard]] std::uint64_t trunk_word() const { return trunk_word_; }
  /// When it told the LAN last that the floating addresses are here; before the start: never.
  [[nodiscard]] TimePoint announced_at() const { return announced_at_; }
  /// The operator's switchovers that have ended.
  [[nodiscard]] const std::set<std::uint64_t>& ended() const { return ended_; }
  [[nodiscard]] bool crosses(const Crossing& crossing) const { return network_.crosses(crossing); }
  /// Until when it stays open if nobody stores another word.
  [[nodiscard]] TimePoint open_until() const;
  /// The word in force was stored while no path worked in one direction.
  [[nodiscard]] bool gate_stored_divided() const { return gate_stored_divided_; }
  /// Something came over the stream since this was last asked.
  [[nodiscard]] bool take_stream_heard() { return std::exchange(stream_heard_, false); }
  /// The store was lost, or was not kept up, since it was last known to be whole.
  [[nodiscard]] bool store_lost() const { return store_lost_; }
  void set_store_lost(bool lost) { store_lost_ = lost; }
  [[nodiscard]] bool powered() const { return powered_; }
  [[nodiscard]] bool daemon_alive() const { return node_ != nullptr; }
  [[nodiscard]] bool keeper_alive() const { return keeper_ != nullptr; }
  [[nodiscard]] bool frozen() const { return world_.now() < frozen_until_; }
  [[nodiscard]] ha::node::Node* node() { return node_.get(); }
  [[nodiscard]] const ha::node::Scope* scope() const;
  [[nodiscard]] checkpoint::store::MemoryStore& store() { return store_; }
  [[nodiscard]] bool access() const { return access_; }
  [[nodiscard]] int index() const { return index_; }
  /// Effects that are still carried out before the daemon crashes.
  void crash_after_effects(unsigned count) { crash_in_ = count; }

 private:
  friend class Network;
  void settle();
  void drain_node();
  void drain_keeper();
  void act(const ha::node::NodeEffect& effect);
  void act(const ha::keeper::Effect& effect);
  void send_bfd(const ha::keeper::SendBfd& send);
  void send_lacpdu(const ha::keeper::SendLacpdu& send);
  void hold_link(const ha::keeper::HoldLink& hold);
  void store_gate(const ha::keeper::StoreGate& gate);
  void to_daemon(const ha::keeper::FromKeeper& message);
  void check_taken(const ha::keeper::ScopeChanged& change);
  [[nodiscard]] bool dooms();
  void read_datagram();
  void to_keeper(const ha::keeper::ToKeeper& message);
  void ask_store(const checkpoint::StoreRequest& request);
  void note_written(const Epoch& epoch, const std::vector<checkpoint::SequencedChange>& changes);
  void note_asked(const checkpoint::PutChanges& put);
  void note_sent(const Bytes& bytes);
  template <typename Act>
  void when_running(Act&& act);
  void when_awake(std::function<void()> act);

  World& world_;
  Network& network_;
  int index_;
  NodeId id_;
  ha::node::NodeConfig config_;
  Bug bug_;
  bool powered_ = false;
  bool access_ = true;
  bool store_failing_ = false;
  bool store_lost_ = false;
  bool stream_heard_ = false;
  bool gate_stored_divided_ = false;
  TimePoint frozen_until_{};
  std::uint64_t lives_ = 0;  // of processes; events for an older one are void
  std::uint64_t daemon_life_ = 0;
  std::uint64_t keeper_life_ = 0;
  std::optional<unsigned> crash_in_;
  std::unique_ptr<ha::node::Node> node_;
  std::unique_ptr<ha::keeper::Keeper> keeper_;
  checkpoint::store::MemoryStore store_;
  TimePoint store_free_{};                        // when its thread is done with what was asked
  std::vector<checkpoint::StoreRequest> unsafe_;  // answered and not yet stored (a planted bug)
  std::unique_ptr<fwd::FakePlane> plane_;
  std::map<std::uint32_t, std::uint64_t> gates_;  // survive processes, not the machine
  std::uint64_t trunk_word_ = 0;                  // likewise
  TimePoint announced_at_{};
  TimePoint links_free_{};  // when what was asked of its links is done
  std::set<std::uint64_t> ended_;
  std::function<void()> doom_;
  std::deque<Datagram> socket_;  // not yet read by the keeper
  ha::node::TransportId transport_{1};
};

}  // namespace hotpair::sim
