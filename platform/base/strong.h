#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace hotpair {

/// A value of type T that is not interchangeable with any other: explicit in, `.value()` out.
/// Ordering is memberwise; a protocol number that has no order gets a type of its own instead.
template <typename Tag, typename T>
class Strong {
 public:
  using Value = T;
  constexpr Strong() = default;
  explicit constexpr Strong(T value) : value_(value) {}
  [[nodiscard]] constexpr T value() const { return value_; }
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;

 private:
  T value_{};
};

}  // namespace hotpair

template <typename Tag, typename T>
struct std::hash<hotpair::Strong<Tag, T>> {
  std::size_t operator()(const hotpair::Strong<Tag, T>& strong) const noexcept {
    return std::hash<T>{}(strong.value());
  }
};
