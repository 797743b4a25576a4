#pragma once

#include "platform/base/message.h"

/// Log messages of RP information. In every text {} stands for the values in this order.
namespace hotpair::mcast::rp {

inline constexpr Message kBsrChangedMessage{
    .id = "HA-RP-0001",
    .level = LogLevel::info,
    .text = "bootstrap router of {} is now {} (was {})",
    .meaning = "The election of the zone has a new result, or the bootstrap router fell silent.",
    .action = "None if it was meant; else compare the priorities of the candidates and see whether "
              "the former one is reachable."};

inline constexpr Message kBsrLostMessage{
    .id = "HA-RP-0002",
    .level = LogLevel::warning,
    .text = "no bootstrap router for {} any more (was {})",
    .meaning = "No Bootstrap message came for 130 s. The mappings last heard serve for one more "
               "holdtime.",
    .action = "Restore a candidate bootstrap router or the way to it before the mappings expire."};

inline constexpr Message kRpLimitMessage{
    .id = "HA-RP-0003",
    .level = LogLevel::warning,
    .text = "limit of {} reached by what {} says",
    .meaning = "RP information was refused because as much is held as may be; what is there keeps "
               "its place.",
    .action = "Find out whether the sender is to be believed; filter it, or raise the limit."};

inline constexpr Message kRpConflictMessage{
    .id = "HA-RP-0004",
    .level = LogLevel::warning,
    .text = "groups {}: static RP {}, learned RP {}; in force is the {} one",
    .meaning = "Static configuration and what was learned name different RPs for the same groups. "
               "Routers that decide otherwise build another tree.",
    .action = "Remove the static RP, or let it be preferred on every router of the domain."};

}  // namespace hotpair::mcast::rp
