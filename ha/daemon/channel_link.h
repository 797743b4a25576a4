#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ha/cli/models.h"
#include "ha/config/config_model.h"
#include "ha/node/node.h"
#include "platform/base/result.h"

namespace hotpair::ha::daemon {

/// The TLS channels of every RBS, and the pair keys and certificates they are authenticated by.
/// Reading them again changes nothing for what is connected: a channel whose credentials changed
/// goes on over a new connection.
class ChannelLink {
 public:
  explicit ChannelLink(boost::asio::io_context& loop);
  ~ChannelLink();

  /// Reads the pair key file; on failure the keys in use stay.
  [[nodiscard]] Result<void> load_keys(const std::string& path);
  /// Whether the file holds usable keys, for --check.
  [[nodiscard]] static Result<void> check_keys(const std::string& path);
  [[nodiscard]] bool has_keys() const { return keys_ != nullptr; }
  /// Keys for E-Trunk hellos where no security-key is configured.
  [[nodiscard]] std::vector<std::string> derived_keys() const;

  /// Reads the files of every ssl policy; `folder` is where names without a leading slash are. On
  /// failure the credentials in use stay. What is wrong is told to the node.
  void load_policies(const config::Config& config, const std::string& folder);
  /// What is wrong with the files of a policy, for commit; empty: nothing.
  [[nodiscard]] static std::string policy_problem(const config::SslPolicyModel& policy,
                                                  const std::string& folder);
  /// Every certificate in use, own, CA and peer's.
  [[nodiscard]] std::vector<node::CredentialFact> credential_facts() const;
  [[nodiscard]] cli::SslPoliciesModel show_policies() const;

  /// From here on events go into the node, then `settled` is called.
  void attach(node::Node& node, std::function<void()> settled);
  void open(const node::OpenTransport& effect);
  void remove(node::TransportId transport);
  void drop(node::TransportId transport);
  void dial_now(node::TransportId transport);
  void send(node::TransportId transport, ByteSpan bytes);
  void pause(node::TransportId transport, bool paused);

 private:
  class Channel;
  struct Keys;
  struct Policy;
  void refresh_policy(const config::SslPolicyModel& model, Policy& policy,
                      const std::string& folder);
  void open_later(const node::OpenTransport& effect, const std::string& why);

  boost::asio::io_context& loop_;
  node::Node* node_ = nullptr;
  std::function<void()> settled_;
  std::unique_ptr<Keys> keys_;
  std::map<std::string, Policy> policies_;
  std::map<node::TransportId, std::unique_ptr<Channel>> channels_;
  std::map<node::TransportId, node::OpenTransport> waiting_;  ///< for usable files of their policy
};

}  // namespace hotpair::ha::daemon
