#pragma once
/// From a source specification to an immutable artifact with a readable tree.
///
/// Git over HTTP (protocol version 2, else 0 and 1) and Git repositories on this machine. Follows
/// Flux's source-controller in what a ref means, how a revision is written and what errors say
/// (after its "failed to checkout and determine revision: "). Never checks files out, never
/// fetches history, never follows submodules.

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "sluice/base/cancel.hpp"
#include "sluice/base/digest.hpp"
#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/http/client.hpp"
#include "sluice/sources/tree.hpp"

namespace sluice::sources {

/// GitRepository.spec.ref. Precedence as Flux: commit, name, semver, tag, branch; nothing: branch
/// master.
struct GitRef {
  // Each with an initializer, so that one can be named alone: {.branch = "main"}.
  std::string branch{}, tag{}, semver{}, name{}, commit{};
  /// Not Flux's; before all others but `commit`: "HEAD", or a name as `git fetch URL NAME` finds
  /// it (itself, then below refs/, refs/tags/, refs/heads/, refs/remotes/).
  std::string any{};
};

struct GitSpec {
  std::string id{};   ///< names the object database: "namespace/name"; one per source, never shared
  std::string url{};  ///< http(s)://, or file:///path of a repository on this machine
  GitRef ref{};
  std::chrono::milliseconds timeout{60'000};
  std::string proxy{};  ///< of HTTP; "": none
};

/// All optional. Values come from Secrets.
struct Credentials {
  std::string username{};
  std::shared_ptr<const crypto::SecretBytes> password{};
  std::shared_ptr<const crypto::SecretBytes> bearer_token{};
  std::string ca_pem{};
  std::string client_certificate_pem{};
  std::shared_ptr<const crypto::SecretBytes> client_key_pem{};
};

struct Artifact {
  std::string revision;  ///< as Flux writes it: "main@sha1:<40 hex>", "v1@sha1:…", "sha1:…"
  Digest digest;         ///< Git id of the tree
  std::string commit;    ///< 40 hex
  std::string subject;   ///< first line of the commit message; after 50 characters "..."
  std::shared_ptr<const Tree> tree;
};

/// What a pull cost, for tests and metrics.
struct PullStats {
  int requests = 0;         ///< HTTP requests
  bool unchanged = false;   ///< the remote's ref still names the artifact we have
  std::size_t objects = 0;  ///< new objects received
  std::size_t bytes = 0;
};

struct SourceLimits {
  std::size_t max_pack_bytes = 1U << 30;  ///< of one transfer
  /// When this many increments have come, the next change is fetched whole and the old packs go.
  std::size_t max_packs = 40;
};

/// Keeps one bare object database per source below `directory` (ciphertext only: what the source
/// holds). Thread-safe; two pulls of one source wait for each other. What is on disk is complete at
/// every moment: a process killed in the middle of a pull finds the last complete artifact, and a
/// damaged database is fetched anew. Trees stay readable as long as they are held, whatever later
/// pulls do.
class SourceStore {
 public:
  virtual ~SourceStore() = default;
  /// Brings the source up to date: one ls-refs when nothing changed (none for a commit that is
  /// here), else only new objects. The first contact with a server costs one request more.
  /// Errors: kInvalid (url, ref spelling, hostile tree, over a limit), kNotFound (repository, ref:
  /// the message names it), kDenied (401, 403), kUnavailable, kIntegrity (a pack or object that
  /// does not match its id, an untrusted server), kUnsupported (ssh://, SHA-256 repositories, a
  /// server without the smart protocol), kConflict (another process uses the directory),
  /// kCancelled.
  virtual Result<Artifact> pull(const GitSpec& spec, const Credentials& credentials,
                                const CancelToken& cancel, PullStats* stats = nullptr) = 0;
  /// Forgets a source and its objects on disk; trees that are held stay readable.
  virtual void forget(const std::string& id) = 0;
};

/// One process at a time may use a directory.
std::unique_ptr<SourceStore> make_source_store(std::string directory, http::Client& http,
                                               const SourceLimits& limits = {});

}  // namespace sluice::sources
