#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rbs/tls/certificate.h"

using X509_STORE = struct x509_store_st;

/// Shared by the files of this folder that know OpenSSL; nobody else needs it.
namespace hotpair::rbs::tls {

/// Frees an OpenSSL object by its own function.
template <auto Free>
struct FreeBy {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, FreeBy<Free>>;

/// A certificate before its judge.
struct Judged {
  X509* certificate = nullptr;
  std::string whose;               ///< begins every sentence: "peer", "own"
  std::span<X509* const> further;  ///< what else its owner showed
  std::span<X509* const> cas;      ///< trusted, the same as in the store
  X509_STORE* store = nullptr;
  bool has_crl = false;
  const std::string* expected_uri = nullptr;  ///< none: any one name
  WallTime now;
};

/// Every rule of Credentials; the first one broken is the verdict.
[[nodiscard]] Verdict judge(const Judged& about);
/// Every SAN URI, bytes that are no printable ASCII shown as '?'.
[[nodiscard]] std::vector<std::string> uris_of(X509* certificate);

}  // namespace hotpair::rbs::tls
