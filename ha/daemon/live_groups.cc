#include <utility>

#include "ha/daemon/live_view.h"

/// Group tables of the running node, at once or in slices.
namespace hotpair::ha::daemon {
namespace {

std::map<LinkId, IpAddress> addresses_of(const mcast::gmp::Machine& gmp, Family family,
                                         TimePoint now) {
  std::map<LinkId, IpAddress> addresses;
  for (const auto& row : mcast::gmp::show_interfaces(gmp, family, now))
    addresses.emplace(row.link, row.address);
  return addresses;
}

}  // namespace

/// Names are those of the moment of the command; an interface that goes meanwhile shows no groups.
class LiveView::GroupSlices final : public cli::GmpGroupReader {
 public:
  GroupSlices(const LiveView& view, const cli::GmpGroupQuery& query)
      : view_(view),
        family_(query.family),
        now_(view.now_),
        addresses_(addresses_of(view.node_.gmp(), query.family, view.now_)),
        reader_(view.group_filter(query)) {
    for (const auto& [link, address] : addresses_) links_.emplace(view.link_name(link), link);
  }

  Slice next() override {
    auto rows = reader_.next(view_.node_.gmp(), now_);
    Slice slice;
    slice.done = rows.done;
    for (auto& row : rows.rows) {
      const auto address = addresses_.find(row.link);
      slice.groups.push_back(
          {view_.link_name(row.link),
           address == addresses_.end() ? IpAddress::any(family_) : address->second,
           std::move(row)});
    }
    return slice;
  }
  [[nodiscard]] std::size_t total() const override { return reader_.total(); }
  [[nodiscard]] std::size_t total(const std::string& interface) const override {
    const auto link = links_.find(interface);
    return link == links_.end() ? 0 : reader_.total(link->second);
  }

 private:
  const LiveView view_;  // of one VPN instance it lives no longer than the command
  Family family_;
  TimePoint now_;
  std::map<LinkId, IpAddress> addresses_;
  std::map<std::string, LinkId> links_;
  mcast::gmp::GroupReader reader_;
};

/// A query of an interface or group that is not there finds nothing: its link is none.
mcast::gmp::GroupFilter LiveView::group_filter(const cli::GmpGroupQuery& query) const {
  mcast::gmp::GroupFilter filter;
  filter.family = query.family;
  filter.max_rows = query.max_rows;
  if (query.interface) {
    const node::Link* link = node_.find_link(*query.interface);
    filter.link = link == nullptr || !is_shown(link->id) ? LinkId{0} : link->id;
  } else if (!config_.vrfs.empty()) {
    auto& links = filter.links.emplace();
    for (const auto& [id, link] : node_.links())
      if (link.settings.vrf == vrf_) links.push_back(id);
  }
  if (query.group)
    if (const auto group = Group::from(*query.group)) filter.group = *group;
  return filter;
}

std::unique_ptr<cli::GmpGroupReader> LiveView::gmp_group_reader(
    const cli::GmpGroupQuery& query) const {
  if (query.interface && query.group) return nullptr;  // a look-up
  if (mcast::gmp::group_total(node_.gmp()) <= kGroupsAtOnce) return nullptr;
  return std::make_unique<GroupSlices>(*this, query);
}

cli::GmpGroupsModel LiveView::gmp_groups(const cli::GmpGroupQuery& query) const {
  cli::GmpGroupsModel model;
  model.family = query.family;
  model.instance = instance_;
  const auto addresses = addresses_of(node_.gmp(), query.family, now_);
  auto table = mcast::gmp::show_groups(node_.gmp(), group_filter(query), now_);
  model.total = table.total;
  for (auto& row : table.rows) {
    const auto address = addresses.find(row.link);
    model.groups.push_back(
        {link_name(row.link),
         address == addresses.end() ? IpAddress::any(query.family) : address->second,
         std::move(row)});
  }
  return model;
}

}  // namespace hotpair::ha::daemon
