// The gate: clsact programs of a scope interface. Open, they pass everything. Closed:
//
//   link-local multicast (224.0.0.0/24, ffx1::/16, ffx2::/16)   passes, both directions
//   unicast, ARP and every ethertype but IPv4 and IPv6           passes, both directions
//   other multicast, ingress   only IGMP, PIM and, behind a hop-by-hop header, MLD 130-132 and 143
//   other multicast, egress    dropped if it was forwarded (it came in by some interface)
//
// IGMPv2 and MLDv1 reports are addressed to the group itself: a rule by destination alone would
// kill them. One VLAN tag in the frame is skipped, besides one that the kernel or the card has
// already taken off; a header that cannot be read is dropped.
//
// A passed packet continues with other people's filters (TC_ACT_UNSPEC).
//
// The owner's gate is that of a device which holds addresses that follow the scope, and nothing
// else: closed, nothing passes it in either direction, so nobody hears or is answered by it.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "gate_word.bpf.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, HOTPAIR_GATE_INTERFACES_MAX);
  __type(key, __u32);
  __type(value, __u32);
} hotpair_slots SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct hotpair_gate_counters);
} hotpair_count SEC(".maps");

enum verdict { PASS, DROP };

#define IP_PROTO_IGMP 2
#define IP_PROTO_PIM 103
#define IP_PROTO_ICMPV6 58
#define IP_PROTO_HOPOPTS 0
#define ETH_ADDRESSES 12 /* two MAC addresses before the ethertype */

static __always_inline enum verdict ipv4_multicast(struct __sk_buff* skb, __u32 at, int ingress) {
  __u8 header[20];
  if (bpf_skb_load_bytes(skb, at, header, sizeof(header)) < 0) return DROP;
  if ((header[0] >> 4) != 4 || (header[0] & 0xf) < 5) return DROP;
  if ((header[16] & 0xf0) != 0xe0) return PASS;  // unicast and broadcast
  if (header[16] == 224 && header[17] == 0 && header[18] == 0) return PASS;
  if (!ingress) return skb->ingress_ifindex ? DROP : PASS;
  return header[9] == IP_PROTO_IGMP || header[9] == IP_PROTO_PIM ? PASS : DROP;
}

static __always_inline enum verdict ipv6_multicast(struct __sk_buff* skb, __u32 at, int ingress) {
  __u8 header[40];
  if (bpf_skb_load_bytes(skb, at, header, sizeof(header)) < 0) return DROP;
  if ((header[0] >> 4) != 6) return DROP;
  if (header[24] != 0xff) return PASS;
  __u8 scope = header[25] & 0xf;
  if (scope == 1 || scope == 2) return PASS;
  if (!ingress) return skb->ingress_ifindex ? DROP : PASS;
  if (header[6] == IP_PROTO_PIM) return PASS;
  if (header[6] != IP_PROTO_HOPOPTS) return DROP;
  __u8 options[2];
  if (bpf_skb_load_bytes(skb, at + 40, options, sizeof(options)) < 0) return DROP;
  if (options[0] == IP_PROTO_PIM) return PASS;
  if (options[0] != IP_PROTO_ICMPV6) return DROP;
  __u8 type;
  __u32 message = at + 40 + 8 * ((__u32)options[1] + 1);
  if (bpf_skb_load_bytes(skb, message, &type, sizeof(type)) < 0) return DROP;
  return (type >= 130 && type <= 132) || type == 143 ? PASS : DROP;
}

static __always_inline enum verdict closed(struct __sk_buff* skb, int ingress) {
  __be16 type;
  __u32 at = ETH_ADDRESSES;
  if (bpf_skb_load_bytes(skb, at, &type, sizeof(type)) < 0) return DROP;
  if (type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD)) {
    at += 4;
    if (bpf_skb_load_bytes(skb, at, &type, sizeof(type)) < 0) return DROP;
  }
  at += 2;
  if (type == bpf_htons(ETH_P_IP)) return ipv4_multicast(skb, at, ingress);
  if (type == bpf_htons(ETH_P_IPV6)) return ipv6_multicast(skb, at, ingress);
  return PASS;
}

static __always_inline int gate(struct __sk_buff* skb, int ingress) {
  __u32 ifindex = skb->ifindex;
  const __u32* found = bpf_map_lookup_elem(&hotpair_slots, &ifindex);
  // attach() writes the slot first and detach() removes it last: without one, stay closed.
  if (!found) return closed(skb, ingress) == PASS ? TC_ACT_UNSPEC : TC_ACT_SHOT;
  __u32 slot = *found;
  enum verdict verdict = gate_is_open(slot) ? PASS : closed(skb, ingress);
  struct hotpair_gate_counters* count = bpf_map_lookup_elem(&hotpair_count, &slot);
  if (count) {
    if (ingress) {
      if (verdict == PASS) {
        ++count->ingress_passed;
      } else {
        ++count->ingress_dropped;
      }
    } else if (verdict == PASS) {
      ++count->egress_passed;
    } else {
      ++count->egress_dropped;
    }
  }
  return verdict == PASS ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc")
int hotpair_ingress(struct __sk_buff* skb) { return gate(skb, 1); }

SEC("tc")
int hotpair_egress(struct __sk_buff* skb) { return gate(skb, 0); }

static __always_inline int owner(struct __sk_buff* skb) {
  __u32 ifindex = skb->ifindex;
  const __u32* found = bpf_map_lookup_elem(&hotpair_slots, &ifindex);
  return found && gate_is_open(*found) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc")
int hotpair_owner_ingress(struct __sk_buff* skb) { return owner(skb); }

SEC("tc")
int hotpair_owner_egress(struct __sk_buff* skb) { return owner(skb); }

char hotpair_license[] SEC("license") = "Apache-2.0";
