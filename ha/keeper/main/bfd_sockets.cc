#include "ha/keeper/main/bfd_sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "ha/keeper/main/udp_socket.h"

namespace hotpair::ha::keeper {
namespace {

constexpr int kReceiveBytes = 4 << 20;
constexpr int kSenderReceiveBytes = 2048;  // nobody is asked to write there
constexpr unsigned kSourcePorts = 65536 - bfd::kSourcePortMin;
constexpr unsigned kPortsTried = 256;
constexpr std::size_t kDatagramMax = 256;

std::uint16_t port_of(bool multihop) { return multihop ? bfd::kMultihopPort : bfd::kSingleHopPort; }

Result<UdpSocket> open_receiver(const IpAddress& local, const std::string& device, bool multihop) {
  auto made = open_udp(local, device);
  if (!made) return made;
  const int fd = made->fd.get();
  const bool v4 = local.is_v4();
  const int level = level_of(local);
  if (!set_option(fd, level, v4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, 1))
    return socket_failed("receive TTL");
  if (!set_option(fd, level, v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, 1))
    return socket_failed("packet info");
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBytes))
    static_cast<void>(set_option(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBytes));
  SocketAddress address;
  const socklen_t length = fill(address, local, port_of(multihop), made->ifindex);
  if (::bind(fd, &address.generic, length) != 0) return socket_failed("bind");
  return made;
}

Result<UdpSocket> open_sender(const bfd::SessionConfig& config, bfd::Discriminator session) {
  auto made = open_udp(config.local, config.device);
  if (!made) return made;
  const int fd = made->fd.get();
  const bool v4 = config.local.is_v4();
  const int level = level_of(config.local);
  if (!set_option(fd, level, v4 ? IP_TTL : IPV6_UNICAST_HOPS, bfd::kSingleHopTtl))
    return socket_failed("TTL");
  static_cast<void>(set_option(fd, level, v4 ? IP_TOS : IPV6_TCLASS, kClassSelector6));
  static_cast<void>(set_option(fd, SOL_SOCKET, SO_PRIORITY, kNetworkControl));
  static_cast<void>(set_option(fd, SOL_SOCKET, SO_RCVBUF, kSenderReceiveBytes));
  for (unsigned i = 0; i < kPortsTried; ++i) {
    const auto port =
        static_cast<std::uint16_t>(bfd::kSourcePortMin + (session.value() + i) % kSourcePorts);
    SocketAddress address;
    const socklen_t length = fill(address, config.local, port, made->ifindex);
    if (::bind(fd, &address.generic, length) == 0) return made;
    if (errno != EADDRINUSE) break;
  }
  return socket_failed("bind");
}

IpAddress address_of(const void* raw, std::size_t size) {
  const auto read = IpAddress::from_bytes({static_cast<const std::byte*>(raw), size});
  return read ? *read : IpAddress();
}

// TTL and destination are in the control messages; without them the packet is worth nothing.
bool read_control(msghdr& message, bfd::Arrival& arrival) {
  bool ttl = false;
  bool destination = false;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(&message, each)) {
    int number = 0;
    if ((each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_TTL) ||
        (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_HOPLIMIT)) {
      std::memcpy(&number, CMSG_DATA(each), sizeof number);
      arrival.ttl = static_cast<std::uint8_t>(std::clamp(number, 0, 255));
      ttl = true;
    } else if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(each), sizeof info);
      arrival.destination = address_of(&info.ipi_addr, 4);
      destination = true;
    } else if (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(each), sizeof info);
      arrival.destination = address_of(&info.ipi6_addr, 16);
      destination = true;
    }
  }
  return ttl && destination;
}

}  // namespace

void BfdSockets::configure(const std::vector<Session>& sessions) {
  std::map<Key, Receiver> receivers;
  std::map<bfd::Discriminator, Sender> senders;
  for (const Session& session : sessions) {
    const bfd::SessionConfig& config = session.config;
    const Key key{config.local, config.device, config.multihop};
    if (!receivers.contains(key)) {
      const auto old = receivers_.find(key);
      receivers.emplace(key, old == receivers_.end() ? Receiver{} : std::move(old->second));
    }
    const auto old = senders_.find(session.id);
    const bool kept = old != senders_.end() && old->second.config.local == config.local &&
                      old->second.config.device == config.device;
    Sender sender = kept ? std::move(old->second) : Sender{};
    sender.config = config;
    senders.insert_or_assign(session.id, std::move(sender));
  }
  receivers_ = std::move(receivers);  // what is no longer named is closed here
  senders_ = std::move(senders);
  by_fd_.clear();
  for (const auto& [key, receiver] : receivers_)
    if (receiver.fd.valid()) by_fd_.emplace(receiver.fd.get(), key);
}

void BfdSockets::note(std::string& last, const Key& key, const Error& error) {
  if (last == error.detail) return;
  last = error.detail;
  std::string name = key.local.to_string();
  if (!key.device.empty()) name += '%' + key.device;
  complain_(name + " port " + std::to_string(port_of(key.multihop)), error.detail);
}

bool BfdSockets::open_missing() {
  bool missing = false;
  for (auto& [key, receiver] : receivers_) {
    if (receiver.fd.valid()) continue;
    auto opened = open_receiver(key.local, key.device, key.multihop);
    if (!opened) {
      missing = true;
      note(receiver.last_error, key, opened.error());
      continue;
    }
    receiver = {std::move(opened->fd), opened->ifindex, {}};
    by_fd_.insert_or_assign(receiver.fd.get(), key);
    watch_(receiver.fd.get());
  }
  for (auto& [id, sender] : senders_) {
    if (sender.fd.valid()) continue;
    auto opened = open_sender(sender.config, id);
    if (!opened) {
      missing = true;
      const bfd::SessionConfig& config = sender.config;
      note(sender.last_error, {config.local, config.device, config.multihop}, opened.error());
      continue;
    }
    sender.fd = std::move(opened->fd);
    sender.ifindex = opened->ifindex;
    sender.last_error.clear();
  }
  return missing;
}

bool BfdSockets::close_stale(const std::function<unsigned(const std::string&)>& index) {
  bool closed = false;
  for (auto& [key, receiver] : receivers_) {
    if (!receiver.fd.valid() || key.device.empty() || index(key.device) == receiver.ifindex)
      continue;
    by_fd_.erase(receiver.fd.get());
    receiver.fd = FileDescriptor();
    closed = true;
  }
  for (auto& [id, sender] : senders_) {
    const std::string& device = sender.config.device;
    if (!sender.fd.valid() || device.empty() || index(device) == sender.ifindex) continue;
    sender.fd = FileDescriptor();
    closed = true;
  }
  return closed;
}

Result<void> BfdSockets::send(bfd::Discriminator session, const bfd::ControlPacket& packet) {
  const auto found = senders_.find(session);
  if (found == senders_.end() || !found->second.fd.valid())
    return fail(ErrorCode::unavailable, "no socket");
  const bfd::SessionConfig& config = found->second.config;
  Bytes datagram = bfd::encode(packet);
  if (packet.auth) {
    const auto key = std::ranges::find(config.keys, packet.auth->key_id, &bfd::AuthKey::id);
    if (key == config.keys.end()) return fail(ErrorCode::refused, "no key");
    bfd::put_digest(datagram, sha1_.digest(bfd::digest_input(datagram, key->secret)));
  }
  SocketAddress address;
  const socklen_t length =
      fill(address, config.peer, port_of(config.multihop), found->second.ifindex);
  const ssize_t sent = ::sendto(found->second.fd.get(), datagram.data(), datagram.size(),
                                MSG_DONTWAIT, &address.generic, length);
  if (sent < 0) return socket_failed("send");
  return {};
}

std::vector<int> BfdSockets::fds() const {
  std::vector<int> all;
  for (const auto& [fd, key] : by_fd_) all.push_back(fd);
  return all;
}

void BfdSockets::read(int fd, std::size_t count, const std::function<void(const Datagram&)>& take) {
  const auto found = by_fd_.find(fd);
  if (found == by_fd_.end()) return;
  const Key key = found->second;
  std::array<std::byte, kDatagramMax> buffer;
  alignas(cmsghdr) std::array<std::byte, 256> control;
  for (std::size_t i = 0; i < count; ++i) {
    SocketAddress address;
    iovec vector{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = sizeof address;
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(fd, &message, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) continue;  // interrupted, or the read took a pending socket error: look again
    Datagram datagram;
    datagram.bytes = ByteSpan(buffer).first(static_cast<std::size_t>(got));
    if (!read_control(message, datagram.arrival)) continue;
    datagram.arrival.source = address.generic.sa_family == AF_INET6
                                  ? address_of(&address.v6.sin6_addr, 16)
                                  : address_of(&address.v4.sin_addr, 4);
    datagram.arrival.multihop = key.multihop;
    datagram.arrival.device = key.device;
    take(datagram);
  }
}

bfd::DigestCheck BfdSockets::check(const bfd::ControlPacket& packet, ByteSpan datagram,
                                   const bfd::SessionConfig& session) const {
  if (!packet.auth) return bfd::DigestCheck::none;
  const auto key = std::ranges::find(session.keys, packet.auth->key_id, &bfd::AuthKey::id);
  if (key == session.keys.end()) return bfd::DigestCheck::unknown_key;
  const auto digest = sha1_.digest(bfd::digest_input(datagram, key->secret));
  return platform::hmac::equal_constant_time(digest, packet.auth->digest)
             ? bfd::DigestCheck::verified
             : bfd::DigestCheck::wrong;
}

}  // namespace hotpair::ha::keeper
