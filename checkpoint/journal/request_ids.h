#pragma once

#include "checkpoint/record/store_port.h"

namespace hotpair::checkpoint::journal {

/// Numbers for store requests, unique in one node: the owner of journals, session and store routes
/// an answer by asking each `on_store_reply`, which says whether the request was its own.
class RequestIds {
 public:
  [[nodiscard]] RequestId next() { return ++last_; }

 private:
  RequestId last_ = 0;
};

}  // namespace hotpair::checkpoint::journal
