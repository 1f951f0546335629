#include "sluice/decrypt/decryptor.hpp"

#include "audit_log.hpp"
#include "commands.hpp"
#include "environment.hpp"
#include "flags.hpp"
#include "key_sources.hpp"
#include "sops_files.hpp"

namespace sluice::cli {
namespace {

Result<void> decrypt(const std::vector<std::string>& arguments, const SopsFlags& flags,
                     const std::string& extract) {
  SLUICE_TRY(const SopsPlace place, sops_place(arguments, flags, /*must_exist=*/true));
  decrypt::DecryptFileOptions options;
  options.input = place.input;
  options.output = place.output;
  options.yaml_indent = place.yaml_indent;
  options.json_indent = place.json_indent;
  options.ignore_mac = flags.ignore_mac;
  SLUICE_TRY(options.decryption_order, flags.decryption_order());
  SLUICE_TRY(options.extract, decrypt::parse_value_path(extract));
  SLUICE_TRY(const std::string bytes, read_ciphertext(place));
  AuditLog audit;
  SLUICE_CHECK(audit.open(flags.audit_path));
  options.audit = audit.recorder("decrypt");
  SLUICE_TRY(const auto keys, keys_from_environment(flags.key_options()));
  warn_of_ignored_mac(flags);
  SLUICE_TRY(const auto plaintext,
             decrypt::decrypt_file(bytes, place.shown, options, keys, CancelToken()));
  SLUICE_CHECK(audit.written());
  return give_plaintext(place, flags, plaintext);
}

}  // namespace

int decrypt_command(Arguments arguments) {
  Flags flags;
  SopsFlags common;
  std::string extract;
  bool ignored = false;
  common.add_to(flags);
  flags.text("extract", extract);
  flags.on("decrypt", ignored);  // `sluice -d FILE`
  flags.alias('d', "decrypt");
  const auto files = flags.parse(arguments);
  if (!files) return report(files.error());
  const auto done = decrypt(*files, common, extract);
  return done ? 0 : sops_refused(done.error());
}

}  // namespace sluice::cli
