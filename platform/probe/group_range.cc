#include "platform/probe/group_range.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string>

namespace hotpair::platform::probe {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

Result<IpAddress> next_address(const IpAddress& address) {
  Bytes bytes = to_bytes(address.bytes());
  for (std::size_t i = bytes.size(); i-- > 0;) {
    bytes[i] = static_cast<std::byte>(std::to_integer<unsigned>(bytes[i]) + 1U);
    if (bytes[i] != std::byte{0}) break;
  }
  return IpAddress::from_bytes(bytes);
}

Result<std::vector<Group>> count_from(const Group& first, std::uint32_t count) {
  std::vector<Group> groups{first};
  while (groups.size() < count) {
    const Result<IpAddress> address = next_address(groups.back().address());
    if (!address) return std::unexpected(address.error());
    const Result<Group> group = Group::from(*address);
    if (!group) {
      return fail(ErrorCode::malformed, "the range from " + first.to_string() + " runs past the " +
                                            "last multicast address");
    }
    groups.push_back(*group);
  }
  return groups;
}

Result<std::vector<Group>> parse_part(std::string_view text) {
  const std::size_t at = text.find_first_of("-+");
  const Result<Group> first = Group::parse(text.substr(0, at));
  if (!first) return std::unexpected(first.error());
  if (at == std::string_view::npos) return std::vector<Group>{*first};
  const std::string_view rest = text.substr(at + 1);
  const std::string too_many = "more than " + std::to_string(groups_max) + " groups in one range";
  if (text[at] == '+') {
    std::uint32_t count = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    if (error != std::errc{} || end != rest.data() + rest.size() || count == 0) {
      return fail(ErrorCode::malformed, "'" + std::string(rest) + "' is no number of groups");
    }
    if (count > groups_max) return fail(ErrorCode::refused, too_many);
    return count_from(*first, count);
  }
  const Result<Group> last = Group::parse(rest);
  if (!last) return std::unexpected(last.error());
  if (last->family() != first->family() || *last < *first) {
    return fail(ErrorCode::malformed,
                "the range '" + std::string(text) + "' ends before it begins");
  }
  std::vector<Group> groups{*first};
  while (groups.back() != *last) {
    if (groups.size() == groups_max) return fail(ErrorCode::refused, too_many);
    const Result<std::vector<Group>> two = count_from(groups.back(), 2);
    if (!two) return std::unexpected(two.error());
    groups.push_back(two->back());
  }
  return groups;
}

}  // namespace

Result<std::vector<Group>> parse_groups(std::string_view text) {
  std::vector<Group> all;
  for (const std::string_view part : split(text, ',')) {
    const Result<std::vector<Group>> groups = parse_part(part);
    if (!groups) return std::unexpected(groups.error());
    all.insert(all.end(), groups->begin(), groups->end());
    if (all.size() > groups_max) {
      return fail(ErrorCode::refused, "more than " + std::to_string(groups_max) + " groups");
    }
  }
  std::set<Group> seen;
  for (const Group& group : all) {
    if (group.family() != all.front().family()) {
      return fail(ErrorCode::malformed, "IPv4 and IPv6 groups in one list: use two programs");
    }
    if (!seen.insert(group).second) {
      return fail(ErrorCode::malformed, "group " + group.to_string() + " is named twice");
    }
  }
  return all;
}

Result<std::vector<IpAddress>> parse_sources(std::string_view text, Family family) {
  std::vector<IpAddress> sources;
  for (const std::string_view part : split(text, ',')) {
    const Result<IpAddress> address = IpAddress::parse(part);
    if (!address) return std::unexpected(address.error());
    if (address->family() != family || address->is_multicast()) {
      return fail(ErrorCode::malformed, std::string(part) + " cannot be a source of these groups");
    }
    if (std::ranges::find(sources, *address) == sources.end()) sources.push_back(*address);
  }
  return sources;
}

}  // namespace hotpair::platform::probe
