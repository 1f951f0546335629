#include "git_repository.hpp"

#include <algorithm>

#include "sluice/base/go_duration.hpp"
#include "sluice/crypto/hash.hpp"
#include "sluice/kube/secret_data.hpp"
#include "sluice/sources/ignored_tree.hpp"

#include "conditions.hpp"

namespace sluice::reconciler {
namespace {

constexpr char kStatusManager[] = "source-controller";

/// Credentials from spec.secretRef, by the entry names Flux documents for HTTP(S).
Result<sources::Credentials> credentials_of(kube::Client& client, const std::string& ns,
                                            const std::string& name, const CancelToken& cancel) {
  sources::Credentials out;
  if (name.empty()) return out;
  auto data = kube::get_secret_data(client, ns, name, cancel);
  if (!data) {
    return fail(std::move(data.error()).prefix("failed to get secret '" + ns + "/" + name + "': "));
  }
  const auto secret =
      [&data](std::string_view entry) -> std::shared_ptr<const crypto::SecretBytes> {
    const auto found = data->find(entry);
    if (found == data->end()) return nullptr;
    return std::make_shared<const crypto::SecretBytes>(std::move(found->second));
  };
  const auto plain =
      [&data](std::string_view entry) {  // names and certificates, which are no secrets
        const auto found = data->find(entry);
        return found == data->end() ? std::string() : std::string(found->second.reveal_text());
      };
  out.username = plain("username");
  out.ca_pem = plain("ca.crt");
  if (out.ca_pem.empty()) out.ca_pem = plain("caFile");
  out.client_certificate_pem = plain("tls.crt");
  out.password = secret("password");
  out.bearer_token = secret("bearerToken");
  out.client_key_pem = secret("tls.key");
  if (out.password != nullptr && out.username.empty()) {
    return fail(Code::kInvalid,
                "invalid '" + ns + "/" + name + "' secret data: 'password' needs 'username'");
  }
  if (out.client_certificate_pem.empty() != (out.client_key_pem == nullptr)) {
    return fail(Code::kInvalid, "invalid '" + ns + "/" + name +
                                    "' secret data: 'tls.crt' and 'tls.key' go together");
  }
  return out;
}

class SourcePass {
 public:
  SourcePass(ObjectStore::Object object, SourceServices& services, SourceMemory& memory,
             const CancelToken& cancel)
      : object_(std::move(object)),
        services_(services),
        memory_(memory),
        cancel_(cancel),
        state_(object_state(object_->root())),
        status_(object_->root(), services.clock, kStatusManager) {}

  Outcome run() {
    if (state_.deleting) {
      services_.store.forget(state_.key.text());
      memory_ = {};
      return {};
    }
    auto spec = parse_git_repository(object_->root());
    if (!spec) return failed("InvalidSpec", spec.error(), std::nullopt);
    if (spec->suspend) return {};
    auto credentials = credentials_of(services_.client, state_.key.ns, spec->secret, cancel_);
    if (!credentials) return failed("AuthenticationFailed", credentials.error(), spec->interval);
    sources::PullStats stats;
    auto artifact = services_.store.pull(spec->git, *credentials, cancel_, &stats);
    if (!artifact) {
      if (artifact.error().code() == Code::kCancelled) return {};
      return failed(
          "GitOperationFailed",
          std::move(artifact.error()).prefix("failed to checkout and determine revision: "),
          std::min<Duration>(spec->interval, std::chrono::minutes(15)));
    }
    auto kept = without_ignored(*std::move(artifact), spec->ignore);
    if (!kept) {
      return failed(
          "SourceIgnoreError",
          std::move(kept.error()).prefix("failed to load source ignore patterns from repository: "),
          spec->interval);
    }
    return succeeded(*spec, *std::move(kept));
  }

 private:
  /// Patterns in the tree are part of its id; those of the spec are added to it, so that who uses
  /// the artifact sees another one.
  Result<sources::Artifact> without_ignored(sources::Artifact artifact,
                                            const std::optional<std::string>& ignore) {
    const std::string content = artifact.digest.hex() + "\n" + ignore.value_or("");
    if (memory_.artifact && memory_.content == content) {
      artifact.tree = memory_.artifact->tree;
      artifact.digest = memory_.artifact->digest;
      return artifact;
    }
    SLUICE_TRY(artifact.tree, sources::make_ignored_tree(std::move(artifact.tree), ignore));
    if (ignore) artifact.digest = crypto::sha256(content);
    memory_.content = content;
    return artifact;
  }

  Outcome failed(std::string_view reason, const Error& error, std::optional<Duration> again) {
    const std::string message = error.text();
    status_.set("FetchFailed", "True", reason, message);
    status_.set("Ready", "False", reason, message);
    if (again) {
      status_.set("Reconciling", "True", "ProgressingWithRetry", "building artifact");
      status_.remove("Stalled");
    } else {
      status_.remove("Reconciling");
      status_.set("Stalled", "True", reason, message);
    }
    const bool news = status_.changed();
    if (const auto written = write_status(); !written) return unwritten(written.error());
    services_.log.error(message, about({{"reason", std::string(reason)}}));
    if (news) {
      services_.events.record(object_->root(), EventType::kWarning, reason, message, "", cancel_);
    }
    return {Outcome::End::kFailed, again, std::string(reason), message, error.code()};
  }

  Outcome succeeded(const GitRepositorySpec& spec, sources::Artifact artifact) {
    const std::string message = "stored artifact for revision '" + artifact.revision + "'";
    const bool is_new =
        status_.root().find("artifact", "revision").string_or("") != artifact.revision ||
        status_.root().find("artifact", "digest").string_or("") != artifact.digest.text();
    status_.set("ArtifactInStorage", "True", "Succeeded", message);
    status_.set("Ready", "True", "Succeeded", message);
    status_.remove("FetchFailed");
    status_.remove("Reconciling");
    status_.remove("Stalled");
    status_.observe_generation();
    if (is_new) {
      // Flux's fields; there is no tarball to download: trees are read from the object database, so
      // the digest is the Git tree's and the url only names the artifact (docs/compat.md).
      const std::string path = "gitrepository/" + state_.key.text() + "/" + artifact.commit;
      const yaml::Ref fields = status_.root().put_mapping("artifact");
      fields.set_mapping();
      fields.put_string("revision", artifact.revision);
      fields.put_string("digest", artifact.digest.text());
      fields.put_string("lastUpdateTime", rfc3339(services_.clock.wall()));
      fields.put_string("path", path);
      fields.put_string("url", "sluice:///" + path);
    }
    if (const auto written = write_status(); !written) return unwritten(written.error());
    if (is_new) {
      services_.events.record(object_->root(), EventType::kNormal, "NewArtifact",
                              "stored artifact for commit '" + artifact.subject + "'",
                              artifact.revision, cancel_);
      services_.log.info(message, about());
    }
    if (!memory_.artifact || memory_.artifact->revision != artifact.revision ||
        memory_.artifact->digest != artifact.digest) {
      memory_.artifact = std::make_shared<const sources::Artifact>(std::move(artifact));
    }
    return {Outcome::End::kReady, spec.interval, "Succeeded", message, Code::kInternal};
  }

  Log::Fields about(Log::Fields more = {}) const {
    return log_fields("GitRepository", state_.key.ns, state_.key.name, std::move(more));
  }

  Result<void> write_status() {
    if (!state_.requested_at.empty()) status_.put("lastHandledReconcileAt", state_.requested_at);
    SLUICE_TRY(auto object, status_.write(services_.client, cancel_));
    if (object.root().is_mapping()) services_.repositories.put(std::move(object));
    return {};
  }

  Outcome unwritten(const Error& error) {
    if (error.code() == Code::kNotFound || error.code() == Code::kCancelled) return {};
    services_.log.error("status not written", about({{"error", error.text()}}));
    return {Outcome::End::kFailed, std::chrono::seconds(1), "StatusNotWritten", error.text(),
            error.code()};
  }

  ObjectStore::Object object_;
  SourceServices& services_;
  SourceMemory& memory_;
  const CancelToken& cancel_;
  ObjectState state_;
  StatusDraft status_;
};

}  // namespace

Outcome reconcile_repository(const Key& key, SourceServices& services, SourceMemory& memory,
                             const CancelToken& cancel) {
  auto object = services.repositories.find(key);
  if (!object) {
    services.store.forget(key.text());
    memory = {};
    return {};
  }
  return SourcePass(std::move(object), services, memory, cancel).run();
}

}  // namespace sluice::reconciler
