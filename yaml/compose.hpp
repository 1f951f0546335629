#pragma once
/// Events to documents, with go-yaml's rules: private to the module; read_yaml() is the public
/// door.

#include <memory>
#include <string>
#include <vector>

#include "sluice/yaml/document.hpp"
#include "sluice/yaml/event_source.hpp"
#include "sluice/yaml/read.hpp"

namespace sluice::yaml {

/// Reads `events` to the end. `text` is what they were scanned from: scalars become views into it
/// where it holds them as they are, the rest goes to chunks that the documents share.
Result<std::vector<Document>> compose(EventSource& events, std::shared_ptr<const std::string> text,
                                      FileId file, const ReadOptions& options);

}  // namespace sluice::yaml
