#include "ha/bfd/bfd_types.h"

#include "ha/bfd/bfd_show.h"

namespace hotpair::ha::bfd {

const char* to_string(State state) {
  switch (state) {
    case State::admin_down:
      return "AdminDown";
    case State::down:
      return "Down";
    case State::init:
      return "Init";
    case State::up:
      return "Up";
  }
  return "unknown";
}

const char* to_string(Diag diag) {
  switch (diag) {
    case Diag::none:
      return "No Diagnostic";
    case Diag::detection_time_expired:
      return "Control Detection Time Expired";
    case Diag::echo_failed:
      return "Echo Function Failed";
    case Diag::neighbor_signaled_down:
      return "Neighbor Signaled Session Down";
    case Diag::forwarding_plane_reset:
      return "Forwarding Plane Reset";
    case Diag::path_down:
      return "Path Down";
    case Diag::concatenated_path_down:
      return "Concatenated Path Down";
    case Diag::admin_down:
      return "Administratively Down";
    case Diag::reverse_concatenated_path_down:
      return "Reverse Concatenated Path Down";
  }
  return "reserved";
}

const char* to_string(Reason reason) {
  switch (reason) {
    case Reason::none:
      return "none";
    case Reason::detection_timeout:
      return "detection time expired";
    case Reason::remote_down:
      return "peer signalled Down";
    case Reason::remote_admin_down:
      return "peer is shut down";
    case Reason::local_admin_down:
      return "shut down here";
  }
  return "unknown";
}

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::received:
      return "received";
    case Verdict::ttl:
      return "TTL";
    case Verdict::wrong_address:
      return "wrong address";
    case Verdict::wrong_hops:
      return "single hop or multihop";
    case Verdict::wrong_remote_discriminator:
      return "wrong remote discriminator";
    case Verdict::admin_down:
      return "shut down here";
    case Verdict::auth_missing:
      return "authentication missing";
    case Verdict::auth_unexpected:
      return "authentication not expected";
    case Verdict::auth_key:
      return "unknown key";
    case Verdict::auth_digest:
      return "wrong digest";
    case Verdict::auth_sequence:
      return "sequence number";
    case Verdict::count:
      break;
  }
  return "unknown";
}

}  // namespace hotpair::ha::bfd
