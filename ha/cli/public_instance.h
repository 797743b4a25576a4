#pragma once

namespace hotpair::ha::cli {

/// How displays call the VPN instance that no line names.
inline constexpr const char* kPublicInstance = "public net";

}  // namespace hotpair::ha::cli
