#include "apply/decide.hpp"

#include <utility>

#include "apply/drift.hpp"
#include "apply/managed_fields.hpp"
#include "apply/owned_fields.hpp"
#include "apply/undeclared_fields.hpp"

namespace sluice::apply {
namespace {

using yaml::Document;
using yaml::Node;

std::string_view version_of(const Document& object) {
  return object.root().find("metadata", "resourceVersion").text();
}

/// "Deployment/ns/app dry-run failed (Invalid): …" (fluxcd/pkg/ssa/errors/errors.go).
Error dry_run_error(const ObjectId& id, Error error) {
  if (error.code() == Code::kCancelled || error.reason() == kReasonDecryption) return error;
  const std::string& reason = error.reason();
  if (reason == "NoNamespace") {
    return Error(Code::kInvalid, id.text() +
                                     " namespace not specified: the server could not find the "
                                     "requested resource")
        .reason(reason)
        .hint(error.hint());
  }
  if (error.code() == Code::kNotFound && reason != kube::kReasonNoMatch) {
    const bool no_namespace = id.ns.empty();
    return std::move(error).prefix(id.text() +
                                   (no_namespace ? " namespace not specified: " : " not found: "));
  }
  std::string shown = reason;
  if (reason == kube::kReasonNoMatch) shown.clear();
  if (reason == kube::kReasonImmutable)
    shown = error.code() == Code::kDenied ? "Forbidden" : "Invalid";
  return std::move(error).prefix(id.text() + " dry-run failed" +
                                 (shown.empty() ? "" : " (" + shown + ")") + ": ");
}

/// Opens leaves and remembers when that failed, to tell it from a refusal of the server.
class LeavesOf final : public yaml::LeafReader {
 public:
  LeavesOf(decrypt::LeafDecryptor& decryptor, const CancelToken& cancel)
      : reader_(decryptor, cancel) {}
  Result<Value> read(const yaml::EncryptedLeaf& leaf) override {
    auto value = reader_.read(leaf);
    if (!value) failure_ = value.error();
    return value;
  }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  decrypt::DecryptingLeafReader reader_;
  std::optional<Error> failure_;
};

/// "decryption failed for 'Secret.v1.[noGrp]/db': …", as kustomize-controller words it.
Error decryption_error(const ObjectId& id, Error error) {
  const std::string gvk = id.gvk.kind + "." +
                          (id.gvk.version.empty() ? "[noVer]" : id.gvk.version) + "." +
                          (id.gvk.group.empty() ? "[noGrp]" : id.gvk.group);
  return std::move(error)
      .prefix("decryption failed for '" + gvk + "/" + id.name + "': ")
      .reason(std::string(kReasonDecryption));
}

class Decider {
 public:
  Decider(Desired& desired, std::optional<Document> live, bool is_expected, const Context& context)
      : desired_(desired), context_(context), is_expected_(is_expected) {
    decision_.live = std::move(live);
  }

  Result<Decision> run() {
    const Node body = desired_.body.root();
    if (context_.switches.is_excluded(body)) return as(Action::kSkipped);
    const bool if_not_present = context_.switches.is_if_not_present(body);
    if (context_.cache != nullptr && context_.cache->is_unchanged(desired_.id, desired_.digest))
      return as(if_not_present ? Action::kSkipped : Action::kUnchanged);
    if (if_not_present) {
      SLUICE_TRY(const bool exists, is_present());
      if (exists) return as(Action::kSkipped);
    }
    if (is_expected_ && !decision_.live) SLUICE_CHECK(look());
    if (is_live_excluded()) return as(Action::kSkipped);
    if (is_settled()) return as(Action::kUnchanged);
    constexpr int kAttempts = 3;
    for (int attempt = 1;; ++attempt) {
      if (is_live_excluded()) return as(Action::kSkipped);
      auto dry_run = try_out();
      if (!dry_run) return refused(std::move(dry_run).error());
      if (version_of(*dry_run).empty()) return as(Action::kCreated);
      if (!decision_.live) {
        SLUICE_CHECK(look());
        if (is_live_excluded()) return as(Action::kSkipped);
      }
      const bool same_moment =
          decision_.live && version_of(*decision_.live) == version_of(*dry_run);
      if (same_moment || (decision_.live && attempt == kAttempts)) return compare(*dry_run);
      if (attempt == kAttempts) return as(Action::kCreated);  // it was deleted meanwhile
      decision_.live.reset();  // somebody changed it between the two answers
    }
  }

 private:
  Decision as(Action action) {
    decision_.action = action;
    return std::move(decision_);
  }

  bool is_live_excluded() const {
    return decision_.live && context_.switches.is_excluded(decision_.live->root());
  }

  /// True when the live object tells by itself that nothing has to be done.
  bool is_settled() const {
    if (!decision_.live || !context_.ignore.empty()) return false;
    const Node live = decision_.live->root();
    const Node body = desired_.body.root();
    if (!is_already_applied(body, live, context_.options.field_manager)) return false;
    if (context_.options.migrate_api_version &&
        migrate_patch(live, desired_.id.gvk.api_version()).root().size() != 0)
      return false;
    return context_.switches.is_merge(body) || context_.switches.is_merge(live) ||
           cleanup_patch(live, context_.options).root().size() == 0;
  }

  Result<bool> is_present() {
    if (context_.cache != nullptr && context_.cache->is_seen(desired_.id)) return true;
    if (decision_.live) return true;
    auto found = context_.cluster.client.get(desired_.id, context_.cancel, kube::View::kMetadata);
    if (found) return true;
    if (found.error().code() == Code::kNotFound) return false;
    return fail(dry_run_error(desired_.id, std::move(found).error()));
  }

  /// Fills `live`, leaving it empty when there is no such object.
  Result<void> look() {
    const kube::View view = holds_leaves(desired_) ? kube::View::kMasked : kube::View::kWhole;
    auto live = context_.cluster.client.get(desired_.id, context_.cancel, view);
    if (live) {
      decision_.live = *std::move(live);
    } else if (live.error().code() != Code::kNotFound) {
      return fail(dry_run_error(desired_.id, std::move(live).error()));
    }
    return {};
  }

  Result<Document> try_out() {
    constexpr int kMostDropped = 32;  // the server names one field of a mapping at a time
    for (int dropped = 0;; ++dropped) {
      auto dry_run = send(desired_, desired_.body.root(), true, context_);
      if (dry_run || dropped == kMostDropped ||
          !drop_undeclared(desired_.body.root(), desired_.id.gvk, dry_run.error().message()))
        return dry_run;
    }
  }

  /// The server refused the dry-run.
  Result<Decision> refused(Error error) {
    const bool is_about_object = error.code() == Code::kInvalid || error.code() == Code::kDenied ||
                                 error.code() == Code::kConflict;
    if (is_about_object && error.reason() != "NoNamespace" && error.reason() != kReasonDecryption &&
        !decision_.live)
      SLUICE_CHECK(look());
    if (is_live_excluded()) return as(Action::kSkipped);
    if (error.reason() == kube::kReasonImmutable && decision_.live && may_recreate()) {
      SLUICE_TRY(const bool would_work, can_be_created());
      if (would_work) {
        decision_.is_recreated = true;
        decision_.live_uid = decision_.live->root().find("metadata", "uid").text();
        return as(Action::kCreated);
      }
    }
    return fail(dry_run_error(desired_.id, std::move(error)));
  }

  bool may_recreate() const {
    return context_.options.force || context_.switches.is_forced(desired_.body.root()) ||
           context_.switches.is_forced(decision_.live->root());
  }

  /// Proof that the object as desired would be accepted if the live one were not there: creating it
  /// in dry-run gets as far as noticing that the name is taken.
  Result<bool> can_be_created() {
    std::optional<decrypt::DecryptingLeafReader> leaves;
    if (context_.cluster.decryptor != nullptr)
      leaves.emplace(*context_.cluster.decryptor, context_.cancel);
    auto created = context_.cluster.client.create(
        desired_.id, desired_.body.root(), context_.cancel,
        {.field_manager = context_.options.field_manager, .dry_run = true},
        leaves ? &*leaves : nullptr);
    if (created) return true;  // it was deleted meanwhile
    if (created.error().code() == Code::kCancelled) return fail(std::move(created).error());
    return created.error().reason() == "AlreadyExists";
  }

  Result<Decision> compare(const Document& dry_run) {
    const Node live = decision_.live->root();
    const Node body = desired_.body.root();
    if (!context_.switches.is_merge(body) && !context_.switches.is_merge(live))
      decision_.cleanup = cleanup_patch(live, context_.options);
    if (context_.options.migrate_api_version)
      decision_.migrate = migrate_patch(live, desired_.id.gvk.api_version());
    bool is_drifted;
    if (context_.ignore.empty()) {
      is_drifted = has_drifted(live, dry_run.root());
    } else {
      is_drifted = context_.ignore.has_drifted(live, dry_run.root());
      decision_.ignored =
          context_.ignore.patch_for(live, dry_run.root(), context_.options.field_manager);
    }
    const bool is_changed =
        is_drifted || decision_.cleanup.root().size() != 0 || decision_.migrate.root().size() != 0;
    return as(is_changed ? Action::kConfigured : Action::kUnchanged);
  }

  Desired& desired_;
  const Context& context_;
  const bool is_expected_;
  Decision decision_;
};

}  // namespace

bool holds_leaves(const Desired& desired) {
  if (desired.body.leaves().empty()) return false;
  bool found = false;
  yaml::walk(desired.body.root(), [&](Node node) { found = found || node.is_encrypted(); });
  return found;
}

Result<Document> send(const Desired& desired, Node body, bool dry_run, const Context& context) {
  const kube::ApplyParams params{.field_manager = context.options.field_manager,
                                 .force = true,
                                 .dry_run = dry_run,
                                 .subresource = {}};
  if (context.cluster.decryptor == nullptr)
    return context.cluster.client.apply(desired.id, body, nullptr, params, context.cancel);
  LeavesOf leaves(*context.cluster.decryptor, context.cancel);
  auto answer = context.cluster.client.apply(desired.id, body, &leaves, params, context.cancel);
  if (!answer && leaves.failure() && leaves.failure()->code() != Code::kCancelled)
    return fail(decryption_error(desired.id, *leaves.failure()));
  return answer;
}

Result<Decision> decide(Desired& desired, std::optional<Document> known_live, bool is_expected,
                        const Context& context) {
  return Decider(desired, std::move(known_live), is_expected, context).run();
}

}  // namespace sluice::apply
