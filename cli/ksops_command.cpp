// `sluice ksops`, also as a program named ksops: what viaduct-ai/kustomize-sops 4.5.1 does when
// kustomize calls it. Plaintext goes to standard output, which is the contract with kustomize, and
// nowhere else; until then it is in secret memory only.

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "sluice/base/descriptor.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/generators/ksops.hpp"
#include "sluice/sources/dir_tree.hpp"
#include "sluice/yaml/commented.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "audit_log.hpp"
#include "commands.hpp"
#include "environment.hpp"
#include "input.hpp"
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

using decrypt::decrypt_file;
using decrypt::decrypt_for_kustomize;

/// What `decrypt`, one of these, makes of the file `path`.
template <class Made>
Result<Made> decrypt_with(Result<Made> (&decrypt)(std::string_view, const std::string&,
                                                  const decrypt::DecryptFileOptions&,
                                                  const decrypt::KeyServices&, const CancelToken&),
                          const std::string& path, const generators::LoadFile& load,
                          const decrypt::KeyServices& keys, const decrypt::Audit& audit) {
  const auto read = [&]() -> Result<Made> {
    auto blob = load(path);
    if (!blob) {
      return fail(std::move(blob).error().prefix("error reading " + go_quote(path) + ": "));
    }
    const decrypt::Format format = decrypt::format_for_path(path);
    decrypt::DecryptFileOptions options{format, format};
    options.audit = audit;
    options.inline_comments = false;
    auto made = decrypt(*blob->bytes, path, options, keys, CancelToken());
    if (!made) return fail(std::move(made).error().prefix("trouble decrypting file: "));
    return made;
  };
  auto made = read();
  if (!made) return fail(generators::ksops_file_error(std::move(made).error(), path));
  return made;
}

Result<crypto::SecretBytes> generate_text(std::string_view manifest, const Files& files,
                                          const decrypt::Audit& audit) {
  SLUICE_TRY(const generators::KsopsArgs args, read_manifest(manifest));
  const auto sops = std::make_shared<decrypt::SopsFiles>();
  SLUICE_TRY(const decrypt::KeyServices keys, keys_from_environment());
  crypto::SecretBuffer out;
  const std::size_t parts = args.files.size() + args.secrets.size();
  for (std::size_t i = 0; i < args.files.size(); ++i) {
    SLUICE_TRY(const auto plaintext,
               decrypt_with(decrypt_file, args.files[i], files.loader(), keys, audit));
    out.append(plaintext.reveal_text());
    if (i + 1 < parts) out.append("\n---\n");
  }
  decrypt::SopsDecryptor decryptor(sops, keys, decrypt::kDefaultDecryptionOrder, audit);
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
  AuditLog audit;
  if (const auto opened = audit.open({}); !opened) return say(opened.error().text());
  auto made = generate_text(*manifest->bytes, files, audit.recorder("ksops"));
  if (!made) return say("unable to generate manifests: " + made.error().text());
  if (const auto told = audit.written(); !told) return say(told.error().text());
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

/// One object of the answer: as values that are opened when they are printed, or as text.
struct Object {
  yaml::Document document;
  std::optional<crypto::SecretBytes> text = std::nullopt;
};
using Objects = std::vector<Object>;

/// `item` as an entry of a list.
void append_entry(ByteSink& out, const crypto::SecretBytes& item) {
  std::string_view margin = "- ";
  for (std::string_view rest = item.reveal_text(); !rest.empty(); margin = "  ") {
    const std::size_t end = std::min(rest.find('\n') + 1, rest.size());
    if (end > 1) out.append(margin);
    out.append(rest.substr(0, end));
    rest.remove_prefix(end);
  }
}

class Function {
 public:
  Function(yaml::Document input, decrypt::Audit audit)
      : input_(std::move(input)), audit_(std::move(audit)) {}

  /// Prints the ResourceList, with plaintext.
  Result<void> run(ByteSink& out) {
    SLUICE_TRY(keys_, keys_from_environment());
    SLUICE_CHECK(generate());
    decrypt::SopsDecryptor decryptor(sops_, keys_, decrypt::kDefaultDecryptionOrder, audit_);
    decrypt::DecryptingLeafReader leaves(decryptor, CancelToken());
    return print(nullptr, out, &leaves);
  }

  /// The answer to a failure: what came in.
  Result<void> run_failed(const Error& error, ByteSink& out) {
    items_.clear();
    const Node given = std::as_const(input_).root().get("items");
    for (std::size_t i = 0; i < given.size(); ++i) {
      yaml::Document copy;
      copy.set_root(copy.import(given.at(i)));
      items_.push_back({std::move(copy)});
    }
    return print(&error, out, nullptr);
  }

 private:
  Result<void> generate() {
    const Node given = std::as_const(input_).root().get("items");
    for (std::size_t i = 0; i < given.size(); ++i) {
      std::string text;
      SLUICE_CHECK(yaml::write_yaml_as_read(given.at(i), text));
      SLUICE_TRY(const generators::KsopsArgs args, read_manifest(text));
      for (const std::string& path : args.files)
        SLUICE_CHECK(add_file(path));
      for (const generators::KsopsSecret& secret : args.secrets) {
        SLUICE_TRY(yaml::Document made,
                   generators::generate_ksops_secret(secret, files_.loader(), *sops_));
        quote_strings(made.root());
        items_.push_back({std::move(made)});
      }
    }
    return {};
  }

  Result<void> add_file(const std::string& path) {
    const Result<sources::Blob> blob = files_.read(path);  // once, though it may change
    const auto load = [&blob](std::string_view) { return blob; };
    SLUICE_TRY(Documents lifted, generators::lift_ksops_file(path, load, *sops_));
    SLUICE_TRY(const auto comments, yaml::comment_places(*blob->bytes));
    std::vector<crypto::SecretBytes> texts;
    if (!comments.empty() && decrypt::format_for_path(path) == decrypt::Format::kYaml) {
      SLUICE_TRY(texts, decrypt_with(decrypt_for_kustomize, path, load, keys_, audit_));
    }
    const bool has_texts = texts.size() == lifted.size();
    for (std::size_t i = 0; i < lifted.size(); ++i) {
      items_.push_back({std::move(lifted[i])});
      if (has_texts) items_.back().text = std::move(texts[i]);
    }
    return {};
  }

  Result<void> print(const Error* error, ByteSink& out, yaml::LeafReader* leaves) {
    std::stable_sort(items_.begin(), items_.end(), [](const Object& a, const Object& b) {
      return generators::ksops_sort_key(std::as_const(a.document).root()) <
             generators::ksops_sort_key(std::as_const(b.document).root());
    });
    out.append("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n");
    if (!items_.empty()) out.append("items:\n");
    for (const Object& item : items_) {
      if (item.text) {
        append_entry(out, *item.text);
        continue;
      }
      yaml::Document entry;
      entry.root().set_sequence();
      entry.root().append(std::as_const(item.document).root());
      SLUICE_CHECK(yaml::write_yaml_as_read(std::as_const(entry).root(), out, leaves));
    }
    yaml::Document rest;
    const yaml::Ref root = rest.root();
    root.set_mapping();
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
    if (root.size() == 0) return {};
    return yaml::write_yaml_as_read(std::as_const(rest).root(), out, nullptr);
  }

  yaml::Document input_;
  decrypt::Audit audit_;
  decrypt::KeyServices keys_;
  Objects items_;
  Files files_;
  std::shared_ptr<decrypt::SopsFiles> sops_ = std::make_shared<decrypt::SopsFiles>();
};

Result<yaml::Document> read_resource_list() {
  std::string text;
  StringSink sink(text);
  SLUICE_CHECK(read_input("", "unable to read from stdin", kMaxInput, sink));
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
  AuditLog audit;
  if (const auto opened = audit.open({}); !opened) return say(opened.error().text());
  Function function(*std::move(input), audit.recorder("ksops"));
  crypto::SecretBuffer out;
  auto done = function.run(out);
  if (done) done = audit.written();
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

int install_file(const std::string& from, const std::string& directory, const std::string& name) {
  std::string to = directory;
  while (to.size() > 1 && to.back() == '/')
    to.pop_back();
  to += "/" + name;
  const auto refused = [&](const std::string& path, const char* step) {
    return say("error installing " + name + " to " + to + ": " + step + " " + path + ": " +
               go_words(errno));
  };
  const Descriptor in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in.is_open()) return refused(from, "open");
  const Descriptor out(::open(to.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0755));
  if (!out.is_open()) return refused(to, "open");
  std::string buffer(kCopyBytes, '\0');
  for (;;) {
    const ssize_t got = read_some(in.get(), std::as_writable_bytes(std::span(buffer)));
    if (got < 0) return refused(from, "read");
    if (got == 0) break;
    const std::string_view piece(buffer.data(), static_cast<std::size_t>(got));
    if (!write_all(out.get(), piece)) return refused(to, "write");
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
