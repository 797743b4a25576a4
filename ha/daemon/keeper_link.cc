#include "ha/daemon/keeper_link.h"

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

namespace hotpair::ha::daemon {
namespace {

// A keeper that died must be back within the detection time, so the first tries are quick.
constexpr unsigned kQuickAttempts = 200;
constexpr std::chrono::milliseconds kQuickRetry{5};
constexpr std::chrono::milliseconds kSlowRetry{500};

}  // namespace

KeeperLink::KeeperLink(boost::asio::io_context& loop, keeper::KeeperStart start, Events events)
    : loop_(loop), retry_(loop), start_(std::move(start)), events_(std::move(events)) {}

void KeeperLink::open() {
  boost::asio::post(loop_, [this] { attempt(); });
}

void KeeperLink::attempt() {
  auto client = keeper::KeeperClient::connect(start_.socket_path);
  if (client) {
    client_.emplace(std::move(*client));
    started_ = false;
    attempts_ = 0;
    watch_.emplace(loop_, client_->fd(), [this] { readable(); });
    events_.connected();
    return;
  }
  if (!started_ || attempts_ % kQuickAttempts == kQuickAttempts - 1) {
    started_ = true;
    if (const auto begun = keeper::start_keeper(start_))
      events_.note("started, since none answered: " + client.error().detail);
    else
      events_.note(client.error().detail + "; it cannot be started: " + begun.error().detail);
  }
  retry_.expires_after(++attempts_ < kQuickAttempts ? kQuickRetry : kSlowRetry);
  retry_.async_wait([this](const boost::system::error_code& error) {
    if (!error) attempt();
  });
}

void KeeperLink::send(const keeper::ToKeeper& message, std::span<const int> fds) {
  if (!client_) return;
  if (const auto sent = client_->send(message, fds); !sent) {
    boost::asio::post(loop_, [this, why = sent.error().detail] { lose(why); });
    return;
  }
  watch_writable();
}

void KeeperLink::watch_writable() {
  if (!client_ || !client_->wants_write() || writable_) return;
  writable_ = std::make_unique<boost::asio::posix::stream_descriptor>(loop_, ::dup(client_->fd()));
  writable_->async_wait(boost::asio::posix::stream_descriptor::wait_write,
                        [this](const boost::system::error_code& error) {
                          if (error) return;
                          writable_.reset();
                          if (!client_) return;
                          if (const auto flushed = client_->flush(); !flushed)
                            lose(flushed.error().detail);
                          else
                            watch_writable();
                        });
}

void KeeperLink::readable() {
  if (!client_) return;
  auto received = client_->receive();
  if (!received) {
    lose(received.error().detail);
    return;
  }
  for (keeper::Received& one : *received) {
    events_.received(std::move(one));
    if (!client_) return;
  }
}

void KeeperLink::lose(const std::string& why) {
  if (!client_) return;
  watch_.reset();
  writable_.reset();
  client_.reset();
  if (ending_) return;
  events_.lost(why);
  open();
}

}  // namespace hotpair::ha::daemon
