#include "key_sources.hpp"

#include <cstdio>

#include "sluice/base/process.hpp"
#include "sluice/crypto/secret_file.hpp"
#include "sluice/decrypt/pgp_keys.hpp"

#include "cloud_keys.hpp"
#include "environment.hpp"
#include "key_command.hpp"
#include "passphrases.hpp"

namespace sluice::cli {
namespace {

std::string in_home(std::string_view path) {
  const std::string home = environment("HOME");
  return home.empty() ? std::string() : home + "/" + std::string(path);
}

// As in sops, identities that cannot be read are told when no others open a file, and do not keep
// anybody from encrypting one.
void add_age_identities(decrypt::AgeKeyService& age, const crypto::SecretBytes& text,
                        const std::string& origin) {
  const auto added = age.add_identities(text, origin);
  if (added) return;
  const std::string place = added.error().where().text();
  age.note_missing((place.empty() ? "" : place + ": ") + added.error().message());
}

void add_age_key_file(decrypt::AgeKeyService& age, const std::string& path,
                      const std::string& named_by) {
  const auto text = crypto::read_secret_file(path);
  if (!text) return age.note_missing(named_by + text.error().message());
  add_age_identities(age, *text, named_by + path);
}

void add_age_key_variable(decrypt::AgeKeyService& age, const std::string& name) {
  const std::string path = environment(name.c_str());
  if (path.empty()) return age.note_missing(name + ": not set");
  add_age_key_file(age, path, name + " ");
}

void add_age_keys(decrypt::AgeKeyService& age) {
  if (const auto key = take_secret_environment("SOPS_AGE_KEY"); !key.empty()) {
    add_age_identities(age, key, "SOPS_AGE_KEY");
  } else {
    age.note_missing("SOPS_AGE_KEY: not set");
  }
  add_age_key_variable(age, "SOPS_AGE_KEY_FILE");
  std::string config = environment("XDG_CONFIG_HOME");
  if (config.empty()) config = in_home(".config");
  if (config.empty()) return;
  add_age_key_file(age, config + "/sops/age/keys.txt", "");
}

void add_ssh_keys(decrypt::AgeKeyService& age) {
  add_age_key_variable(age, "SOPS_AGE_SSH_PRIVATE_KEY_FILE");
  // Read, or run, when nothing else opens a file.
  for (const char* name : {"SOPS_AGE_KEY_CMD", "SOPS_AGE_SSH_PRIVATE_KEY_CMD"}) {
    if (environment(name).empty()) continue;
    age.add_source(
        name, [name](const std::string& recipient) { return run_key_command(name, recipient); });
  }
  // The same: most files have no such recipient.
  for (const char* name : {".ssh/id_ed25519", ".ssh/id_rsa"}) {
    const std::string path = in_home(name);
    if (path.empty()) continue;
    age.add_source(path, [path](const std::string&) { return crypto::read_secret_file(path); });
  }
}

Result<void> add_pgp_keys(decrypt::PgpKeyService& pgp) {
  const std::string files = environment("SLUICE_PGP_KEY_FILE");
  if (files.empty()) pgp.note_missing("SLUICE_PGP_KEY_FILE: not set");
  for (std::string_view rest = files; !rest.empty();) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const std::string path(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (path.empty()) continue;
    SLUICE_TRY(const auto text, crypto::read_secret_file(path));
    SLUICE_CHECK(pgp.add_keys(text, "SLUICE_PGP_KEY_FILE " + path));
  }
  std::string home = environment("GNUPGHOME");
  if (home.empty()) home = in_home(".gnupg");
  if (home.empty()) return {};
  // sops reads secring.gpg, too. Newer keys are in private-keys-v1.d, where only gpg-agent reads.
  for (const char* name : {"secring.gpg", "pubring.kbx", "pubring.gpg"}) {
    const std::string path = home + "/" + name;
    pgp.add_keyring(path, [path] { return crypto::read_secret_file(path); });
  }
  return {};
}

decrypt::AgePlugins plugins(const KeyOptions& options, const decrypt::AskPassphrase& ask) {
  decrypt::AgePlugins made;
  if (!options.age_plugins) return made;
  made.run = run_program;
  made.environment = whole_environment();
  made.show = [](const std::string& words) { std::fprintf(stderr, "sluice: %s\n", words.c_str()); };
  made.ask = ask;
  return made;
}

/// age and OpenPGP first: they ask nobody.
Result<decrypt::KeyServices> with_cloud_keys(decrypt::KeyServices services) {
  SLUICE_TRY(const auto context, remote_context());
  for (auto& service : cloud_keys(context))
    services.push_back(std::move(service));
  return services;
}

}  // namespace

Result<decrypt::KeyServices> keys_from_environment(const KeyOptions& options) {
  const decrypt::AskPassphrase ask = passphrases();
  const auto age = decrypt::make_age_key_service(ask, plugins(options, ask));
  const auto pgp = decrypt::make_pgp_key_service(ask);
  add_age_keys(*age);
  add_ssh_keys(*age);
  SLUICE_CHECK(add_pgp_keys(*pgp));
  decrypt::KeyServices services{age, pgp};
  if (const std::string gpg = environment("SOPS_GPG_EXEC"); !gpg.empty()) {
    services.push_back(decrypt::make_gpg_program_service(run_program, gpg, whole_environment()));
  }
  return with_cloud_keys(std::move(services));
}

Result<decrypt::KeyServices> keys_from_file(const std::string& path, const KeyOptions& options) {
  SLUICE_TRY(const auto text, crypto::read_secret_file(path));
  if (decrypt::is_pgp_key(text)) {
    const auto pgp = decrypt::make_pgp_key_service(passphrases());
    SLUICE_CHECK(pgp->add_keys(text, path));
    return with_cloud_keys({pgp});
  }
  const decrypt::AskPassphrase ask = passphrases();
  const auto age = decrypt::make_age_key_service(ask, plugins(options, ask));
  SLUICE_CHECK(age->add_identities(text, path));
  return with_cloud_keys({age});
}

}  // namespace sluice::cli
