#include "platform/kernel/kernel_plane.h"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "platform/kernel/mroute.h"
#include "platform/kernel/vif_list.h"

namespace hotpair::platform::kernel {
namespace {

const char* name_of(Family family) { return family == Family::ipv4 ? "IPv4" : "IPv6"; }

Error vif_error(int error, Family family, Ifindex interface) {
  ErrorCode code = ErrorCode::unavailable;
  if (error == EADDRNOTAVAIL || error == ENODEV) code = ErrorCode::not_found;
  if (error == EPERM || error == EACCES) code = ErrorCode::refused;
  return {code, fmt::format("interface {}: {} multicast interface: {}", interface.value(),
                            name_of(family), std::strerror(error))};
}

}  // namespace

KernelPlane::KernelPlane(RoutingSockets sockets, NetlinkSocket netlink)
    : sockets_(std::move(sockets)), netlink_(std::move(netlink)) {}

Result<std::unique_ptr<KernelPlane>> KernelPlane::create(RoutingSockets sockets) {
  Result<NetlinkSocket> netlink = NetlinkSocket::open();
  if (!netlink) return std::unexpected(netlink.error());
  std::unique_ptr<KernelPlane> plane(new KernelPlane(std::move(sockets), std::move(*netlink)));
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    plane->refresh_vifs(family);
    // A table that had no owner until now holds only what somebody made static: not ours to delete.
    for (Vif& vif : plane->table(family)) vif.foreign = vif.used && !plane->sockets_.adopted();
  }
  return plane;
}

void KernelPlane::note_vif(Family family, std::size_t number, Ifindex interface) {
  Vif& vif = table(family)[number];
  vif.used = true;
  if (interface.value() != 0) vif.interface = interface;
}

/// What is known of a MIF stays true as long as its number is in use.
void KernelPlane::refresh_mifs_of_vrf() {
  const int owner = sockets_.descriptors().ipv6;
  const std::vector<std::size_t> numbers = used_mifs(owner);
  const bool all_known = std::ranges::all_of(
      numbers, [&](std::size_t number) { return vifs6_[number].interface.value() != 0; });
  for (Vif& vif : vifs6_) vif.used = false;
  for (const std::size_t number : numbers) vifs6_[number].used = true;
  for (Vif& vif : vifs6_)
    if (!vif.used) vif.interface = {};
  if (all_known) return;
  for (const ListedVif& listed : list_mifs_of_vrf(netlink_, owner, vrf(), numbers))
    note_vif(Family::ipv6, listed.number, listed.interface);
}

void KernelPlane::refresh_vifs(Family family) {
  VifTable& vifs = table(family);
  if (vrf() != VrfId{} && family == Family::ipv6) {
    refresh_mifs_of_vrf();
  } else {
    for (Vif& vif : vifs) vif.used = false;
    for (const ListedVif& listed :
         vrf() == VrfId{} ? list_default_vifs(family) : list_vifs_of_vrf(netlink_, vrf()))
      note_vif(family, listed.number, listed.interface);
  }
  for (Vif& vif : vifs) vif.foreign = vif.foreign && vif.used;
}

Result<void> KernelPlane::add_link(const fwd::PlaneLink& link) {
  const unsigned index = link.register_tunnel ? 0 : ::if_nametoindex(link.device.c_str());
  if (index == 0 && !link.register_tunnel)
    return fail(ErrorCode::not_found, fmt::format("there is no interface {}", link.device));
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const bool wanted = family == Family::ipv4 ? link.ipv4 : link.ipv6;
    const unsigned in_family =
        link.register_tunnel ? ::if_nametoindex(register_device(vrf(), family).c_str()) : index;
    const Result<void> done =
        wanted ? set_vif({link.link, Ifindex(in_family), link.register_tunnel}, family)
               : drop_vif(link.link, family);
    const std::string name = link.register_tunnel ? register_device(vrf(), family) : link.device;
    if (!done) return fail(done.error().code, fmt::format("{}: {}", name, done.error().detail));
  }
  return {};
}

Result<void> KernelPlane::remove_link(LinkId link) {
  const bool known = vif_number(link, Family::ipv4) || vif_number(link, Family::ipv6);
  if (!known)
    return fail(ErrorCode::not_found, fmt::format("link {} is not in the plane", link.value()));
  const Result<void> ipv4 = drop_vif(link, Family::ipv4);
  const Result<void> ipv6 = drop_vif(link, Family::ipv6);
  return ipv4 ? ipv6 : ipv4;
}

std::optional<unsigned> KernelPlane::vif_number(LinkId link, Family family) const {
  const VifTable& vifs = table(family);
  const auto found = std::ranges::find(vifs, std::optional(link), &Vif::link);
  if (found == vifs.end()) return std::nullopt;
  return static_cast<unsigned>(found - vifs.begin());
}

std::optional<LinkId> KernelPlane::link_of(Ifindex interface, Family family) const {
  for (const Vif& vif : table(family)) {
    if (vif.link && vif.interface == interface) return vif.link;
  }
  return std::nullopt;
}

Result<void> KernelPlane::set_vif(const Wanted& wanted, Family family) {
  refresh_vifs(family);
  VifTable& vifs = table(family);
  const auto same_device = [&](const Vif& vif) {
    return vif.used && vif.interface == wanted.interface && wanted.interface.value() != 0;
  };
  if (const std::optional<unsigned> number = vif_number(wanted.link, family)) {
    Vif& vif = vifs[*number];
    if (same_device(vif)) return {};
    if (vif.used) {
      if (const Result<void> gone = kernel_delete_vif(family, *number); !gone) return gone;
    }
    return place_vif(wanted, *number, family);
  }
  const auto present = std::ranges::find_if(vifs, same_device);
  if (present != vifs.end()) {
    if (present->link)
      return fail(ErrorCode::exists,
                  fmt::format("another link uses this device for {}", name_of(family)));
    present->link = wanted.link;
    return {};
  }
  const auto free =
      std::ranges::find_if(vifs, [](const Vif& vif) { return !vif.used && !vif.link; });
  if (free == vifs.end()) {
    pending_.emplace_back(fwd::CapacityReached{"vif", kLinksMax, vrf()});
    return fail(ErrorCode::exhausted,
                fmt::format("the kernel routes multicast on at most {} interfaces per family, and "
                            "{} has them all in use",
                            kLinksMax, name_of(family)));
  }
  return place_vif(wanted, static_cast<unsigned>(free - vifs.begin()), family);
}

Result<void> KernelPlane::place_vif(const Wanted& wanted, unsigned number, Family family) {
  if (const Result<void> done = kernel_add_vif(family, number, wanted); !done) return done;
  Ifindex interface = wanted.interface;
  if (wanted.register_tunnel)
    interface = Ifindex(::if_nametoindex(register_device(vrf(), family).c_str()));
  table(family)[number] = {true, false, interface, wanted.link};
  return {};
}

Result<void> KernelPlane::drop_vif(LinkId link, Family family) {
  const std::optional<unsigned> number = vif_number(link, family);
  if (!number) return {};
  Vif& vif = table(family)[*number];
  Result<void> done;
  if (!vif.foreign) done = kernel_delete_vif(family, *number);
  if (!done) return done;
  vif.link.reset();
  vif.used = vif.foreign;
  return done;
}

std::size_t KernelPlane::remove_unclaimed_links() {
  std::size_t removed = 0;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    refresh_vifs(family);
    VifTable& vifs = table(family);
    for (unsigned number = 0; number < vifs.size(); ++number) {
      Vif& vif = vifs[number];
      if (!vif.used || vif.link || vif.foreign) continue;
      if (!kernel_delete_vif(family, number)) continue;
      vif.used = false;
      ++removed;
    }
  }
  return removed;
}

Result<void> KernelPlane::kernel_add_vif(Family family, unsigned number, const Wanted& wanted) {
  const Ifindex interface = wanted.interface;
  const RoutingDescriptors owner = sockets_.descriptors();
  int result = 0;
  if (family == Family::ipv4) {
    vifctl request{};
    request.vifc_vifi = static_cast<vifi_t>(number);
    request.vifc_flags = wanted.register_tunnel ? VIFF_REGISTER : VIFF_USE_IFINDEX;
    request.vifc_threshold = 1;
    if (!wanted.register_tunnel) request.vifc_lcl_ifindex = static_cast<int>(interface.value());
    result = ::setsockopt(owner.ipv4, IPPROTO_IP, MRT_ADD_VIF, &request, sizeof request);
  } else {
    if (!wanted.register_tunnel && interface.value() > 0xffff)
      return fail(
          ErrorCode::unsupported,
          fmt::format("interface {}: the kernel takes indexes up to 65535 for IPv6 multicast",
                      interface.value()));
    mif6ctl request{};
    request.mif6c_mifi = static_cast<mifi_t>(number);
    request.vifc_threshold = 1;
    if (wanted.register_tunnel)
      request.mif6c_flags = MIFF_REGISTER;
    else
      request.mif6c_pifi = static_cast<std::uint16_t>(interface.value());
    result = ::setsockopt(owner.ipv6, IPPROTO_IPV6, MRT6_ADD_MIF, &request, sizeof request);
  }
  if (result != 0 && errno != EADDRINUSE)  // in use: it is there, which was asked for
    return std::unexpected(vif_error(errno, family, interface));
  return {};
}

Result<void> KernelPlane::kernel_delete_vif(Family family, unsigned number) {
  const RoutingDescriptors owner = sockets_.descriptors();
  int result = 0;
  if (family == Family::ipv4) {
    vifctl request{};
    request.vifc_vifi = static_cast<vifi_t>(number);
    result = ::setsockopt(owner.ipv4, IPPROTO_IP, MRT_DEL_VIF, &request, sizeof request);
  } else {
    const auto mif = static_cast<mifi_t>(number);
    result = ::setsockopt(owner.ipv6, IPPROTO_IPV6, MRT6_DEL_MIF, &mif, sizeof mif);
  }
  // Not there: it left with its device.
  if (result != 0 && errno != EADDRNOTAVAIL)
    return std::unexpected(vif_error(errno, family, table(family)[number].interface));
  return {};
}

}  // namespace hotpair::platform::kernel
