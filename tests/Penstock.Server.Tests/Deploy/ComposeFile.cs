using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace Penstock.Server.Tests.Deploy;

/// <summary><c>deploy/compose.yaml</c>, its merges resolved.</summary>
internal sealed class ComposeFile
{
    private readonly Dictionary<object, object> _all =
        new DeserializerBuilder().Build().Deserialize<Dictionary<object, object>>(new MergingParser(new Parser(new StringReader(DeployFolder.Text("compose.yaml")))))!;

    public IEnumerable<string> Services => Section("services").Keys.Select(k => (string)k);

    public IEnumerable<string> Networks => Section("networks").Keys.Select(k => (string)k);

    public IEnumerable<string> Volumes => Section("volumes").Keys.Select(k => (string)k);

    /// <summary>The services that are nodes: those that have a role.</summary>
    public IEnumerable<string> Nodes => Services.Where(s => Environment(s).ContainsKey("Penstock__Queue__Role"));

    public IEnumerable<string> WithRole(string role) => Nodes.Where(s => Environment(s)["Penstock__Queue__Role"] == role);

    public string? Value(string service, string key) => Of(service).GetValueOrDefault(key) as string;

    public IEnumerable<string> List(string service, string key) => Of(service).GetValueOrDefault(key) switch
    {
        List<object> list => list.Select(v => (string)v),
        Dictionary<object, object> map => map.Keys.Select(k => (string)k),
        _ => [],
    };

    public Dictionary<string, string> Environment(string service) =>
        Of(service).GetValueOrDefault("environment") is Dictionary<object, object> map ? map.ToDictionary(e => (string)e.Key, e => (string)e.Value) : [];

    private Dictionary<object, object> Of(string service) => (Dictionary<object, object>)Section("services")[service];

    private Dictionary<object, object> Section(string name) => (Dictionary<object, object>)_all[name];
}
