#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include "sluice/decrypt/decryptor.hpp"
#include "sluice/sources/dir_tree.hpp"

#include "commands.hpp"
#include "environment.hpp"
#include "flags.hpp"

namespace sluice::cli {
namespace {

Result<decrypt::Format> parse_format(std::string_view text) {
  if (text == "yaml") return decrypt::Format::kYaml;
  if (text == "json") return decrypt::Format::kJson;
  if (text == "dotenv") return decrypt::Format::kDotenv;
  if (text == "ini") return decrypt::Format::kIni;
  if (text == "binary") return decrypt::Format::kBinary;
  return fail(Code::kInvalid, "unknown type \"" + std::string(text) + "\"", Where{},
              "use yaml, json, dotenv, ini or binary");
}

std::string absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  char directory[4096];
  return ::getcwd(directory, sizeof directory) == nullptr ? path
                                                          : std::string(directory) + "/" + path;
}

int refused(const Error& error) {
  std::fprintf(stderr, "%s\n", error.text().c_str());
  return decrypt::sops_exit_code(error);
}

/// sops looks for the file before it reads it: 100 where none is, 2 for one that cannot be read.
int unreadable(const Error& error, const std::string& path) {
  std::fprintf(stderr, "%s\n", error.text().c_str());
  struct stat info {};
  return ::stat(path.c_str(), &info) != 0 && errno == ENOENT ? 100 : 2;
}

}  // namespace

int decrypt_command(Arguments arguments) {
  Flags flags;
  std::optional<decrypt::Format> input, output;
  const auto format = [](std::optional<decrypt::Format>& into) {
    return [&into](std::string_view text) -> Result<void> {
      SLUICE_TRY(into, parse_format(text));
      return {};
    };
  };
  std::string output_path;
  bool ignore_mac = false;
  flags.value("input-type", format(input));
  flags.value("output-type", format(output));
  flags.text("output", output_path);
  flags.on("ignore-mac", ignore_mac);
  const auto files = flags.parse(arguments);
  if (!files) return report(files.error());
  if (files->size() != 1) {
    return report(
        {Code::kInvalid, "decrypt takes exactly one file", Where{}, "sluice help decrypt"});
  }
  const std::string& path = files->front();

  const auto tree = sources::make_dir_tree("/");
  const auto place = TreePath::parse(absolute(path));
  if (!place) return refused(place.error());
  const auto blob = tree->read(*place);
  if (!blob) return unreadable(blob.error(), path);

  const auto keys = age_keys_from_environment();
  if (!keys) return refused(keys.error());
  decrypt::DecryptFileOptions options;
  options.input = input.value_or(decrypt::format_for_path(path));
  options.output = output.value_or(options.input);
  options.ignore_mac = ignore_mac;
  if (ignore_mac)
    std::fprintf(stderr, "sluice: warning: --ignore-mac: the file may have been tampered with\n");
  const auto plaintext = decrypt::decrypt_file(*blob->bytes, path, options, *keys, CancelToken());
  if (!plaintext) return refused(plaintext.error());

  int descriptor = STDOUT_FILENO;
  if (!output_path.empty()) {
    // The user asked for plaintext in a file: nobody else may read it, not even for a moment.
    descriptor = ::open(output_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0 || ::fchmod(descriptor, 0600) != 0) {
      return report({Code::kInvalid, "cannot write \"" + output_path + "\""});
    }
  }
  const auto written = write_secret(descriptor, *plaintext);
  if (!output_path.empty()) ::close(descriptor);
  return written ? 0 : report(written.error());
}

}  // namespace sluice::cli
