#pragma once

/// The one door to Cap'n Proto: every include of its headers, and of generated `*.capnp.h`, comes
/// after this one. Its 0.9 headers do not compile under clang in C++20 without these operators.
#include <kj/string.h>
#if defined(__clang__)
namespace kj {
inline bool operator==(const char* a, StringPtr b) { return b == StringPtr(a); }
inline bool operator!=(const char* a, StringPtr b) { return !(b == StringPtr(a)); }
}  // namespace kj
#endif
#include <capnp/message.h>
#include <capnp/serialize.h>
