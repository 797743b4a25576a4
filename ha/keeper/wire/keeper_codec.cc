#include "ha/keeper/wire/keeper_codec.h"

#include <algorithm>

#include "ha/keeper/wire/keeper_fields.h"

namespace hotpair::ha::keeper {
namespace {

// A message's number is its place in the variant plus a base, or the one that kNumber gives it:
// alternatives are only ever appended, and those with a place come before those with a number.
constexpr std::uint16_t kToKeeperBase = 1;
constexpr std::uint16_t kFromKeeperBase = 101;

template <typename Variant, std::size_t I>
constexpr std::uint16_t number_of(std::uint16_t base) {
  constexpr std::uint16_t given = kNumber<std::variant_alternative_t<I, Variant>>;
  return given != 0 ? given : static_cast<std::uint16_t>(base + I);
}

template <typename Variant>
Bytes encode_as(const Variant& message, std::uint16_t base) {
  Bytes out;
  ByteWriter writer(out);
  writer.u32(0);
  writer.u16(0);
  FieldWriter field_writer(out);
  std::visit(
      [&](const auto& body) {
        constexpr std::uint16_t given = kNumber<std::remove_cvref_t<decltype(body)>>;
        const std::size_t number = given != 0 ? given : base + message.index();
        writer.patch_u16(4, static_cast<std::uint16_t>(number));
        fields(field_writer, body);
      },
      message);
  const std::size_t length = out.size() - 4;
  for (std::size_t i = 0; i < 4; ++i)
    out[i] = static_cast<std::byte>((length >> (8 * (3 - i))) & 0xffU);
  return out;
}

template <typename Variant, std::size_t I = 0>
std::expected<Variant, MessageReject> decode_alternative(std::uint16_t number, std::uint16_t base,
                                                         ByteSpan payload) {
  if constexpr (I == std::variant_size_v<Variant>) {
    return std::unexpected(MessageReject::unknown_number);
  } else {
    if (number != number_of<Variant, I>(base))
      return decode_alternative<Variant, I + 1>(number, base, payload);
    std::variant_alternative_t<I, Variant> body;
    FieldReader reader(payload);
    fields(reader, body);
    if (!reader.ok()) return std::unexpected(MessageReject::malformed);
    return Variant(std::in_place_index<I>, std::move(body));
  }
}

template <typename Variant>
std::expected<Variant, MessageReject> decode_as(ByteSpan frame, std::uint16_t base) {
  ByteReader reader(frame);
  const std::uint16_t number = reader.u16();
  if (!reader.ok()) return std::unexpected(MessageReject::malformed);
  return decode_alternative<Variant>(number, base, reader.rest());
}

}  // namespace

Bytes encode(const ToKeeper& message) { return encode_as(message, kToKeeperBase); }
Bytes encode(const FromKeeper& message) { return encode_as(message, kFromKeeperBase); }

std::expected<ToKeeper, MessageReject> decode_to_keeper(ByteSpan frame) {
  return decode_as<ToKeeper>(frame, kToKeeperBase);
}
std::expected<FromKeeper, MessageReject> decode_from_keeper(ByteSpan frame) {
  return decode_as<FromKeeper>(frame, kFromKeeperBase);
}

void FrameBuffer::append(ByteSpan bytes) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(start_));
  start_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

Result<std::optional<Bytes>> FrameBuffer::next() {
  const ByteSpan rest = ByteSpan(buffer_).subspan(start_);
  if (rest.size() < 4) return std::nullopt;
  ByteReader reader(rest);
  const std::size_t length = reader.u32();
  if (length > kMessageLengthMax)
    return fail(ErrorCode::malformed, "keeper message longer than 256 KiB");
  if (reader.remaining() < length) return std::nullopt;
  Bytes frame = to_bytes(reader.take(length));
  start_ += 4 + length;
  return std::optional<Bytes>(std::move(frame));
}

}  // namespace hotpair::ha::keeper
