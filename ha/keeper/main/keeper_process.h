#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ha/keeper/core/keeper.h"
#include "ha/keeper/main/announce_socket.h"
#include "ha/keeper/main/bfd_sockets.h"
#include "ha/keeper/main/carrier_counters.h"
#include "ha/keeper/main/carrier_watch.h"
#include "ha/keeper/main/daemon_port.h"
#include "ha/keeper/main/hello_sockets.h"
#include "ha/keeper/main/lacp_sockets.h"
#include "ha/keeper/main/link_holds.h"
#include "ha/keeper/main/scheduling.h"
#include "platform/gate/gate_words.h"
#include "platform/gate/trunk_words.h"
#include "platform/hmac/hmac.h"
#include "platform/io/log.h"

namespace hotpair::ha::keeper {

/// The driver: one thread, one epoll loop, which carries out what the core decides.
class KeeperProcess {
 public:
  /// `held_links`: the file of devices that are held down.
  KeeperProcess(SocketPath socket, CarrierWatch links, Privileges privileges,
                std::string held_links, platform::io::Log& log);
  KeeperProcess(const KeeperProcess&) = delete;
  KeeperProcess& operator=(const KeeperProcess&) = delete;

  /// Runs until the core says Exit. `signals`: a signalfd; what it brings means leaving.
  [[nodiscard]] Result<void> run(int signals);

 private:
  struct Socket {
    SocketKey key;
    std::optional<HelloSocket> socket;
    std::string last_error;  // logged once for each different one
  };
  struct Trunk {
    std::vector<platform::hmac::HmacSha256> keys;  // the first signs
    std::map<etrunk::PathId, std::size_t> sockets;
    std::array<std::string, etrunk::kPathsMax> last_error;
  };
  struct Member {
    std::string device;
    std::optional<LacpSocket> socket;
    std::string last_error;  // logged once for each different one
    std::string send_error;
  };

  // The loop.
  [[nodiscard]] Result<void> prepare(int signals);
  void turn();
  void set_timer();
  void run_timers(TimePoint at);
  void dispatch(int fd);
  void on_signal();
  [[nodiscard]] bool watch(int fd, unsigned events, bool modify = false);

  // Effects.
  void drain();
  void carry_out(SendHello& effect);
  void carry_out(SendBfd& effect);
  void carry_out(BfdReconfigured& effect);
  void carry_out(StoreGate& effect);
  void carry_out(ToDaemon& effect);
  void carry_out(DrainSockets& effect);
  void carry_out(Reconfigured& effect);
  void carry_out(Exit& effect);
  void carry_out(StoreTrunk& effect);
  void carry_out(SendLacpdu& effect);
  void carry_out(HoldLink& effect);
  void carry_out(Announce& effect);
  void log_held_links();
  [[nodiscard]] Result<void> send_hello(const SendHello& effect, TimePoint& at);
  void complete(FromKeeper& message) const;
  void log_event(const FromKeeper& message);

  // Hellos.
  void configure_sockets();
  [[nodiscard]] std::size_t socket_for(const SocketKey& key, std::vector<Socket>& old,
                                       std::vector<Socket>& fresh);
  void open_missing();
  void read_hellos(const HelloSocket& socket, std::size_t index);
  void on_datagram(std::size_t socket, const HelloSocket::Datagram& datagram);
  void read_bfd(int fd);
  void watch_bfd(int fd);
  void read_links();
  void report_links();
  void watch_carriers();
  void poll_carriers(TimePoint at);

  // Trunks.
  void configure_lacp();
  [[nodiscard]] bool open_member(Member& member);
  void read_lacpdus(const LacpSocket& socket);
  void check_members();
  void adopt_trunk_words(int fd);
  void report_carrier(const std::string& device);

  // The daemon.
  void accept_daemon();
  void read_daemon();
  void on_daemon_frame(const Bytes& frame);
  [[nodiscard]] Result<void> keep_descriptors(const Descriptors& message);
  void adopt_gate_words(int fd);
  void lose_daemon(const std::string& why);
  void send_to_daemon(const FromKeeper& message);

  SocketPath listener_;
  CarrierWatch links_;
  Privileges privileges_;
  platform::io::Log& log_;
  Keeper keeper_;
  FileDescriptor epoll_;
  FileDescriptor timer_;
  int signals_ = -1;

  BfdSockets bfd_sockets_;
  std::map<bfd::Discriminator, std::string> bfd_errors_;  // as logged
  std::vector<Socket> sockets_;
  std::map<EtrunkId, Trunk> trunks_;
  std::vector<Member> members_;
  TimePoint retry_at_;
  bool retry_ = false;
  std::map<std::string, bool> carriers_;  // as told to the core
  LinkHolds holds_;
  AnnounceSocket announcer_;
  std::map<std::string, std::string> announce_errors_;  // by device, logged once for each different
  CarrierCounters counters_;
  TimePoint polled_at_;
  std::vector<std::string> told_unwatched_;

  std::optional<MessageStream> daemon_;
  KeptDescriptors kept_;
  std::optional<platform::gate::GateWords> gate_words_;
  std::map<std::uint32_t, TimePoint> stored_at_;  // by slot
  std::optional<platform::gate::TrunkWords> trunk_words_;

  std::uint64_t late_timers_ = 0;
  std::uint32_t worst_late_us_ = 0;
  bool draining_ = false;
  bool done_ = false;
};

}  // namespace hotpair::ha::keeper
