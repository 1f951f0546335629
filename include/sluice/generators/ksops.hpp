#pragma once
/// KSOPS's generator (`viaduct.ai/v1`, kind `ksops`), after viaduct-ai/kustomize-sops 4.5.1: which
/// encrypted files it names, and the Secrets that it makes of them. Values stay encrypted leaves;
/// plaintext never passes through here. Templates and `fail-silently` are not in that release.

#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/decrypt/sops_file.hpp"
#include "sluice/generators/generate.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::generators {

/// One entry of `secretFrom`.
struct KsopsSecret {
  std::string name, ns, type;
  StringMap labels, annotations;
  std::vector<std::string> files, binary_files, envs;  ///< "[KEY=]PATH", the last without a key
};

struct KsopsArgs {
  std::vector<std::string> files;  ///< of whole encrypted objects
  std::vector<KsopsSecret> secrets;
};

/// `raw` is the text of `manifest`, which messages quote. Errors: kInvalid in KSOPS's words:
/// "missing the required 'files' or 'secretFrom' key …", "error unmarshalling manifest content: …".
Result<KsopsArgs> read_ksops(yaml::Node manifest, std::string_view raw);

/// The documents of the encrypted file `path` of `files`, values lifted. Errors: kInvalid and
/// kNotFound `error decrypting file "…" from manifest.Files: …`, kUnsupported for a format that is
/// no YAML or JSON, since its objects cannot be seen while it is encrypted.
Result<std::vector<yaml::Document>> lift_ksops_file(const std::string& path, const LoadFile& load,
                                                    decrypt::SopsFiles& sops);

/// The Secret of one entry. Errors: as above, "… from secretFrom.Files: …".
Result<yaml::Document> generate_ksops_secret(const KsopsSecret& secret, const LoadFile& load,
                                             decrypt::SopsFiles& sops);

/// What orders the objects that KSOPS prints as a function: apiVersion, kind, namespace, name.
std::string ksops_sort_key(yaml::Node object);
/// Sorts by it; equal ones stay as they are.
void sort_ksops_objects(std::vector<yaml::Document>& objects);

/// Dresses an error about a file of `files` as KSOPS does.
Error ksops_file_error(Error error, const std::string& path);

}  // namespace sluice::generators
