#include "mcast/rp/bsr_zone.h"

#include <algorithm>
#include <utility>

namespace hotpair::mcast::rp {
namespace {

bool same_content(const wire::PimBootstrap& a, const wire::PimBootstrap& b) {
  return a.no_forward == b.no_forward && a.hash_mask_length == b.hash_mask_length &&
         a.bsr_priority == b.bsr_priority && a.bsr == b.bsr && a.ranges == b.ranges;
}

/// On the wire, roughly and not too small (RFC 5059 4.1).
std::size_t size_of(const wire::PimBootstrap& fragment) {
  std::size_t size = 32;
  for (const wire::PimBootstrapRange& range : fragment.ranges) size += 24 + 22 * range.rps.size();
  return size;
}

}  // namespace

bool BootstrapCache::add(const wire::PimBootstrap& fragment) {
  const bool goes_on =
      filled_ > 0 && fragment.fragment_tag == tag_ && slots_[filled_ - 1].bsr == fragment.bsr;
  if (!goes_on) {
    cut(filled_);
    filled_ = 0;
    tag_ = fragment.fragment_tag;
  }
  wire::PimBootstrap kept = fragment;
  kept.no_forward = false;
  const auto current = slots_.begin() + static_cast<std::ptrdiff_t>(filled_);
  if (std::any_of(slots_.begin(), current,
                  [&](const wire::PimBootstrap& slot) { return same_content(slot, kept); }))
    return true;
  if (filled_ >= kFragmentsMax || size_of(kept) > kFragmentBytesMax) return false;
  if (filled_ == slots_.size() || !same_content(slots_[filled_], kept)) {
    if (filled_ == slots_.size()) slots_.emplace_back();
    slots_[filled_] = kept;
    changes_[static_cast<std::uint16_t>(filled_)] = std::move(kept);
  }
  ++filled_;
  return true;
}

void BootstrapCache::restore(std::uint16_t index,
                             const std::optional<wire::PimBootstrap>& fragment) {
  if (index >= kFragmentsMax || (fragment && size_of(*fragment) > kFragmentBytesMax)) return;
  if (fragment) {
    if (index >= slots_.size()) slots_.resize(std::size_t{index} + 1);
    slots_[index] = *fragment;
  } else if (index < slots_.size()) {
    slots_.resize(index);  // slots end from behind
  }
  filled_ = slots_.size();
  tag_ = slots_.empty() ? std::uint16_t{0} : slots_.front().fragment_tag;
}

void BootstrapCache::clear() {
  cut(0);
  filled_ = 0;
}

std::vector<wire::PimBootstrap> BootstrapCache::message() const {
  std::vector<wire::PimBootstrap> result(slots_.begin(),
                                         slots_.begin() + static_cast<std::ptrdiff_t>(filled_));
  for (wire::PimBootstrap& fragment : result) fragment.fragment_tag = tag_;
  return result;
}

std::map<std::uint16_t, std::optional<wire::PimBootstrap>> BootstrapCache::take_changes() {
  return std::exchange(changes_, {});
}

void BootstrapCache::cut(std::size_t size) {
  for (std::size_t i = size; i < slots_.size(); ++i)
    changes_[static_cast<std::uint16_t>(i)] = std::nullopt;
  slots_.resize(size);
}

}  // namespace hotpair::mcast::rp
