#include "cloud_keys.hpp"

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <unistd.h>

#include "sluice/crypto/secret_file.hpp"
#include "sluice/http/curl_client.hpp"

#include "environment.hpp"
#include "remote_content.hpp"

namespace sluice::cli {
namespace {

constexpr std::size_t kMaxCredentials = std::size_t{1} << 20;

class ProcessSurroundings final : public http::Surroundings {
 public:
  std::string variable(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    return environment(name.c_str());
  }

  crypto::SecretBytes secret_variable(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    const auto taken = taken_.find(name);
    if (taken != taken_.end()) return taken->second.clone();
    char* const value = std::getenv(name.c_str());
    if (value == nullptr) return {};
    auto& kept = taken_[name] = crypto::SecretBytes::copy_of(std::string_view(value));
    // /proc/self/environ shows this very memory. The name stays: taking it out would move the
    // others while a library may read them.
    crypto::wipe(value, std::strlen(value));
    return kept.clone();
  }

  Result<crypto::SecretBytes> file(const std::string& path) override {
    SLUICE_TRY(auto bytes, crypto::read_secret_file(path));
    if (bytes.size() > kMaxCredentials) {
      return fail(Code::kInvalid, path + ": larger than " + std::to_string(kMaxCredentials) +
                                      " bytes, which is no file of credentials");
    }
    return bytes;
  }

  std::string host_name() override {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
  }

  std::string home() override { return variable("HOME"); }

 private:
  std::mutex mutex_;  // guards the environment against itself, and taken_
  std::map<std::string, crypto::SecretBytes> taken_;
};

/// libcurl is set up when the first request is made.
class LateClient {
 public:
  http::Client& get() {
    std::call_once(once_, [this] { client_ = http::make_curl_client(); });
    return *client_;
  }
  SystemClock clock;

 private:
  std::once_flag once_;
  std::unique_ptr<http::CurlClient> client_;
};

}  // namespace

Result<std::shared_ptr<decrypt::RemoteContext>> remote_context(const std::string& hosts) {
  decrypt::RemoteKeyOptions options;
  for (const auto& [name, text] :
       {std::pair{"--key-hosts", hosts},
        {"SLUICE_KEY_HOSTS", environment("SLUICE_KEY_HOSTS")},
        {"SOPS_HC_VAULT_ALLOWLIST", environment("SOPS_HC_VAULT_ALLOWLIST")}}) {
    auto trusted = decrypt::TrustedHosts::parse(text);
    if (!trusted) return fail(std::move(trusted).error().prefix(std::string(name) + ": "));
    options.trusted.add(*trusted);
  }
  const auto late = std::make_shared<LateClient>();
  options.surroundings = std::make_shared<ProcessSurroundings>();
  options.clock = &late->clock;
  options.proxy = [](const std::string& url) { return proxy_for(url, environment); };
  options.client = [late]() -> http::Client& { return late->get(); };
  return decrypt::make_remote_context(std::move(options));
}

decrypt::KeyServices cloud_keys(const std::shared_ptr<decrypt::RemoteContext>& context) {
  return {decrypt::make_aws_key_service(context), decrypt::make_gcp_key_service(context),
          decrypt::make_azure_key_service(context), decrypt::make_vault_key_service(context),
          decrypt::make_huawei_key_service(context)};
}

}  // namespace sluice::cli
