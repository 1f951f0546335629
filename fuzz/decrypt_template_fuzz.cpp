// Templates of Sealed Secrets: anything is read, and rendered within the limits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "decrypt/go_template.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sluice::decrypt::TemplateData values;
  for (const char* name : {"a", "user", "empty"}) {
    values.emplace(name, std::make_shared<const sluice::crypto::SecretBytes>(
                             sluice::crypto::SecretBytes::copy_of(
                                 std::string_view(name) == "empty" ? "" : "v\n\"\xc3\xa9\xff")));
  }
  const auto once = sluice::decrypt::render_template("k", text, values);
  const auto twice = sluice::decrypt::render_template("k", text, values);
  if (once.has_value() != twice.has_value()) std::abort();
  if (once && once->reveal_text() != twice->reveal_text()) std::abort();
  return 0;
}
