#pragma once
/// Status of a CustomResourceDefinition: accepted names, Established, stored versions.

#include <string>

#include "sluice/yaml/document.hpp"

namespace sluice::sandbox {

/// Writes the status that kube-apiserver's controllers would have written a moment later.
void set_definition_status(yaml::Ref definition, const std::string& now);

}  // namespace sluice::sandbox
