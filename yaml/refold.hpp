#pragma once
/// What becomes of a folded scalar (`>`) on kustomize's way out. Private to the module.

#include <string>
#include <string_view>

namespace sluice::yaml {

/// kustomize prints a resource with go-yaml v3 and reads that again. v3 keeps the folded style and
/// prints it wrongly: a line break before a more indented line is doubled, and so is one of several
/// at the end. Paragraphs of text come back as they were. Returns what is read then.
std::string refolded(std::string_view text);

}  // namespace sluice::yaml
