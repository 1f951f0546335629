#pragma once
/// Remote bases on the command line: an HTTP client, an object database in a temporary directory,
/// and the git program, made when a build names its first URL, so that other builds pay nothing.

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "sluice/base/cancel.hpp"
#include "sluice/http/curl_client.hpp"
#include "sluice/sources/remote_content.hpp"

#include "environment.hpp"

namespace sluice::cli {

/// The directory is removed with this, also when SIGINT or SIGTERM ends the command: those cancel
/// `stop`.
class CommandRemotes final : public sources::RemoteContent {
 public:
  explicit CommandRemotes(CancelSource& stop);
  ~CommandRemotes() override;
  void prepare() override { (void)start(); }
  Result<sources::Artifact> repository(const sources::RemoteRepository& wanted,
                                       const CancelToken& cancel) override;
  Result<sources::RemoteFile> file(const std::string& url, const CancelToken& cancel) override;

 private:
  Result<void> start();

  CancelSource& stop_;
  std::mutex mutex_;  // guards what follows until `content_` is made
  std::string directory_;
  std::unique_ptr<SignalWatch> signals_;
  std::unique_ptr<http::CurlClient> http_;
  std::unique_ptr<sources::SourceStore> store_;
  std::unique_ptr<sources::RemoteContent> content_;
};

/// The proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name for `url`, as Go's programs read them:
/// in capitals or small letters, never for this machine. Exceptions are names (with what is below
/// them), addresses and networks, each perhaps with a port.
std::string proxy_for(const std::string& url,
                      const std::function<std::string(const char*)>& environment);

}  // namespace sluice::cli
