#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "platform/base/bytes.h"
#include "platform/base/result.h"

/// The thin layer between TLS and the owner's bytes: it greets, and lets a stream go on over
/// another connection. A chunk is a 4-byte header, type and 24-bit length (big-endian), and a body:
///
///     00 LL LL LL  data       1 to kChunkBytesMax bytes of the owner's stream
///     01 00 00 10  hello      "hprb", version 1, kind, two zeros, 64-bit connection id
///     02 00 00 00  end        the sender's stream goes on over the connection that continues this
///     03 00 00 00  renew      the listener asks the dialler for a connection that continues this
///
/// The first chunk each way is the hello. The dialler says kind 0 (fresh, id 0) or 1 (continues the
/// connection of that id); the listener answers in kind and gives the new connection its id.
namespace hotpair::rbs::tls {

inline constexpr std::size_t kChunkHeaderBytes = 4;
inline constexpr std::size_t kHelloBytes = 16;
inline constexpr std::size_t kChunkBytesMax = (1U << 24U) - 1;

enum class ChunkType : std::uint8_t { data = 0, hello = 1, end = 2, renew = 3 };

struct StreamHello {
  bool continues = false;
  std::uint64_t connection = 0;  ///< id, unguessable: known to who is inside the old connection
  friend bool operator==(const StreamHello&, const StreamHello&) = default;
};

/// A whole control chunk, or a piece of a data chunk.
struct Chunk {
  ChunkType type = ChunkType::data;
  ByteSpan body;      ///< of data; valid as long as what was fed
  StreamHello hello;  ///< of hello
};

[[nodiscard]] std::array<std::byte, kChunkHeaderBytes> chunk_header(ChunkType type,
                                                                    std::size_t length);
[[nodiscard]] Bytes encode(const StreamHello& hello);

/// Cuts a stream into chunks, however it was read. Holds at most one control chunk.
class ChunkReader {
 public:
  /// Takes the next chunk off the front of `input`; nullopt when more bytes are needed. Malformed
  /// is final: the connection must end.
  [[nodiscard]] Result<std::optional<Chunk>> next(ByteSpan& input);

 private:
  [[nodiscard]] Result<void> begin_chunk();
  [[nodiscard]] Result<Chunk> finish_control();
  [[nodiscard]] bool gather(ByteSpan& input, std::size_t size);

  std::array<std::byte, kHelloBytes> held_{};
  std::size_t held_size_ = 0;
  bool in_body_ = false;
  ChunkType type_ = ChunkType::data;
  std::size_t left_ = 0;  // of the body
};

}  // namespace hotpair::rbs::tls
