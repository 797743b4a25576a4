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
#include "platform/kernel/gate_maps.h"

namespace hotpair::platform::kernel {
namespace {

static_assert(HOTPAIR_GATE_HEADER_WORDS == gate::kGateHeaderWords);
static_assert(HOTPAIR_GATE_SLOTS_MAX == gate::kGateSlotsMax);

/// Handle and priority of our filters. Priority 1 runs before any filter of somebody else.
constexpr std::uint32_t kFilterHandle = 0x6870;
constexpr std::uint32_t kFilterPriority = 1;
constexpr std::size_t kVerifierLogBytes = 64 * 1024;

struct CloseObject {
  void operator()(hotpair_gate* object) const { hotpair_gate__destroy(object); }
};
using Object = std::unique_ptr<hotpair_gate, CloseObject>;

std::string last_line(const std::string& log) {
  const std::string text = log.substr(0, log.find('\0'));
  const std::size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) return {};
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1, end);
}

Error load_error(int error, const std::string& log) {
  if (error == EPERM || error == EACCES)
    return {ErrorCode::refused,
            "the gate program was not allowed to load: hotpaird needs CAP_BPF and CAP_NET_ADMIN "
            "(or root)"};
  if (error == ENOMEM || error == E2BIG)
    return {ErrorCode::exhausted,
            fmt::format("no memory for the gate maps: {}", std::strerror(error))};
  if (error == EINVAL || error == ENOSYS || error == EOPNOTSUPP)
    return {ErrorCode::unsupported,
            fmt::format("this kernel does not accept the gate program (5.8 or newer with "
                        "CONFIG_BPF_SYSCALL is needed): {}; {}",
                        std::strerror(error), last_line(log))};
  return {ErrorCode::unavailable, fmt::format("the gate program did not load: {}; {}",
                                              std::strerror(error), last_line(log))};
}

Error filter_error(Ifindex interface, const char* direction, int error) {
  const ErrorCode code = error == EPERM    ? ErrorCode::refused
                         : error == ENODEV ? ErrorCode::not_found
                         : error == EOPNOTSUPP || error == ENOENT || error == EINVAL
                             ? ErrorCode::unsupported
                             : ErrorCode::unavailable;
  const char* hint = error == EPERM ? " (CAP_NET_ADMIN is needed)"
                     : code == ErrorCode::unsupported
                         ? " (the kernel needs CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_BPF)"
                         : "";
  return {code, fmt::format("interface {}: gate filter, {}: {}{}", interface.value(), direction,
                            std::strerror(error), hint)};
}

bpf_tc_hook hook_of(Ifindex interface, bpf_tc_attach_point point) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = static_cast<int>(interface.value());
  hook.attach_point = point;
  return hook;
}

bpf_tc_opts our_filter() {
  bpf_tc_opts options{};
  options.sz = sizeof options;
  options.handle = kFilterHandle;
  options.priority = kFilterPriority;
  return options;
}

Result<void> attach_filter(Ifindex interface, bpf_tc_attach_point point,
                           const bpf_program* program) {
  const char* direction = point == BPF_TC_INGRESS ? "ingress" : "egress";
  bpf_tc_hook hook = hook_of(interface, point);
  bpf_tc_opts options = our_filter();
  options.prog_fd = bpf_program__fd(program);
  options.flags = BPF_TC_F_REPLACE;
  if (const int error = -bpf_tc_attach(&hook, &options); error != 0)
    return std::unexpected(filter_error(interface, direction, error));
  return {};
}

Result<void> detach_filter(Ifindex interface, bpf_tc_attach_point point) {
  const bpf_tc_hook hook = hook_of(interface, point);
  const bpf_tc_opts options = our_filter();
  const int error = -bpf_tc_detach(&hook, &options);
  // No such filter, no clsact, no device: what was asked for is so.
  if (error == 0 || error == ENOENT || error == EINVAL || error == ENODEV) return {};
  return std::unexpected(
      filter_error(interface, point == BPF_TC_INGRESS ? "ingress" : "egress", error));
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

Result<void> require_map(int fd, const char* what, bpf_map_type type, std::uint32_t key_bytes,
                         std::uint32_t value_bytes) {
  bpf_map_info info{};
  std::uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
    return fail(ErrorCode::malformed,
                fmt::format("the kept descriptor of the gate's {} is no map: {}", what,
                            std::strerror(errno)));
  if (info.type != static_cast<std::uint32_t>(type) || info.key_size != key_bytes ||
      info.value_size != value_bytes)
    return fail(ErrorCode::malformed,
                fmt::format("the kept map of the gate's {} has another layout", what));
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
  libbpf_set_print(nullptr);  // reasons travel in our own errors
  std::string log(kVerifierLogBytes, '\0');
  bpf_object_open_opts options{};
  options.sz = sizeof options;
  options.kernel_log_buf = log.data();
  options.kernel_log_size = log.size();
  Object object(hotpair_gate::open(&options));
  if (!object) return std::unexpected(load_error(errno, log));
  if (const int error = -prepare(*object); error != 0)
    return std::unexpected(load_error(error, log));
  if (const int error = -hotpair_gate::load(object.get()); error != 0)
    return std::unexpected(load_error(error, log));
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
  Result<void> valid = require_map(words.get(), "words", BPF_MAP_TYPE_ARRAY, 4, 8);
  if (valid) valid = require_map(slots.get(), "slots", BPF_MAP_TYPE_HASH, 4, 4);
  if (valid)
    valid = require_map(counters.get(), "counters", BPF_MAP_TYPE_PERCPU_ARRAY, 4,
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
  if (slot >= slots())
    return fail(ErrorCode::refused,
                fmt::format("gate slot {} does not exist: there are {}", slot, slots()));
  if (Result<void> ethernet = require_ethernet(interface); !ethernet) return ethernet;
  bpf_tc_hook hook = hook_of(interface, BPF_TC_INGRESS);
  if (const int error = -bpf_tc_hook_create(&hook); error != 0 && error != EEXIST)
    return std::unexpected(filter_error(interface, "clsact", error));
  const std::uint32_t key = interface.value();
  const int slots_fd = bpf_map__fd(state_->object->maps.hotpair_slots);
  if (bpf_map_update_elem(slots_fd, &key, &slot, BPF_ANY) != 0)
    return fail(ErrorCode::exhausted,
                fmt::format("interface {}: no room among {} gates: {}", key,
                            HOTPAIR_GATE_INTERFACES_MAX, std::strerror(errno)));
  Result<void> done =
      attach_filter(interface, BPF_TC_INGRESS, state_->object->progs.hotpair_ingress);
  if (done) done = attach_filter(interface, BPF_TC_EGRESS, state_->object->progs.hotpair_egress);
  return done;
}

Result<void> GateTable::detach(Ifindex interface) {
  const Result<void> ingress = detach_filter(interface, BPF_TC_INGRESS);
  const Result<void> egress = detach_filter(interface, BPF_TC_EGRESS);
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
