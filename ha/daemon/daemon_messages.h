#pragma once

#include <array>

#include "platform/base/message.h"

namespace hotpair::ha::daemon {

inline constexpr Message kStarted{"HA-DAEMON-0001", LogLevel::info,
                                  "hotpaird {} runs, node {:016x}, pid {}",
                                  "The daemon has started.", "Nothing."};
inline constexpr Message kConfigRefused{
    "HA-DAEMON-0002", LogLevel::error, "configuration refused: {}",
    "The file has errors; the running configuration stays.", "Correct the named line and reload."};
inline constexpr Message kConfigWarning{
    "HA-DAEMON-0003", LogLevel::warning, "configuration: {}",
    "A line is in force, or kept without effect, and worth a look.", "See hotpaird --check."};
inline constexpr Message kNoPairKey{
    "HA-DAEMON-0004", LogLevel::error, "{}",
    "Without a pair key nothing is mirrored: there is no clear-text mode.",
    "Run hotpair pair init and copy the file to the peer, then reload."};
inline constexpr Message kStoreOpened{"HA-DAEMON-0005", LogLevel::info, "store: {}",
                                      "What was found in the state directory.", "Nothing."};
inline constexpr Message kKeeperStart{"HA-DAEMON-0006", LogLevel::warning, "keeper: {}",
                                      "No keeper answered on its socket.",
                                      "One is started by itself; look at its log if it is not."};
inline constexpr Message kPlaneOpened{"HA-DAEMON-0007", LogLevel::info, "forwarding plane: {}",
                                      "The multicast routing tables were opened or taken over.",
                                      "Nothing."};
inline constexpr Message kFailed{"HA-DAEMON-0008", LogLevel::error, "cannot go on: {}",
                                 "Something the daemon needs is missing.",
                                 "Mend it and start again; forwarding goes on meanwhile."};
inline constexpr Message kStopping{"HA-DAEMON-0009", LogLevel::info, "stopping: {}",
                                   "A restart withdraws nothing: keeper and kernel go on.",
                                   "Nothing."};
inline constexpr Message kAddress{"HA-DAEMON-0010", LogLevel::warning, "address {} on {}: {}",
                                  "The configured address could not be set.",
                                  "Check that no other program manages it."};
inline constexpr Message kSendFailed{
    "HA-DAEMON-0011", LogLevel::warning, "message on {} could not be sent: {}",
    "The interface is down or has no usable address.", "Check the interface."};
inline constexpr Message kCommand{"HA-DAEMON-0012", LogLevel::info, "uid {} pid {}: {}",
                                  "An operator's command that changes something.", "Nothing."};
inline constexpr Message kReloaded{"HA-DAEMON-0013", LogLevel::info, "configuration in force: {}",
                                   "A configuration was loaded or applied.", "Nothing."};

inline constexpr Message kTrunk{
    "HA-DAEMON-0014", LogLevel::warning, "Eth-Trunk: {}",
    "The device of a configured Eth-Trunk, or a member of it, is not as configured.",
    "Mend what the text names; hotpaird tries again when a device or the configuration changes."};

inline constexpr Message kUnconfirmed{
    "HA-DAEMON-0015", LogLevel::warning, "{}",
    "A commit that was to be confirmed was not, and is taken back.",
    "Look at 'display configuration commit list'; commit again if it was right."};
inline constexpr Message kCommitFile{
    "HA-DAEMON-0016", LogLevel::warning, "record of a commit: {}",
    "A file of the list of commits could not be read or written; the configuration is in force.",
    "Check the state directory and its disk."};

inline constexpr Message kLeftOver{
    "HA-DAEMON-0017", LogLevel::info, "floating addresses: device {} of an earlier life removed",
    "The configuration has no floating addresses on that interface any more.", "Nothing."};

inline constexpr std::array kMessages{kStarted,     kConfigRefused, kConfigWarning, kNoPairKey,
                                      kStoreOpened, kKeeperStart,   kPlaneOpened,   kFailed,
                                      kStopping,    kAddress,       kSendFailed,    kCommand,
                                      kReloaded,    kTrunk,         kUnconfirmed,   kCommitFile,
                                      kLeftOver};

}  // namespace hotpair::ha::daemon
