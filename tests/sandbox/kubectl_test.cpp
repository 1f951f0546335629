// A first look with kubectl.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "sandbox_api.hpp"
#include "support/process.hpp"

namespace sluice::test {

TEST_CASE("kubectl: creates, applies, changes, waits for and deletes") {
  const auto program = find_program("kubectl");
  if (!program) SLUICE_SKIP("kubectl is not on PATH (scripts/tools builds it)");
  SandboxApi api;
  const std::filesystem::path folder = std::filesystem::temp_directory_path() /
                                       ("sluice-kubectl-" + std::to_string(api.sandbox().port()));
  std::filesystem::create_directories(folder);
  const std::string config = (folder / "kubeconfig").string();
  const std::string manifest = (folder / "d.yaml").string();
  std::ofstream(config) << api.sandbox().kubeconfig();
  const auto kubectl = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {*program, "--kubeconfig", config, "--cache-dir",
                                         (folder / "cache").string(), "--namespace", "n"});
    const Finished done = run(arguments);
    INFO(done.output);
    CHECK(done.status == 0);
    return done.output;
  };
  const auto write = [&](const std::string& image) {
    std::ofstream(manifest) << R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec:
  selector: {matchLabels: {app: d}}
  template:
    metadata: {labels: {app: d}}
    spec: {containers: [{name: a, image: ")"
                            << image << R"("}]}
)";
  };
  CHECK(kubectl({"create", "namespace", "n"}) == "namespace/n created\n");
  CHECK(kubectl({"create", "configmap", "c", "--from-literal=a=b"}) == "configmap/c created\n");
  write("x:1");
  CHECK(kubectl({"apply", "-f", manifest}) == "deployment.apps/d created\n");
  CHECK(kubectl({"apply", "-f", manifest}) == "deployment.apps/d unchanged\n");
  write("x:2");
  CHECK(kubectl({"apply", "-f", manifest}) == "deployment.apps/d configured\n");
  CHECK(kubectl({"get", "deploy", "d", "-o", "jsonpath={..image}"}) == "x:2");
  write("x:3");
  CHECK(kubectl({"apply", "--server-side", "--force-conflicts", "-f", manifest}) ==
        "deployment.apps/d serverside-applied\n");
  CHECK(kubectl({"scale", "deploy", "d", "--replicas=4"}) == "deployment.apps/d scaled\n");
  CHECK(has(kubectl({"get", "deploy"}), "0/4"));
  CHECK(kubectl({"label", "deploy", "d", "a=b"}) == "deployment.apps/d labeled\n");
  CHECK(kubectl({"get", "deploy", "-l", "a=b", "-o", "name"}) == "deployment.apps/d\n");
  CHECK(has(kubectl({"wait", "--for=jsonpath={.data.a}=b", "cm/c", "--timeout=10s"}),
            "condition met"));
  CHECK(has(kubectl({"explain", "deployment.spec.replicas"}), "replicas"));
  kubectl({"delete", "deploy/d", "cm/c", "--timeout=10s"});
  kubectl({"delete", "namespace", "n", "--timeout=10s"});
  std::filesystem::remove_all(folder);
}

}  // namespace sluice::test
