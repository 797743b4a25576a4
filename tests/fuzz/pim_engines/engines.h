#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "checkpoint/schema/record_codec.h"
#include "mcast/pim/pim_assert.h"
#include "mcast/pim/pim_df.h"
#include "mcast/pim/pim_downstream.h"
#include "mcast/pim/pim_neighbours.h"
#include "mcast/pim/pim_upstream.h"
#include "mcast/rp/auto_rp_machine.h"
#include "mcast/rp/bsr_machine.h"
#include "platform/base/assert.h"
#include "tests/fuzz/pim_engines/messages.h"

namespace hotpair::fuzz {

/// The engines of one family, put together as a router does it, with what must hold after every
/// input. Links 1 and 2 have no scope, 3 and 4 have one each; link 0 does not exist.
class Engines : private mcast::pim::RpDirectory {
 public:
  explicit Engines(Family family);

  // ---- inputs; each ends with drain() ----

  void hear_pim(Script& script);
  void hear_auto_rp(Script& script);
  void change_role(Script& script);
  void change_link(Script& script);
  void change_offers(Script& script);
  void wish(Script& script);
  void set_facts(Script& script);
  void see_data(Script& script);
  void take_record(Script& script);
  void answer_rpf(Script& script);
  /// The way to an RP of bidirectional groups changes, or one comes or goes.
  void change_bidir(Script& script);
  /// The standby twins of Bsr and AutoRp take over from what records told them.
  void take_over_rps();
  void pass(Duration time);
  /// To the next deadline, and on until nothing is due any more.
  void pass_to_deadline();

  /// Everything is muted: nothing is said any more on a link with a scope.
  void mute_all();

 private:
  static constexpr std::uint32_t kEntriesMax = 24;
  static constexpr std::uint32_t kNeighboursMax = 3;
  static constexpr std::size_t kEffectsMax = 4096;
  static constexpr int kSlicesMax = 64;

  [[nodiscard]] std::optional<IpAddress> rp_of(VrfId, const Group& group) const override;
  [[nodiscard]] mcast::pim::LinkConfig link_config(LinkId link) const;
  [[nodiscard]] bool may_speak(LinkId link) const;
  [[nodiscard]] bool is_muted(LinkId link) const;
  void add_link(const mcast::pim::LinkConfig& config);
  void remove_link(LinkId link);
  void set_scope(ScopeId scope, bool live, mcast::pim::Leaving leaving);
  void tell_bsr_link(LinkId link);

  void hear(LinkId link, const IpAddress& from, const mcast::wire::PimHello& message);
  void hear(LinkId link, const IpAddress& from, const mcast::wire::PimJoinPrune& message);
  void hear(LinkId link, const IpAddress& from, const mcast::wire::PimAssert& message);
  void hear(LinkId link, const IpAddress& from, const mcast::wire::PimBootstrap& message);
  void hear(LinkId link, const IpAddress& from, const mcast::wire::PimCandidateRp& message);
  void hear(LinkId link, const IpAddress& from, const mcast::wire::PimDfElection& message);
  template <typename Other>
  void hear(LinkId, const IpAddress&, const Other&) {}

  // ---- effects ----

  void drain();
  void check();
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  void run(TimePoint now);
  void on(const mcast::pim::NeighboursEffect& effect);
  void on(const mcast::pim::DownstreamEffect& effect);
  void on(const mcast::pim::AssertsEffect& effect);
  void on(const mcast::pim::DfEffect& effect);
  void on(const mcast::rp::BsrEffect& effect);
  void on(const mcast::rp::AutoRpEffect& effect);
  void on_record(const mcast::rp::RpRecord& record);
  template <typename Record>
  void on_record(LinkId link, const Record& record);
  void new_twins();
  void refresh_rps();

  Family family_;
  TimePoint now_{std::chrono::seconds(1000)};
  Entropy entropy_{1};
  checkpoint::schema::RecordCodec codec_;
  mcast::pim::Neighbours neighbours_;
  mcast::pim::Downstream downstream_;
  mcast::pim::Upstream upstream_;
  mcast::pim::Asserts asserts_;
  mcast::pim::DfElections elections_{entropy_};
  std::map<std::pair<mcast::pim::DfRp, LinkId>, bool> forwarders_;  ///< told; true: ourselves
  mcast::rp::BsrConfig bsr_config_;
  mcast::rp::AutoRpConfig auto_config_;
  std::unique_ptr<mcast::rp::Bsr> bsr_;
  std::unique_ptr<mcast::rp::Bsr> bsr_twin_;
  std::unique_ptr<mcast::rp::AutoRp> auto_rp_;
  std::unique_ptr<mcast::rp::AutoRp> auto_twin_;
  std::map<LinkId, mcast::pim::LinkConfig> links_;
  std::set<ScopeId> live_;
  std::set<LinkId> leaving_;  ///< may say goodbye in this step
  std::vector<IpAddress> asked_;
  mcast::rp::RpSet rps_;
};

}  // namespace hotpair::fuzz
