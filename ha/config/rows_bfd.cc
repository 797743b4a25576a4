#include <fmt/core.h>

#include <algorithm>

#include "ha/bfd/bfd_types.h"
#include "ha/config/config_rows.h"

/// Rows of BFD: sessions, and what follows them in the views of E-Trunks and services.
namespace hotpair::ha::config {
namespace {

constexpr std::size_t kSessionsMax = 1'024;

// ---- system view ----

void enter_bfd(Editor& editor, const Values&) {
  editor.assign(editor.config, &Config::bfd_enabled, true);
  if (!editor.undo) editor.enter(View::bfd, "bfd");
}
void print_bfd(const PrintScope& scope, LineSink& sink) {
  const auto& enabled = scope.config.bfd_enabled;
  if (!*enabled) return;
  PrintScope inner = scope;
  inner.path = "bfd";
  sink.section(inner, View::bfd, "bfd", enabled.line);
}

// Lines that are only kept follow the header of their view.
void move_kept_lines(Config& config, const std::string& from, const std::string& to) {
  for (InactiveLine& each : config.inactive)
    if (each.path == from) each.path = to;
}

void remove_session(Editor& editor, const std::string& name) {
  auto& sessions = editor.config.bfd_sessions;
  const auto found = std::ranges::find(sessions, name, &BfdSessionModel::name);
  if (found == sessions.end()) return;
  const std::string path = found->header();
  std::erase_if(editor.config.inactive, [&](const auto& each) { return each.path == path; });
  sessions.erase(found);
}

void set_binding(BfdSessionModel& session, const Values& values, SourceLine line) {
  session.peer.set(values.address("peer"), line);
  session.source = {};
  session.interface = {};
  if (values.has("source")) session.source.set(values.address("source"), line);
  if (values.has("interface")) session.interface.set(values.get<InterfaceName>("interface"), line);
}

// With its binding only the session that is bound so is meant.
void unbind_session(Editor& editor, const std::string& name, const Values& values) {
  const BfdSessionModel* session = editor.config.find_bfd_session(name);
  if (session == nullptr) return;
  BfdSessionModel meant;
  meant.name = name;
  set_binding(meant, values, editor.line);
  if (meant.header() == session->header()) return remove_session(editor, name);
  editor.warn(
      fmt::format("bfd session {} is bound in another way and stays; 'undo bfd {}' "
                  "removes it",
                  name, name));
}

void bind_session(Editor& editor, const Values& values) {
  const std::string& name = values.text("name");
  if (editor.undo) return unbind_session(editor, name, values);
  if (editor.config.bfd_sessions.size() >= kSessionsMax &&
      editor.config.find_bfd_session(name) == nullptr) {
    editor.refuse(fmt::format("there are {} BFD sessions, more are refused", kSessionsMax));
    return;
  }
  editor.name = name;
  BfdSessionModel& session = editor.bfd_session();
  const std::string before = session.header();
  set_binding(session, values, editor.line);
  move_kept_lines(editor.config, before, session.header());
  editor.enter(View::bfd_session, session.header());
}

void enter_session(Editor& editor, const Values& values) {
  const std::string& name = values.text("name");
  if (editor.undo) {
    remove_session(editor, name);
    return;
  }
  const BfdSessionModel* session = editor.config.find_bfd_session(name);
  if (session == nullptr) {
    editor.refuse(fmt::format("there is no bfd session {}; make it with 'bfd {} bind peer-ip …'",
                              name, name));
    return;
  }
  editor.name = name;
  editor.enter(View::bfd_session, session->header());
}

void print_sessions(const PrintScope& scope, LineSink& sink) {
  for (const BfdSessionModel& each : scope.config.bfd_sessions) {
    PrintScope inner = scope;
    inner.bfd = &each;
    inner.path = each.header();
    sink.section(inner, View::bfd_session, inner.path, each.line);
  }
}

// ---- a session ----

template <auto Member>
void set_number(Editor& editor, const Values& values) {
  auto& setting = editor.bfd_session().*Member;
  using Value = std::remove_cvref_t<decltype(*setting)>;
  if (editor.undo)
    setting = BfdSessionModel{}.*Member;
  else
    setting.set(static_cast<Value>(values.number("value")), editor.line);
}

template <auto Member>
void print_number(const PrintScope& scope, LineSink& sink, std::string_view words) {
  const auto& setting = scope.bfd->*Member;
  if (setting) sink.line(fmt::format("{} {}", words, *setting), setting.line);
}

void print_local(const PrintScope& scope, LineSink& sink) {
  print_number<&BfdSessionModel::local_discriminator>(scope, sink, "discriminator local");
}
void print_remote(const PrintScope& scope, LineSink& sink) {
  print_number<&BfdSessionModel::remote_discriminator>(scope, sink, "discriminator remote");
}
void print_min_tx(const PrintScope& scope, LineSink& sink) {
  print_number<&BfdSessionModel::min_tx_ms>(scope, sink, "min-tx-interval");
}
void print_min_rx(const PrintScope& scope, LineSink& sink) {
  print_number<&BfdSessionModel::min_rx_ms>(scope, sink, "min-rx-interval");
}
void print_detect(const PrintScope& scope, LineSink& sink) {
  print_number<&BfdSessionModel::multiplier>(scope, sink, "detect-multiplier");
}
void print_ttl(const PrintScope& scope, LineSink& sink) {
  print_number<&BfdSessionModel::minimum_ttl>(scope, sink, "minimum-ttl");
}

void set_authentication(Editor& editor, const Values& values) {
  BfdSessionModel& session = editor.bfd_session();
  BfdAuthentication made;
  if (values.has("id")) made.key_id = static_cast<std::uint8_t>(values.number("id"));
  if (values.has("key")) made.key.text = values.text("key");
  if (values.has("form")) made.key.cipher = values.text("form") == "cipher";
  if (!editor.undo && (made.key.text.empty() || made.key.text.size() > bfd::kSecretLengthMax)) {
    editor.refuse(
        fmt::format("a key of meticulous keyed SHA-1 has 1 to {} bytes", bfd::kSecretLengthMax));
    return;
  }
  if (editor.undo)
    session.authentication = {};
  else
    session.authentication.set(std::move(made), editor.line);
}
void print_authentication(const PrintScope& scope, LineSink& sink) {
  const auto& authentication = scope.bfd->authentication;
  if (authentication)
    sink.line(fmt::format("authentication-mode met-sha1 key-id {} {} {}", authentication->key_id,
                          authentication->key.cipher ? "cipher" : "plain",
                          scope.secrets ? authentication->key.text : "******"),
              authentication.line);
}

void set_shutdown(Editor& editor, const Values&) {
  editor.assign(editor.bfd_session(), &BfdSessionModel::shutdown, true);
}
void print_shutdown(const PrintScope& scope, LineSink& sink) {
  const auto& shutdown = scope.bfd->shutdown;
  if (*shutdown) sink.line("shutdown", shutdown.line);
}

// Other makers' lists of a session end with it.
void accept_commit(Editor&, const Values&) {}

// ---- followers ----

void set_etrunk_track(Editor& editor, const Values& values) {
  editor.assign(editor.etrunk(), &EtrunkConfigModel::bfd_session,
                values.has("session") ? values.text("session") : "");
}
void print_etrunk_track(const PrintScope& scope, LineSink& sink) {
  const auto& session = scope.etrunk->bfd_session;
  if (session) sink.line("e-trunk track bfd-session session-name " + *session, session.line);
}

void set_service_track(Editor& editor, const Values& values) {
  editor.assign(editor.service(), &RbsModel::track_bfd,
                static_cast<std::uint16_t>(values.has("session") ? values.number("session") : 0));
}
void print_service_track(const PrintScope& scope, LineSink& sink) {
  const auto& session = scope.service->track_bfd;
  if (session) sink.line(fmt::format("track bfd-session {}", *session), session.line);
}

constexpr auto kLater = RowKind::not_active;
constexpr auto kSession = View::bfd_session;

constexpr ConfigRow kRows[] = {
    {View::system, "bfd", "Enable BFD", enter_bfd, print_bfd, RowKind::active, false, true},
    {View::system,
     "bfd name:STRING15 bind peer-ip peer:IPV4 [ interface interface:INTERFACE ] "
     "[ source-ip source:IPV4 ]",
     "A BFD session: with an interface single hop, without one multihop", bind_session,
     print_sessions, RowKind::active, true, true},
    {View::system,
     "bfd name:STRING15 bind peer-ipv6 peer:IPV6 [ interface interface:INTERFACE ] "
     "[ source-ipv6 source:IPV6 ]",
     "A BFD session for IPv6", bind_session, nullptr, RowKind::active, true},
    {View::system, "bfd name:STRING15", "Enter the view of a BFD session", enter_session, nullptr,
     RowKind::active, true},

    {View::bfd, "mpls-passive", "Answer LSP ping", nullptr, nullptr, kLater},
    {View::bfd, "delay-up seconds:1-600", "Wait before sessions come up", nullptr, nullptr, kLater},

    {kSession, "discriminator local value:1-16384", "Own discriminator; chosen if not set",
     set_number<&BfdSessionModel::local_discriminator>, print_local},
    {kSession, "discriminator remote value:1-4294967295",
     "Only a peer with this discriminator is heard",
     set_number<&BfdSessionModel::remote_discriminator>, print_remote},
    {kSession, "min-tx-interval value:3-20000", "Send interval in ms, default 1000",
     set_number<&BfdSessionModel::min_tx_ms>, print_min_tx},
    {kSession, "min-rx-interval value:3-20000", "Receive interval in ms, default 1000",
     set_number<&BfdSessionModel::min_rx_ms>, print_min_rx},
    {kSession, "detect-multiplier value:1-50", "Packets missed before the peer is gone, default 3",
     set_number<&BfdSessionModel::multiplier>, print_detect},
    {kSession, "minimum-ttl value:1-255", "Multihop: smallest TTL that is taken, default 1",
     set_number<&BfdSessionModel::minimum_ttl>, print_ttl},
    {kSession, "authentication-mode met-sha1 key-id id:0-255 form:{cipher|plain} key:STRING64",
     "Meticulous keyed SHA-1", set_authentication, print_authentication},
    {kSession, "shutdown", "AdminDown", set_shutdown, print_shutdown},
    {kSession, "description text:REST", "Description", nullptr, nullptr, kLater},
    {kSession, "tos-exp value:0-7", "Priority of packets (always 6)", nullptr, nullptr, kLater},
    {kSession, "wtr minutes:1-60", "Wait before Up is told", nullptr, nullptr, kLater},
    {kSession, "process-pst", "Port state table", nullptr, nullptr, kLater},
    {kSession, "commit", "Every line counts at once: not needed", accept_commit, nullptr},

    {View::etrunk, "e-trunk track bfd-session session-name session:STRING15",
     "BFD session of the E-Trunk's own path", set_etrunk_track, print_etrunk_track},
    {View::service, "track bfd-session session:1-16384",
     "BFD session, by its local discriminator, whose loss ends the connection", set_service_track,
     print_service_track},
};

}  // namespace

std::span<const ConfigRow> bfd_rows() { return kRows; }

}  // namespace hotpair::ha::config
