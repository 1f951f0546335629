#include <unistd.h>

#include "sluice/base/clock.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/encryptor.hpp"

#include "commands.hpp"
#include "key_flags.hpp"
#include "key_sources.hpp"
#include "sops_files.hpp"

namespace sluice::cli {
namespace {

Result<void> rotate(const std::vector<std::string>& arguments, const SopsFlags& flags,
                    const KeyFlags& add, const KeyFlags& remove, const decrypt::KmsSettings& kms,
                    bool must_exist) {
  if (arguments.empty()) {
    return fail(Error(Code::kInvalid, "no file to rotate", Where{}, "sluice help rotate")
                    .reason(std::string(kReasonNoFile)));
  }
  const bool changes_keys = add.any() || remove.any();
  SLUICE_TRY(const SopsPlace place, sops_place(arguments, flags, must_exist && !changes_keys));
  if (changes_keys && ::access(place.path.c_str(), F_OK) != 0) {
    return fail(Error(Code::kNotFound, "\"" + place.shown + "\": no file to add or remove keys of",
                      Where{}, "sluice edit makes a new one")
                    .reason(std::string(kReasonNewKeys)));
  }
  SLUICE_TRY(auto added, add.keys(kms));
  SLUICE_TRY(auto removed, remove.keys(kms));
  AuditLog audit;
  SLUICE_TRY(decrypt::RewriteOptions options, rewrite_options(place, flags, audit, "rotate"));
  SLUICE_TRY(const std::string bytes, read_ciphertext(place));
  options.output = place.output;
  SLUICE_TRY(const auto services, keys_from_environment(flags.key_options()));
  SLUICE_CHECK(decrypt::complete_keys(added, services, CancelToken()));
  SLUICE_CHECK(decrypt::complete_keys(removed, services, CancelToken()));
  warn_of_ignored_mac(flags);
  SLUICE_TRY(const std::string text, decrypt::rotate_file(bytes, place.shown, options, added,
                                                          removed, services, CancelToken()));
  SLUICE_CHECK(audit.written());
  return give_ciphertext(place, flags, text);
}

}  // namespace

int rotate_command(Arguments arguments) {
  crypto::harden_heap();
  Flags flags;
  SopsFlags common;
  KeyFlags add, remove;
  std::string context;
  decrypt::KmsSettings kms;
  bool is_mode = false;  // `sluice -r FILE`, which must exist to sops
  common.add_to(flags);
  add.add_to(flags, "add-");
  remove.add_to(flags, "rm-");
  flags.text("encryption-context", context);
  flags.text("aws-profile", kms.profile);
  flags.on("rotate", is_mode);
  flags.alias('r', "rotate");
  const auto files = flags.parse(arguments);
  if (!files) return report(files.error());
  auto parsed = decrypt::parse_kms_context(context);
  if (!parsed) return sops_refused(parsed.error());
  kms.context = std::move(*parsed);
  const auto done = rotate(*files, common, add, remove, kms, is_mode);
  return done ? 0 : sops_refused(done.error());
}

}  // namespace sluice::cli
