#pragma once

#include <array>

#include "platform/base/message.h"

namespace hotpair::mcast::mrib {

inline constexpr Message kRouteNotInstalled{
    "HA-MRIB-0001", LogLevel::warning, "multicast route {} was refused by the forwarding plane: {}",
    "The plane's table is full, or a link of the route is not in the plane.",
    "See display multicast forwarding-table; the route is tried again by itself."};
inline constexpr Message kUpcallsLimited{
    "HA-MRIB-0002", LogLevel::warning, "upcalls of {} on {} exceed {} a second; {} ignored",
    "A host sends to many groups or with many source addresses, by fault or on purpose.",
    "Find the host by its address; storm control on its port stops it."};
inline constexpr Message kNegativeFull{
    "HA-MRIB-0003", LogLevel::warning, "more than {} negative routes; {} evicted",
    "Traffic of many (S,G) that nobody wants arrives.",
    "Filter the unwanted traffic upstream."};
inline constexpr Message kDataDrivenFull{
    "HA-MRIB-0004", LogLevel::error, "{} (S,G) made by traffic: no more are taken",
    "The number of active sources exceeds the configured maximum.",
    "Raise the limit, or filter the traffic of unknown sources."};

inline constexpr std::array kMessages{kRouteNotInstalled, kUpcallsLimited, kNegativeFull,
                                      kDataDrivenFull};

}  // namespace hotpair::mcast::mrib
