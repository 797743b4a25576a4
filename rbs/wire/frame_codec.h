#pragma once

#include <deque>
#include <optional>

#include "platform/base/bytes.h"
#include "platform/base/result.h"
#include "rbs/session/session_frames.h"

/// Frames of the RBS channel as bytes: a 4-byte length in network order, then one raw Cap'n Proto
/// segment of that length (schema: frame.capnp). A frame number that this build does not know
/// decodes to an error, since both ends agreed on a protocol version.
namespace hotpair::rbs::wire {

inline constexpr std::size_t kLengthBytes = 4;
inline constexpr std::size_t kEpochsMax = 64;  ///< of a history

/// Length and payload. Refused if a list or text is over its limit, or the whole over 1 MiB.
[[nodiscard]] Result<Bytes> encode(const session::Frame& frame);

/// Decodes one payload (without its length). Every count is checked before anything is allocated.
[[nodiscard]] Result<session::Frame> decode(ByteSpan payload);

/// Cuts a byte stream into payloads.
class FrameReader {
 public:
  /// Appends what was read from the stream.
  void feed(ByteSpan bytes);
  /// The next complete payload; nullopt: more bytes are needed. An error (a length of 0 or over
  /// 1 MiB) is final. The span is valid until the next call.
  [[nodiscard]] Result<std::optional<ByteSpan>> next();
  /// Bytes held that are not yet returned.
  [[nodiscard]] std::size_t buffered() const { return buffer_.size() - begin_; }
  /// Forgets everything, for the next connection.
  void clear();

 private:
  Bytes buffer_;
  std::size_t begin_ = 0;
  bool broken_ = false;
};

}  // namespace hotpair::rbs::wire
