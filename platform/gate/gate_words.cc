#include "platform/gate/gate_words.h"

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
  const std::size_t bytes = (kGateHeaderWords + slots) * sizeof(GateWord);
  return (bytes + page - 1) / page * page;
}

}  // namespace

GateWord lease_until(TimePoint end) {
  const auto ns = end.time_since_epoch().count();
  return ns > 0 ? static_cast<GateWord>(ns) : kGateClosed;
}

bool gate_is_open(GateWord word, TimePoint now) {
  return word == kGateOpen || word > static_cast<GateWord>(now.time_since_epoch().count());
}

Result<GateWords> GateWords::map_writable(int words_fd) { return map(words_fd, true); }

Result<GateWords> GateWords::map_readable(int words_fd) { return map(words_fd, false); }

Result<GateWords> GateWords::map(int words_fd, bool writable) {
  const std::size_t first_page = mapping_bytes(0);
  void* header = ::mmap(nullptr, first_page, PROT_READ, MAP_SHARED, words_fd, 0);
  if (header == MAP_FAILED)
    return fail(ErrorCode::unavailable,
                fmt::format("gate words cannot be mapped: {}", std::strerror(errno)));
  std::uint64_t magic = 0;
  std::uint64_t slots = 0;
  std::memcpy(&magic, header, sizeof magic);
  std::memcpy(&slots, static_cast<const std::byte*>(header) + sizeof magic, sizeof slots);
  static_cast<void>(::munmap(header, first_page));
  if (magic != kGateMagic)
    return fail(
        ErrorCode::malformed,
        fmt::format("gate words have layout {:#x}, this program knows {:#x}", magic, kGateMagic));
  if (slots == 0 || slots > kGateSlotsMax)
    return fail(ErrorCode::malformed, fmt::format("gate words claim {} slots", slots));
  const std::size_t bytes = mapping_bytes(slots);
  void* base = ::mmap(nullptr, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
                      words_fd, 0);
  if (base == MAP_FAILED)
    return fail(ErrorCode::unavailable,
                fmt::format("{} gate words cannot be mapped: {}", slots, std::strerror(errno)));
  return GateWords(static_cast<std::uint64_t*>(base), bytes, slots, writable);
}

GateWords::GateWords(GateWords&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      bytes_(other.bytes_),
      slots_(std::exchange(other.slots_, 0)),
      writable_(other.writable_) {}

GateWords& GateWords::operator=(GateWords&& other) noexcept {
  if (this != &other) {
    unmap();
    base_ = std::exchange(other.base_, nullptr);
    bytes_ = other.bytes_;
    slots_ = std::exchange(other.slots_, 0);
    writable_ = other.writable_;
  }
  return *this;
}

GateWords::~GateWords() { unmap(); }

void GateWords::unmap() {
  if (base_ != nullptr) static_cast<void>(::munmap(base_, bytes_));
  base_ = nullptr;
}

void GateWords::store(std::size_t slot, GateWord word) {
  HA_ASSERT(writable_ && slot < slots_);
  std::atomic_ref<std::uint64_t>(base_[kGateHeaderWords + slot])
      .store(word, std::memory_order_seq_cst);
}

GateWord GateWords::load(std::size_t slot) const {
  HA_ASSERT(slot < slots_);
  return std::atomic_ref<std::uint64_t>(base_[kGateHeaderWords + slot])
      .load(std::memory_order_seq_cst);
}

}  // namespace hotpair::platform::gate
