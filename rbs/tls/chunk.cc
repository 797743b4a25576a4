#include "rbs/tls/chunk.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace hotpair::rbs::tls {

namespace {

constexpr std::string_view kMagic = "hprb";
constexpr std::byte kVersion{1};

std::byte octet(std::uint64_t value, unsigned shift) {
  return static_cast<std::byte>((value >> shift) & 0xffU);
}

}  // namespace

std::array<std::byte, kChunkHeaderBytes> chunk_header(ChunkType type, std::size_t length) {
  return {static_cast<std::byte>(type), octet(length, 16), octet(length, 8), octet(length, 0)};
}

Bytes encode(const StreamHello& hello) {
  const auto header = chunk_header(ChunkType::hello, kHelloBytes);
  Bytes bytes(header.begin(), header.end());
  for (const char letter : kMagic) bytes.push_back(static_cast<std::byte>(letter));
  bytes.push_back(kVersion);
  bytes.push_back(hello.continues ? std::byte{1} : std::byte{0});
  bytes.resize(bytes.size() + 2);
  for (unsigned shift = 64; shift > 0; shift -= 8)
    bytes.push_back(octet(hello.connection, shift - 8));
  return bytes;
}

bool ChunkReader::gather(ByteSpan& input, std::size_t size) {
  const std::size_t taken = std::min(size - held_size_, input.size());
  std::copy_n(input.begin(), taken, held_.begin() + static_cast<std::ptrdiff_t>(held_size_));
  held_size_ += taken;
  input = input.subspan(taken);
  return held_size_ == size;
}

Result<void> ChunkReader::begin_chunk() {
  const auto type = std::to_integer<std::uint8_t>(held_[0]);
  left_ = (std::to_integer<std::size_t>(held_[1]) << 16U) |
          (std::to_integer<std::size_t>(held_[2]) << 8U) | std::to_integer<std::size_t>(held_[3]);
  held_size_ = 0;
  if (type > static_cast<std::uint8_t>(ChunkType::renew))
    return fail(ErrorCode::malformed, fmt::format("chunk of type {}", type));
  type_ = static_cast<ChunkType>(type);
  const bool fits = type_ == ChunkType::data    ? left_ > 0
                    : type_ == ChunkType::hello ? left_ == kHelloBytes
                                                : left_ == 0;
  if (!fits) return fail(ErrorCode::malformed, fmt::format("chunk {} of {} bytes", type, left_));
  in_body_ = true;
  return {};
}

Result<Chunk> ChunkReader::finish_control() {
  in_body_ = false;
  held_size_ = 0;
  Chunk chunk;
  chunk.type = type_;
  if (type_ != ChunkType::hello) return chunk;
  const bool ours = std::equal(kMagic.begin(), kMagic.end(), held_.begin(),
                               [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
  if (!ours) return fail(ErrorCode::malformed, "a hello of something else");
  if (held_[4] != kVersion)
    return fail(ErrorCode::malformed,
                fmt::format("stream version {}, expected {}", std::to_integer<unsigned>(held_[4]),
                            std::to_integer<unsigned>(kVersion)));
  if (held_[5] > std::byte{1} || held_[6] != std::byte{0} || held_[7] != std::byte{0})
    return fail(ErrorCode::malformed, "a hello of an unknown kind");
  chunk.hello.continues = held_[5] == std::byte{1};
  for (std::size_t i = 8; i < kHelloBytes; ++i)
    chunk.hello.connection =
        (chunk.hello.connection << 8U) | std::to_integer<std::uint64_t>(held_[i]);
  return chunk;
}

Result<std::optional<Chunk>> ChunkReader::next(ByteSpan& input) {
  if (!in_body_) {
    if (!gather(input, kChunkHeaderBytes)) return std::nullopt;
    if (const Result<void> begun = begin_chunk(); !begun) return std::unexpected(begun.error());
  }
  if (type_ == ChunkType::data) {
    if (input.empty()) return std::nullopt;
    Chunk chunk;
    chunk.body = input.first(std::min(left_, input.size()));
    left_ -= chunk.body.size();
    input = input.subspan(chunk.body.size());
    in_body_ = left_ > 0;
    return chunk;
  }
  if (!gather(input, left_)) return std::nullopt;
  Result<Chunk> chunk = finish_control();
  if (!chunk) return std::unexpected(chunk.error());
  return *chunk;
}

}  // namespace hotpair::rbs::tls
