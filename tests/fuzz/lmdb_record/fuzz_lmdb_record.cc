// Bytes from the disk: keys, values, small files, whole LMDB files. The first byte says which.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <random>

#include "checkpoint/schema/record_codec.h"
#include "checkpoint/store/files.h"
#include "checkpoint/store/life_mark.h"
#include "checkpoint/store/lmdb_read.h"
#include "checkpoint/store/lmdb_write.h"
#include "checkpoint/store/page_check.h"
#include "checkpoint/store/terms_file.h"
#include "platform/base/assert.h"

namespace {

using namespace hotpair;
using namespace hotpair::checkpoint;
using namespace hotpair::checkpoint::store;

constexpr std::uint64_t kMapBytes = 1U << 20U;

schema::RecordCodec make_codec() {
  schema::RecordCodec codec;
  HA_ASSERT(codec.links().bind(LinkId(1), {VrfId(0), "a", std::nullopt}));
  HA_ASSERT(codec.links().bind(LinkId(2), {VrfId(0), "Eth-Trunk1", schema::TrunkRef{1, 1}}));
  return codec;
}

/// Whatever decodes is encoded to the same key again.
void decode_values(const RecordChange& change) {
  static schema::RecordCodec codec = make_codec();
  for (const ScopeId scope : {ScopeId(0), ScopeId(1)}) {
    if (const auto record = codec.decode_membership(scope, change)) {
      const auto again = codec.encode(scope, *record);
      HA_ASSERT(again && again->key == change.key);
      HA_ASSERT(codec.decode_membership(scope, *again) == *record);
    }
    if (const auto event = codec.decode_data_driven(scope, change)) {
      const auto again = std::visit([](const auto& e) { return codec.encode(e); }, *event);
      HA_ASSERT(again.key == change.key);
    }
    if (const auto record = codec.decode_rp(scope, change)) {
      const auto again = codec.encode(*record);
      HA_ASSERT(again && again->key == change.key);
      HA_ASSERT(codec.decode_rp(scope, *again) == *record);
    }
    if (const auto record = codec.decode_identity(scope, change)) {
      const auto again = codec.encode(scope, *record);
      HA_ASSERT(again && again->key == change.key);
      HA_ASSERT(codec.decode_identity(scope, *again) == *record);
    }
    if (const auto tunnel = codec.decode_register(scope, change)) {
      const auto again = std::visit([](const auto& t) { return codec.encode(t); }, *tunnel);
      HA_ASSERT(again && again->key == change.key);
      HA_ASSERT(codec.decode_register(scope, *again) == *tunnel);
    }
    if (const auto tunnel = codec.decode_mdt_tunnel(scope, change)) {
      const auto again = std::visit([](const auto& t) { return codec.encode(t); }, *tunnel);
      HA_ASSERT(again && codec.decode_mdt_tunnel(scope, *again) == *tunnel);
    }
    if (const auto data = codec.decode_mdt_data(scope, change)) {
      const auto again = std::visit([](const auto& d) { return codec.encode(d); }, *data);
      HA_ASSERT(again && codec.decode_mdt_data(scope, *again) == *data);
    }
    if (const auto place = codec.decode_reservation(scope, change)) {
      const auto again = std::visit([&](const auto& p) { return codec.encode(scope, p); }, *place);
      HA_ASSERT(again && again->key == change.key);
      HA_ASSERT(codec.decode_reservation(scope, *again) == *place);
    }
    if (const auto state = codec.decode_join_prune(scope, change)) {
      const auto again = std::visit([&](const auto& s) { return codec.encode(scope, s); }, *state);
      HA_ASSERT(again && again->key == change.key);
      HA_ASSERT(codec.decode_join_prune(scope, *again) == *state);
    }
  }
}

void record(ByteReader in) {
  const ByteSpan key = in.take(in.u8());
  const ByteSpan value = in.rest();
  static_cast<void>(decode_record(key, value));
  static_cast<void>(decode_index(key, value));
  static_cast<void>(decode_index_key(key));
  static_cast<void>(decode_grave(key, value));
  static_cast<void>(decode_meta_key(key));
  static_cast<void>(decode_scope(ScopeId(1), value));
  const auto slotted = decode_raw_key(key);
  if (!slotted) return;
  HA_ASSERT(as_text(raw_key(slotted->slot, slotted->key).span()) == as_text(key));
  const RecordValue written{1, to_bytes(value)};
  Bytes bytes;
  encode_record(bytes, key, Sequence(5), written);
  const auto read = decode_record(key, bytes);
  HA_ASSERT(read.has_value() == (value.size() <= kRecordBytesMax));
  if (read) HA_ASSERT(read->copy() == written);
  decode_values({slotted->key, written});
  decode_values({slotted->key, std::nullopt});
}

void small_files(ByteReader in) {
  const ByteSpan bytes = in.rest();
  if (const auto mark = decode_life_mark(bytes))
    HA_ASSERT(decode_life_mark(encode(*mark)) == *mark);
  if (const auto terms = parse_terms(as_text(bytes)))
    HA_ASSERT(parse_terms(format_terms(*terms)) == *terms);
}

/// What passes the check is read and written by LMDB without harm.
void whole_file(ByteReader in) {
  const ByteSpan file = in.rest();
  if (!check_pages(file).empty()) return;
  const Descriptor memory(::memfd_create("store", MFD_CLOEXEC));
  HA_ASSERT(memory.open());
  HA_ASSERT(::write(memory.get(), file.data(), file.size()) == static_cast<ssize_t>(file.size()));
  auto environment = Environment::open("/proc/self/fd/" + std::to_string(memory.get()), kMapBytes);
  if (!environment) return;
  ScopeTable scopes = environment->load_scopes().value_or(ScopeTable{});
  scopes.emplace(ScopeId(1), StoredScope{1, {}});
  Reader reader(*environment, scopes);
  ReplyBody reply;
  const RecordKey middle{16, VrfId(0), Family::ipv4, Bytes(4, std::byte{'m'})};
  for (const StoreRequest& request :
       {StoreRequest{1, ScanRecords{ScopeId(1), {}, {}, 512, 65536}},
        StoreRequest{2, ScanChanges{ScopeId(1), Sequence(0), 512, 65536}},
        StoreRequest{3, SumRanges{ScopeId(1), middle, {}, 4}}})
    static_cast<void>(reader.execute(request, 0, reply));
  WriteBatch batch(*environment, scopes);
  int rc = batch.begin();
  if (rc == 0) rc = batch.recount(ScopeId(1));
  for (const StoreRequest& request :
       {StoreRequest{4, PutChanges{ScopeId(1),
                                   {},
                                   {{Sequence(9), {middle, RecordValue{1, {}}}},
                                    {Sequence(10), {middle, std::nullopt}}}}},
        StoreRequest{5, ReplaceRange{ScopeId(1), {}, middle, {{middle, RecordValue{1, {}}}}}},
        StoreRequest{6, PutMeta{ScopeId(1), {}}}, StoreRequest{7, DropScope{ScopeId(1)}}})
    if (rc == 0) rc = batch.execute(request, reply);
  if (rc == 0) rc = batch.commit(scopes);
}

/// Sets one number of an LMDB file, where something stands already, to one that may pass for sound.
void change_number(std::span<std::uint8_t> file, std::minstd_rand& random) {
  const auto below = [&random](std::size_t end) { return random() % end; };
  std::size_t at = 0;
  for (int tries = 0; tries < 64 && file[at] == 0; ++tries) at = below(file.size());
  const std::size_t width = std::size_t{1} << below(4);
  at &= ~(width - 1);
  if (at + width > file.size()) return;
  std::uint64_t number = 0;
  std::memcpy(&number, &file[at], width);
  const std::size_t from = below(file.size() - width) & ~(width - 1);
  switch (below(5)) {
    case 0:
      number = below(16);
      break;
    case 1:
      number += 1;
      break;
    case 2:
      number -= 1;
      break;
    case 3:
      number ^= std::uint64_t{1} << below(8 * width);
      break;
    default:
      std::memcpy(&number, &file[from], width);
      break;
  }
  std::memcpy(&file[at], &number, width);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

/// Whole files have structure that blind changes destroy at once: most changes are of one number.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  std::minstd_rand random(seed);
  if (size < 4096 || data[0] % 3 != 2 || random() % 4 == 0)
    return LLVMFuzzerMutate(data, size, max_size);
  for (auto edits = 1 + random() % 3; edits > 0; --edits)
    change_number({data + 1, size - 1}, random);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in({reinterpret_cast<const std::byte*>(data), size});
  switch (in.u8() % 3) {
    case 0:
      record(in);
      break;
    case 1:
      small_files(in);
      break;
    default:
      whole_file(in);
      break;
  }
  return 0;
}
