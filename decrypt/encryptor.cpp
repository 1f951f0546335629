#include "sluice/decrypt/encryptor.hpp"

#include <optional>

#include "sluice/crypto/aead.hpp"

#include "data_key.hpp"
#include "encrypt_tree.hpp"
#include "metadata_write.hpp"
#include "written_file.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::size_t kDataKeySize = 32;

Result<Rule> rule_of(const EncryptSettings& settings, Format input) {
  const std::pair<Rule::Kind, const std::string*> given[] = {
      {Rule::Kind::kUnencryptedSuffix, &settings.unencrypted_suffix},
      {Rule::Kind::kEncryptedSuffix, &settings.encrypted_suffix},
      {Rule::Kind::kUnencryptedRegex, &settings.unencrypted_regex},
      {Rule::Kind::kEncryptedRegex, &settings.encrypted_regex},
      {Rule::Kind::kUnencryptedCommentRegex, &settings.unencrypted_comment_regex},
      {Rule::Kind::kEncryptedCommentRegex, &settings.encrypted_comment_regex}};
  // The one value of a binary file is always encrypted, whatever rules say.
  if (input == Format::kBinary) return Rule{};
  std::optional<Rule> rule;
  for (const auto& [kind, pattern] : given) {
    if (pattern->empty()) continue;
    Rule next{kind, *pattern, /*is_stated=*/true};
    if (rule) {
      return fail(Error(Code::kInvalid, rule->name() + " and " + next.name() +
                                            " together; a file has one such rule")
                      .reason(std::string(kReasonRules)));
    }
    rule = std::move(next);
  }
  if (!rule) {
    rule = Rule{};
    rule->is_stated = true;
  }
  SLUICE_CHECK(Selection::make(*rule));
  return std::move(*rule);
}

Result<Tree> read_plain(const crypto::SecretBytes& plaintext, const EncryptFileOptions& options) {
  const auto refused = [](Error error, std::string_view reason) {
    return fail(std::move(error).reason(std::string(reason)));
  };
  auto tree = read_plain_tree(plaintext, options.input);
  if (!tree) return refused(std::move(tree).error(), kReasonInput);
  if (tree->empty()) {
    return refused(Error(Code::kInvalid, "the file is empty; SOPS needs one document at least"),
                   plaintext.empty() ? kReasonEmpty : kReasonInput);
  }
  if (has_metadata_key(*tree, options.output)) {
    return refused(
        Error(Code::kInvalid,
              options.output == Format::kDotenv
                  ? "the file has keys that start with \"sops_\": it is encrypted already"
                  : "the file has a top-level \"sops\": it is encrypted already",
              Where{}, "sluice edit changes encrypted files; in a plain file, rename the key"),
        kReasonEncrypted);
  }
  return tree;
}

}  // namespace

Result<std::string> encrypt_file(const crypto::SecretBytes& plaintext, const std::string& path,
                                 const EncryptFileOptions& options, const KeyServices& services,
                                 const CancelToken& cancel) {
  const auto encrypt = [&]() -> Result<std::string> {
    SLUICE_TRY(Tree tree, read_plain(plaintext, options));
    Metadata metadata;
    SLUICE_TRY(metadata.rule, rule_of(options.settings, options.input));
    metadata.mac_only_encrypted =
        options.settings.mac_only_encrypted && options.input != Format::kBinary;
    metadata.groups = options.settings.groups;
    metadata.shamir_threshold = options.settings.shamir_threshold;
    metadata.version = kSopsVersion;
    const crypto::SecretBytes data_key = crypto::random_bytes(kDataKeySize);
    SLUICE_CHECK(wrap_data_key(metadata, data_key, services, options.now, cancel));
    const PrintOptions style{options.yaml_indent, options.json_indent};
    if (options.input == options.output) {
      SLUICE_TRY(auto kept, encrypt_in_place(plaintext, tree, metadata, options.input, data_key,
                                             /*known=*/nullptr, options.now, style));
      if (kept) return std::move(*kept);
    }
    return print_encrypted(std::move(tree), metadata, options.output, style, data_key,
                           /*known=*/nullptr, options.now);
  };
  auto text = encrypt();
  if (!text) return fail(std::move(text).error().at({path, 0, 0}));
  return text;
}

}  // namespace sluice::decrypt
