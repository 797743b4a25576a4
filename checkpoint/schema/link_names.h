#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "platform/base/ids.h"
#include "platform/base/result.h"

namespace hotpair::checkpoint::schema {

/// An interface as both nodes of a pair know it: the backup-id of the profile that binds it and its
/// number there (the Eth-Trunk id).
struct TrunkRef {
  std::uint32_t backup_id = 0;
  std::uint32_t trunk_id = 0;
  friend auto operator<=>(const TrunkRef&, const TrunkRef&) = default;
};

/// How one interface of this node is called in records.
struct LinkName {
  VrfId vrf;
  std::string configured;         ///< "GigabitEthernet0/1/0": used in scope 0 only; 1 to 64 bytes
  std::optional<TrunkRef> trunk;  ///< used in the scope of its backup-id; none: never replicated
  friend bool operator==(const LinkName&, const LinkName&) = default;
};

/// The node's interfaces, both ways: LinkId is this node's own and never crosses, names do.
class LinkNames {
 public:
  /// Adds or renames an interface. Refused if another one has the name or the trunk already.
  [[nodiscard]] Result<void> bind(LinkId link, LinkName name);
  void unbind(LinkId link);
  /// nullptr if the interface is not known.
  [[nodiscard]] const LinkName* name_of(LinkId link) const;
  [[nodiscard]] std::optional<LinkId> find(const TrunkRef& trunk) const;
  [[nodiscard]] std::optional<LinkId> find(std::string_view configured) const;

 private:
  std::unordered_map<LinkId, LinkName> names_;
  std::map<TrunkRef, LinkId> by_trunk_;
  std::map<std::string, LinkId, std::less<>> by_name_;
};

}  // namespace hotpair::checkpoint::schema
