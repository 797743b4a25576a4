#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "mcast/rp/auto_rp_types.h"
#include "mcast/rp/rp_show.h"
#include "platform/base/effect_queue.h"

namespace hotpair::mcast::rp {

/// Auto-RP of one VRF: listener, and mapping agent and candidate RP where configured. Sans-IO; see
/// DESIGN.md. Of several mapping agents the one with the highest address is believed; a mapping
/// agent that hears a higher one is silent. One RP per range.
///
/// As standby it keeps what records say, sends nothing and runs no timer.
class AutoRp {
 public:
  AutoRp(const AutoRpConfig& config, TimePoint now, Mode mode = Mode::active);
  AutoRp(const AutoRp&) = delete;
  AutoRp& operator=(const AutoRp&) = delete;

  /// The VRF stays. What was learned by a listener that is none any more is forgotten.
  void configure(const AutoRpConfig& config, TimePoint now);

  /// A message on `link`, by the source of its IP header.
  void on_message(LinkId link, const IpAddress& source, const wire::AutoRpMessage& message,
                  TimePoint now);

  /// As Bsr::on_record().
  void on_record(const RpRecord& record, TimePoint now);
  void activate(TimePoint now);
  [[nodiscard]] RpRecordSlice snapshot(std::size_t cursor, std::size_t max) const;
  [[nodiscard]] Mode mode() const { return mode_; }
  /// Takes over what a standby was told of ranges that have no RP here. Nothing, if this router
  /// neither listens nor is a mapping agent.
  void adopt(const AutoRp& other, TimePoint now);

  /// A PIM neighbour came up: what this router has to say comes within a second.
  void on_new_neighbour(TimePoint now);

  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<AutoRpEffect> poll_effect() { return effects_.poll(); }

  [[nodiscard]] std::vector<RpMapping> mappings() const;
  /// The same, and of ranges without RP here what adopt() would take.
  [[nodiscard]] std::vector<RpMapping> mappings(const AutoRp& other) const;
  [[nodiscard]] std::vector<LearnedRpModel> learned_model(TimePoint now) const;
  /// The mapping agent believed now.
  [[nodiscard]] std::optional<IpAddress> agent() const;
  [[nodiscard]] const AutoRpCounters& counters() const { return counters_; }

 private:
  /// No `expires`: without end.
  struct Entry {
    IpAddress rp;
    bool negative = false;
    std::uint16_t holdtime_s = 0;
    IpAddress agent;
    TimePoint since;
    std::optional<TimePoint> expires;
  };
  struct Agent {
    std::uint16_t holdtime_s = 0;
    std::optional<TimePoint> expires;
  };
  struct Announcement {
    bool negative = false;
    std::uint16_t holdtime_s = 0;
    std::optional<TimePoint> expires;
  };
  using AgentPlace = std::pair<IpAddress, LinkId>;
  using Choice = std::map<IpPrefix, std::pair<bool, IpAddress>>;  // negative, RP

  void ignore(AutoRpIgnored reason);
  [[nodiscard]] bool is_silent() const;
  [[nodiscard]] bool lacks(const IpPrefix& range) const;
  [[nodiscard]] static RpMapping mapping_of(const IpPrefix& range, const Entry& entry);
  void on_discovery(LinkId link, const IpAddress& source, const wire::AutoRpMessage& message,
                    TimePoint now);
  bool note_agent(LinkId link, const IpAddress& agent, std::uint16_t holdtime_s, TimePoint now);
  void apply(const Choice& choice, const IpAddress& agent, std::uint16_t holdtime_s, TimePoint now);
  void forget(std::map<IpPrefix, Entry>::iterator entry);
  void tell(const IpPrefix& range, const Entry& entry, bool gone);
  void expire(TimePoint now);
  void settle();
  void restore(const RpMappingRecord& record, TimePoint now);
  void restore(const AutoRpAgentRecord& record);

  // auto_rp_agent.cc: mapping agent and candidate RP
  void on_announcement(const wire::AutoRpMessage& message, TimePoint now);
  [[nodiscard]] bool expire_announcements(TimePoint now);
  [[nodiscard]] Choice chosen() const;
  void announce(TimePoint now);
  void discover(TimePoint now);
  void discover_when_allowed(TimePoint now);

  AutoRpConfig config_;
  Mode mode_;
  std::map<IpPrefix, Entry> entries_;
  std::map<AgentPlace, Agent> agents_;  // heard, own messages not
  std::map<IpPrefix, std::map<IpAddress, Announcement>> announced_;
  std::size_t announced_size_ = 0;
  std::vector<TimePoint> announce_at_;  // of each of config_.announced
  std::optional<TimePoint> discover_at_;
  std::optional<TimePoint> discovered_;  // last own discovery message
  bool changed_ = false;                 // mappings, since the last RpSetChanged
  AutoRpCounters counters_;
  EffectQueue<AutoRpEffect> effects_;
};

}  // namespace hotpair::mcast::rp
