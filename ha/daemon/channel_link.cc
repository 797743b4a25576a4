#include "ha/daemon/channel_link.h"

#include <utility>

#include "platform/io/clock.h"
#include "rbs/tls/context.h"
#include "rbs/tls/pair_key.h"
#include "rbs/tls/stream.h"

namespace hotpair::ha::daemon {
namespace {

using platform::io::now;
namespace tls = rbs::tls;

}  // namespace

struct ChannelLink::Keys {
  std::shared_ptr<tls::Context> context;
};

/// One RBS's transport; its events become inputs of the node.
class ChannelLink::Channel final : private tls::TransportEvents {
 public:
  Channel(ChannelLink& owner, const node::OpenTransport& settings,
          std::shared_ptr<tls::Context> context)
      : owner_(owner),
        id_(settings.transport),
        transport_(owner.loop_,
                   {.name = settings.name,
                    .local = settings.local,
                    .peer = settings.peer,
                    .port = settings.port},
                   std::move(context), *this) {
    transport_.start();
  }
  [[nodiscard]] tls::Transport& transport() { return transport_; }
  void send(ByteSpan bytes) {
    // The session sends no more than the transport takes; what a closed one refuses is void.
    static_cast<void>(transport_.send(bytes));
  }

 private:
  void on_connected(const tls::PeerDescription& peer) override {
    static_cast<void>(peer);
    owner_.node_->on_transport_up(id_, now());
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
  void down(tls::Failure failure, const std::string& detail) {
    std::string reason = to_string(failure);
    if (!detail.empty()) reason += " (" + detail + ")";
    owner_.node_->on_transport_down(id_, reason, now());
    owner_.settled_();
  }

  ChannelLink& owner_;
  node::TransportId id_;
  tls::Transport transport_;
};

ChannelLink::ChannelLink(boost::asio::io_context& loop) : loop_(loop) {}

ChannelLink::~ChannelLink() = default;

Result<void> ChannelLink::load_keys(const std::string& path) {
  auto keys = tls::PairKeys::load(path);
  if (!keys) return std::unexpected(keys.error());
  if (keys_ && keys_->context->keys() == *keys) return {};
  auto context = tls::Context::create(std::move(*keys));
  if (!context) return std::unexpected(context.error());
  keys_ = std::make_unique<Keys>(Keys{std::move(*context)});
  for (const auto& [id, channel] : channels_) channel->transport().set_context(keys_->context);
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
  for (const Bytes& key : keys_->context->keys().derive("etrunk")) keys.emplace_back(as_text(key));
  return keys;
}

void ChannelLink::attach(node::Node& node, std::function<void()> settled) {
  node_ = &node;
  settled_ = std::move(settled);
}

void ChannelLink::open(const node::OpenTransport& effect) {
  if (!keys_) return;
  channels_[effect.transport] = std::make_unique<Channel>(*this, effect, keys_->context);
}

void ChannelLink::remove(node::TransportId transport) { channels_.erase(transport); }

void ChannelLink::drop(node::TransportId transport) {
  if (const auto found = channels_.find(transport); found != channels_.end())
    found->second->transport().close();
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
