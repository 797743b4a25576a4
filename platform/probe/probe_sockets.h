#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/result.h"
#include "platform/base/time.h"

namespace hotpair::platform::probe {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// CLOCK_MONOTONIC now.
[[nodiscard]] TimePoint monotonic_now();
/// SCHED_FIFO for this process where permitted; false: it runs as any other.
bool become_realtime();
/// Blocks SIGINT and SIGTERM; the descriptor becomes readable when one arrives.
[[nodiscard]] Result<Descriptor> open_signals();

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};
[[nodiscard]] SocketAddress to_socket_address(const IpAddress& address, std::uint16_t port,
                                              unsigned ifindex);

struct SendSocketOptions {
  Family family{};
  std::string interface;
  std::uint8_t ttl = 16;
  bool loop = false;
  std::optional<IpAddress> source;
};
[[nodiscard]] Result<Descriptor> open_send_socket(const SendSocketOptions& options);
[[nodiscard]] Result<unsigned> interface_index(const std::string& name);

/// Sockets joined to all groups: a new one is opened whenever the kernel's limit of memberships per
/// socket is reached (igmp_max_memberships, optmem_max). Each hears its own groups only.
class JoinedSockets {
 public:
  struct Options {
    std::vector<Group> groups;
    std::vector<IpAddress> sources;  ///< empty: any source
    std::string interface;
    std::uint16_t port = 0;
  };
  [[nodiscard]] static Result<JoinedSockets> open(const Options& options);
  [[nodiscard]] std::span<const Descriptor> sockets() const { return sockets_; }

 private:
  std::vector<Descriptor> sockets_;
};

/// One datagram of a batch; `payload` lives until the next read.
struct Datagram {
  IpAddress group;
  IpAddress source;
  ByteSpan payload;
  TimePoint received_at;                  ///< the kernel's receive time
  std::optional<std::uint32_t> overflow;  ///< datagrams this socket has dropped so far
};

/// Buffers for reading many datagrams with one call.
class BatchReader {
 public:
  static constexpr std::size_t batch = 64;
  BatchReader();
  /// What is readable now, at most `batch`; empty when nothing is.
  [[nodiscard]] std::span<const Datagram> read(int socket);

 private:
  static constexpr std::size_t payload_max = 2048;  // the rest of a longer datagram is padding
  struct Slot {
    std::array<std::byte, payload_max> payload;
    alignas(cmsghdr) std::array<std::byte, 256> control;
    sockaddr_storage source;
    iovec vector;
  };
  Datagram to_datagram(std::size_t index, Duration wall_offset);

  std::vector<Slot> slots_;
  std::array<mmsghdr, batch> headers_{};
  std::vector<Datagram> datagrams_;
};

}  // namespace hotpair::platform::probe
