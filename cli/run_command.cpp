#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <tuple>

#include "sluice/crypto/secret_file.hpp"
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

struct RunFlags {
  std::string kubeconfig, storage, key_hosts, age_secret, vault_config;
  bool no_remote_bases = false;
  reconciler::LogLevel level = reconciler::LogLevel::kInfo;
  reconciler::ControllerOptions options;
};

Result<void> parse(Arguments arguments, RunFlags& into) {
  Flags flags;
  flags.text("kubeconfig", into.kubeconfig);
  flags.text("storage-path", into.storage);
  flags.text("key-hosts", into.key_hosts);
  flags.text("sops-age-secret", into.age_secret);
  flags.text("sops-vault-configmap", into.vault_config);
  flags.on("no-remote-bases", into.no_remote_bases);
  flags.on("once", into.options.once);
  flags.value("concurrent", [&into](std::string_view text) -> Result<void> {
    SLUICE_TRY(const long number, parse_number(text, 1, 256));
    into.options.concurrent = static_cast<unsigned>(number);
    return {};
  });
  flags.value("log-level", [&into](std::string_view text) -> Result<void> {
    SLUICE_TRY(into.level, reconciler::parse_log_level(text));
    return {};
  });
  SLUICE_TRY(const auto positional, flags.parse(arguments));
  if (positional.empty()) return {};
  return fail(Code::kInvalid, "run takes no argument, found \"" + positional.front() + "\"");
}

/// The controller-wide keys, where Flux's flags of the same names look for them.
Result<reconciler::DecryptionOptions> decryption_options(const RunFlags& flags) {
  reconciler::DecryptionOptions options;
  SLUICE_TRY(options.remote, remote_context(flags.key_hosts));
  std::string own = environment("RUNTIME_NAMESPACE");
  if (own.empty()) own = "flux-system";
  if (!flags.vault_config.empty()) {
    const auto token = crypto::read_secret_file(std::string(kServiceAccount) + "/token");
    auto account = token ? reconciler::service_account_of(*token)
                         : Result<std::pair<std::string, std::string>>(fail(token.error()));
    if (!account) return fail(std::move(account).error().prefix("--sops-vault-configmap: "));
    options.vault_config_namespace = own;
    options.vault_config = flags.vault_config;
    std::tie(options.service_account_namespace, options.service_account) = *account;
  }
  if (const std::string& secret = flags.age_secret; !secret.empty()) {
    const std::size_t slash = secret.find('/');
    options.age_secret_namespace = slash == secret.npos ? own : secret.substr(0, slash);
    options.age_secret = slash == secret.npos ? secret : secret.substr(slash + 1);
  }
  return options;
}

int report_once(const reconciler::RunSummary& summary) {
  std::printf("%zu ready, %zu not ready\n", summary.ready, summary.failures.size());
  int status = 0;
  for (const auto& failure : summary.failures) {
    std::printf("%s: %s: %s\n", failure.object.c_str(), failure.reason.c_str(),
                failure.message.c_str());
    status = std::max(status, exit_code(failure.code));
  }
  return status;
}

}  // namespace

int run_command(Arguments arguments) {
  RunFlags flags;
  if (const auto parsed = parse(arguments, flags); !parsed) return report(parsed.error());
  reconciler::ControllerOptions& options = flags.options;
  auto decryption = decryption_options(flags);
  if (!decryption) return report(decryption.error());
  options.decryption = *std::move(decryption);

  CancelSource stop;
  const SignalWatch signals(stop);
  const auto http = http::make_curl_client();
  auto cluster = find_cluster(flags.kubeconfig);
  if (!cluster) return report(cluster.error());
  SystemClock clock;
  reconciler::Log log(flags.level, clock);
  kube::Client client(*std::move(cluster), *http, clock);
  const auto store =
      sources::make_source_store(flags.storage.empty() ? default_storage() : flags.storage, *http);
  // Neither this machine's repositories nor the git program: a tenant's URL must not reach our
  // files or our credentials.
  const auto remotes = sources::make_remote_content(*store, *http, {});
  if (!flags.no_remote_bases) options.remotes = remotes.get();
  reconciler::Controller controller(options, client, *store, clock, log);
  const auto summary = controller.run(stop.token());
  if (!summary) return report(summary.error());
  if (!options.once) return 0;
  const int status = report_once(*summary);
  return stop.token().cancelled() ? exit_code(Code::kCancelled) : status;
}

}  // namespace sluice::cli
