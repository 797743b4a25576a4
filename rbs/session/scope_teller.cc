#include "rbs/session/scope_teller.h"

#include <algorithm>
#include <utility>

namespace hotpair::rbs::session {

using checkpoint::journal::Standing;

namespace {

constexpr std::uint32_t kSlicesAhead = 4;  // sent and not answered

}  // namespace

bool ScopeTeller::start(const ScopeState& master, std::uint32_t sync, bool deposed,
                        const checkpoint::journal::Journal& journal, TimePoint now) {
  stop();
  // A copy that is being made equal was told before that began.
  if (core_.config.united_databases.empty() || journal.history().empty() || journal.incomplete())
    return false;
  const auto& ours = journal.history();
  // A master that was deposed may have had nothing to write while the other removed what it served.
  if (!deposed && checkpoint::journal::standing(master.history, master.last, ours,
                                                journal.last()) == Standing::on_line)
    return false;
  changed_ = checkpoint::journal::fork(master.history, master.last, ours, journal.last());
  // Records of a bulk are not in the index. And a master that is behind in an epoch of its own has
  // lost its store: it may have used the same numbers for other changes.
  const bool lost = !master.history.empty() && master.history.back().epoch == ours.back().epoch;
  by_key_ = deposed || lost || !changed_ || *changed_ < journal.floor();
  if (lost || (changed_ && *changed_ < journal.floor())) changed_.reset();
  cursor_ = RecordKey{core_.config.united_databases.front(), VrfId{0}, Family::ipv4, {}};
  frame_ = Diverged{scope_,         master.term, sync,  0, journal.epoch(),
                    journal.last(), deposed,     false, 0, {}};
  for (const DatabaseDigest& one : journal.digests())
    if (is_united(one.database)) frame_.held += one.records;
  active_ = true;
  may_ask_ = false;
  taken_ = 0;
  told_ = 0;
  give_up_at_ = now + core_.config.tell_wait;
  return true;
}

void ScopeTeller::stop() {
  active_ = false;
  finished_ = false;
  request_.reset();  // its answer finds nobody
}

void ScopeTeller::finish() {
  active_ = false;
  finished_ = true;
  request_.reset();
}

bool ScopeTeller::is_united(std::uint8_t database) const {
  return std::ranges::find(core_.config.united_databases, database) !=
         core_.config.united_databases.end();
}

void ScopeTeller::ask() {
  const SessionConfig& config = core_.config;
  if (changed_) {
    request_ = core_.ask(scope_, checkpoint::ScanChanges{scope_, *changed_, config.slice_records,
                                                         config.slice_bytes});
    return;
  }
  const RecordKey through{config.united_databases.back(), VrfId{UINT32_MAX}, Family::ipv6,
                          Bytes(checkpoint::kKeyBytesMax, std::byte{0xff})};
  request_ = core_.ask(scope_, checkpoint::ScanRecords{scope_, cursor_, through,
                                                       config.slice_records, config.slice_bytes});
}

void ScopeTeller::pump(TimePoint now) {
  static_cast<void>(now);
  if (!active_ || !may_ask_ || request_ || !core_.may_send()) return;
  if (frame_.slice < taken_ + kSlicesAhead) ask();
}

void ScopeTeller::send(std::vector<Record> records, bool done, TimePoint now) {
  // A group before its sources: the master counts it to the host that asked for it.
  std::ranges::sort(records, {}, &Record::key);
  if (!records.empty() || done) {
    Diverged slice = frame_;
    slice.done = done;
    slice.records = std::move(records);
    core_.send(std::move(slice), now);
    ++frame_.slice;
    give_up_at_ = now + core_.config.tell_wait;
  }
  done ? finish() : pump(now);
}

bool ScopeTeller::on_store_reply(checkpoint::StoreReply& reply, TimePoint now) {
  if (!active_ || request_ != reply.id) return false;
  request_.reset();
  std::vector<Record> records;
  bool done = false;
  if (auto* changes = std::get_if<checkpoint::ChangeSlice>(&reply.body)) {
    const bool last = changes->done || changes->changes.empty();
    if (!changes->changes.empty()) changed_ = changes->changes.back().sequence;
    for (SequencedChange& one : changes->changes)
      if (one.change.value && is_united(one.change.key.database))
        records.push_back({std::move(one.change.key), std::move(*one.change.value)});
    told_ += records.size();
    done = last && !by_key_;
    if (last && by_key_) {  // all follow
      changed_.reset();
      told_ = 0;
    }
  } else if (auto* slice = std::get_if<checkpoint::RecordSlice>(&reply.body)) {
    done = slice->done || slice->records.empty();
    told_ += slice->records.size();
    if (!slice->records.empty()) cursor_ = slice->records.back().key;
    for (Record& one : slice->records)
      if (is_united(one.key.database)) records.push_back(std::move(one));
  } else {
    ++given_up_;
    done = true;  // our store cannot say more
  }
  send(std::move(records), done, now);
  return true;
}

void ScopeTeller::on_taken(const DivergedTaken& frame, TimePoint now) {
  // The last answers may come when the synchronisation goes on already.
  if (!active_ || frame.sync != frame_.sync) return;
  if (frame.slice >= frame_.slice)
    return core_.fail(Reason::out_of_order, "an answer to a slice that was not sent");
  taken_ = std::max(taken_, frame.slice + 1);
  give_up_at_ = now + core_.config.tell_wait;
  pump(now);
}

void ScopeTeller::on_timeout(TimePoint now) {
  if (!active_) return;
  // What the journal gave up at the end of a mastership is before us in the store's queue by now.
  may_ask_ = true;
  pump(now);
  if (now < give_up_at_) return;
  ++given_up_;
  finish();
}

std::optional<TimePoint> ScopeTeller::next_deadline() const {
  if (!active_) return std::nullopt;
  return may_ask_ ? give_up_at_ : TimePoint{};
}

}  // namespace hotpair::rbs::session
