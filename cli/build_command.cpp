#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <sys/stat.h>
#include <unistd.h>

#include "sluice/crypto/secret.hpp"
#include "sluice/kustomize/build.hpp"
#include "sluice/sources/dir_tree.hpp"

#include "commands.hpp"
#include "environment.hpp"
#include "flags.hpp"

namespace sluice::cli {
namespace {

struct BuildFlags {
  kustomize::BuildOptions options;
  std::string output, key;
  bool show_secrets = false;
  bool container_switch = false;  ///< taken and not used, see declare()
};

/// kustomize's flags (kustomize/commands/build) and ours. Those that need a container runtime are
/// taken, as scripts pass them, and matter only to functions, which are refused by name when one is
/// met.
Flags declare(BuildFlags& into, std::vector<std::string>& ignored) {
  Flags flags;
  flags.text("output", into.output);
  flags.alias('o', "output");
  flags.value("load-restrictor", [&into](std::string_view text) -> Result<void> {
    if (text == "LoadRestrictionsRootOnly") {
      into.options.load_restrictor = kustomize::LoadRestrictor::kRootOnly;
    } else if (text == "LoadRestrictionsNone") {
      into.options.load_restrictor = kustomize::LoadRestrictor::kNone;
    } else {
      return fail(Code::kInvalid,
                  "illegal flag value --load-restrictor " + std::string(text) +
                      "; legal values: [LoadRestrictionsRootOnly LoadRestrictionsNone]");
    }
    return {};
  });
  flags.value("reorder", [&into](std::string_view text) -> Result<void> {
    if (text == "legacy") {
      into.options.reorder = kustomize::Reorder::kLegacy;
    } else if (text == "none") {
      into.options.reorder = kustomize::Reorder::kNone;
    } else {
      return fail(Code::kInvalid, "illegal flag value --reorder " + std::string(text) +
                                      "; legal values: [legacy none]");
    }
    return {};
  });
  flags.on("enable-alpha-plugins", into.options.enable_alpha_plugins);
  flags.on("enable-exec", into.options.enable_exec);
  flags.on("enable-helm", into.options.enable_helm);
  flags.text("helm-command", into.options.helm_command);
  flags.on("enable-managedby-label", into.options.add_managed_by_label);
  for (const char* name : {"network", "as-current-user", "helm-debug"}) {
    flags.on(name, into.container_switch);
  }
  const auto ignore = [&ignored](std::string_view text) -> Result<void> {
    ignored.emplace_back(text);
    return {};
  };
  for (const char* name :
       {"network-name", "mount", "env", "helm-api-versions", "helm-kube-version"}) {
    flags.value(name, ignore);
  }
  flags.alias('e', "env");
  flags.text("key", into.key);
  flags.on("show-secrets", into.show_secrets);
  return flags;
}

/// What kustomize prints: its own words first, then what we know more: place, context, hint.
int refuse(const Error& error) {
  std::string text = "Error: " + error.message();
  if (!error.where().empty()) text += "\n  at " + error.where().text();
  for (const std::string& line : error.within())
    text += "\n  in " + line;
  if (!error.hint().empty()) text += "\n  hint: " + error.hint();
  for (const Error& other : error.also())
    text += "\nError: " + other.text();
  std::fprintf(stderr, "%s\n", text.c_str());
  return exit_code(error.code());
}

Error cannot_write(const std::string& path) {
  return {Code::kInvalid, "cannot write " + path + ": " + std::strerror(errno)};
}

Result<void> write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) return fail(cannot_write(path));
  return {};
}

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

/// kustomize's writer.go: one file a resource, named "namespace_group_version_kind_name.yaml" in
/// lower case, the namespace only when names would meet otherwise.
std::string file_name(const ObjectId& id, bool with_namespace) {
  std::string name = with_namespace && !id.ns.empty() ? id.ns + "_" : "";
  if (!id.gvk.group.empty()) name += id.gvk.group + "_";
  name += id.gvk.version + "_" + id.gvk.kind + "_" + id.name;
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == ':' || c == '/') c = '_';
  }
  return name + ".yaml";
}

Result<void> write_directory(const std::string& directory, const kustomize::ResourceSet& set) {
  std::map<std::string, std::size_t> namespaces;
  for (const auto& resource : set.resources)
    namespaces.emplace(resource.id.ns, 0);
  for (const auto& resource : set.resources) {
    std::string text;
    SLUICE_CHECK(yaml::write_yaml(resource.document.root(), text));
    SLUICE_CHECK(write_file(directory + "/" + file_name(resource.id, namespaces.size() > 1), text));
  }
  return {};
}

Result<void> print_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(cannot_write("standard output"));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> build_and_print(BuildFlags& flags, const std::string& directory) {
  if (directory.find("://") != std::string::npos || directory.starts_with("git@")) {
    return fail(Code::kUnsupported,
                "remote directories are not supported by this version of sluice: " + directory,
                Where{}, "clone the repository and build the directory in it");
  }
  char resolved[PATH_MAX];
  if (::realpath(directory.c_str(), resolved) == nullptr) {
    return fail(Code::kNotFound, "must build at directory: not a valid directory: " +
                                     std::string(std::strerror(errno)) + ": '" + directory + "'");
  }
  const auto tree = sources::make_dir_tree("/");
  SLUICE_TRY(const TreePath path, TreePath::parse(resolved));
  flags.options.on_warning = [](std::string_view line) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  };
  std::unique_ptr<decrypt::SopsDecryptor> decryptor;
  if (!flags.key.empty()) {
    SLUICE_TRY(auto keys, age_keys_from_file(flags.key));
    flags.options.lift_encrypted = true;
    flags.options.sops_files = std::make_shared<decrypt::SopsFiles>();
    decryptor = std::make_unique<decrypt::SopsDecryptor>(flags.options.sops_files, std::move(keys));
    flags.options.decryptor = decryptor.get();
  }
  SLUICE_TRY(const auto result, kustomize::build(*tree, path, flags.options));
  if (flags.show_secrets) {
    crypto::SecretBuffer buffer;
    decrypt::DecryptingLeafReader leaves(*decryptor, CancelToken());
    SLUICE_CHECK(result.resources.write_yaml(buffer, &leaves));
    return write_secret(STDOUT_FILENO, std::move(buffer).take());
  }
  if (is_directory(flags.output)) return write_directory(flags.output, result.resources);
  SLUICE_TRY(const std::string text, result.resources.to_yaml());
  return flags.output.empty() ? print_all(STDOUT_FILENO, text) : write_file(flags.output, text);
}

}  // namespace

int build_command(Arguments arguments) {
  BuildFlags into;
  std::vector<std::string> ignored;
  bool strict = false;
  Flags flags = declare(into, ignored);
  flags.on("strict-yaml", strict);
  const auto directories = flags.parse(arguments);
  if (!directories) return refuse(directories.error());
  if (directories->size() > 1) {
    return refuse({Code::kInvalid, "specify one path to kustomization.yaml"});
  }
  if (into.show_secrets && (into.key.empty() || !into.output.empty())) {
    return refuse(
        {Code::kInvalid, "--show-secrets needs --key and prints to standard output only"});
  }
  if (strict) into.options.yaml_engine = yaml::Engine::kBoth;
  const auto done = build_and_print(into, directories->empty() ? "." : directories->front());
  return done ? 0 : refuse(done.error());
}

}  // namespace sluice::cli
