#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/sanitizers.hpp"
#include "sluice/crypto/secret.hpp"

#include "commands.hpp"
#include "flags.hpp"

namespace {

using sluice::cli::Arguments;

struct Command {
  std::string_view name;
  int (*run)(Arguments);
};
constexpr Command kCommands[] = {
    {"run", sluice::cli::run_command},         {"build", sluice::cli::build_command},
    {"decrypt", sluice::cli::decrypt_command}, {"encrypt", sluice::cli::encrypt_command},
    {"rotate", sluice::cli::rotate_command},   {"updatekeys", sluice::cli::updatekeys_command},
    {"edit", sluice::cli::edit_command},       {"set", sluice::cli::set_command},
    {"unset", sluice::cli::unset_command},     {"unseal", sluice::cli::unseal_command},
    {"groups", sluice::cli::groups_command},   {"filestatus", sluice::cli::filestatus_command},
    {"ksops", sluice::cli::ksops_command},     {"sandbox", sluice::cli::sandbox_command},
    {"help", sluice::cli::help_command}};

// Commands of sops that are left out on purpose.
constexpr std::pair<std::string_view, const char*> kLeftOut[] = {
    {"exec-env",
     "plaintext would be in the environment of a program, where its children and every process of "
     "the user can read it; pipe `sluice decrypt` into the program instead"},
    {"exec-file",
     "plaintext would be in a file; pipe `sluice decrypt` into the program instead (/dev/stdin)"},
    {"publish",
     "it would send decrypted files to S3, GCS and Vault by the rules of a file in Git; decrypt "
     "and "
     "upload where that is meant"},
    {"keyservice",
     "it would open data keys for whoever can connect; give each user a key of their own"}};

// The command that sops' mode flags mean; "" when there is none among them.
std::string_view sops_mode(Arguments arguments) {
  for (const std::string_view argument : arguments) {
    if (argument == "--") break;
    if (argument == "-d" || argument == "--decrypt") return "decrypt";
    if (argument == "-e" || argument == "--encrypt") return "encrypt";
    if (argument == "-r" || argument == "--rotate") return "rotate";
  }
  return {};
}

// As sops's global flags, some may stand before the command: `sluice --config FILE encrypt SECRET`.
// They go to the end.
void put_command_first(std::vector<std::string_view>& arguments) {
  auto at = arguments.begin();
  while (at != arguments.end() && at->starts_with('-')) {
    const bool has_value = *at == "--config" || *at == "--indent" || *at == "--mlock";
    if (++at != arguments.end() && has_value) ++at;
  }
  if (at != arguments.end()) std::rotate(arguments.begin(), at, arguments.end());
}

// --mlock is every command's: what it decides must be decided before any secret is read. It is
// taken out; the others go to `left`.
sluice::Result<sluice::crypto::LockPolicy> take_lock_policy(Arguments arguments,
                                                            std::vector<std::string_view>& left) {
  auto policy = sluice::crypto::LockPolicy::kWarn;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view value = arguments[i];
    if (value == "--") {
      left.insert(left.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
      break;
    }
    constexpr std::string_view kFlag = "--mlock";
    if (!value.starts_with(kFlag) || (value.size() > kFlag.size() && value[kFlag.size()] != '=')) {
      left.push_back(value);
      continue;
    }
    if (value.size() > kFlag.size()) {
      value.remove_prefix(kFlag.size() + 1);
    } else {
      value = i + 1 < arguments.size() ? arguments[++i] : std::string_view();
    }
    if (value == "require") {
      policy = sluice::crypto::LockPolicy::kRequire;
    } else if (value == "warn") {
      policy = sluice::crypto::LockPolicy::kWarn;
    } else {
      return sluice::fail(sluice::Code::kInvalid, "--mlock: expected warn or require, found \"" +
                                                      std::string(value) + "\"");
    }
  }
  return policy;
}

int run_program(int argc, char** argv) {
  // First of all: OpenSSL takes zeroizing allocators only before its first allocation.
  const sluice::crypto::HardenReport hardened = sluice::crypto::harden_process();
  std::vector<std::string_view> arguments(argv + 1, argv + argc);
  // Under this name it is installed where kustomize looks for KSOPS.
  const std::string_view program = argc > 0 ? argv[0] : "";
  if (program.substr(program.rfind('/') + 1) == "ksops")
    return sluice::cli::ksops_command(arguments);
  if (arguments.empty()) return sluice::cli::help_command({});
  std::string_view name = arguments.front();
  if (name == "--version" || name == "version") {
    std::puts("sluice " SLUICE_VERSION);
    return 0;
  }
  if (name == "--help" || name == "-h") return sluice::cli::help_command({});
  // Flags first are those of sops: `sluice -d FILE`, `sluice --ignore-mac -d FILE`.
  const std::string_view mode = name.starts_with('-') ? sops_mode(arguments) : "";
  if (mode.empty()) {
    put_command_first(arguments);
    name = arguments.front();
  } else {
    name = mode;
  }
  const Arguments rest = Arguments(arguments).subspan(mode.empty() ? 1 : 0);
  for (const Command& command : kCommands) {
    if (command.name != name) continue;
    for (const std::string_view argument : rest) {
      if (argument == "--help" || argument == "-h") return sluice::cli::help_command({&name, 1});
    }
    std::vector<std::string_view> left;
    const auto policy = take_lock_policy(rest, left);
    if (!policy) return sluice::cli::report(policy.error());
    try {
      sluice::crypto::set_lock_policy(*policy);
      if (name == "run" || name == "decrypt" || name == "encrypt" || name == "unseal") {
        if (const std::string missing = hardened.text(); !missing.empty()) {
          std::fprintf(stderr, "sluice: warning: %s\n", missing.c_str());
        }
      }
      return command.run(left);
    } catch (const sluice::crypto::LockRefused& refused) {
      return sluice::cli::report(
          {sluice::Code::kDenied, refused.what(), sluice::Where{}, "--mlock warn goes on without"});
    }
  }
  for (const auto& [left_out, why] : kLeftOut) {
    if (name != left_out) continue;
    std::fprintf(stderr, "Error: sluice has no \"%s\" on purpose: %s\n", std::string(name).c_str(),
                 why);
    return 1;
  }
  std::fprintf(stderr, "Error: unknown command \"%.*s\" (sluice help lists the commands)\n",
               static_cast<int>(name.size()), name.data());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const int status = run_program(argc, argv);
#if !SLUICE_ADDRESS_SANITIZER  // the leak checker runs at the usual end
  // What is left has no more to do than give memory back, a millisecond's work for OpenSSL's
  // tables; secrets were wiped where they went out of scope.
  std::fflush(nullptr);
  std::_Exit(status);
#endif
  return status;
}
