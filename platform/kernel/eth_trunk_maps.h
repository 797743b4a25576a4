/* What the Eth-Trunk programs and their loader share. Plain C, included by both. Layout version 1:
   a change of anything here is a new HOTPAIR_TRUNK_MAGIC. */
#pragma once

#define HOTPAIR_TRUNK_MAGIC 0x68707472756e0001ULL /* "hptrun", layout version in the low 16 bits */
#define HOTPAIR_TRUNK_HEADER_WORDS 8              /* magic, number of trunks, six free */
#define HOTPAIR_TRUNKS_MAX 1024
#define HOTPAIR_TRUNK_MEMBERS_MAX 32
#define HOTPAIR_TRUNK_NO_GATE 0xffffffffU
#define HOTPAIR_TRUNK_SELF 0xffffffffU /* member of a port entry: the trunk's own two ends */

/* Value of the ports map, by ifindex. */
struct hotpair_trunk_port {
  unsigned int trunk;
  unsigned int member;
  unsigned int promiscuous_by_us;
  unsigned int reserved;
};

/* Value of the trunks map, one per trunk; `device` is 0 where there is none. */
struct hotpair_trunk {
  unsigned int device;    /* ifindex of the trunk device */
  unsigned int hidden;    /* ifindex of the other end */
  unsigned int gate_slot; /* of the gate words, or HOTPAIR_TRUNK_NO_GATE */
  unsigned int present;   /* bit n: member n exists, whatever the word says */
  unsigned int least_active_links;
  unsigned int mtu_max; /* what the configuration allows; 0: what the members allow */
  unsigned int member[HOTPAIR_TRUNK_MEMBERS_MAX]; /* ifindex of member n */
};

struct hotpair_trunk_member_counters {
  unsigned long long rx_packets; /* steered into the trunk */
  unsigned long long rx_bytes;
  unsigned long long rx_slow;           /* LACPDUs and their like, left on the member */
  unsigned long long rx_not_collecting; /* dropped */
  unsigned long long rx_gate_closed;    /* dropped */
  unsigned long long tx_packets;        /* sent out of the trunk through this member */
  unsigned long long tx_bytes;
  unsigned long long tx_slow;    /* LACPDUs sent on the member itself */
  unsigned long long tx_foreign; /* dropped: sent on the member, neither trunk nor LACPDU */
};

/* Value of the counters map, one per trunk and CPU. */
struct hotpair_trunk_counters {
  unsigned long long tx_gate_closed; /* dropped */
  unsigned long long tx_no_member;   /* dropped: none is distributing */
  unsigned long long tx_slow;        /* dropped: LACPDUs belong to members */
  struct hotpair_trunk_member_counters member[HOTPAIR_TRUNK_MEMBERS_MAX];
};
