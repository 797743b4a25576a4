#pragma once

#include <span>
#include <vector>

#include "checkpoint/record/store_port.h"
#include "platform/base/time.h"

namespace hotpair::checkpoint::store {

/// Executes store requests synchronously: LMDB on disk, or memory.
class StoreExecutor {
 public:
  virtual ~StoreExecutor() = default;
  /// Executes in order; one reply per request, in the same order. Every write that is answered by
  /// anything but StoreFailed is committed when this returns.
  [[nodiscard]] virtual std::vector<StoreReply> execute(std::span<const StoreRequest> requests) = 0;
  /// Renews the last-alive mark; `since_boot` is CLOCK_BOOTTIME. To be called once a second.
  virtual void touch(Duration since_boot) = 0;

 protected:
  StoreExecutor() = default;
  StoreExecutor(const StoreExecutor&) = default;
  StoreExecutor(StoreExecutor&&) = default;
  StoreExecutor& operator=(const StoreExecutor&) = default;
  StoreExecutor& operator=(StoreExecutor&&) = default;
};

}  // namespace hotpair::checkpoint::store
