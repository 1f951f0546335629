#include "tree.hpp"

namespace sluice::decrypt {

Result<Tree> read_ini_tree(std::string_view) {
  return fail(Code::kUnsupported, "INI files encrypted with SOPS are not supported yet", Where{},
              "store it as a binary file: sops encrypt --input-type binary");
}

Result<void> print_ini_tree(const Tree&, ByteSink&) {
  return fail(Code::kUnsupported, "printing as INI is not supported yet");
}

}  // namespace sluice::decrypt
