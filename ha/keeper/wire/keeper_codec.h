#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "ha/keeper/wire/keeper_protocol.h"
#include "platform/base/bytes.h"
#include "platform/base/result.h"

/// The bytes of the keeper protocol: length (32 bits, of what follows), message number (16 bits),
/// payload. Network byte order. A payload is its fields in order; a later version appends fields,
/// which an older receiver does not read; elements of a list carry their own length (16 bits) for
/// the same reason. Unknown message numbers are skipped. Descriptors travel in SCM_RIGHTS of the
/// sendmsg() that carries `Descriptors` or `Welcome`.
namespace hotpair::ha::keeper {

inline constexpr std::size_t kMessageLengthMax = 256 * 1024;
inline constexpr std::size_t kDescriptorsMax = 64;

/// Why a message was not understood; the connection goes on.
enum class MessageReject : std::uint8_t {
  unknown_number,  ///< of a later version: skip
  malformed,       ///< short, out of range or over a limit
};

/// One message with its length before it, ready to send.
[[nodiscard]] Bytes encode(const ToKeeper& message);
[[nodiscard]] Bytes encode(const FromKeeper& message);

/// Reads one message, without its length: number and payload.
[[nodiscard]] std::expected<ToKeeper, MessageReject> decode_to_keeper(ByteSpan frame);
[[nodiscard]] std::expected<FromKeeper, MessageReject> decode_from_keeper(ByteSpan frame);

/// Cuts a byte stream into messages.
class FrameBuffer {
 public:
  void append(ByteSpan bytes);
  /// The next whole message (number and payload), nullopt while it is incomplete; an error when the
  /// length is over the limit, after which the stream cannot be read any more.
  [[nodiscard]] Result<std::optional<Bytes>> next();
  [[nodiscard]] std::size_t buffered() const { return buffer_.size() - start_; }

 private:
  Bytes buffer_;
  std::size_t start_ = 0;
};

}  // namespace hotpair::ha::keeper
