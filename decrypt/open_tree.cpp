#include "open_tree.hpp"

#include "sluice/decrypt/decryptor.hpp"

#include "enc_value.hpp"
#include "mac.hpp"

namespace sluice::decrypt {
namespace {

// A value's name in messages: its path, which is no secret.
std::string name_of(const Visit& visit) {
  std::string path(visit.path);
  if (path.ends_with(':')) path.pop_back();
  return "\"" + path + "\"";
}

class Opener {
 public:
  Opener(SopsFile& file, const crypto::SecretBytes& data_key, Keep keep)
      : file_(file), data_key_(data_key), keep_(keep), mac_(file.metadata.mac_only_encrypted) {}

  Result<void> visit(const Visit& visit) {
    Item& item = visit.item;
    if (item.is_comment()) {
      return visit.selected ? open_comment(visit) : Result<void>();
    }
    if (!visit.selected) {
      if (!file_.metadata.mac_only_encrypted) mac_.add(item.kind, item.text);
      return {};
    }
    if (item.kind != ItemKind::kString) {
      return fail(
          Error(Code::kInvalid,
                "the value of " + name_of(visit) + " should be encrypted and is not a string",
                Where{"", item.line, item.column}, "encrypt the file again with sops")
              .reason(std::string(kReasonValue)));
    }
    if (item.text.empty()) return {};  // stays empty, without authentication
    auto opened = open_enc(item.text, data_key_, visit.path);
    if (!opened) {
      return fail(std::move(opened)
                      .error()
                      .prefix("cannot decrypt the value of " + name_of(visit) + ": ")
                      .reason(std::string(kReasonValue))
                      .at({"", item.line, item.column}));
    }
    if (opened->kind == ItemKind::kComment) {
      // A comment inside a list is stored as an item of it. Releases before 3.13.2 and from 3.13.3
      // on leave it out of the MAC.
      if (!visit.in_sequence) {
        return fail(Code::kInvalid, "the value of " + name_of(visit) + " decrypts to a comment",
                    Where{"", item.line, item.column});
      }
    } else {
      mac_.add(opened->kind, opened->text.reveal_text());
    }
    if (keep_ == Keep::kPlaintext) set(item, std::move(*opened));
    return {};
  }

  Result<void> verify_mac() {
    const crypto::SecretBytes computed = mac_.finish();
    const auto mismatch = [](std::string what) {
      return fail(Error(Code::kIntegrity, std::move(what), Where{},
                        "if the change was intended, encrypt the file again with sops")
                      .reason(std::string(kReasonMac)));
    };
    if (file_.metadata.mac.empty()) return mismatch("MAC mismatch: the file has no MAC");
    const auto opened = open_enc(file_.metadata.mac, data_key_, file_.metadata.last_modified);
    if (!opened || opened->kind != ItemKind::kString) {
      return mismatch(
          "MAC mismatch: the MAC of the file cannot be decrypted; it or lastmodified was changed");
    }
    if (!crypto::equal_constant_time(computed.reveal(), opened->text.reveal())) {
      return mismatch("MAC mismatch: the file was changed after it was encrypted");
    }
    return {};
  }

 private:
  static void set(Item& item, OpenedValue opened) {
    item.kind = opened.kind;
    item.secret = std::move(opened.text);
    item.is_secret = true;
    item.text.clear();
  }

  // A comment that does not decrypt was never encrypted: sops before 2.0 left them alone. Comments
  // are not part of the MAC; a ciphertext that calls itself something else is none.
  Result<void> open_comment(const Visit& visit) {
    Item& item = visit.item;
    if (item.text.empty()) return {};
    if (keep_ == Keep::kNothing) {
      const auto claimed = parse_enc(item.text);
      if (!claimed || claimed->kind == ItemKind::kComment) return {};
    }
    auto opened = open_enc(item.text, data_key_, visit.path);
    if (!opened) return {};
    if (opened->kind == ItemKind::kComment) {
      // Upstream forgets that an encrypted comment stood behind a value.
      item.inline_comment = false;
    } else {
      mac_.add(opened->kind, opened->text.reveal_text());
      if (!visit.in_sequence) {
        if (opened->kind != ItemKind::kString) {
          return fail(Code::kInvalid, "a comment decrypts to something else",
                      Where{"", item.line, item.column});
        }
        opened->kind = ItemKind::kComment;
      }
    }
    if (keep_ == Keep::kPlaintext) set(item, std::move(*opened));
    return {};
  }

  SopsFile& file_;
  const crypto::SecretBytes& data_key_;
  Keep keep_;
  MacInput mac_;
};

}  // namespace

Result<SopsFile> read_sops_file(std::string_view bytes, Format format) {
  SopsFile file;
  SLUICE_TRY(file.tree, read_tree(bytes, format));
  SLUICE_TRY(auto metadata, extract_metadata(file.tree, format));
  if (!metadata) {
    return fail(Error(Code::kInvalid, "no sops metadata in it: the file is not encrypted with SOPS")
                    .reason(std::string(kReasonNoMetadata)));
  }
  file.metadata = std::move(*metadata);
  return file;
}

Result<void> open_tree(SopsFile& file, const crypto::SecretBytes& data_key, Keep keep,
                       bool ignore_mac, const std::function<void(const Visit&)>& found) {
  SLUICE_TRY(const Selection selection, Selection::make(file.metadata.rule));
  Opener opener(file, data_key, keep);
  SLUICE_CHECK(walk(file.tree, selection, [&](const Visit& visit) {
    if (found && visit.selected && !visit.item.is_comment()) found(visit);
    return opener.visit(visit);
  }));
  if (ignore_mac) return {};
  return opener.verify_mac();
}

}  // namespace sluice::decrypt
