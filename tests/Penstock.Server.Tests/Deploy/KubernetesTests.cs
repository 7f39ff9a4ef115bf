using System.Globalization;
using System.Net;
using k8s;
using k8s.Models;
using Penstock.Testing;
using YamlDotNet.Serialization;

namespace Penstock.Server.Tests.Deploy;

/// <summary>
/// <c>deploy/kubernetes</c>: read strictly by the official client, which refuses a field that there is not, and held against Penstock and
/// against each other.
/// </summary>
public sealed class KubernetesTests
{
    private const string Engines = "engines.yaml";

    private static readonly IReadOnlyList<string> _resources =
        [.. ((List<object>)new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(DeployFolder.Text("kubernetes/kustomization.yaml"))["resources"]).Cast<string>()];

    private readonly List<object> _all = [.. _resources.Append(Engines).SelectMany(Load)];

    private V1ConfigMap Settings => Named<V1ConfigMap>("penstock");

    [Fact]
    public void Every_manifest_is_one_that_kubernetes_knows_and_belongs_to_the_kustomization()
    {
        Directory.GetFiles(DeployFolder.Path("kubernetes"), "*.yaml").Select(f => Path.GetFileName(f)).Order()
            .ShouldBe(_resources.Append(Engines).Append("kustomization.yaml").Order());
        _all.Count.ShouldBe(14);
        _all.Cast<IMetadata<V1ObjectMeta>>().ShouldAllBe(o => o is V1Namespace || o.Metadata.NamespaceProperty == "penstock");
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("worker")]
    public async Task A_nodes_settings_probes_and_drain_are_those_of_the_server(string role)
    {
        var pod = Named<V1Deployment>(role).Spec.Template.Spec;
        var container = pod.Containers.ShouldHaveSingleItem();
        container.Image.ShouldBe("penstock");
        var options = DeployFolder.Bind(Settings.Data.Concat(container.Env.Select(e => KeyValuePair.Create(e.Name, e.Value))));
        options.Queue.Role.ShouldBe(role);
        container.VolumeMounts.ShouldContain(m => m.MountPath == Path.GetDirectoryName(options.Auth.KeyFile));

        // It is to have its time to end: the drain, the shutdown, and a rest.
        var drain = container.Lifecycle?.PreStop.Exec.Command is ["sleep", var seconds] ? int.Parse(seconds, CultureInfo.InvariantCulture) : 0;
        (drain > 0).ShouldBe(role == "gateway");
        ((double)pod.TerminationGracePeriodSeconds!).ShouldBeGreaterThan(drain + DeployFolder.LongestShutdown(options).TotalSeconds);

        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For());
        foreach (var (probe, path) in new[] { (container.StartupProbe, "/healthz"), (container.LivenessProbe, "/healthz"), (container.ReadinessProbe, "/readyz") })
        {
            probe.HttpGet.Path.ShouldBe(path);
            container.Ports.ShouldContain(p => p.Name == probe.HttpGet.Port.Value && p.ContainerPort == 8000); // the image's
            (await Api.SendTextAsync(server.Api.Get(probe.HttpGet.Path[1..]))).Status.ShouldBe(HttpStatusCode.OK);
        }
    }

    [Fact]
    public void Services_budgets_and_the_ingress_find_what_they_are_for()
    {
        foreach (var service in All<V1Service>())
        {
            var pods = Templates().Single(t => service.Spec.Selector.All(s => t.Metadata.Labels.Contains(s)));
            foreach (var port in service.Spec.Ports) pods.Spec.Containers.Single().Ports.ShouldContain(p => p.Name == port.TargetPort.Value);
        }

        foreach (var budget in All<V1PodDisruptionBudget>()) Templates().ShouldContain(t => budget.Spec.Selector.MatchLabels.All(s => t.Metadata.Labels.Contains(s)));
        foreach (var deployment in All<V1Deployment>()) deployment.Spec.Selector.MatchLabels.ShouldBe(deployment.Spec.Template.Metadata.Labels);
        var backend = Named<V1Ingress>("penstock").Spec.Rules.Single().Http.Paths.Single().Backend.Service;
        Named<V1Service>(backend.Name).Spec.Ports.ShouldContain(p => p.Name == backend.Port.Name);
        Settings.Data["REDIS_HOST"].ShouldBeOneOf([.. All<V1Service>().Select(s => s.Metadata.Name)]);
        new Uri(Settings.Data["Penstock__Queue__RabbitMq"]).Host.ShouldBeOneOf([.. All<V1Service>().Select(s => s.Metadata.Name)]);
        Named<V1ConfigMap>("rabbitmq").Data["20-penstock.conf"].ShouldContain(DeployFolder.Text("rabbitmq.conf").Split('\n')[^2]);
    }

    [Fact]
    public async Task Keys_that_the_cluster_brings_anew_are_taken_up_while_the_server_runs()
    {
        // As kubelet lays a Secret: keys.json leads through ..data, which is turned to a new folder.
        var folder = Directory.CreateTempSubdirectory("penstock-keys-").FullName;
        string In(string name) => Path.Combine(folder, name);
        var first = await CreateKeyAsync(In("..1"));
        Directory.CreateSymbolicLink(In("..data"), "..1");
        File.CreateSymbolicLink(In("keys.json"), Path.Combine("..data", "keys.json"));
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For().With("Auth:KeyFile", In("keys.json")));
        async Task<HttpStatusCode> StatusAsync(string key) => (await Api.SendAsync(server.Api.Get("v1/models").With("x-api-key", key))).Status;
        (await StatusAsync(first)).ShouldBe(HttpStatusCode.OK);

        var second = await CreateKeyAsync(In("..2"));
        (await StatusAsync(second)).ShouldBe(HttpStatusCode.Unauthorized);
        Directory.CreateSymbolicLink(In("..data_tmp"), "..2");
        (await Command.RunAsync("mv", ["-T", In("..data_tmp"), In("..data")])).ExitCode.ShouldBe(0);
        await Eventually.Is(async () => await StatusAsync(second) == HttpStatusCode.OK && await StatusAsync(first) == HttpStatusCode.Unauthorized, "the server takes the new keys");
        Directory.Delete(folder, recursive: true);

        static async Task<string> CreateKeyAsync(string data) =>
            (await Command.RunAsync("dotnet", [PenstockProcess.ServerDll(), "keys", "create", "--data", data])).Output.Trim();
    }

    private static List<object> Load(string file) => KubernetesYaml.LoadAllFromString(DeployFolder.Text($"kubernetes/{file}"), strict: true);

    private IEnumerable<T> All<T>() => _all.OfType<T>();

    private T Named<T>(string name)
        where T : IMetadata<V1ObjectMeta> => All<T>().Single(o => o.Metadata.Name == name);

    private IEnumerable<V1PodTemplateSpec> Templates() => All<V1Deployment>().Select(d => d.Spec.Template).Concat(All<V1StatefulSet>().Select(s => s.Spec.Template));
}
