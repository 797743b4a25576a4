#pragma once

#include <memory>

#include "ha/cli/node_view.h"
#include "ha/cli/render_text.h"
#include "ha/cli/text_source.h"

namespace hotpair::ha::cli {

/// `display igmp|mld group` of a long table: the text, or the JSON document, that the renderers
/// make of the whole, byte for byte, in pieces.
[[nodiscard]] std::unique_ptr<TextSource> group_stream(std::unique_ptr<GmpGroupReader> reader,
                                                       const GmpGroupQuery& query, bool json,
                                                       TextOptions options);

}  // namespace hotpair::ha::cli
