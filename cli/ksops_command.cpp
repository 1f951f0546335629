// `sluice ksops`, also as a program named ksops: what viaduct-ai/kustomize-sops 4.5.1 does when
// kustomize calls it. Plaintext goes to standard output, which is the contract with kustomize, and
// nowhere else.

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/generators/ksops.hpp"
#include "sluice/sources/dir_tree.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "commands.hpp"
#include "environment.hpp"
#include "key_sources.hpp"

namespace sluice::cli {
namespace {

using yaml::Node;
using Documents = std::vector<yaml::Document>;

constexpr std::size_t kMaxInput = std::size_t{256} << 20;
constexpr std::size_t kCopyBytes = std::size_t{1} << 20;

int say(const std::string& line) {
  std::fprintf(stderr, "%s\n", line.c_str());
  return 1;
}

int show_usage() {
  std::fputs(R"(
KSOPS is a flexible kustomize plugin for SOPS encrypted resources.
KSOPS supports both legacy and KRM style exec kustomize functions.

kustomize Usage:
- kustomize build --enable-alpha-plugins --enable-exec

Standalone Usage :
- Legacy: ksops secret-generator.yaml
- KRM: cat secret-generator.yaml | ksops

Install Usage (copy ksops binary to a target directory):
- ksops install /custom-tools
- ksops install --with-kustomize /custom-tools
)",
             stderr);
  return 1;
}

/// The files of this machine by the names that a manifest gives them: from where the process runs.
class Files {
 public:
  Files() : tree_(sources::make_dir_tree("/")) {}

  Result<sources::Blob> read(std::string_view path) const {
    std::string full(path);
    if (!path.starts_with('/')) {
      char here[4096];
      if (::getcwd(here, sizeof here) == nullptr) {
        return fail(Code::kInvalid, std::string("getwd: ") + std::strerror(errno));
      }
      full = std::string(here) + "/" + full;
    }
    SLUICE_TRY(const TreePath place, TreePath::parse(full));
    auto blob = tree_->read(place);
    if (blob || blob.error().code() != Code::kNotFound) return blob;
    return fail(Code::kNotFound, "open " + std::string(path) + ": no such file or directory");
  }

  generators::LoadFile loader() const {
    return [this](std::string_view path) { return read(path); };
  }

 private:
  std::unique_ptr<const sources::Tree> tree_;
};

/// KSOPS limits its parallel decryptions with it; ours are not parallel, but a wrong value is an
/// error there, too.
Result<void> check_limit() {
  const std::string limit = environment("KSOPS_CONCURRENCY_LIMIT");
  if (limit.empty()) return {};
  const std::size_t digits = limit[0] == '+' ? 1 : 0;
  const bool is_number = limit.size() > digits && limit.size() < 19 &&
                         limit.find_first_not_of("0123456789", digits) == std::string::npos;
  if (is_number && limit.find_first_not_of('0', digits) != std::string::npos) return {};
  return fail(Code::kInvalid, "error parsing KSOPS_CONCURRENCY_LIMIT value " + go_quote(limit) +
                                  ": it must be a number of 1 or more");
}

Result<generators::KsopsArgs> read_manifest(std::string_view text) {
  yaml::ReadOptions options;
  options.schema = yaml::Schema::kV2;
  options.unique_keys = false;
  auto documents = yaml::read_yaml(text, FileId::kNone, options);
  if (!documents) {
    const std::string why = "error converting YAML to JSON: " + documents.error().message();
    return fail(Code::kInvalid, "error unmarshalling manifest content: " + go_quote(why) + " \n" +
                                    std::string(text));
  }
  if (documents->empty()) documents->emplace_back();
  SLUICE_CHECK(check_limit());
  return generators::read_ksops(std::as_const(documents->front()).root(), text);
}

// --- `ksops FILE`, the legacy plugin: decrypted files as they are, then Secrets ---

Result<crypto::SecretBytes> decrypt_whole(const std::string& path, const Files& files,
                                          const decrypt::KeyServices& keys) {
  const auto decrypt = [&]() -> Result<crypto::SecretBytes> {
    auto blob = files.read(path);
    if (!blob) {
      return fail(std::move(blob).error().prefix("error reading " + go_quote(path) + ": "));
    }
    const decrypt::Format format = decrypt::format_for_path(path);
    auto plaintext =
        decrypt::decrypt_file(*blob->bytes, path, {format, format}, keys, CancelToken());
    if (!plaintext) {
      return fail(std::move(plaintext).error().prefix("trouble decrypting file: "));
    }
    return plaintext;
  };
  auto plaintext = decrypt();
  if (!plaintext) return fail(generators::ksops_file_error(std::move(plaintext).error(), path));
  return plaintext;
}

Result<crypto::SecretBytes> generate_text(std::string_view manifest, const Files& files) {
  SLUICE_TRY(const generators::KsopsArgs args, read_manifest(manifest));
  const auto sops = std::make_shared<decrypt::SopsFiles>();
  SLUICE_TRY(const decrypt::KeyServices keys, keys_from_environment());
  crypto::SecretBuffer out;
  const std::size_t parts = args.files.size() + args.secrets.size();
  for (std::size_t i = 0; i < args.files.size(); ++i) {
    SLUICE_TRY(const auto plaintext, decrypt_whole(args.files[i], files, keys));
    out.append(plaintext.reveal_text());
    if (i + 1 < parts) out.append("\n---\n");
  }
  decrypt::SopsDecryptor decryptor(sops, keys);
  decrypt::DecryptingLeafReader leaves(decryptor, CancelToken());
  for (const generators::KsopsSecret& secret : args.secrets) {
    SLUICE_TRY(const yaml::Document made,
               generators::generate_ksops_secret(secret, files.loader(), *sops));
    SLUICE_CHECK(yaml::write_yaml(made.root(), out, &leaves));
    if (&secret != &args.secrets.back()) out.append("---\n");
  }
  return std::move(out).take();
}

int run_legacy(const std::string& path) {
  const Files files;
  const auto manifest = files.read(path);
  if (!manifest) return say("unable to read in manifest: " + path);
  auto made = generate_text(*manifest->bytes, files);
  if (!made) return say("unable to generate manifests: " + made.error().text());
  const auto written = write_secret(STDOUT_FILENO, *made);
  return written ? 0 : say(written.error().text());
}

// --- KRM function: a ResourceList comes in, one goes out ---

/// Strings that were made, not read, get the quoting that sigs.k8s.io/yaml would have given them.
void quote_strings(yaml::Ref node) {
  const auto quote = [](yaml::Ref scalar) {
    yaml::Document alone;
    alone.root().set_string(scalar.text());
    std::string printed;
    if (!yaml::write_yaml(std::as_const(alone).root(), printed) || printed.empty()) return;
    const char first = printed.front();
    if (first == '"') scalar.set_style(yaml::Style::kDoubleQuoted);
    if (first == '\'') scalar.set_style(yaml::Style::kSingleQuoted);
    if (first == '|') scalar.set_style(yaml::Style::kLiteral);
  };
  for (std::size_t i = 0; i < node.size(); ++i) {
    const bool is_mapping = node.is_mapping();
    if (is_mapping) quote(node.key(i));
    const yaml::Ref child = is_mapping ? node.value(i) : node.at(i);
    if (child.is_string()) quote(child);
    quote_strings(child);
  }
}

Result<Documents> generate_objects(Node manifest, const Files& files, decrypt::SopsFiles& sops) {
  std::string text;
  SLUICE_CHECK(yaml::write_yaml_as_read(manifest, text));
  SLUICE_TRY(const generators::KsopsArgs args, read_manifest(text));
  Documents all;
  for (const std::string& path : args.files) {
    SLUICE_TRY(Documents more, generators::lift_ksops_file(path, files.loader(), sops));
    std::move(more.begin(), more.end(), std::back_inserter(all));
  }
  for (const generators::KsopsSecret& secret : args.secrets) {
    SLUICE_TRY(yaml::Document made,
               generators::generate_ksops_secret(secret, files.loader(), sops));
    quote_strings(made.root());
    all.push_back(std::move(made));
  }
  return all;
}

class Function {
 public:
  explicit Function(yaml::Document input) : input_(std::move(input)) {}

  /// Prints the ResourceList, with plaintext after success, and what came in after a failure.
  Result<void> run(ByteSink& out) {
    const auto done = generate();
    const yaml::Document list = answer(done ? nullptr : &done.error());
    SLUICE_TRY(auto keys, keys_from_environment());
    decrypt::SopsDecryptor decryptor(sops_, std::move(keys));
    decrypt::DecryptingLeafReader leaves(decryptor, CancelToken());
    if (done) return yaml::write_yaml_as_read(list.root(), out, &leaves);
    SLUICE_CHECK(yaml::write_yaml_as_read(list.root(), out, nullptr));
    return done;
  }

  /// The answer to a failure that shows only when values are opened.
  Result<void> run_failed(const Error& error, ByteSink& out) {
    items_.clear();
    const Node given = std::as_const(input_).root().get("items");
    for (std::size_t i = 0; i < given.size(); ++i)
      add(given.at(i));
    const yaml::Document list = answer(&error);
    return yaml::write_yaml_as_read(list.root(), out, nullptr);
  }

 private:
  void add(Node item) {
    yaml::Document copy;
    copy.set_root(copy.import(item));
    items_.push_back(std::move(copy));
  }

  Result<void> generate() {
    const Node given = std::as_const(input_).root().get("items");
    Documents made;
    for (std::size_t i = 0; i < given.size(); ++i) {
      auto more = generate_objects(given.at(i), files_, *sops_);
      if (!more) {
        for (std::size_t k = 0; k < given.size(); ++k)
          add(given.at(k));
        return fail(std::move(more).error());
      }
      std::move(more->begin(), more->end(), std::back_inserter(made));
    }
    items_ = std::move(made);
    return {};
  }

  yaml::Document answer(const Error* error) {
    generators::sort_ksops_objects(items_);
    yaml::Document list;
    const yaml::Ref root = list.root();
    root.set_mapping();
    root.put_string("apiVersion", "config.kubernetes.io/v1");
    root.put_string("kind", "ResourceList");
    const yaml::Ref items = items_.empty() ? yaml::Ref() : root.put_sequence("items");
    for (const yaml::Document& item : items_)
      items.append(item.root());
    const Node config = std::as_const(input_).root().get("functionConfig");
    if (config.size() > 0) root.put("functionConfig", config);
    const Node results = std::as_const(input_).root().get("results");
    if (results.size() > 0) root.put("results", results);
    if (error != nullptr) {
      const yaml::Ref result = root.put_sequence("results").append_mapping();
      result.put_string("message", error->message());
      result.put_string("severity", "error");
      quote_strings(result);
    }
    return list;
  }

  yaml::Document input_;
  Documents items_;
  Files files_;
  std::shared_ptr<decrypt::SopsFiles> sops_ = std::make_shared<decrypt::SopsFiles>();
};

Result<std::string> read_input() {
  std::string input;
  for (;;) {
    const std::size_t before = input.size();
    if (before > kMaxInput) {
      return fail(Code::kUnsupported,
                  "the input is larger than " + std::to_string(kMaxInput) + " bytes");
    }
    input.resize(before + kCopyBytes);
    const ssize_t got = ::read(STDIN_FILENO, input.data() + before, kCopyBytes);
    const int error = errno;
    input.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return input;
    if (got < 0 && error != EINTR) {
      return fail(Code::kInvalid,
                  std::string("unable to read from stdin: ") + std::strerror(error));
    }
  }
}

Result<yaml::Document> read_resource_list() {
  SLUICE_TRY(std::string text, read_input());
  auto documents =
      yaml::read_yaml(std::make_shared<const std::string>(std::move(text)), FileId::kNone);
  if (!documents) {
    return fail(std::move(documents).error().prefix("failed to parse input bytes: "));
  }
  if (documents->size() != 1) {
    return fail(Code::kInvalid, "failed to parse input bytes: expected exactly one object, got " +
                                    std::to_string(documents->size()));
  }
  const Node kind = std::as_const(documents->front()).root().get("kind");
  if (kind.text() == "ResourceList") return std::move(documents->front());
  return fail(Code::kInvalid,
              "input was of unexpected kind " + go_quote(kind.text()) + "; expected ResourceList");
}

int run_function() {
  struct stat info {};
  if (::fstat(STDIN_FILENO, &info) == 0 && S_ISCHR(info.st_mode)) return show_usage();
  const auto failed = [](const Error& error) {
    return say("failed to evaluate function: " + error.message() +
               "\nunable to generate manifests: " + error.text());
  };
  auto input = read_resource_list();
  if (!input) return failed(input.error());
  Function function(*std::move(input));
  crypto::SecretBuffer out;
  const auto done = function.run(out);
  if (done) {
    const auto written = write_secret(STDOUT_FILENO, std::move(out).take());
    return written ? 0 : say(written.error().text());
  }
  crypto::SecretBuffer answer;  // the other may hold the values up to the one that failed
  if (function.run_failed(done.error(), answer)) {
    (void)write_secret(STDOUT_FILENO, std::move(answer).take());
  }
  return failed(done.error());
}

// --- `ksops install` ---

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

int install_file(const std::string& from, const std::string& directory, const std::string& name) {
  std::string to = directory;
  while (to.size() > 1 && to.back() == '/')
    to.pop_back();
  to += "/" + name;
  const auto refused = [&](const std::string& path, const char* step) {
    return say("error installing " + name + " to " + to + ": " + step + " " + path + ": " +
               (errno == ENOENT ? "no such file or directory" : std::strerror(errno)));
  };
  const Descriptor in{::open(from.c_str(), O_RDONLY | O_CLOEXEC)};
  if (in.fd < 0) return refused(from, "open");
  const Descriptor out{::open(to.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0755)};
  if (out.fd < 0) return refused(to, "open");
  std::string buffer(kCopyBytes, '\0');
  for (;;) {
    const ssize_t got = ::read(in.fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refused(from, "read");
    if (got == 0) break;
    for (ssize_t at = 0; at < got;) {
      const ssize_t written =
          ::write(out.fd, buffer.data() + at, static_cast<std::size_t>(got - at));
      if (written < 0 && errno != EINTR) return refused(to, "write");
      at += std::max<ssize_t>(written, 0);
    }
  }
  say("installed " + to);
  return 0;
}

int install(Arguments arguments) {
  bool with_kustomize = false;
  std::string directory;
  for (const std::string_view argument : arguments) {
    if (argument == "--with-kustomize") {
      with_kustomize = true;
    } else if (directory.empty()) {
      directory = argument;
    }
  }
  if (directory.empty()) {
    return say(
        "install requires a destination directory\n"
        "usage: ksops install [--with-kustomize] <dest-dir>");
  }
  if (const int failed = install_file("/proc/self/exe", directory, "ksops")) return failed;
  return with_kustomize ? install_file("/usr/local/bin/kustomize", directory, "kustomize") : 0;
}

}  // namespace

int ksops_command(Arguments arguments) {
  if (!arguments.empty() && arguments.front() == "install") return install(arguments.subspan(1));
  if (arguments.empty()) return run_function();
  if (arguments.size() > 1) return show_usage();
  return run_legacy(std::string(arguments.front()));
}

}  // namespace sluice::cli
