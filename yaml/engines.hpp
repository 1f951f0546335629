#pragma once
/// The two event engines, one file each; private to the module (open_events() is the public door).

#include <memory>
#include <string_view>

#include "sluice/yaml/event_source.hpp"
#include "sluice/yaml/read.hpp"

namespace sluice::yaml {

/// `schema` decides which go-yaml's line numbers errors carry: v2 and v3 choose between the
/// problem's and its context's line differently. `text` must outlive the source.
std::unique_ptr<EventSource> open_libyaml(std::string_view text, Schema schema);
std::unique_ptr<EventSource> open_yaml_cpp(std::string_view text);

}  // namespace sluice::yaml
