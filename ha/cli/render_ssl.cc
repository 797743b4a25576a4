#include <fmt/core.h>

#include "ha/cli/render_json.h"
#include "ha/cli/render_text.h"
#include "ha/cli/words.h"

/// `display ssl policy`: which certificates authenticate a channel, and until when.
namespace hotpair::ha::cli {
namespace {

std::int64_t days_left(const SslCertificate& certificate, WallTime now) {
  return std::chrono::floor<std::chrono::days>(certificate.not_after - now).count();
}

std::string title_of(const SslCertificate& certificate) {
  if (certificate.whose == "own") return "This node's certificate";
  return certificate.whose == "ca" ? "Trusted CA" : "Certificate that the peer showed";
}

std::string certificate_text(const SslCertificate& each, WallTime now) {
  std::string text = fmt::format("  {}\n", title_of(each));
  const auto field = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) text += fmt::format("    {:<12}: {}\n", name, value);
  };
  field("Subject", each.subject);
  field("SAN URI", each.uri);
  field("Issuer", each.issuer);
  field("Key", each.key);
  field("Serial", each.serial);
  field("SHA-256", each.fingerprint);
  field("Valid from", date_of(each.not_before, 0) + " UTC");
  const std::int64_t left = days_left(each, now);
  field("Valid until", fmt::format("{} UTC ({})", date_of(each.not_after, 0),
                                   left < 0 ? "expired" : fmt::format("{} days left", left)));
  return text;
}

}  // namespace

std::string to_text(const SslPoliciesModel& model) {
  if (model.policies.empty()) return "No ssl policy is configured.\n";
  std::string text;
  for (const SslPolicy& each : model.policies) {
    text += fmt::format("SSL Policy Name : {}\n", each.name);
    std::string services;
    for (const std::string& name : each.services) services += (services.empty() ? "" : ", ") + name;
    text += fmt::format("  Used by       : {}\n", services.empty() ? "--" : services);
    text += fmt::format("  Peer identity : {}\n", each.peer_identity);
    if (each.problem) text += fmt::format("  Last-Error    : {}\n", *each.problem);
    for (const SslCertificate& certificate : each.certificates)
      text += certificate_text(certificate, model.now);
  }
  return text;
}

Json to_json(const SslPoliciesModel& model) {
  Json list = Json::array();
  for (const SslPolicy& each : model.policies) {
    Json services = Json::array();
    for (const std::string& name : each.services) services.push(name);
    Json certificates = Json::array();
    for (const SslCertificate& from : each.certificates) {
      Json one = Json::object();
      one.set("whose", from.whose).set("subject", from.subject).set("issuer", from.issuer);
      one.set("uri", from.uri).set("serial", from.serial).set("key", from.key);
      one.set("sha256", from.fingerprint).set("not_before", rfc3339(from.not_before));
      one.set("not_after", rfc3339(from.not_after));
      certificates.push(std::move(one.set("days_left", days_left(from, model.now))));
    }
    Json out = Json::object();
    out.set("name", each.name).set("peer_identity", each.peer_identity);
    out.set("last_error", each.problem).set("services", std::move(services));
    list.push(std::move(out.set("certificates", std::move(certificates))));
  }
  Json out = Json::object();
  out.set("ssl_policies", std::move(list));
  return out;
}

}  // namespace hotpair::ha::cli
