#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ha/cli/control_desk.h"
#include "ha/cli/control_protocol.h"
#include "platform/base/assert.h"
#include "tests/unit/ha_cli/fake_node.h"

/// Any bytes on the control socket: cut into frames, decoded or refused; what is a request runs
/// against a node, and its answer can be read back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hotpair::ha::cli;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  FrameSplitter splitter;
  splitter.feed(bytes);
  for (auto next = splitter.next(); next && *next; next = splitter.next())
    static_cast<void>(decode_chunk(**next));

  // One document, or several of one connection, a line each.
  static testing::FakeNode node;
  node.done.clear();
  node.config = hotpair::ha::config::Config{};
  node.long_table = [] { return std::make_unique<testing::LongTable>(25); };
  testing::MemoryCommits commits;
  Transactions transactions(node, node, commits);
  transactions.start({}, "start", {});
  ControlDesk desk(node, node, transactions);
  const Caller caller{AccessRole::admin, "fuzz", 0, 1};
  Instant instant;
  std::string_view rest = bytes;
  for (int i = 0; i < 64 && !rest.empty(); ++i) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const auto request = decode_request(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!request) continue;
    const auto same = decode_request(encode_frame(*request).substr(4));
    HA_ASSERT(same.has_value() && same->argv.size() == request->argv.size() &&
              same->verb == request->verb);
    Response response = desk.run(*request, caller, instant);
    if (response.pending) response = desk.finish(*request, caller.session, {}, instant);
    for (const std::string& frame : encode_response(response))
      HA_ASSERT(decode_chunk(frame.substr(4)).has_value());
    for (bool done = !response.more; !done;) done = response.more->next().done;
    instant.now += std::chrono::seconds(7);
    static_cast<void>(transactions.on_timeout(instant));
  }
  return 0;
}
