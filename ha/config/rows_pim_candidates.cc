#include <fmt/core.h>

#include <algorithm>

#include "ha/config/rows_pim.h"

/// Views pim and pim-ipv6: what this router offers to be. Candidate BSR, candidate RP, Auto-RP.
namespace hotpair::ha::config {
namespace {

constexpr std::size_t kCandidatesMax = 64;

template <typename T>
std::optional<T> number(const Values& values, std::string_view name) {
  if (!values.has(name)) return std::nullopt;
  return static_cast<T>(values.number(name));
}
template <typename T>
std::string option_text(std::string_view words, const std::optional<T>& value) {
  return value ? fmt::format(" {} {}", words, *value) : std::string();
}

// One entry of a list for each own address; without an address `undo` means all.
template <typename T>
void change_offer(Editor& editor, std::vector<Setting<T>>& list, const Values& values, T offer) {
  if (!values.has("address") && !values.has("interface")) {
    list.clear();
    return;
  }
  const auto own = own_address(editor, values);
  if (!own) return;
  std::erase_if(list, [&](const auto& each) { return each->address == *own; });
  if (editor.undo) return;
  if (list.size() >= kCandidatesMax) {
    editor.refuse(fmt::format("there are {} such lines, more are refused", kCandidatesMax));
    return;
  }
  offer.address = *own;
  Setting<T> setting;
  setting.set(std::move(offer), editor.line);
  const auto at = std::lower_bound(
      list.begin(), list.end(), setting,
      [](const auto& a, const auto& b) { return a->address.text() < b->address.text(); });
  list.insert(at, std::move(setting));
}

// ---- candidate BSR ----

template <Family F>
void set_bsr(Editor& editor, const Values& values) {
  auto& c_bsr = pim_of<F>(editor).c_bsr;
  if (editor.undo) {
    c_bsr = {};
    return;
  }
  const auto own = own_address(editor, values);
  if (!own) return;
  c_bsr.set({*own, number<std::uint8_t>(values, "hash"), number<std::uint8_t>(values, "priority")},
            editor.line);
}
template <Family F>
void print_bsr(const PrintScope& scope, LineSink& sink) {
  const auto& c_bsr = scope.instance().pim_of(F).c_bsr;
  if (c_bsr)
    sink.line(fmt::format("c-bsr {}{}{}", c_bsr->address.text(),
                          option_text("hash-length", c_bsr->hash_length),
                          option_text("priority", c_bsr->priority)),
              c_bsr.line);
}

// ---- candidate RP ----

template <Family F, bool Bidir = false>
void set_candidate(Editor& editor, const Values& values) {
  CandidateRpModel candidate;
  const auto groups = group_ranges(editor, values, "groups");
  if (!groups) return;
  candidate.groups = *groups;
  candidate.priority = number<std::uint8_t>(values, "priority");
  candidate.holdtime_s = number<std::uint16_t>(values, "holdtime");
  candidate.interval_s = number<std::uint16_t>(values, "interval");
  candidate.bidir = Bidir;
  change_offer(editor, pim_of<F>(editor).c_rps, values, std::move(candidate));
}
template <Family F>
void print_candidates(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.instance().pim_of(F).c_rps)
    sink.line(
        fmt::format(
            "c-rp {}{}{}{}{}{}", each->address.text(), ranges_text("group-policy", each->groups),
            option_text("priority", each->priority), option_text("holdtime", each->holdtime_s),
            option_text("advertisement-interval", each->interval_s), each->bidir ? " bidir" : ""),
        each.line);
}

// ---- who may be what ----

template <Family F, auto Member>
void set_policy(Editor& editor, const Values& values) {
  change_prefixes(editor, pim_of<F>(editor).*Member, values, "routers");
}
template <Family F>
void print_bsr_policy(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.instance().pim_of(F).bsr_policy)
    sink.line("bsr-policy " + shown(*each), each.line);
}
template <Family F>
void print_crp_policy(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.instance().pim_of(F).crp_policy)
    sink.line("crp-policy " + shown(*each), each.line);
}

// ---- Auto-RP ----

void set_listening(Editor& editor, const Values&) {
  editor.assign(pim_of<Family::ipv4>(editor), &PimModel::auto_rp_listening, true);
}
void print_listening(const PrintScope& scope, LineSink& sink) {
  const auto& listening = scope.instance().pim.auto_rp_listening;
  if (*listening) sink.line("auto-rp listening enable", listening.line);
}

void set_announce(Editor& editor, const Values& values) {
  AutoRpAnnounceModel announce;
  const auto groups = group_ranges(editor, values, "groups");
  if (!groups) return;
  announce.groups = *groups;
  announce.scope = number<std::uint8_t>(values, "ttl");
  announce.interval_s = number<std::uint16_t>(values, "interval");
  change_offer(editor, pim_of<Family::ipv4>(editor).auto_rp_announce, values, std::move(announce));
}
void print_announce(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.instance().pim.auto_rp_announce)
    sink.line(
        fmt::format("auto-rp announce {}{}{}{}", each->address.text(),
                    ranges_text("group-policy", each->groups), option_text("scope", each->scope),
                    option_text("interval", each->interval_s)),
        each.line);
}
void set_discovery(Editor& editor, const Values& values) {
  auto& discovery = pim_of<Family::ipv4>(editor).auto_rp_discovery;
  if (editor.undo) {
    discovery = {};
    return;
  }
  const auto own = own_address(editor, values);
  if (!own) return;
  discovery.set(
      {*own, number<std::uint8_t>(values, "ttl"), number<std::uint16_t>(values, "interval")},
      editor.line);
}
void print_discovery(const PrintScope& scope, LineSink& sink) {
  const auto& discovery = scope.instance().pim.auto_rp_discovery;
  if (discovery)
    sink.line(fmt::format("auto-rp discovery {}{}{}", discovery->address.text(),
                          option_text("scope", discovery->scope),
                          option_text("interval", discovery->interval_s)),
              discovery.line);
}

constexpr auto kSystem = View::system;
constexpr auto k4 = Family::ipv4;
constexpr auto k6 = Family::ipv6;
constexpr auto kActive = RowKind::active;
constexpr auto kLater = RowKind::not_active;
constexpr std::string_view kBsrHelp = "Offer to be the bootstrap router; the largest priority wins";
constexpr std::string_view kRpHelp =
    "Offer to be the rendezvous point of all or some groups; the smallest priority wins";

constexpr std::string_view kBidirRpHelp =
    "Offer to be the rendezvous point of bidirectional groups; the smallest priority wins";

constexpr std::string_view kListenHelp =
    "Believe Auto-RP mapping agents, and flood their groups between PIM neighbors";
constexpr std::string_view kAnnounceHelp =
    "Announce this router as RP of all or some groups by Auto-RP; scope is the TTL";
constexpr std::string_view kAgentHelp =
    "Be an Auto-RP mapping agent; of several the highest address speaks; scope is the TTL";

constexpr ConfigRow kRows[] = {
    {View::pim, "c-bsr address:IPV4 [ hash-length hash:0-32 ] [ priority priority:0-255 ]",
     kBsrHelp, set_bsr<k4>, print_bsr<k4>},
    {View::pim, "c-bsr interface:INTERFACE [ hash-length hash:0-32 ] [ priority priority:0-255 ]",
     kBsrHelp, set_bsr<k4>},
    {View::pim, "c-bsr interface:INTERFACE hash:0-32 [ priority:0-255 ]", kBsrHelp, set_bsr<k4>},
    {View::pim,
     "c-rp address:IPV4 [ group-policy groups:PREFIXES4 ] [ priority priority:0-255 ] "
     "[ holdtime holdtime:1-65535 ] [ advertisement-interval interval:1-65535 ]",
     kRpHelp, set_candidate<k4>, print_candidates<k4>, kActive, true},
    {View::pim,
     "c-rp interface:INTERFACE [ group-policy groups:PREFIXES4 ] [ priority priority:0-255 ] "
     "[ holdtime holdtime:1-65535 ] [ advertisement-interval interval:1-65535 ]",
     kRpHelp, set_candidate<k4>, nullptr, kActive, true},
    {View::pim,
     "c-rp address:IPV4 [ group-policy groups:PREFIXES4 ] [ priority priority:0-255 ] "
     "[ holdtime holdtime:1-65535 ] [ advertisement-interval interval:1-65535 ] bidir",
     kBidirRpHelp, set_candidate<k4, true>, nullptr, kActive, true},
    {View::pim,
     "c-rp interface:INTERFACE [ group-policy groups:PREFIXES4 ] [ priority priority:0-255 ] "
     "[ holdtime holdtime:1-65535 ] [ advertisement-interval interval:1-65535 ] bidir",
     kBidirRpHelp, set_candidate<k4, true>, nullptr, kActive, true},
    {View::pim, "c-rp interface:INTERFACE group-policy acl:2000-2999 [ text:REST ]",
     "The same, groups by access list", nullptr, nullptr, kLater, true},
    {View::pim, "bsr-policy routers:PREFIXES4", "Who may be bootstrap router; default everybody",
     set_policy<k4, &PimModel::bsr_policy>, print_bsr_policy<k4>, kActive, true},
    {View::pim, "crp-policy routers:PREFIXES4",
     "Who may be candidate RP, where this router is bootstrap router; default everybody",
     set_policy<k4, &PimModel::crp_policy>, print_crp_policy<k4>, kActive, true},
    {View::pim, "bsr-policy acl:2000-2999", "Who may be bootstrap router, by access list", nullptr,
     nullptr, kLater},
    {View::pim, "crp-policy acl:2000-3999", "Who may be candidate RP, by access list", nullptr,
     nullptr, kLater},
    {View::pim, "auto-rp listening [ enable ]", kListenHelp, set_listening, print_listening},
    {View::pim,
     "auto-rp announce address:IPV4 [ group-policy groups:PREFIXES4 ] [ scope ttl:1-255 ] "
     "[ interval interval:1-16383 ]",
     kAnnounceHelp, set_announce, print_announce, kActive, true},
    {View::pim,
     "auto-rp announce interface:INTERFACE [ group-policy groups:PREFIXES4 ] [ scope ttl:1-255 ] "
     "[ interval interval:1-16383 ]",
     kAnnounceHelp, set_announce, nullptr, kActive, true},
    {View::pim, "auto-rp discovery address:IPV4 [ scope ttl:1-255 ] [ interval interval:1-16383 ]",
     kAgentHelp, set_discovery, print_discovery},
    {View::pim,
     "auto-rp discovery interface:INTERFACE [ scope ttl:1-255 ] [ interval interval:1-16383 ]",
     kAgentHelp, set_discovery},

    {View::pim_ipv6, "c-bsr address:IPV6 [ hash-length hash:0-128 ] [ priority priority:0-255 ]",
     kBsrHelp, set_bsr<k6>, print_bsr<k6>},
    {View::pim_ipv6,
     "c-bsr interface:INTERFACE [ hash-length hash:0-128 ] [ priority priority:0-255 ]", kBsrHelp,
     set_bsr<k6>},
    {View::pim_ipv6, "c-bsr address:IPV6 hash:0-128 [ priority:0-255 ]", kBsrHelp, set_bsr<k6>},
    {View::pim_ipv6,
     "c-rp address:IPV6 [ group-policy groups:PREFIXES6 ] [ priority priority:0-255 ] "
     "[ holdtime holdtime:1-65535 ] [ advertisement-interval interval:1-65535 ]",
     kRpHelp, set_candidate<k6>, print_candidates<k6>, kActive, true},
    {View::pim_ipv6,
     "c-rp interface:INTERFACE [ group-policy groups:PREFIXES6 ] [ priority priority:0-255 ] "
     "[ holdtime holdtime:1-65535 ] [ advertisement-interval interval:1-65535 ]",
     kRpHelp, set_candidate<k6>, nullptr, kActive, true},
    {View::pim_ipv6, "c-rp address:IPV6 group-policy acl:2000-2999 [ text:REST ]",
     "The same, groups by access list", nullptr, nullptr, kLater, true},
    {View::pim_ipv6, "bsr-policy routers:PREFIXES6",
     "Who may be bootstrap router; default everybody", set_policy<k6, &PimModel::bsr_policy>,
     print_bsr_policy<k6>, kActive, true},
    {View::pim_ipv6, "crp-policy routers:PREFIXES6",
     "Who may be candidate RP, where this router is bootstrap router; default everybody",
     set_policy<k6, &PimModel::crp_policy>, print_crp_policy<k6>, kActive, true},

    {kSystem, "ip pim bsr-candidate interface:INTERFACE [ hash:0-32 [ priority:0-255 ] ]",
     "Offer to be the bootstrap router (IOS)", set_bsr<k4>},
    {kSystem,
     "ip pim rp-candidate interface:INTERFACE [ group-list groups:PREFIXES4 ] "
     "[ interval interval:1-16383 ] [ priority priority:0-255 ]",
     "Offer to be a rendezvous point (IOS)", set_candidate<k4>, nullptr, kActive, true},
    {kSystem,
     "ip pim rp-candidate interface:INTERFACE [ group-list groups:PREFIXES4 ] "
     "[ interval interval:1-16383 ] [ priority priority:0-255 ] bidir",
     "The same for bidirectional groups (IOS)", set_candidate<k4, true>, nullptr, kActive, true},
    {kSystem,
     "ip pim vrf name:STRING31 bsr-candidate interface:INTERFACE [ hash:0-32 [ priority:0-255 ] ]",
     "Offer to be the bootstrap router of a VRF (IOS)", in_vrf<set_bsr<k4>>},
    {kSystem,
     "ip pim vrf name:STRING31 rp-candidate interface:INTERFACE [ group-list groups:PREFIXES4 ] "
     "[ interval interval:1-16383 ] [ priority priority:0-255 ]",
     "Offer to be a rendezvous point of a VRF (IOS)", in_vrf<set_candidate<k4>>, nullptr, kActive,
     true},
    {kSystem,
     "ip pim vrf name:STRING31 rp-candidate interface:INTERFACE [ group-list groups:PREFIXES4 ] "
     "[ interval interval:1-16383 ] [ priority priority:0-255 ] bidir",
     "The same for bidirectional groups of a VRF (IOS)", in_vrf<set_candidate<k4, true>>, nullptr,
     kActive, true},
    {kSystem, "ip pim vrf name:STRING31 autorp listener",
     "Refused: Auto-RP runs in the public instance only", in_vrf<set_listening>},
    {kSystem,
     "ipv6 pim vrf name:STRING31 bsr candidate bsr address:IPV6 [ hash:0-128 ] "
     "[ priority:0-255 ]",
     "Offer to be the bootstrap router of a VRF (IOS)", in_vrf<set_bsr<k6>>},
    {kSystem,
     "ipv6 pim vrf name:STRING31 bsr candidate rp address:IPV6 [ group-list groups:PREFIXES6 ] "
     "[ priority priority:0-255 ] [ interval interval:1-16383 ]",
     "Offer to be a rendezvous point of a VRF (IOS)", in_vrf<set_candidate<k6>>, nullptr, kActive,
     true},
    {kSystem, "ip pim autorp listener", "Believe Auto-RP mapping agents (IOS)", set_listening},
    {kSystem,
     "ip pim send-rp-announce interface:INTERFACE scope ttl:1-255 [ group-list groups:PREFIXES4 ] "
     "[ interval interval:1-16383 ]",
     "Announce this router as RP by Auto-RP (IOS)", set_announce, nullptr, kActive, true},
    {kSystem,
     "ip pim send-rp-discovery interface:INTERFACE scope ttl:1-255 [ interval interval:1-16383 ]",
     "Be an Auto-RP mapping agent (IOS)", set_discovery},
    {kSystem, "ipv6 pim bsr candidate bsr address:IPV6 [ hash:0-128 ] [ priority priority:0-255 ]",
     "Offer to be the bootstrap router (IOS)", set_bsr<k6>},
    {kSystem,
     "ipv6 pim bsr candidate rp address:IPV6 [ group-list groups:PREFIXES6 ] "
     "[ priority priority:0-255 ] [ interval interval:1-16383 ]",
     "Offer to be a rendezvous point (IOS)", set_candidate<k6>, nullptr, kActive, true},
};

}  // namespace

std::span<const ConfigRow> pim_candidate_rows() { return kRows; }

}  // namespace hotpair::ha::config
