#include <cstdio>
#include <unistd.h>

#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/encryptor.hpp"

#include "commands.hpp"
#include "editor.hpp"
#include "key_flags.hpp"
#include "key_sources.hpp"
#include "sops_files.hpp"

namespace sluice::cli {
namespace {

std::string_view first_text(decrypt::Format format) {
  switch (format) {
    case decrypt::Format::kYaml:
      return "# What this file will hold; values are encrypted when the editor ends.\nkey: value\n";
    case decrypt::Format::kJson:
      return "{\n\t\"key\": \"value\"\n}\n";
    case decrypt::Format::kDotenv:
      return "KEY=value\n";
    case decrypt::Format::kIni:
      return "[section]\nkey = value\n";
    case decrypt::Format::kBinary:
      return "What this file will hold.\n";
  }
  return {};
}

// Back to the editor after a mistake; false when there is nobody to ask.
bool asks_again(const Error& error) {
  std::fprintf(stderr, "%s\nPress enter to return to the editor, or Ctrl+C to exit.\n",
               error.text().c_str());
  for (int c = std::getchar(); c != '\n'; c = std::getchar()) {
    if (c == EOF) return false;
  }
  return true;
}

Result<void> edit(const std::vector<std::string>& arguments, const SopsFlags& flags,
                  const EncryptFlags& encrypt_flags) {
  if (arguments.empty()) {
    return fail(Error(Code::kInvalid, "no file to edit", Where{}, "sluice help edit")
                    .reason(std::string(kReasonNoFile)));
  }
  SLUICE_TRY(const SopsPlace place, sops_place(arguments, flags, /*must_exist=*/false));
  if (place.input != place.output) {
    return fail(Code::kUnsupported, "editing a file into another type", Where{},
                "decrypt it and encrypt it as the other type");
  }
  SLUICE_TRY(const auto services, keys_from_environment(flags.key_options()));
  AuditLog audit;
  SLUICE_TRY(const decrypt::RewriteOptions options, rewrite_options(place, flags, audit, "edit"));
  const bool is_new = ::access(place.path.c_str(), F_OK) != 0;
  const auto open = [&]() -> Result<decrypt::Edit> {
    if (!is_new) {
      warn_of_ignored_mac(flags);
      SLUICE_TRY(std::string bytes, read_ciphertext(place));
      return decrypt::Edit::open(std::move(bytes), place.shown, options, services, CancelToken());
    }
    decrypt::EncryptFileOptions encrypt{place.input, place.output};
    encrypt.yaml_indent = place.yaml_indent;
    encrypt.json_indent = place.json_indent;
    encrypt.now = options.now;
    SLUICE_TRY(encrypt.settings, encrypt_flags.settings(place, services));
    return decrypt::Edit::create(crypto::SecretBytes::copy_of(first_text(place.input)), place.shown,
                                 encrypt, services, CancelToken());
  };
  SLUICE_TRY(const decrypt::Edit session, open());
  SLUICE_CHECK(audit.written());
  SLUICE_CHECK(session.editable());
  SLUICE_TRY(const EditorSession editor, EditorSession::start(session.text()));
  for (;;) {
    SLUICE_TRY(const crypto::SecretBytes edited, editor.run());
    if (crypto::equal_constant_time(edited.reveal(), session.text().reveal())) {
      return fail(
          Error(Code::kInvalid, "the file has not changed").reason(std::string(kReasonUnchanged)));
    }
    auto text = session.finish(edited);
    if (text) return replace_file(place.path, *text);
    if (!asks_again(text.error())) return fail(std::move(text).error());
  }
}

}  // namespace

int edit_command(Arguments arguments) {
  crypto::harden_heap();
  Flags flags;
  SopsFlags common;
  EncryptFlags encrypt_flags;
  bool show_keys = false;
  common.add_to(flags);
  encrypt_flags.add_to(flags);
  flags.on("show-master-keys", show_keys);
  flags.alias('s', "show-master-keys");
  const auto files = flags.parse(arguments);
  if (!files) return report(files.error());
  if (show_keys) {
    return sops_refused({Code::kUnsupported,
                         "--show-master-keys: a key that is typed into the metadata would get no "
                         "data key, and one that is taken out would keep it",
                         Where{}, "sluice updatekeys and sluice groups change keys"});
  }
  const auto done = edit(*files, common, encrypt_flags);
  return done ? 0 : sops_refused(done.error());
}

}  // namespace sluice::cli
