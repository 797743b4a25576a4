#pragma once

#include <string_view>

#include "platform/base/bytes.h"

namespace hotpair::mcast::wire::testing {

/// "11 64 ee9b 00000000": hexadecimal digits, blanks and line ends between them are free; from
/// '#' to the end of the line stands the dissection.
inline Bytes bytes_of(std::string_view text) {
  Bytes bytes;
  int high = -1;
  bool comment = false;
  for (const char c : text) {
    if (c == '#') comment = true;
    if (c == '\n') comment = false;
    if (comment) continue;
    int digit = -1;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::byte>(high * 16 + digit));
      high = -1;
    }
  }
  return bytes;
}

}  // namespace hotpair::mcast::wire::testing
