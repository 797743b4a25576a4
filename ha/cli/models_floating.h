#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ha/cli/public_instance.h"
#include "ha/etrunk/etrunk_types.h"
#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"

/// What `display floating-address` shows, as plain structs; see models.h.
namespace hotpair::ha::cli {

enum class FloatingOwner : std::uint8_t { nobody, here, peer };

/// The floating addresses of one interface.
struct FloatingInterface {
  std::string name;
  std::string instance = kPublicInstance;
  std::string device;  ///< that holds them
  bool device_up = false;
  MacAddress mac;
  std::vector<IpPrefix> addresses;
  bool identity = false;             ///< PIM speaks from them
  std::optional<ScopeId> backup_id;  ///< absent: the floating pair's
  std::string profile;               ///< "floating" for the pair
  etrunk::Role role = etrunk::Role::init;
  FloatingOwner owner = FloatingOwner::nobody;
  std::optional<Duration> since;  ///< owned here
  std::uint64_t announced = 0;    ///< frames of the scope, by the keeper that runs
};
struct FloatingAddressesModel {
  std::vector<FloatingInterface> interfaces;
};

}  // namespace hotpair::ha::cli
