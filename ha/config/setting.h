#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

namespace hotpair::ha::config {

/// Where a value was written. Two configurations that differ only in lines are equal.
struct SourceLine {
  std::uint32_t number = 0;  ///< first line is 1; 0: not from a file
  friend constexpr bool operator==(const SourceLine&, const SourceLine&) { return true; }
};

/// A value with a default. `configured` tells whether a line sets it.
template <typename T>
struct Setting {
  T value{};
  bool configured = false;
  SourceLine line{};

  [[nodiscard]] const T& operator*() const { return value; }
  [[nodiscard]] const T* operator->() const { return &value; }
  [[nodiscard]] explicit operator bool() const requires(!std::is_same_v<T, bool>) {
    return configured;
  }
  void set(T new_value, SourceLine at) {
    value = std::move(new_value);
    configured = true;
    line = at;
  }
  friend bool operator==(const Setting&, const Setting&) = default;
};

}  // namespace hotpair::ha::config
