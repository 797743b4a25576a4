#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ha/node/node.h"
#include "platform/base/result.h"

namespace hotpair::ha::daemon {

/// The TLS channels of every RBS, and the pair keys they are authenticated by.
class ChannelLink {
 public:
  explicit ChannelLink(boost::asio::io_context& loop);
  ~ChannelLink();

  /// Reads the pair key file; on failure the keys in use stay. New connections use the new keys.
  [[nodiscard]] Result<void> load_keys(const std::string& path);
  /// Whether the file holds usable keys, for --check.
  [[nodiscard]] static Result<void> check_keys(const std::string& path);
  [[nodiscard]] bool has_keys() const { return keys_ != nullptr; }
  /// Keys for E-Trunk hellos where no security-key is configured.
  [[nodiscard]] std::vector<std::string> derived_keys() const;

  /// From here on events go into the node, then `settled` is called.
  void attach(node::Node& node, std::function<void()> settled);
  void open(const node::OpenTransport& effect);
  void remove(node::TransportId transport);
  void drop(node::TransportId transport);
  void send(node::TransportId transport, ByteSpan bytes);
  void pause(node::TransportId transport, bool paused);

 private:
  class Channel;
  struct Keys;
  boost::asio::io_context& loop_;
  node::Node* node_ = nullptr;
  std::function<void()> settled_;
  std::unique_ptr<Keys> keys_;
  std::map<node::TransportId, std::unique_ptr<Channel>> channels_;
};

}  // namespace hotpair::ha::daemon
