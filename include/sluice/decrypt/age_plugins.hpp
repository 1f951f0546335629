#pragma once
/// age plugins: programs `age-plugin-NAME` that hold keys (hardware tokens and the like), spoken to
/// over their standard input and output as C2SP age-plugin says (recipient-v1, identity-v1). A file
/// in Git names the program that would run, so none is ever started unless whoever starts sluice
/// says so: the commands' flag --age-plugins. The controller never does.
///
/// File keys and what a user types pass through secret memory and pipes only.

#include <functional>
#include <string>
#include <vector>

#include "sluice/base/process.hpp"
#include "sluice/decrypt/passphrase.hpp"

namespace sluice::decrypt {

struct AgePlugins {
  RunProgram run;                        ///< empty: plugins are refused
  std::vector<std::string> environment;  ///< of the programs; PATH says where they are
  /// Shows what a plugin has to say ("touch your key"). Empty: the plugin is told that it failed.
  std::function<void(const std::string&)> show = {};
  AskPassphrase ask = {};  ///< for PINs and the like; empty: as above
};

}  // namespace sluice::decrypt
