#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "ha/etrunk/etrunk_types.h"
#include "platform/base/effect_queue.h"
#include "platform/base/time.h"

/// One E-Trunk's liveness with its peer over all its paths. Design sections 4 (self-pause) and 7.
namespace hotpair::ha::etrunk {

/// Numbers hellos; one for all E-Trunks of a keeper's life.
class HelloCounter {
 public:
  [[nodiscard]] std::uint64_t next() { return ++last_; }
  /// The newest number given out; 0 none.
  [[nodiscard]] std::uint64_t last() const { return last_; }

 private:
  std::uint64_t last_ = 0;
};

/// What an authenticated hello was worth.
enum class HelloVerdict : std::uint8_t {
  heard,         ///< valid: keeps the path up, its contents count
  wrong_etrunk,  ///< of another E-Trunk
  unknown_path,  ///< a path that is not configured
  own_session,   ///< our own, reflected
  replayed,      ///< its counter did not rise on this path
  not_echoed,    ///< does not echo us, or a new session that has not answered us yet
  count
};
[[nodiscard]] const char* to_string(HelloVerdict verdict);

/// The part of a hello that the keeper decides.
struct Report {
  std::uint8_t rank = 100;
  ControlState control = ControlState::running;
  std::vector<ScopeReport> scopes;
  friend bool operator==(const Report&, const Report&) = default;
};

/// Effects. SendHello comes only out of flush().
struct SendHello {
  Hello hello;
};
struct PathUp {
  PathId path;
};
struct PathDown {
  PathId path;
  Duration silent{};      ///< since the last valid hello on it
  bool detected = false;  ///< BFD said so before the hellos did
};
/// The first path is up. `restarted`: in a new session of the peer.
struct PeerUp {
  bool restarted = false;
};
/// The last path is down, and the patience that was promised to the peer is over.
struct PeerDown {};
/// Contents of the peer's newest valid hello changed (anything but counters and path).
struct PeerReport {};
/// Nothing valid was heard since start for the time that makes a node alone.
struct PeerAbsent {};
/// The own timer was late: read the sockets empty, then call the owner's on_drained().
struct Drain {};
using SessionEffect =
    std::variant<SendHello, PathUp, PathDown, PeerUp, PeerDown, PeerReport, PeerAbsent, Drain>;

struct PathView {
  PathId path;
  bool up = false;
  std::uint64_t sent = 0;
  std::uint64_t send_failures = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(HelloVerdict::count)> verdicts{};
  std::optional<TimePoint> last_heard;
  std::optional<TimePoint> last_sent;
};

/// Sends hellos on every path each interval, judges what comes in, and says which paths live. The
/// sender's timers count for its silence. A session of the peer is believed only after it has
/// echoed a hello that we numbered after we first saw it, so a recording of an earlier life is
/// useless.
///
/// Detectors (BFD) are faster than the hellos' own timers. While every path that is up has one that
/// is Up, hellos go at its pace, carry its detection time, and the peer that echoes one promises no
/// more patience than that; see ha/keeper/core/DESIGN.md for what leases make of it.
///
/// The owner calls flush() at the end of each input, after its own decisions: hellos that are due,
/// answers, and a changed report go out there, and only there.
class EtrunkSession {
 public:
  struct Identity {
    NodeId node;
    std::uint64_t session = 0;
  };
  /// `alone_after`: how long silence since start makes a node alone (design 7). `counter` must
  /// outlive the session.
  EtrunkSession(const EtrunkConfig& config, const Identity& identity, Duration alone_after,
                HelloCounter& counter, TimePoint now);

  /// Changes timers, keys, paths live; what stays keeps its state. Timers out of range are brought
  /// into it; a path number that comes twice or is too large is left out.
  void reconfigure(const EtrunkConfig& config, Duration alone_after, TimePoint now);
  void set_node(NodeId node) { identity_.node = node; }
  /// What hellos say from now on; a difference goes out with the next flush().
  void set_report(Report report);
  /// An authenticated hello that came in on `path`.
  HelloVerdict on_hello(PathId path, const Hello& hello, TimePoint now);
  /// The newest hello of the path left this machine / did not.
  void on_sent(PathId path, TimePoint now);
  void on_send_failed(PathId path);
  /// Runs due timers. Late by more than 1 ms: before a path is given up, Drain, and once one send
  /// interval more.
  void on_timeout(TimePoint now);
  /// How patient the hellos of the next flush() ask the peer to be.
  [[nodiscard]] Duration patience_asked() const;
  /// What hellos tell of detectors from the next flush() on. Only if `echoed_lately` they begin to
  /// ask for less patience: the peer has echoed a hello that left within the detection time.
  void set_detectors(const Detectors& detectors, bool echoed_lately) {
    detectors_ = detectors;
    echoed_lately_ = echoed_lately;
  }
  /// A detector found silence, or had the peer's proven word that it does not hear us: the path is
  /// down, if no hello contradicts, which at the pace of detectors means within their time.
  void on_path_silent(PathId path, TimePoint now);
  /// The peer's word, not proven, that it does not hear us: the path goes down if no hello comes
  /// on it for one interval of the peer either.
  void on_path_doubted(PathId path, TimePoint now);
  void on_doubt_over(PathId path);
  /// The peer says through a detector that it does not hear us: it lives, and counts us as dead. It
  /// is not `dead` before a hello timeout of silence.
  void on_disowned(TimePoint now);
  /// Sends what is due.
  void flush(TimePoint now);
  /// Sends on every path in the next flush() whether or not anything changed.
  void announce() { send_all_ = true; }

  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<SessionEffect> poll_effect();

  [[nodiscard]] const EtrunkConfig& config() const { return config_; }
  /// The newest instant at which the peer is known to have counted us as dead: nothing later says
  /// otherwise. nullopt: it counts on us, or was never heard.
  [[nodiscard]] std::optional<TimePoint> counted_dead_at() const;
  /// At least one path is up.
  [[nodiscard]] bool peer_heard() const { return paths_up_ != 0; }
  /// The peer was heard and is silent for as long as its newest hello allows, or is absent since
  /// start for long enough.
  [[nodiscard]] bool peer_dead() const;
  /// An unproven sign of life came within the last detection time: the peer may count on us.
  [[nodiscard]] bool contacted(TimePoint now) const { return contact_until_ > now; }
  [[nodiscard]] bool ever_heard() const { return peer_.has_value(); }
  [[nodiscard]] bool absent() const { return absent_; }
  [[nodiscard]] std::uint64_t paths_up() const { return paths_up_; }
  /// The peer's newest valid hello, also after it fell silent.
  [[nodiscard]] const std::optional<Hello>& peer() const { return peer_; }
  /// What the peer says of a scope; nullptr if it says nothing.
  [[nodiscard]] const ScopeReport* peer_scope(ScopeId scope) const;
  [[nodiscard]] std::optional<TimePoint> last_heard() const { return last_heard_; }
  /// How long the peer's silence takes to be noticed: what its newest hello asks for, our timers
  /// while it is unknown.
  [[nodiscard]] Duration detection_time() const;
  /// Latest instant at which the peer gives us up: over the paths in `mask`, last successful send
  /// plus the detection time that its hello carried. nullopt: nothing was sent there.
  [[nodiscard]] std::optional<TimePoint> peer_gives_up(std::uint64_t mask) const;
  [[nodiscard]] std::vector<PathView> paths() const;

 private:
  struct Path {
    PathConfig config;
    PathView view;
    std::uint64_t newest_counter = 0;        // of the believed session, on this path
    std::optional<TimePoint> dead_at;        // set only while the path is up
    Duration extension{};                    // one send interval of the peer
    bool extended = false;
    TimePoint answer_credit{};               // rate limit of answers
    std::optional<std::uint64_t> answer_to;  // session that waits for an answer
    Duration sent_timeout{};                 // patience that the newest hello sent asked for
    Duration built_timeout{};                // the same of the newest one given to the driver
    Duration detect{};                       // that the newest hello heard carried; 0: none
    std::optional<TimePoint> doubt_at;       // doubted: down then
    Duration doubt_extension{};              // once, after an own pause
  };
  struct Candidate {
    std::uint64_t session = 0;
    std::uint64_t since_counter = 0;
    std::uint64_t newest_counter = 0;
  };

  Path* find(PathId path);
  HelloVerdict judge(Path& path, const Hello& hello, TimePoint now);
  HelloVerdict not_heard(Path& path, const Hello& hello, TimePoint now);
  HelloVerdict heard(Path& path, const Hello& hello, bool new_session, TimePoint now);
  Candidate& candidate(std::uint64_t session);
  void keep_contents(const Hello& hello);
  void check_paths(TimePoint now);
  void check_absence(TimePoint now);
  void check_doubts(TimePoint now);
  void path_down(Path& path, TimePoint now, bool detected = false);
  void tell_if_dead();
  void choose_pace(TimePoint now);
  void send(Path& path, std::uint64_t echo);
  [[nodiscard]] std::uint64_t usual_echo() const;
  [[nodiscard]] std::uint64_t newest_of(std::uint64_t session) const;
  /// What the own hellos say of detectors.
  struct Detection {
    bool fast = false;
    std::uint32_t detect_us = 0;
    friend bool operator==(const Detection&, const Detection&) = default;
  };
  [[nodiscard]] Detection detection() const;
  [[nodiscard]] Duration interval() const { return std::chrono::milliseconds(config_.hello_ms); }
  [[nodiscard]] Duration pace(TimePoint now) const;

  EtrunkConfig config_;
  Identity identity_;
  HelloCounter& counter_;
  Report report_;
  std::optional<Report> sent_report_;  // as the newest hellos said; none before the first
  std::uint64_t sent_paths_up_ = 0;
  std::vector<Path> paths_;
  std::uint64_t paths_up_ = 0;
  std::uint64_t peer_session_ = 0;     // believed; 0 none
  std::uint64_t peer_newest_ = 0;      // newest counter of that session, heard or not
  std::vector<Candidate> candidates_;  // sessions seen, not believed yet; newest last
  std::optional<Hello> peer_;
  std::optional<TimePoint> last_heard_;
  Detectors detectors_;
  bool echoed_lately_ = false;
  Detection sent_detection_;                // as the newest hellos said
  TimePoint fast_until_{};                  // hellos go at the pace of detectors
  std::optional<TimePoint> patient_until_;  // promised to the peer: not dead before
  std::optional<TimePoint> disowned_at_;
  std::optional<TimePoint> disowned_until_;
  bool told_up_ = false;  // PeerUp was the last word to the owner
  TimePoint contact_until_{};
  TimePoint send_at_;
  TimePoint started_;
  TimePoint absent_at_;
  bool absent_ = false;
  bool absent_prolonged_ = false;  // by a hello that did not echo us
  bool absent_extended_ = false;   // by an own pause
  bool send_all_ = false;
  EffectQueue<SessionEffect> effects_;
};

}  // namespace hotpair::ha::etrunk
