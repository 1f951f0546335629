#include "encrypt_tree.hpp"

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/aead.hpp"
#include "sluice/decrypt/encryptor.hpp"

#include "enc_value.hpp"
#include "mac.hpp"
#include "walk.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::size_t kIvSize = 32;  // SOPS aes/cipher.go, not the usual 12

std::string_view type_name(ItemKind kind) {
  switch (kind) {
    case ItemKind::kInt:
      return "int";
    case ItemKind::kFloat:
      return "float";
    case ItemKind::kBool:
      return "bool";
    case ItemKind::kTime:
      return "time";
    case ItemKind::kComment:
      return "comment";
    default:
      return "str";
  }
}

void replace_by(Item& item, std::string ciphertext) {
  crypto::wipe(item.text);
  item.secret = {};
  item.is_secret = false;
  item.text = std::move(ciphertext);
}

class Encrypter {
 public:
  Encrypter(const Metadata& metadata, const Selection& selection,
            const crypto::SecretBytes& data_key, ListComments list_comments,
            const KnownValues* known)
      : selection_(selection),
        data_key_(data_key),
        list_comments_(list_comments),
        known_(known),
        only_encrypted_(metadata.mac_only_encrypted),
        mac_(metadata.mac_only_encrypted) {}

  Result<void> visit(const Visit& visit) {
    Item& item = visit.item;
    if (!item.is_comment() && (visit.selected || !only_encrypted_)) {
      mac_.add(item.kind, item.bytes());
    }
    if (!visit.selected) return {};
    if (item.bytes().empty() && (item.kind == ItemKind::kString || item.is_comment())) {
      replace_by(item, {});  // stays empty, without authentication
      return {};
    }
    // A comment that could not be decrypted, since printing had moved it: once is enough.
    if (item.is_comment() && looks_like_enc(item.bytes())) return {};
    std::string ciphertext = seal(item, visit.path);
    if (!item.is_comment()) {
      replace_by(item, std::move(ciphertext));
      item.kind = ItemKind::kString;
      return {};
    }
    if (selection_.rule().kind == Rule::Kind::kUnencryptedCommentRegex &&
        selection_.matches_comment(ciphertext)) {
      return fail(Error(Code::kInvalid,
                        "unencrypted_comment_regex \"" + selection_.rule().pattern +
                            "\" matches encrypted comments too, which could not be decrypted",
                        Where{"", item.line, item.column}, "make it more specific")
                      .reason(std::string(kReasonEncrypt)));
    }
    replace_by(item, std::move(ciphertext));
    if (visit.in_sequence && list_comments_ == ListComments::kItems) item.kind = ItemKind::kString;
    return {};
  }

  crypto::SecretBytes mac() { return mac_.finish(); }

 private:
  std::string seal(const Item& item, std::string_view path) {
    if (known_ != nullptr) {
      const auto* const same = known_->find(item.kind, path, item.bytes());
      if (same != nullptr) {
        std::size_t& used = used_[same];
        if (used < same->size()) return (*same)[used++];
      }
    }
    return seal_enc(item.kind, item.bytes(), data_key_, path);
  }

  const Selection& selection_;
  const crypto::SecretBytes& data_key_;
  ListComments list_comments_;
  const KnownValues* known_;
  std::map<const std::vector<std::string>*, std::size_t> used_;  // of known_, each once
  bool only_encrypted_;
  MacInput mac_;
};

}  // namespace

std::string seal_enc(ItemKind kind, std::string_view text, const crypto::SecretBytes& data_key,
                     std::string_view path) {
  using crypto::as_bytes;
  if (kind == ItemKind::kBool) text = text == "true" ? "True" : "False";
  const crypto::SecretBytes iv = crypto::random_bytes(kIvSize);
  const std::string sealed =
      crypto::aes256_gcm_seal(data_key.reveal(), iv.reveal(), as_bytes(path), as_bytes(text));
  const std::string_view all = sealed;
  std::string out = "ENC[AES256_GCM,data:" + base64_encode(all.substr(0, text.size())) + ",iv:";
  out += base64_encode(iv.reveal_text());
  out += ",tag:" + base64_encode(all.substr(text.size())) + ",type:";
  out += type_name(kind);
  return out + "]";
}

KnownValues::Key KnownValues::key_of(ItemKind kind, std::string_view path,
                                     std::string_view plaintext) const {
  crypto::SecretBuffer message(path.size() + plaintext.size() + 2);
  message.append(type_name(kind));
  message.append(std::string_view("\0", 1));
  message.append(path);
  message.append(std::string_view("\0", 1));
  message.append(plaintext);
  return crypto::hmac_sha256(data_key_.reveal(), std::move(message).take().reveal());
}

void KnownValues::add(ItemKind kind, std::string_view path, std::string_view plaintext,
                      std::string ciphertext) {
  values_[key_of(kind, path, plaintext)].push_back(std::move(ciphertext));
}

const std::vector<std::string>* KnownValues::find(ItemKind kind, std::string_view path,
                                                  std::string_view plaintext) const {
  const auto found = values_.find(key_of(kind, path, plaintext));
  return found == values_.end() ? nullptr : &found->second;
}

Result<void> open_tree_knowing(SopsFile& file, const crypto::SecretBytes& data_key, bool ignore_mac,
                               KnownValues* known) {
  struct Old {
    Item* item;
    std::string path, ciphertext;
  };
  std::vector<Old> old;
  if (known != nullptr) {
    SLUICE_TRY(const Selection selection, Selection::make(file.metadata.rule));
    SLUICE_CHECK(walk(file.tree, selection, [&old](const Visit& visit) -> Result<void> {
      if (visit.selected) old.push_back({&visit.item, std::string(visit.path), visit.item.text});
      return {};
    }));
  }
  SLUICE_CHECK(open_tree(file, data_key, Keep::kPlaintext, ignore_mac));
  for (Old& value : old) {
    if (!value.item->is_secret) continue;
    known->add(value.item->kind, value.path, value.item->bytes(), std::move(value.ciphertext));
  }
  return {};
}

Result<crypto::SecretBytes> encrypt_tree(Tree& tree, const Metadata& metadata,
                                         const crypto::SecretBytes& data_key,
                                         ListComments list_comments, const KnownValues* known) {
  const auto refused = [](Error error) {
    return fail(std::move(error).reason(std::string(kReasonEncrypt)));
  };
  auto selection = Selection::make(metadata.rule);
  if (!selection) return refused(std::move(selection).error());
  Encrypter encrypter(metadata, *selection, data_key, list_comments, known);
  auto walked =
      walk(tree, *selection, [&encrypter](const Visit& visit) { return encrypter.visit(visit); });
  if (!walked) return refused(std::move(walked).error());
  return encrypter.mac();
}

void seal_mac(Metadata& metadata, const crypto::SecretBytes& mac,
              const crypto::SecretBytes& data_key, std::string now) {
  metadata.last_modified = std::move(now);
  metadata.mac = seal_enc(ItemKind::kString, mac.reveal_text(), data_key, metadata.last_modified);
}

}  // namespace sluice::decrypt
