#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

namespace hotpair::platform::io {

/// Calls `ready` from the loop whenever a descriptor is readable, again and again while data is
/// left: a handler may read a bounded part and return. The descriptor stays the caller's, must
/// outlive the watch and has one watch at a time. The watch may be destroyed inside its own
/// handler.
class ReadableWatch {
 public:
  ReadableWatch(boost::asio::io_context& loop, int fd, std::move_only_function<void()> ready);
  ReadableWatch(ReadableWatch&&) noexcept = default;
  ReadableWatch& operator=(ReadableWatch&& other) noexcept;
  ReadableWatch(const ReadableWatch&) = delete;
  ReadableWatch& operator=(const ReadableWatch&) = delete;
  ~ReadableWatch();

 private:
  struct State;
  void stop();
  std::shared_ptr<State> state_;
};

}  // namespace hotpair::platform::io
