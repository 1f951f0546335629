#include "sluice/decrypt/pgp_keys.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <rnp/rnp_err.h>

#include "pgp_library.hpp"
#include "pgp_packets.hpp"

namespace sluice::decrypt {
namespace {

using crypto::SecretBytes;

constexpr std::string_view kSecretBlock = "-----BEGIN PGP PRIVATE KEY BLOCK-----";
constexpr std::string_view kAnyBlock = "-----BEGIN PGP ";

const std::uint8_t* raw(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

/// What librnp hands out, given back to it.
template <class Handle>
class Owned {
 public:
  using Destroy = rnp_result_t (*)(Handle);
  explicit Owned(Destroy destroy) : destroy_(destroy) {}
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (handle != nullptr) destroy_(handle);
  }
  Handle handle = nullptr;

 private:
  Destroy destroy_;
};

std::string take_text(const PgpLibrary& rnp, char* text) {
  std::string taken = text == nullptr ? "" : text;
  rnp.buffer_destroy(text);
  return taken;
}

/// Armored blocks one by one, for librnp reads the first of a text only; binary packets as they
/// are.
std::vector<std::string_view> split_blocks(std::string_view text) {
  std::vector<std::string_view> blocks;
  std::size_t at = text.find(kAnyBlock);
  if (at == std::string_view::npos) return {text};
  while (at != std::string_view::npos) {
    const std::size_t next = text.find(kAnyBlock, at + 1);
    blocks.push_back(text.substr(at, next == std::string_view::npos ? next : next - at));
    at = next;
  }
  return blocks;
}

/// What librnp writes, into secret memory of a fixed size.
struct Written {
  explicit Written(std::size_t limit) : bytes(limit) {}
  SecretBytes bytes;
  std::size_t size = 0;
  bool too_long = false;

  static bool write(void* context, const void* data, std::size_t size) {
    auto& written = *static_cast<Written*>(context);
    written.too_long = size > written.bytes.size() - written.size;
    if (written.too_long) return false;
    std::memcpy(written.bytes.writable().data() + written.size, data, size);
    written.size += size;
    return true;
  }
  static void close(void*, bool) {}
};

enum class KeyFileKind : std::uint8_t { kArmored, kSecretPackets, kPublicPackets, kKeybox, kNone };

KeyFileKind kind_of(std::string_view text) {
  if (text.find(kAnyBlock) != std::string_view::npos) return KeyFileKind::kArmored;
  if (text.size() > 12 && text.substr(8, 4) == "KBXf") return KeyFileKind::kKeybox;
  // The first packet's tag, in either form of header: 5 is a secret key, 6 a public one.
  const auto first = text.empty() ? 0U : static_cast<unsigned char>(text.front());
  const unsigned tag = (first & 0xc0U) == 0xc0 ? first & 0x3fU : first >> 2 & 0xfU;
  if ((first & 0x80U) == 0) return KeyFileKind::kNone;
  if (tag == 5) return KeyFileKind::kSecretPackets;
  return tag == 6 ? KeyFileKind::kPublicPackets : KeyFileKind::kNone;
}

bool has_secret_part(std::string_view text) {
  const KeyFileKind kind = kind_of(text);
  return kind == KeyFileKind::kArmored ? text.find(kSecretBlock) != std::string_view::npos
                                       : kind == KeyFileKind::kSecretPackets;
}

/// The number that a packet has for what librnp calls `name`; 0 for those that only sign.
std::uint8_t algorithm_number(std::string_view name) {
  if (name == "RSA") return 1;
  if (name == "ELGAMAL") return 16;
  return name == "ECDH" ? 18 : 0;
}

class Service final : public PgpKeyService {
 public:
  explicit Service(AskPassphrase ask) : ask_(std::move(ask)) {}
  ~Service() override {
    if (ffi_ == nullptr) return;
    const WipeFreedMemory wipe;
    rnp_->ffi_destroy(ffi_);
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  std::string_view type() const override { return "pgp"; }
  std::vector<std::string> looked_in() const override {
    const std::lock_guard lock(mutex_);
    return looked_in_;
  }

  void note_missing(std::string origin) override { looked_in_.push_back(std::move(origin)); }

  Result<void> add_keys(const SecretBytes& text, std::string origin) override {
    if (!is_pgp_key(text)) {
      return fail(Code::kInvalid, origin + ": no OpenPGP key in it", Where{},
                  "export it with gpg --export-secret-keys --armor");
    }
    const bool secret = has_secret_part(text.reveal_text());
    looked_in_.push_back(origin +
                         (secret ? ": OpenPGP secret keys" : ": OpenPGP public keys only"));
    files_.push_back({text.clone(), std::move(origin)});
    return {};
  }

  void add_keyring(std::string origin, std::function<Result<SecretBytes>()> read) override {
    keyrings_.emplace_back(std::move(origin), std::move(read));
  }

  Result<SecretBytes> unwrap(const MasterKey& key, const CancelToken& cancel) override {
    if (cancel.cancelled()) return fail(Code::kCancelled, "cancelled");
    if (key.wrapped_key.size() > kMaxPgpMessageBytes) {
      return fail(Code::kInvalid, "the OpenPGP message is longer than " +
                                      std::to_string(kMaxPgpMessageBytes) + " bytes");
    }
    const std::lock_guard lock(mutex_);
    const WipeFreedMemory wipe;
    SLUICE_CHECK(open_keys());
    std::size_t secret_count = 0;
    if (ffi_ != nullptr) rnp_->get_secret_key_count(ffi_, &secret_count);
    if (secret_count == 0) return fail(Code::kNotFound, "there are no OpenPGP secret keys");
    tries_.clear();
    unanswered_.reset();
    SLUICE_TRY(const std::string message, without_armor(key.wrapped_key));
    SLUICE_TRY(const auto recipients, read_pgp_recipients(message));
    std::string ids;
    std::optional<Error> error;
    bool has_hidden = false;
    for (const PgpRecipient& recipient : recipients) {
      if (recipient.is_hidden) {
        has_hidden = true;
        continue;
      }
      const std::string id = key_id(message, recipient);
      ids += (ids.empty() ? "" : ", ") + id;
      if (error || !has_secret_key(id)) continue;
      auto opened = decrypt_asking(message, cancel);  // librnp finds all that are named itself
      if (opened) return opened;
      error = std::move(opened).error();
    }
    if (has_hidden) {
      auto opened = try_each_key(message, recipients, cancel);
      if (opened) return opened;
      ids += ids.empty() ? "a hidden recipient" : ", hidden recipients";
      if (!error || opened.error().code() != Code::kNotFound) error = std::move(opened).error();
    }
    if (error && error->code() != Code::kNotFound) return fail(std::move(*error));
    if (error && unanswered_) return fail(std::move(*unanswered_));
    return fail(Code::kNotFound, "no secret key for " + ids);
  }

  Result<std::string> wrap(const MasterKey& key, const SecretBytes& data_key,
                           const CancelToken& cancel) override {
    if (cancel.cancelled()) return fail(Code::kCancelled, "cancelled");
    const std::lock_guard lock(mutex_);
    const WipeFreedMemory wipe;
    SLUICE_CHECK(open_keys());
    if (ffi_ == nullptr) return fail(Code::kNotFound, "there are no OpenPGP keys");
    std::string wanted = key.id;
    std::erase(wanted, ' ');
    if (wanted.starts_with("0x")) wanted.erase(0, 2);  // as gpg lets one write it
    Owned<rnp_key_handle_t> recipient(rnp_->key_handle_destroy);
    rnp_->locate_key(ffi_, wanted.size() == 16 ? "keyid" : "fingerprint", wanted.c_str(),
                     &recipient.handle);
    if (recipient.handle == nullptr) {
      return fail(Code::kNotFound, "no OpenPGP public key " + key.id, Where{},
                  "export it with gpg --export --armor " + key.id);
    }
    return encrypt(recipient.handle, key.id, data_key);
  }

 private:
  struct File {
    SecretBytes text;
    std::string origin;
  };

  /// Reads what was added, once. Without any of it there is no ffi_, and librnp is not loaded.
  Result<void> open_keys() {
    if (ffi_ != nullptr) return {};
    std::vector<File> keyrings;
    for (auto& [origin, read] : std::exchange(keyrings_, {})) {
      auto text = read();
      if (!text) {
        looked_in_.push_back(text.error().code() == Code::kNotFound ? origin + ": no such file"
                                                                    : text.error().message());
      } else if (is_pgp_key(*text)) {
        keyrings.push_back({std::move(*text), origin});
      }
    }
    if (files_.empty() && keyrings.empty()) return {};
    SLUICE_TRY(rnp_, pgp_library());
    Owned<rnp_ffi_t> ffi(rnp_->ffi_destroy);
    if (rnp_->ffi_create(&ffi.handle, "GPG", "GPG") != RNP_SUCCESS) throw std::bad_alloc();
    rnp_->ffi_set_pass_provider(ffi.handle, give_passphrase, this);
    for (const File& file : files_)
      SLUICE_CHECK(import(ffi.handle, file));
    for (const File& keyring : keyrings) {
      const auto done = import(ffi.handle, keyring);
      looked_in_.push_back(!done ? done.error().message()
                           : has_secret_part(keyring.text.reveal_text())
                               ? keyring.origin + ": OpenPGP secret keys"
                               : keyring.origin + ": OpenPGP public keys only");
    }
    ffi_ = std::exchange(ffi.handle, nullptr);
    return {};
  }

  Result<void> import(rnp_ffi_t ffi, const File& file) const {
    for (const std::string_view block : split_blocks(file.text.reveal_text())) {
      Owned<rnp_input_t> input(rnp_->input_destroy);
      if (rnp_->input_from_memory(&input.handle, raw(block), block.size(), /*do_copy=*/false) !=
          RNP_SUCCESS) {
        throw std::bad_alloc();
      }
      constexpr std::uint32_t kAll = RNP_LOAD_SAVE_PUBLIC_KEYS | RNP_LOAD_SAVE_SECRET_KEYS;
      const rnp_result_t done =
          kind_of(file.text.reveal_text()) == KeyFileKind::kKeybox
              ? rnp_->load_keys(ffi, "KBX", input.handle, RNP_LOAD_SAVE_PUBLIC_KEYS)
              : rnp_->import_keys(ffi, input.handle, kAll | RNP_LOAD_SAVE_PERMISSIVE, nullptr);
      if (done != RNP_SUCCESS) {
        return fail(Code::kInvalid, file.origin + ": not an OpenPGP key that can be read (" +
                                        rnp_->result_to_string(done) + ")");
      }
    }
    std::size_t after = 0;
    rnp_->get_public_key_count(ffi, &after);
    if (after == 0) {
      return fail(Code::kInvalid, file.origin + ": no OpenPGP key that can be used in it");
    }
    return {};
  }

  bool has_secret_key(const std::string& id) const {
    Owned<rnp_key_handle_t> key(rnp_->key_handle_destroy);
    bool has = false;
    return rnp_->locate_key(ffi_, "keyid", id.c_str(), &key.handle) == RNP_SUCCESS &&
           key.handle != nullptr && rnp_->key_have_secret(key.handle, &has) == RNP_SUCCESS && has;
  }

  Result<std::string> without_armor(const std::string& message) const {
    const std::size_t first = message.find_first_not_of(" \t\r\n");
    if (first == std::string::npos || message[first] != '-') return message;
    Owned<rnp_input_t> input(rnp_->input_destroy);
    Owned<rnp_output_t> output(rnp_->output_destroy);
    Written binary(message.size());
    if (rnp_->input_from_memory(&input.handle, raw(message) + first, message.size() - first,
                                false) != RNP_SUCCESS ||
        rnp_->output_to_callback(&output.handle, Written::write, Written::close, &binary) !=
            RNP_SUCCESS) {
      throw std::bad_alloc();
    }
    if (rnp_->dearmor(input.handle, output.handle) != RNP_SUCCESS || binary.size == 0) {
      return fail(Code::kInvalid, "the armor of the OpenPGP message is broken");
    }
    return std::string(binary.bytes.reveal_text().substr(0, binary.size));
  }

  static std::string key_id(std::string_view message, const PgpRecipient& recipient) {
    std::string text;
    for (const char c : message.substr(recipient.key_id_at, 8)) {
      text += "0123456789ABCDEF"[static_cast<unsigned char>(c) >> 4];
      text += "0123456789ABCDEF"[static_cast<unsigned char>(c) & 15];
    }
    return text;
  }

  /// librnp passes hidden recipients over, so each of our keys is written in their place in turn.
  /// A wrong key does not open the session key (its checksum, or the key wrap of ECDH), and if a
  /// checksum fits by chance, the data does not authenticate.
  Result<SecretBytes> try_each_key(const std::string& message,
                                   const std::vector<PgpRecipient>& recipients,
                                   const CancelToken& cancel) {
    std::optional<Error> error;
    for (const auto& [id, algorithm] : secret_keys()) {
      std::string named = message;
      bool fits = false;
      for (const PgpRecipient& recipient : recipients) {
        if (!recipient.is_hidden || recipient.algorithm != algorithm) continue;
        fits = true;
        for (std::size_t i = 0; i < 8; ++i) {
          named[recipient.key_id_at + i] =
              static_cast<char>(std::stoi(id.substr(2 * i, 2), nullptr, 16));
        }
      }
      if (!fits) continue;
      auto opened = decrypt_asking(named, cancel);
      if (opened || cancel.cancelled()) return opened;
      if (opened.error().code() != Code::kNotFound) error = std::move(opened).error();
    }
    if (error) return fail(std::move(*error));
    return fail(Code::kNotFound, "no secret key for a hidden recipient");
  }

  /// Key ids in hex, and algorithms, of the secret keys that can decrypt.
  std::vector<std::pair<std::string, std::uint8_t>> secret_keys() const {
    std::vector<std::pair<std::string, std::uint8_t>> keys;
    Owned<rnp_identifier_iterator_t> ids(rnp_->identifier_iterator_destroy);
    if (rnp_->identifier_iterator_create(ffi_, &ids.handle, "keyid") != RNP_SUCCESS) return keys;
    const char* id = nullptr;
    while (rnp_->identifier_iterator_next(ids.handle, &id) == RNP_SUCCESS && id != nullptr) {
      Owned<rnp_key_handle_t> key(rnp_->key_handle_destroy);
      char* name = nullptr;
      if (!has_secret_key(id) || rnp_->locate_key(ffi_, "keyid", id, &key.handle) != RNP_SUCCESS ||
          rnp_->key_get_alg(key.handle, &name) != RNP_SUCCESS) {
        continue;
      }
      const std::uint8_t algorithm = algorithm_number(take_text(*rnp_, name));
      if (algorithm != 0) keys.emplace_back(id, algorithm);
    }
    return keys;
  }

  /// decrypt(), again with the next passphrase as long as one was given that did not fit.
  Result<SecretBytes> decrypt_asking(const std::string& message, const CancelToken& cancel) {
    for (;;) {
      asked_ = false;
      auto opened = decrypt(message);
      if (opened || !asked_ || unanswered_ || cancel.cancelled()) return opened;
    }
  }

  Result<SecretBytes> decrypt(const std::string& message) {
    Owned<rnp_input_t> input(rnp_->input_destroy);
    Owned<rnp_output_t> output(rnp_->output_destroy);
    Owned<rnp_op_verify_t> operation(rnp_->op_verify_destroy);
    Written plaintext(kMaxPgpPlaintextBytes);
    if (rnp_->input_from_memory(&input.handle, raw(message), message.size(), false) !=
            RNP_SUCCESS ||
        rnp_->output_to_callback(&output.handle, Written::write, Written::close, &plaintext) !=
            RNP_SUCCESS ||
        rnp_->op_verify_create(&operation.handle, ffi_, input.handle, output.handle) !=
            RNP_SUCCESS) {
      throw std::bad_alloc();
    }
    rnp_->op_verify_set_flags(operation.handle, RNP_VERIFY_IGNORE_SIGS_ON_DECRYPT);
    const rnp_result_t done = rnp_->op_verify_execute(operation.handle);
    if (plaintext.too_long) {
      return fail(Code::kInvalid, "the OpenPGP message holds more than " +
                                      std::to_string(kMaxPgpPlaintextBytes) + " bytes");
    }
    char* mode_text = nullptr;
    bool is_authentic = false;
    rnp_->op_verify_get_protection_info(operation.handle, &mode_text, nullptr, &is_authentic);
    const std::string mode = take_text(*rnp_, mode_text);
    if (done == RNP_ERROR_NO_SUITABLE_KEY || done == RNP_ERROR_BAD_PASSWORD ||
        done == RNP_ERROR_KEY_NOT_FOUND) {
      return fail(Code::kNotFound, "no secret key opens the message");
    }
    // Whatever librnp thinks of it: without a checked MDC or AEAD tag nothing is given out.
    if (mode == "cfb" || mode == "none") {
      return fail(Code::kInvalid, mode == "cfb" ? "the OpenPGP message has no integrity protection"
                                                : "the OpenPGP message is not encrypted");
    }
    if (done != RNP_SUCCESS || !is_authentic) {
      return fail(Code::kInvalid, done == RNP_SUCCESS
                                      ? std::string("the OpenPGP message does not authenticate")
                                      : std::string("the OpenPGP message cannot be opened: ") +
                                            rnp_->result_to_string(done));
    }
    plaintext.bytes.shrink(plaintext.size);
    return std::move(plaintext.bytes);
  }

  Result<std::string> encrypt(rnp_key_handle_t recipient, const std::string& id,
                              const SecretBytes& data_key) const {
    Owned<rnp_input_t> input(rnp_->input_destroy);
    Owned<rnp_output_t> output(rnp_->output_destroy);
    Owned<rnp_op_encrypt_t> operation(rnp_->op_encrypt_destroy);
    Written message(kMaxPgpMessageBytes);
    if (rnp_->input_from_memory(&input.handle, raw(data_key.reveal_text()), data_key.size(),
                                false) != RNP_SUCCESS ||
        rnp_->output_to_callback(&output.handle, Written::write, Written::close, &message) !=
            RNP_SUCCESS ||
        rnp_->op_encrypt_create(&operation.handle, ffi_, input.handle, output.handle) !=
            RNP_SUCCESS) {
      throw std::bad_alloc();
    }
    // What every OpenPGP program reads: AES-256 with MDC, not compressed.
    rnp_result_t done = rnp_->op_encrypt_add_recipient(operation.handle, recipient);
    if (done == RNP_SUCCESS) done = rnp_->op_encrypt_set_cipher(operation.handle, "AES256");
    if (done == RNP_SUCCESS) {
      done = rnp_->op_encrypt_set_compression(operation.handle, "Uncompressed", 0);
    }
    if (done == RNP_SUCCESS) done = rnp_->op_encrypt_set_aead(operation.handle, "None");
    if (done == RNP_SUCCESS) done = rnp_->op_encrypt_set_armor(operation.handle, true);
    if (done == RNP_SUCCESS) done = rnp_->op_encrypt_execute(operation.handle);
    if (done == RNP_SUCCESS) done = rnp_->output_finish(output.handle);
    if (done != RNP_SUCCESS) {
      return fail(Code::kInvalid,
                  "cannot encrypt for the OpenPGP key " + id + ": " + rnp_->result_to_string(done));
    }
    std::string armored(message.bytes.reveal_text().substr(0, message.size));
    std::erase(armored, '\r');  // librnp ends lines as mail does
    return armored;
  }

  static bool give_passphrase(rnp_ffi_t, void* context, rnp_key_handle_t key, const char* purpose,
                              char* buffer, std::size_t size) {
    // A message for a passphrase instead of a key is nothing that SOPS makes: purpose "decrypt
    // (symmetric)".
    if (key == nullptr || std::string_view(purpose) != "decrypt") return false;
    return static_cast<Service*>(context)->give(key, {buffer, size});
  }

  bool give(rnp_key_handle_t key, std::span<char> out) {
    char* text = nullptr;
    if (rnp_->key_get_fprint(key, &text) != RNP_SUCCESS) return false;
    const std::string fingerprint = take_text(*rnp_, text);
    Tries& tries = tries_[fingerprint];
    if (tries.given == passphrases_.size()) {
      const std::string what = "OpenPGP key " + fingerprint;
      Result<SecretBytes> answer =
          fail(Code::kNotFound, what + " is protected by a passphrase, and none was given");
      if (ask_) answer = ask_(what, tries.asked++);
      if (!answer) {
        unanswered_ = std::move(answer).error();
        return false;
      }
      passphrases_.push_back(std::move(*answer));
    }
    const SecretBytes& passphrase = passphrases_[tries.given++];
    asked_ = true;
    if (passphrase.size() + 1 > out.size()) return false;
    std::memcpy(out.data(), passphrase.reveal().data(), passphrase.size());
    out[passphrase.size()] = '\0';
    return true;
  }

  AskPassphrase ask_;
  std::vector<File> files_;
  std::vector<std::pair<std::string, std::function<Result<SecretBytes>()>>> keyrings_;
  std::vector<std::string> looked_in_;
  mutable std::mutex mutex_;  // guards all: an rnp_ffi_t belongs to one thread at a time
  const PgpLibrary* rnp_ = nullptr;
  rnp_ffi_t ffi_ = nullptr;  // null until there are keys
  struct Tries {
    std::size_t given = 0;  // how many of passphrases_
    unsigned asked = 0;
  };
  std::vector<SecretBytes> passphrases_;  // all that were answered; one may fit several keys
  std::map<std::string, Tries> tries_;    // of this message, by fingerprint
  bool asked_ = false;                    // in this run
  std::optional<Error> unanswered_;
};

}  // namespace

bool is_pgp_key(const SecretBytes& text) {
  return kind_of(text.reveal_text()) != KeyFileKind::kNone;
}

std::shared_ptr<PgpKeyService> make_pgp_key_service(AskPassphrase ask) {
  return std::make_shared<Service>(std::move(ask));
}

}  // namespace sluice::decrypt
