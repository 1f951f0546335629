#include "sops_files.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include "sluice/base/clock.hpp"
#include "sluice/base/descriptor.hpp"
#include "sluice/base/encoding.hpp"

#include "environment.hpp"
#include "input.hpp"

namespace sluice::cli {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;  // as decrypt reads

Error failed(std::string_view reason, const std::string& what) {
  return Error(Code::kInvalid, what + ": " + std::strerror(errno)).reason(std::string(reason));
}

std::optional<decrypt::Format> parse_format(std::string_view text) {
  if (text == "yaml") return decrypt::Format::kYaml;
  if (text == "json") return decrypt::Format::kJson;
  if (text == "dotenv") return decrypt::Format::kDotenv;
  if (text == "ini") return decrypt::Format::kIni;
  if (text == "binary") return decrypt::Format::kBinary;
  return std::nullopt;
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 || errno != ENOENT;  // others fail when it is read
}

// Upward from the current directory, as sops looks.
std::string find_config() {
  constexpr int kMaxDepth = 100;
  // Above / there is / again: there is nothing else to find, and two hundred questions take longer
  // than the decryption.
  std::error_code unknown;
  const auto here = std::filesystem::current_path(unknown);
  const auto depth = unknown ? kMaxDepth : std::distance(here.begin(), here.end());
  std::string alternative;
  std::string folder;
  for (int i = 0; i < std::min<std::ptrdiff_t>(depth, kMaxDepth); ++i, folder += "../") {
    if (::access((folder + ".sops.yaml").c_str(), F_OK) == 0) {
      if (!alternative.empty()) {
        std::fprintf(stderr,
                     "sluice: warning: \"%s\" is ignored, the configuration is called .sops.yaml\n",
                     alternative.c_str());
      }
      return folder + ".sops.yaml";
    }
    if (alternative.empty() && ::access((folder + ".sops.yml").c_str(), F_OK) == 0) {
      alternative = folder + ".sops.yml";
    }
  }
  if (!alternative.empty()) {
    std::fprintf(stderr,
                 "sluice: warning: \"%s\" is ignored, the configuration is called .sops.yaml\n",
                 alternative.c_str());
  }
  return {};
}

Result<std::optional<decrypt::SopsConfig>> read_config(const std::string& flag) {
  std::string path = flag.empty() ? environment("SOPS_CONFIG") : flag;
  if (path.empty()) path = find_config();
  if (path.empty()) return std::optional<decrypt::SopsConfig>();
  SopsPlace place;
  place.path = path;
  place.shown = path;
  auto text = read_ciphertext(place);
  if (!text) return fail(std::move(text).error().reason(""));  // sops has 1 for it
  SLUICE_TRY(auto config, decrypt::SopsConfig::read(*text, absolute_path(path)));
  return std::optional(std::move(config));
}

Result<void> read_all(const SopsPlace& place, ByteSink& out) {
  auto read = read_input(place.path, place.shown, kMaxFileBytes, out);
  if (!read) return fail(std::move(read).error().reason(std::string(kReasonRead)));
  return {};
}

Result<void> write_text(int fd, std::string_view text, const std::string& name) {
  if (!write_all(fd, text)) return fail(failed(kReasonWrite, name));
  return {};
}

std::string target(const SopsPlace& place, const SopsFlags& flags) {
  return flags.in_place ? place.path : flags.output_path;
}

}  // namespace

int sops_refused(const Error& error) {
  std::fprintf(stderr, "%s\n", error.text().c_str());
  static constexpr std::pair<std::string_view, int> kCodes[] = {
      {kReasonRead, 2},     {kReasonWrite, 3},       {kReasonConflict, 8},  {kReasonNewKeys, 49},
      {kReasonNoFile, 100}, {kReasonUnchanged, 200}, {kReasonNoEditor, 201}};
  for (const auto& [reason, code] : kCodes) {
    if (error.reason() == reason) return code;
  }
  return decrypt::sops_exit_code(error);
}

void SopsFlags::add_to(Flags& flags) {
  const auto add_type = [&flags](const std::string& flag, std::optional<decrypt::Format>& into) {
    flags.value(flag, [flag, &into](std::string_view text) -> Result<void> {
      into = parse_format(text);
      if (into || text.empty()) return {};
      std::fprintf(
          stderr,
          "sluice: warning: --%s: there is no type %s, the name of the file decides (there "
          "are yaml, json, dotenv, ini and binary)\n",
          flag.c_str(), go_quote(text).c_str());
      return {};
    });
  };
  add_type("input-type", input);
  add_type("output-type", output);
  flags.text("output", output_path);
  flags.text("filename-override", name);
  flags.text("config", config);
  flags.text("decryption-order", order);
  flags.text("audit-log", audit_path);
  flags.on("age-plugins", age_plugins);
  flags.on("in-place", in_place);
  flags.alias('i', "in-place");
  flags.on("ignore-mac", ignore_mac);
  flags.value("indent", [this](std::string_view text) -> Result<void> {
    SLUICE_TRY(const long value, parse_number(text, -1, 64));
    indent = static_cast<int>(value);
    return {};
  });
}

Result<std::vector<std::string>> SopsFlags::decryption_order() const {
  return decrypt::parse_decryption_order(order.empty() ? environment("SOPS_DECRYPTION_ORDER")
                                                       : order);
}

Result<decrypt::RewriteOptions> rewrite_options(const SopsPlace& place, const SopsFlags& flags,
                                                AuditLog& audit, const std::string& purpose) {
  SLUICE_CHECK(audit.open(flags.audit_path));
  decrypt::RewriteOptions options{place.input};
  options.yaml_indent = place.yaml_indent;
  options.json_indent = place.json_indent;
  options.ignore_mac = flags.ignore_mac;
  SLUICE_TRY(options.decryption_order, flags.decryption_order());
  options.now = rfc3339(SystemClock().wall());
  options.audit = audit.recorder(purpose);
  return options;
}

void warn_of_ignored_mac(const SopsFlags& flags) {
  if (!flags.ignore_mac) return;
  std::fprintf(stderr, "sluice: warning: --ignore-mac: the file may have been tampered with\n");
}

std::string absolute_path(const std::string& path) {
  std::error_code error;
  const auto full = std::filesystem::absolute(path, error).lexically_normal();
  return error ? path : full.string();
}

Result<SopsPlace> sops_place(const std::vector<std::string>& arguments, const SopsFlags& flags,
                             bool must_exist) {
  const auto conflict = [](const char* what) {
    return fail(Error(Code::kInvalid, what).reason(std::string(kReasonConflict)));
  };
  if (flags.in_place && !flags.output_path.empty()) {
    return conflict("--output and --in-place cannot go together");
  }
  if (arguments.size() > 1) {
    return fail(Code::kInvalid, "one file at a time: \"" + arguments[1] + "\" is too much");
  }
  SopsPlace place;
  if (arguments.empty()) {
    if (flags.in_place) return conflict("--in-place needs a file, not standard input");
    place.shown = "standard input";
  } else {
    place.shown = arguments.front();
    place.path = absolute_path(arguments.front());
    if (must_exist && !exists(place.path)) {
      return fail(Error(Code::kNotFound, "\"" + place.shown + "\": no such file")
                      .reason(std::string(kReasonNoFile)));
    }
  }
  place.name = flags.name.empty() ? place.path : absolute_path(flags.name);
  place.input = flags.input.value_or(decrypt::format_for_path(place.name));
  place.output = flags.output.value_or(decrypt::format_for_path(place.name));
  SLUICE_TRY(place.config, read_config(flags.config));
  if (place.config) {
    place.yaml_indent = place.config->yaml_indent();
    place.json_indent = place.output == decrypt::Format::kBinary ? place.config->binary_indent()
                                                                 : place.config->json_indent();
  }
  if (flags.indent) place.yaml_indent = place.json_indent = *flags.indent;
  return place;
}

Result<std::string> read_ciphertext(const SopsPlace& place) {
  std::string text;
  StringSink sink(text);
  SLUICE_CHECK(read_all(place, sink));
  return text;
}

Result<crypto::SecretBytes> read_plaintext(const SopsPlace& place) {
  crypto::SecretBuffer text;
  SLUICE_CHECK(read_all(place, text));
  return std::move(text).take();
}

Result<void> give_plaintext(const SopsPlace& place, const SopsFlags& flags,
                            const crypto::SecretBytes& text) {
  const std::string path = target(place, flags);
  if (path.empty()) return write_secret(STDOUT_FILENO, text);
  // The user asked for plaintext in a file: nobody else may read it, not even for a moment.
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.is_open() || ::fchmod(file.get(), 0600) != 0) return fail(failed(kReasonWrite, path));
  auto written = write_secret(file.get(), text);
  if (!written) return fail(std::move(written).error().reason(std::string(kReasonWrite)));
  return {};
}

Result<void> give_ciphertext(const SopsPlace& place, const SopsFlags& flags,
                             const std::string& text) {
  const std::string path = target(place, flags);
  if (path.empty()) return write_text(STDOUT_FILENO, text, "standard output");
  return replace_file(path, text);
}

Result<void> replace_file(const std::string& path, std::string_view text) {
  char resolved[PATH_MAX];
  const std::string real = ::realpath(path.c_str(), resolved) == nullptr ? path : resolved;
  struct stat info {};
  const bool is_new = ::stat(real.c_str(), &info) != 0;
  if (!is_new && !S_ISREG(info.st_mode)) {  // a pipe or a device
    const Descriptor file(::open(real.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.is_open()) return fail(failed(kReasonWrite, path));
    return write_text(file.get(), text, path);
  }
  // A reader sees the old file or the new one, and a full disk loses nothing.
  const std::size_t slash = real.rfind('/');
  std::string name = real.substr(0, slash == std::string::npos ? 0 : slash + 1) + ".sluice-XXXXXX";
  const Descriptor file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file.is_open()) return fail(failed(kReasonWrite, path));
  const mode_t mask = ::umask(0);
  ::umask(mask);
  const mode_t mode = is_new ? 0666 & ~mask : info.st_mode & 07777;
  auto written = write_text(file.get(), text, path);
  if (written && (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0 ||
                  ::rename(name.c_str(), real.c_str()) != 0)) {
    written = fail(failed(kReasonWrite, path));
  }
  if (!written) ::unlink(name.c_str());
  return written;
}

}  // namespace sluice::cli
