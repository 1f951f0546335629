// `set` and `unset`: one value of an encrypted file.
#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/encryptor.hpp"

#include "commands.hpp"
#include "key_sources.hpp"
#include "sops_files.hpp"

namespace sluice::cli {
namespace {

struct SetFlags {
  SopsFlags common;
  bool value_file = false;
  bool value_stdin = false;
  bool idempotent = false;
};

Error wrong_arguments(std::string what) {
  return Error(Code::kInvalid, std::move(what), Where{}, "sluice help set")
      .reason(std::string(kReasonNoFile));
}

Result<decrypt::ValuePath> parse_path(const std::string& text) {
  auto path = decrypt::parse_value_path(text);
  if (!path) return fail(std::move(path).error().reason(std::string(decrypt::kReasonSet)));
  return path;
}

Result<decrypt::Edit> open(const SopsPlace& place, const SopsFlags& flags,
                           const std::string& purpose) {
  SLUICE_TRY(const auto services, keys_from_environment(flags.key_options()));
  AuditLog audit;
  SLUICE_TRY(decrypt::RewriteOptions options, rewrite_options(place, flags, audit, purpose));
  warn_of_ignored_mac(flags);
  SLUICE_TRY(std::string bytes, read_ciphertext(place));
  auto session = decrypt::Edit::open(std::move(bytes), place.shown, std::move(options), services,
                                     CancelToken());
  SLUICE_CHECK(audit.written());
  return session;
}

Result<crypto::SecretBytes> read_value(const std::vector<std::string>& arguments,
                                       const SetFlags& flags) {
  if (!flags.value_file && !flags.value_stdin) {
    return crypto::SecretBytes::copy_of(arguments[2]);
  }
  SopsPlace value;
  value.shown = "standard input";
  if (flags.value_file) value.path = value.shown = arguments[2];
  auto text = read_plaintext(value);
  if (!text) return fail(std::move(text).error().reason(""));
  return text;
}

Result<void> set(const std::vector<std::string>& arguments, const SetFlags& flags) {
  if (flags.value_file && flags.value_stdin) {
    return fail(Code::kInvalid, "--value-file and --value-stdin cannot go together");
  }
  if (arguments.size() != (flags.value_stdin ? 2 : 3)) {
    return fail(wrong_arguments("set takes a file, a path and a value"));
  }
  SLUICE_TRY(const SopsPlace place, sops_place({arguments[0]}, flags.common, /*must_exist=*/false));
  SLUICE_TRY(const auto path, parse_path(arguments[1]));
  SLUICE_TRY(const crypto::SecretBytes value, read_value(arguments, flags));
  SLUICE_TRY(const decrypt::Edit session, open(place, flags.common, "set"));
  SLUICE_TRY(const auto text, session.set(path, value));
  // What is so already needs no new file; sops writes one unless --idempotent.
  return text ? replace_file(place.path, *text) : Result<void>();
}

Result<void> unset(const std::vector<std::string>& arguments, const SetFlags& flags) {
  if (arguments.size() != 2) return fail(wrong_arguments("unset takes a file and a path"));
  SLUICE_TRY(const SopsPlace place, sops_place({arguments[0]}, flags.common, /*must_exist=*/false));
  SLUICE_TRY(const auto path, parse_path(arguments[1]));
  SLUICE_TRY(const decrypt::Edit session, open(place, flags.common, "unset"));
  auto text = session.unset(path);
  if (!text) {
    if (flags.idempotent && text.error().code() == Code::kNotFound) return {};
    return fail(std::move(text).error());
  }
  return replace_file(place.path, *text);
}

int run(Arguments arguments, bool is_set) {
  crypto::harden_heap();
  Flags flags;
  flags.take_negative_numbers();
  SetFlags set_flags;
  set_flags.common.add_to(flags);
  flags.on("idempotent", set_flags.idempotent);
  if (is_set) {
    flags.on("value-file", set_flags.value_file);
    flags.on("value-stdin", set_flags.value_stdin);
  }
  const auto rest = flags.parse(arguments);
  if (!rest) return report(rest.error());
  const auto done = is_set ? set(*rest, set_flags) : unset(*rest, set_flags);
  return done ? 0 : sops_refused(done.error());
}

}  // namespace

int set_command(Arguments arguments) {
  return run(arguments, /*is_set=*/true);
}

int unset_command(Arguments arguments) {
  return run(arguments, /*is_set=*/false);
}

}  // namespace sluice::cli
