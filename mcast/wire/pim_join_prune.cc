#include "mcast/wire/pim_join_prune.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

namespace hotpair::mcast::wire {
namespace {

constexpr std::size_t kGroupsMax = 0xff;
constexpr std::size_t kSourcesMax = 0xffff;

std::size_t fixed_size(Family family) { return pim::unicast_size(family) + 4; }
std::size_t set_size(Family family) { return pim::prefix_size(family) + 4; }

bool is_shared_tree(const PimSource& source) { return source.wildcard; }
bool is_rpt(const PimSource& source) { return source.rpt && !source.wildcard; }

/// Fills messages one after the other.
class Packer {
 public:
  Packer(const PimJoinPrune& wanted, std::size_t mtu)
      : family_(wanted.upstream_neighbor.family()),
        entry_size_(pim::prefix_size(family_)),
        room_(pim::message_room(family_, mtu) - pim::kHeaderSize - fixed_size(family_)),
        empty_{.upstream_neighbor = wanted.upstream_neighbor,
               .holdtime_s = wanted.holdtime_s,
               .groups = {}} {}

  void add(PimGroupSet&& set) {
    if (std::ranges::any_of(set.joined, is_shared_tree)) add_shared_tree(set);
    for (const PimSource& source : set.joined) open_for(set.group).joined.push_back(source);
    for (const PimSource& source : set.pruned) open_for(set.group).pruned.push_back(source);
    open_ = false;
  }

  PimJoinPrunePack take() { return std::move(pack_); }

 private:
  // Takes the (*,G) Joins and (S,G,rpt) Prunes out of the set: they are not to be parted.
  void add_shared_tree(PimGroupSet& set) {
    PimGroupSet whole{.group = set.group, .joined = {}, .pruned = {}};
    const auto split = [](std::vector<PimSource>& from, std::vector<PimSource>& to, auto chosen) {
      std::ranges::copy_if(from, std::back_inserter(to), chosen);
      std::erase_if(from, chosen);
    };
    split(set.joined, whole.joined, is_shared_tree);
    split(set.pruned, whole.pruned, is_rpt);
    std::ranges::sort(whole.pruned, {}, &PimSource::address);
    const std::size_t most = (room_ - set_size(family_)) / entry_size_;
    whole.joined.resize(std::min(whole.joined.size(), most));
    const std::size_t prunes = std::min(whole.pruned.size(), most - whole.joined.size());
    pack_.rpt_prunes_cut += whole.pruned.size() - prunes;
    whole.pruned.erase(whole.pruned.begin() + static_cast<std::ptrdiff_t>(prunes),
                       whole.pruned.end());
    reserve(set_size(family_) + (whole.joined.size() + prunes) * entry_size_);
    current().push_back(std::move(whole));
    open_ = true;
  }

  /// The set of this group in the current message, with room for one entry, which is taken.
  PimGroupSet& open_for(const PimGroupRange& group) {
    if (open_ && used_ + entry_size_ <= room_) {
      used_ += entry_size_;
      return current().back();
    }
    reserve(set_size(family_) + entry_size_);
    current().push_back({.group = group, .joined = {}, .pruned = {}});
    open_ = true;
    return current().back();
  }

  /// Takes `size` octets for a further group set of the current message, or of a new one.
  void reserve(std::size_t size) {
    if (pack_.messages.empty() || used_ + size > room_ || current().size() == kGroupsMax) {
      pack_.messages.push_back(empty_);
      used_ = 0;
    }
    used_ += size;
  }

  std::vector<PimGroupSet>& current() { return pack_.messages.back().groups; }

  Family family_;
  std::size_t entry_size_;
  std::size_t room_;  // for group sets
  PimJoinPrune empty_;
  PimJoinPrunePack pack_;
  std::size_t used_ = 0;
  bool open_ = false;  // the last set of the current message is of the group being added
};

}  // namespace

PimJoinPrunePack pack_join_prune(PimJoinPrune wanted, std::size_t mtu) {
  Packer packer(wanted, mtu);
  for (PimGroupSet& set : wanted.groups) packer.add(std::move(set));
  return packer.take();
}

namespace pim {
namespace {

// The octets were counted before.
Parsed<std::vector<PimSource>> read_sources(ByteReader& in, Family family, std::size_t count) {
  std::vector<PimSource> sources;
  sources.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto source = read_source(in, family);
    if (!source) return std::unexpected(source.error());
    sources.push_back(*source);
  }
  return sources;
}

//  |         Multicast Group Address (Encoded-Group format)        |
//  |   Number of Joined Sources    |   Number of Pruned Sources    |
//  |        Joined, then Pruned Sources (Encoded-Source format)    |
Parsed<PimGroupSet> read_set(ByteReader& in, Family family) {
  const auto group = read_range(in, family);
  if (!group) return std::unexpected(group.error());
  const std::size_t joined = in.u16();
  const std::size_t pruned = in.u16();
  if (!in.ok()) return std::unexpected(PimReject::truncated);
  if ((joined + pruned) * prefix_size(family) > in.remaining())
    return std::unexpected(PimReject::source_count);
  auto joins = read_sources(in, family, joined);
  if (!joins) return std::unexpected(joins.error());
  auto prunes = read_sources(in, family, pruned);
  if (!prunes) return std::unexpected(prunes.error());
  return PimGroupSet{*group, std::move(*joins), std::move(*prunes)};
}

std::span<const PimSource> writable(const std::vector<PimSource>& sources) {
  return std::span(sources).first(std::min(sources.size(), kSourcesMax));
}

}  // namespace

//  |        Upstream Neighbor Address (Encoded-Unicast format)     |
//  |  Reserved     | Num groups    |          Holdtime             |
Parsed<PimMessage> parse_join_prune(ByteSpan body, Family family) {
  ByteReader in(body);
  const auto upstream = read_unicast(in, family);
  if (!upstream) return std::unexpected(upstream.error());
  in.skip(1);
  const std::size_t count = in.u8();
  PimJoinPrune message{.upstream_neighbor = *upstream, .holdtime_s = in.u16(), .groups = {}};
  if (!in.ok()) return std::unexpected(PimReject::truncated);
  if (count * set_size(family) > in.remaining()) return std::unexpected(PimReject::group_count);
  message.groups.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto set = read_set(in, family);
    if (!set) return std::unexpected(set.error());
    message.groups.push_back(std::move(*set));
  }
  return message;
}

void write(ByteWriter& out, const PimJoinPrune& message) {
  const auto groups = std::span(message.groups).first(std::min(message.groups.size(), kGroupsMax));
  write_header(out, 3);
  write_unicast(out, message.upstream_neighbor);
  out.u8(0);
  out.u8(static_cast<std::uint8_t>(groups.size()));
  out.u16(message.holdtime_s);
  for (const PimGroupSet& set : groups) {
    const auto joined = writable(set.joined);
    const auto pruned = writable(set.pruned);
    write_range(out, set.group);
    out.u16(static_cast<std::uint16_t>(joined.size()));
    out.u16(static_cast<std::uint16_t>(pruned.size()));
    for (const PimSource& source : joined) write_source(out, source);
    for (const PimSource& source : pruned) write_source(out, source);
  }
}

}  // namespace pim
}  // namespace hotpair::mcast::wire
