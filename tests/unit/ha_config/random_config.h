#pragma once

#include <initializer_list>
#include <random>
#include <string>

#include "ha/config/parser.h"

namespace hotpair::ha::config::testing {

/// Writes configuration text from a seed: legal lines in random views, many of them undone again.
class Writer {
 public:
  explicit Writer(unsigned seed) : random_(seed) {}

  std::string text(unsigned sections_below = 14) {
    std::string out;
    const unsigned sections = pick(sections_below);
    for (unsigned i = 0; i < sections; ++i) out += section() + "#\n";
    return out;
  }

  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

 private:
  std::string number(unsigned from, unsigned to) {
    return std::to_string(from + pick(to - from + 1));
  }
  std::string v4() { return "10." + number(0, 3) + "." + number(0, 3) + "." + number(1, 5); }
  std::string v6() { return "2001:DB8:" + number(0, 9) + "::" + number(1, 5); }
  std::string one_of(std::initializer_list<const char*> list) {
    return list.begin()[pick(static_cast<unsigned>(list.size()))];
  }

  std::string section() {
    switch (pick(13)) {
      case 11:
      case 12:
        return lines(bfd_header(), &Writer::bfd_line);
      case 0:
        return system_line();
      case 10:
        return lines("ssl policy x" + number(1, 2), &Writer::ssl_line);
      case 1:
        return lines("e-trunk " + number(1, 3), &Writer::etrunk_line);
      case 2:
        return lines("remote-backup-service s" + number(1, 3), &Writer::service_line);
      case 3:
        return lines("remote-backup-profile p" + number(1, 3), &Writer::profile_line);
      case 4:
        return lines("pim", &Writer::pim_line);
      case 5:
        return lines("pim-ipv6", &Writer::pim6_line);
      case 6:
        return foreign();
      default:
        return lines("interface " + interface(), &Writer::interface_line);
    }
  }
  std::string lines(const std::string& header, std::string (Writer::*line)()) {
    std::string out = header + "\n";
    const unsigned count = pick(9);
    for (unsigned i = 0; i < count; ++i) out += " " + (this->*line)() + "\n";
    return out;
  }
  std::string interface() {
    return one_of({"Eth-Trunk1", "Eth-Trunk 2", "GE0/1/1", "GigabitEthernet0/1/10", "LoopBack0",
                   "NULL0", "veth-a"});
  }
  std::string system_line() {
    return one_of({"sysname A",
                   "undo sysname",
                   "sysname B",
                   "multicast routing-enable",
                   "undo multicast routing-enable",
                   "multicast ipv6 routing-enable",
                   "lacp priority 100",
                   "undo lacp priority",
                   "lacp priority 200",
                   "lacp e-trunk system-id 00e0-fc12-3455",
                   "lacp e-trunk priority 7",
                   "undo lacp e-trunk priority",
                   "vlan batch 100",
                   "ip route-static 0.0.0.0 0 10.0.0.1",
                   "ip route-static 10.0.0.0 8 NULL0",
                   "undo interface Eth-Trunk1",
                   "undo ssl policy x1",
                   "undo e-trunk 2",
                   "bfd",
                   "undo bfd",
                   "undo bfd x1",
                   "undo pim",
                   "ip pim spt-threshold infinity",
                   "no ip pim spt-threshold",
                   "ip pim bsr-candidate LoopBack0 30 5",
                   "ip pim rp-candidate LoopBack0 interval 9",
                   "ip pim rp-address 2.2.2.2 override",
                   "ip pim autorp listener",
                   "ip pim send-rp-announce LoopBack0 scope 16",
                   "no ipv6 pim rp embedded",
                   "ipv6 pim bsr candidate rp 2001:DB8::1 priority 7"}) +
           "\n";
  }
  std::string bfd_header() {
    const std::string name = number(1, 3);
    return "bfd x" + name + " bind " +
           one_of({"peer-ip 10.0.0.9", "peer-ip 10.0.0.9 interface GE0/1/1",
                   "peer-ip 10.0.0.9 interface GE0/1/1 source-ip 10.0.0.1",
                   "peer-ipv6 2001:DB8::9 source-ipv6 2001:DB8::1"});
  }
  std::string bfd_line() {
    return one_of({"discriminator local 5", "discriminator local 6", "discriminator remote 7",
                   "min-tx-interval 3", "min-rx-interval 50", "detect-multiplier 50", "commit",
                   "authentication-mode met-sha1 key-id 3 plain abc", "shutdown", "minimum-ttl 9",
                   "authentication-mode met-sha1 key-id 4 cipher x", "undo discriminator local",
                   "undo shutdown", "undo min-tx-interval", "undo authentication-mode",
                   "undo commit", "description some words", "undo detect-multiplier"});
  }
  std::string etrunk_line() {
    switch (pick(10)) {
      case 0:
        return "priority " + number(1, 254);
      case 1:
        return "priority-order " + one_of({"smaller", "larger"});
      case 2:
        return "peer-address " + v4() + " source-address " + v4();
      case 3:
        return "peer-ipv6 " + v6() + " source-ipv6 " + v6();
      case 4:
        return "timer hello " + number(5, 100);
      case 5:
        return "timer hello-ms " + number(20, 10000);
      case 6:
        return "security-key " + one_of({"cipher %^%#a  b#%^%#", "simple x", "cipher !"});
      case 7:
        return one_of({"timer hold-on-failure multiplier 5", "timer revert delay 0",
                       "timer restart-grace 3", "path source 1.1.1.1 peer 2.2.2.2",
                       "path source 1.1.1.1 peer 3.3.3.3 bfd-session x1",
                       "path source 1.1.1.1 peer 3.3.3.3", "port 1030"});
      case 8:
        return one_of({"track interface GE0/1/1 reduced 10", "track interface eth0 reduced 7",
                       "track interface GE0/1/1 reduced 20", "undo track interface GE0/1/1",
                       "track rpf reduced 5", "undo track rpf", "security-key accept cipher y z",
                       "undo security-key accept", "authentication-mode hmac-sha256",
                       "authentication-mode enhanced-hmac-sha256", "undo authentication-mode",
                       "sequence enable", "undo sequence enable"});
      default:
        return one_of({"undo priority", "undo timer hello", "undo peer-address",
                       "undo security-key", "undo timer revert", "undo path", "undo port"});
    }
  }
  std::string service_line() {
    return one_of({"peer 3.3.3.3 source 1.1.1.1 port 1025",
                   "peer-ipv6 2001:DB8::1 source-ipv6 2001:DB8::2 port 7", "undo peer",
                   "ssl-policy x", "undo ssl-policy", "track bfd-session 5",
                   "undo track bfd-session"});
  }
  std::string ssl_line() {
    return one_of({"certificate load pem-cert a.pem key-pair ecdsa key-file a.key",
                   "certificate load pem-cert /tmp/b.pem key-pair rsa key-file b.key",
                   "trusted-ca load pem-ca ca.pem", "trusted-ca load pem-ca new-ca.pem",
                   "crl load pem-crl crl.pem", "peer-identity hotpair:node:DeviceB",
                   "peer-identity urn:x:y", "undo certificate", "undo trusted-ca",
                   "undo trusted-ca load pem-ca ca.pem", "undo crl", "undo peer-identity"});
  }
  std::string profile_line() {
    return one_of({"service-type igmp", "service-type mld", "undo service-type igmp",
                   "peer-backup hot", "undo peer-backup hot",
                   "backup-id 10 remote-backup-service s1", "backup-id 7 remote-backup-service s2",
                   "e-trunk 1 eth-trunk 1", "undo e-trunk", "undo backup-id"});
  }
  std::string scope_line() {
    return one_of({"multicast boundary 239.1.0.0 16", "multicast boundary 239.2.0.0/16",
                   "undo multicast boundary 239.1.0.0 16", "undo multicast boundary",
                   "multicast ipv6 boundary FF05:: 16", "multicast ipv6 boundary scope 5",
                   "multicast ipv6 boundary FF35::/16", "undo multicast ipv6 boundary scope",
                   "undo multicast ipv6 boundary"});
  }
  std::string pim_line() {
    return one_of({"static-rp 2.2.2.2",
                   "static-rp 2.2.2.2 239.1.0.0/16",
                   "static-rp 3.3.3.3",
                   "ssm-range 232.1.0.0/16",
                   "undo static-rp 3.3.3.3",
                   "c-bsr LoopBack0",
                   "c-rp LoopBack0",
                   "undo c-bsr",
                   "c-bsr admin-scope",
                   "undo c-bsr admin-scope",
                   "c-bsr global priority 7",
                   "c-bsr group 239.1.0.0 16",
                   "c-bsr group 239.2.0.0/16 hash-length 20 priority 200",
                   "undo c-bsr group 239.1.0.0 16",
                   "undo c-bsr group",
                   "ssm-range 239.0.0.0/8",
                   "static-rp 2.2.2.2 preferred",
                   "static-rp 3.3.3.3 238.0.0.0/8 preferred",
                   "c-bsr 1.1.1.1 hash-length 24 priority 9",
                   "c-bsr LoopBack0 30 5",
                   "c-rp 1.1.1.1 group-policy 225.0.0.0/8 226.0.0.0/8 holdtime 100",
                   "c-rp 1.1.1.1 priority 3 advertisement-interval 20",
                   "undo c-rp 1.1.1.1",
                   "undo c-rp",
                   "c-rp LoopBack0 group-policy 2000 priority 3",
                   "spt-switch-threshold 500",
                   "spt-switch-threshold infinity",
                   "undo spt-switch-threshold",
                   "register-policy 10.0.0.0/8 11.0.0.0/8",
                   "undo register-policy 11.0.0.0/8",
                   "undo register-policy",
                   "register-policy 3000",
                   "bsr-policy 1.0.0.0/8",
                   "crp-policy 1.0.0.0/8",
                   "undo bsr-policy",
                   "auto-rp listening enable",
                   "undo auto-rp listening",
                   "auto-rp announce LoopBack0 group-policy 239.0.0.0/8",
                   "auto-rp announce 1.1.1.1 scope 4 interval 9",
                   "undo auto-rp announce",
                   "auto-rp discovery LoopBack0",
                   "auto-rp discovery 1.1.1.1 scope 4",
                   "undo auto-rp discovery",
                   "timer hello 20",
                   "timer join-prune 30",
                   "undo timer hello",
                   "hello-option dr-priority 4",
                   "hello-option neighbor-tracking",
                   "undo hello-option neighbor-tracking",
                   "hello-option holdtime 65535",
                   "hello-option lan-delay 9"});
  }
  std::string pim6_line() {
    return one_of({"static-rp 2001:DB8::9",
                   "static-rp 2001:DB8::9 FF0E::/16",
                   "ssm-range FF3E::/32",
                   "undo ssm-range",
                   "undo embedded-rp",
                   "embedded-rp",
                   "embedded-rp 2000",
                   "c-bsr 2001:DB8::1 hash-length 120",
                   "c-bsr LoopBack0",
                   "undo c-bsr",
                   "c-bsr admin-scope",
                   "c-bsr scope 5 priority 9",
                   "c-bsr scope 8",
                   "undo c-bsr scope 8",
                   "c-bsr global hash-length 100",
                   "c-rp 2001:DB8::1 group-policy FF1E::/16 priority 1",
                   "c-rp LoopBack0",
                   "undo c-rp",
                   "spt-switch-threshold infinity",
                   "register-policy 2001:DB8::/32",
                   "undo spt-switch-threshold",
                   "timer hello 9",
                   "hello-option override-interval 7",
                   "undo hello-option override-interval"});
  }
  std::string foreign() {
    return one_of({"ospf 1\n area 0\n  network 10.0.0.0 0.0.0.255\n #\n", "ospf 2\n",
                   "isis 1\n ipv6 enable\n #\n",
                   "bfd x bind peer-ip 1.1.1.1\n discriminator local 1\n", "ospf 1\n area 1\n",
                   "undo ospf 1\n"});
  }
  std::string interface_line() {
    const std::string address = one_of({"1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"});
    const std::string length = one_of({"24", "255.255.255.0", "32"});
    switch (pick(11)) {
      case 10:
        return scope_line();
      case 0:
        return "ip address " + address + " " + length;
      case 1:
        return "ip address " + address + " " + length + " sub";
      case 2:
        return one_of({"ipv6 address 2001:DB8::1/64", "ipv6 address 2001:DB8::2/64",
                       "ipv6 address FE80::1 link-local", "undo ipv6 address 2001:DB8::1/64",
                       "ipv6 enable", "undo ipv6 address"});
      case 3:
        return one_of({"shutdown", "undo shutdown", "description two  blanks", "undo description",
                       "mtu 1500"});
      case 4:
        return one_of({"igmp enable",
                       "undo igmp enable",
                       "igmp version 2",
                       "igmp timer query 30",
                       "igmp prompt-leave",
                       "igmp max-response-time-ms 2500",
                       "igmp max-response-time 3",
                       "undo igmp max-response-time-ms",
                       "igmp subnet-check disable",
                       "undo igmp subnet-check",
                       "igmp static-group 225.1.1.1",
                       "igmp static-group 225.1.1.1 source 10.0.0.1",
                       "igmp static-group 225.1.1.2",
                       "undo igmp static-group 225.1.1.1",
                       "undo igmp static-group",
                       "igmp host-limit 7",
                       "igmp limit 5",
                       "multicast limit out 239.1.0.0/16 5",
                       "multicast limit 239.0.0.0/8 9",
                       "multicast limit out 239.1.0.0/16 source 10.0.0.0/8 4 threshold 80",
                       "multicast limit rpf 239.1.0.0/16 6",
                       "multicast limit 239.1.0.0/16 8",
                       "undo multicast limit out 239.1.0.0/16"});
      case 5:
        return one_of({"mld enable", "mld version 1", "mld lastlistener-queryinterval-ms 500",
                       "mld robust-count 3", "mld source-limit 9", "undo mld robust-count",
                       "mld static-group FF1E::1", "mld static-group FF1E::1 source 2001:DB8::1",
                       "undo mld static-group FF1E::1", "mld host-limit 9", "undo mld host-limit",
                       "mld require-router-alert", "multicast ipv6 limit out FF1E::/32 3",
                       "undo multicast ipv6 limit out FF1E::/32"});
      case 6:
        return one_of({"pim hello-option dr-priority 100",
                       "undo pim hello-option dr-priority",
                       "pim hello-option holdtime 200",
                       "pim hello-option lan-delay 50",
                       "pim hello-option override-interval 900",
                       "pim timer hello 10",
                       "pim hello-option neighbor-tracking",
                       "undo pim timer hello",
                       "pim timer join-prune 20",
                       "pim neighbor-policy 10.0.0.0/24 10.1.0.0/24",
                       "undo pim neighbor-policy 10.1.0.0/24",
                       "undo pim neighbor-policy",
                       "pim neighbor-policy 2000",
                       "pim bsr-boundary",
                       "undo pim bsr-boundary",
                       "pim silent",
                       "undo pim silent",
                       "ip pim passive",
                       "ipv6 pim passive",
                       "ip pim bfd",
                       "no ipv6 pim bfd",
                       "bfd interval 50 min_rx 60 multiplier 3",
                       "no bfd interval",
                       "pim bfd min-rx-interval 70",
                       "pim require-genid",
                       "undo pim ipv6 require-genid",
                       "pim join-policy 239.0.0.0/8",
                       "pim join-policy 239.1.0.0/16 source 10.0.0.0/8",
                       "undo pim join-policy 239.0.0.0/8",
                       "pim join-policy 3000",
                       "ipv6 pim jp-policy FF1E::/16 source 2001:DB8::/32",
                       "undo pim ipv6 join-policy",
                       "pim ipv6 timer hello 10",
                       "pim ipv6 bsr-boundary",
                       "pim ipv6 hello-option dr-priority 3",
                       "ip pim query-interval 7",
                       "pim ipv6 neighbor-policy FE80::/64",
                       "ipv6 pim dr-priority 8",
                       "ip pim sparse-mode",
                       "no ip pim bsr-border",
                       "undo pim ipv6 sm"});
      case 9:
        return one_of({"pim sm", "pim ipv6 sm", "undo pim sm", "mode lacp-static", "mode manual",
                       "undo mode", "isis ipv6 enable 1", "ospf cost 1", "ospf cost 2",
                       "undo ospf cost 1", "lacp preempt enable"});
      case 7:
        return one_of({"lacp timeout fast", "lacp timeout slow", "undo lacp timeout",
                       "lacp priority 9", "undo lacp priority", "least active-linknumber 2",
                       "max active-linknumber 3", "undo max active-linknumber",
                       "e-trunk mode force-master", "e-trunk mode auto", "undo e-trunk mode"});
      default:
        return one_of({"e-trunk 1", "undo e-trunk", "eth-trunk 1", "remote-backup-profile p1",
                       "undo eth-trunk", "undo remote-backup-profile", "undo ip address",
                       "ip address 10.0.0.9 24 floating", "ipv6 address FE80::9/64 floating",
                       "undo ip address 10.0.0.9 24 floating", "pim identity floating",
                       "pim identity separate"});
    }
  }
  std::minstd_rand random_;
};

/// Some lines are refused where they stand ("e-trunk 1" on a port); the rest still makes a model.
inline Config random_config(unsigned seed) {
  return parse_config(Writer(seed).text(), "random").config;
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace hotpair::ha::config::testing
