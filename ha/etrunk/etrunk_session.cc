#include "ha/etrunk/etrunk_session.h"

#include <algorithm>
#include <utility>

namespace hotpair::ha::etrunk {
namespace {

constexpr Duration kLate = std::chrono::milliseconds(1);
constexpr std::size_t kCandidatesMax = 8;
constexpr int kAnswersPerInterval = 4;
constexpr Duration kAnswerSpacingMin = std::chrono::milliseconds(10);
// A hello that is one interval apart from the last one still needs to arrive.
constexpr Duration kDoubtMargin = std::chrono::milliseconds(10);
// Six hellos in a detection time: an echo of one that left two intervals ago is enough for a lease,
// so that some may be lost.
constexpr int kHellosPerDetection = 6;
constexpr Duration kPaceMin = std::chrono::milliseconds(3);
constexpr Duration kPaceMax = std::chrono::milliseconds(10);
// The pace stays when detectors are lost, until hellos without them have been echoed.
constexpr Duration kPaceLingers = std::chrono::seconds(2);

std::uint64_t bit(PathId path) { return std::uint64_t{1} << path.value(); }

bool same_contents(Hello a, const Hello& b) {
  a.path = b.path;
  a.counter = b.counter;
  a.echo_counter = b.echo_counter;
  return a == b;
}

}  // namespace

const char* to_string(HelloVerdict verdict) {
  switch (verdict) {
    case HelloVerdict::heard: return "heard";
    case HelloVerdict::wrong_etrunk: return "wrong e-trunk";
    case HelloVerdict::unknown_path: return "unknown path";
    case HelloVerdict::own_session: return "own session";
    case HelloVerdict::replayed: return "replayed";
    case HelloVerdict::not_echoed: return "not echoed";
    case HelloVerdict::count: break;
  }
  return "unknown";
}

EtrunkSession::EtrunkSession(const EtrunkConfig& config, const Identity& identity,
                             Duration alone_after, HelloCounter& counter, TimePoint now)
    : identity_(identity), counter_(counter), send_at_(now), started_(now), absent_at_(now) {
  reconfigure(config, alone_after, now);
  send_all_ = false;
}

void EtrunkSession::reconfigure(const EtrunkConfig& config, Duration alone_after, TimePoint now) {
  std::vector<Path> kept;
  for (const PathConfig& wanted : config.paths) {
    const auto twice = [&](const Path& path) { return path.config.path == wanted.path; };
    if (wanted.path.value() >= kPathsMax || std::any_of(kept.begin(), kept.end(), twice)) continue;
    const auto same = [&](const Path& path) { return path.config == wanted; };
    const auto old = std::find_if(paths_.begin(), paths_.end(), same);
    Path path;
    if (old != paths_.end()) {
      path = *old;
      old->dead_at.reset();
    }
    path.config = wanted;
    path.view.path = wanted.path;
    kept.push_back(path);
  }
  for (Path& path : paths_)
    if (path.dead_at) path_down(path, now);
  paths_ = std::move(kept);
  config_ = config;
  config_.hello_ms = std::clamp(config.hello_ms, kHelloMsMin, kHelloMsMax);
  config_.multiplier = std::clamp(config.multiplier, kMultiplierMin, kMultiplierMax);
  absent_at_ = std::max(absent_at_, started_ + alone_after);
  send_at_ = std::min(send_at_, now + interval());
  send_all_ = sent_report_.has_value();
  tell_if_dead();
}

void EtrunkSession::set_report(Report report) { report_ = std::move(report); }

EtrunkSession::Path* EtrunkSession::find(PathId path) {
  for (Path& candidate : paths_)
    if (candidate.config.path == path) return &candidate;
  return nullptr;
}

HelloVerdict EtrunkSession::on_hello(PathId id, const Hello& hello, TimePoint now) {
  Path* path = find(id);
  if (path == nullptr || hello.path != id) return HelloVerdict::unknown_path;
  const HelloVerdict verdict = judge(*path, hello, now);
  ++path->view.verdicts[static_cast<std::size_t>(verdict)];
  return verdict;
}

HelloVerdict EtrunkSession::judge(Path& path, const Hello& hello, TimePoint now) {
  if (hello.etrunk != config_.id) return HelloVerdict::wrong_etrunk;
  if (hello.session == identity_.session) return HelloVerdict::own_session;
  if (hello.session == peer_session_ && peer_session_ != 0) {
    if (hello.counter <= path.newest_counter) return HelloVerdict::replayed;
    path.newest_counter = hello.counter;
    peer_newest_ = std::max(peer_newest_, hello.counter);
    if (hello.echo != identity_.session) return not_heard(path, hello, now);
    return heard(path, hello, false, now);
  }
  Candidate& seen = candidate(hello.session);
  seen.newest_counter = std::max(seen.newest_counter, hello.counter);
  if (hello.echo != identity_.session || hello.echo_counter < seen.since_counter)
    return not_heard(path, hello, now);
  return heard(path, hello, true, now);
}

EtrunkSession::Candidate& EtrunkSession::candidate(std::uint64_t session) {
  for (Candidate& known : candidates_)
    if (known.session == session) return known;
  if (candidates_.size() == kCandidatesMax) candidates_.erase(candidates_.begin());
  candidates_.push_back({session, counter_.last() + 1, 0});
  return candidates_.back();
}

HelloVerdict EtrunkSession::not_heard(Path& path, const Hello& hello, TimePoint now) {
  const Duration spacing = std::max(interval() / kAnswersPerInterval, kAnswerSpacingMin);
  if (path.answer_credit <= now + spacing * (kAnswersPerInterval - 1)) {
    path.answer_credit = std::max(path.answer_credit, now) + spacing;
    path.answer_to = hello.session;
  }
  contact_until_ = now + config_.timeout();
  if (!absent_ && !peer_ && !absent_prolonged_) {
    absent_prolonged_ = true;
    absent_at_ = std::max(absent_at_, now + config_.timeout());
  }
  return HelloVerdict::not_echoed;
}

HelloVerdict EtrunkSession::heard(Path& path, const Hello& hello, bool new_session,
                                  TimePoint now) {
  const bool restarted = new_session && peer_.has_value();
  if (new_session) {
    std::erase_if(candidates_, [&](const Candidate& c) { return c.session == hello.session; });
    peer_session_ = hello.session;
    peer_newest_ = hello.counter;
    for (Path& other : paths_) other.newest_counter = 0;
    path.newest_counter = hello.counter;
  }
  path.view.last_heard = now;
  path.doubt_at.reset();
  path.detect = hello.detect_us == 0 ? Duration{} : hello.patience();
  disowned_until_.reset();
  path.dead_at = now + hello.timeout();
  path.extension = std::chrono::milliseconds(hello.interval_ms);
  path.extended = false;
  last_heard_ = now;
  absent_ = false;
  if (!path.view.up) {
    path.view.up = true;
    paths_up_ |= bit(path.config.path);
    effects_.push(PathUp{path.config.path});
  }
  const bool newest = new_session || !peer_ || hello.counter > peer_->counter;
  if (!told_up_ || restarted) effects_.push(PeerUp{restarted});
  told_up_ = true;
  if (newest) patient_until_ = now + hello.patience();
  if (newest) keep_contents(hello);
  return HelloVerdict::heard;
}

void EtrunkSession::keep_contents(const Hello& hello) {
  const bool changed = !peer_ || !same_contents(*peer_, hello);
  peer_ = hello;
  if (changed) effects_.push(PeerReport{});
}

void EtrunkSession::on_sent(PathId id, TimePoint now) {
  Path* path = find(id);
  if (path == nullptr) return;
  ++path->view.sent;
  path->view.last_sent = now;
  path->sent_timeout = path->built_timeout;
}

// ---- detectors ----

void EtrunkSession::on_path_silent(PathId id, TimePoint now) {
  Path* path = find(id);
  if (path == nullptr || !path->view.up) return;
  const TimePoint due = path->view.last_heard.value_or(now) + path->detect;
  if (path->detect == Duration{} || due <= now) {
    path_down(*path, now, true);
    tell_if_dead();
    return;
  }
  path->doubt_at = due;
  path->doubt_extension = kPaceMax;
}

void EtrunkSession::on_path_doubted(PathId id, TimePoint now) {
  Path* path = find(id);
  if (path == nullptr || !path->view.up) return;
  path->doubt_at = now + path->extension + kDoubtMargin;
  path->doubt_extension = path->extension;
}

void EtrunkSession::on_doubt_over(PathId id) {
  if (Path* path = find(id)) path->doubt_at.reset();
}

void EtrunkSession::on_disowned(TimePoint now) {
  if (!peer_) return;
  disowned_at_ = now;
  disowned_until_ = now + peer_->timeout();
}

void EtrunkSession::check_doubts(TimePoint now) {
  bool drain = false;
  for (Path& path : paths_) {
    if (!path.doubt_at || *path.doubt_at > now) continue;
    if (path.doubt_extension != Duration{} && now - *path.doubt_at > kLate) {
      path.doubt_at = now + std::exchange(path.doubt_extension, Duration{});
      drain = true;
    } else {
      path_down(path, now, true);
    }
  }
  if (drain) effects_.push(Drain{});
}

// A detector speaks for the peer only where nothing slower would hold it: on every path that either
// side hears.
EtrunkSession::Detection EtrunkSession::detection() const {
  Detection said;
  const std::uint64_t counting = paths_up_ | (peer_ ? peer_->paths_up : 0);
  said.fast = paths_up_ != 0 && (counting & ~detectors_.up) == 0 && detectors_.time > Duration{};
  if (!said.fast || !peer_->fast) return said;
  if (!echoed_lately_ && sent_detection_.detect_us == 0) return said;
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(detectors_.time).count();
  said.detect_us = static_cast<std::uint32_t>(std::min<Duration::rep>(us, UINT32_MAX));
  return said;
}

Duration EtrunkSession::patience_asked() const {
  const Duration detect = std::chrono::microseconds(detection().detect_us);
  return detect == Duration{} ? config_.timeout() : std::min(config_.timeout(), detect);
}

void EtrunkSession::choose_pace(TimePoint now) {
  const bool asked = paths_up_ != 0 && peer_->detect_us != 0;
  if (detectors_.up != 0 || asked) fast_until_ = now + kPaceLingers;
  send_at_ = std::min(send_at_, now + pace(now));
}

Duration EtrunkSession::pace(TimePoint now) const {
  if (fast_until_ <= now) return interval();
  const Duration wanted =
      detectors_.time == Duration{} ? kPaceMax : detectors_.time / kHellosPerDetection;
  return std::min(interval(), std::clamp(wanted, kPaceMin, kPaceMax));
}

void EtrunkSession::on_send_failed(PathId id) {
  if (Path* path = find(id)) ++path->view.send_failures;
}

void EtrunkSession::on_timeout(TimePoint now) {
  check_paths(now);
  check_doubts(now);
  check_absence(now);
  if (disowned_until_ && *disowned_until_ <= now) disowned_until_.reset();
  if (patient_until_ && *patient_until_ <= now) patient_until_.reset();
  tell_if_dead();
  if (send_at_ > now) return;
  send_all_ = true;
  send_at_ += pace(now);
  if (send_at_ <= now) send_at_ = now + pace(now);
}

void EtrunkSession::check_paths(TimePoint now) {
  bool drain = false;
  for (Path& path : paths_) {
    if (!path.dead_at || *path.dead_at > now) continue;
    if (!path.extended && now - *path.dead_at > kLate) {
      path.extended = true;
      path.dead_at = now + path.extension;
      drain = true;
    } else {
      path_down(path, now);
    }
  }
  if (drain) effects_.push(Drain{});
}

void EtrunkSession::check_absence(TimePoint now) {
  if (absent_ || peer_ || absent_at_ > now) return;
  if (!absent_extended_ && now - absent_at_ > kLate) {
    absent_extended_ = true;
    absent_at_ = now + interval();
    effects_.push(Drain{});
    return;
  }
  absent_ = true;
  effects_.push(PeerAbsent{});
}

void EtrunkSession::path_down(Path& path, TimePoint now, bool detected) {
  path.dead_at.reset();
  path.doubt_at.reset();
  path.view.up = false;
  paths_up_ &= ~bit(path.config.path);
  effects_.push(PathDown{path.config.path, now - path.view.last_heard.value_or(now), detected});
}

// After every input that can take the last path down, or end what holds a silent peer.
void EtrunkSession::tell_if_dead() {
  if (!told_up_ || !peer_dead()) return;
  told_up_ = false;
  effects_.push(PeerDown{});
}

void EtrunkSession::flush(TimePoint now) {
  choose_pace(now);
  const Detection said = detection();
  const bool changed = sent_report_ && (*sent_report_ != report_ || sent_paths_up_ != paths_up_ ||
                                        sent_detection_ != said);
  const bool all = send_all_ || changed;
  const std::uint64_t echo = usual_echo();
  if (all) {
    send_all_ = false;
    sent_report_ = report_;
    sent_paths_up_ = paths_up_;
    sent_detection_ = said;
    for (Path& path : paths_) send(path, echo);
  }
  for (Path& path : paths_) {
    if (path.answer_to && !(all && *path.answer_to == echo)) send(path, *path.answer_to);
    path.answer_to.reset();
  }
}

std::uint64_t EtrunkSession::usual_echo() const {
  if (paths_up_ == 0 && !candidates_.empty()) return candidates_.back().session;
  return peer_session_;
}

std::uint64_t EtrunkSession::newest_of(std::uint64_t session) const {
  if (session == 0) return 0;
  if (session == peer_session_) return peer_newest_;
  for (const Candidate& known : candidates_)
    if (known.session == session) return known.newest_counter;
  return 0;
}

void EtrunkSession::send(Path& path, std::uint64_t echo) {
  Hello hello;
  hello.etrunk = config_.id;
  hello.path = path.config.path;
  hello.node = identity_.node;
  hello.session = identity_.session;
  hello.counter = counter_.next();
  hello.echo = echo;
  hello.echo_counter = newest_of(echo);
  hello.interval_ms = config_.hello_ms;
  hello.multiplier = config_.multiplier;
  hello.rank = report_.rank;
  hello.order = config_.order;
  hello.system_id = config_.system_id;
  hello.source = paths_.front().config.local;
  hello.control = report_.control;
  hello.paths_up = paths_up_;
  hello.scopes = report_.scopes;
  hello.fast = sent_detection_.fast;
  hello.detect_us = sent_detection_.detect_us;
  path.built_timeout = hello.patience();
  effects_.push(SendHello{std::move(hello)});
}

// Not inline: g++ 12 at -O2 warns of the variant's bytes in a caller's optional.
std::optional<SessionEffect> EtrunkSession::poll_effect() { return effects_.poll(); }

std::optional<TimePoint> EtrunkSession::next_deadline() const {
  TimePoint due = send_at_;
  for (const Path& path : paths_) {
    if (path.dead_at) due = std::min(due, *path.dead_at);
    if (path.doubt_at) due = std::min(due, *path.doubt_at);
  }
  if (paths_up_ == 0 && disowned_until_) due = std::min(due, *disowned_until_);
  if (paths_up_ == 0 && patient_until_) due = std::min(due, *patient_until_);
  if (!absent_ && !peer_) due = std::min(due, absent_at_);
  return due;
}

bool EtrunkSession::peer_dead() const {
  return absent_ || (peer_ && paths_up_ == 0 && !disowned_until_ && !patient_until_);
}

std::optional<TimePoint> EtrunkSession::counted_dead_at() const {
  if (!peer_ || !last_heard_) return std::nullopt;
  if (disowned_at_ && *disowned_at_ >= *last_heard_) return disowned_at_;
  return peer_->paths_up == 0 ? last_heard_ : std::nullopt;
}

const ScopeReport* EtrunkSession::peer_scope(ScopeId scope) const {
  if (!peer_) return nullptr;
  for (const ScopeReport& report : peer_->scopes)
    if (report.scope == scope) return &report;
  return nullptr;
}

Duration EtrunkSession::detection_time() const {
  return peer_ ? peer_->patience() : config_.timeout();
}

std::optional<TimePoint> EtrunkSession::peer_gives_up(std::uint64_t mask) const {
  std::optional<TimePoint> latest;
  for (const Path& path : paths_) {
    if ((mask & bit(path.config.path)) == 0 || !path.view.last_sent) continue;
    const TimePoint end = *path.view.last_sent + path.sent_timeout;
    if (!latest || *latest < end) latest = end;
  }
  return latest;
}

std::vector<PathView> EtrunkSession::paths() const {
  std::vector<PathView> views;
  for (const Path& path : paths_) views.push_back(path.view);
  return views;
}

}  // namespace hotpair::ha::etrunk
