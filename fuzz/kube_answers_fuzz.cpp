// Answers of an API server about secrets: masking and redaction keep no value and never crash.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sluice/yaml/read.hpp"

#include "kube/masked_json.hpp"
#include "kube/status_error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(kube::redact_status(text, {"name"}));
  static_cast<void>(kube::mask_list(text).has_value());
  static_cast<void>(kube::mask_status(text, {"name"}).has_value());
  const auto masked = kube::mask_object(text);
  if (const auto read = yaml::read_json(text); read && masked) {
    // What was JSON stays JSON, and a value of `data` is not what it was.
    const auto again = yaml::read_json(*masked);
    if (!again) std::abort();
    const yaml::Node value = read->root().find("data", "k");
    if (value.is_string() && again->root().find("data", "k").text() == value.text()) std::abort();
  }
  return 0;
}
