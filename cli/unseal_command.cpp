#include <algorithm>
#include <string>
#include <unistd.h>
#include <utility>

#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/sealed_secret.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "audit_log.hpp"
#include "commands.hpp"
#include "environment.hpp"
#include "flags.hpp"
#include "input.hpp"

namespace sluice::cli {
namespace {

/// kubeseal's exit status is 1 whatever happened.
int refused(const Error& error) {
  report(error);
  return 1;
}

constexpr std::size_t kMaxInput = 16 << 20;

/// As json.MarshalIndent prints it: order kept, two spaces.
Result<void> pretty_json(yaml::Node node, ByteSink& out, yaml::LeafReader& leaves,
                         const std::string& margin = "\n") {
  const bool is_map = node.is_mapping();
  if (!is_map && !node.is_sequence()) {
    yaml::JsonOptions options;
    options.leaves = &leaves;
    return yaml::write_go_json(node, out, options);
  }
  const std::string inner = margin + "  ";
  out.append(is_map ? "{" : "[");
  for (std::size_t i = 0; i < node.size(); ++i) {
    if (i > 0) out.append(",");
    out.append(inner);
    if (is_map) {
      SLUICE_CHECK(yaml::write_go_json(node.key(i), out, {}));
      out.append(": ");
    }
    SLUICE_CHECK(pretty_json(is_map ? node.value(i) : node.at(i), out, leaves, inner));
  }
  if (node.size() > 0) out.append(margin);
  out.append(is_map ? "}" : "]");
  return {};
}

/// Of the file `path`, or of standard input where it is "".
Result<crypto::SecretBytes> unseal(const std::string& path, decrypt::SealedKeys keys, bool json,
                                   decrypt::Audit audit) {
  const std::string shown = path.empty() ? "standard input" : path;
  std::string text;
  StringSink sink(text);
  SLUICE_CHECK(read_input(path, shown, kMaxInput, sink));
  auto documents = yaml::read_yaml(text, FileId::kNone);
  if (!documents) return fail(std::move(documents).error().at({shown}));
  if (documents->size() != 1 || !decrypt::is_sealed_secret(documents->front().root())) {
    return fail(Code::kInvalid, "not one SealedSecret of bitnami.com/v1alpha1", Where{shown});
  }
  const yaml::Node object = std::as_const(documents->front()).root();
  const Where where{shown, object.position().line(), object.position().column()};
  decrypt::SealedOpener opener(std::move(keys), /*next=*/nullptr, std::move(audit));
  SLUICE_TRY(const yaml::Document secret, opener.unseal(object, where, {.as_kubeseal = true}));
  decrypt::DecryptingLeafReader leaves(opener, CancelToken());
  crypto::SecretBuffer out;
  if (json) {
    SLUICE_CHECK(pretty_json(secret.root(), out, leaves));
    out.append("\n");
  } else {
    out.append("---\n");
    SLUICE_CHECK(yaml::write_yaml(secret.root(), out, &leaves));
  }
  return std::move(out).take();
}

}  // namespace

int unseal_command(Arguments arguments) {
  Flags flags;
  std::vector<std::string> key_files;
  std::string format = "json";
  std::string audit_path;
  flags.value("recovery-private-key", [&key_files](std::string_view text) -> Result<void> {
    key_files.emplace_back(text);
    return {};
  });
  flags.text("format", format);
  flags.text("audit-log", audit_path);
  flags.alias('o', "format");
  const auto files = flags.parse(arguments);
  if (!files) return refused(files.error());
  if (files->size() > 1) {
    return refused({Code::kInvalid, "unseal takes one file", Where{}, "sluice help unseal"});
  }
  if (format != "json" && format != "yaml") {
    return refused(
        {Code::kInvalid, "unsupported output format: " + format, Where{}, "use json or yaml"});
  }
  if (key_files.empty()) {
    return refused(
        {Code::kInvalid, "no key to open it with", Where{}, "--recovery-private-key FILE[,FILE]"});
  }
  auto keys = sealed_keys_from_files(key_files);
  if (!keys) return refused(keys.error());
  AuditLog audit;
  if (const auto opened = audit.open(audit_path); !opened) return refused(opened.error());
  const bool is_stdin = files->empty() || files->front() == "-";
  const auto secret = unseal(is_stdin ? "" : files->front(), *std::move(keys), format == "json",
                             audit.recorder("unseal"));
  if (!secret) return refused(secret.error());
  if (const auto told = audit.written(); !told) return refused(told.error());
  const auto written = write_secret(STDOUT_FILENO, *secret);
  return written ? 0 : refused(written.error());
}

}  // namespace sluice::cli
