#include "sluice/base/clock.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/encryptor.hpp"

#include "commands.hpp"
#include "key_flags.hpp"
#include "key_sources.hpp"
#include "sops_files.hpp"

namespace sluice::cli {
namespace {

Result<void> encrypt(const std::vector<std::string>& arguments, const SopsFlags& flags,
                     const EncryptFlags& encrypt_flags) {
  if (arguments.empty() && flags.name.empty() && !flags.in_place) {
    return fail(Error(Code::kInvalid, "--filename-override is missing: standard input has no name",
                      Where{}, "sluice encrypt --filename-override secret.yaml < FILE")
                    .reason(std::string(kReasonConflict)));
  }
  SLUICE_TRY(const SopsPlace place, sops_place(arguments, flags, /*must_exist=*/true));
  decrypt::EncryptFileOptions options;
  options.input = place.input;
  options.output = place.output;
  options.yaml_indent = place.yaml_indent;
  options.json_indent = place.json_indent;
  options.now = rfc3339(SystemClock().wall());
  SLUICE_TRY(const auto services, keys_from_environment(flags.key_options()));
  SLUICE_TRY(options.settings, encrypt_flags.settings(place, services));
  SLUICE_TRY(const auto plaintext, read_plaintext(place));
  SLUICE_TRY(const std::string text,
             decrypt::encrypt_file(plaintext, place.shown, options, services, CancelToken()));
  return give_ciphertext(place, flags, text);
}

}  // namespace

int encrypt_command(Arguments arguments) {
  crypto::harden_heap();
  Flags flags;
  SopsFlags common;
  EncryptFlags encrypt_flags;
  bool ignored = false;
  common.add_to(flags);
  encrypt_flags.add_to(flags);
  flags.on("encrypt", ignored);  // `sluice -e FILE`
  flags.alias('e', "encrypt");
  const auto files = flags.parse(arguments);
  if (!files) return report(files.error());
  const auto done = encrypt(*files, common, encrypt_flags);
  return done ? 0 : sops_refused(done.error());
}

}  // namespace sluice::cli
