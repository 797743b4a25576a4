#include "platform/base/entropy.h"

namespace hotpair {

std::uint64_t Entropy::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebULL;
  return mixed ^ (mixed >> 31U);
}

Duration Entropy::up_to(Duration limit) {
  if (limit <= Duration::zero()) return Duration::zero();
  const auto span = static_cast<std::uint64_t>(limit.count()) + 1;
  return Duration(static_cast<Duration::rep>(next() % span));
}

}  // namespace hotpair
