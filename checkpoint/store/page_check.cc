#include "checkpoint/store/page_check.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <vector>

// LMDB's file, as lmdb.h 0.9 of a 64-bit little-endian machine writes it. All pages have one size.
//
//   page   | pgno u64 | pad u16 | flags u16 | lower u16, upper u16  or  overflow pages u32 |
//          | node offsets u16 ... up to lower | free | nodes from upper to the end |
//   node   | lo u16 | hi u16 | flags u16 | key size u16 | key | data |
//          leaf: data size = lo, hi; with kBigData the data is the u64 number of an overflow page
//          branch: child = lo, hi, flags; no data
//   meta   pages 0 and 1: | page header | magic u32 | version u32 | address u64 | map size u64 |
//          | table[2] | last page u64 | transaction u64 |
//   table  | pad u32 (page size in table 0) | flags u16 | depth u16 |
//          | branch, leaf, overflow pages u64 | entries u64 | root u64 |
namespace hotpair::checkpoint::store {
namespace {

static_assert(std::endian::native == std::endian::little && sizeof(void*) == 8,
              "the file format of LMDB is the machine's");

constexpr std::size_t kHeader = 16;
constexpr std::size_t kNodeHeader = 8;
constexpr std::uint16_t kBranch = 0x01;
constexpr std::uint16_t kLeaf = 0x02;
constexpr std::uint16_t kOverflow = 0x04;
constexpr std::uint16_t kMeta = 0x08;
constexpr std::uint16_t kBigData = 0x01;
constexpr std::uint16_t kSubTable = 0x02;
constexpr std::uint32_t kMagic = 0xbeefc0de;
constexpr std::uint16_t kIntegerKey = 0x08;
constexpr std::uint16_t kNoSubdir = 0x4000;  // of the environment, kept in table 0
constexpr std::uint64_t kNoPage = ~std::uint64_t{0};
constexpr std::size_t kTableBytes = 48;
constexpr std::size_t kMetaBytes = 24 + 2 * kTableBytes + 16;
constexpr unsigned kDepthMax = 32;
constexpr std::uint64_t kTransactionMax = std::uint64_t{1} << 62U;
constexpr std::size_t kKeyMax = 511;
constexpr std::size_t kPageMin = 2048;  // smaller ones cannot hold two of the longest keys
constexpr std::size_t kPageMax = 32768;

template <typename Number>
Number load(ByteSpan bytes, std::size_t offset) {
  Number number{};
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

struct Table {
  std::uint16_t flags = 0;
  std::uint16_t depth = 0;
  std::uint64_t entries = 0;
  std::uint64_t root = kNoPage;
};

Table load_table(ByteSpan bytes) {
  return {load<std::uint16_t>(bytes, 4), load<std::uint16_t>(bytes, 6),
          load<std::uint64_t>(bytes, 32), load<std::uint64_t>(bytes, 40)};
}

struct Node {
  ByteSpan key;
  ByteSpan data;  // leaf; where it lies, overflow pages included
  std::uint64_t child = 0;
  std::uint16_t flags = 0;
};

class Checker {
 public:
  explicit Checker(ByteSpan file) : file_(file) {}
  std::string run();

 private:
  enum class Kind { free_list, main, records };
  bool load_metas();
  bool fail(const char* what) {
    if (fault_.empty()) fault_ = what;
    return false;
  }
  bool table(const Table& table, Kind kind);
  bool tree(std::uint64_t number, unsigned level, const Table& table, Kind kind);
  bool take_pages(std::uint64_t first, std::uint64_t count);
  std::optional<Node> node(ByteSpan page, std::uint16_t offset, bool leaf, std::size_t& size);
  bool big_data(Node& node, std::uint64_t size);
  bool leaf_node(const Node& node, Kind kind);
  bool free_pages(const Node& node);
  bool order(ByteSpan key, Kind kind);
  bool separator(ByteSpan key, Kind kind);
  static bool less(ByteSpan a, ByteSpan b, Kind kind);
  std::size_t node_max() const { return ((page_size_ - kHeader) / 2 & ~std::size_t{1}) - 2; }

  ByteSpan file_;
  std::string fault_;
  std::size_t page_size_ = 0;
  std::uint64_t last_page_ = 0;
  std::uint64_t transaction_ = 0;
  Table free_list_;
  Table main_;
  std::vector<bool> used_;
  std::vector<Table> sub_tables_;
  std::uint64_t entries_ = 0;         // of the table that is walked
  std::optional<ByteSpan> previous_;  // its last key
  std::optional<ByteSpan> at_least_;  // the separator before the next key
};

std::string Checker::run() {
  if (!load_metas()) return fault_;
  used_.assign(last_page_ + 1, false);
  used_[0] = used_[1] = true;
  if (!table(main_, Kind::main)) return fault_;
  const std::vector<Table> subs = sub_tables_;
  for (const Table& sub : subs)
    if (!table(sub, Kind::records)) return fault_;
  // Last, so that a free page that is in use is found.
  static_cast<void>(table(free_list_, Kind::free_list));
  return fault_;
}

bool Checker::load_metas() {
  if (file_.size() < kHeader + kMetaBytes) return fail("the file is shorter than a meta page");
  page_size_ = load<std::uint32_t>(file_, kHeader + 24);
  if (page_size_ < kPageMin || page_size_ > kPageMax || !std::has_single_bit(page_size_))
    return fail("the page size is impossible");
  if (file_.size() < 2 * page_size_) return fail("the file is shorter than two meta pages");
  bool found = false;
  for (std::size_t i = 0; i < 2; ++i) {
    const ByteSpan page = file_.subspan(i * page_size_, page_size_);
    const ByteSpan meta = page.subspan(kHeader, kMetaBytes);
    if (load<std::uint64_t>(page, 0) != i || load<std::uint16_t>(page, 10) != kMeta ||
        load<std::uint32_t>(meta, 0) != kMagic || load<std::uint32_t>(meta, 4) != 1 ||
        load<std::uint32_t>(meta, 24) != page_size_)
      return fail("a meta page is damaged");
    const auto transaction = load<std::uint64_t>(meta, kMetaBytes - 8);
    // Transactions are written to the two pages by turns, and count from 1.
    if (transaction > kTransactionMax || (transaction != 0 && transaction % 2 != i))
      return fail("the transaction number of a meta page is impossible");
    if (found && transaction <= transaction_) continue;
    found = true;
    transaction_ = transaction;
    last_page_ = load<std::uint64_t>(meta, kMetaBytes - 16);
    free_list_ = load_table(meta.subspan(24, kTableBytes));
    main_ = load_table(meta.subspan(24 + kTableBytes, kTableBytes));
  }
  if (last_page_ < 1 || last_page_ >= file_.size() / page_size_)
    return fail("the file is shorter than it says");
  if ((free_list_.flags & ~kNoSubdir) != kIntegerKey || main_.flags != 0)
    return fail("the flags of a table are damaged");
  return true;
}

bool Checker::take_pages(std::uint64_t first, std::uint64_t count) {
  if (first < 2 || first > last_page_ || count > last_page_ - first + 1)
    return fail("a page lies outside the file");
  for (std::uint64_t page = first; page < first + count; ++page) {
    if (used_[page]) return fail("a page is used twice");
    used_[page] = true;
  }
  return true;
}

bool Checker::table(const Table& table, Kind kind) {
  if (table.root == kNoPage)
    return table.depth == 0 && table.entries == 0 ? true : fail("an empty table is not empty");
  if (table.depth < 1 || table.depth > kDepthMax) return fail("the depth of a table is impossible");
  entries_ = 0;
  previous_.reset();
  at_least_.reset();
  if (!tree(table.root, 1, table, kind)) return false;
  return entries_ == table.entries ? true
                                   : fail("a table has another number of entries than it says");
}

bool Checker::tree(std::uint64_t number, unsigned level, const Table& table, Kind kind) {
  if (!take_pages(number, 1)) return false;
  const ByteSpan page = file_.subspan(number * page_size_, page_size_);
  const bool leaf = level == table.depth;
  if (load<std::uint64_t>(page, 0) != number) return fail("a page has another number");
  if (load<std::uint16_t>(page, 10) != (leaf ? kLeaf : kBranch))
    return fail("a page is not of the kind that its place asks for");
  const std::size_t lower = load<std::uint16_t>(page, 12);
  const std::size_t upper = load<std::uint16_t>(page, 14);
  if (lower < kHeader || lower % 2 != 0 || lower > upper || upper > page_size_)
    return fail("the bounds of a page are impossible");
  const std::size_t count = (lower - kHeader) / 2;
  if (count < (leaf ? 1U : 2U)) return fail("a page holds too few nodes");
  std::size_t sizes = 0;
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (std::size_t i = 0; i < count; ++i) {
    const auto offset = load<std::uint16_t>(page, kHeader + 2 * i);
    if (offset < upper) return fail("a node lies outside its page");
    std::size_t size = 0;
    const auto one = node(page, offset, leaf, size);
    if (!one) return false;
    sizes += size;
    places.emplace_back(offset, size);
    // The first key of a branch page says nothing, and is empty as a rule.
    if (leaf ? !(order(one->key, kind) && leaf_node(*one, kind))
             : !((i == 0 || separator(one->key, kind)) &&
                 tree(one->child, level + 1, table, kind)))
      return false;
  }
  if (sizes != page_size_ - upper) return fail("the nodes of a page do not fill their room");
  std::sort(places.begin(), places.end());
  for (std::size_t i = 1; i < places.size(); ++i)
    if (places[i - 1].first + places[i - 1].second > places[i].first)
      return fail("two nodes overlap");
  return true;
}

std::optional<Node> Checker::node(ByteSpan page, std::uint16_t offset, bool leaf,
                                  std::size_t& size) {
  if (offset % 2 != 0 || offset + kNodeHeader > page.size()) {
    fail("a node lies outside its page");
    return std::nullopt;
  }
  const std::uint64_t low = load<std::uint16_t>(page, offset);
  const std::uint64_t high = load<std::uint16_t>(page, offset + 2U);
  Node node;
  node.flags = load<std::uint16_t>(page, offset + 4U);
  const std::size_t key_size = load<std::uint16_t>(page, offset + 6U);
  const std::uint64_t data_size = low | (high << 16U);
  node.child = data_size | (std::uint64_t{node.flags} << 32U);
  const bool big = leaf && (node.flags & kBigData) != 0;
  const std::uint64_t here = !leaf ? 0 : big ? 8 : data_size;
  const std::size_t room = page.size() - offset - kNodeHeader;
  if (key_size > kKeyMax || key_size > room || here > room - key_size) {
    fail("a node reaches beyond its page");
    return std::nullopt;
  }
  size = (kNodeHeader + key_size + here + 1) & ~std::size_t{1};
  if (size > node_max()) {
    fail("a node is larger than a page may hold twice");
    return std::nullopt;
  }
  node.key = page.subspan(offset + kNodeHeader, key_size);
  node.data = page.subspan(offset + kNodeHeader + key_size, here);
  if (big && !big_data(node, data_size)) return std::nullopt;
  return node;
}

/// The data of a large value: a row of pages, of which the first alone has a header. A value that
/// became shorter keeps its pages.
bool Checker::big_data(Node& node, std::uint64_t size) {
  const auto first = load<std::uint64_t>(node.data, 0);
  if (!take_pages(first, 1)) return false;
  const ByteSpan head = file_.subspan(first * page_size_, page_size_);
  const std::uint64_t count = load<std::uint32_t>(head, 12);
  if (load<std::uint64_t>(head, 0) != first || load<std::uint16_t>(head, 10) != kOverflow ||
      count < (kHeader - 1 + size) / page_size_ + 1)
    return fail("the pages of a large value are damaged");
  if (!take_pages(first + 1, count - 1)) return false;
  const ByteSpan pages = file_.subspan(first * page_size_, count * page_size_);
  node.data = pages.subspan(kHeader, size);
  return true;
}

bool Checker::less(ByteSpan a, ByteSpan b, Kind kind) {
  if (kind == Kind::free_list) return load<std::uint64_t>(a, 0) < load<std::uint64_t>(b, 0);
  return std::ranges::lexicographical_compare(a, b);
}

bool Checker::order(ByteSpan key, Kind kind) {
  ++entries_;
  if (key.empty() || (kind == Kind::free_list && key.size() != sizeof(std::uint64_t)))
    return fail("a key has an impossible size");
  if (previous_ && !less(*previous_, key, kind)) return fail("keys are not in order");
  if (at_least_ && less(key, *at_least_, kind)) return fail("a key stands in the wrong page");
  previous_ = key;
  at_least_.reset();
  return true;
}

/// What a branch page says of its next child: larger than all keys before, at most its first key.
bool Checker::separator(ByteSpan key, Kind kind) {
  if (key.empty() || (kind == Kind::free_list && key.size() != sizeof(std::uint64_t)))
    return fail("a key has an impossible size");
  if (!previous_ || !less(*previous_, key, kind)) return fail("keys are not in order");
  at_least_ = key;
  return true;
}

bool Checker::leaf_node(const Node& node, Kind kind) {
  const auto flags = static_cast<std::uint16_t>(node.flags & ~kBigData);
  if (kind == Kind::free_list)
    return flags == 0 ? free_pages(node) : fail("a free list entry is damaged");
  if (kind == Kind::records) return flags == 0 ? true : fail("the flags of a node are damaged");
  if (flags != kSubTable || node.data.size() != kTableBytes || sub_tables_.size() >= 8)
    return fail("the list of tables is damaged");
  sub_tables_.push_back(load_table(node.data));
  return sub_tables_.back().flags == 0 ? true : fail("the flags of a table are damaged");
}

/// A count, then page numbers in descending order, all of them free.
bool Checker::free_pages(const Node& node) {
  if (node.data.size() < 8 || node.data.size() % 8 != 0)
    return fail("a free list entry is damaged");
  const auto count = load<std::uint64_t>(node.data, 0);
  const auto freed_by = load<std::uint64_t>(node.key, 0);
  if (count != node.data.size() / 8 - 1 || freed_by == 0 || freed_by > transaction_)
    return fail("a free list entry is damaged");
  std::uint64_t above = kNoPage;
  for (std::uint64_t i = 1; i <= count; ++i) {
    const auto page = load<std::uint64_t>(node.data, 8 * i);
    if (page >= above) return fail("a free list entry is out of order");
    if (!take_pages(page, 1)) return false;
    above = page;
  }
  return true;
}

}  // namespace

std::string check_pages(ByteSpan file) { return Checker(file).run(); }

}  // namespace hotpair::checkpoint::store
