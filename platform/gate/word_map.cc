#include "platform/gate/word_map.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "platform/base/assert.h"

namespace hotpair::platform::gate {
namespace {

std::size_t mapping_bytes(std::size_t slots) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t bytes = (WordMap::kHeaderWords + slots) * sizeof(std::uint64_t);
  return (bytes + page - 1) / page * page;
}

}  // namespace

Result<WordMap> WordMap::map(int fd, const Layout& layout, bool writable) {
  const std::size_t first_page = mapping_bytes(0);
  void* header = ::mmap(nullptr, first_page, PROT_READ, MAP_SHARED, fd, 0);
  if (header == MAP_FAILED)
    return fail(ErrorCode::unavailable,
                fmt::format("{} cannot be mapped: {}", layout.name, std::strerror(errno)));
  std::uint64_t magic = 0;
  std::uint64_t slots = 0;
  std::memcpy(&magic, header, sizeof magic);
  std::memcpy(&slots, static_cast<const std::byte*>(header) + sizeof magic, sizeof slots);
  static_cast<void>(::munmap(header, first_page));
  if (magic != layout.magic)
    return fail(ErrorCode::malformed, fmt::format("{} have layout {:#x}, this program knows {:#x}",
                                                  layout.name, magic, layout.magic));
  if (slots == 0 || slots > layout.slots_max)
    return fail(ErrorCode::malformed, fmt::format("{} claim {} slots", layout.name, slots));
  const std::size_t bytes = mapping_bytes(slots);
  void* base =
      ::mmap(nullptr, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED)
    return fail(ErrorCode::unavailable, fmt::format("{} {} cannot be mapped: {}", slots,
                                                    layout.name, std::strerror(errno)));
  return WordMap(static_cast<std::uint64_t*>(base), bytes, slots, writable);
}

WordMap::WordMap(WordMap&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      bytes_(other.bytes_),
      slots_(std::exchange(other.slots_, 0)),
      writable_(other.writable_) {}

WordMap& WordMap::operator=(WordMap&& other) noexcept {
  if (this != &other) {
    unmap();
    base_ = std::exchange(other.base_, nullptr);
    bytes_ = other.bytes_;
    slots_ = std::exchange(other.slots_, 0);
    writable_ = other.writable_;
  }
  return *this;
}

WordMap::~WordMap() { unmap(); }

void WordMap::unmap() {
  if (base_ != nullptr) static_cast<void>(::munmap(base_, bytes_));
  base_ = nullptr;
}

void WordMap::store(std::size_t slot, std::uint64_t word) {
  HA_ASSERT(writable_ && slot < slots_);
  std::atomic_ref<std::uint64_t>(base_[kHeaderWords + slot]).store(word, std::memory_order_seq_cst);
}

std::uint64_t WordMap::load(std::size_t slot) const {
  HA_ASSERT(slot < slots_);
  return std::atomic_ref<std::uint64_t>(base_[kHeaderWords + slot]).load(std::memory_order_seq_cst);
}

}  // namespace hotpair::platform::gate
