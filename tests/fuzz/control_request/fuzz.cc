#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ha/cli/control_protocol.h"
#include "ha/cli/interpreter.h"
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

  const auto request = decode_request(bytes);
  if (!request) return 0;
  const auto same = decode_request(encode_frame(*request).substr(4));
  HA_ASSERT(same.has_value() && same->argv.size() == request->argv.size());
  static testing::FakeNode node;
  node.done.clear();
  const CommandInterpreter interpreter(node, node);
  const Response response = interpreter.run(*request, AccessRole::admin);
  for (const std::string& frame : encode_response(response))
    HA_ASSERT(decode_chunk(frame.substr(4)).has_value());
  return 0;
}
