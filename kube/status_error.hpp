#pragma once
/// What an API server's refusal means: metav1.Status to Error, and taking values out of its words.

#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.hpp"
#include "sluice/http/client.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::kube {

/// What was asked, for messages. Never holds a value of the object.
struct Asked {
  std::string method, path;
  /// The object may hold secrets: its answer is taken into secret memory, its values are masked and
  /// texts lose what they quote, except for `names`.
  bool sensitive = false;
  std::vector<std::string> names;
};

/// `response` is not a success; its body was masked if it had to be.
Error status_error(const http::Response& response, const Asked& asked);
/// The same for the Status object of a watch's ERROR event.
Error status_error(yaml::Node status, const Asked& asked);

/// `message` without what may be a value: text in double quotes other than `names`, what follows
/// "Invalid value: " and its like, and what an admission webhook wrote.
std::string redact_status(std::string_view message, const std::vector<std::string>& names);

/// True when `message` of one cause says that a field cannot be changed.
bool says_immutable(std::string_view message);

}  // namespace sluice::kube
