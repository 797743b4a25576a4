#pragma once

#include <array>

#include "platform/base/message.h"

/// Log messages of PIM. In every text {} stands for the values in this order.
namespace hotpair::mcast::pim {

inline constexpr Message kNeighbourUpMessage{
    .id = "HA-PIM-0001",
    .level = LogLevel::info,
    .text = "PIM neighbor {} on {}",
    .meaning = "A router said Hello. Joins that waited for it are sent.",
    .action = "None."};

inline constexpr Message kNeighbourDownMessage{
    .id = "HA-PIM-0002",
    .level = LogLevel::warning,
    .text = "PIM neighbor {} on {} is gone: {}",
    .meaning =
        "The router fell silent for its holdtime, said goodbye, or its link went down. What "
        "it forwarded comes another way, or not any more.",
    .action =
        "See whether the router is meant to be down; display pim neighbor, display pim "
        "routing-table."};

inline constexpr Message kNeighbourRestartedMessage{
    .id = "HA-PIM-0003",
    .level = LogLevel::warning,
    .text = "PIM neighbor {} on {} restarted",
    .meaning =
        "Its Hello has a new generation id: it has forgotten what it was told, and is told "
        "again within the override interval.",
    .action = "None if the restart was meant."};

inline constexpr Message kDrChangedMessage{
    .id = "HA-PIM-0004",
    .level = LogLevel::info,
    .text = "designated router on {} is now {} (was {})",
    .meaning = "The election among the PIM routers of the link has a new result.",
    .action = "None if it was meant; else compare the DR priorities: display pim interface."};

inline constexpr Message kPimLimitMessage{
    .id = "HA-PIM-0005",
    .level = LogLevel::warning,
    .text = "limit of PIM {} reached on {} by {}",
    .meaning =
        "A neighbor, or a Join, was refused because the link has as many as it may. What is "
        "there keeps its place.",
    .action =
        "Find out whether the sender is to be believed; raise the limit, or filter it by pim "
        "neighbor-policy."};

inline constexpr Message kAddressConflictMessage{
    .id = "HA-PIM-0006",
    .level = LogLevel::warning,
    .text = "address {} on {} is claimed by PIM neighbor {}, it was of {}",
    .meaning = "Two routers name the same secondary address in their Hellos; the last one counts.",
    .action = "Remove the address from one of them."};

inline constexpr Message kDfChangedMessage{
    .id = "HA-PIM-0007",
    .level = LogLevel::info,
    .text = "designated forwarder on {} for bidirectional RP {} is now {} (was {})",
    .meaning =
        "The election among the PIM routers of the link has a new result. It alone carries "
        "bidirectional groups of the RP to and from the link.",
    .action = "None if it was meant; else compare the routes to the RP: display pim df-info."};

inline constexpr Message kBidirRefusedMessage{
    .id = "HA-PIM-0008",
    .level = LogLevel::warning,
    .text = "{} serves no bidirectional groups: PIM neighbor {} does not know them",
    .meaning =
        "The Hello of the neighbor has no Bidirectional Capable option. A link with one such "
        "router would loop or lose packets, so it takes no part (RFC 5015 3.7.4).",
    .action = "Enable bidirectional PIM on the neighbor, or none of its groups on this link."};

inline constexpr std::array kMessages{
    kNeighbourUpMessage, kNeighbourDownMessage,   kNeighbourRestartedMessage, kDrChangedMessage,
    kPimLimitMessage,    kAddressConflictMessage, kDfChangedMessage,          kBidirRefusedMessage};

}  // namespace hotpair::mcast::pim
