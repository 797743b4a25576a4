#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/bytes.h"
#include "platform/base/descriptor.h"
#include "platform/base/result.h"

namespace hotpair::ha::keeper {

/// Carrier and index of every device of this network namespace, by rtnetlink.
class CarrierWatch {
 public:
  struct Link {
    unsigned index = 0;
    bool up = false;    ///< administratively up and carrier there
    unsigned seen = 0;  ///< the dump in which it was last heard of
  };

  /// Subscribes and asks for all links; the answer comes through read().
  [[nodiscard]] static Result<CarrierWatch> open();

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Reads what is there; true if any link changed. After an overrun all links are asked again.
  [[nodiscard]] bool read();
  /// Asks for one link; the answer is there for the next read(). It waits for the kernel's lock of
  /// network configuration.
  void ask(unsigned index);
  /// nullptr: no such device.
  [[nodiscard]] const Link* find(const std::string& device) const;

  /// Applies one netlink datagram; true if any link changed. Public for its test: the kernel's
  /// bytes are checked like all others.
  [[nodiscard]] bool apply(ByteSpan datagram);

 private:
  explicit CarrierWatch(FileDescriptor fd) : fd_(std::move(fd)) {}
  [[nodiscard]] bool request(unsigned index, unsigned flags);
  [[nodiscard]] bool request_dump();
  [[nodiscard]] bool forget_unseen();
  [[nodiscard]] bool apply_link(bool gone, ByteSpan body);

  FileDescriptor fd_;
  std::map<std::string, Link> links_;
  std::map<unsigned, std::string> names_;
  unsigned dump_ = 0;  // counts the dumps that were asked for
};

}  // namespace hotpair::ha::keeper
