#include "ha/config/frr_rows.h"

#include <vector>

#include "ha/config/frr_writer.h"

namespace hotpair::ha::config {
namespace {

constexpr auto kSystem = FrrView::system;
constexpr auto kOspf = FrrView::ospf;
constexpr auto kArea = FrrView::ospf_area;
constexpr auto kOspf3 = FrrView::ospfv3;
constexpr auto kArea3 = FrrView::ospfv3_area;
constexpr auto kIsis = FrrView::isis;
constexpr auto kPort = FrrView::interface;

void open_ospf(FrrWriter& writer, const Values& values) {
  writer.open(FrrProtocol::ospf, values, "router ospf");
  if (values.has("id")) writer.router_id(values.address("id"));
}
void open_ospfv3(FrrWriter& writer, const Values& values) {
  writer.open(FrrProtocol::ospfv3, values, "router ospf6");
}
void open_isis(FrrWriter& writer, const Values& values) {
  writer.open(FrrProtocol::isis, values, "router isis " + FrrWriter::process_of(values));
}
void set_router_id(FrrWriter& writer, const Values& values) {
  writer.router_id(values.address("id"));
}
void open_area(FrrWriter& writer, const Values& values) { writer.open_area(values); }
void ospf_network(FrrWriter& writer, const Values& values) { writer.ospf_network(values); }
void ospf_enable(FrrWriter& writer, const Values& values) { writer.ospf_enable(values); }
void ospfv3_enable(FrrWriter& writer, const Values& values) {
  writer.enable(FrrProtocol::ospfv3, values, "ipv6 ospf6 area {area}");
}
void isis_enable(FrrWriter& writer, const Values& values) {
  writer.enable(FrrProtocol::isis, values, "ip router isis {process}");
}
void isis_ipv6_enable(FrrWriter& writer, const Values& values) {
  writer.enable(FrrProtocol::isis, values, "ipv6 router isis {process}");
}
void static_route(FrrWriter& writer, const Values& values) { writer.static_route(values); }

constexpr FrrRow kSystemRows[] = {
    {kSystem, "ospf [ process:1-65535 ] [ router-id id:IPV4 ]", {}, open_ospf},
    {kSystem, "router ospf process:1-65535", {}, open_ospf},
    {kSystem, "ospfv3 [ process:1-65535 ]", {}, open_ospfv3},
    {kSystem, "isis [ process:1-65535 ]", {}, open_isis},
    {kSystem, "router isis [ process:STRING ]", {}, open_isis},
    {kSystem,
     "ip route-static destination:IPV4 mask:MASK nexthop:IPV4 [ preference distance:1-255 ]"
     " [ tag tag:1-4294967295 ] [ description text:REST ]",
     {},
     static_route},
    {kSystem,
     "ip route-static destination:IPV4 mask:MASK device:INTERFACE [ nexthop:IPV4 ]"
     " [ preference distance:1-255 ] [ tag tag:1-4294967295 ] [ description text:REST ]",
     {},
     static_route},
    {kSystem,
     "ipv6 route-static destination:IPV6 mask:0-128 nexthop:IPV6 [ preference distance:1-255 ]"
     " [ tag tag:1-4294967295 ] [ description text:REST ]",
     {},
     static_route},
    {kSystem,
     "ipv6 route-static destination:IPV6 mask:0-128 device:INTERFACE [ nexthop:IPV6 ]"
     " [ preference distance:1-255 ] [ tag tag:1-4294967295 ] [ description text:REST ]",
     {},
     static_route},
    {kSystem,
     "ip route destination:IPV4 mask:MASK nexthop:IPV4 [ distance:1-255 ]",
     {},
     static_route},
    {kSystem,
     "ip route destination:IPV4 mask:MASK device:INTERFACE [ nexthop:IPV4 ] [ distance:1-255 ]",
     {},
     static_route},
    {kSystem, "ipv6 route prefix:PREFIX6 nexthop:IPV6 [ distance:1-255 ]", {}, static_route},
    {kSystem,
     "ipv6 route prefix:PREFIX6 device:INTERFACE [ nexthop:IPV6 ] [ distance:1-255 ]",
     {},
     static_route},
};

constexpr FrrRow kOspfRows[] = {
    {kOspf, "router-id id:IPV4", {}, set_router_id},
    {kOspf, "area area:IPV4", {}, open_area},
    {kOspf, "area area:0-4294967295", {}, open_area},
    {kOspf, "network address:IPV4 wildcard:IPV4 area area:IPV4", {}, ospf_network},
    {kOspf, "network address:IPV4 wildcard:IPV4 area area:0-4294967295", {}, ospf_network},
    {kOspf, "description text:REST", {}},
    {kOspf, "silent-interface all", "passive-interface default"},
    {kOspf, "silent-interface device:INTERFACE", "passive-interface {device}"},
    {kOspf, "passive-interface default", "passive-interface default"},
    {kOspf, "passive-interface device:INTERFACE", "passive-interface {device}"},
    {kOspf, "bandwidth-reference mbps:1-4294967", "auto-cost reference-bandwidth {mbps}"},
    {kOspf, "auto-cost reference-bandwidth mbps:1-4294967", "auto-cost reference-bandwidth {mbps}"},
    {kOspf, "default-route-advertise", "default-information originate"},
    {kOspf, "default-route-advertise always", "default-information originate always"},
    {kOspf, "default-information originate", "default-information originate"},
    {kOspf, "default-information originate always", "default-information originate always"},
    {kOspf, "import-route direct", "redistribute connected"},
    {kOspf, "import-route static", "redistribute static"},
    {kOspf, "import-route isis [ from:1-65535 ]", "redistribute isis"},
    {kOspf, "redistribute what:{connected|static|isis}", "redistribute {what}"},
    {kOspf, "preference distance:1-255", "distance {distance}"},
    {kOspf, "distance distance:1-255", "distance {distance}"},
    {kOspf, "maximum load-balancing paths:1-64", "maximum-paths {paths}"},
    {kOspf, "maximum-paths paths:1-64", "maximum-paths {paths}"},
    {kArea, "network address:IPV4 wildcard:IPV4", {}, ospf_network},
    {kArea, "description text:REST", {}},
    {kArea, "stub", "area {area} stub"},
    {kArea, "stub no-summary", "area {area} stub no-summary"},
    {kArea, "nssa", "area {area} nssa"},
    {kArea, "nssa no-summary", "area {area} nssa no-summary"},
    {kArea, "abr-summary address:IPV4 mask:MASK", "area {area} range {address}/{mask}"},
    {kOspf3, "router-id id:IPV4", {}, set_router_id},
    {kOspf3, "area area:IPV4", {}, open_area},
    {kOspf3, "area area:0-4294967295", {}, open_area},
    {kOspf3, "description text:REST", {}},
    {kOspf3, "bandwidth-reference mbps:1-4294967", "auto-cost reference-bandwidth {mbps}"},
    {kOspf3, "import-route direct", "redistribute connected"},
    {kOspf3, "import-route static", "redistribute static"},
    {kOspf3, "preference distance:1-255", "distance {distance}"},
    {kArea3, "stub", "area {area} stub"},
    {kArea3, "stub no-summary", "area {area} stub no-summary"},
};

constexpr FrrRow kIsisRows[] = {
    {kIsis, "network-entity net:STRING", "net {net}"},
    {kIsis, "net net:STRING", "net {net}"},
    {kIsis, "description text:REST", {}},
    {kIsis, "is-level level-1", "is-type level-1"},
    {kIsis, "is-level level-2", "is-type level-2-only"},
    {kIsis, "is-level level-1-2", "is-type level-1-2"},
    {kIsis, "is-type level:{level-1|level-2-only|level-1-2}", "is-type {level}"},
    {kIsis, "cost-style style:{narrow|wide}", "metric-style {style}"},
    {kIsis, "cost-style compatible", "metric-style transition"},
    {kIsis, "metric-style style:{narrow|wide|transition}", "metric-style {style}"},
    {kIsis, "ipv6 enable", {}},
    {kIsis, "ipv6 enable topology standard", {}},
    {kIsis, "ipv6 enable topology ipv6", "topology ipv6-unicast"},
    {kIsis, "import-route direct", "redistribute ipv4 connected level-2"},
    {kIsis, "import-route direct level:{level-1|level-2}", "redistribute ipv4 connected {level}"},
    {kIsis, "import-route static", "redistribute ipv4 static level-2"},
    {kIsis, "import-route static level:{level-1|level-2}", "redistribute ipv4 static {level}"},
    {kIsis, "ipv6 import-route direct", "redistribute ipv6 connected level-2"},
    {kIsis, "ipv6 import-route direct level:{level-1|level-2}",
     "redistribute ipv6 connected {level}"},
    {kIsis, "ipv6 import-route static", "redistribute ipv6 static level-2"},
    {kIsis, "ipv6 import-route static level:{level-1|level-2}", "redistribute ipv6 static {level}"},
    {kIsis, "set-overload", "set-overload-bit"},
    {kIsis, "log-peer-change", "log-adjacency-changes"},
    {kIsis, "log-adjacency-changes", "log-adjacency-changes"},
};

// Those that put the protocol on an interface come first: FRR wants it so.
constexpr FrrRow kInterfaceRows[] = {
    {kPort, "ospf enable [ process:1-65535 ] area area:IPV4", {}, ospf_enable},
    {kPort, "ospf enable [ process:1-65535 ] area area:0-4294967295", {}, ospf_enable},
    {kPort, "ip ospf process:1-65535 area area:IPV4", {}, ospf_enable},
    {kPort, "ip ospf process:1-65535 area area:0-4294967295", {}, ospf_enable},
    {kPort, "ospfv3 process:1-65535 area area:IPV4", {}, ospfv3_enable},
    {kPort, "ospfv3 process:1-65535 area area:0-4294967295", {}, ospfv3_enable},
    {kPort, "isis enable [ process:1-65535 ]", {}, isis_enable},
    {kPort, "isis ipv6 enable [ process:1-65535 ]", {}, isis_ipv6_enable},
    {kPort, "ospf cost cost:1-65535", "ip ospf cost {cost}"},
    {kPort, "ip ospf cost cost:1-65535", "ip ospf cost {cost}"},
    {kPort, "ospf timer hello seconds:1-65535", "ip ospf hello-interval {seconds}"},
    {kPort, "ospf timer dead seconds:1-65535", "ip ospf dead-interval {seconds}"},
    {kPort, "ip ospf hello-interval seconds:1-65535", "ip ospf hello-interval {seconds}"},
    {kPort, "ip ospf dead-interval seconds:1-65535", "ip ospf dead-interval {seconds}"},
    {kPort, "ospf network-type p2p", "ip ospf network point-to-point"},
    {kPort, "ospf network-type broadcast", "ip ospf network broadcast"},
    {kPort, "ospf network-type nbma", "ip ospf network non-broadcast"},
    {kPort, "ospf network-type p2mp", "ip ospf network point-to-multipoint"},
    {kPort, "ip ospf network type:{broadcast|non-broadcast|point-to-multipoint|point-to-point}",
     "ip ospf network {type}"},
    {kPort, "ospf dr-priority priority:0-255", "ip ospf priority {priority}"},
    {kPort, "ip ospf priority priority:0-255", "ip ospf priority {priority}"},
    {kPort, "ospf bfd enable", "ip ospf bfd"},
    {kPort, "ospfv3 cost cost:1-65535", "ipv6 ospf6 cost {cost}"},
    {kPort, "ospfv3 timer hello seconds:1-65535", "ipv6 ospf6 hello-interval {seconds}"},
    {kPort, "ospfv3 timer dead seconds:1-65535", "ipv6 ospf6 dead-interval {seconds}"},
    {kPort, "ospfv3 network-type p2p", "ipv6 ospf6 network point-to-point"},
    {kPort, "ospfv3 network-type broadcast", "ipv6 ospf6 network broadcast"},
    {kPort, "isis cost cost:1-16777214", "isis metric {cost}"},
    {kPort, "isis cost cost:1-16777214 level:{level-1|level-2}", "isis metric {level} {cost}"},
    {kPort, "isis circuit-level level-1", "isis circuit-type level-1"},
    {kPort, "isis circuit-level level-2", "isis circuit-type level-2-only"},
    {kPort, "isis circuit-level level-1-2", "isis circuit-type level-1-2"},
    {kPort, "isis circuit-type p2p", "isis network point-to-point"},
    {kPort, "isis timer hello seconds:1-600", "isis hello-interval {seconds}"},
    {kPort, "isis timer holding-multiplier times:2-100", "isis hello-multiplier {times}"},
    {kPort, "isis dis-priority priority:0-127", "isis priority {priority}"},
    {kPort, "isis silent", "isis passive"},
    {kPort, "isis bfd enable", "isis bfd"},
};

std::vector<FrrRow> gathered() {
  std::vector<FrrRow> rows;
  for (const std::span<const FrrRow> each :
       {std::span<const FrrRow>(kSystemRows), std::span<const FrrRow>(kOspfRows),
        std::span<const FrrRow>(kIsisRows), std::span<const FrrRow>(kInterfaceRows)})
    rows.insert(rows.end(), each.begin(), each.end());
  return rows;
}

std::vector<RowSyntax> syntaxes() {
  std::vector<RowSyntax> list;
  for (const FrrRow& row : frr_rows())
    list.push_back({static_cast<std::uint8_t>(row.view), row.syntax, row.frr});
  return list;
}

}  // namespace

std::span<const FrrRow> frr_rows() {
  static const std::vector<FrrRow> rows = gathered();
  return rows;
}

const Grammar& frr_grammar() {
  static const Grammar grammar(syntaxes());
  return grammar;
}

}  // namespace hotpair::ha::config
