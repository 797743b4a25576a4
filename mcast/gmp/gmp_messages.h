#pragma once

#include "platform/base/message.h"

/// Log messages of group membership. In every text {} stands for the values in this order.
namespace hotpair::mcast::gmp {

inline constexpr Message kGroupLimit{
    .id = "HA-GMP-0001",
    .level = LogLevel::warning,
    .text = "group limit reached on {}: host {} asked for group {}, limit {}",
    .meaning = "The interface holds as many groups as it may; the report was refused. Groups that "
               "are there keep their service.",
    .action = "Find out whether the host is to join so many groups; raise the limit of the "
              "interface if it is."};

inline constexpr Message kSourceLimit{
    .id = "HA-GMP-0002",
    .level = LogLevel::warning,
    .text = "source limit reached on {}: host {} asked for more sources of group {}, limit {}",
    .meaning = "The group holds as many sources as it may; the new ones were refused. Sources that "
               "are there keep their service.",
    .action = "Find out whether the host is to ask for so many sources; raise the limit of the "
              "interface if it is."};

inline constexpr Message kOtherQuerier{
    .id = "HA-GMP-0003",
    .level = LogLevel::info,
    .text = "another querier on {}: {}",
    .meaning = "A query of another router was heard on an interface whose scope decides who asks; "
               "it does not count in an election.",
    .action = "None if it is the peer just before or after a switchover; else look for a router or "
              "a snooping switch that asks on this link and silence it."};

inline constexpr Message kQuerierChanged{
    .id = "HA-GMP-0004",
    .level = LogLevel::info,
    .text = "querier on {} is now {} ({})",
    .meaning = "The querier election of the link has a new result.",
    .action = "None."};

inline constexpr Message kQueryVersion{
    .id = "HA-GMP-0005",
    .level = LogLevel::warning,
    .text = "query of version {} from {} on {}, configured is version {}",
    .meaning = "Routers of one link must speak the same version; with two, hosts fall back to the "
               "older one and source lists are lost.",
    .action = "Configure the same version on every router of the link."};

inline constexpr Message kRejected{
    .id = "HA-GMP-0006",
    .level = LogLevel::debug,
    .text = "packet from {} on {} refused: {}",
    .meaning = "A packet on the IGMP or MLD socket was malformed or broke a rule; it was counted "
               "and dropped.",
    .action = "None if it is rare; the counters of the interface tell the reasons."};

}  // namespace hotpair::mcast::gmp
