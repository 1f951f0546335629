#pragma once
/// What a Client is made of; shared by client.cpp and watch.cpp.

#include <memory>
#include <string>

#include "sluice/kube/client.hpp"

#include "kube/discovery.hpp"
#include "kube/status_error.hpp"
#include "kube/transport.hpp"

namespace sluice::kube {

/// One server, as clients of several users share it.
struct Server {
  Server(Config config, http::Client& http, Clock& clock)
      : transport(std::move(config), http, clock), discovery(transport) {}
  Transport transport;
  Discovery discovery;
};

struct Client::State {
  std::shared_ptr<Server> server;
  std::string user;  ///< to impersonate; "" : none

  /// A 2xx answer, or the server's refusal as an error. Of a sensitive request, the body is in
  /// `secret_body`.
  Result<http::Response> send(http::Request request, const Asked& asked,
                              const CancelToken& cancel) const;
  /// The answer's object (or list), masked if `asked` is sensitive.
  Result<yaml::Document> send_for_object(http::Request request, const Asked& asked,
                                         const CancelToken& cancel, bool is_list = false) const;
  /// Writes `body` into `request` (into secret memory when it may hold secrets) and sends it.
  Result<yaml::Document> send_body(http::Request request, const ObjectId& id, yaml::Node body,
                                   yaml::LeafReader* leaves, const CancelToken& cancel) const;
  /// The type of `id`, after checking that name and namespace are there.
  Result<ResourceType> locate(const ObjectId& id, Client& client, const CancelToken& cancel) const;
  Asked asked(std::string method, const http::Request& request, const ObjectId& id,
              bool sensitive) const;
};

}  // namespace sluice::kube
