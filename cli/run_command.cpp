#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <tuple>

#include "sluice/http/curl_client.hpp"
#include "sluice/kube/client.hpp"
#include "sluice/kube/config.hpp"
#include "sluice/reconciler/controller.hpp"
#include "sluice/reconciler/log.hpp"
#include "sluice/sources/source_store.hpp"

#include "cloud_keys.hpp"
#include "commands.hpp"
#include "environment.hpp"
#include "flags.hpp"

namespace sluice::cli {
namespace {

constexpr char kServiceAccount[] = "/var/run/secrets/kubernetes.io/serviceaccount";

/// --kubeconfig, $KUBECONFIG, ~/.kube/config, the pod's service account: the first that is there.
Result<kube::Config> find_cluster(const std::string& given) {
  if (!given.empty()) return kube::load_kubeconfig(given);
  if (const std::string path = environment("KUBECONFIG"); !path.empty()) {
    if (path.find(':') != std::string::npos) {
      return fail(Code::kUnsupported, "KUBECONFIG names several files, which sluice does not merge",
                  Where{}, "give one with --kubeconfig");
    }
    return kube::load_kubeconfig(path);
  }
  const std::string host = environment("KUBERNETES_SERVICE_HOST");
  if (!host.empty()) {
    return kube::in_cluster_config(host, environment("KUBERNETES_SERVICE_PORT"), kServiceAccount);
  }
  if (const std::string home = environment("HOME"); !home.empty()) {
    return kube::load_kubeconfig(home + "/.kube/config");
  }
  return fail(Code::kInvalid,
              "no cluster: --kubeconfig and KUBECONFIG are not set, and this is no pod");
}

std::string default_storage() {
  std::string cache = environment("XDG_CACHE_HOME");
  if (cache.empty()) {
    const std::string home = environment("HOME");
    cache = home.empty() ? std::filesystem::temp_directory_path().string() : home + "/.cache";
  }
  return cache + "/sluice/sources";
}

}  // namespace

int run_command(Arguments arguments) {
  Flags flags;
  std::string kubeconfig;
  std::string storage;
  bool no_remote_bases = false;
  reconciler::ControllerOptions options;
  auto level = reconciler::LogLevel::kInfo;
  flags.text("kubeconfig", kubeconfig);
  flags.text("storage-path", storage);
  flags.on("once", options.once);
  std::string key_hosts;
  std::string age_secret;
  std::string vault_config;
  flags.text("sops-vault-configmap", vault_config);
  flags.text("key-hosts", key_hosts);
  flags.text("sops-age-secret", age_secret);
  flags.on("no-remote-bases", no_remote_bases);
  flags.value("concurrent", [&options](std::string_view text) -> Result<void> {
    SLUICE_TRY(const long number, parse_number(text, 1, 256));
    options.concurrent = static_cast<unsigned>(number);
    return {};
  });
  flags.value("log-level", [&level](std::string_view text) -> Result<void> {
    SLUICE_TRY(level, reconciler::parse_log_level(text));
    return {};
  });
  const auto positional = flags.parse(arguments);
  if (!positional) return report(positional.error());
  if (!positional->empty()) {
    return report({Code::kInvalid, "run takes no argument, found \"" + positional->front() + "\""});
  }

  auto remote = remote_context(key_hosts);
  if (!remote) return report(remote.error());
  options.decryption.remote = *std::move(remote);
  std::string own = environment("RUNTIME_NAMESPACE");
  if (own.empty()) own = "flux-system";
  if (!vault_config.empty()) {
    const auto token = read_secret_file(std::string(kServiceAccount) + "/token");
    const auto account = token ? reconciler::service_account_of(*token)
                               : Result<std::pair<std::string, std::string>>(fail(token.error()));
    if (!account) {
      return report(Error(account.error()).prefix("--sops-vault-configmap: "));
    }
    options.decryption.vault_config_namespace = own;
    options.decryption.vault_config = vault_config;
    std::tie(options.decryption.service_account_namespace, options.decryption.service_account) =
        *account;
  }
  if (!age_secret.empty()) {  // Flux: of the controller's own namespace
    const std::size_t slash = age_secret.find('/');
    options.decryption.age_secret_namespace =
        slash == std::string::npos ? own : age_secret.substr(0, slash);
    options.decryption.age_secret =
        slash == std::string::npos ? age_secret : age_secret.substr(slash + 1);
  }

  CancelSource stop;
  const SignalWatch signals(stop);
  const auto http = http::make_curl_client();
  auto cluster = find_cluster(kubeconfig);
  if (!cluster) return report(cluster.error());
  SystemClock clock;
  reconciler::Log log(level, clock);
  kube::Client client(*std::move(cluster), *http, clock);
  const auto store =
      sources::make_source_store(storage.empty() ? default_storage() : storage, *http);
  // Neither this machine's repositories nor the git program: a tenant's URL must not reach our
  // files or our credentials.
  const auto remotes = sources::make_remote_content(*store, *http, {});
  if (!no_remote_bases) options.remotes = remotes.get();
  reconciler::Controller controller(options, client, *store, clock, log);
  const auto summary = controller.run(stop.token());
  if (!summary) return report(summary.error());
  if (!options.once) return 0;
  std::printf("%zu ready, %zu not ready\n", summary->ready, summary->failures.size());
  int status = 0;
  for (const auto& failure : summary->failures) {
    std::printf("%s: %s: %s\n", failure.object.c_str(), failure.reason.c_str(),
                failure.message.c_str());
    status = std::max(status, exit_code(failure.code));
  }
  return stop.token().cancelled() ? exit_code(Code::kCancelled) : status;
}

}  // namespace sluice::cli
