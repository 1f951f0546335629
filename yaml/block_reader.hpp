#pragma once
/// A scanner for the YAML that most files are: block mappings and sequences, plain and quoted
/// scalars, `|` and `>`, short flow collections, comments, `---`. It writes documents without
/// events in between. Whatever it does not know to mean exactly what libyaml and the composer make
/// of it (anchors, tags, directives, tabs, explicit keys, errors of any kind), it does not read:
/// then the file is read by them. Private to the module; docs/adr/ says why (block-reader).

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/yaml/document.hpp"
#include "sluice/yaml/read.hpp"

namespace sluice::yaml {

/// The documents that compose(open_libyaml(*text)) gives, to the last position and style; nullopt
/// when `text` holds anything out of the ordinary, errors included. Linear in `text`.
std::optional<std::vector<Document>> read_blocks(const std::shared_ptr<const std::string>& text,
                                                 FileId file, const ReadOptions& options);

}  // namespace sluice::yaml
