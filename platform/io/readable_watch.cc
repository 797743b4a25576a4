#include "platform/io/readable_watch.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

#include "platform/base/assert.h"

namespace hotpair::platform::io {

struct ReadableWatch::State : std::enable_shared_from_this<ReadableWatch::State> {
  State(boost::asio::io_context& loop, int fd, std::move_only_function<void()> on_ready)
      : descriptor(loop), ready(std::move(on_ready)) {
    boost::system::error_code error;
    descriptor.assign(fd, error);
    HA_ASSERT(!error);  // not a socket or pipe, or watched already
  }

  void wait() {
    descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            if (error || self->stopped) return;
                            self->ready();
                            // Waiting again re-arms the poll, so data left over wakes it at once.
                            if (!self->stopped) self->wait();
                          });
  }

  boost::asio::posix::stream_descriptor descriptor;
  std::move_only_function<void()> ready;
  bool stopped = false;
};

ReadableWatch::ReadableWatch(boost::asio::io_context& loop, int fd,
                             std::move_only_function<void()> ready)
    : state_(std::make_shared<State>(loop, fd, std::move(ready))) {
  state_->wait();
}

ReadableWatch& ReadableWatch::operator=(ReadableWatch&& other) noexcept {
  if (this != &other) {
    stop();
    state_ = std::move(other.state_);
  }
  return *this;
}

ReadableWatch::~ReadableWatch() { stop(); }

void ReadableWatch::stop() {
  if (!state_) return;
  state_->stopped = true;
  boost::system::error_code ignored;
  state_->descriptor.cancel(ignored);
  static_cast<void>(state_->descriptor.release());
  state_.reset();
}

}  // namespace hotpair::platform::io
