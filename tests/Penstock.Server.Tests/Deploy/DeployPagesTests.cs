using System.Runtime.Versioning;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using Penstock.Testing;

namespace Penstock.Server.Tests.Deploy;

/// <summary>
/// What deploy/README.md and deploy/kubernetes/README.md tell to type, typed: what a container of the image would run runs here, and kubectl
/// is the real one, which says what it would send to a cluster. Only the image's build and push, and the cluster's answers, are not there.
/// </summary>
[UnsupportedOSPlatform("windows")]
public sealed partial class DeployPagesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("penstock-pages-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Keys_are_made_listed_and_revoked_as_the_page_says()
    {
        var typed = Block("README.md", "docker compose").Replace("revoke 0123456789ab", "revoke $(docker compose -f deploy/compose.yaml run --rm keys ls | grep -o '^[0-9a-f]\\{12\\}')", StringComparison.Ordinal);
        var output = await TypeAsync(typed);
        output.ShouldMatch("(?m)^pk_[0-9a-f]{12}_");
        output.ShouldMatch(@"(?m)^[0-9a-f]{12} +alice .*openai/\*");
        var keys = JsonNode.Parse(await File.ReadAllTextAsync(In("keys/keys.json")))!;
        keys.ToJsonString().ShouldContain("revokedAt");
        // The service that it names runs just this.
        new ComposeFile().List("keys", "entrypoint").ShouldBe(["dotnet", "/penstock/Penstock.Server.dll", "keys"]);
    }

    [Fact]
    public async Task A_cluster_is_told_what_the_page_says()
    {
        await TypeAsync(Block("kubernetes/README.md", "docker build"));
        var made = KubernetesYaml.LoadAllFromString(await File.ReadAllTextAsync(In("made.yaml")), strict: true);
        made.OfType<V1Namespace>().ShouldHaveSingleItem().Metadata.Name.ShouldBe("penstock");
        var secrets = made.OfType<V1Secret>().ToDictionary(s => s.Metadata.Name, s => s.Data.ToDictionary(d => d.Key, d => Encoding.UTF8.GetString(d.Value)));
        secrets["penstock-keys"]["keys.json"].ShouldBe(await File.ReadAllTextAsync(In("keys/keys.json")));
        secrets["penstock-keys"]["keys.json"].ShouldContain("operator");
        secrets["penstock"]["RABBITMQ_PASS"].ShouldMatch("^[0-9a-f]{32}$");

        var built = KubernetesYaml.LoadAllFromString(await File.ReadAllTextAsync(In("built.yaml")), strict: true);
        built.OfType<V1Deployment>().Select(d => d.Spec.Template.Spec.Containers.Single().Image).ShouldBe(["penstock:0.1.0", "penstock:0.1.0"]);
        built.Cast<IMetadata<V1ObjectMeta>>().ShouldAllBe(o => o is V1Namespace || o.Metadata.NamespaceProperty == "penstock");
        // What they mount and read from Secrets is what was made.
        foreach (var pod in built.OfType<V1Deployment>().Select(d => d.Spec.Template.Spec))
        {
            pod.Volumes.Where(v => v.Secret is not null).Select(v => v.Secret.SecretName).ShouldBeSubsetOf(secrets.Keys);
            pod.Containers.Single().EnvFrom.Where(e => e.SecretRef is not null).Select(e => e.SecretRef.Name).ShouldBeSubsetOf(secrets.Keys);
        }

        (await File.ReadAllLinesAsync(In("asked"))).ShouldBe(
            ["docker build", "docker push", "kubectl apply deploy/kubernetes/engines.yaml"]);
    }

    private string In(string name) => Path.Combine(_folder, name);

    private static string Block(string page, string begins) =>
        Fence().Matches(DeployFolder.Text(page)).Select(m => m.Groups["code"].Value).Single(code => code.StartsWith(begins, StringComparison.Ordinal));

    private async Task<string> TypeAsync(string typed)
    {
        Directory.CreateDirectory(In("bin"));
        Directory.CreateDirectory(In("keys"));
        Directory.CreateSymbolicLink(In("deploy"), DeployFolder.Path(""));
        await ProgramAsync("docker", """
            case $* in
              build*|push*) echo "docker $1" >>asked ;;
              *" keys "*) while [ "$1" != keys ]; do shift; done; Penstock__Auth__KeyFile=$PWD/keys/keys.json exec dotnet "$SERVER" "$@" ;;
              *) echo "docker $*: not expected" >&2; exit 1 ;;
            esac
            """);
        await ProgramAsync("kubectl", """
            case $* in
              *create*) echo --- >>made.yaml; "$KUBECTL" "$@" --dry-run=client -o yaml >>made.yaml ;;
              "apply -k "*) "$KUBECTL" kustomize "$3" >built.yaml ;;
              "apply -f "*) [ -e "$3" ] && echo "kubectl apply $3" >>asked ;;
              *) echo "kubectl $*: not expected" >&2; exit 1 ;;
            esac
            """);
        var kubectl = (await Command.RunAsync("bash", ["-c", "type -P kubectl"])).Output.Trim();
        var (exit, output, error) = await Command.RunAsync(TimeSpan.FromMinutes(2), "bash", ["-ec", typed], _folder,
            ("PATH", $"{In("bin")}:{Environment.GetEnvironmentVariable("PATH")}"), ("SERVER", PenstockProcess.ServerDll()), ("KUBECTL", kubectl), ("KUBECONFIG", "/dev/null"));
        exit.ShouldBe(0, output + error);
        return output;
    }

    private async Task ProgramAsync(string name, string script)
    {
        await File.WriteAllTextAsync(In($"bin/{name}"), $"#!/usr/bin/env bash\nset -e\n{script}\n");
        File.SetUnixFileMode(In($"bin/{name}"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [GeneratedRegex(@"^```sh\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Fence();
}
