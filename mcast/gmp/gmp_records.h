#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"

/// What a router must know to go on in another's place (databases 16 and 17). A value changes only
/// when state changes: a refreshed timer is not a change, and no value holds a ticking time.
namespace hotpair::mcast::gmp {

enum class FilterMode : std::uint8_t { include = 1, exclude = 2 };

/// A last-member (last-listener) query is running: the members were asked and the timer is lowered.
/// It stays set after the last query until an answer comes or the timer ends.
struct LastMemberQuery {
  std::uint8_t queries_left = 0;  ///< retransmissions still to be sent
  Duration interval{};            ///< between them (RFC 3376 8.8)
  friend bool operator==(const LastMemberQuery&, const LastMemberQuery&) = default;
};

struct GroupKey {
  LinkId link;
  Group group;
  friend auto operator<=>(const GroupKey&, const GroupKey&) = default;
};

/// One group on one interface. Its sources are records of their own; either kind may come first.
struct GroupValue {
  FilterMode mode = FilterMode::include;
  std::uint8_t older_host_version = 0;  ///< 0: none present; IGMP 1 or 2, MLD 1 (RFC 3376 7.3.2)
  bool is_static = false;  ///< configured on this node; not written in records, ignored when read
  bool is_dynamic = false;              ///< reported by hosts
  std::optional<LastMemberQuery> query;
  IpAddress last_reporter;  ///< the host whose report last changed this value; else unspecified
  friend bool operator==(const GroupValue&, const GroupValue&) = default;
};

struct SourceKey {
  LinkId link;
  Group group;
  IpAddress source;
  friend auto operator<=>(const SourceKey&, const SourceKey&) = default;
};

/// One source of a group: forwarding (its timer runs) or blocked (EXCLUDE mode, timer zero).
struct SourceValue {
  bool forwarding = true;
  bool is_static = false;
  bool is_dynamic = false;
  std::optional<LastMemberQuery> query;
  friend bool operator==(const SourceValue&, const SourceValue&) = default;
};

/// A value of nullopt: the record is gone.
struct GroupMembership {
  GroupKey key;
  std::optional<GroupValue> value;
  friend bool operator==(const GroupMembership&, const GroupMembership&) = default;
};
struct SourceMembership {
  SourceKey key;
  std::optional<SourceValue> value;
  friend bool operator==(const SourceMembership&, const SourceMembership&) = default;
};

using MembershipRecord = std::variant<GroupMembership, SourceMembership>;

}  // namespace hotpair::mcast::gmp
