#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "checkpoint/schema/capnp.h"
#include "platform/base/assert.h"
#include "platform/base/bytes.h"

/// A value is one raw Cap'n Proto segment: no framing, no packing.
namespace hotpair::checkpoint::schema {

template <typename Root, typename Fill>
[[nodiscard]] Bytes build_into(capnp::MessageBuilder& message, Fill&& fill) {
  fill(message.initRoot<Root>());
  const auto segments = message.getSegmentsForOutput();
  HA_ASSERT(segments.size() == 1);
  const auto bytes = segments[0].asBytes();
  Bytes out(bytes.size());
  std::memcpy(out.data(), bytes.begin(), bytes.size());
  return out;
}

/// Builds a value of at most 512 bytes on the stack; `fill` gets the root builder.
template <typename Root, typename Fill>
[[nodiscard]] Bytes build_segment(Fill&& fill) {
  std::array<capnp::word, 64> scratch;
  std::memset(static_cast<void*>(scratch.data()), 0, sizeof scratch);
  capnp::MallocMessageBuilder message(kj::arrayPtr(scratch.data(), scratch.size()));
  return build_into<Root>(message, std::forward<Fill>(fill));
}

/// Builds a value of at most `bytes_max` bytes on the heap.
template <typename Root, typename Fill>
[[nodiscard]] Bytes build_large_segment(std::size_t bytes_max, Fill&& fill) {
  capnp::MallocMessageBuilder message(static_cast<unsigned>(bytes_max / sizeof(capnp::word) + 1));
  return build_into<Root>(message, std::forward<Fill>(fill));
}

/// Reads a value: copied to aligned memory first, traversal limited to twice its size, nesting
/// to 8. `read` gets the root reader and answers optional<T>; nullopt too if the segment is
/// malformed.
template <typename Root, typename Read>
[[nodiscard]] auto read_segment(ByteSpan bytes, Read&& read)
    -> decltype(read(std::declval<typename Root::Reader>())) {
  constexpr std::size_t kWord = sizeof(capnp::word);
  if (bytes.empty() || bytes.size() % kWord != 0) return std::nullopt;
  const std::size_t words = bytes.size() / kWord;
  std::array<std::uint64_t, 64> stack;
  std::vector<std::uint64_t> heap;
  std::uint64_t* copy = stack.data();
  if (words > stack.size()) {
    heap.resize(words);
    copy = heap.data();
  }
  std::memcpy(copy, bytes.data(), bytes.size());
  try {
    const kj::ArrayPtr<const capnp::word> segment(reinterpret_cast<const capnp::word*>(copy),
                                                  words);
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 2 * words;
    options.nestingLimit = 8;
    capnp::SegmentArrayMessageReader message(kj::arrayPtr(&segment, 1), options);
    return read(message.getRoot<Root>());
  } catch (const kj::Exception&) {
    return std::nullopt;
  }
}

}  // namespace hotpair::checkpoint::schema
