#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/record/record.h"

namespace hotpair::sim {

/// The oracle of "nothing acknowledged is lost", key by key: the newest value that a master has
/// seen acknowledged before it changed again, and what was written since. A deletion is a value
/// like others.
class AckedRecords {
 public:
  using Held = std::vector<checkpoint::Record>;  ///< ascending in key

  /// A master asks its store to write this. From here on a copy may hold it: a peer is told in bulk
  /// what the engines have.
  void asked(const Epoch& epoch, const checkpoint::SequencedChange& change);
  /// Its store took that up, or it was sent without the store (told twice counts once).
  void written(const Epoch& epoch, const checkpoint::SequencedChange& change);
  /// The node's daemon died: what it asked for and did not live to see written has no number. The
  /// next one, that finds nothing of the epoch, begins it anew and numbers its own changes the
  /// same.
  void died(NodeId node);
  /// A master whose history is `line` counts everything up to here as acknowledged.
  void acked(const checkpoint::EpochHistory& line, Sequence through);
  /// Both copies were lost to faults: what was acknowledged is no longer owed.
  void forget();

  /// What `held` lacks, in words, of keys of one database or of all: every key must be as it was
  /// acknowledged or as written later.
  [[nodiscard]] std::optional<std::string> missing(
      const Held& held, std::optional<checkpoint::DatabaseId> database = std::nullopt) const;
  /// Changes that were acknowledged so far.
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  struct Write {
    std::uint64_t order = 0;
    std::optional<checkpoint::RecordValue> value;
  };
  struct Key {
    std::optional<Write> acked;
    std::vector<Write> later;  // in the order of writing
  };
  struct Pending {
    Epoch epoch;
    checkpoint::RecordKey key;
    std::uint64_t order = 0;
  };

  void note(const Epoch& epoch, const checkpoint::SequencedChange& change);

  std::map<checkpoint::RecordKey, Key> keys_;
  std::map<Sequence, std::vector<Pending>> pending_;
  std::set<std::pair<Epoch, Sequence>> seen_;
  std::set<std::pair<Epoch, Sequence>> asked_;  // of those: not written yet
  std::uint64_t writes_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace hotpair::sim
