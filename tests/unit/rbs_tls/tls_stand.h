#pragma once

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rbs/tls/chunk.h"
#include "rbs/tls/stream.h"

namespace hotpair::rbs::tls {

namespace asio = boost::asio;
using asio::ip::tcp;

inline const std::string kLower = "127.0.0.1";
inline const std::string kHigher = "127.0.0.2";

inline PairKey key(std::uint8_t fill) {
  return PairKey::from_secret(Bytes(kSecretBytes, std::byte{fill})).value();
}
inline std::shared_ptr<Context> context_with(std::vector<PairKey> keys) {
  return Context::create(PairKeys::from(std::move(keys)).value()).value();
}

/// Runs the loop until `done`, at most 20 seconds; false when that time is over.
inline bool run_until(asio::io_context& loop, const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    loop.restart();
    loop.run_one_for(std::chrono::milliseconds(50));
  }
  return true;
}

/// A port of the higher address that nobody has now.
inline std::uint16_t free_port(asio::io_context& loop) {
  tcp::acceptor acceptor(loop, tcp::endpoint(asio::ip::make_address(kHigher), 0));
  return acceptor.local_endpoint().port();
}

/// One end of a channel with everything that it said.
class End final : public TransportEvents {
 public:
  End(asio::io_context& loop, const TransportConfig& config, std::shared_ptr<Context> context)
      : transport(std::make_unique<Transport>(loop, config, std::move(context), *this)) {
    transport->start();
  }
  void on_connected(const PeerDescription& description) override {
    peer = description;
    ++connected;
    story += "connected ";
  }
  void on_bytes(ByteSpan bytes) override {
    largest = std::max(largest, bytes.size());
    received += bytes.size();
    if (keep) input.insert(input.end(), bytes.begin(), bytes.end());
    if (each_input) each_input(bytes);
  }
  void on_sendable(std::size_t bytes) override {
    credit += bytes;
    if (each_credit) each_credit();
  }
  void on_closed(Failure failure, const std::string&) override {
    closed.push_back(failure);
    story += "closed ";
    if (each_close) each_close();
  }
  void on_failed(Failure failure, const std::string& text) override {
    failed.push_back(failure);
    detail = text;
  }
  void on_renewed(const PeerDescription& description) override {
    peer = description;
    ++renewed;
    story += "renewed ";
  }
  void on_renewal_failed(Failure failure, const std::string& text) override {
    not_renewed.push_back(failure);
    detail = text;
  }
  void on_limited() override { ++limited; }
  [[nodiscard]] bool has_failed(Failure failure) const {
    return std::ranges::count(failed, failure) > 0;
  }

  std::unique_ptr<Transport> transport;
  PeerDescription peer;
  int connected = 0;
  std::vector<Failure> closed;
  std::vector<Failure> failed;
  std::vector<Failure> not_renewed;
  int renewed = 0;
  int limited = 0;
  std::string detail;
  std::string story;
  Bytes input;
  bool keep = true;
  std::size_t largest = 0;
  std::uint64_t received = 0;
  std::uint64_t credit = 0;
  std::function<void(ByteSpan)> each_input;
  std::function<void()> each_credit;
  std::function<void()> each_close;
};

class Tls : public testing::Test {
 protected:
  Tls() : port(free_port(loop)) {}
  [[nodiscard]] TransportConfig config(const std::string& local, const std::string& peer) const {
    TransportConfig made;
    made.name = "rbs";
    made.local = IpAddress::parse(local).value();
    made.peer = IpAddress::parse(peer).value();
    made.port = port;
    made.retry_min = std::chrono::milliseconds(5);
    made.retry_max = std::chrono::milliseconds(50);
    made.handshake_burst = 10'000;
    return made;
  }
  [[nodiscard]] TransportConfig lower() const { return config(kLower, kHigher); }
  [[nodiscard]] TransportConfig higher() const { return config(kHigher, kLower); }
  [[nodiscard]] bool until(const std::function<bool()>& done) { return run_until(loop, done); }

  asio::io_context loop;
  std::uint16_t port;
};

}  // namespace hotpair::rbs::tls
