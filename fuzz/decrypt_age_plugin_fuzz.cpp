// What an age plugin may answer: both protocols, in pieces of any size.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "decrypt/age_plugin.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::decrypt;
  if (size < 1) return 0;
  const std::size_t piece = data[0] % 32 + 1U;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto plugins = std::make_shared<AgePlugins>();
  plugins->show = [](const std::string&) {};
  plugins->ask = [](const std::string&, unsigned) -> Result<crypto::SecretBytes> {
    return crypto::SecretBytes::copy_of(std::string_view("1234"));
  };
  plugins->run = [&](const Program& program, const CancelToken&) -> Result<ProgramResult> {
    for (std::size_t at = 0; at < text.size(); at += piece) {
      SLUICE_CHECK(program.dialogue->hear(text.substr(at, piece)));
      for (std::string_view words = program.dialogue->words(); !words.empty();
           words = program.dialogue->words()) {
        program.dialogue->said(words.size());
      }
    }
    return ProgramResult();
  };
  const auto stanzas = wrap_with_plugin(
      *plugins, "age1sluicetest1kw0h8ukrfa85ug7l57l6rsh0z2crjkdf8gpsl5lcrrqguty2nkfqmc7gex",
      crypto::SecretBytes(kAgeFileKey), CancelToken());
  if (stanzas && stanzas->empty()) std::abort();
  const auto identity = make_plugin_identity(
      plugins,
      crypto::SecretBytes::copy_of(std::string_view(
          "AGE-PLUGIN-SLUICETEST-1KW0H8UKRFA85UG7L57L6RSH0Z2CRJKDF8GPSL5LCRRQGUTY2NKFQARXWF4")));
  if (identity == nullptr) std::abort();
  const auto key = identity->unwrap({});
  if (key && *key && (*key)->size() != kAgeFileKey) std::abort();
  return 0;
}
