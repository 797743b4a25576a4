#include "platform/base/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <cstring>

namespace hotpair {
namespace {

std::uint8_t octet(const IpAddress& address, std::size_t index) {
  return std::to_integer<std::uint8_t>(address.bytes()[index]);
}

}  // namespace

IpAddress IpAddress::any(Family family) {
  IpAddress address;
  address.family_ = family;
  return address;
}

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress address;
  for (unsigned i = 0; i < 4; ++i)
    address.bytes_[i] = static_cast<std::byte>((host_order >> (24U - 8U * i)) & 0xffU);
  return address;
}

Result<IpAddress> IpAddress::from_bytes(ByteSpan bytes) {
  if (bytes.size() != 4 && bytes.size() != 16)
    return fail(ErrorCode::malformed,
                fmt::format("an address has 4 or 16 bytes, not {}", bytes.size()));
  IpAddress address = any(bytes.size() == 4 ? Family::ipv4 : Family::ipv6);
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  IpAddress address;
  if (inet_pton(AF_INET, copy.c_str(), address.bytes_.data()) == 1) return address;
  address = any(Family::ipv6);
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes_.data()) == 1) return address;
  return fail(ErrorCode::malformed, fmt::format("'{}' is not an IPv4 or IPv6 address", text));
}

std::uint32_t IpAddress::v4_value() const {
  return (static_cast<std::uint32_t>(octet(*this, 0)) << 24U) |
         (static_cast<std::uint32_t>(octet(*this, 1)) << 16U) |
         (static_cast<std::uint32_t>(octet(*this, 2)) << 8U) | octet(*this, 3);
}

bool IpAddress::is_unspecified() const {
  for (const std::byte byte : bytes())
    if (byte != std::byte{0}) return false;
  return true;
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return octet(*this, 0) == 127;
  for (std::size_t i = 0; i < 15; ++i)
    if (bytes_[i] != std::byte{0}) return false;
  return bytes_[15] == std::byte{1};
}

bool IpAddress::is_multicast() const {
  return is_v4() ? (octet(*this, 0) & 0xf0U) == 0xe0U : octet(*this, 0) == 0xff;
}

bool IpAddress::is_link_local_unicast() const {
  if (is_v4()) return octet(*this, 0) == 169 && octet(*this, 1) == 254;
  return octet(*this, 0) == 0xfe && (octet(*this, 1) & 0xc0U) == 0x80U;
}

bool IpAddress::is_link_local_multicast() const {
  if (!is_multicast()) return false;
  if (is_v4()) return octet(*this, 0) == 224 && octet(*this, 1) == 0 && octet(*this, 2) == 0;
  return (octet(*this, 1) & 0x0fU) <= 2;
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
  return text;
}

std::string IpAddress::to_upper_string() const {
  std::string text = to_string();
  for (char& c : text)
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

Result<IpPrefix> IpPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos)
    return fail(ErrorCode::malformed, fmt::format("'{}' has no prefix length", text));
  auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::unexpected(address.error());
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc{} || end != digits.data() + digits.size() || length > address->bits())
    return fail(ErrorCode::malformed,
                fmt::format("prefix length '{}' is not 0 to {}", digits, address->bits()));
  return IpPrefix{*address, static_cast<std::uint8_t>(length)};
}

IpPrefix IpPrefix::network() const {
  std::array<std::byte, 16> masked{};
  const ByteSpan bytes = address.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t first_bit = 8 * i;
    if (first_bit + 8 <= length) {
      masked[i] = bytes[i];
    } else if (first_bit < length) {
      masked[i] = bytes[i] & static_cast<std::byte>(0xffU << (8 - (length - first_bit)));
    }
  }
  return {*IpAddress::from_bytes(ByteSpan(masked).first(bytes.size())), length};
}

bool IpPrefix::contains(const IpAddress& other) const {
  if (other.family() != address.family()) return false;
  return IpPrefix{other, length}.network().address == network().address;
}

std::string IpPrefix::to_string() const {
  return fmt::format("{}/{}", address.to_string(), length);
}

Result<Group> Group::from(const IpAddress& address) {
  if (!address.is_multicast())
    return fail(ErrorCode::malformed,
                fmt::format("{} is not a multicast address", address.to_string()));
  return Group(address);
}

Result<Group> Group::parse(std::string_view text) {
  auto address = IpAddress::parse(text);
  if (!address) return std::unexpected(address.error());
  return from(*address);
}

bool Group::is_default_ssm() const {
  if (address_.is_v4()) return octet(address_, 0) == 232;
  return (octet(address_, 1) & 0xf0U) == 0x30U && octet(address_, 2) == 0 &&
         octet(address_, 3) == 0;
}

Result<MacAddress> MacAddress::parse(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (c != '-' && c != ':' && c != '.') digits.push_back(c);
  MacAddress mac;
  bool good = digits.size() == 12;
  for (std::size_t i = 0; good && i < 6; ++i) {
    const char* first = digits.data() + 2 * i;
    const auto [end, error] = std::from_chars(first, first + 2, mac.octets[i], 16);
    good = error == std::errc{} && end == first + 2;
  }
  if (!good)
    return fail(ErrorCode::malformed,
                fmt::format("'{}' is not a MAC address such as 00e0-fc12-3455", text));
  return mac;
}

std::string MacAddress::to_string() const {
  return fmt::format("{:02x}{:02x}-{:02x}{:02x}-{:02x}{:02x}", octets[0], octets[1], octets[2],
                     octets[3], octets[4], octets[5]);
}

}  // namespace hotpair

std::size_t std::hash<hotpair::IpAddress>::operator()(
    const hotpair::IpAddress& address) const noexcept {
  std::uint64_t words[2] = {};
  std::memcpy(words, address.bytes().data(), address.bytes().size());
  std::uint64_t mixed = words[0] * 0x9e3779b97f4a7c15ULL + words[1];
  mixed ^= mixed >> 32U;
  mixed *= 0xd6e8feb86659fd93ULL;
  return mixed ^ (mixed >> 32U);
}
