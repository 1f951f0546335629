#pragma once
/// Which kinds the server serves and how. Aggregated discovery (two requests for everything, an
/// ETag for the next time); from servers without it, one request per group and version asked for.

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "sluice/base/cancel.hpp"
#include "sluice/base/result.hpp"
#include "sluice/kube/client.hpp"

#include "kube/transport.hpp"

namespace sluice::kube {

/// Thread-safe: callers with an unknown kind wait for one of them to ask the server.
class Discovery {
 public:
  explicit Discovery(Transport& transport) : transport_(transport) {}
  Result<ResourceType> resolve(const Gvk& gvk, const std::string& user, const CancelToken& cancel);
  void forget();

 private:
  struct Endpoint {
    std::string etag;
    std::unordered_map<Gvk, ResourceType> types;
  };
  Result<void> load(const Gvk& gvk, const std::string& user, const CancelToken& cancel);
  /// false: the server has no aggregated discovery.
  Result<bool> load_aggregated(const char* path, Endpoint& endpoint, const std::string& user,
                               const CancelToken& cancel);
  Result<void> load_group_version(const Gvk& gvk, const std::string& user,
                                  const CancelToken& cancel);
  const ResourceType* find(const Gvk& gvk) const;

  Transport& transport_;
  std::mutex mutex_;  // guards the members below; held while asking the server
  Endpoint core_, groups_;
  Endpoint classic_;  // of servers without aggregated discovery, and of stale group versions
  bool is_stale_ = false;
  std::unordered_map<std::string, SteadyTime> asked_at_;  // by group version, or "" for all
};

}  // namespace sluice::kube
