#include <ctime>
#include <set>

#include "ha/node/expiry.h"
#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

/// Keys and certificates of the channels: what is about to end, and what could not be renewed.
namespace hotpair::ha::node {
namespace {

using std::chrono::days;
using std::chrono::hours;

const Message* alarm_of(ExpiryStage stage) {
  switch (stage) {
    case ExpiryStage::month:
      return &kCertificateMonth;
    case ExpiryStage::week:
      return &kCertificateWeek;
    case ExpiryStage::day:
      return &kCertificateDay;
    case ExpiryStage::expired:
      return &kCertificateExpired;
    case ExpiryStage::good:
      break;
  }
  return nullptr;
}

}  // namespace

ExpiryStage expiry_stage(WallTime not_after, WallTime now) {
  if (now > not_after) return ExpiryStage::expired;
  const Duration left = not_after - now;
  if (left <= days(1)) return ExpiryStage::day;
  if (left <= days(7)) return ExpiryStage::week;
  return left <= days(30) ? ExpiryStage::month : ExpiryStage::good;
}

std::string date_text(WallTime time) {
  const std::time_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  std::tm parts{};
  char text[32] = {};
  if (::gmtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%F %R UTC", &parts) == 0)
    return "an unknown time";
  return text;
}

void Node::on_credentials(const std::vector<CredentialFact>& facts, WallTime wall, TimePoint now) {
  std::set<std::string> subjects;
  for (const CredentialFact& fact : facts) {
    subjects.insert(fact.subject);
    const ExpiryStage stage = expiry_stage(fact.not_after, wall);
    const Message* wanted = alarm_of(stage);
    // One alarm a certificate: the next stage takes the place of the one before.
    for (const Message* each :
         {&kCertificateMonth, &kCertificateWeek, &kCertificateDay, &kCertificateExpired})
      if (each != wanted) clear(*each, fact.subject);
    if (wanted == nullptr) continue;
    const auto left = fact.not_after - wall;
    const auto count = stage == ExpiryStage::day ? std::chrono::duration_cast<hours>(left).count()
                                                 : std::chrono::duration_cast<days>(left).count();
    raise(*wanted, fact.subject, now, fact.subject, date_text(fact.not_after), count);
  }
  for (const std::string& gone : credentials_)
    if (!subjects.contains(gone))
      for (const Message* each :
           {&kCertificateMonth, &kCertificateWeek, &kCertificateDay, &kCertificateExpired})
        clear(*each, gone);
  credentials_ = std::move(subjects);
  pump(now);
}

void Node::on_policy(const std::string& policy, const std::string& problem, TimePoint now) {
  const std::string subject = "ssl policy " + policy;
  if (problem.empty())
    clear(kPolicyRefused, subject);
  else
    raise(kPolicyRefused, subject, now, policy, problem);
  pump(now);
}

void Node::on_transport_renewed(TransportId transport, TimePoint now, const std::string& key_id) {
  Service* service = find(transport);
  if (service == nullptr) return;
  service->key_id = key_id;
  ++service->renewals;
  clear(kRenewalFailed, service->settings.name);
  log(kChannelEvent, service->settings.name, "goes on over a new connection");
  pump(now);
}

void Node::on_renewal_failed(TransportId transport, const std::string& reason, TimePoint now,
                             const std::string& counter) {
  Service* service = find(transport);
  if (service == nullptr) return;
  ++service->failures[counter];
  raise(kRenewalFailed, service->settings.name, now, service->settings.name, reason);
  pump(now);
}

void Node::on_connection_refused(TransportId transport, const std::string& reason, TimePoint now,
                                 const std::string& counter) {
  Service* service = find(transport);
  if (service == nullptr) return;
  ++service->failures[counter];
  log(kChannelEvent, service->settings.name, "refused another connection: " + reason);
  pump(now);
}

void Node::on_transport_limited(TransportId transport, TimePoint now) {
  Service* service = find(transport);
  if (service == nullptr) return;
  log(kHandshakesLimited, service->settings.name, ++service->limited);
  pump(now);
}

}  // namespace hotpair::ha::node
