#pragma once

#include <string>

#include "platform/base/bytes.h"

namespace hotpair::checkpoint::store {

/// Judges the bytes of an LMDB 0.9 file (64-bit, little-endian) page by page, reading nothing
/// outside them: every page that the newest meta page leads to has sound headers, offsets and
/// sizes, keys ascend, no page is used twice or is on the free list as well. LMDB itself checks
/// none of this and follows whatever stands there. What keys and values hold is not judged: they
/// have checksums. An empty string if all is well, else what is wrong.
[[nodiscard]] std::string check_pages(ByteSpan file);

}  // namespace hotpair::checkpoint::store
