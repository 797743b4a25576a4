#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "platform/base/result.h"
#include "platform/base/time.h"
#include "rbs/tls/certificate.h"

/// The pair's own CA, made on one of the two nodes or wherever its key is safe. Files of its
/// folder: `ca.pem` and `ca.key`, and per node `NODE.pem` and `NODE.key`. Keys are EC P-256, mode
/// 0600.
namespace hotpair::rbs::tls {

inline constexpr std::chrono::days kAuthorityLife{3650};
inline constexpr std::chrono::days kCertificateLife{365};

struct IssueRequest {
  std::string node;  ///< names the files and the subject: letters, digits, '-', '_' and '.'
  std::string uri;   ///< SAN URI; empty: default_uri(node)
  std::chrono::days life = kCertificateLife;
};

/// "hotpair:node:NODE"
[[nodiscard]] std::string default_uri(const std::string& node);

/// Makes a CA that may issue certificates of nodes and nothing below them (RFC 5280 4.2.1.9,
/// pathLenConstraint 0). `exists` when the folder has one.
[[nodiscard]] Result<CertificateFacts> create_authority(const std::filesystem::path& folder,
                                                        const std::string& name, WallTime now);

/// Makes a key and a certificate for a node, in place of those that are there. Both are whole or
/// the old ones stay.
[[nodiscard]] Result<CertificateFacts> issue_certificate(const std::filesystem::path& folder,
                                                         const IssueRequest& request, WallTime now);

}  // namespace hotpair::rbs::tls
