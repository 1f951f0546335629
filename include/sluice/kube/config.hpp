#pragma once
/// Where the API server is and who we are to it: kubeconfig files and the pod's service account.
/// Follows client-go (tools/clientcmd, rest.InClusterConfig). Never runs a program and never talks
/// to a network; credentials are kept in secret memory only.

#include <memory>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/http/client.hpp"

namespace sluice::kube {

struct Config {
  std::string server;  ///< "https://127.0.0.1:6443", no trailing slash
  std::shared_ptr<const http::Tls> tls;
  std::shared_ptr<const crypto::SecretBytes> bearer_token;
  std::string bearer_token_file;  ///< read again when a request is refused, and every minute
  std::string username;           ///< with `password`: basic auth
  std::shared_ptr<const crypto::SecretBytes> password;
  std::string proxy;             ///< "" : none
  std::string impersonate_user;  ///< "system:serviceaccount:ns:name": act for this user; "" : none
  std::string default_namespace = "default";
};

/// Reads a kubeconfig. `context` "" means current-context. Relative file names inside are resolved
/// against the directory of `path`. Errors: kInvalid with line and column, never quoting a value of
/// a credential; kNotFound for a missing file; kUnsupported for exec and auth-provider plugins.
Result<Config> parse_kubeconfig(std::string_view text, const std::string& path,
                                const std::string& context = {});
Result<Config> load_kubeconfig(const std::string& path, const std::string& context = {});

/// The service account mounted below `directory` (/var/run/secrets/kubernetes.io/serviceaccount),
/// with host and port as Kubernetes puts them in the environment. kNotFound when not in a cluster.
Result<Config> in_cluster_config(const std::string& host, const std::string& port,
                                 const std::string& directory);

}  // namespace sluice::kube
