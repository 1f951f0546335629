#pragma once
/// A small in-memory Kubernetes API on loopback, for the demo, for tests and for a first look with
/// kubectl.
///
/// Follows the Kubernetes API conventions as kube-apiserver 1.34 has them: discovery (plain and
/// aggregated), OpenAPI v3, create/read/update/delete, the four patch types with managed fields,
/// list and watch with bookmarks, namespaces, finalizers, CustomResourceDefinitions.
/// docs/sandbox.md lists what differs. /version says what it is: it never claims to be a cluster.
///
/// Never runs anything: there are no controllers, no garbage collector, no scheduler, no admission
/// webhooks, no authentication and no authorization. Listens on 127.0.0.1 only, plain HTTP.
/// Everything is in this process's memory, Secrets included, and gone with it: only for made-up
/// data.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "sluice/base/result.hpp"

namespace sluice::sandbox {

struct SandboxOptions {
  int port = 0;  ///< 0: a free one
  /// Of a request. One byte more is answered with 413, as kube-apiserver does.
  std::size_t max_body_bytes = 3U << 20;
  /// Events kept per resource type; a watch that starts before them is answered with 410.
  std::size_t history_events = 4096;
  std::chrono::milliseconds bookmark_interval{60'000};
  unsigned max_connections = 2000;
};

class Sandbox {
 public:
  /// Serves from the moment it returns. The namespaces default, kube-system, kube-public and
  /// kube-node-lease exist. Errors: kUnavailable when the port is taken.
  static Result<std::unique_ptr<Sandbox>> start(const SandboxOptions& options = {});
  /// Ends all watches and connections; returns when no thread is left.
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  int port() const;
  std::string url() const;         ///< "http://127.0.0.1:PORT"
  std::string kubeconfig() const;  ///< a complete kubeconfig, its context is "sluice-sandbox"

  // Counters, for tests and bench/. Thread-safe.
  std::uint64_t requests() const;        ///< all that were answered, watches included
  std::uint64_t write_requests() const;  ///< POST, PUT, PATCH and DELETE among them
  std::uint64_t open_watches() const;

 private:
  struct State;
  explicit Sandbox(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::sandbox
