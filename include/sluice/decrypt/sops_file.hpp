#pragma once
/// SOPS files without keys: recognising them, and lifting their ciphertext values out as leaves.
/// Follows SOPS 3.13 (stores/, sops.go). Pure: needs no key, never decrypts.

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sluice/base/digest.hpp"
#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::decrypt {

enum class Format : std::uint8_t { kYaml, kJson, kDotenv, kIni, kBinary };

/// By extension, as SOPS: .yaml .yml .json .env .ini, else binary.
Format format_for_path(std::string_view path);

/// True when `text` carries the marker Flux looks for in that format (`mac: ENC[`, `"mac": "ENC[`,
/// `sops_mac=ENC[`, `[sops]`). Cheap; says nothing about validity.
bool looks_encrypted(std::string_view text, Format format);

/// The encrypted files that a build met, by a SHA-256 of format and bytes. Thread-safe.
class SopsFiles {
 public:
  struct File {
    std::shared_ptr<const std::string> bytes;  ///< ciphertext, as read
    Format format;
    std::string path;  ///< for messages
  };
  /// Registers a file and gives its digest.
  Digest add(std::shared_ptr<const std::string> bytes, Format format, std::string path);
  std::shared_ptr<const File> find(const Digest& digest) const;
  std::size_t size() const;

 private:
  mutable std::mutex mutex_;  // guards files_
  std::unordered_map<Digest, std::shared_ptr<const File>> files_;
};

/// `documents` are the parsed documents of `bytes`. When the first one has a top-level `sops`
/// mapping: registers the file, replaces each ciphertext value by an encrypted leaf (kind from the
/// ENC type), removes the `sops` blocks and the list items that are encrypted comments, and gives
/// true. false: not a SOPS file, nothing was changed. Read the documents with unique keys; merge
/// keys may be expanded or not. Errors: kInvalid for a broken `sops` block, ciphertext, or a value
/// that should be encrypted and is not (never quoting a value); kUnsupported for documents that
/// were encrypted separately.
Result<bool> lift_leaves(std::span<yaml::Document> documents,
                         std::shared_ptr<const std::string> bytes, std::string path,
                         SopsFiles& files);

/// Keys of an encrypted dotenv file in order, each with the leaf of its value, for generators'
/// `envs`. Plain (unencrypted) values come as string text instead. A leaf opens to what follows the
/// `=` in the file that `sops -d` prints: line breaks are `\n`, two characters.
struct EnvEntry {
  std::string key;
  bool encrypted = false;
  yaml::EncryptedLeaf leaf;
  std::string plain;
};
Result<std::vector<EnvEntry>> lift_env(std::shared_ptr<const std::string> bytes, std::string path,
                                       SopsFiles& files);

/// The variables of an encrypted file of any format as KSOPS's `envs` reads them, after decryption,
/// with godotenv: each with a leaf of its own, in order. A value that changes how the file is split
/// (an opening quote without its end) is an error when a leaf is opened.
struct GodotenvLeaf {
  std::string key;
  yaml::EncryptedLeaf leaf;
};
Result<std::vector<GodotenvLeaf>> lift_godotenv(std::shared_ptr<const std::string> bytes,
                                                Format format, std::string path, SopsFiles& files);

/// The whole plaintext of an encrypted file as one leaf, for generators' `files`. `output` is the
/// format to print the plaintext in (Flux decides it by the key's name).
Result<yaml::EncryptedLeaf> lift_whole(std::shared_ptr<const std::string> bytes, Format input,
                                       Format output, std::string path, SopsFiles& files);

}  // namespace sluice::decrypt
