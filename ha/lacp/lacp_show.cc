#include "ha/lacp/lacp_show.h"

namespace hotpair::ha::lacp {

std::string state_digits(std::uint8_t state) {
  std::string digits;
  for (unsigned bit = 0; bit < 8; ++bit) digits += ((unsigned{state} >> bit) & 1U) != 0 ? '1' : '0';
  return digits;
}

const char* to_string(ReceiveState state) {
  switch (state) {
    case ReceiveState::initialize:
      return "INITIALIZE";
    case ReceiveState::port_disabled:
      return "PORT_DISABLED";
    case ReceiveState::expired:
      return "EXPIRED";
    case ReceiveState::lacp_disabled:
      return "LACP_DISABLED";
    case ReceiveState::defaulted:
      return "DEFAULTED";
    case ReceiveState::current:
      return "CURRENT";
  }
  return "?";
}

const char* to_string(PeriodicState state) {
  switch (state) {
    case PeriodicState::no_periodic:
      return "NO_PERIODIC";
    case PeriodicState::fast_periodic:
      return "FAST_PERIODIC";
    case PeriodicState::slow_periodic:
      return "SLOW_PERIODIC";
    case PeriodicState::periodic_tx:
      return "PERIODIC_TX";
  }
  return "?";
}

const char* to_string(MuxState state) {
  switch (state) {
    case MuxState::detached:
      return "DETACHED";
    case MuxState::waiting:
      return "WAITING";
    case MuxState::attached:
      return "ATTACHED";
    case MuxState::collecting:
      return "COLLECTING";
    case MuxState::distributing:
      return "DISTRIBUTING";
  }
  return "?";
}

const char* to_string(ChurnState state) {
  switch (state) {
    case ChurnState::no_churn:
      return "NO_CHURN";
    case ChurnState::monitor:
      return "CHURN_MONITOR";
    case ChurnState::churn:
      return "CHURN";
  }
  return "?";
}

const char* to_string(Selected selected) {
  switch (selected) {
    case Selected::unselected:
      return "UNSELECTED";
    case Selected::selected:
      return "SELECTED";
    case Selected::standby:
      return "STANDBY";
  }
  return "?";
}

}  // namespace hotpair::ha::lacp
