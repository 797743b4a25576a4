#pragma once

namespace hotpair::ha::keeper {

/// What the machine granted.
struct Privileges {
  bool realtime = false;  ///< SCHED_FIFO
  bool locked = false;    ///< memory stays resident
};

/// Asks for SCHED_FIFO and locked memory. What is refused is reported, not an error.
[[nodiscard]] Privileges become_reflex();

/// Tells systemd READY=1 or STOPPING=1 if it started us (NOTIFY_SOCKET); else does nothing.
void notify_service_manager(const char* state);

}  // namespace hotpair::ha::keeper
