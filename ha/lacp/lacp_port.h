#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "ha/lacp/lacp_show.h"
#include "platform/base/time.h"

/// The variables of one aggregation port (6.4.6 to 6.4.8) and its machines as functions over them.
/// Each machine function takes every transition that is possible now and returns whether any was.
namespace hotpair::ha::lacp {

/// LACPDUs in one Fast_Periodic_Time (6.4.16); the last of them is kept for a change of
/// Synchronization.
inline constexpr std::size_t kTransmitsMax = 3;

/// Just under Fast_Periodic_Time, at which an expired partner speaks.
inline constexpr Duration kDeafAfter = std::chrono::milliseconds(900);

struct Port {
  MemberConfig config;
  bool enabled = false;  // port_enabled
  PortInfo actor;        // Actor_Oper_*
  PortInfo partner;      // Partner_Oper_*; Partner_Admin_* is all zero
  Selected selected = Selected::unselected;
  bool port_moved = false;
  bool ntt = false;
  bool unanswered = false;  // spoken to since a silence; its answer is due within a short timeout

  ReceiveState receive = ReceiveState::initialize;
  std::optional<TimePoint> current_while;
  PeriodicState periodic = PeriodicState::no_periodic;
  std::optional<TimePoint> periodic_at;
  MuxState mux = MuxState::detached;
  std::optional<TimePoint> wait_while;
  bool ready_n = false;
  ChurnState actor_churn = ChurnState::monitor;
  ChurnState partner_churn = ChurnState::monitor;
  std::optional<TimePoint> actor_churn_at;
  std::optional<TimePoint> partner_churn_at;

  std::array<TimePoint, kTransmitsMax> sent{};  // newest last
  std::size_t sent_count = 0;                   // of them in use
  bool sent_sync = false;                       // Synchronization in the newest LACPDU
  bool delayed = false;                         // NTT waits for the limit
  TimePoint receive_credit{};                   // policing of what comes in
  TimePoint marker_credit{};
  std::optional<TimePoint> last_heard;
  std::optional<TimePoint> deaf_since;  // the partner says since then that it does not hear us
  std::uint8_t partner_version = 0;
  PortCounters counters;

  /// The partner is heard and hears us. It may say once that its information expired: our answer is
  /// on its way. Who says it a second later still has not heard that.
  [[nodiscard]] bool works_both_ways() const {
    const bool deaf = deaf_since && last_heard && *last_heard - *deaf_since >= kDeafAfter;
    return receive == ReceiveState::current && !deaf;
  }
  [[nodiscard]] bool collecting() const { return mux >= MuxState::collecting; }
  [[nodiscard]] bool distributing() const { return mux == MuxState::distributing; }
};

/// Receive machine (6.4.12, figure 6-18), all but the arrival of a LACPDU.
bool run_receive(Port& port, TimePoint now);
/// Receive machine: a LACPDU while the port is enabled.
void receive_lacpdu(Port& port, const Lacpdu& pdu, TimePoint now);

/// As if the machines had run all along: CURRENT for one more timeout, SELECTED, DISTRIBUTING.
void resume_port(Port& port, const PortInfo& partner, TimePoint now);

/// What is said first after a silence: the partner is asked anew, as after a link up.
void end_silence(Port& port, TimePoint now);

/// Periodic Transmission machine (6.4.13, figure 6-19).
bool run_periodic(Port& port, TimePoint now);
/// Transmit machine (6.4.16): true if a LACPDU leaves now, and takes its credit.
bool may_transmit(Port& port, TimePoint now);
/// When NTT that waits for the limit may leave.
[[nodiscard]] std::optional<TimePoint> transmit_due(const Port& port);

/// Mux machine with independent control (6.4.15, figure 6-21). `ready`: Ready of the aggregator;
/// `wait`: Aggregate_Wait_Time, zero while an E-Trunk keeps the trunk out of sync.
bool run_mux(Port& port, bool ready, Duration wait, TimePoint now);

/// Actor and Partner Churn machines (6.4.17). A port in standby counts as in sync: it is out by
/// intention.
bool run_churn(Port& port, TimePoint now);

}  // namespace hotpair::ha::lacp
