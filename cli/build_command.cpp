#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <sys/stat.h>
#include <unistd.h>

#include "sluice/base/ascii.hpp"
#include "sluice/base/descriptor.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/kustomize/build.hpp"
#include "sluice/sources/dir_tree.hpp"

#include "audit_log.hpp"
#include "commands.hpp"
#include "environment.hpp"
#include "explain_cache.hpp"
#include "flags.hpp"
#include "heap.hpp"
#include "key_sources.hpp"
#include "remote_content.hpp"

namespace sluice::cli {
namespace {

struct BuildFlags {
  kustomize::BuildOptions options;
  std::string output, key, audit_path, explain, load_restrictor = "LoadRestrictionsRootOnly";
  std::optional<std::string> reorder;
  std::vector<std::string> sealed_keys;
  KeyOptions keys;
  std::vector<std::string> function_environment;
  bool environment_keys = false;
  bool explain_cache = false, no_remote_bases = false;
  bool show_secrets = false;
  bool container_switch = false;  ///< taken and not used, see declare()
  bool decrypts() const { return !key.empty() || environment_keys; }
};

void deprecated(const char* flag, const char* advice) {
  std::fprintf(stderr, "Flag --%s has been deprecated, %s\n", flag, advice);
}

/// kustomize's flags (kustomize/commands/build) and ours. Those that need a container runtime are
/// taken, as scripts pass them, and matter only to functions, which are refused by name when one is
/// met.
Flags declare(BuildFlags& into, std::vector<std::string>& ignored) {
  Flags flags;
  flags.text("output", into.output);
  flags.alias('o', "output");
  flags.on("check-sealed-secrets", into.options.refuse_moved_sealed_secrets);
  flags.value("recovery-private-key", [&into](std::string_view text) -> Result<void> {
    into.sealed_keys.emplace_back(text);
    return {};
  });
  flags.text("load-restrictor", into.load_restrictor);
  flags.value("reorder", [&into](std::string_view text) -> Result<void> {
    deprecated("reorder", "use the new 'sortOptions' field in kustomization.yaml instead.");
    into.reorder = text;
    return {};
  });
  flags.on("enable-alpha-plugins", into.options.enable_alpha_plugins);
  flags.on("no-remote-bases", into.no_remote_bases);
  flags.on("enable-exec", into.options.enable_exec);
  flags.on("enable-helm", into.options.enable_helm);
  flags.text("helm-command", into.options.helm_command);
  flags.value(
      "enable-managedby-label",
      [&into](std::string_view text) -> Result<void> {
        deprecated("enable-managedby-label",
                   "The flag `enable-managedby-label` has been deprecated. Use the "
                   "`managedByLabel` option in the `buildMetadata` field instead.");
        SLUICE_TRY(into.options.add_managed_by_label, parse_switch(text));
        return {};
      },
      "true");
  flags.on("helm-debug", into.options.helm_debug);
  flags.text("helm-kube-version", into.options.helm_kube_version);
  const auto add_to = [](std::vector<std::string>& list) {
    return [&list](std::string_view text) -> Result<void> {
      list.emplace_back(text);
      return {};
    };
  };
  flags.value("helm-api-versions", add_to(into.options.helm_api_versions));
  flags.value("env", add_to(into.function_environment));
  for (const char* name : {"network", "as-current-user", "stack-trace"}) {
    flags.on(name, into.container_switch);
  }
  const auto ignore = [&ignored](std::string_view text) -> Result<void> {
    ignored.emplace_back(text);
    return {};
  };
  for (const char* name : {"network-name", "mount"}) {
    flags.value(name, ignore);
  }
  flags.alias('e', "env");
  flags.text("key", into.key);
  flags.on("keys-from-environment", into.environment_keys);
  flags.text("audit-log", into.audit_path);
  flags.on("age-plugins", into.keys.age_plugins);
  flags.on("show-secrets", into.show_secrets);
  flags.text("explain", into.explain);
  flags.on("explain-cache", into.explain_cache);
  return flags;
}

/// kustomize looks at these values after it has counted the directories.
Result<void> check(BuildFlags& into) {
  if (into.load_restrictor == "LoadRestrictionsNone") {
    into.options.load_restrictor = kustomize::LoadRestrictor::kNone;
  } else if (!into.load_restrictor.empty() && into.load_restrictor != "LoadRestrictionsRootOnly") {
    return fail(Code::kInvalid,
                "illegal flag value --load-restrictor " + into.load_restrictor +
                    "; legal values: [LoadRestrictionsRootOnly LoadRestrictionsNone]");
  }
  if (!into.reorder) return {};
  if (*into.reorder != "legacy" && *into.reorder != "none") {
    return fail(Code::kInvalid,
                "illegal flag value --reorder " + *into.reorder + "; legal values: [legacy none]");
  }
  into.options.reorder =
      *into.reorder == "legacy" ? kustomize::Reorder::kLegacy : kustomize::Reorder::kNone;
  return {};
}

/// What kustomize prints: its own words first, then what we know more: place, context, hint.
/// The exit status is kustomize's 1 for all that can go wrong there, too; `own`: the number of the
/// code, as other commands have it.
int refuse(const Error& error, bool own = false) {
  std::string text = "Error: " + error.message();
  if (!error.where().empty()) text += "\n  at " + error.where().text();
  for (const std::string& line : error.within())
    text += "\n  in " + line;
  if (!error.hint().empty()) text += "\n  hint: " + error.hint();
  for (const Error& other : error.also())
    text += "\nError: " + other.text();
  std::fprintf(stderr, "%s\n", text.c_str());
  return own || error.code() == Code::kInternal ? exit_code(error.code()) : 1;
}

Error cannot_write(const char* step, const std::string& path) {
  const int error = errno;
  return {Code::kInvalid, step + (" " + path) + ": " + go_words(error)};
}

Result<void> print_all(int descriptor, std::span<const std::string> parts,
                       const std::string& name) {
  for (const std::string& text : parts) {
    if (!write_all(descriptor, text)) return fail(cannot_write("write", name));
  }
  return {};
}

Result<void> write_file(const std::string& path, std::span<const std::string> parts) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file.is_open()) return fail(cannot_write("open", path));
  SLUICE_CHECK(print_all(file.get(), parts, path));
  if (!file.close()) return fail(cannot_write("close", path));
  return {};
}

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

/// kustomize's writer.go: one file a resource, "group_version_kind_name.yaml" in lower case. When
/// the resources live in several namespaces, theirs comes first.
std::string file_name(const kustomize::Resource& resource, bool with_namespace) {
  const ObjectId& id = resource.id;
  std::string name;
  if (with_namespace && !resource.cluster_scoped) {
    name = (id.ns.empty() ? "default" : id.ns) + "_";
  }
  for (const std::string* part : {&id.gvk.group, &id.gvk.version, &id.gvk.kind}) {
    if (!part->empty()) name += *part + "_";
  }
  return to_lower(name + id.name) + ".yaml";
}

Result<void> write_directory(const std::string& directory, const kustomize::ResourceSet& set) {
  std::set<std::string_view> namespaces;
  for (const auto& resource : set.resources) {
    const std::string& ns = resource.id.ns;
    if (!resource.cluster_scoped) namespaces.insert(ns.empty() ? "default" : std::string_view(ns));
  }
  for (const auto& resource : set.resources) {
    const std::string name = file_name(resource, namespaces.size() > 1);
    if (name.find('/') != std::string::npos) {
      return fail(Code::kInvalid, "cannot write a file named \"" + name + "\" to " + directory,
                  Where{}, "name a file, not a directory, after --output");
    }
    SLUICE_TRY(const std::string text, set.to_file(resource));
    SLUICE_CHECK(
        write_file((directory.ends_with('/') ? directory : directory + "/") + name, {&text, 1}));
  }
  return {};
}

/// filepath.Abs: ".." takes away the part before it, also where that is a link.
std::string absolute(std::string_view directory) {
  std::string path;
  if (!directory.starts_with('/')) {
    const std::unique_ptr<char, decltype(&std::free)> current(::getcwd(nullptr, 0), &std::free);
    if (current && current.get() != std::string_view("/")) path = current.get();
  }
  while (!directory.empty()) {
    const std::size_t slash = directory.find('/');
    const std::string_view part = directory.substr(0, slash);
    directory.remove_prefix(slash == std::string_view::npos ? directory.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      path.resize(path.empty() ? 0 : path.rfind('/'));
      continue;
    }
    path.append("/").append(part);
  }
  return path.empty() ? "/" : path;
}

/// Where filepath.EvalSymlinks stops: the first part of an absolute path that is not there.
std::string missing_part(const std::string& path) {
  struct stat info {};
  for (std::size_t end = path.find('/', 1); end != std::string::npos;
       end = path.find('/', end + 1)) {
    if (::stat(path.substr(0, end).c_str(), &info) != 0) return path.substr(0, end);
  }
  return path;
}

/// The directory by its real path; errors as kustomize words them, with the user's own word.
Result<TreePath> find_directory(const std::string& directory) {
  const std::string_view refusal = "must build at directory: ";
  if (directory.empty()) {
    return fail(Code::kInvalid, std::string(refusal) + "directory path cannot be empty");
  }
  const std::string path = absolute(directory);
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  if (!real) {
    const int error = errno;
    return fail(Code::kNotFound, std::string(refusal) +
                                     "not a valid directory: evalsymlink failure on '" + directory +
                                     "' : lstat " + missing_part(path) + ": " + go_words(error));
  }
  if (!is_directory(real.get())) {
    return fail(Code::kInvalid,
                std::string(refusal) + "'" + directory + "': file is not directory");
  }
  return TreePath::parse(real.get());
}

/// Each SealedSecret becomes its Secret, in its place. Its errors are reported together.
Result<void> unseal_all(kustomize::ResourceSet& set, decrypt::SealedOpener& opener) {
  std::optional<Error> all;
  for (kustomize::Resource& resource : set.resources) {
    const yaml::Node root = std::as_const(resource.document).root();
    if (!decrypt::is_sealed_secret(root)) continue;
    const Where where = set.files ? set.files->where(root.file(), root.position()) : Where{};
    auto secret = opener.unseal(root, where, {});
    if (secret) {
      resource.document = *std::move(secret);
      resource.id.gvk = {"", "v1", "Secret"};
    } else if (all) {
      all->add(std::move(secret).error());
    } else {
      all = std::move(secret).error();
    }
  }
  if (all) return fail(*std::move(all));
  return {};
}

/// Programs that plugins and charts name are started as this process was, in their directories.
std::shared_ptr<const kustomize::Programs> programs_for(const BuildFlags& flags) {
  kustomize::Programs programs;
  programs.run = run_program;
  programs.environment = whole_environment;
  programs.function_environment = flags.function_environment;
  if (std::string temporary = environment("TMPDIR"); !temporary.empty()) {
    programs.temporary_directory = std::move(temporary);
  }
  return std::make_shared<const kustomize::Programs>(std::move(programs));
}

/// As kustomize: what looks like a repository is one, even where a directory has that name.
Result<kustomize::BuildResult> build_target(const std::string& target, const BuildFlags& flags) {
  if (kustomize::is_repository(target)) {
    if (!flags.explain_cache) return kustomize::build_repository(target, flags.options);
    return fail(Code::kUnsupported,
                "--explain-cache needs a directory: what is fetched is not kept: " + target);
  }
  SLUICE_TRY(const TreePath path, find_directory(target));
  const auto tree = sources::make_dir_tree("/");
  return flags.explain_cache ? build_and_explain(*tree, path, flags.options)
                             : kustomize::build(*tree, path, flags.options);
}

Result<void> build_and_print(BuildFlags& flags, const std::string& directory) {
  CancelSource stop;
  CommandRemotes remotes(stop);
  flags.options.cancel = stop.token();
  if (!flags.no_remote_bases) flags.options.remotes = &remotes;
  flags.options.on_warning = [](std::string_view line) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  };
  AuditLog audit;  // outlives the decryptor, which tells it
  SLUICE_CHECK(audit.open(flags.audit_path));
  const decrypt::Audit record = audit.recorder(flags.show_secrets ? "show" : "names");
  flags.options.programs = programs_for(flags);
  flags.options.sops_files = std::make_shared<decrypt::SopsFiles>();
  std::unique_ptr<decrypt::LeafDecryptor> decryptor;
  if (!flags.decrypts()) {
    // KSOPS generators are the only ones to lift values then.
    decryptor = make_environment_decryptor(flags.options.sops_files, record, flags.keys);
  } else {
    SLUICE_TRY(auto keys, flags.key.empty() ? keys_from_environment(flags.keys)
                                            : keys_from_file(flags.key, flags.keys));
    flags.options.lift_encrypted = true;
    decryptor = std::make_unique<decrypt::SopsDecryptor>(flags.options.sops_files, std::move(keys),
                                                         decrypt::kDefaultDecryptionOrder, record);
  }
  flags.options.decryptor = decryptor.get();
  std::unique_ptr<decrypt::SealedOpener> opener;
  if (!flags.sealed_keys.empty()) {
    SLUICE_TRY(auto keys, sealed_keys_from_files(flags.sealed_keys));
    flags.options.refuse_moved_sealed_secrets = true;
    opener = std::make_unique<decrypt::SealedOpener>(std::move(keys), decryptor.get(), record);
  }
  flags.options.explain = !flags.explain.empty();
  expect_much_memory();
  SLUICE_TRY(auto built, build_target(directory, flags));
  // Kept until the process ends: giving back a hundred thousand small parts first helps nobody.
  static kustomize::BuildResult* const kept = new kustomize::BuildResult(std::move(built));
  kustomize::BuildResult& result = *kept;
  if (opener) SLUICE_CHECK(unseal_all(result.resources, *opener));
  SLUICE_CHECK(audit.written());
  if (!flags.explain.empty()) {
    SLUICE_TRY(const std::string text, kustomize::explain(result, flags.explain));
    return print_all(STDOUT_FILENO, {&text, 1}, "/dev/stdout");
  }
  if (flags.show_secrets) {
    crypto::SecretBuffer buffer;
    decrypt::LeafDecryptor& any =
        opener ? static_cast<decrypt::LeafDecryptor&>(*opener) : *decryptor;
    decrypt::DecryptingLeafReader leaves(any, CancelToken());
    SLUICE_CHECK(result.resources.write_yaml(buffer, &leaves));
    SLUICE_CHECK(audit.written());
    return write_secret(STDOUT_FILENO, std::move(buffer).take());
  }
  if (is_directory(flags.output)) return write_directory(flags.output, result.resources);
  SLUICE_TRY(const std::vector<std::string> parts, result.resources.to_yaml_parts());
  return flags.output.empty() ? print_all(STDOUT_FILENO, parts, "/dev/stdout")
                              : write_file(flags.output, parts);
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
  if (into.show_secrets && !into.output.empty()) {
    return refuse({Code::kInvalid, "--show-secrets prints to standard output only"});
  }
  if (const auto checked = check(into); !checked) return refuse(checked.error());
  if (strict) into.options.yaml_engine = yaml::Engine::kBoth;
  const char* label = std::getenv("KUSTOMIZE_ENABLE_MANAGEDBY_LABEL");
  if (label != nullptr && label == std::string_view("on")) into.options.add_managed_by_label = true;
  const auto done = build_and_print(into, directories->empty() ? "." : directories->front());
  const bool has_keys = into.decrypts() || !into.sealed_keys.empty();
  return done ? 0 : refuse(done.error(), has_keys);
}

}  // namespace sluice::cli
