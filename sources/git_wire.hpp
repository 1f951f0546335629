#pragma once
/// Git's smart protocol over http::Client: protocol version 2, and versions 0 and 1 where a server
/// speaks nothing newer. Reads refs and packs; never writes to a server, never follows a redirect
/// but that of the first contact, never sends credentials to another host.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/http/client.hpp"
#include "sluice/sources/source_store.hpp"

#include "spool.hpp"
#include "upload_pack.hpp"

namespace sluice::sources {

/// What is known of a server after the first contact; kept between pulls, so that later ones can
/// start with their real request.
struct ServerMemory {
  int protocol = -1;  ///< -1: never met
  std::string base;   ///< the URL after redirects
  std::map<std::string, std::string> capabilities;
};

struct FetchWish {
  std::vector<std::string> wants;  ///< object ids
  std::string have;                ///< a commit that is here, shallow and complete; "" : none
};

class GitRemote {
 public:
  GitRemote(http::Client& http, const GitSpec& spec, const Credentials& credentials,
            ServerMemory& memory);
  /// The refs whose names start with one of `prefixes` (others may be among them).
  /// Errors: kNotFound, kDenied, kUnavailable, kIntegrity, kInvalid, kUnsupported, kCancelled.
  Result<std::vector<RemoteRef>> list(const std::vector<std::string>& prefixes,
                                      const CancelToken& cancel);
  /// Receives a pack, depth 1, into `spool` (the raw answer, for FetchAnswer). Errors: as list.
  Result<void> fetch(const FetchWish& wish, Spool& spool, std::size_t max_bytes,
                     const CancelToken& cancel);
  int requests() const { return requests_; }
  const ServerMemory& memory() const { return memory_; }

 private:
  Result<Advertisement> discover(const CancelToken& cancel);
  Result<std::vector<RemoteRef>> ls_refs(const std::vector<std::string>& prefixes,
                                         const CancelToken& cancel);
  http::Request request(std::string method, const std::string& url) const;
  Result<void> check_status(const http::Response& response) const;
  std::string fetch_body(const FetchWish& wish) const;
  bool has_capability(const std::string& name) const;

  http::Client& http_;
  std::string url_;
  std::string proxy_;
  std::chrono::milliseconds timeout_;
  std::shared_ptr<const crypto::SecretBytes> authorization_;
  std::shared_ptr<const http::Tls> tls_;
  ServerMemory& memory_;
  int requests_ = 0;
};

}  // namespace sluice::sources
