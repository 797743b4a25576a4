#pragma once

#include "platform/gate/trunk_words.h"
#include "tests/unit/ha_keeper_core/pair.h"

namespace hotpair::ha::keeper::test {

inline constexpr std::uint32_t kTrunkSlot = 4;
inline const MacAddress kOurSystem{{0x00, 0xe0, 0xfc, 0x12, 0x34, 0x55}};

[[nodiscard]] lacp::TrunkConfig trunk_of(std::uint16_t first_port);
[[nodiscard]] lacp::TrunkConfig access_device();

inline constexpr Duration kLinkDelay = std::chrono::milliseconds(1);

/// The pair with one trunk each, behind them one access device.
class TrunkPair : public Pair {
 public:
  TrunkPair();
  ~TrunkPair() override;

  std::optional<lacp::LacpTrunk> access{std::in_place, access_device(), true, now};
  std::array<TrunkMode, 2> mode{};
  bool fast = true;  // the partner is asked for short timeouts
  std::array<bool, 2> access_link{true, true};
  Duration answers_after = kDelay;  // of the access device
  std::array<bool, 2> upward{true, true};  // what the node sends arrives
  std::array<std::uint64_t, 2> words{~0ULL, ~0ULL};
  std::optional<ScopeId> bound = kScope;
  std::array<MacAddress, 2> system_ids{};
  std::array<std::vector<ResumedMember>, 2> resumed;  // told to the next keeper
  std::array<bool, 2> held{};  // its keeper holds the member's device down

  Configure configuration(const Router& router) const override;
  void up(const std::vector<Cause>& causes = {Cause::paths_down, Cause::peer_access_lost,
                                              Cause::peer_control_dead, Cause::peer_leaving});
  /// The keeper is lost and another one takes its place, as the daemon does it.
  void replace_keeper(Router& router, Duration after);
  void plug(std::size_t i, bool plugged);
  [[nodiscard]] lacp::PortShow port(Router& router);

 protected:
  void before_configuration(Router& router) override;
  void on_effect(Router& router, const Effect& effect) override;
  std::optional<TimePoint> other_deadline() const override;
  void other_step() override;

 private:
  struct Flight {
    TimePoint at;
    std::size_t link = 0;
    bool up = false;  // to the access device
    Bytes bytes;
  };
  void take_access();
  struct Plug {
    TimePoint at;
    std::size_t link = 0;
  };
  std::vector<Flight> flights_;
  std::vector<Plug> plugs_;
};

}  // namespace hotpair::ha::keeper::test
