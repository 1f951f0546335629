// Sealed values and the objects around them: whatever comes in, nothing opens that was not sealed
// for the key, and leaves are given out for opened values only.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sluice/base/encoding.hpp"
#include "sluice/decrypt/sealed_secret.hpp"
#include "sluice/yaml/read.hpp"

namespace {

// fixtures/sealed/key.pem
constexpr std::string_view kKey = R"(-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDb3HcLdkoEgsHj
Tbxknut8faoi7cl2oXdMsXGGuHXc1G0+/tQXN8aWfZcETTeaQhz9Te4hpNXyInGX
q130qrzJEJauB0ggsQ0vbLnu9CSWJSVkkpmSmA9v4npwgNdOpCeA3b3S7PrGW7qN
nWWkD/stiGptyGeVg4hf4qNRCdFBX4kfmEkhLramj7Wo4Nm7CwWCVKEKCgZgC6kG
7F07fCVWCJqM7dadEFqrf2yq645CLBavHjVHjpFg7b832d3p/Ru4vLhln1Ee9QNF
A6dYlUkeQ31Kz/+/z9o/1MxBfZnbNFxpmmVCzbcman62h13BSuKmH2j9VVVODsu+
ykK2IdDxAgMBAAECggEAGWCKmxeVtoyTLZXg62pOewmUNEDnEprThtYqaObsr8cT
LwTB3UYyVVd8sWHqS5Na/j/a/yYkDbU9EEkW6LE2ZizUf5TWlfNptrIhifvDJ1N1
S/UB5eJIUd09zbOJZonbB2xQx0JUNcYLs+HZhATWNKy8wBw0HJVYjdy+hhGQhi92
dHuOCiEAdOsg1vzk92pxAJMvdkFECfWJ13pNBOLszwe3UW4JFgku9WDQr+CUialb
VU5Cla/oa0VsQzXiV4jDVJGb1fBKoSLobdmlTg1vNLtM2aRltseLOOv4Amj67VqR
D5eAJlSAHYn5X73mfxG5l0lh9MZtxXOLNi+YmPpJuQKBgQD4a3mH9SwL1izR+eBw
ZXn7OJXl1HGelgmKUQ3/MwRXmnA7nglFJBW/3qD9/Krn/oFTh2F/3P0MUo6+E/Bb
5G4/DDyd7Phzqs6b9NvpAAUkoUO5xTiyVvEKaKRnUdhNNfWiImpdQv42RxKOneSv
kobefZpvPqts/e0dhWaHUi4P5QKBgQDikee+QVi5rGi36+09yR/KLF0T/yKofOm1
oStTJX1Y4HuCLMub6Rbc+g5VeoP7SO7ev4RDb+7EwhiPgqG6BDwSSSQ5jcgyiSGH
Lw4RpFyXi+O0qsImznkdoNT0aiNiZRA23PRgRAO9pt/m9+rooRx90iehXDy/YoOh
rYahdvm0HQKBgQCHEWB9tKcjNGsgK72FPxdoqWaPFMhGEovTYai7ldCJlRXqxE2E
A0+0B+b+0c9W3kEQ2m3/qHcJqSWlYY/xVq0+qHeY4kxgD4HQt/yNng4t0WTSb9IY
3T6niyfAaXay3GDWq+GrHY68kj4bvuulLoUYGbDLRYbNdu7iezK45szWpQKBgETi
ITfpvCTvMwM/+mf/fufDpyTOO+ZH2/I5pudnjX14+nPwVJL5Qdc7OyJn1jqOyPj1
9ytdm5U8gaUYDT11ziGtFRNedNBQet4Tw04/z1rP0BH8nHyZ557HaBdLMajXmx9i
+/VMmGqPkqExHL1PRk9Gln/rgBibxfNgw37RokdNAoGAa5eZ2Xv5DHQLKRw1SgCL
7pjJXyG6KPl+1JxwDImXPTNA3qUvy7kvANsjgfdjXW8sE7rblog8vp64YM7R/jM8
BRBw2ogRcvBQp5EOhLSmAfln20wVKmA2hJeW/7gJ8NUeUzrWyZyg2MHEzOQgOS25
z9CqwCSzjWCncUOSMP2Qs68=
-----END PRIVATE KEY-----
)";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  // Reading the key would take most of the time.
  static decrypt::SealedOpener& opener = *new decrypt::SealedOpener([] {
    decrypt::SealedKeys keys;
    if (!keys.add(crypto::SecretBytes::copy_of(kKey), "key")) std::abort();
    return keys;
  }());
  if (data[0] % 4 == 0) {
    decrypt::SealedKeys others;
    static_cast<void>(others.add(crypto::SecretBytes::copy_of(text), "file").has_value());
    return 0;
  }
  std::string object(text);
  if (data[0] % 4 == 1) {
    object =
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: "
        "prod}\nspec:\n  encryptedData:\n    k: " +
        base64_encode(text) + "\n";
  }
  const auto documents = yaml::read_yaml(object, FileId::kNone);
  if (!documents) return 0;
  for (const auto& document : *documents) {
    if (!decrypt::is_sealed_secret(document.root())) continue;
    static_cast<void>(decrypt::sealed_scope(document.root()));
    const auto secret = opener.unseal(document.root(), {}, {});
    if (!secret) continue;
    for (const yaml::EncryptedLeaf& leaf : secret->leaves()) {
      if (!opener.open(leaf, {})) std::abort();
    }
  }
  return 0;
}
