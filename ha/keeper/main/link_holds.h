#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "platform/base/result.h"

namespace hotpair::ha::keeper {

/// Devices that are held administratively down, and given back: on a thread of its own, since
/// closing a device waits for its driver and hellos must go on. What goes down is in a file before,
/// so that whoever comes after a crash gives it back.
class LinkHolds {
 public:
  struct Failure {
    std::string device;
    std::string error;
  };
  /// `file` names what a former life left down.
  explicit LinkHolds(std::string file);
  /// Carries out what was asked for, then gives back what is still held.
  ~LinkHolds();
  LinkHolds(const LinkHolds&) = delete;
  LinkHolds& operator=(const LinkHolds&) = delete;

  /// Sets up what the file names and removes it; returns the devices. Call once, first.
  [[nodiscard]] std::vector<std::string> give_back_left_over();
  void hold(const std::string& device);
  /// Nothing happens to a device that is not held.
  void give_back(const std::string& device);
  /// What went wrong since the last call.
  [[nodiscard]] std::vector<Failure> take_failures();

 private:
  struct Wish {
    std::string device;
    bool down = false;
  };
  void work();
  void carry_out(const Wish& wish);
  void fail_with(const std::string& device, const std::string& error);
  [[nodiscard]] Result<void> write_file() const;

  std::string file_;
  std::set<std::string> held_;  // the worker's, once it runs
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Wish> wishes_;        // guarded by mutex_
  std::vector<Failure> failures_;  // guarded by mutex_
  bool ending_ = false;            // guarded by mutex_
  std::thread worker_;             // started with the first wish
};

}  // namespace hotpair::ha::keeper
