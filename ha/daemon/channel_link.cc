#include "ha/daemon/channel_link.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <utility>

#include "platform/io/clock.h"
#include "rbs/tls/context.h"
#include "rbs/tls/pair_key.h"
#include "rbs/tls/stream.h"

namespace hotpair::ha::daemon {
namespace {

using platform::io::now;
using platform::io::wall_now;
namespace tls = rbs::tls;

bool is_complete(const config::SslPolicyModel& policy) {
  return policy.certificate && !policy.trusted_cas.empty() && policy.peer_identity;
}

tls::CredentialFiles files_of(const config::SslPolicyModel& policy, const std::string& folder) {
  const std::filesystem::path base(folder);  // an absolute name stays as it is
  tls::CredentialFiles files;
  files.certificate = base / policy.certificate->certificate;
  files.key = base / policy.certificate->key;
  files.key_kind = policy.certificate->key_kind;
  for (const auto& ca : policy.trusted_cas) files.trusted_cas.push_back(base / *ca);
  if (policy.crl) files.crl = base / *policy.crl;
  files.peer_uri = *policy.peer_identity;
  return files;
}

/// Whether one end did not accept the other; the rest is about ways and ends of connections.
bool is_refusal(tls::Failure failure) {
  switch (failure) {
    case tls::Failure::none:
    case tls::Failure::refused:
    case tls::Failure::unreachable:
    case tls::Failure::peer_closed:
    case tls::Failure::reset:
    case tls::Failure::replaced:
      return false;
    default:
      return true;
  }
}

cli::SslCertificate row_of(std::string whose, const tls::CertificateFacts& facts) {
  return {std::move(whose), facts.subject,     facts.issuer,     facts.uri,      facts.serial,
          facts.key,        facts.fingerprint, facts.not_before, facts.not_after};
}

}  // namespace

struct ChannelLink::Keys {
  std::shared_ptr<tls::Context> context;
};

struct ChannelLink::Policy {
  std::shared_ptr<tls::Context> context;  ///< none: never loaded
  std::string peer_uri;
  std::string problem;
};

/// One RBS's transport; its events become inputs of the node.
class ChannelLink::Channel final : private tls::TransportEvents {
 public:
  Channel(ChannelLink& owner, const node::OpenTransport& settings,
          std::shared_ptr<tls::Context> context)
      : owner_(owner),
        id_(settings.transport),
        name_(settings.name),
        policy_(settings.ssl_policy),
        transport_(owner.loop_,
                   {.name = settings.name,
                    .local = settings.local,
                    .peer = settings.peer,
                    .port = settings.port},
                   std::move(context), *this) {
    transport_.start();
  }
  [[nodiscard]] tls::Transport& transport() { return transport_; }
  [[nodiscard]] const tls::Transport& transport() const { return transport_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& policy() const { return policy_; }
  /// Of the peer, as shown when it was last connected.
  [[nodiscard]] const std::optional<tls::CertificateFacts>& peer() const { return peer_; }
  void send(ByteSpan bytes) {
    // The session sends no more than the transport takes; what a closed one refuses is void.
    static_cast<void>(transport_.send(bytes));
  }

 private:
  void on_connected(const tls::PeerDescription& peer) override {
    peer_ = peer.certificate;
    owner_.node_->on_transport_up(id_, now(), peer.key_id);
    owner_.node_->on_credentials(owner_.credential_facts(), wall_now(), now());
    owner_.settled_();
  }
  void on_bytes(ByteSpan bytes) override {
    owner_.node_->on_transport_bytes(id_, bytes, now());
    owner_.settled_();
  }
  void on_sendable(std::size_t bytes) override {
    owner_.node_->on_transport_sent(id_, bytes, now());
    owner_.settled_();
  }
  void on_closed(tls::Failure failure, const std::string& detail) override {
    down(failure, detail);
  }
  void on_failed(tls::Failure failure, const std::string& detail) override {
    down(failure, detail);
  }
  void on_renewed(const tls::PeerDescription& peer) override {
    peer_ = peer.certificate;
    owner_.node_->on_transport_renewed(id_, now(), peer.key_id);
    owner_.node_->on_credentials(owner_.credential_facts(), wall_now(), now());
    owner_.settled_();
  }
  void on_renewal_failed(tls::Failure failure, const std::string& detail) override {
    const std::string why = describe(failure, detail);
    const std::string counter(name_of(failure));
    if (transport_.is_dialler())
      owner_.node_->on_renewal_failed(id_, why, now(), counter);
    else
      owner_.node_->on_connection_refused(id_, why, now(), counter);
    owner_.settled_();
  }
  void on_limited() override {
    owner_.node_->on_transport_limited(id_, now());
    owner_.settled_();
  }
  void down(tls::Failure failure, const std::string& detail) {
    owner_.node_->on_transport_down(
        id_, describe(failure, detail), now(),
        is_refusal(failure) ? std::string(name_of(failure)) : std::string());
    owner_.settled_();
  }

  ChannelLink& owner_;
  node::TransportId id_;
  std::string name_;
  std::string policy_;
  std::optional<tls::CertificateFacts> peer_;
  tls::Transport transport_;
};

ChannelLink::ChannelLink(boost::asio::io_context& loop) : loop_(loop) {}

ChannelLink::~ChannelLink() = default;

// ---- pair keys ----

Result<void> ChannelLink::load_keys(const std::string& path) {
  auto keys = tls::PairKeys::load(path);
  if (!keys) return std::unexpected(keys.error());
  if (keys_ && keys_->context->keys() == *keys) return {};
  auto context = tls::Context::create(std::move(*keys));
  if (!context) return std::unexpected(context.error());
  keys_ = std::make_unique<Keys>(Keys{std::move(*context)});
  const tls::PairKeys& fresh = *keys_->context->keys();
  for (const auto& [id, channel] : channels_) {
    if (!channel->policy().empty()) continue;
    tls::Transport& transport = channel->transport();
    transport.set_context(keys_->context);
    // The dialler goes on with its first key; the listener minds only a key that was retired.
    const std::string used = transport.key_id_in_use();
    if (transport.is_dialler() ? used != fresh.first().id() : fresh.find(used) == nullptr)
      transport.renew();
  }
  return {};
}

Result<void> ChannelLink::check_keys(const std::string& path) {
  const auto keys = tls::PairKeys::load(path);
  if (!keys) return std::unexpected(keys.error());
  return {};
}

std::vector<std::string> ChannelLink::derived_keys() const {
  std::vector<std::string> keys;
  if (!keys_) return keys;
  for (const Bytes& key : keys_->context->keys()->derive("etrunk")) keys.emplace_back(as_text(key));
  return keys;
}

// ---- certificates ----

std::string ChannelLink::policy_problem(const config::SslPolicyModel& policy,
                                        const std::string& folder) {
  const auto loaded = tls::Credentials::load(files_of(policy, folder), wall_now());
  return loaded ? std::string() : loaded.error().detail;
}

void ChannelLink::refresh_policy(const config::SslPolicyModel& model, Policy& policy,
                                 const std::string& folder) {
  policy.peer_uri = *model.peer_identity;
  const auto loaded = tls::Credentials::load(files_of(model, folder), wall_now());
  policy.problem = loaded ? "" : loaded.error().detail;
  if (!loaded) return;
  if (policy.context && policy.context->credentials()->digest() == (*loaded)->digest()) return;
  auto context = tls::Context::create(*loaded, wall_now);
  if (!context) {
    policy.problem = context.error().detail;
    return;
  }
  policy.context = std::move(*context);
  for (const auto& [id, channel] : channels_) {
    if (channel->policy() != model.name) continue;
    channel->transport().set_context(policy.context);
    channel->transport().renew();
  }
}

void ChannelLink::load_policies(const config::Config& config, const std::string& folder) {
  std::erase_if(policies_, [&](const auto& entry) {
    const config::SslPolicyModel* model = config.find_ssl_policy(entry.first);
    const bool gone = model == nullptr || !is_complete(*model);
    if (gone && node_ != nullptr) node_->on_policy(entry.first, "", now());
    return gone;
  });
  for (const config::SslPolicyModel& model : config.ssl_policies) {
    if (!is_complete(model)) continue;
    Policy& policy = policies_[model.name];
    refresh_policy(model, policy, folder);
    if (node_ != nullptr) node_->on_policy(model.name, policy.problem, now());
  }
  for (const auto& [id, effect] : std::exchange(waiting_, {})) open(effect);
  if (node_ != nullptr) node_->on_credentials(credential_facts(), wall_now(), now());
}

std::vector<node::CredentialFact> ChannelLink::credential_facts() const {
  std::vector<node::CredentialFact> facts;
  for (const auto& [name, policy] : policies_) {
    if (!policy.context) continue;
    const tls::Credentials& credentials = *policy.context->credentials();
    const std::string who = "ssl policy " + name + ": ";
    facts.push_back(
        {who + "own certificate " + credentials.own().uri, credentials.own().not_after});
    for (const tls::CertificateFacts& ca : credentials.cas())
      facts.push_back({who + "CA " + ca.subject, ca.not_after});
  }
  for (const auto& [id, channel] : channels_)
    if (const auto& peer = channel->peer())
      facts.push_back(
          {"remote-backup-service " + channel->name() + ": peer certificate " + peer->uri,
           peer->not_after});
  return facts;
}

cli::SslPoliciesModel ChannelLink::show_policies() const {
  cli::SslPoliciesModel model;
  for (const auto& [name, policy] : policies_) {
    cli::SslPolicy row;
    row.name = name;
    row.peer_identity = policy.peer_uri;
    if (!policy.problem.empty()) row.problem = policy.problem;
    if (policy.context) {
      const tls::Credentials& credentials = *policy.context->credentials();
      row.certificates.push_back(row_of("own", credentials.own()));
      for (const tls::CertificateFacts& ca : credentials.cas())
        row.certificates.push_back(row_of("ca", ca));
    }
    for (const auto& [id, channel] : channels_) {
      if (channel->policy() != name) continue;
      row.services.push_back(channel->name());
      if (const auto& peer = channel->peer()) row.certificates.push_back(row_of("peer", *peer));
    }
    model.policies.push_back(std::move(row));
  }
  return model;
}

// ---- the node's effects ----

void ChannelLink::attach(node::Node& node, std::function<void()> settled) {
  node_ = &node;
  settled_ = std::move(settled);
}

/// The node hears it when it is done with what it is about.
void ChannelLink::open_later(const node::OpenTransport& effect, const std::string& why) {
  waiting_[effect.transport] = effect;
  boost::asio::post(loop_, [this, id = effect.transport, why] {
    node_->on_transport_down(id, why, now());
    settled_();
  });
}

void ChannelLink::open(const node::OpenTransport& effect) {
  channels_.erase(effect.transport);
  waiting_.erase(effect.transport);
  std::shared_ptr<tls::Context> context = keys_ ? keys_->context : nullptr;
  if (!effect.ssl_policy.empty()) {
    const auto policy = policies_.find(effect.ssl_policy);
    context = policy == policies_.end() ? nullptr : policy->second.context;
    if (!context)
      return open_later(
          effect, "ssl policy " + effect.ssl_policy + ": " +
                      (policy == policies_.end() ? "it is not there" : policy->second.problem));
  }
  if (context)
    channels_[effect.transport] = std::make_unique<Channel>(*this, effect, std::move(context));
}

void ChannelLink::remove(node::TransportId transport) {
  channels_.erase(transport);
  waiting_.erase(transport);
}

void ChannelLink::drop(node::TransportId transport) {
  if (const auto found = channels_.find(transport); found != channels_.end())
    found->second->transport().close();
}

void ChannelLink::dial_now(node::TransportId transport) {
  if (const auto found = channels_.find(transport); found != channels_.end())
    found->second->transport().dial_now();
}

void ChannelLink::send(node::TransportId transport, ByteSpan bytes) {
  if (const auto found = channels_.find(transport); found != channels_.end())
    found->second->send(bytes);
}

void ChannelLink::pause(node::TransportId transport, bool paused) {
  if (const auto found = channels_.find(transport); found != channels_.end())
    found->second->transport().pause(paused);
}

}  // namespace hotpair::ha::daemon
