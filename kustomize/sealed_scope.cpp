#include "sealed_scope.hpp"

#include <optional>
#include <string>
#include <utility>

#include "sluice/decrypt/sealed_secret.hpp"

namespace sluice::kustomize {
namespace {

constexpr std::string_view kNoNamespace = "default";  // what an absent one counts as

std::optional<Error> moved(const BuildResource& resource, const BuildContext& context) {
  const yaml::Node root = resource.root();
  const std::string_view scope = decrypt::sealed_scope(root);
  if (scope == "cluster-wide" || resource.previous.empty()) return std::nullopt;
  const yaml::Node repeated = root.find("spec", "template", "metadata");
  const auto fits = [](std::string_view before, std::string_view after, std::string_view sealed) {
    return before == after || sealed == after;
  };
  std::string_view name = repeated.get("name").text(), ns = repeated.get("namespace").text();
  if (name.empty()) name = resource.original_name();
  if (ns.empty() && resource.original_ns() != kNoNamespace) ns = resource.original_ns();
  const bool same_name =
      scope != "strict" || fits(resource.original_name(), resource.id.name, name);
  const bool same_namespace = ns.empty() || fits(resource.original_ns(), resource.ns(), ns);
  if (same_name && same_namespace) return std::nullopt;
  const auto shown = [&](std::string_view in, std::string_view called) {
    return std::string(in.empty() ? kNoNamespace : in) +
           (scope == "strict" ? "/" + std::string(called) : "");
  };
  return Error(Code::kInvalid,
               "SealedSecret \"" + std::string(resource.original_name()) + "\" was sealed for " +
                   shown(ns, name) + " (scope " + std::string(scope) + ") and becomes " +
                   shown(resource.ns(), resource.id.name) + ": no key will open it",
               context.where(root),
               "seal it for its final name and namespace, or with a wider scope, or keep it out of "
               "the transformation");
}

}  // namespace

Result<void> check_sealed_scopes(const ResMap& resources, BuildContext& context) {
  std::optional<Error> all;
  for (const auto& resource : resources.items()) {
    if (!decrypt::is_sealed_secret(std::as_const(*resource).root())) continue;
    auto error = moved(*resource, context);
    if (!error) continue;
    if (!context.options().refuse_moved_sealed_secrets) {
      context.warn("Warning: " + error->message());
    } else if (all) {
      all->add(*std::move(error));
    } else {
      all = std::move(error);
    }
  }
  if (all) return fail(*std::move(all));
  return {};
}

}  // namespace sluice::kustomize
