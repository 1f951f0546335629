#pragma once
/// The part of Go's text/template, with the functions of sprig, that templates of Sealed Secrets
/// use: fields, variables, pipelines, literals, if, with, range, comments and trim markers. What is
/// beyond it (define, template, block, break, continue, method calls, other functions) is refused
/// by name when the text is parsed, never guessed.
///
/// Follows text/template of Go 1.22 and sprig 3.3 (GenericFuncMap, of which Sealed Secrets takes
/// env, expandenv and getHostByName away). Values live in SecretBytes from beginning to end.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::decrypt {

/// The dot of the template: a map[string]string.
using TemplateData = std::map<std::string, std::shared_ptr<const crypto::SecretBytes>, std::less<>>;

/// The text that `text`, the template `name`, becomes with `data`. Errors: kInvalid and
/// kUnsupported, worded `template: NAME:LINE: …` as in Go; they quote the template, never a value.
Result<crypto::SecretBytes> render_template(const std::string& name, std::string_view text,
                                            const TemplateData& data);

}  // namespace sluice::decrypt
