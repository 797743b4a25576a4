#pragma once

#include <string>

#include "ha/cli/json.h"
#include "ha/cli/models_pim.h"
#include "ha/cli/render_text.h"

/// PIM as text and as JSON; see render_text.h and render_json.h.
namespace hotpair::ha::cli {

[[nodiscard]] std::string to_text(const PimNeighborsModel& model, TextOptions options);
[[nodiscard]] std::string to_text(const PimInterfacesModel& model, TextOptions options);
[[nodiscard]] std::string to_text(const PimRoutesModel& model, TextOptions options);
[[nodiscard]] std::string to_text(const PimRpModel& model);
[[nodiscard]] std::string to_text(const PimBsrModel& model);
[[nodiscard]] std::string to_text(const PimAutoRpModel& model);
[[nodiscard]] std::string to_text(const PimDfModel& model);
/// `display pim control-message counters`.
[[nodiscard]] std::string counters_text(const PimInterfacesModel& model, const PimBsrModel& bsr);

/// In the words of IOS; the neighbors as seed 002 prints them.
[[nodiscard]] std::string ios_text(const PimNeighborsModel& model);
[[nodiscard]] std::string ios_text(const PimInterfacesModel& model);
[[nodiscard]] std::string ios_text(const PimRoutesModel& model);
[[nodiscard]] std::string ios_text(const PimRpModel& model);
[[nodiscard]] std::string ios_text(const PimBsrModel& model);
[[nodiscard]] std::string ios_text(const PimAutoRpModel& model);
[[nodiscard]] std::string ios_text(const PimDfModel& model);
[[nodiscard]] std::string ios_text(const PimRpfModel& model);

[[nodiscard]] Json to_json(const PimNeighborsModel& model);
[[nodiscard]] Json to_json(const PimInterfacesModel& model);
[[nodiscard]] Json to_json(const PimRoutesModel& model);
[[nodiscard]] Json to_json(const PimRpModel& model);
[[nodiscard]] Json to_json(const PimBsrModel& model);
[[nodiscard]] Json to_json(const PimAutoRpModel& model);
[[nodiscard]] Json to_json(const PimDfModel& model);
[[nodiscard]] Json to_json(const PimRpfModel& model);
/// Counters of messages, by interface, and those of Bootstrap.
[[nodiscard]] Json counters_json(const PimInterfacesModel& model, const PimBsrModel& bsr);

/// "joined", "waiting for a Hello", …
[[nodiscard]] std::string_view word_of(mcast::pim::UpstreamState state);
/// "bootstrap", "Auto-RP", …
[[nodiscard]] std::string_view word_of(mcast::rp::RpSource source);
/// "Elected", "Accept Preferred", …
[[nodiscard]] std::string_view word_of(mcast::rp::BsrState state);
[[nodiscard]] std::string_view word_of(mcast::rp::BsrIgnored reason);

}  // namespace hotpair::ha::cli
