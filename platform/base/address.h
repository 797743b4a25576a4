#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "platform/base/bytes.h"
#include "platform/base/result.h"

namespace hotpair {

enum class Family : std::uint8_t { ipv4 = 4, ipv6 = 6 };

/// An IPv4 or IPv6 address. Ordered by family, then by value in network byte order.
class IpAddress {
 public:
  /// 0.0.0.0.
  constexpr IpAddress() = default;
  [[nodiscard]] static IpAddress any(Family family);
  [[nodiscard]] static IpAddress v4(std::uint32_t host_order);
  /// 4 bytes make IPv4, 16 make IPv6; anything else is malformed.
  [[nodiscard]] static Result<IpAddress> from_bytes(ByteSpan bytes);
  /// Dotted quad or RFC 4291 text; no prefix length, no zone.
  [[nodiscard]] static Result<IpAddress> parse(std::string_view text);

  [[nodiscard]] constexpr Family family() const { return family_; }
  [[nodiscard]] bool is_v4() const { return family_ == Family::ipv4; }
  [[nodiscard]] bool is_v6() const { return family_ == Family::ipv6; }
  /// Length 4 or 16, network byte order.
  [[nodiscard]] ByteSpan bytes() const { return {bytes_.data(), is_v4() ? 4U : 16U}; }
  /// IPv4 only: the address as a host-order number.
  [[nodiscard]] std::uint32_t v4_value() const;
  [[nodiscard]] unsigned bits() const { return is_v4() ? 32 : 128; }

  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] bool is_multicast() const;
  /// 169.254/16 or fe80::/10.
  [[nodiscard]] bool is_link_local_unicast() const;
  /// 224.0.0.0/24, or an IPv6 group of scope 0, 1 or 2: never routed.
  [[nodiscard]] bool is_link_local_multicast() const;
  /// RFC 5952 text in lower case, or a dotted quad.
  [[nodiscard]] std::string to_string() const;
  /// As the seeds print it: IPv6 in upper case ("2001:DB8:33::33").
  [[nodiscard]] std::string to_upper_string() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  Family family_ = Family::ipv4;
  std::array<std::byte, 16> bytes_{};
};

/// An address with a prefix length; host bits are kept (an interface address) until network().
struct IpPrefix {
  IpAddress address;
  std::uint8_t length = 0;

  [[nodiscard]] static Result<IpPrefix> parse(std::string_view text);
  [[nodiscard]] IpPrefix network() const;
  [[nodiscard]] bool contains(const IpAddress& other) const;
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;
};

/// A multicast group: made only by from() and parse(), so holding one proves that it is multicast.
class Group {
 public:
  [[nodiscard]] static Result<Group> from(const IpAddress& address);
  [[nodiscard]] static Result<Group> parse(std::string_view text);
  [[nodiscard]] const IpAddress& address() const { return address_; }
  [[nodiscard]] Family family() const { return address_.family(); }
  [[nodiscard]] std::string to_string() const { return address_.to_string(); }
  /// 232/8 or ff3x::/32 (RFC 4607).
  [[nodiscard]] bool is_default_ssm() const;
  friend auto operator<=>(const Group&, const Group&) = default;

 private:
  explicit Group(const IpAddress& address) : address_(address) {}
  IpAddress address_;
};

/// 48 bits; text is "00e0-fc12-3455" as the seeds write it, "00:e0:…" is accepted too.
struct MacAddress {
  std::array<std::uint8_t, 6> octets{};
  [[nodiscard]] static Result<MacAddress> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const MacAddress&, const MacAddress&) = default;
};

}  // namespace hotpair

template <>
struct std::hash<hotpair::IpAddress> {
  std::size_t operator()(const hotpair::IpAddress& address) const noexcept;
};
template <>
struct std::hash<hotpair::Group> {
  std::size_t operator()(const hotpair::Group& group) const noexcept {
    return std::hash<hotpair::IpAddress>{}(group.address());
  }
};
