#include "ha/daemon/daemon.h"

#include <sys/prctl.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <csignal>
#include <utility>

#include "checkpoint/store/lmdb_store.h"
#include "ha/cli/words.h"
#include "ha/config/check.h"
#include "ha/config/parser.h"
#include "ha/config/printer.h"
#include "ha/daemon/daemon_messages.h"
#include "ha/daemon/settings.h"
#include "ha/daemon/state_dir.h"
#include "platform/io/clock.h"

namespace hotpair::ha::daemon {
namespace {

using platform::io::now;

/// How long one handler may keep the loop.
constexpr std::chrono::milliseconds kTurn{1};
constexpr std::size_t kUserMax = 32;

cli::Instant instant_now() {
  const WallTime wall = platform::io::wall_now();
  return {now(), wall, utc_offset_s(wall)};
}
/// Between looks at the ends of certificates.
constexpr std::uint32_t kCertificateCheckS = 60;

std::chrono::steady_clock::time_point to_steady(TimePoint time) {
  return std::chrono::steady_clock::time_point(time.time_since_epoch());
}

}  // namespace

Result<Loaded> load(const DaemonOptions& options, const LoadFacts& facts) {
  const auto text = read_file(options.config, config::kConfigBytesMax);
  if (!text) return std::unexpected(text.error());
  Loaded loaded;
  auto parsed = config::parse_config(*text, options.config);
  loaded.config = std::move(parsed.config);
  loaded.diagnostics = std::move(parsed.diagnostics);
  const auto ports_text = read_file(options.ports, config::kConfigBytesMax);
  if (ports_text) {
    auto ports = config::parse_ports(*ports_text, options.ports);
    loaded.ports = std::move(ports.ports);
    loaded.diagnostics.insert(loaded.diagnostics.end(), ports.diagnostics.begin(),
                              ports.diagnostics.end());
  } else if (ports_text.error().code != ErrorCode::not_found) {
    return std::unexpected(ports_text.error());
  }
  if (!loaded.ok()) return loaded;
  const auto append = [&](const config::Diagnostics& more) {
    loaded.diagnostics.insert(loaded.diagnostics.end(), more.begin(), more.end());
  };
  const auto problem = [&](const config::SslPolicyModel& policy) {
    return ChannelLink::policy_problem(policy, options.tls_dir);
  };
  append(config::check_config(loaded.config, {options.config, facts.pair_key_present, problem,
                                              facts.certificates_must_be_good}));
  append(config::check_ports(loaded.config, loaded.ports, options.ports));
  return loaded;
}

Daemon::Daemon(DaemonOptions options, platform::io::Log& log)
    : options_(std::move(options)), log_(log) {}

Daemon::~Daemon() = default;

int Daemon::run() {
  if (const auto opened = open(); !opened) {
    log_(kFailed, opened.error().detail);
    return 1;
  }
  loop_.run();
  if (store_) static_cast<void>(store_->stop());
  if (control_) control_->close();
  return exit_code_;
}

Result<void> Daemon::open() {
  const auto pair_key = load_keys();
  auto loaded = load(options_, {.pair_key_present = pair_key.has_value()});
  // With certificates on every channel nobody misses the pair key.
  const bool wanted = !loaded || std::ranges::any_of(loaded->config.services, [](const auto& each) {
    return !each.ssl_policy;
  });
  if (!pair_key && wanted) log_(kNoPairKey, pair_key.error().detail);
  if (!loaded) return std::unexpected(loaded.error());
  for (const auto& diagnostic : loaded->diagnostics)
    if (diagnostic.severity == config::Severity::error)
      log_(kConfigRefused, to_string(diagnostic));
    else
      log_(kConfigWarning, to_string(diagnostic));
  if (!loaded->ok()) return fail(ErrorCode::refused, options_.config + " has errors");
  config_ = std::move(loaded->config);
  ports_ = std::move(loaded->ports);
  auto node_id = open_state_dir(options_.state_dir, platform::io::random_u64());
  if (!node_id) return std::unexpected(node_id.error());
  node_id_ = *node_id;
  if (options_.boot_id) {
    boot_id_ = *options_.boot_id;
  } else {
    auto boot_id = platform::io::read_boot_id();
    if (!boot_id) return std::unexpected(boot_id.error());
    boot_id_ = *boot_id;
  }
  if (auto store = open_store(); !store) return store;
  const TimePoint start = now();
  node_ = std::make_unique<node::Node>(
      node::Node::Identity{node_id_, HOTPAIR_VERSION, platform::io::random_u64()}, start);
  if (!terms_lost_.empty()) node_->on_terms_lost(terms_lost_, start);
  view_ = std::make_unique<LiveView>(
      *node_, config_, LiveView::Fixed{boot_id_, options_.keeper, start, options_.tls_dir},
      [this](std::span<const fwd::RouteKey> keys) { return plane_->counters(keys); });
  view_->read_policies([this] { return channels_->show_policies(); });
  open_desk();
  channels_->attach(*node_, [this] { settle(); });
  plane_ = std::make_unique<PlaneLink>(loop_, *node_, log_, [this] { settle(); });
  if (auto opened = plane_->open(); !opened) return opened;
  control_ = std::make_unique<ControlServer>(
      loop_,
      [this](const cli::Request& request, const Caller& caller) {
        return run_command(request, caller);
      },
      [this](std::uint64_t connection) { desk_->closed(connection); });
  if (auto opened = control_->open(options_.control); !opened) return opened;
  keeper_ = std::make_unique<KeeperLink>(
      loop_, keeper::KeeperStart{options_.keeper_program, options_.keeper, {}, "info"},
      KeeperLink::Events{[this] {
                           node_->on_keeper_connected(now());
                           settle();
                         },
                         [this](keeper::Received received) { on_keeper(std::move(received)); },
                         [this](const std::string& why) {
                           log_(kKeeperStart, "lost: " + why);
                           node_->on_keeper_lost(now());
                           settle();
                         },
                         [this](const std::string& what) { log_(kKeeperStart, what); }});
  keeper_->open();
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
  signals_.add(SIGHUP);
  on_signal(0);
  every_second();
  log_(kStarted, HOTPAIR_VERSION, node_id_.value(), ::getpid());
  return {};
}

void Daemon::open_desk() {
  commit_files_ =
      std::make_unique<CommitFiles>(std::filesystem::path(options_.state_dir) / "commits", loop_,
                                    [this](const std::string& what) { log_(kCommitFile, what); });
  transactions_ = std::make_unique<cli::Transactions>(*view_, *this, *commit_files_);
  transactions_->start(commit_files_->load(), "load " + options_.config, instant_now());
  desk_ = std::make_unique<cli::ControlDesk>(*view_, *this, *transactions_);
}

Result<void> Daemon::load_keys() {
  if (!channels_) channels_ = std::make_unique<ChannelLink>(loop_);
  return channels_->load_keys(options_.pair_key);
}

Result<void> Daemon::open_store() {
  checkpoint::store::StoreOptions options;
  options.directory = std::filesystem::path(options_.state_dir) / "store";
  options.boot_id = boot_id_;
  options.node = node_id_;
  options.since_boot = platform::io::boot_now().time_since_epoch();
  auto store = checkpoint::store::LmdbStore::open(options);
  if (!store) return std::unexpected(store.error());
  const auto& report = (*store)->open_report();
  using Outcome = checkpoint::store::OpenReport::Outcome;
  log_(kStoreOpened, report.outcome == Outcome::restored ? std::string("taken up again")
                     : report.outcome == Outcome::fresh  ? std::string("new")
                                                         : "set aside: " + report.reason);
  if (report.terms_lost) terms_lost_ = report.terms_aside;
  store_ = std::make_unique<checkpoint::store::StoreThread>(std::move(*store));
  store_watch_.emplace(loop_, store_->event_fd(), [this] {
    for (checkpoint::StoreReply& reply : store_->drain()) replies_.push_back(std::move(reply));
    take_replies();
  });
  return {};
}

/// Replies for about a millisecond; what is left waits for its turn behind other work.
void Daemon::take_replies() {
  const TimePoint end = now() + kTurn;
  while (!replies_.empty()) {
    view_->on_store(replies_.front());
    node_->on_store(std::move(replies_.front()), now());
    replies_.pop_front();
    settle();
    if (now() < end || replies_.empty()) continue;
    boost::asio::post(loop_, [this] { take_replies(); });
    return;
  }
}

/// The keeper answered: now the plane can be taken over or made, and the node begins.
void Daemon::start_node(const keeper::Welcome& welcome, std::vector<FileDescriptor> fds) {
  if (!plane_->has_plane()) {
    if (const auto opened = plane_->open_plane(welcome.descriptors, std::move(fds)); !opened) {
      log_(kFailed, opened.error().detail);
      stop("no forwarding plane", 1);
      return;
    }
  }
  const auto [names, descriptors] = plane_->descriptors();
  keeper_->send(keeper::Descriptors{names}, descriptors);
  if (!running_node_) {
    running_node_ = true;
    if (channels_->has_keys()) node_->set_pair_key(true, now());
    plane_->configure_trunks(wanted_trunks(config_, ports_));
    channels_->load_policies(config_, options_.tls_dir);
    node_->apply(to_node_config(config_, ports_, settings_context()), now());
  }
}

void Daemon::on_keeper(keeper::Received received) {
  if (const auto* welcome = std::get_if<keeper::Welcome>(&received.message))
    start_node(*welcome, std::move(received.fds));
  node_->on_keeper(received.message, now());
  settle();
}

void Daemon::on_signal(int number) {
  if (number == SIGHUP) {
    static_cast<void>(read_again());
    settle();
  } else if (number != 0) {
    // A restart: nothing is withdrawn, the keeper goes on.
    stop(number == SIGTERM ? "SIGTERM" : "SIGINT", 0);
    return;
  }
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (!error) on_signal(signal);
  });
}

/// Everything from its files. What cannot be used is refused on its own; the rest comes into force.
Result<void> Daemon::read_again() {
  sd_notify(0, "RELOADING=1");
  Result<void> outcome;
  const auto refuse = [&](const Message& row, const std::string& what) {
    log_(row, what);
    if (outcome) outcome = fail(ErrorCode::refused, what);
  };
  const bool had_keys = channels_->has_keys();
  const auto keys = load_keys();
  if (!keys && (had_keys || keys.error().code != ErrorCode::not_found))
    refuse(kNoPairKey, keys.error().detail);
  const auto loaded = load(options_, {.pair_key_present = channels_->has_keys()});
  if (!loaded) {
    refuse(kConfigRefused, loaded.error().detail);
  } else {
    for (const auto& diagnostic : loaded->diagnostics)
      if (diagnostic.severity == config::Severity::error)
        refuse(kConfigRefused, to_string(diagnostic));
    if (loaded->ok()) {
      ports_ = loaded->ports;
      put_in_force(loaded->config, options_.config);
      transactions_->noted("load " + options_.config, instant_now());
      for (const cli::SslPolicy& policy : channels_->show_policies().policies)
        if (policy.problem && outcome)
          outcome = fail(ErrorCode::refused, "ssl policy " + policy.name + ": " + *policy.problem);
    }
  }
  sd_notify(0, "READY=1");
  return outcome;
}

void Daemon::put_in_force(const config::Config& config, const std::string& what) {
  config_ = config;
  if (running_node_) {
    node_->set_pair_key(channels_->has_keys(), now());
    plane_->configure_trunks(wanted_trunks(config_, ports_));
    channels_->load_policies(config_, options_.tls_dir);
    node_->apply(to_node_config(config_, ports_, settings_context()), now());
  }
  log_(kReloaded, what);
}

void Daemon::stop(const std::string& why, int exit_code) {
  log_(kStopping, why);
  sd_notify(0, "STOPPING=1");
  exit_code_ = exit_code;
  loop_.stop();
}

// ---- the loop ----

void Daemon::settle() {
  drain_effects();
  set_timer();
}

/// Keeper and data plane must mean the same trunk and member by a number: those of the plan.
SettingsContext Daemon::settings_context() const {
  SettingsContext context{node_id_, channels_->derived_keys()};
  for (const PlannedTrunk& trunk : plane_->trunks().plan()) {
    TrunkNumbers numbers{.id = trunk.id, .slot = trunk.slot, .members = {}};
    for (const PlannedMember& member : trunk.members) numbers.members[member.device] = member.index;
    context.trunks.push_back(std::move(numbers));
  }
  return context;
}

void Daemon::drain_effects() {
  while (auto effect = node_->poll_effect()) {
    std::visit(
        [&](auto& one) {
          if constexpr (requires { act(std::move(one)); })
            act(std::move(one));
          else
            plane_->act(one);
        },
        *effect);
  }
}

void Daemon::set_timer() {
  const auto deadline = node_->next_deadline();
  if (!deadline) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(to_steady(*deadline));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    node_->on_timeout(now());
    settle();
  });
}

void Daemon::every_second() {
  if (watchdog_us_ == 0 && sd_watchdog_enabled(0, &watchdog_us_) <= 0) watchdog_us_ = 0;
  if (running_node_) sd_notify(0, "READY=1\nWATCHDOG=1");
  log_.flush_suppressed();
  plane_->trunks().update_operational();
  plane_->check_rules();
  node_->on_store_age(store_->statistics().oldest_age, now());
  if (const auto taken_back = transactions_->on_timeout(instant_now())) {
    log_(kUnconfirmed, *taken_back);
  }
  settle();
  if (running_node_ && ++seconds_ >= kCertificateCheckS) {
    seconds_ = 0;
    node_->on_credentials(channels_->credential_facts(), platform::io::wall_now(), now());
    settle();
  }
  second_.expires_after(std::chrono::seconds(1));
  second_.async_wait([this](const boost::system::error_code& error) {
    if (!error) every_second();
  });
}

/// What the keeper does not hold would be gone with this process.
void Daemon::act(const node::AddVrf& effect) {
  if (!plane_->open_vrf(effect.vrf)) return;
  const auto [names, descriptors] = plane_->descriptors();
  keeper_->send(keeper::Descriptors{names}, descriptors);
}

void Daemon::act(const node::SendToKeeper& effect) {
  if (std::holds_alternative<keeper::Leave>(effect.message)) keeper_->expect_end();
  keeper_->send(effect.message);
}

void Daemon::act(node::AskStore&& effect) { store_->submit(std::move(effect.request)); }

void Daemon::act(const node::OpenTransport& effect) { channels_->open(effect); }

void Daemon::act(const node::RemoveTransport& effect) { channels_->remove(effect.transport); }

void Daemon::act(const node::DropConnection& effect) { channels_->drop(effect.transport); }

void Daemon::act(const node::SendBytes& effect) { channels_->send(effect.transport, effect.bytes); }

void Daemon::act(const node::DialNow& effect) { channels_->dial_now(effect.transport); }

void Daemon::act(const node::PauseReading& effect) {
  channels_->pause(effect.transport, effect.paused);
}

void Daemon::act(const node::WriteLog& effect) {
  Message row = *effect.message;
  // The end of an alarm is no error; its begin tells what to do.
  if (effect.text.starts_with("cleared: ")) row.level = LogLevel::info;
  const bool step = row.level == LogLevel::error;
  row.text = step ? "{}; next step: {}" : "{}";
  if (step)
    log_(row, effect.text, row.action);
  else
    log_(row, effect.text);
}

void Daemon::act(const node::ActionEnded& effect) {
  cli::ActionOutcome outcome;
  outcome.error = effect.error;
  if (!effect.text.empty()) outcome.lines.push_back(effect.text);
  for (const node::Missing& one : effect.missing)
    outcome.missing.push_back({one.subject, one.text});
  finish(effect.ticket, outcome);
}

void Daemon::act(const node::Stop& effect) {
  static_cast<void>(effect);
  stop("left the pair", 0);
}

// ---- commands ----

cli::Response Daemon::run_command(const cli::Request& request, const Caller& caller) {
  view_->at(now(), platform::io::wall_now());
  const cli::Caller asks{caller.role, request.user.substr(0, kUserMax), caller.uid,
                         caller.connection};
  auto response = desk_->run(request, asks, instant_now());
  if (response.changes) {
    std::string words = cli::masked(request.line);
    for (const std::string& word : request.argv) words += (words.empty() ? "" : " ") + word;
    log_(kCommand, caller.uid, caller.pid, words);
  }
  // What the command asked of the node is carried out once its answer is on its way.
  boost::asio::post(loop_, [this] { settle(); });
  return response;
}

void Daemon::finish(cli::ActionTicket ticket, const cli::ActionOutcome& outcome) {
  boost::asio::post(loop_, [this, ticket, outcome] {
    control_->finish(ticket, [&](const cli::Request& request, const Caller& caller) {
      view_->at(now(), platform::io::wall_now());
      return desk_->finish(request, caller.connection, outcome, instant_now());
    });
  });
}

cli::ActionTicket Daemon::done_soon(std::string line) {
  const cli::ActionTicket ticket = next_ticket_++;
  cli::ActionOutcome outcome;
  if (!line.empty()) outcome.lines.push_back(std::move(line));
  finish(ticket, outcome);
  return ticket;
}

Result<cli::ActionTicket> Daemon::apply(const config::Config& config) {
  const auto wrong = config::check_ports(config, ports_, options_.ports);
  if (config::has_errors(wrong)) return fail(ErrorCode::refused, to_string(wrong.front()));
  put_in_force(config, "applied by an operator");
  return done_soon({});
}

Result<cli::ActionTicket> Daemon::reload() {
  if (const auto read = read_again(); !read) return std::unexpected(read.error());
  return done_soon("reloaded " + options_.config + ", keys and certificates");
}

Result<cli::ActionTicket> Daemon::save(const std::string& text) {
  if (const auto written = replace_file(options_.config, text); !written)
    return std::unexpected(written.error());
  return done_soon("saved to " + options_.config);
}

Result<cli::ActionTicket> Daemon::switchover(const cli::SwitchoverTarget& target) {
  return node_->switchover({target.scope, target.etrunk, target.force}, now());
}

Result<cli::ActionTicket> Daemon::leave() { return node_->leave("an operator asked", now()); }

Result<cli::ActionTicket> Daemon::wait(cli::WaitFor what, Duration timeout) {
  const node::Condition condition = what == cli::WaitFor::ready    ? node::Condition::ready
                                    : what == cli::WaitFor::synced ? node::Condition::synced
                                                                   : node::Condition::master;
  return node_->wait(condition, timeout, now());
}

Result<void> Daemon::reset(cli::ResetTarget target) {
  switch (target) {
    case cli::ResetTarget::igmp:
      node_->reset_gmp_counters(Family::ipv4);
      break;
    case cli::ResetTarget::mld:
      node_->reset_gmp_counters(Family::ipv6);
      break;
    case cli::ResetTarget::remote_backup_service:
      node_->reset_service_counters();
      break;
  }
  return {};
}

}  // namespace hotpair::ha::daemon
