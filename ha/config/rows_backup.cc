#include <fmt/core.h>

#include <algorithm>

#include "ha/config/config_rows.h"

/// Rows of the views e-trunk, remote-backup-service and remote-backup-profile.
namespace hotpair::ha::config {
namespace {

// ---- e-trunk ----

void set_peer(Editor& editor, const Values& values) {
  EtrunkConfigModel& etrunk = editor.etrunk();
  editor.assign(etrunk, &EtrunkConfigModel::peer,
                values.has("peer") ? values.address("peer") : IpAddress{});
  editor.assign(etrunk, &EtrunkConfigModel::source,
                values.has("source") ? values.address("source") : IpAddress{});
}
void print_peer4(const PrintScope& scope, LineSink& sink) {
  const auto& [peer, source] = std::tie(scope.etrunk->peer, scope.etrunk->source);
  if (peer && peer->is_v4())
    sink.line(fmt::format("peer-address {} source-address {}", shown(*peer), shown(*source)),
              peer.line);
}
void print_peer6(const PrintScope& scope, LineSink& sink) {
  const auto& [peer, source] = std::tie(scope.etrunk->peer, scope.etrunk->source);
  if (peer && peer->is_v6())
    sink.line(fmt::format("peer-ipv6 {} source-ipv6 {}", shown(*peer), shown(*source)), peer.line);
}

void set_port(Editor& editor, const Values& values) {
  const auto port =
      values.has("port") ? static_cast<std::uint16_t>(values.number("port")) : std::uint16_t{0};
  editor.assign(editor.etrunk(), &EtrunkConfigModel::port, port);
}
void print_port(const PrintScope& scope, LineSink& sink) {
  const auto& port = scope.etrunk->port;
  if (port) sink.line(fmt::format("port {}", *port), port.line);
}

void set_priority(Editor& editor, const Values& values) {
  const auto priority = values.has("priority")
                            ? static_cast<std::uint8_t>(values.number("priority"))
                            : std::uint8_t{0};
  editor.assign(editor.etrunk(), &EtrunkConfigModel::priority, priority);
}
void print_priority(const PrintScope& scope, LineSink& sink) {
  const auto& priority = scope.etrunk->priority;
  if (priority) sink.line(fmt::format("priority {}", *priority), priority.line);
}

void set_order(Editor& editor, const Values& values) {
  const bool smaller = values.has("order") && values.text("order") == "smaller";
  editor.assign(editor.etrunk(), &EtrunkConfigModel::priority_order,
                smaller ? PriorityOrder::smaller : PriorityOrder::larger);
}
void print_order(const PrintScope& scope, LineSink& sink) {
  const auto& order = scope.etrunk->priority_order;
  if (order)
    sink.line(*order == PriorityOrder::smaller ? "priority-order smaller" : "priority-order larger",
              order.line);
}

bool is_foreign_key(std::string_view text) {
  return text.starts_with("%^%#") || text.starts_with("%@%") || text.starts_with("%$%") ||
         text.starts_with("$1a$");
}

SecurityKey key_of(Editor& editor, const Values& values) {
  SecurityKey key;
  if (values.has("key")) key.text = values.text("key");
  if (values.has("form")) key.cipher = values.text("form") == "cipher";
  key.foreign = key.cipher && is_foreign_key(key.text);
  if (!editor.undo && key.foreign)
    editor.warn(
        "the key is another vendor's encrypted text: its bytes are used as the key, so both "
        "nodes must hold the same text");
  return key;
}
void set_key(Editor& editor, const Values& values) {
  editor.assign(editor.etrunk(), &EtrunkConfigModel::security_key, key_of(editor, values));
}
void set_accept_key(Editor& editor, const Values& values) {
  editor.assign(editor.etrunk(), &EtrunkConfigModel::accept_key, key_of(editor, values));
}
void print_one_key(const PrintScope& scope, LineSink& sink, std::string_view words,
                   const Setting<SecurityKey>& key) {
  if (key)
    sink.line(fmt::format("{} {} {}", words, key->cipher ? "cipher" : "simple",
                          scope.secrets ? key->text : "******"),
              key.line);
}
void print_key(const PrintScope& scope, LineSink& sink) {
  print_one_key(scope, sink, "security-key", scope.etrunk->security_key);
}
void print_accept_key(const PrintScope& scope, LineSink& sink) {
  print_one_key(scope, sink, "security-key accept", scope.etrunk->accept_key);
}

void set_authentication(Editor& editor, const Values& values) {
  const std::string mode = values.has("mode") ? values.text("mode") : "";
  if (mode == "hmac-sha1")
    editor.refuse(
        "HMAC-SHA1 is not offered: hellos go between two hotpair nodes, which both know "
        "HMAC-SHA256");
  editor.assign(editor.etrunk(), &EtrunkConfigModel::authentication,
                mode == "enhanced-hmac-sha256" ? HelloAuthentication::enhanced_hmac_sha256
                                               : HelloAuthentication::hmac_sha256);
}
void print_authentication(const PrintScope& scope, LineSink& sink) {
  const auto& mode = scope.etrunk->authentication;
  if (mode)
    sink.line(*mode == HelloAuthentication::enhanced_hmac_sha256
                  ? "authentication-mode enhanced-hmac-sha256"
                  : "authentication-mode hmac-sha256",
              mode.line);
}

void set_sequence(Editor& editor, const Values&) {
  editor.assign(editor.etrunk(), &EtrunkConfigModel::sequence, true);
}
void print_sequence(const PrintScope& scope, LineSink& sink) {
  if (*scope.etrunk->sequence) sink.line("sequence enable", scope.etrunk->sequence.line);
}

// A line that names what is there already takes its place; `undo` without a name removes all.
template <typename Model, typename Same>
void set_listed(Editor& editor, std::vector<Setting<Model>>& list, bool named, Model value,
                const Same& same) {
  std::erase_if(list, [&](const auto& each) { return !named || same(*each); });
  if (editor.undo) return;
  Setting<Model> setting;
  setting.set(std::move(value), editor.line);
  list.push_back(std::move(setting));
}

void set_path(Editor& editor, const Values& values) {
  const bool named = values.has("source");
  const PathModel path{named ? values.address("source") : IpAddress{},
                       values.has("peer") ? values.address("peer") : IpAddress{},
                       values.has("session") ? values.text("session") : ""};
  auto& paths = editor.etrunk().paths;
  set_listed(editor, paths, named, path, [&](const PathModel& each) {
    return each.source == path.source && (editor.undo || each.peer == path.peer);
  });
  // In an order that both nodes find, since the place is the path's number in hellos.
  const auto place = [](const Setting<PathModel>& each) {
    return std::pair(std::min(each->source, each->peer), std::max(each->source, each->peer));
  };
  std::sort(paths.begin(), paths.end(),
            [&](const auto& a, const auto& b) { return place(a) < place(b); });
}
void print_paths(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.etrunk->paths)
    sink.line(fmt::format("path source {} peer {}{}{}", shown(each->source), shown(each->peer),
                          each->bfd_session.empty() ? "" : " bfd-session ", each->bfd_session),
              each.line);
}

void set_rank_track(Editor& editor, const Values& values) {
  const bool named = values.has("name");
  auto& tracks = editor.etrunk().tracks;
  TrackModel track{named ? values.get<InterfaceName>("name").name : std::string(),
                   values.has("reduced") ? static_cast<std::uint8_t>(values.number("reduced"))
                                         : std::uint8_t{0}};
  const std::string interface = track.interface;
  set_listed(editor, tracks, named, std::move(track),
             [&](const TrackModel& each) { return each.interface == interface; });
  std::sort(tracks.begin(), tracks.end(),
            [](const auto& a, const auto& b) { return a->interface < b->interface; });
}
void print_rank_tracks(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.etrunk->tracks)
    sink.line(fmt::format("track interface {} reduced {}", each->interface, each->reduced),
              each.line);
}

void set_rpf_track(Editor& editor, const Values& values) {
  const std::uint64_t reduced = values.has("reduced") ? values.number("reduced") : 0;
  editor.assign(editor.etrunk(), &EtrunkConfigModel::track_rpf_reduced,
                static_cast<std::uint8_t>(reduced));
}
void print_rpf_track(const PrintScope& scope, LineSink& sink) {
  const auto& reduced = scope.etrunk->track_rpf_reduced;
  if (reduced) sink.line(fmt::format("track rpf reduced {}", *reduced), reduced.line);
}

void set_hello(Editor& editor, const Values& values) {
  std::uint64_t interval_ms = 0;
  if (values.has("units")) interval_ms = values.number("units") * 100;
  if (values.has("ms")) interval_ms = values.number("ms");
  editor.assign(editor.etrunk(), &EtrunkConfigModel::hello_ms,
                static_cast<std::uint32_t>(interval_ms));
}
bool in_vendor_units(std::uint32_t interval_ms) {
  return interval_ms % 100 == 0 && interval_ms >= 500 && interval_ms <= 10'000;
}
void print_hello(const PrintScope& scope, LineSink& sink) {
  const auto& hello = scope.etrunk->hello_ms;
  if (hello && in_vendor_units(*hello))
    sink.line(fmt::format("timer hello {}", *hello / 100), hello.line);
}
void print_hello_ms(const PrintScope& scope, LineSink& sink) {
  const auto& hello = scope.etrunk->hello_ms;
  if (hello && !in_vendor_units(*hello))
    sink.line(fmt::format("timer hello-ms {}", *hello), hello.line);
}

void set_multiplier(Editor& editor, const Values& values) {
  const std::uint64_t count = values.has("count") ? values.number("count") : 0;
  editor.assign(editor.etrunk(), &EtrunkConfigModel::multiplier, static_cast<std::uint16_t>(count));
}
void print_multiplier(const PrintScope& scope, LineSink& sink) {
  const auto& multiplier = scope.etrunk->multiplier;
  if (multiplier)
    sink.line(fmt::format("timer hold-on-failure multiplier {}", *multiplier), multiplier.line);
}

void set_revert(Editor& editor, const Values& values) {
  const std::uint64_t delay = values.has("seconds") ? values.number("seconds") : 0;
  editor.assign(editor.etrunk(), &EtrunkConfigModel::revert_delay_s,
                static_cast<std::uint32_t>(delay));
}
void print_revert(const PrintScope& scope, LineSink& sink) {
  const auto& delay = scope.etrunk->revert_delay_s;
  if (delay) sink.line(fmt::format("timer revert delay {}", *delay), delay.line);
}

void set_grace(Editor& editor, const Values& values) {
  const std::uint64_t grace = values.has("seconds") ? values.number("seconds") : 0;
  editor.assign(editor.etrunk(), &EtrunkConfigModel::restart_grace_s,
                static_cast<std::uint32_t>(grace));
}
void print_grace(const PrintScope& scope, LineSink& sink) {
  const auto& grace = scope.etrunk->restart_grace_s;
  if (grace) sink.line(fmt::format("timer restart-grace {}", *grace), grace.line);
}

// ---- remote-backup-service ----

void set_service_peer(Editor& editor, const Values& values) {
  RbsModel& service = editor.service();
  editor.assign(service, &RbsModel::peer,
                values.has("peer") ? values.address("peer") : IpAddress{});
  editor.assign(service, &RbsModel::source,
                values.has("source") ? values.address("source") : IpAddress{});
  const std::uint64_t port = values.has("port") ? values.number("port") : 0;
  editor.assign(service, &RbsModel::port, static_cast<std::uint16_t>(port));
}
void print_service_peer(const PrintScope& scope, LineSink& sink, std::string_view suffix, bool v6) {
  const RbsModel& service = *scope.service;
  if (service.peer && service.peer->is_v6() == v6)
    sink.line(fmt::format("peer{} {} source{} {} port {}", suffix, shown(*service.peer), suffix,
                          shown(*service.source), *service.port),
              service.peer.line);
}
void print_service_peer4(const PrintScope& scope, LineSink& sink) {
  print_service_peer(scope, sink, "", false);
}
void print_service_peer6(const PrintScope& scope, LineSink& sink) {
  print_service_peer(scope, sink, "-ipv6", true);
}

void set_ssl_policy(Editor& editor, const Values& values) {
  editor.assign(editor.service(), &RbsModel::ssl_policy,
                values.has("name") ? values.text("name") : "");
}
void print_ssl_policy(const PrintScope& scope, LineSink& sink) {
  const auto& policy = scope.service->ssl_policy;
  if (policy) sink.line("ssl-policy " + *policy, policy.line);
}

// ---- remote-backup-profile ----

void set_service_type(Editor& editor, const Values& values) {
  auto& services = editor.profile().services;
  if (!values.has("type")) {
    services.clear();
    return;
  }
  const ServiceType type = values.text("type") == "mld" ? ServiceType::mld : ServiceType::igmp;
  std::erase_if(services, [&](const auto& each) { return *each == type; });
  if (editor.undo) return;
  Setting<ServiceType> setting;
  setting.set(type, editor.line);
  services.push_back(setting);
  std::sort(services.begin(), services.end(), [](const auto& a, const auto& b) { return *a < *b; });
}
void print_service_types(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.profile->services)
    sink.line(*each == ServiceType::igmp ? "service-type igmp" : "service-type mld", each.line);
}

void set_backup_id(Editor& editor, const Values& values) {
  RbpModel& profile = editor.profile();
  const std::uint64_t id = values.has("id") ? values.number("id") : 0;
  editor.assign(profile, &RbpModel::backup_id, static_cast<std::uint32_t>(id));
  editor.assign(profile, &RbpModel::rbs, values.has("service") ? values.text("service") : "");
}
void print_backup_id(const PrintScope& scope, LineSink& sink) {
  const RbpModel& profile = *scope.profile;
  if (profile.backup_id)
    sink.line(
        fmt::format("backup-id {} remote-backup-service {}", *profile.backup_id, *profile.rbs),
        profile.backup_id.line);
}

void set_hot(Editor& editor, const Values&) {
  editor.assign(editor.profile(), &RbpModel::peer_backup_hot, true);
}
void print_hot(const PrintScope& scope, LineSink& sink) {
  const auto& hot = scope.profile->peer_backup_hot;
  if (*hot) sink.line("peer-backup hot", hot.line);
}

void set_track(Editor& editor, const Values& values) {
  RbpTrack track;
  if (values.has("etrunk")) track.etrunk = static_cast<std::uint16_t>(values.number("etrunk"));
  if (values.has("trunk")) track.eth_trunk = static_cast<std::uint16_t>(values.number("trunk"));
  editor.assign(editor.profile(), &RbpModel::track, track);
}
void print_track(const PrintScope& scope, LineSink& sink) {
  const auto& track = scope.profile->track;
  if (track)
    sink.line(fmt::format("e-trunk {} eth-trunk {}", track->etrunk, track->eth_trunk), track.line);
}

constexpr auto kLater = RowKind::not_active;

constexpr ConfigRow kRows[] = {
    {View::etrunk, "priority priority:1-254", "Rank in the election, default 100", set_priority,
     print_priority},
    {View::etrunk, "priority-order order:{larger|smaller}", "Which rank wins, default larger",
     set_order, print_order},
    {View::etrunk, "peer-address peer:IPV4 source-address source:IPV4",
     "Addresses of the hello session", set_peer, print_peer4},
    {View::etrunk, "peer-ipv6 peer:IPV6 source-ipv6 source:IPV6", "Addresses of the hello session",
     set_peer, print_peer6},
    {View::etrunk, "port port:1-65535", "UDP port of the hello session, default 1025", set_port,
     print_port},
    {View::etrunk, "security-key form:{cipher|simple} key:REST", "Key that authenticates hellos",
     set_key, print_key},
    {View::etrunk, "security-key accept form:{cipher|simple} key:REST",
     "Key that is taken as well, while keys change", set_accept_key, print_accept_key},
    {View::etrunk, "timer hello units:5-100", "Hello interval in 100 ms, default 10", set_hello,
     print_hello},
    {View::etrunk, "timer hello-ms ms:20-10000", "Hello interval in ms", set_hello, print_hello_ms},
    {View::etrunk, "timer hold-on-failure multiplier count:3-300",
     "Hellos missed before the peer is given up, default 20", set_multiplier, print_multiplier},
    {View::etrunk, "timer revert delay seconds:0-3600",
     "Wait before the better node takes back, default 120 s", set_revert, print_revert},
    {View::etrunk, "timer restart-grace seconds:1-600",
     "How long the reflexes go on without their daemon, default 10 s", set_grace, print_grace},
    {View::etrunk, "path source source:IP peer peer:IP [ bfd-session session:STRING15 ]",
     "One more path to the peer", set_path, print_paths, RowKind::active, true},
    {View::etrunk, "sequence enable", "Sequence check (always on)", set_sequence, print_sequence},
    {View::etrunk, "authentication-mode mode:{hmac-sha1|hmac-sha256|enhanced-hmac-sha256}",
     "Authentication of hellos (always HMAC-SHA256)", set_authentication, print_authentication},
    {View::etrunk, "e-trunk track-bfd-session text:REST", "BFD session to follow", nullptr, nullptr,
     kLater},
    {View::etrunk, "track interface name:INTERFACE reduced reduced:1-253",
     "Lower the rank while an uplink is down", set_rank_track, print_rank_tracks, RowKind::active,
     true},
    {View::etrunk, "track rpf reduced reduced:1-253",
     "Lower the rank while a route has no way to its source", set_rpf_track, print_rpf_track},

    {View::service, "peer peer:IPV4 source source:IPV4 port port:1-65535", "Ends of the channel",
     set_service_peer, print_service_peer4},
    {View::service, "peer-ipv6 peer:IPV6 source-ipv6 source:IPV6 port port:1-65535",
     "Ends of the channel", set_service_peer, print_service_peer6},
    {View::service, "ssl-policy name:STRING31", "Certificates in place of the pair key",
     set_ssl_policy, print_ssl_policy},

    {View::profile, "service-type type:{igmp|mld}", "Service that is backed up", set_service_type,
     print_service_types, RowKind::active, true},
    {View::profile, "backup-id id:1-65535 remote-backup-service service:STRING31",
     "Id of the profile, equal on both nodes, and its channel", set_backup_id, print_backup_id},
    {View::profile, "peer-backup hot", "Keep the entries installed on the backup", set_hot,
     print_hot},
    {View::profile, "e-trunk etrunk:1-1024 eth-trunk trunk:1-1024", "E-Trunk that decides the role",
     set_track, print_track},
};

}  // namespace

std::span<const ConfigRow> backup_rows() { return kRows; }

}  // namespace hotpair::ha::config
