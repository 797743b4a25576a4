#include "checkpoint/schema/link_names.h"

namespace hotpair::checkpoint::schema {
namespace {

constexpr std::size_t kNameBytesMax = 64;

}  // namespace

Result<void> LinkNames::bind(LinkId link, LinkName name) {
  if (name.configured.empty() || name.configured.size() > kNameBytesMax)
    return fail(ErrorCode::refused, "interface name \"" + name.configured +
                                        "\" is empty or longer than 64 bytes");
  if (const auto other = find(name.configured); other && *other != link)
    return fail(ErrorCode::exists, "another interface is already called " + name.configured);
  if (name.trunk) {
    if (const auto other = find(*name.trunk); other && *other != link)
      return fail(ErrorCode::exists, "Eth-Trunk " + std::to_string(name.trunk->trunk_id) +
                                         " of backup-id " + std::to_string(name.trunk->backup_id) +
                                         " is already another interface than " + name.configured);
  }
  unbind(link);
  by_name_.emplace(name.configured, link);
  if (name.trunk) by_trunk_.emplace(*name.trunk, link);
  names_.emplace(link, std::move(name));
  return {};
}

void LinkNames::unbind(LinkId link) {
  const auto found = names_.find(link);
  if (found == names_.end()) return;
  by_name_.erase(found->second.configured);
  if (found->second.trunk) by_trunk_.erase(*found->second.trunk);
  names_.erase(found);
}

const LinkName* LinkNames::name_of(LinkId link) const {
  const auto found = names_.find(link);
  return found == names_.end() ? nullptr : &found->second;
}

std::optional<LinkId> LinkNames::find(const TrunkRef& trunk) const {
  const auto found = by_trunk_.find(trunk);
  return found == by_trunk_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<LinkId> LinkNames::find(std::string_view configured) const {
  const auto found = by_name_.find(configured);
  return found == by_name_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace hotpair::checkpoint::schema
