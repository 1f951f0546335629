// `groups add` and `groups delete`: key groups of an encrypted file. Also `filestatus`.
#include <cstdio>

#include "sluice/decrypt/encryptor.hpp"

#include "commands.hpp"
#include "key_flags.hpp"
#include "key_sources.hpp"
#include "sops_files.hpp"

namespace sluice::cli {
namespace {

struct GroupFlags {
  SopsFlags common;
  KeyFlags keys;
  std::string file, context;
  decrypt::KmsSettings kms;
  decrypt::GroupChange change;
};

Result<void> change_groups(GroupFlags& flags) {
  if (flags.file.empty()) {
    return fail(Error(Code::kInvalid, "no file given", Where{}, "--file FILE")
                    .reason(std::string(kReasonRead)));
  }
  SLUICE_TRY(const SopsPlace place, sops_place({flags.file}, flags.common, /*must_exist=*/false));
  AuditLog audit;
  SLUICE_TRY(const auto options, rewrite_options(place, flags.common, audit, "groups"));
  SLUICE_TRY(const std::string bytes, read_ciphertext(place));
  SLUICE_TRY(const auto services, keys_from_environment(flags.common.key_options()));
  SLUICE_CHECK(decrypt::complete_keys(flags.change.add, services, CancelToken()));
  warn_of_ignored_mac(flags.common);
  SLUICE_TRY(const std::string text, decrypt::change_groups(bytes, place.shown, options,
                                                            flags.change, services, CancelToken()));
  SLUICE_CHECK(audit.written());
  return give_ciphertext(place, flags.common, text);
}

Result<void> add_group(GroupFlags& flags, const std::vector<std::string>& rest) {
  if (!rest.empty()) return fail(Code::kInvalid, "error: no positional arguments allowed");
  SLUICE_TRY(flags.kms.context, decrypt::parse_kms_context(flags.context));
  SLUICE_TRY(flags.change.add, flags.keys.keys(flags.kms));
  if (flags.change.add.empty()) {
    return fail(Code::kInvalid, "the new group has no keys", Where{}, "give --age RECIPIENT, …");
  }
  return change_groups(flags);
}

Result<void> delete_group(GroupFlags& flags, const std::vector<std::string>& rest) {
  if (rest.size() != 1) {
    return fail(Code::kInvalid, "error: exactly one positional argument (index) required");
  }
  SLUICE_TRY(const long index, parse_number(rest.front(), 0, 254));
  flags.change.remove = static_cast<std::size_t>(index);
  return change_groups(flags);
}

Result<void> file_status(const std::vector<std::string>& files, const SopsFlags& flags) {
  if (files.empty()) {
    return fail(Error(Code::kInvalid, "no file specified").reason(std::string(kReasonNoFile)));
  }
  SLUICE_TRY(const SopsPlace place, sops_place(files, flags, /*must_exist=*/false));
  auto bytes = read_ciphertext(place);
  if (!bytes) return fail(std::move(bytes).error().reason(""));  // sops has 1 for it
  const auto encrypted = decrypt::is_encrypted_file(*bytes, place.input);
  if (!encrypted) return fail(Error(encrypted.error()).prefix("cannot check file status: "));
  std::puts(*encrypted ? "{\"encrypted\":true}" : "{\"encrypted\":false}");
  return {};
}

}  // namespace

int groups_command(Arguments arguments) {
  const std::string_view verb = arguments.empty() ? std::string_view() : arguments.front();
  if (verb != "add" && verb != "delete") {
    return sops_refused(
        {Code::kInvalid, "groups add or groups delete", Where{}, "sluice help groups"});
  }
  Flags flags;
  GroupFlags group;
  group.common.add_to(flags);
  flags.text("file", group.file);
  flags.alias('f', "file");
  flags.value("shamir-secret-sharing-threshold", [&group](std::string_view text) -> Result<void> {
    SLUICE_TRY(group.change.threshold, parse_number(text, 0, 255));
    return {};
  });
  if (verb == "add") {
    group.keys.add_repeated_to(flags);
    flags.text("encryption-context", group.context);
    flags.text("aws-profile", group.kms.profile);
  }
  const auto rest = flags.parse(arguments.subspan(1));
  if (!rest) return report(rest.error());
  const auto done = verb == "add" ? add_group(group, *rest) : delete_group(group, *rest);
  return done ? 0 : sops_refused(done.error());
}

int filestatus_command(Arguments arguments) {
  Flags flags;
  SopsFlags common;
  common.add_to(flags);
  const auto files = flags.parse(arguments);
  if (!files) return report(files.error());
  const auto done = file_status(*files, common);
  return done ? 0 : sops_refused(done.error());
}

}  // namespace sluice::cli
