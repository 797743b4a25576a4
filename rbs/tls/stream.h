#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "platform/base/address.h"
#include "platform/base/bytes.h"
#include "platform/base/result.h"
#include "platform/base/time.h"
#include "rbs/tls/context.h"

namespace hotpair::rbs::tls {

/// One end of one RBS. The numerically lower address dials, the other listens; both use `port`.
struct TransportConfig {
  std::string name;  ///< of the RBS, for descriptions
  IpAddress local;   ///< source address; must exist on this node
  IpAddress peer;    ///< the only address that may connect
  std::uint16_t port = 0;
  /// Bytes taken over by send() and not yet written, at most.
  std::size_t outgoing_max = 4U << 20U;
  Duration handshake_timeout = std::chrono::seconds(5);
  std::size_t handshakes_max = 8;  ///< at a time, when listening
  Duration retry_min = std::chrono::milliseconds(100);
  Duration retry_max = std::chrono::seconds(5);
  /// TCP gives up on unacknowledged data, and probes an idle peer, within about this time.
  Duration user_timeout = std::chrono::seconds(10);
  /// TLS records in one direction, or time, before new keys are asked for (RFC 8446 4.6.3).
  std::uint64_t key_update_records = 1U << 22U;
  Duration key_update_interval = std::chrono::hours(1);
  /// The listener begins one handshake per interval and source, and this many in a row before that.
  Duration handshake_interval = std::chrono::seconds(1);
  std::uint32_t handshake_burst = 4;
  /// A renewal that failed is tried again after this time.
  Duration renew_retry = std::chrono::seconds(30);
};

/// Who is at the other end of an authenticated connection.
struct PeerDescription {
  IpAddress address;
  std::uint16_t port = 0;
  bool dialled = false;  ///< by us
  std::string key_id;    ///< of the pair key; empty with certificates
  std::string cipher;    ///< e.g. "TLS_AES_128_GCM_SHA256"
  std::optional<CertificateFacts> certificate;
};

/// What a Transport tells its owner: from the Asio loop, never from inside a call of the owner.
class TransportEvents {
 public:
  virtual ~TransportEvents() = default;
  /// An authenticated connection is there; it replaces any before it (closed() came first).
  virtual void on_connected(const PeerDescription& peer) = 0;
  /// Bytes of the peer in order, at most 64 KiB at a time; valid during the call only.
  virtual void on_bytes(ByteSpan bytes) = 0;
  /// That many bytes of send() have been handed to TCP since the last call; so much more fits.
  virtual void on_sendable(std::size_t bytes) = 0;
  /// The connection is gone. The transport tries again by itself until it is destroyed.
  virtual void on_closed(Failure failure, const std::string& detail) = 0;
  /// An attempt failed before anybody was authenticated. Repeats with every attempt.
  virtual void on_failed(Failure failure, const std::string& detail) = 0;
  /// The stream went on over a new connection; nothing was lost and nothing has to be said again.
  virtual void on_renewed(const PeerDescription& peer) = 0;
  /// An attempt to make a new connection failed; the stream goes on over the one in use.
  virtual void on_renewal_failed(Failure failure, const std::string& detail) = 0;
  /// The peer's address tried to connect more often than allowed.
  virtual void on_limited() = 0;
};

/// Since the transport was made.
struct TransportStatistics {
  std::uint64_t connections = 0;  ///< authenticated ones
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t writes = 0;  ///< gathered writes
  std::uint64_t key_updates = 0;
  std::uint64_t foreign_peers = 0;       ///< connections of another address, closed before TLS
  std::uint64_t handshakes_limited = 0;  ///< closed: too many at a time or too often
  std::uint64_t renewals = 0;            ///< of a stream that went on
  std::array<std::uint64_t, static_cast<std::size_t>(Failure::kCount)> failures{};
};

/// The TLS connection of one RBS: dials or listens, authenticates, carries bytes, reconnects with
/// back-off. Everything runs in the loop given. The owner may destroy it at any time, also from
/// within an event; no event comes after that.
class Transport {
 public:
  /// `events` must outlive the transport. Nothing happens before start().
  Transport(boost::asio::io_context& loop, const TransportConfig& config,
            std::shared_ptr<Context> context, TransportEvents& events);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// Begins to dial or to listen. An address or port that cannot be bound is reported by
  /// on_failed() and tried again: the address may come later.
  void start();
  /// The way to the peer may be there again: a dialler without a connection tries at once, and its
  /// back-off begins anew.
  void dial_now();
  /// New handshakes use the new keys or certificates; the connection in use goes on.
  void set_context(std::shared_ptr<Context> context);
  /// Lets the stream go on over a new connection, made with the newest context: make before break.
  /// A listener asks the dialler for it. on_renewed() follows; without a connection nothing does.
  void renew();
  /// What authenticated the connection in use: the id of the pair key, else empty.
  [[nodiscard]] std::string key_id_in_use() const;
  /// Queues bytes behind those before. False, and nothing taken, when not connected or when they
  /// would exceed outgoing_max: wait for on_sendable(). Written in one piece per loop turn.
  [[nodiscard]] bool send(ByteSpan bytes);
  /// Room for send() now; 0 when not connected.
  [[nodiscard]] std::size_t sendable() const;
  /// Stops or resumes reading, so that TCP holds the peer back. At most one more on_bytes() comes.
  /// A new connection begins unpaused.
  void pause(bool paused);
  /// Ends the connection: what is queued is still sent, within one second, then close_notify.
  /// on_closed(Failure::none) follows. A dialling transport reconnects after its back-off.
  void close();
  [[nodiscard]] bool is_connected() const;
  [[nodiscard]] bool is_dialler() const;
  [[nodiscard]] const TransportStatistics& statistics() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace hotpair::rbs::tls
