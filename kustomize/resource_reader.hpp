#pragma once
/// Text to resources (kyaml/kio/byteio_reader.go, api/resource/factory.go): documents, `List`s
/// unwrapped, metadata checked, kustomize's own annotations turned into fields.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"

#include "build_context.hpp"
#include "res_map.hpp"

namespace sluice::kustomize {

using Resources = std::vector<std::unique_ptr<BuildResource>>;

/// `text` is the content of the file `id` (kNone: text from within a kustomization). `path` names
/// it for SOPS. With BuildOptions::lift_encrypted, values of a SOPS file become leaves.
/// Errors: kInvalid in kustomize's words: "MalformedYAMLError: yaml: line 3: …", "missing
/// metadata.name in object …", "invalid document separator: …"; a Where when the place is known.
/// Thread-safe.
Result<Resources> read_resources(std::shared_ptr<const std::string> text, FileId id,
                                 std::string_view path, BuildContext& context);

/// The last steps of read_resources(), for documents that were read before: lists unwrapped,
/// metadata checked, kustomize's own annotations taken out.
Result<Resources> to_resources(std::vector<yaml::Document> documents, BuildContext& context);

/// The same into a map, which finds duplicates.
Result<ResMap> to_res_map(Resources resources, const Schema& schema);

/// RNode.GetValidatedMetadata: a resource has a kind and, unless it is a list, a name. Error:
/// kInvalid "missing metadata.name in object …".
Result<void> check_metadata(yaml::Node root);

/// kusterr.Handler: adds " in File: x" to the errors that get it.
Error name_file(Error error, std::string_view path);
bool is_malformed_yaml(const Error& error);

}  // namespace sluice::kustomize
