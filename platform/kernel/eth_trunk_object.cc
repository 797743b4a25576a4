#include "platform/kernel/eth_trunk_object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <time.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "platform/gate/gate_words.h"
#include "platform/kernel/bpf_load.h"

namespace hotpair::platform::kernel {
namespace {

static_assert(HOTPAIR_TRUNK_MEMBERS_MAX == kTrunkMembersMax);

Error load_error(int error, const std::string& log) {
  return bpf_load_error("Eth-Trunk", error, log, own_load_rights());
}

TimePoint monotonic_now() {
  timespec time{};
  static_cast<void>(::clock_gettime(CLOCK_MONOTONIC, &time));
  return TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

Result<std::uint32_t> slots_of(int words_fd) {
  std::array<std::uint64_t, 2> header{};
  for (std::uint32_t index = 0; index < header.size(); ++index)
    if (bpf_map_lookup_elem(words_fd, &index, &header[index]) != 0)
      return fail(ErrorCode::malformed, "the kept trunk words have no header");
  if (header[0] != HOTPAIR_TRUNK_MAGIC)
    return fail(ErrorCode::malformed,
                fmt::format("trunk words have layout {:#x}, this program knows {:#x}", header[0],
                            HOTPAIR_TRUNK_MAGIC));
  if (header[1] == 0 || header[1] > HOTPAIR_TRUNKS_MAX)
    return fail(ErrorCode::malformed, fmt::format("trunk words claim {} trunks", header[1]));
  return static_cast<std::uint32_t>(header[1]);
}

void add(EthTrunkMemberCounters& sum, const hotpair_trunk_member_counters& value) {
  sum.rx_packets += value.rx_packets;
  sum.rx_bytes += value.rx_bytes;
  sum.rx_slow += value.rx_slow;
  sum.rx_not_collecting += value.rx_not_collecting;
  sum.rx_gate_closed += value.rx_gate_closed;
  sum.tx_packets += value.tx_packets;
  sum.tx_bytes += value.tx_bytes;
  sum.tx_slow += value.tx_slow;
  sum.tx_foreign += value.tx_foreign;
}

}  // namespace

/// Opens the object, lets `prepare` size or reuse its maps, and loads it.
template <typename Prepare>
Result<TrunkObject::Skeleton> TrunkObject::load(int gate_words_fd, const Prepare& prepare) {
  if (const auto valid = require_map(gate_words_fd, "gate's words", BPF_MAP_TYPE_ARRAY, 4, 8);
      !valid)
    return std::unexpected(valid.error());
  VerifierLog log;
  Skeleton object(hotpair_eth_trunk::open(&log.options));
  if (!object) return std::unexpected(load_error(errno, log.text));
  int error = -bpf_map__reuse_fd(object->maps.hotpair_words, gate_words_fd);
  if (error == 0) error = -prepare(*object);
  if (error == 0) error = -hotpair_eth_trunk::load(object.get());
  if (error != 0) return std::unexpected(load_error(error, log.text));
  return object;
}

Result<std::unique_ptr<TrunkObject>> TrunkObject::create(int gate_words_fd, std::uint32_t slots) {
  if (slots == 0 || slots > HOTPAIR_TRUNKS_MAX)
    return fail(ErrorCode::refused,
                fmt::format("there can be 1 to {} trunks, not {}", HOTPAIR_TRUNKS_MAX, slots));
  auto object = load(gate_words_fd, [slots](const hotpair_eth_trunk& opened) {
    const std::uint32_t ports = slots * (HOTPAIR_TRUNK_MEMBERS_MAX + 2);
    int error =
        bpf_map__set_max_entries(opened.maps.trunk_words, HOTPAIR_TRUNK_HEADER_WORDS + slots);
    if (error == 0) error = bpf_map__set_max_entries(opened.maps.trunk_ports, ports);
    if (error == 0) error = bpf_map__set_max_entries(opened.maps.trunks, slots);
    return error != 0 ? error : bpf_map__set_max_entries(opened.maps.trunk_count, slots);
  });
  if (!object) return std::unexpected(object.error());
  const int words_fd = bpf_map__fd((*object)->maps.trunk_words);
  const std::array<std::uint64_t, 2> header{HOTPAIR_TRUNK_MAGIC, slots};
  for (std::uint32_t index = 0; index < header.size(); ++index) {
    if (bpf_map_update_elem(words_fd, &index, &header[index], BPF_ANY) != 0)
      return std::unexpected(load_error(errno, {}));
  }
  return std::unique_ptr<TrunkObject>(new TrunkObject(std::move(*object), slots));
}

Result<std::unique_ptr<TrunkObject>> TrunkObject::adopt(int gate_words_fd,
                                                        const EthTrunks::KeptMaps& maps) {
  Result<void> valid =
      require_map(maps.words.get(), "trunk words", BPF_MAP_TYPE_ARRAY, 4, sizeof(std::uint64_t));
  if (valid)
    valid = require_map(maps.ports.get(), "trunk ports", BPF_MAP_TYPE_HASH, 4,
                        sizeof(hotpair_trunk_port));
  if (valid)
    valid = require_map(maps.trunks.get(), "trunks", BPF_MAP_TYPE_ARRAY, 4, sizeof(hotpair_trunk));
  if (valid)
    valid = require_map(maps.counters.get(), "trunk counters", BPF_MAP_TYPE_PERCPU_ARRAY, 4,
                        sizeof(hotpair_trunk_counters));
  if (!valid) return std::unexpected(valid.error());
  const Result<std::uint32_t> slots = slots_of(maps.words.get());
  if (!slots) return std::unexpected(slots.error());
  auto object = load(gate_words_fd, [&](const hotpair_eth_trunk& opened) {
    int error = bpf_map__reuse_fd(opened.maps.trunk_words, maps.words.get());
    if (error == 0) error = bpf_map__reuse_fd(opened.maps.trunk_ports, maps.ports.get());
    if (error == 0) error = bpf_map__reuse_fd(opened.maps.trunks, maps.trunks.get());
    return error != 0 ? error : bpf_map__reuse_fd(opened.maps.trunk_count, maps.counters.get());
  });
  if (!object) return std::unexpected(object.error());
  return std::unique_ptr<TrunkObject>(new TrunkObject(std::move(*object), *slots));
}

std::uint64_t TrunkObject::word(std::uint32_t slot) const {
  const std::uint32_t index = HOTPAIR_TRUNK_HEADER_WORDS + slot;
  std::uint64_t value = 0;
  if (slot >= slots_ ||
      bpf_map_lookup_elem(bpf_map__fd(object_->maps.trunk_words), &index, &value) != 0)
    return 0;
  return value;
}

Result<EthTrunkCounters> TrunkObject::counters(std::uint32_t slot) const {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return fail(ErrorCode::unavailable, "the number of CPUs is not known");
  std::vector<hotpair_trunk_counters> values(static_cast<std::size_t>(cpus));
  const int fd = bpf_map__fd(object_->maps.trunk_count);
  if (bpf_map_lookup_elem(fd, &slot, values.data()) != 0)
    return fail(ErrorCode::not_found, fmt::format("trunk slot {}: {}", slot, std::strerror(errno)));
  EthTrunkCounters sum;
  for (const hotpair_trunk_counters& value : values) {
    sum.tx_gate_closed += value.tx_gate_closed;
    sum.tx_no_member += value.tx_no_member;
    sum.tx_slow += value.tx_slow;
    for (std::size_t n = 0; n < sum.members.size(); ++n) add(sum.members[n], value.member[n]);
  }
  return sum;
}

void TrunkObject::clear_counters(std::uint32_t slot) {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return;
  const std::vector<hotpair_trunk_counters> zeros(static_cast<std::size_t>(cpus));
  static_cast<void>(
      bpf_map_update_elem(bpf_map__fd(object_->maps.trunk_count), &slot, zeros.data(), BPF_ANY));
}

EthTrunkDescriptors TrunkObject::descriptors() const {
  const auto& maps = object_->maps;
  return {bpf_map__fd(maps.trunk_words), bpf_map__fd(maps.trunk_ports), bpf_map__fd(maps.trunks),
          bpf_map__fd(maps.trunk_count)};
}

// ---- the maps ----

std::optional<hotpair_trunk> TrunkObject::trunk(std::uint32_t slot) const {
  hotpair_trunk value{};
  if (bpf_map_lookup_elem(bpf_map__fd(object_->maps.trunks), &slot, &value) != 0)
    return std::nullopt;
  return value;
}

Result<void> TrunkObject::store(std::uint32_t slot, const hotpair_trunk& trunk) {
  if (bpf_map_update_elem(bpf_map__fd(object_->maps.trunks), &slot, &trunk, BPF_ANY) != 0)
    return fail(ErrorCode::unavailable,
                fmt::format("trunk slot {}: {}", slot, std::strerror(errno)));
  return {};
}

std::optional<hotpair_trunk_port> TrunkObject::port(Ifindex interface) const {
  const std::uint32_t key = interface.value();
  hotpair_trunk_port value{};
  if (bpf_map_lookup_elem(bpf_map__fd(object_->maps.trunk_ports), &key, &value) != 0)
    return std::nullopt;
  return value;
}

Result<void> TrunkObject::store(Ifindex interface, const hotpair_trunk_port& port) {
  const std::uint32_t key = interface.value();
  if (bpf_map_update_elem(bpf_map__fd(object_->maps.trunk_ports), &key, &port, BPF_ANY) != 0)
    return fail(ErrorCode::exhausted,
                fmt::format("interface {}: no room among the ports of {} trunks: {}", key, slots_,
                            std::strerror(errno)));
  return {};
}

void TrunkObject::forget(Ifindex interface) {
  const std::uint32_t key = interface.value();
  static_cast<void>(bpf_map_delete_elem(bpf_map__fd(object_->maps.trunk_ports), &key));
}

int TrunkObject::send_program() const { return bpf_program__fd(object_->progs.hotpair_trunk_send); }
int TrunkObject::receive_program() const {
  return bpf_program__fd(object_->progs.hotpair_trunk_receive);
}
int TrunkObject::guard_program() const {
  return bpf_program__fd(object_->progs.hotpair_trunk_guard);
}

bool TrunkObject::gate_open(std::uint32_t gate_slot) const {
  if (gate_slot == HOTPAIR_TRUNK_NO_GATE) return true;
  const auto index = static_cast<std::uint32_t>(gate::kGateHeaderWords) + gate_slot;
  std::uint64_t value = 0;
  if (bpf_map_lookup_elem(bpf_map__fd(object_->maps.hotpair_words), &index, &value) != 0)
    return false;
  return gate::gate_is_open(value, monotonic_now());
}

}  // namespace hotpair::platform::kernel
