#pragma once
/// Selectors: where a value is in an encrypted file, as EncryptedLeaf::selector holds it.
///
///   selector = ""                        ; the whole plaintext, in the file's own format
///            / "=godotenv:" name         ; one variable of the whole plaintext, see godotenv.hpp
///            / "=" format                ; the whole plaintext as yaml, json, dotenv, ini or
///            binary / [ "#" document ":" ] key *( ":" key / "[" index "]" )
///
/// `document` is given for a second and later document of a YAML file, counted from 0 among those
/// that hold any entry. `index` counts from 0 among the items of the list, comments left out. In
/// keys, the characters : [ ] \ = # are written with a \ before them; an empty key is \e.
/// "data:list[2]:x".

#include <optional>
#include <string>
#include <string_view>

#include "sluice/decrypt/sops_file.hpp"

namespace sluice::decrypt {

/// Appends `key` to the selector of its mapping, whose first `base` characters name the document.
void append_key(std::string& selector, std::size_t base, std::string_view key);
void append_index(std::string& selector, std::size_t index);
/// What selectors of document `number` start with: "" for the first.
std::string document_selector(std::size_t number);

std::string whole_selector(Format input, Format output);
/// The output format of a selector of a whole file; nullopt for one of a value.
std::optional<Format> whole_format(std::string_view selector, Format input);

std::string godotenv_selector(std::string_view name);
/// The variable's name of such a selector; nullopt for others.
std::optional<std::string_view> godotenv_name(std::string_view selector);

}  // namespace sluice::decrypt
