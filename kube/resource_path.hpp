#pragma once
/// Paths and queries of the API: /apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME?…

#include <string>
#include <string_view>

#include "sluice/kube/client.hpp"

namespace sluice::kube {

/// Collection of `type`; `ns` "" or a cluster-scoped type: all namespaces.
std::string collection_path(const ResourceType& type, std::string_view ns);
std::string object_path(const ResourceType& type, std::string_view ns, std::string_view name,
                        std::string_view subresource = {});

/// "?a=b&c=d" of what was added.
class Query {
 public:
  void add(std::string_view key, std::string_view value);
  /// add() unless `value` is empty.
  void add_given(std::string_view key, std::string_view value) {
    if (!value.empty()) add(key, value);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace sluice::kube
