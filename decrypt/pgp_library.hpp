#pragma once
/// librnp, loaded when it is first needed: with the libraries that it needs in turn it would cost
/// each start of the program more than most commands take (docs/adr/0032).

#include <rnp/rnp.h>

#include "sluice/base/result.hpp"

// clang-format off
#define SLUICE_RNP_FUNCTIONS(X)                                                               \
  X(ffi_create) X(ffi_destroy) X(ffi_set_pass_provider) X(import_keys)      \
  X(load_keys) X(input_from_memory) X(input_destroy) X(output_to_callback)                    \
  X(output_destroy) X(output_to_armor) X(output_finish) X(dearmor) X(op_verify_create)        \
  X(op_verify_set_flags) X(op_verify_execute) X(op_verify_destroy)                            \
  X(op_verify_get_protection_info) X(op_encrypt_create) X(op_encrypt_add_recipient)           \
  X(op_encrypt_set_cipher) X(op_encrypt_set_compression) X(op_encrypt_set_aead)               \
  X(op_encrypt_set_armor) X(op_encrypt_execute) X(op_encrypt_destroy)                         \
  X(identifier_iterator_create) X(identifier_iterator_next) X(identifier_iterator_destroy)    \
  X(key_get_fprint) X(key_get_alg) X(key_have_secret) X(key_allows_usage)                     \
  X(key_handle_destroy) X(get_secret_key_count) X(get_public_key_count) X(locate_key)         \
  X(buffer_destroy) X(result_to_string)
// clang-format on

namespace sluice::decrypt {

/// The functions of librnp without their prefix.
struct PgpLibrary {
#define SLUICE_DECLARE(name) decltype(&rnp_##name) name = nullptr;
  SLUICE_RNP_FUNCTIONS(SLUICE_DECLARE)
#undef SLUICE_DECLARE
};

/// Errors: kUnsupported when the library is not installed. Thread-safe.
Result<const PgpLibrary*> pgp_library();

/// While one lives, what is freed in the process is overwritten: librnp reads keys and messages
/// through buffers of 32 KiB in ordinary memory and gives them back as they are.
class WipeFreedMemory {
 public:
  WipeFreedMemory();
  ~WipeFreedMemory();
  WipeFreedMemory(const WipeFreedMemory&) = delete;
  WipeFreedMemory& operator=(const WipeFreedMemory&) = delete;
};

}  // namespace sluice::decrypt
