#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "checkpoint/store/store_thread.h"
#include "ha/cli/control_desk.h"
#include "ha/cli/transactions.h"
#include "ha/config/config_model.h"
#include "ha/config/diagnostic.h"
#include "ha/config/ports.h"
#include "ha/daemon/channel_link.h"
#include "ha/daemon/commit_files.h"
#include "ha/daemon/control_server.h"
#include "ha/daemon/keeper_link.h"
#include "ha/daemon/live_view.h"
#include "ha/daemon/plane_link.h"
#include "ha/daemon/settings.h"
#include "ha/node/node.h"
#include "platform/io/log.h"
#include "platform/io/readable_watch.h"

namespace hotpair::ha::daemon {

/// The command line of hotpaird.
struct DaemonOptions {
  std::string config = "/etc/hotpair/hotpair.conf";
  std::string ports = "/etc/hotpair/ports.conf";
  std::string state_dir = "/var/lib/hotpair";
  std::string control = "/run/hotpair/control";
  std::string keeper = "/run/hotpair/keeper";
  std::string pair_key = "/etc/hotpair/pair.key";
  std::string tls_dir = "/etc/hotpair/tls";
  std::string keeper_program;
  std::optional<std::string> boot_id;
};

/// A configuration and ports file that were read, parsed and checked together.
struct Loaded {
  config::Config config;
  config::PortMap ports;
  config::Diagnostics diagnostics;
  [[nodiscard]] bool ok() const { return !config::has_errors(diagnostics); }
};

/// What the rules need to know beside the files.
struct LoadFacts {
  bool pair_key_present = false;
  /// False where a node has to serve even if its certificates cannot be used.
  bool certificates_must_be_good = false;
};

/// Reads both files; a missing ports file is an empty one.
[[nodiscard]] Result<Loaded> load(const DaemonOptions& options, const LoadFacts& facts);

/// hotpaird on its loop.
class Daemon final : public cli::Actions {
 public:
  Daemon(DaemonOptions options, platform::io::Log& log);
  ~Daemon() override;

  /// Opens everything and runs until told to end. Answers the exit code.
  [[nodiscard]] int run();

 private:
  // start and configuration
  [[nodiscard]] Result<void> open();
  [[nodiscard]] Result<void> open_store();
  void open_desk();
  [[nodiscard]] Result<void> load_keys();
  void start_node(const keeper::Welcome& welcome, std::vector<FileDescriptor> fds);
  void put_in_force(const config::Config& config, const std::string& what);
  [[nodiscard]] Result<void> read_again();
  void stop(const std::string& why, int exit_code);

  // the loop
  void settle();
  [[nodiscard]] SettingsContext settings_context() const;
  void drain_effects();
  void take_replies();
  void set_timer();
  void every_second();
  void on_keeper(keeper::Received received);
  void on_signal(int number);

  // effects that are not the plane's
  void act(const node::AddVrf& effect);
  void act(const node::SendToKeeper& effect);
  void act(node::AskStore&& effect);
  void act(const node::OpenTransport& effect);
  void act(const node::RemoveTransport& effect);
  void act(const node::DropConnection& effect);
  void act(const node::SendBytes& effect);
  void act(const node::DialNow& effect);
  void act(const node::PauseReading& effect);
  void act(const node::WriteLog& effect);
  void act(const node::ActionEnded& effect);
  void act(const node::Stop& effect);

  // cli::Actions
  [[nodiscard]] Result<cli::ActionTicket> apply(const config::Config& config) override;
  [[nodiscard]] Result<cli::ActionTicket> reload() override;
  [[nodiscard]] Result<cli::ActionTicket> save(const std::string& text) override;
  [[nodiscard]] Result<cli::ActionTicket> switchover(const cli::SwitchoverTarget& target) override;
  [[nodiscard]] Result<cli::ActionTicket> leave() override;
  [[nodiscard]] Result<cli::ActionTicket> wait(cli::WaitFor what, Duration timeout) override;
  [[nodiscard]] Result<void> reset(cli::ResetTarget target) override;
  [[nodiscard]] cli::ActionTicket done_soon(std::string line);
  void finish(cli::ActionTicket ticket, const cli::ActionOutcome& outcome);
  [[nodiscard]] cli::Response run_command(const cli::Request& request, const Caller& caller);

  DaemonOptions options_;
  platform::io::Log& log_;
  boost::asio::io_context loop_{1};
  boost::asio::steady_timer timer_{loop_};
  boost::asio::steady_timer second_{loop_};
  boost::asio::signal_set signals_{loop_};
  int exit_code_ = 0;
  config::Config config_;
  config::PortMap ports_;
  std::string boot_id_;
  NodeId node_id_;
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<LiveView> view_;
  std::unique_ptr<CommitFiles> commit_files_;
  std::unique_ptr<cli::Transactions> transactions_;
  std::unique_ptr<cli::ControlDesk> desk_;
  std::unique_ptr<PlaneLink> plane_;
  std::unique_ptr<KeeperLink> keeper_;
  std::unique_ptr<ChannelLink> channels_;
  std::unique_ptr<checkpoint::store::StoreThread> store_;
  std::deque<checkpoint::StoreReply> replies_;  ///< of the store, not yet given to the node
  std::optional<platform::io::ReadableWatch> store_watch_;
  std::unique_ptr<ControlServer> control_;
  std::string terms_lost_;     ///< where the damaged file of reserved terms is; empty: it was whole
  bool running_node_ = false;  ///< the first Welcome came and the node is configured
  std::uint64_t next_ticket_ = std::uint64_t{1} << 62U;  ///< apart from the node's own
  std::uint64_t watchdog_us_ = 0;
  std::uint32_t seconds_ = 0;  ///< since the certificates were looked at
};

}  // namespace hotpair::ha::daemon
