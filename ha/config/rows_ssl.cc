#include <fmt/core.h>

#include <algorithm>

#include "ha/config/config_rows.h"

/// Rows of the view `ssl policy NAME`, in the vendor's spelling where it has one.
namespace hotpair::ha::config {
namespace {

constexpr std::size_t kPoliciesMax = 16;
constexpr std::size_t kCasMax = 8;

void set_certificate(Editor& editor, const Values& values) {
  CertificateLoad load;
  if (values.has("certificate")) load.certificate = values.text("certificate");
  if (values.has("kind")) load.key_kind = values.text("kind");
  if (values.has("key")) load.key = values.text("key");
  editor.assign(editor.ssl_policy(), &SslPolicyModel::certificate, std::move(load));
}
void print_certificate(const PrintScope& scope, LineSink& sink) {
  const auto& load = scope.ssl_policy->certificate;
  if (load)
    sink.line(fmt::format("certificate load pem-cert {} key-pair {} key-file {}", load->certificate,
                          load->key_kind, load->key),
              load.line);
}

void set_ca(Editor& editor, const Values& values) {
  auto& cas = editor.ssl_policy().trusted_cas;
  if (!values.has("file")) {
    cas.clear();
    return;
  }
  std::erase_if(cas, [&](const auto& each) { return *each == values.text("file"); });
  if (editor.undo) return;
  if (cas.size() >= kCasMax) {
    editor.refuse(fmt::format("more than {} files of trusted CAs", kCasMax));
    return;
  }
  Setting<std::string> setting;
  setting.set(values.text("file"), editor.line);
  cas.push_back(std::move(setting));
  std::sort(cas.begin(), cas.end(), [](const auto& a, const auto& b) { return *a < *b; });
}
void print_cas(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.ssl_policy->trusted_cas)
    sink.line("trusted-ca load pem-ca " + *each, each.line);
}

void set_crl(Editor& editor, const Values& values) {
  editor.assign(editor.ssl_policy(), &SslPolicyModel::crl,
                values.has("file") ? values.text("file") : "");
}
void print_crl(const PrintScope& scope, LineSink& sink) {
  const auto& crl = scope.ssl_policy->crl;
  if (crl) sink.line("crl load pem-crl " + *crl, crl.line);
}

void set_peer_identity(Editor& editor, const Values& values) {
  editor.assign(editor.ssl_policy(), &SslPolicyModel::peer_identity,
                values.has("uri") ? values.text("uri") : "");
}
void print_peer_identity(const PrintScope& scope, LineSink& sink) {
  const auto& uri = scope.ssl_policy->peer_identity;
  if (uri) sink.line("peer-identity " + *uri, uri.line);
}

constexpr ConfigRow kRows[] = {
    {View::ssl_policy,
     "certificate load pem-cert certificate:STRING key-pair kind:{rsa|ecdsa} key-file key:STRING",
     "This node's certificate and its key", set_certificate, print_certificate},
    {View::ssl_policy, "trusted-ca load pem-ca file:STRING",
     "The pair's own CA; two while it changes", set_ca, print_cas, RowKind::active, true},
    {View::ssl_policy, "crl load pem-crl file:STRING", "Revoked certificates", set_crl, print_crl},
    {View::ssl_policy, "peer-identity uri:STRING", "SAN URI that the peer's certificate must name",
     set_peer_identity, print_peer_identity},
};

}  // namespace

void enter_ssl_policy(Editor& editor, const Values& values) {
  auto& policies = editor.config.ssl_policies;
  const std::string& name = values.text("name");
  const auto is_it = [&](const SslPolicyModel& each) { return each.name == name; };
  if (editor.undo) {
    std::erase_if(policies, is_it);
    return;
  }
  if (policies.size() >= kPoliciesMax && std::none_of(policies.begin(), policies.end(), is_it)) {
    editor.refuse(fmt::format("more than {} ssl policies", kPoliciesMax));
    return;
  }
  editor.name = name;
  static_cast<void>(editor.ssl_policy());
  editor.enter(View::ssl_policy, "ssl policy " + name);
}

void print_ssl_policies(const PrintScope& scope, LineSink& sink) {
  for (const SslPolicyModel& each : scope.config.ssl_policies) {
    PrintScope inner = scope;
    inner.ssl_policy = &each;
    inner.path = "ssl policy " + each.name;
    sink.section(inner, View::ssl_policy, inner.path, each.line);
  }
}

std::span<const ConfigRow> ssl_rows() { return kRows; }

}  // namespace hotpair::ha::config
