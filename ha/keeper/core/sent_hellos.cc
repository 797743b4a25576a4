#include "ha/keeper/core/sent_hellos.h"

#include <algorithm>

namespace hotpair::ha::keeper {
namespace {

// Hellos of one instant, one a path, are one: the counter of the first stands for all.
constexpr Duration kOneInstant = std::chrono::milliseconds(1);

}  // namespace

void SentHellos::on_sent(const Sending& hello, TimePoint now) {
  if (hello.echo != echo_ || hello.timeout != timeout_) count_ = 0;
  on_built(hello.timeout);
  echo_ = hello.echo;
  timeout_ = hello.timeout;
  if (count_ > 0 && now - sent_[count_ - 1].at < kOneInstant) return;
  if (count_ == kKept) {
    std::copy(sent_.begin() + 1, sent_.end(), sent_.begin());
    --count_;
  }
  sent_[count_++] = {hello.counter, now};
}

void SentHellos::on_echo(std::uint64_t session, std::uint64_t counter) {
  if (session != echo_) return;
  std::size_t heard = 0;
  while (heard < count_ && sent_[heard].counter <= counter) ++heard;
  if (heard == 0) return;
  proof_ = {sent_[heard - 1].at, timeout_};
  // The newest one heard stays: those of its instant count as it.
  std::copy(sent_.begin() + static_cast<std::ptrdiff_t>(heard - 1),
            sent_.begin() + static_cast<std::ptrdiff_t>(count_), sent_.begin());
  count_ -= heard - 1;
}

}  // namespace hotpair::ha::keeper
