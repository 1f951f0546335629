// A kustomization file and a resource file from one input, split at the first NUL: builds, and what
// was built prints and builds again to the same bytes.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sluice/kustomize/build.hpp"
#include "sluice/sources/mem_tree.hpp"

namespace {

std::string build(const sluice::sources::Tree& tree, bool& built) {
  sluice::kustomize::BuildOptions options;
  options.threads = 1;
  options.max_resources = 1000;
  const auto result = sluice::kustomize::build(tree, sluice::TreePath(), options);
  built = result.has_value();
  if (!built) return result.error().text();
  const auto text = result->resources.to_yaml();
  return text ? *text : text.error().text();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t nul = input.find('\0');
  const std::string kustomization(input.substr(0, nul));
  const std::string resources(nul == std::string_view::npos ? std::string_view()
                                                            : input.substr(nul + 1));
  const sluice::sources::MemTree tree({{"kustomization.yaml", kustomization},
                                       {"r.yaml", resources},
                                       {"base/kustomization.yaml", "resources: [r.yaml]\n"},
                                       {"base/r.yaml", resources},
                                       {"f.txt", resources},
                                       {"e.env", resources}});
  bool first = false, second = false;
  const std::string once = build(tree, first);
  const std::string twice = build(tree, second);
  if (first != second || once != twice) std::abort();  // a build is pure
  return 0;
}
