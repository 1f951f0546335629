// Which images a rule is for: its name is a regular expression that nobody escapes, and what needs
// none is matched as text. Upstream: api/internal/image/image.go IsImageMatched.
#include "kustomize/builder.hpp"

using namespace sluice;

namespace {

/// What becomes of `image` under a rule for `name` that sets the tag to "new".
std::string image_after(const std::string& name, const std::string& image) {
  const std::string text = test::build_text(
      {{"kustomization.yaml",
        "resources: [d.yaml]\nimages:\n- name: '" + name + "'\n  newTag: new\n"},
       {"d.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - image: '" +
            image + "'\n"}});
  const std::size_t at = text.find("image: ");
  return text.substr(at + 7, text.find('\n', at) - at - 7);
}

}  // namespace

TEST_CASE("images: a name matches itself, with a tag, with a digest, and nothing longer") {
  const std::string digest =
      "@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3";
  CHECK(image_after("app", "app") == "app:new");
  CHECK(image_after("app", "app:1.0") == "app:new");
  CHECK(image_after("app", "app:{tag}-1_x.y") == "app:new");
  CHECK(image_after("app", "app:") == "app:new");
  CHECK(image_after("app", "app" + digest) == "app:new");
  CHECK(image_after("app", "app:1" + digest) == "app:new");
  for (const std::string image :
       {"app2:1", "myapp:1", "app/web:1", "app:1/2", "app@sha256", "App:1", "app-x"}) {
    CAPTURE(image);
    CHECK(image_after("app", image) == image);
  }
}

TEST_CASE("images: a dot in a name is any one character") {
  CHECK(image_after("ghcr.io/acme/app", "ghcr.io/acme/app:1") == "ghcr.io/acme/app:new");
  CHECK(image_after("ghcr.io/acme/app", "ghcr-io/acme/app:1") == "ghcr-io/acme/app:new");
  CHECK(image_after("a.c", "abc") == "abc:new");
  CHECK(image_after("a.c", "aéc:1") == "aéc:new");
  CHECK(image_after("a.c", "ac:1") == "ac:1");
  CHECK(image_after("a.c", "abbc:1") == "abbc:1");
}

TEST_CASE("images: other names are expressions, and one that is none matches nothing") {
  CHECK(image_after("ap+", "appp:1") == "appp:new");
  CHECK(image_after("(web|api)", "api:1") == "api:new");
  CHECK(image_after("a[", "a[:1") == "a[:1");
}
