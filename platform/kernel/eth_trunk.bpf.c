// The Eth-Trunk: an aggregate of Ethernet members without a bonding driver. The trunk device is one
// end of a veth pair, and these clsact programs join it to the members:
//
//   trunk device, egress    picks a distributing member by flow and redirects to it
//   hidden end, ingress     the same, for frames that were sent past clsact (PACKET_QDISC_BYPASS)
//   member, ingress         a collecting member's frames are steered into the trunk
//   member, egress          passes what the trunk sent and slow protocols (LACP), nothing else
//   hidden end, egress      likewise: nothing enters the trunk from behind
//
// Slow protocols (ethertype 0x8809, untagged) belong to the member in both directions and pass
// whatever the words say. Everything else passes only while the gate word of the trunk's scope is
// open, unicast included, and only on members whose bit is set in the trunk word:
//
//   bits 0 to 31  collecting, one a member        bits 32 to 63  distributing, one a member
//
// Both words are read once a packet, so one store flips the whole trunk.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "eth_trunk_maps.h"
#include "gate_word.bpf.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, HOTPAIR_TRUNK_HEADER_WORDS + 1);
  __type(key, __u32);
  __type(value, __u64);
} trunk_words SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct hotpair_trunk_port);
} trunk_ports SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct hotpair_trunk);
} trunks SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct hotpair_trunk_counters);
} trunk_count SEC(".maps");

#define SLOW_PROTOCOLS 0x8809
#define ETH_ADDRESSES 12  /* two MAC addresses before the ethertype */
#define FROM_TRUNK 0x6871 /* skb->tc_index of a frame that the trunk sends through a member */

static __always_inline __u64 trunk_word(__u32 trunk) {
  __u32 index = HOTPAIR_TRUNK_HEADER_WORDS + trunk;
  const __u64* word = bpf_map_lookup_elem(&trunk_words, &index);
  return word ? *(const volatile __u64*)word : 0;  // the one read of this packet
}

static __always_inline int may_pass(const struct hotpair_trunk* trunk) {
  __u32 slot = trunk->gate_slot;
  return slot == HOTPAIR_TRUNK_NO_GATE || gate_is_open(slot);
}

static __always_inline __u64 packets_of(const struct __sk_buff* skb) {
  return skb->gso_segs ? skb->gso_segs : 1;
}

// The verifier has to see the bound that the compiler may know already.
static __always_inline __u32 bounded(__u32 member) {
  asm volatile("" : "+r"(member));
  return member & (HOTPAIR_TRUNK_MEMBERS_MAX - 1);
}

// ---- which member: by flow ----

static __always_inline __u64 mix(__u64 hash, __u32 word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
  return hash ^ (hash >> 32);
}

static __always_inline int has_ports(__u8 protocol) {
  // TCP, UDP, DCCP, SCTP, UDP-Lite: source and destination port come first.
  return protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 || protocol == 136;
}

static __always_inline __u64 mix_ports(struct __sk_buff* skb, __u64 hash, __u32 at) {
  __u32 ports;
  if (bpf_skb_load_bytes(skb, at, &ports, sizeof(ports)) < 0) return hash;
  return mix(hash, ports);
}

static __always_inline __u64 hash_ipv4(struct __sk_buff* skb, __u32 at, __u64 fallback) {
  __u32 header[5];
  if (bpf_skb_load_bytes(skb, at, header, sizeof(header)) < 0) return fallback;
  __u64 hash = mix(mix(0, header[3]), header[4]);
  const __u8* bytes = (const __u8*)header;
  // All fragments of a datagram take one member, the first included: addresses only.
  int fragment = (bytes[6] & 0x3f) | bytes[7];
  if (fragment || !has_ports(bytes[9])) return hash;
  return mix_ports(skb, hash, at + 4 * (bytes[0] & 0xf));
}

static __always_inline __u64 hash_ipv6(struct __sk_buff* skb, __u32 at, __u64 fallback) {
  __u32 header[10];
  if (bpf_skb_load_bytes(skb, at, header, sizeof(header)) < 0) return fallback;
  __u64 hash = 0;
#pragma unroll
  for (int n = 2; n < 10; ++n) hash = mix(hash, header[n]);
  // Behind an extension header, a fragment header for one, addresses must do.
  if (!has_ports(((const __u8*)header)[6])) return hash;
  return mix_ports(skb, hash, at + sizeof(header));
}

static __always_inline __u64 flow_hash(struct __sk_buff* skb) {
  __u32 addresses[4];  // both MAC addresses and the ethertype
  if (bpf_skb_load_bytes(skb, 0, (__u8*)addresses + 2, ETH_HLEN) < 0) return 0;
  __be16 type = ((const __be16*)addresses)[7];
  ((__u16*)addresses)[0] = 0;
  ((__u16*)addresses)[7] = 0;
  __u64 hash = mix(mix(mix(mix(0, addresses[0]), addresses[1]), addresses[2]), addresses[3]);
  __u32 at = ETH_HLEN;
  if (type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD)) {
    if (bpf_skb_load_bytes(skb, at + 2, &type, sizeof(type)) < 0) return hash;
    at += 4;
  }
  if (type == bpf_htons(ETH_P_IP)) return hash_ipv4(skb, at, hash);
  if (type == bpf_htons(ETH_P_IPV6)) return hash_ipv6(skb, at, hash);
  return hash;
}

static __always_inline __u32 weight(__u32 flow, __u32 member) {
  __u32 hash = flow ^ ((member + 1) * 0x9e3779b1U);
  hash = (hash ^ (hash >> 16)) * 0x85ebca6bU;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35U;
  return hash ^ (hash >> 16);
}

// Rendezvous hashing: the member with the largest weight for this flow. When one leaves, only its
// flows move; when one comes, only those that it takes. No table has to follow the word.
//
// A function of its own is verified once, not once for every path that leads here; the body has no
// branch that depends on single bits of the mask, which would double the verifier's states 32
// times.
__attribute__((noinline)) __u32 hotpair_trunk_choose(__u32 mask, __u64 hash) {
  __u32 flow = (__u32)(hash ^ (hash >> 29));
  __u64 best = 0;
  for (__u32 member = 0; member < HOTPAIR_TRUNK_MEMBERS_MAX && mask; ++member, mask >>= 1) {
    __u64 all = -(__u64)(mask & 1);
    asm volatile("" : "+r"(all));  // or the compiler makes a branch of it
    // The member number below the weight decides ties; the bit above keeps a bid from being zero.
    __u64 bid = (1ULL << 40 | (__u64)weight(flow, member) << 5 | member) & all;
    if (bid > best) best = bid;
  }
  return best & (HOTPAIR_TRUNK_MEMBERS_MAX - 1);
}

// ---- the programs ----

static __always_inline int is_slow(struct __sk_buff* skb) {
  __be16 type;
  if (skb->vlan_present) return 0;
  // From the frame: a packet socket may claim another protocol than the frame carries.
  if (bpf_skb_load_bytes(skb, ETH_ADDRESSES, &type, sizeof(type)) < 0) return 0;
  return type == bpf_htons(SLOW_PROTOCOLS);
}

SEC("tc")
int hotpair_trunk_send(struct __sk_buff* skb) {
  __u32 ifindex = skb->ifindex;
  const struct hotpair_trunk_port* port = bpf_map_lookup_elem(&trunk_ports, &ifindex);
  if (!port) return TC_ACT_SHOT;
  __u32 index = port->trunk;
  const struct hotpair_trunk* trunk = bpf_map_lookup_elem(&trunks, &index);
  struct hotpair_trunk_counters* count = bpf_map_lookup_elem(&trunk_count, &index);
  if (!trunk || !count) return TC_ACT_SHOT;
  if (skb->protocol == bpf_htons(SLOW_PROTOCOLS) && is_slow(skb)) {
    ++count->tx_slow;
    return TC_ACT_SHOT;
  }
  if (!may_pass(trunk)) {
    ++count->tx_gate_closed;
    return TC_ACT_SHOT;
  }
  __u32 mask = (__u32)(trunk_word(index) >> 32) & *(const volatile __u32*)&trunk->present;
  if (!mask) {
    ++count->tx_no_member;
    return TC_ACT_SHOT;
  }
  // With one member there is nothing to choose: its packets are not looked into.
  __u64 hash = mask & (mask - 1) ? flow_hash(skb) : 0;
  __u32 member = bounded(hotpair_trunk_choose(mask, hash));
  struct hotpair_trunk_member_counters* by_member = &count->member[member];
  by_member->tx_packets += packets_of(skb);
  by_member->tx_bytes += skb->len;
  skb->tc_index = FROM_TRUNK;
  return bpf_redirect(trunk->member[member], 0);
}

SEC("tc")
int hotpair_trunk_receive(struct __sk_buff* skb) {
  __u32 ifindex = skb->ifindex;
  const struct hotpair_trunk_port* port = bpf_map_lookup_elem(&trunk_ports, &ifindex);
  int slow = skb->protocol == bpf_htons(SLOW_PROTOCOLS) && is_slow(skb);
  int otherwise = slow ? TC_ACT_UNSPEC : TC_ACT_SHOT;
  if (!port) return otherwise;
  __u32 index = port->trunk;
  __u32 member = bounded(port->member);
  const struct hotpair_trunk* trunk = bpf_map_lookup_elem(&trunks, &index);
  struct hotpair_trunk_counters* count = bpf_map_lookup_elem(&trunk_count, &index);
  if (!trunk || !count) return otherwise;
  struct hotpair_trunk_member_counters* by_member = &count->member[member];
  if (slow) {
    ++by_member->rx_slow;
    return TC_ACT_UNSPEC;
  }
  if (!may_pass(trunk)) {
    ++by_member->rx_gate_closed;
    return TC_ACT_SHOT;
  }
  if (!((trunk_word(index) >> member) & 1)) {
    ++by_member->rx_not_collecting;
    return TC_ACT_SHOT;
  }
  by_member->rx_packets += packets_of(skb);
  by_member->rx_bytes += skb->len;
  return bpf_redirect(trunk->device, BPF_F_INGRESS);
}

SEC("tc")
int hotpair_trunk_guard(struct __sk_buff* skb) {
  if (skb->tc_index == FROM_TRUNK) {
    skb->tc_index = 0;
    return TC_ACT_UNSPEC;
  }
  int slow = is_slow(skb);
  __u32 ifindex = skb->ifindex;
  const struct hotpair_trunk_port* port = bpf_map_lookup_elem(&trunk_ports, &ifindex);
  if (port && port->member < HOTPAIR_TRUNK_MEMBERS_MAX) {
    __u32 index = port->trunk;
    struct hotpair_trunk_counters* count = bpf_map_lookup_elem(&trunk_count, &index);
    __u32 member = bounded(port->member);
    if (count && slow) {
      ++count->member[member].tx_slow;
    } else if (count) {
      ++count->member[member].tx_foreign;
    }
  }
  return slow ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

char hotpair_license[] SEC("license") = "Apache-2.0";
