#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "platform/base/bytes.h"
#include "platform/base/result.h"

/// Between `hotpair` and the daemon: frames of a 4-byte length (network order, the length of what
/// follows) and one JSON document. A request is one frame; the answer is any number of text frames,
/// at most one error, with a session its state and what may be completed, then done.
/// Version 1 has single commands; version 2 has sessions beside them. A session belongs to its
/// connection and ends with it.
namespace hotpair::ha::cli {

inline constexpr std::uint32_t kControlVersion = 1;
inline constexpr std::uint32_t kSessionVersion = 2;
inline constexpr std::size_t kControlFrameMax =
    1024 * 1024;  ///< a longer length closes the connection
inline constexpr std::size_t kControlChunkBytes = 64 * 1024;  ///< text per frame of an answer
inline constexpr std::size_t kControlDepthMax = 8;

/// One thing that may come next.
struct Completion {
  std::string word;  ///< as it is typed, or "<1-254>" for a value
  std::string help;
  bool insert = false;  ///< it can be inserted as it is
  friend bool operator==(const Completion&, const Completion&) = default;
};

/// A file that the caller read for the daemon, which may see another file system.
struct InputFile {
  std::string name;
  std::string text;
  friend bool operator==(const InputFile&, const InputFile&) = default;
};

/// What a session is asked for.
enum class SessionVerb : std::uint8_t {
  none,      ///< no session: one command, `argv`
  open,      ///< begins it
  line,      ///< runs one line
  complete,  ///< what may stand at the end of the line, for the Tab key
  help,      ///< the same, for `?`
  cancel,    ///< ends the wait for the action that runs; not answered itself
  close,     ///< ends it; the candidate is dropped
};

/// {"version":1,"argv":["display","version"],"json":false,"width":80,"user":"…","input":{…}}
/// {"version":2,"session":"line","text":"display version","terminal":true,…}
struct Request {
  std::uint32_t version = kControlVersion;
  std::vector<std::string> argv;  ///< words as typed; `line` in the document is split by blanks
  bool json = false;
  std::uint16_t width = 80;
  std::string user;  ///< for the log; rights come from the socket's credentials
  std::optional<InputFile> input;
  SessionVerb verb = SessionVerb::none;
  std::string line;       ///< of a session: as typed, up to the cursor for complete and help
  bool terminal = false;  ///< of a session: a person reads, who wants to know what others do
  friend bool operator==(const Request&, const Request&) = default;
};

struct TextChunk {
  std::string text;
  friend bool operator==(const TextChunk&, const TextChunk&) = default;
};
struct ErrorChunk {
  std::string code;  ///< name of an ErrorCode
  std::string text;
  std::uint32_t column = 0;  ///< of a session's line: the offending word, first is 1; 0: none
  friend bool operator==(const ErrorChunk&, const ErrorChunk&) = default;
};
struct DoneChunk {
  int exit_code = 0;
  friend bool operator==(const DoneChunk&, const DoneChunk&) = default;
};
/// How a session stands after a request.
struct SessionChunk {
  std::string prompt;    ///< "[*DeviceA-Eth-Trunk1]"
  bool changes = false;  ///< the candidate has changes that are not committed
  bool ended = false;
  std::optional<std::uint16_t> page_lines;  ///< of a page, 0: no stops; absent: the terminal's
  friend bool operator==(const SessionChunk&, const SessionChunk&) = default;
};
/// What may stand at the end of the line.
struct CompletionChunk {
  std::uint32_t typed = 0;  ///< characters of the last word that a completion replaces
  std::vector<Completion> completions;
  friend bool operator==(const CompletionChunk&, const CompletionChunk&) = default;
};
using Chunk = std::variant<TextChunk, ErrorChunk, DoneChunk, SessionChunk, CompletionChunk>;

/// Frames, length included.
[[nodiscard]] std::string encode_frame(const Request& request);
[[nodiscard]] std::string encode_frame(const Chunk& chunk);
/// The document of one frame, without its length. Malformed with what is wrong.
[[nodiscard]] Result<Request> decode_request(std::string_view document);
[[nodiscard]] Result<Chunk> decode_chunk(std::string_view document);

/// Cuts a stream of bytes into documents. Bounded by kControlFrameMax.
class FrameSplitter {
 public:
  /// Adds bytes as they came.
  void feed(std::string_view bytes);
  /// The next whole document, nullopt when more bytes are needed; an error is final.
  [[nodiscard]] Result<std::optional<std::string>> next();

 private:
  std::string buffer_;
  std::size_t consumed_ = 0;
  bool broken_ = false;
};

struct Response;
/// The frames of an answer in order: text in chunks, error, done. A pending answer has no done, nor
/// has one of which more text `follows`.
[[nodiscard]] std::vector<std::string> encode_response(const Response& response,
                                                       bool follows = false);

[[nodiscard]] std::string_view name_of(ErrorCode code);

}  // namespace hotpair::ha::cli
