/* What the gate programs and their loader share. Plain C, included by both. */
#pragma once

#define HOTPAIR_GATE_HEADER_WORDS 8 /* gate_words.h: kGateHeaderWords */
#define HOTPAIR_GATE_SLOTS_MAX 4096
#define HOTPAIR_GATE_INTERFACES_MAX 1024

/* Value of the counters map, one per slot and CPU. */
struct hotpair_gate_counters {
  unsigned long long ingress_passed;
  unsigned long long ingress_dropped;
  unsigned long long egress_passed;
  unsigned long long egress_dropped;
};
