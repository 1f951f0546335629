#include <cstdio>

#include "commands.hpp"

namespace sluice::cli {
namespace {

struct Help {
  std::string_view command, summary, text;
};

constexpr Help kHelp[] = {
    {"run", "reconcile GitRepositories and Kustomizations of a cluster, again and again",
     R"(usage: sluice run [--kubeconfig FILE] [--once] [--concurrent N] [--log-level L] [--storage-path DIR]

Watches source.toolkit.fluxcd.io/v1 GitRepository and kustomize.toolkit.fluxcd.io/v1 Kustomization objects,
pulls the sources, builds the overlays, decrypts SOPS values just before apply and server-side applies the
result. The custom resource definitions are in deploy/crds.

  --kubeconfig FILE   the cluster; default: $KUBECONFIG, ~/.kube/config, the pod's service account
  --once              end when every object is ready or failed; the exit status tells which
  --concurrent N      reconciliations at a time (default 4)
  --log-level L       debug, info, error or off (default info); JSON lines on stderr
  --key-hosts LIST    servers that may get credentials though a file named them (Vault's, mostly): URLs
                      separated by commas, or all; also SLUICE_KEY_HOSTS, SOPS_HC_VAULT_ALLOWLIST
  --sops-age-secret [NS/]NAME  age keys of Kustomizations without a decryption secret; NS is by default
                      $RUNTIME_NAMESPACE or flux-system
  --sops-vault-configmap NAME  Vault servers to log in to with the controller's service account, as Flux has it
  --mlock warn|require   what to do when secret memory cannot be locked (every command has it; default warn)
  --storage-path DIR  Git object databases (ciphertext only);
                      default: $XDG_CACHE_HOME/sluice/sources or ~/.cache/sluice/sources
  --no-remote-bases   refuse bases and files that a kustomization names by URL

examples:
  sluice run --kubeconfig ~/.kube/config
  sluice run --once --concurrent 8 --log-level error    # in CI: 0 when all is ready
)"},
    {"build", "print what `kustomize build` prints",
     R"(usage: sluice build [DIR|URL] [kustomize's flags] [--key FILE] [--show-secrets]

Builds the kustomization in DIR (default: the current directory) or in a Git repository. Output, exit status and error texts are those
of kustomize 5.8: 1 for whatever fails. SOPS files are printed as they are, as kustomize does, unless --key is
given; then the status tells the kind of failure: 1 input, 2 no key, 3 busy or away, 4 tampered with.

  --key FILE                 age identities or OpenPGP keys: names of generated Secrets are those of the plaintext; encrypted
                             values print as **SOPS**
  --keys-from-environment    like --key, with the keys that `sluice decrypt` finds: age, Vault, cloud KMS
  --recovery-private-key FILE[,FILE]
                             keys of Sealed Secrets: each SealedSecret is printed as its Secret, **SOPS** for values
  --check-sealed-secrets     a SealedSecret that is renamed or moved out of its scope is an error, not a warning
  --audit-log FILE           append a JSON line for each file that was decrypted; also SLUICE_AUDIT_LOG
  --age-plugins              start programs age-plugin-NAME for identities that are theirs
  --show-secrets             print the plaintext instead of **SOPS**
  --explain KIND/NAME[:PATH] print where the object and its fields were written, and the layers that touched
                             them, instead; KIND/NAMESPACE/NAME says which of several
  --explain-cache            say on standard error what of the files read by the last build with this flag has
                             changed since
  --strict-yaml              both YAML engines must accept and agree on every file
  --no-remote-bases          refuse bases and files that are named by URL
  -o, --output FILE|DIR      --load-restrictor LoadRestrictionsRootOnly|LoadRestrictionsNone
  --reorder legacy|none      --enable-managedby-label
  --enable-alpha-plugins     legacy plugins below KUSTOMIZE_PLUGIN_HOME and functions; with
    --enable-exec [--env K=V]  also those that are programs ("exec:" in their annotation)
  --enable-helm              render helmCharts with helm; --helm-command NAME, --helm-kube-version V,
                             --helm-api-versions V, --helm-debug

KSOPS generators (viaduct.ai, kind ksops) need no program and no flag: what they decrypt prints as **SOPS**, names
with a suffix are those of the plaintext, keys come from --key or from where `sluice decrypt` looks.

examples:
  sluice build overlays/prod
  sluice build overlays/prod --key age.key              # leaves redacted
  sluice build overlays/prod --explain Deployment/web:spec.replicas
  sluice build 'https://github.com/org/repo//deploy?ref=v1.2.3'
  sluice build overlays/prod --load-restrictor LoadRestrictionsNone -o out.yaml
)"},
    {"decrypt", "print what `sops -d` prints",
     R"(usage: sluice decrypt [FILE] [flags]          also: sluice -d FILE

Decrypts a SOPS file and prints it as sops does; without FILE, standard input. The MAC is verified before the
first byte is printed. Exit statuses are those of sops: 51 MAC, 128 no data key, 25 value, 100 no such file, 2
unreadable, 91 a path that cannot be read.

  --extract '["a"]["b"][0]'         print this value only: a string as it is, others in the output format
  --input-type T, --output-type T   yaml, json, dotenv, ini or binary; default: by the name's extension
  --filename-override NAME          the name that types and .sops.yaml go by
  --output FILE                     write there (mode 0600) instead of standard output
  --audit-log FILE                  append one JSON line: who, revision, file, keys, result; no plaintext when it cannot be
                                    written; also SLUICE_AUDIT_LOG, for every command that decrypts
  --age-plugins                     start programs age-plugin-NAME for identities that are theirs
  -i, --in-place                    write into FILE itself
  --indent N                        of YAML and JSON; default: `stores:` of .sops.yaml, then 4 and a tab
  --ignore-mac                      print although the MAC does not match; says so on stderr
  --decryption-order T,T            key types to try first; default: $SOPS_DECRYPTION_ORDER, then age,pgp
  --config FILE                     instead of the .sops.yaml of this folder or one above

age identities are looked for in SOPS_AGE_KEY, SOPS_AGE_KEY_FILE and
$XDG_CONFIG_HOME/sops/age/keys.txt (~/.config/sops/age/keys.txt); SSH keys that are recipients, in
SOPS_AGE_SSH_PRIVATE_KEY_FILE, ~/.ssh/id_ed25519 and ~/.ssh/id_rsa; what SOPS_AGE_KEY_CMD prints. OpenPGP secret keys: SLUICE_PGP_KEY_FILE
(what gpg --export-secret-keys wrote; several files with ":" between them) and secring.gpg of GNUPGHOME;
with SOPS_GPG_EXEC=gpg those of gpg and its agent.
Passphrases: a line each of the descriptor SLUICE_PASSPHRASE_FD names, or a prompt on the terminal.
AWS, GCP, Azure and Huawei KMS and Vault
find their credentials as their own tools do, when a file has such a key. A Vault server that only the file
names gets no token: name it in VAULT_ADDR, SOPS_HC_VAULT_ALLOWLIST or SLUICE_KEY_HOSTS.

examples:
  SOPS_AGE_KEY_FILE=age.key sluice decrypt secret.yaml
  sluice decrypt --extract '["data"]["password"]' secret.yaml
  sluice decrypt --output-type json secret.yaml
)"},
    {"encrypt", "encrypt a file as `sops encrypt` does",
     R"(usage: sluice encrypt [FILE] [flags]          also: sluice -e FILE

Encrypts the values of a file and adds the metadata of SOPS; `sops -d` reads the result. Keys and rules come from
the flags, else from the first creation rule of .sops.yaml that matches the file. Without FILE, standard input.
Comments, order and layout stay as they are.

  -a, --age R,R   -p, --pgp F,F   -k, --kms ARN,ARN   --gcp-kms ID   --azure-kv URL   --hc-vault-transit URI
  --hckms ID                        whom to encrypt for; also $SOPS_AGE_RECIPIENTS, $SOPS_PGP_FP, …
  --encrypted-regex R, --unencrypted-regex R, --encrypted-suffix S, --unencrypted-suffix S,
  --encrypted-comment-regex R, --unencrypted-comment-regex R    which values; one of them
  --mac-only-encrypted              the MAC covers encrypted values only
  --shamir-secret-sharing-threshold N   how many key groups are needed
  --encryption-context K:V,K:V, --aws-profile P                 for AWS keys
  -i, --in-place, --output FILE     instead of standard output
  --input-type T, --output-type T, --filename-override NAME, --indent N, --config FILE   as for decrypt

examples:
  sluice encrypt -i secret.yaml                             # as .sops.yaml says
  sluice encrypt --age age1… --encrypted-regex '^(data|stringData)$' secret.yaml > secret.enc.yaml
)"},
    {"unseal", "print the Secret of a SealedSecret, as kubeseal --recovery-unseal does",
     R"(usage: sluice unseal --recovery-private-key FILE[,FILE...] [-o json|yaml] [FILE]

Opens a SealedSecret (default: from standard input) and prints its Secret. Every value opens, or nothing is
printed.

  --recovery-private-key FILE   PEM private key, or a back-up of the controller's key Secrets (YAML or JSON, also
                                a List); may be repeated
  -o, --format json|yaml        default json

examples:
  kubectl get secret -n kube-system -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml > keys.yaml
  sluice unseal --recovery-private-key keys.yaml -o yaml sealed.yaml
)"},
    {"rotate", "give an encrypted file a new data key",
     R"(usage: sluice rotate FILE [flags]             also: sluice -r FILE

Encrypts every value again, under a new data key. The text around the values stays as it is. Whoever had the old
data key, or a key that is removed, can still read old versions of the file: change the secrets too.

  -i, --in-place, --output FILE     instead of standard output
  --add-age R,R   --rm-age R,R      keys to add and to remove; also -pgp, -kms, -gcp-kms, -azure-kv,
                                    -hc-vault-transit, -hckms
  --ignore-mac, --decryption-order T,T, --input-type T, --indent N, --config FILE   as for decrypt

examples:
  sluice rotate -i --add-age age1… --rm-age age1… secret.yaml
)"},
    {"updatekeys", "give an encrypted file the keys that .sops.yaml says",
     R"(usage: sluice updatekeys FILE... [-y] [--config FILE] [--input-type T]

Compares the keys of the file with those of the creation rule that matches it, prints the difference, asks, and
wraps the data key for the new ones. Values and MAC stay; the MAC is verified first.

  -y, --yes        do not ask

examples:
  sluice updatekeys -y secrets/*.yaml
)"},
    {"edit", "edit an encrypted file, or make one",
     R"(usage: sluice edit FILE [flags]

Shows the file with its values in plaintext in $SOPS_EDITOR, $EDITOR, vim, nano or vi, and encrypts it when the
editor ends. The text lies in memory: the editor finds it under /proc/self/fd, there is no file on disk. Editors that
replace a file by another one (sed -i) cannot work so. Vim is told to write no swap, backup and history files. Values
that were not changed keep their ciphertext, and the rest of the file its layout. A file that does not exist is made,
with the keys that .sops.yaml or the flags of encrypt say. Exit status 200: nothing was changed; 201: no editor.

  --ignore-mac, --decryption-order T,T, --input-type T, --indent N, --config FILE   as for decrypt

examples:
  EDITOR='vim -u NONE' sluice edit secret.yaml
)"},
    {"set", "set one value of an encrypted file",
     R"(usage: sluice set FILE PATH VALUE [--value-file | --value-stdin] [--idempotent]

PATH looks like '["a"]["b"][0]', VALUE is JSON; what is missing on the way is made.

  --value-file     VALUE is a file that holds the JSON text; --value-stdin: standard input does, and VALUE is left out

examples:
  printf '"%s"' "$PASSWORD" | sluice set --value-stdin secret.yaml '["data"]["password"]'
)"},
    {"unset", "remove one value of an encrypted file",
     R"(usage: sluice unset FILE PATH [--idempotent]

  --idempotent     a path where nothing is, is no error

examples:
  sluice unset secret.yaml '["data"]["password"]'
)"},
    {"groups", "add or delete a key group of an encrypted file",
     R"(usage: sluice groups add -f FILE --age R [--pgp F ...] [-i] [--shamir-secret-sharing-threshold N]
       sluice groups delete -f FILE [-i] [--shamir-secret-sharing-threshold N] INDEX

With several groups the data key is split among them, and N of them are needed to decrypt. Each key flag of
`sluice encrypt` may be given, several times. Groups are counted from 0.

  -f, --file FILE     the encrypted file; the result goes to standard output unless -i is given

examples:
  sluice groups add -f secret.yaml --age age1… --age age1… --shamir-secret-sharing-threshold 2 -i
  sluice groups delete -f secret.yaml -i 1
)"},
    {"filestatus", "tell whether a file is encrypted with SOPS",
     R"(usage: sluice filestatus FILE [--input-type T]

Prints {"encrypted":true} or {"encrypted":false}, by the metadata alone: nothing is verified, no key is needed.

examples:
  sluice filestatus secret.yaml
)"},
    {"ksops", "what KSOPS does when kustomize calls it",
     R"(usage: sluice ksops < RESOURCE-LIST    as a KRM exec function
       sluice ksops FILE               as a legacy exec plugin
       sluice ksops install [--with-kustomize] DIR

Prints, in plaintext, the objects that a KSOPS 4.5 generator names, as KSOPS prints them. A program named ksops does
the same: `install` copies this one to DIR/ksops. Keys are looked for as by `sluice decrypt`. `sluice build` needs
none of this. SLUICE_AUDIT_LOG=FILE gets a JSON line for each file that was decrypted.

examples:
  sluice ksops install ~/bin && kustomize build --enable-alpha-plugins --enable-exec overlays/prod
  sluice ksops secret-generator.yaml
)"},
    {"sandbox", "serve a small Kubernetes API on loopback, for demos and tests",
     R"(usage: sluice sandbox [--port N] [--write-kubeconfig FILE]

Serves enough of the Kubernetes API on 127.0.0.1 for kubectl get/apply and for `sluice run`: discovery, CRUD,
server-side apply with managed fields, status, watches, custom resource definitions. In memory, not a cluster:
nothing runs in it.

  --port N                 port on 127.0.0.1 (default 0: any free one, printed)
  --write-kubeconfig FILE  write a kubeconfig for it

examples:
  sluice sandbox --port 8001 --write-kubeconfig sandbox.kubeconfig
  kubectl --kubeconfig sandbox.kubeconfig get namespaces
)"},
    {"help", "say how a command is used",
     R"(usage: sluice help [COMMAND]

examples:
  sluice help run
)"}};

}  // namespace

std::string_view help_text(std::string_view command) {
  for (const Help& help : kHelp) {
    if (help.command == command) return help.text;
  }
  return {};
}

int help_command(Arguments arguments) {
  if (arguments.empty()) {
    std::puts("sluice " SLUICE_VERSION
              ": a GitOps decryption renderer\n\nusage: sluice COMMAND [flags]\n\ncommands:");
    for (const Help& help : kHelp) {
      std::printf("  %-10.*s %.*s\n", static_cast<int>(help.command.size()), help.command.data(),
                  static_cast<int>(help.summary.size()), help.summary.data());
    }
    std::puts("\nsluice help COMMAND shows flags and examples; sluice --version the version.");
    return 0;
  }
  const std::string_view text = help_text(arguments.front());
  if (text.empty()) {
    std::fprintf(stderr, "Error: no help for \"%.*s\" (sluice help lists the commands)\n",
                 static_cast<int>(arguments.front().size()), arguments.front().data());
    return 1;
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace sluice::cli
