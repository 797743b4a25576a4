#include "rbs/wire/frame_codec.h"

namespace hotpair::rbs::wire {

void FrameReader::feed(ByteSpan bytes) {
  if (begin_ > 0) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

Result<std::optional<ByteSpan>> FrameReader::next() {
  if (broken_) return fail(ErrorCode::malformed, "the stream was given up");
  const ByteSpan held = ByteSpan(buffer_).subspan(begin_);
  if (held.size() < kLengthBytes) return std::nullopt;
  ByteReader reader(held);
  const std::size_t length = reader.u32();
  if (length == 0 || length > session::kFrameBytesMax) {
    broken_ = true;
    return fail(ErrorCode::malformed, "a frame of " + std::to_string(length) +
                                          " bytes; expected 1 to " +
                                          std::to_string(session::kFrameBytesMax));
  }
  if (reader.remaining() < length) return std::nullopt;
  begin_ += kLengthBytes + length;
  return reader.take(length);
}

void FrameReader::clear() {
  buffer_.clear();
  begin_ = 0;
  broken_ = false;
}

}  // namespace hotpair::rbs::wire
