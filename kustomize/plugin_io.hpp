#pragma once
/// Resources on their way to a program and back (api/internal/plugins/utils): what kustomize keeps
/// in annotations is written into the text that a plugin reads, and taken out of its output.
/// An encrypted value is never written for a program: that is refused with its place.

#include <string>
#include <string_view>

#include "sluice/base/result.hpp"

#include "build_context.hpp"
#include "res_map.hpp"
#include "resource_reader.hpp"

namespace sluice::kustomize {

/// One resource, as Resource.AsYAML prints it. Errors: kInvalid from printing, kUnsupported for an
/// encrypted value.
Result<std::string> text_for_plugin(const BuildResource& resource, const BuildContext& context);
/// All resources, each with an annotation that holds its id (GetResMapWithIDAnnotation).
Result<std::string> text_for_plugin(const ResMap& resources, const BuildContext& context);

/// The output of a generator: `kustomize.config.k8s.io/needs-hash` and `behavior` become fields
/// (UpdateResourceOptions). Errors: kInvalid as read_resources; a needs-hash that is no boolean.
Result<Resources> read_generated(std::string output, BuildContext& context);

/// The same for resources that are made here.
Result<void> take_generator_annotations(Resources& resources);

/// The output of a transformer takes the place of `resources` (UpdateResMapValues): by current id,
/// new ones go to the end, missing ones are dropped. `name` is the plugin's in messages.
Result<void> take_transformed(std::string output, ResMap& resources, std::string_view name,
                              BuildContext& context);

}  // namespace sluice::kustomize
