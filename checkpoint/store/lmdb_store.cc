#include "checkpoint/store/lmdb_store.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "checkpoint/store/files.h"
#include "checkpoint/store/lmdb_env.h"
#include "checkpoint/store/lmdb_read.h"
#include "checkpoint/store/lmdb_write.h"
#include "checkpoint/store/terms_file.h"

namespace hotpair::checkpoint::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStoreFile = "store.mdb";
constexpr std::string_view kLifeFile = "life";
constexpr std::string_view kTermsFile = "terms";

/// A start that lives this long is no part of a series of crashes.
constexpr Duration kSettled = std::chrono::seconds(60);
constexpr std::uint32_t kStartsUnchecked = 2;
constexpr Duration kCheckLimit = std::chrono::seconds(20);

// One transaction holds at most so much; LMDB's list of dirty pages is bounded.
constexpr std::size_t kGroupItemsMax = 65536;

std::size_t items(const StoreRequest& request) {
  if (const auto* put = std::get_if<PutChanges>(&request.body)) return 1 + put->changes.size();
  if (const auto* replace = std::get_if<ReplaceRange>(&request.body))
    return 1 + replace->records.size();
  return 1;
}

}  // namespace

struct LmdbStore::Parts {
  StoreOptions options;
  OpenReport report;
  StoreCounters counters;
  LifeFile life;
  LifeMark mark;
  ReservedTerms terms;
  std::optional<Environment> environment;
  ScopeTable scopes;
  std::unique_ptr<Reader> reader;
  std::optional<Error> broken;  // no request is served any more

  [[nodiscard]] fs::path path(std::string_view name) const { return options.directory / name; }
  [[nodiscard]] Result<void> set_store_aside(std::string reason);
  [[nodiscard]] Result<void> open_environment();
  [[nodiscard]] Result<void> begin_anew();
  [[nodiscard]] Result<void> load_terms();

  void fail_with(StoreReply& reply, ScopeId scope, Error error);
  void note_error(int code, std::string_view what);
  void read(const StoreRequest& request, StoreReply& reply);
  void reserve(const ReserveTerm& request, StoreReply& reply);
  void write_group(std::span<const StoreRequest> requests, std::span<StoreReply> replies);
  [[nodiscard]] int try_group(std::span<const StoreRequest> requests,
                              std::span<StoreReply> replies);
  void drop_damaged();
  void count_damage(const Damage& damage);
};

// ---- opening ----

Result<void> LmdbStore::Parts::set_store_aside(std::string reason) {
  auto aside = set_aside(path(kStoreFile));
  if (!aside) return std::unexpected(aside.error());
  report.outcome = OpenReport::Outcome::set_aside;
  report.reason = std::move(reason);
  report.aside = std::move(*aside);
  return {};
}

Result<void> LmdbStore::Parts::begin_anew() {
  environment.reset();
  scopes.clear();
  auto opened = Environment::open(path(kStoreFile), options.map_bytes);
  if (!opened) return std::unexpected(opened.error());
  environment = std::move(*opened);
  return {};
}

/// Decides by the life mark, then opens what may be opened. A damaged file is set aside.
Result<void> LmdbStore::Parts::open_environment() {
  std::error_code ignored;
  const fs::path file = path(kStoreFile);
  if (fs::symlink_status(file, ignored).type() == fs::file_type::not_found) return begin_anew();
  report.verdict = decide_restore(life.previous(), options.boot_id, options.node,
                                  options.since_boot, options.membership_interval);
  std::string reason = file_fault(file);
  if (reason.empty() && options.discard) reason = "a cold start was asked for";
  if (reason.empty() && report.verdict != RestoreVerdict::usable)
    reason = to_string(report.verdict);
  const bool check = options.check == CheckPolicy::always ||
                     (options.check == CheckPolicy::automatic &&
                      report.unclean_starts >= kStartsUnchecked);
  if (reason.empty() && check) {
    report.checked = true;
    reason = check_in_helper(file, options.map_bytes, kCheckLimit);
  }
  if (reason.empty()) {
    auto opened = Environment::open(file, options.map_bytes);
    auto loaded = opened ? opened->load_scopes() : std::unexpected(opened.error());
    if (loaded) {
      environment = std::move(*opened);
      scopes = std::move(*loaded);
      report.outcome = OpenReport::Outcome::restored;
      return {};
    }
    if (loaded.error().code != ErrorCode::malformed) return std::unexpected(loaded.error());
    report.verdict = RestoreVerdict::damaged;
    reason = loaded.error().detail;
  }
  if (auto aside = set_store_aside(std::move(reason)); !aside) return aside;
  return begin_anew();
}

Result<void> LmdbStore::Parts::load_terms() {
  const fs::path file = path(kTermsFile);
  if (const std::string fault = file_fault(file); !fault.empty())
    return fail(ErrorCode::refused, file.string() + " " + fault);
  auto read = read_terms(file);
  if (read) {
    terms = std::move(*read);
    return {};
  }
  if (read.error().code != ErrorCode::malformed) return std::unexpected(read.error());
  auto aside = set_aside(file);
  if (!aside) return std::unexpected(aside.error());
  report.terms_lost = true;
  report.terms_aside = *aside;
  return {};
}

Result<std::unique_ptr<LmdbStore>> LmdbStore::open(const StoreOptions& options) {
  auto parts = std::make_unique<Parts>();
  parts->options = options;
  if (auto good = prepare_directory(options.directory); !good)
    return std::unexpected(good.error());
  auto life = LifeFile::open(parts->path(kLifeFile));
  if (!life) return std::unexpected(life.error());
  parts->life = std::move(*life);
  if (const auto& before = parts->life.previous(); before && !before->clean)
    parts->report.unclean_starts = before->unclean_starts + 1;
  if (auto good = parts->load_terms(); !good) return std::unexpected(good.error());

  // From here to the first healthy minute an end counts as unclean, even one inside LMDB.
  LifeMark starting = parts->life.previous().value_or(LifeMark{});
  starting.clean = false;
  starting.unclean_starts = parts->report.unclean_starts;
  if (parts->life.previous())
    if (auto good = parts->life.write(starting); !good) return std::unexpected(good.error());
  if (auto good = parts->open_environment(); !good) return std::unexpected(good.error());
  parts->mark = {options.boot_id, options.node,         options.since_boot, false, false,
                 parts->report.unclean_starts};
  if (auto good = parts->life.write(parts->mark); !good) return std::unexpected(good.error());
  parts->reader = std::make_unique<Reader>(*parts->environment, parts->scopes);
  parts->counters.bytes_used = parts->environment->bytes_used();
  return std::unique_ptr<LmdbStore>(new LmdbStore(std::move(parts)));
}

LmdbStore::LmdbStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

LmdbStore::~LmdbStore() {
  if (!parts_) return;
  parts_->reader.reset();
  parts_->environment.reset();
  parts_->mark.clean = !parts_->broken;
  static_cast<void>(parts_->life.write(parts_->mark));
}

void LmdbStore::abandon() {
  parts_->broken = Error{ErrorCode::unavailable, "the store was closed"};
  parts_->reader.reset();
  parts_->environment.reset();
  parts_.reset();
}

const OpenReport& LmdbStore::open_report() const { return parts_->report; }
const StoreCounters& LmdbStore::counters() const { return parts_->counters; }

void LmdbStore::touch(Duration since_boot) {
  LifeMark& mark = parts_->mark;
  mark.alive = since_boot;
  if (since_boot - parts_->options.since_boot >= kSettled) mark.unclean_starts = 0;
  if (!parts_->life.write(mark)) ++parts_->counters.alive_mark_failures;
}

// ---- requests ----

std::vector<StoreReply> LmdbStore::execute(std::span<const StoreRequest> requests) {
  std::vector<StoreReply> replies(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) replies[i].id = requests[i].id;
  std::size_t at = 0;
  while (at < requests.size()) {
    if (const auto* reserve = std::get_if<ReserveTerm>(&requests[at].body)) {
      parts_->reserve(*reserve, replies[at]);
      ++at;
    } else if (parts_->broken) {
      parts_->fail_with(replies[at], scope_of(requests[at]), *parts_->broken);
      ++at;
    } else if (is_read(requests[at])) {
      parts_->read(requests[at], replies[at]);
      ++at;
    } else {
      std::size_t end = at;
      std::size_t size = 0;
      while (end < requests.size() && !is_read(requests[end]) &&
             !std::holds_alternative<ReserveTerm>(requests[end].body) && size < kGroupItemsMax)
        size += items(requests[end++]);
      parts_->write_group(requests.subspan(at, end - at),
                          std::span(replies).subspan(at, end - at));
      at = end;
    }
  }
  parts_->drop_damaged();
  return replies;
}

void LmdbStore::Parts::fail_with(StoreReply& reply, ScopeId scope, Error error) {
  ++counters.requests_failed;
  reply.body = StoreFailed{scope, std::move(error)};
}

/// After damage or a lost write nothing that the environment says is believed again.
void LmdbStore::Parts::note_error(int code, std::string_view what) {
  if (!is_fatal(code) || broken) return;
  broken = lmdb_error(code, what);
  mark.damaged = true;
  static_cast<void>(life.write(mark));
}

void LmdbStore::Parts::read(const StoreRequest& request, StoreReply& reply) {
  const auto term = terms.find(scope_of(request));
  const int rc = reader->execute(request, term == terms.end() ? 0 : term->second, reply.body);
  if (rc == 0) return;
  note_error(rc, "reading the store failed");
  fail_with(reply, scope_of(request), lmdb_error(rc, "cannot read the store"));
}

void LmdbStore::Parts::reserve(const ReserveTerm& request, StoreReply& reply) {
  const auto known = terms.find(request.scope);
  if (known == terms.end() || known->second < request.counter) {
    ReservedTerms raised = terms;
    raised[request.scope] = request.counter;
    if (auto written = write_terms(path(kTermsFile), raised); !written)
      return fail_with(reply, request.scope, written.error());
    terms = std::move(raised);
  }
  const auto stored = scopes.find(request.scope);
  reply.body = committed_reply(request.scope, stored == scopes.end() ? nullptr : &stored->second);
}

/// One transaction for all; if that fails, one for each, so that a bad one fails alone.
void LmdbStore::Parts::write_group(std::span<const StoreRequest> requests,
                                   std::span<StoreReply> replies) {
  int rc = try_group(requests, replies);
  for (std::size_t i = 0; rc != 0 && i < requests.size(); ++i) {
    const int single = broken || requests.size() == 1
                           ? rc
                           : try_group(requests.subspan(i, 1), replies.subspan(i, 1));
    if (single == 0) continue;
    fail_with(replies[i], scope_of(requests[i]),
              broken ? *broken : lmdb_error(single, "cannot write to the store"));
  }
}

int LmdbStore::Parts::try_group(std::span<const StoreRequest> requests,
                                std::span<StoreReply> replies) {
  Damage damage;
  int rc = 0;
  {
    WriteBatch batch(*environment, scopes);
    rc = batch.begin();
    for (std::size_t i = 0; rc == 0 && i < requests.size(); ++i)
      rc = batch.execute(requests[i], replies[i].body);
    if (rc == 0) rc = batch.commit(scopes);
    damage = batch.damage();
  }
  if (rc != 0) {
    rc = environment->told_apart(rc);
    ++counters.commits_failed;
    note_error(rc, "writing to the store failed");
    return rc;
  }
  ++counters.commits;
  count_damage(damage);
  counters.bytes_used = environment->bytes_used();
  for (const StoreReply& reply : replies)
    if (std::holds_alternative<StoreFailed>(reply.body)) ++counters.requests_failed;
  return 0;
}

/// Drops what reading found damaged; the digests then differ from the peer's, which repairs it.
void LmdbStore::Parts::drop_damaged() {
  if (!reader || reader->suspects().empty()) return;
  const Suspects suspects = std::exchange(reader->suspects(), {});
  if (broken) return;
  WriteBatch batch(*environment, scopes);
  int rc = batch.begin();
  for (const Bytes& entry : suspects.index_entries)
    if (rc == 0) rc = batch.drop_index_entry(entry);
  for (const ScopeId scope : suspects.scopes)
    if (rc == 0) rc = batch.recount(scope);
  if (rc == 0) rc = batch.commit(scopes);
  if (rc != 0) return note_error(rc, "dropping damaged records failed");
  counters.bad_index_entries += suspects.index_entries.size();
  count_damage(batch.damage());
}

void LmdbStore::Parts::count_damage(const Damage& damage) {
  counters.bad_records += damage.records;
  counters.bad_index_entries += damage.index_entries;
}

}  // namespace hotpair::checkpoint::store
