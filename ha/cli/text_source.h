#pragma once

#include <string>

namespace hotpair::ha::cli {

/// A part of an answer; empty text: it is still being made.
struct TextPiece {
  std::string text;
  bool done = false;
};

/// An answer too long to be made at once. Each call does at most about 1 ms of work, so that the
/// daemon's loop goes on between two (design section 4); who asks for the next piece only when the
/// one before has left holds no more than one.
class TextSource {
 public:
  virtual ~TextSource() = default;
  [[nodiscard]] virtual TextPiece next() = 0;
};

}  // namespace hotpair::ha::cli
