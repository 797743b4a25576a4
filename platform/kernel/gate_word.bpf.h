/* The gate words as the programs see them: what is open is said in one place. Include after
   <bpf/bpf_helpers.h>. */
#pragma once

#include "gate_maps.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, HOTPAIR_GATE_HEADER_WORDS + 1);
  __type(key, __u32);
  __type(value, __u64);
} hotpair_words SEC(".maps");

/* 0 is closed, all ones open, else the end of the lease in CLOCK_MONOTONIC ns. A slot that does not
   exist is closed. */
static __always_inline int gate_is_open(__u32 slot) {
  __u32 index = HOTPAIR_GATE_HEADER_WORDS + slot;
  const __u64* word = bpf_map_lookup_elem(&hotpair_words, &index);
  if (!word) return 0;
  __u64 value = *(const volatile __u64*)word; /* the one read of this packet */
  if (value == 0) return 0;
  if (value == ~0ULL) return 1;
  return value > bpf_ktime_get_ns();
}
