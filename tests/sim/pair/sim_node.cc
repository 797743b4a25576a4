#include "tests/sim/pair/sim_node.h"

#include <algorithm>
#include <utility>

#include "ha/node/floating.h"
#include "platform/gate/trunk_words.h"
#include "tests/sim/pair/access_device.h"

namespace hotpair::sim {
namespace {

using namespace std::chrono_literals;
namespace keeper = ha::keeper;
namespace node = ha::node;

constexpr Duration kLocal = 30us;  // daemon <-> keeper, daemon <-> store thread

/// Of a message, without its namespace: for traces.
template <typename T>
constexpr std::string_view name_of() {
  std::string_view text = __PRETTY_FUNCTION__;
  text = text.substr(0, text.find_first_of(";]", text.find("T = ")));
  return text.substr(text.rfind(':') + 1);
}

/// What only tells of a state, and stands between no two steps.
template <typename T>
constexpr bool kTold =
    std::is_same_v<T, keeper::AskStatus> || std::is_same_v<T, keeper::KeeperStatus> ||
    std::is_same_v<T, keeper::TrunkStatus> || std::is_same_v<T, keeper::Heartbeat>;

}  // namespace

SimNode::SimNode(World& world, Network& network, int index, NodeId id, node::NodeConfig config,
                 Bug bug)
    : world_(world),
      network_(network),
      index_(index),
      id_(id),
      config_(std::move(config)),
      bug_(bug) {}

void SimNode::start() { power_on(); }

void SimNode::power_on() {
  if (powered_) return;
  powered_ = true;
  plane_ = std::make_unique<fwd::FakePlane>();
  gates_.clear();
  trunk_word_ = 0;
  world_.trace("{}: power on", index_);
  if (behind_trunk()) network_.access->power_changed(index_);
  start_keeper();
  start_daemon();
}

void SimNode::power_off(bool reboot) {
  if (!powered_) return;
  world_.trace("{}: power off{}", index_, reboot ? ", store lost" : "");
  kill_daemon();
  kill_keeper();
  powered_ = false;
  gates_.clear();
  trunk_word_ = 0;
  if (behind_trunk()) network_.access->hold(index_, false);
  if (behind_trunk()) network_.access->power_changed(index_);
  if (!reboot) return;
  store_.lose_records();
  store_lost_ = true;
}

void SimNode::freeze(Duration time) {
  world_.trace("{}: frozen for {} ms", index_, time / 1ms);
  frozen_until_ = world_.now() + time;
}

void SimNode::kill_daemon() {
  if (!node_) return;
  world_.trace("{}: daemon dies", index_);
  // What a disk that fails did not take was in the daemon alone.
  if (const node::Scope* one = scope(); one != nullptr && one->active)
    store_lost_ = store_lost_ || one->journal.degraded() || one->journal.torn() || one->refill;
  node_.reset();
  daemon_life_ = 0;
  network_.records.died(id_);
  crash_in_.reset();
  unsafe_.clear();
  network_.break_stream("the peer's daemon died");
  when_awake([this] {
    if (!keeper_ || node_) return;
    keeper_->on_daemon_disconnected(world_.now());
    drain_keeper();
  });
}

/// Nothing of a frozen machine runs.
void SimNode::when_awake(std::function<void()> act) {
  if (frozen())
    world_.after(frozen_until_ - world_.now(), [this, act] { when_awake(act); });
  else
    act();
}

void SimNode::start_daemon() {
  if (frozen()) return when_awake([this] { start_daemon(); });
  if (node_ || !powered_) return;
  world_.trace("{}: daemon starts", index_);
  daemon_life_ = ++lives_;
  node_ = std::make_unique<node::Node>(node::Node::Identity{id_, "sim", world_.number(1, ~0ULL)},
                                       world_.now());
  for (const node::LinkSettings& link : config_.links) {
    node_->on_device({link.device, true, true, link.addresses, std::nullopt}, world_.now());
    if (!link.floating.empty())
      node_->on_device({node::floating_device(link.device), true, true,
                        node::floating_addresses(link.floating), std::nullopt},
                       world_.now());
  }
  node_->set_pair_key(true, world_.now());
  node_->apply(config_, world_.now());
  if (keeper_) {
    keeper_->on_daemon_connected(world_.now());
    node_->on_keeper_connected(world_.now());
  }
  network_.dial();
  settle();
}

void SimNode::kill_keeper() {
  if (!keeper_) return;
  world_.trace("{}: keeper dies", index_);
  keeper_.reset();
  keeper_life_ = 0;
  socket_.clear();
  // What it had said is read before the end of the connection.
  world_.after(kLocal, [this] {
    when_awake([this] {
      if (!node_ || keeper_) return;
      node_->on_keeper_lost(world_.now());
      drain_node();
    });
  });
}

void SimNode::start_keeper() {
  if (frozen()) return when_awake([this] { start_keeper(); });
  if (keeper_ || !powered_) return;
  world_.trace("{}: keeper starts", index_);
  keeper_life_ = ++lives_;
  // What its predecessor held down is in a file.
  if (behind_trunk() && bug_ != Bug::carrier_kept) network_.access->hold(index_, false);
  const std::uint64_t session = world_.number(1, ~0ULL);
  keeper_ = std::make_unique<keeper::Keeper>(
      keeper::Keeper::Identity{1, session, session * 0x9e3779b97f4a7c15ULL}, world_.now());
  if (node_) {
    keeper_->on_daemon_connected(world_.now());
    node_->on_keeper_connected(world_.now());
  }
  settle();
}

void SimNode::set_access(bool up) {
  if (behind_trunk()) {
    world_.trace("{}: member link {}", index_, up ? "plugged" : "unplugged");
    network_.access->plug(index_, up);
    return;
  }
  if (frozen()) return when_awake([this, up] { set_access(up); });
  if (access_ == up) return;
  world_.trace("{}: access link {}", index_, up ? "up" : "down");
  access_ = up;
  for (const node::LinkSettings& link : config_.links) {
    if (!link.scope) continue;
    if (keeper_) keeper_->on_carrier(link.device, up, world_.now());
    if (node_)
      node_->on_device({link.device, true, up, link.addresses, std::nullopt}, world_.now());
  }
  settle();
}

void SimNode::on_member_carrier() {
  if (frozen()) return when_awake([this] { on_member_carrier(); });
  if (!keeper_) return;
  keeper_->on_carrier(kMemberDevice, network_.access->linked(index_), world_.now());
  drain_keeper();
}

Result<std::uint64_t> SimNode::switchover(bool force) {
  if (!node_ || frozen()) return fail(ErrorCode::unavailable, "no daemon");
  const auto ticket = node_->switchover({.scope = {}, .etrunk = {}, .force = force}, world_.now());
  drain_node();
  return ticket;
}

bool SimNode::dooms() {
  if (!doom_) return false;
  std::exchange(doom_, nullptr)();
  return true;
}

const node::Scope* SimNode::scope() const {
  if (!node_) return nullptr;
  const auto found = node_->scopes().find(config_.scopes.front().scope);
  return found == node_->scopes().end() ? nullptr : found->second.get();
}

bool SimNode::gate_open() const {
  if (!powered_ || !access_) return false;
  const auto word = gates_.find(0);
  if (word == gates_.end() || word->second == 0) return false;
  if (bug_ == Bug::no_fencing) return true;
  return word->second == ~std::uint64_t{0} ||
         word->second > static_cast<std::uint64_t>(world_.now().time_since_epoch().count());
}

bool SimNode::collects() const {
  return gate_open() && platform::gate::collecting_of(trunk_word_) != 0;
}

bool SimNode::distributes() const {
  return gate_open() && platform::gate::distributing_of(trunk_word_) != 0;
}

TimePoint SimNode::open_until() const {
  const auto word = gates_.find(0);
  if (word == gates_.end()) return world_.now();
  if (bug_ == Bug::no_fencing || word->second == ~std::uint64_t{0}) return TimePoint::max();
  return TimePoint(Duration(static_cast<Duration::rep>(word->second)));
}

std::optional<TimePoint> SimNode::next_deadline() const {
  std::optional<TimePoint> deadline;
  if (node_) deadline = earliest(deadline, node_->next_deadline());
  if (keeper_) deadline = earliest(deadline, keeper_->next_deadline());
  if (!keeper_ || socket_.empty()) {
    if (!deadline) return std::nullopt;
  } else {
    deadline = earliest(deadline, world_.now());
  }
  return std::max(*deadline, frozen_until_);
}

void SimNode::run_timer() {
  if (frozen()) return;
  const TimePoint now = world_.now();
  if (keeper_ && keeper_->next_deadline() && *keeper_->next_deadline() <= now) {
    keeper_->on_timeout(now);
    drain_keeper();
  } else if (keeper_ && !socket_.empty()) {
    read_datagram();
    drain_keeper();
  } else if (node_ && node_->next_deadline() && *node_->next_deadline() <= now) {
    node_->on_timeout(now);
    drain_node();
  }
}

void SimNode::on_datagram(const Datagram& datagram) {
  if (!keeper_) return;
  socket_.push_back(datagram);
  if (!frozen()) run_timer();
}

void SimNode::read_datagram() {
  const Datagram datagram = std::move(socket_.front());
  socket_.pop_front();
  if (const auto* hello = std::get_if<ha::etrunk::Hello>(&datagram)) {
    keeper_->on_hello(hello->etrunk, hello->path, *hello, world_.now());
    return;
  }
  if (const auto* slow = std::get_if<SlowPdu>(&datagram)) {
    keeper_->on_lacpdu(kMemberDevice, slow->bytes, world_.now());
    return;
  }
  const auto& [path, packet] = std::get<BfdDatagram>(datagram);
  const auto& config = config_.etrunks.front().etrunk.paths[path];
  ha::bfd::Arrival arrival{
      config.peer,
      config.local,
      ha::bfd::kSingleHopTtl,
      false,
      config.device,
      packet.auth ? ha::bfd::DigestCheck::verified : ha::bfd::DigestCheck::none};
  keeper_->on_bfd(packet, arrival, world_.now());
}

void SimNode::send_bfd(const keeper::SendBfd& send) {
  const ha::bfd::BfdSession* session = keeper_->bfd().find(send.session);
  if (session == nullptr) return;  // removed: its last word is lost
  const auto& paths = config_.etrunks.front().etrunk.paths;
  for (std::uint8_t path = 0; path < paths.size(); ++path)
    if (paths[path].local == session->config().local) network_.bfd(index_, {path, send.packet});
  keeper_->on_bfd_sent(send.session);
}

template <typename Act>
void SimNode::when_running(Act&& act) {
  if (!node_) return;
  if (frozen()) {
    world_.after(frozen_until_ - world_.now(), [this, act, life = daemon_life_] {
      if (node_ && daemon_life_ == life) act();
    });
  } else {
    act();
  }
}

void SimNode::on_report(const node::GroupMessage& message) {
  if (!node_ || frozen() || !access_) return;
  if (behind_trunk() && !(collects() && network_.access->distributes(index_))) return;
  node_->on_group_message(message, world_.now());
  drain_node();
}

void SimNode::on_stream_up() {
  when_running([this] {
    node_->on_transport_up(transport_, world_.now());
    drain_node();
  });
}

void SimNode::on_stream_bytes(const Bytes& bytes) {
  if (!node_ || bytes.empty()) return;
  stream_heard_ = true;
  node_->on_transport_bytes(transport_, bytes, world_.now());
  drain_node();
}

void SimNode::on_stream_sent(std::size_t bytes) {
  when_running([this, bytes] {
    node_->on_transport_sent(transport_, bytes, world_.now());
    drain_node();
  });
}

void SimNode::on_stream_down(const std::string& why) {
  when_running([this, why] {
    node_->on_transport_down(transport_, why, world_.now());
    drain_node();
  });
}

void SimNode::settle() {
  drain_node();
  drain_keeper();
}

void SimNode::drain_node() {
  while (node_) {
    if (dooms()) continue;
    auto effect = node_->poll_effect();
    if (!effect) return;
    if (crash_in_ && (*crash_in_)-- == 0) {
      crash_in_.reset();
      kill_daemon();
      world_.after(world_.duration(50ms, 1500ms), [this] { start_daemon(); });
      return;
    }
    act(*effect);
  }
}

void SimNode::act(const node::NodeEffect& effect) {
  const TimePoint now = world_.now();
  if (const auto* message = std::get_if<node::SendToKeeper>(&effect)) {
    to_keeper(message->message);
  } else if (const auto* ask = std::get_if<node::AskStore>(&effect)) {
    ask_store(ask->request);
  } else if (const auto* send = std::get_if<node::SendBytes>(&effect)) {
    note_sent(send->bytes);
    network_.send(index_, send->bytes);
  } else if (const auto* drop = std::get_if<node::DropConnection>(&effect)) {
    network_.break_stream(drop->reason);
  } else if (const auto* pause = std::get_if<node::PauseReading>(&effect)) {
    network_.set_paused(index_, pause->paused);
  } else if (const auto* add = std::get_if<node::AddPlaneLink>(&effect)) {
    static_cast<void>(plane_->add_link(add->link));
  } else if (const auto* remove = std::get_if<node::RemovePlaneLink>(&effect)) {
    static_cast<void>(plane_->remove_link(remove->link));
  } else if (const auto* routes = std::get_if<node::ApplyRoutes>(&effect)) {
    node_->on_plane_applied(plane_->apply(routes->changes), now);
  } else if (std::holds_alternative<node::ReadBackRoutes>(effect)) {
    if (const auto back = plane_->read_back()) node_->on_read_back(*back, now);
  } else if (const auto* rpf = std::get_if<node::AskRpf>(&effect)) {
    node_->on_rpf(rpf->vrf, rpf->target, node::RpfFacts{"up0", std::nullopt, 0, false}, now);
  } else if (const auto* counters = std::get_if<node::AskRouteCounters>(&effect)) {
    std::vector<std::pair<fwd::RouteKey, std::optional<fwd::RouteCounters>>> answer;
    const auto values = plane_->counters(counters->keys);
    for (std::size_t i = 0; i < values.size(); ++i)
      answer.emplace_back(counters->keys[i], values[i]);
    node_->on_route_counters(answer, now);
  } else if (const auto* query = std::get_if<node::SendGroupMessage>(&effect)) {
    if (network_.on_query && access_) network_.on_query(index_, *query);
  } else if (const auto* ended = std::get_if<node::ActionEnded>(&effect)) {
    ended_.insert(ended->ticket);
  } else if (const auto* log = std::get_if<node::WriteLog>(&effect)) {
    world_.trace("{}: {} {}", index_, log->message->id, log->text);
  }
}

void SimNode::to_keeper(const keeper::ToKeeper& message) {
  std::visit(
      [&]<typename T>(const T& /*one*/) {
        if (!kTold<T>)
          static_cast<void>(crosses({Crossing::What::local, index_, name_of<T>(), nullptr}));
      },
      message);
  if (const auto* commit = std::get_if<keeper::HandoverCommit>(&message))
    if (!network_.opened.contains(commit->term))
      world_.fail("{} gave the scope away in term {} before the peer's gate was open", index_,
                  commit->term.counter);
  if (const auto* offer = std::get_if<keeper::HandoverOffer>(&message);
      offer != nullptr && bug_ == Bug::ready_not_awaited)
    world_.after(1ms, [this, commit = keeper::HandoverCommit{offer->scope, offer->term},
                       life = daemon_life_] {
      if (node_ && daemon_life_ == life) to_keeper(commit);
    });
  if (const auto* open = std::get_if<keeper::HandoverOpen>(&message);
      open != nullptr && bug_ == Bug::commit_not_awaited)
    world_.after(1ms, [this, confirm = keeper::HandoverConfirm{open->scope, open->term},
                       life = daemon_life_] {
      if (node_ && daemon_life_ == life) to_keeper(confirm);
    });
  world_.after(kLocal, [this, message, from = daemon_life_, to = keeper_life_] {
    if (!keeper_ || keeper_life_ != to || daemon_life_ != from) return;
    keeper_->on_message(message, world_.now());
    drain_keeper();
  });
}

void SimNode::note_written(const Epoch& epoch,
                           const std::vector<checkpoint::SequencedChange>& changes) {
  if (epoch.term.node != id_) return;  // what a backup stores its master has written
  for (const checkpoint::SequencedChange& change : changes) network_.records.written(epoch, change);
}

void SimNode::note_asked(const checkpoint::PutChanges& put) {
  if (put.epoch.term.node != id_) return;
  for (const checkpoint::SequencedChange& change : put.changes)
    network_.records.asked(put.epoch, change);
}

/// While its store fails a master sends what it could not store.
void SimNode::note_sent(const Bytes& bytes) {
  const auto frame = rbs::wire::decode(ByteSpan(bytes).subspan(rbs::wire::kLengthBytes));
  if (!frame) return;
  if (const auto* live = std::get_if<rbs::session::LiveRecords>(&*frame))
    note_written(live->epoch, live->changes);
}

void SimNode::ask_store(const checkpoint::StoreRequest& request) {
  const bool put = std::holds_alternative<checkpoint::PutChanges>(request.body);
  if (put) note_asked(std::get<checkpoint::PutChanges>(request.body));
  // One thread: in order, each at its own pace.
  store_free_ = std::max(store_free_, world_.now()) + world_.duration(5us, 400us);
  world_.after(store_free_ - world_.now(), [this, request, put, life = daemon_life_] {
    if (!node_ || daemon_life_ != life) return;
    if (put) {
      const auto& body = std::get<checkpoint::PutChanges>(request.body);
      note_written(body.epoch, body.changes);
    }
    checkpoint::StoreRequest asked = request;
    checkpoint::StoreReply reply;
    if (store_failing_ && put) {
      reply = {asked.id, checkpoint::StoreFailed{config_.scopes.front().scope,
                                                 {ErrorCode::exhausted, "disk full"}}};
    } else if (bug_ == Bug::ack_before_commit && put) {
      const auto& changes = std::get<checkpoint::PutChanges>(asked.body);
      reply = {asked.id, checkpoint::Committed{changes.scope, changes.changes.back().sequence, {}}};
      unsafe_.push_back(asked);
      world_.after(20ms, [this, life] {
        if (daemon_life_ != life || unsafe_.empty()) return;
        static_cast<void>(store_.execute_one(unsafe_.front()));
        unsafe_.erase(unsafe_.begin());
      });
    } else {
      if (bug_ == Bug::skipped_tombstone && put && scope() != nullptr && !scope()->active)
        std::erase_if(std::get<checkpoint::PutChanges>(asked.body).changes,
                      [](const auto& change) { return !change.change.value; });
      reply = store_.execute_one(asked);
    }
    when_running([this, reply] {
      node_->on_store(reply, world_.now());
      drain_node();
    });
  });
}

void SimNode::drain_keeper() {
  while (keeper_) {
    if (dooms()) continue;
    const auto effect = keeper_->poll_effect();
    if (!effect) return;
    act(*effect);
  }
}

void SimNode::act(const keeper::Effect& effect) {
  const TimePoint now = world_.now();
  if (const auto* send = std::get_if<keeper::SendHello>(&effect)) {
    network_.hello(index_, send->hello);
    keeper_->on_hello_sent(send->etrunk, send->path, now);
  } else if (const auto* gate = std::get_if<keeper::StoreGate>(&effect)) {
    store_gate(*gate);
  } else if (const auto* trunk = std::get_if<keeper::StoreTrunk>(&effect)) {
    trunk_word_ = trunk->word;
    static_cast<void>(crosses({Crossing::What::act, index_, "trunk word", nullptr}));
  } else if (const auto* pdu = std::get_if<keeper::SendLacpdu>(&effect)) {
    send_lacpdu(*pdu);
  } else if (const auto* hold = std::get_if<keeper::HoldLink>(&effect)) {
    hold_link(*hold);
  } else if (const auto* packet = std::get_if<keeper::SendBfd>(&effect)) {
    send_bfd(*packet);
  } else if (std::holds_alternative<keeper::Announce>(effect)) {
    announced_at_ = now;
  } else if (const auto* tell = std::get_if<keeper::ToDaemon>(&effect)) {
    to_daemon(tell->message);
  } else if (std::holds_alternative<keeper::DrainSockets>(effect)) {
    while (!socket_.empty()) read_datagram();
    keeper_->on_drained(now);
  } else if (std::holds_alternative<keeper::Reconfigured>(effect)) {
    for (const auto& scope : keeper_->config().scopes)
      for (const std::string& device : scope.access_devices)
        keeper_->on_carrier(device, access_, now);
    if (behind_trunk()) keeper_->on_carrier(kMemberDevice, network_.access->linked(index_), now);
  } else if (std::holds_alternative<keeper::Exit>(effect)) {
    world_.after(0ms, [this] { kill_keeper(); });
  }
}

// Renewals of a lease are no steps.
void SimNode::store_gate(const keeper::StoreGate& gate) {
  const bool was_open = gate_open();
  gates_[gate.slot] = gate.word;
  gate_stored_divided_ = network_.all_cut();
  if (was_open != gate_open())
    static_cast<void>(crosses({Crossing::What::act, index_, "gate word", nullptr}));
}

void SimNode::send_lacpdu(const keeper::SendLacpdu& send) {
  if (bug_ == Bug::sync_kept) {
    const auto pdu = ha::lacp::decode_pdu(send.bytes);
    const auto* lacpdu = pdu ? std::get_if<ha::lacp::Lacpdu>(&*pdu) : nullptr;
    if (lacpdu != nullptr && !lacpdu->actor.has(ha::lacp::kStateSynchronization)) return;
  }
  if (crosses({Crossing::What::lacpdu, index_, "LACPDU", nullptr}))
    network_.access->hear(index_, send.bytes);
}

// A thread of its own, in order. It dies with the keeper.
void SimNode::hold_link(const keeper::HoldLink& hold) {
  if (bug_ == Bug::carrier_kept && !hold.down) return;
  links_free_ = std::max(links_free_, world_.now()) + world_.duration(100us, 2ms);
  world_.after(links_free_ - world_.now(), [this, down = hold.down, life = keeper_life_] {
    if (keeper_life_ == life) network_.access->hold(index_, down);
  });
  static_cast<void>(crosses({Crossing::What::act, index_, "link", nullptr}));
}

void SimNode::to_daemon(const keeper::FromKeeper& message) {
  std::visit(
      [&]<typename T>(const T& /*one*/) {
        if (!kTold<T>)
          static_cast<void>(crosses({Crossing::What::local, index_, name_of<T>(), nullptr}));
      },
      message);
  if (const auto* opened = std::get_if<keeper::HandoverOpened>(&message))
    network_.opened.insert(opened->term);
  if (const auto* changed = std::get_if<keeper::ScopeChanged>(&message)) check_taken(*changed);
  world_.after(kLocal, [this, message, life = daemon_life_] {
    if (!node_ || daemon_life_ != life) return;
    when_running([this, message] {
      node_->on_keeper(message, world_.now());
      drain_node();
    });
  });
}

// A new side whose peer is heard is master only after that one's commit.
void SimNode::check_taken(const keeper::ScopeChanged& change) {
  const bool taken =
      change.cause == keeper::Cause::handover && change.state.role == ha::etrunk::Role::master;
  if (!taken || network_.given.contains(change.state.term)) return;
  for (const keeper::PathStatus& path : keeper_->status(world_.now()).paths)
    if (path.up)
      return world_.fail("{} took the scope in term {} before the peer had given it away", index_,
                         change.state.term.counter);
}

}  // namespace hotpair::sim
