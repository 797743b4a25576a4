#pragma once

#include "checkpoint/record/record.h"

namespace hotpair::checkpoint {

/// XXH3-128 over the canonical form of one record (RecordKey fields, schema version, value).
[[nodiscard]] Digest digest_of(const RecordKey& key, const RecordValue& value);

/// Adds or removes one record's digest to or from a set's.
[[nodiscard]] Digest add(Digest sum, Digest one);
[[nodiscard]] Digest subtract(Digest sum, Digest one);

}  // namespace hotpair::checkpoint
