// The properties that fuzz/yaml_*_fuzz.cpp look for, over the corpus and the recorded fixtures.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/yaml_properties.hpp"
#include "support/test.hpp"

using namespace sluice::yaml;

namespace {

template <class Check>
void check_folder(const std::string& folder, const Check& check) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    CAPTURE(entry.path());
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    CHECK(check(text) == "");
    ++count;
  }
  CHECK(count != 0);
}

}  // namespace

TEST_CASE("fuzz corpus: YAML reads alike in both engines and prints as what it was") {
  check_folder(SLUICE_SOURCE_DIR "/fuzz/corpus/yaml_read", check_reading);
}

TEST_CASE("fuzz corpus: JSON prints as what it was") {
  check_folder(SLUICE_SOURCE_DIR "/fuzz/corpus/yaml_json", check_json);
}
