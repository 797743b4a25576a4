#include "platform/kernel/gate.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "gate.skel.h"
#include "platform/base/assert.h"
#include "platform/kernel/bpf_load.h"
#include "platform/kernel/clsact.h"
#include "platform/kernel/gate_maps.h"

namespace hotpair::platform::kernel {
namespace {

static_assert(HOTPAIR_GATE_HEADER_WORDS == gate::kGateHeaderWords);
static_assert(HOTPAIR_GATE_SLOTS_MAX == gate::kGateSlotsMax);

struct CloseObject {
  void operator()(hotpair_gate* object) const { hotpair_gate__destroy(object); }
};
using Object = std::unique_ptr<hotpair_gate, CloseObject>;

Error load_error(int error, const std::string& log) {
  return bpf_load_error("gate", error, log, own_load_rights());
}

ClsactFilter filter_of(Ifindex interface, Direction direction) {
  return {interface, direction, kGateFilterHandle, "gate"};
}

Result<void> require_ethernet(Ifindex interface) {
  std::array<char, IF_NAMESIZE> name{};
  if (::if_indextoname(interface.value(), name.data()) == nullptr)
    return fail(ErrorCode::not_found,
                fmt::format("interface {} does not exist", interface.value()));
  const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::ranges::copy(name, request.ifr_name);
  if (!socket.valid() || ::ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0)
    return fail(ErrorCode::unavailable,
                fmt::format("{}: hardware type: {}", name.data(), std::strerror(errno)));
  if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
    return fail(ErrorCode::unsupported,
                fmt::format("{} is not an Ethernet interface: it cannot have a gate", name.data()));
  return {};
}

}  // namespace

struct GateTable::State {
  State(Object loaded, gate::GateWords mapped)
      : object(std::move(loaded)), words(std::move(mapped)) {}
  Object object;
  gate::GateWords words;
};

GateTable::GateTable(std::unique_ptr<State> state) : state_(std::move(state)) {}
GateTable::~GateTable() = default;

namespace {

/// Opens the object, lets `prepare` size or reuse its maps, and loads it.
template <typename Prepare>
Result<Object> load_object(const Prepare& prepare) {
  VerifierLog log;
  Object object(hotpair_gate::open(&log.options));
  if (!object) return std::unexpected(load_error(errno, log.text));
  if (const int error = -prepare(*object); error != 0)
    return std::unexpected(load_error(error, log.text));
  if (const int error = -hotpair_gate::load(object.get()); error != 0)
    return std::unexpected(load_error(error, log.text));
  return object;
}

}  // namespace

Result<std::unique_ptr<GateTable>> GateTable::create(std::uint32_t slots) {
  if (slots == 0 || slots > gate::kGateSlotsMax)
    return fail(ErrorCode::refused,
                fmt::format("a gate table has 1 to {} slots, not {}", gate::kGateSlotsMax, slots));
  Result<Object> object = load_object([slots](const hotpair_gate& opened) {
    const int error = bpf_map__set_max_entries(
        opened.maps.hotpair_words, static_cast<std::uint32_t>(gate::kGateHeaderWords) + slots);
    return error != 0 ? error : bpf_map__set_max_entries(opened.maps.hotpair_count, slots);
  });
  if (!object) return std::unexpected(object.error());
  const int words_fd = bpf_map__fd((*object)->maps.hotpair_words);
  const std::array<std::uint64_t, 2> header{gate::kGateMagic, slots};
  for (std::uint32_t index = 0; index < header.size(); ++index) {
    if (bpf_map_update_elem(words_fd, &index, &header[index], BPF_ANY) != 0)
      return std::unexpected(load_error(errno, {}));
  }
  Result<gate::GateWords> words = gate::GateWords::map_readable(words_fd);
  if (!words) return std::unexpected(words.error());
  return std::unique_ptr<GateTable>(
      new GateTable(std::make_unique<State>(std::move(*object), std::move(*words))));
}

Result<std::unique_ptr<GateTable>> GateTable::adopt(FileDescriptor words, FileDescriptor slots,
                                                    FileDescriptor counters) {
  Result<void> valid = require_map(words.get(), "gate's words", BPF_MAP_TYPE_ARRAY, 4, 8);
  if (valid) valid = require_map(slots.get(), "gate's slots", BPF_MAP_TYPE_HASH, 4, 4);
  if (valid)
    valid = require_map(counters.get(), "gate's counters", BPF_MAP_TYPE_PERCPU_ARRAY, 4,
                        sizeof(hotpair_gate_counters));
  if (!valid) return std::unexpected(valid.error());
  Result<gate::GateWords> mapped = gate::GateWords::map_readable(words.get());
  if (!mapped) return std::unexpected(mapped.error());
  Result<Object> object = load_object([&](const hotpair_gate& opened) {
    int error = bpf_map__reuse_fd(opened.maps.hotpair_words, words.get());
    if (error == 0) error = bpf_map__reuse_fd(opened.maps.hotpair_slots, slots.get());
    return error != 0 ? error : bpf_map__reuse_fd(opened.maps.hotpair_count, counters.get());
  });
  if (!object) return std::unexpected(object.error());
  return std::unique_ptr<GateTable>(
      new GateTable(std::make_unique<State>(std::move(*object), std::move(*mapped))));
}

Result<void> GateTable::attach(Ifindex interface, std::uint32_t slot) {
  const auto& programs = state_->object->progs;
  return attach(interface, slot, bpf_program__fd(programs.hotpair_ingress),
                bpf_program__fd(programs.hotpair_egress));
}

Result<void> GateTable::attach_owner(Ifindex interface, std::uint32_t slot) {
  const auto& programs = state_->object->progs;
  return attach(interface, slot, bpf_program__fd(programs.hotpair_owner_ingress),
                bpf_program__fd(programs.hotpair_owner_egress));
}

Result<void> GateTable::attach(Ifindex interface, std::uint32_t slot, int ingress, int egress) {
  if (slot >= slots())
    return fail(ErrorCode::refused,
                fmt::format("gate slot {} does not exist: there are {}", slot, slots()));
  if (Result<void> ethernet = require_ethernet(interface); !ethernet) return ethernet;
  const std::uint32_t key = interface.value();
  const int slots_fd = bpf_map__fd(state_->object->maps.hotpair_slots);
  if (bpf_map_update_elem(slots_fd, &key, &slot, BPF_ANY) != 0)
    return fail(ErrorCode::exhausted,
                fmt::format("interface {}: no room among {} gates: {}", key,
                            HOTPAIR_GATE_INTERFACES_MAX, std::strerror(errno)));
  Result<void> done = attach_filter(filter_of(interface, Direction::ingress), ingress);
  if (done) done = attach_filter(filter_of(interface, Direction::egress), egress);
  return done;
}

Result<void> GateTable::detach(Ifindex interface) {
  const Result<void> ingress = detach_filter(filter_of(interface, Direction::ingress));
  const Result<void> egress = detach_filter(filter_of(interface, Direction::egress));
  if (!ingress) return ingress;
  if (!egress) return egress;
  const std::uint32_t key = interface.value();
  const int error = -bpf_map_delete_elem(bpf_map__fd(state_->object->maps.hotpair_slots), &key);
  if (error != 0 && error != ENOENT)
    return fail(ErrorCode::unavailable,
                fmt::format("interface {}: gate slot: {}", key, std::strerror(error)));
  return {};
}

std::vector<GateAttachment> GateTable::attachments() const {
  const int fd = bpf_map__fd(state_->object->maps.hotpair_slots);
  std::vector<GateAttachment> found;
  std::uint32_t key = 0;
  std::uint32_t slot = 0;
  int more = bpf_map_get_next_key(fd, nullptr, &key);
  while (more == 0 && found.size() < HOTPAIR_GATE_INTERFACES_MAX) {
    if (bpf_map_lookup_elem(fd, &key, &slot) == 0) found.push_back({Ifindex(key), slot});
    more = bpf_map_get_next_key(fd, &key, &key);
  }
  std::ranges::sort(found);
  return found;
}

gate::GateWord GateTable::word(std::uint32_t slot) const { return state_->words.load(slot); }

std::uint32_t GateTable::slots() const { return static_cast<std::uint32_t>(state_->words.slots()); }

Result<GateCounters> GateTable::counters(std::uint32_t slot) const {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return fail(ErrorCode::unavailable, "the number of CPUs is not known");
  std::vector<hotpair_gate_counters> values(static_cast<std::size_t>(cpus));
  const int fd = bpf_map__fd(state_->object->maps.hotpair_count);
  if (bpf_map_lookup_elem(fd, &slot, values.data()) != 0)
    return fail(ErrorCode::not_found, fmt::format("gate slot {}: {}", slot, std::strerror(errno)));
  GateCounters sum;
  for (const hotpair_gate_counters& value : values) {
    sum.ingress_passed += value.ingress_passed;
    sum.ingress_dropped += value.ingress_dropped;
    sum.egress_passed += value.egress_passed;
    sum.egress_dropped += value.egress_dropped;
  }
  return sum;
}

GateDescriptors GateTable::descriptors() const {
  return {bpf_map__fd(state_->object->maps.hotpair_words),
          bpf_map__fd(state_->object->maps.hotpair_slots),
          bpf_map__fd(state_->object->maps.hotpair_count)};
}

}  // namespace hotpair::platform::kernel
