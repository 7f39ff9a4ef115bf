using System.Net.Http.Headers;
using System.Text;

namespace Penstock.Bench.Runner;

/// <summary>Something to put between the load and the upstream.</summary>
/// <param name="Name">Its name in the tables.</param>
/// <param name="Project">The project whose build runs; null for no gateway at all.</param>
/// <param name="ModelPrefix">What goes before the model's name, to say which provider is meant.</param>
sealed record Contender(string Name, string? Project, string ModelPrefix = "")
{
    /// <summary>What its clients speak.</summary>
    public ClientWire Wire { get; init; } = ClientWire.ChatCompletions;

    /// <summary>What it is set to beside the providers.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The key of who takes its telemetry and collects its usage; null for nobody.</summary>
    public string? OperatorKey { get; init; }

    /// <summary>What its clients' addresses end in, to say who they are.</summary>
    public string Query { get; init; } = "";

    /// <summary>Whom it is measured against.</summary>
    public Contender? Against { get; init; }

    public static readonly Contender Direct = new("direct", null);
    public static readonly Contender Relay = new("relay", "Penstock.Bench.Relay");
    public static readonly Contender Penstock = new("penstock", "Penstock.Server", "chat-completions/");

    /// <summary>The upstream's protocol, of one that is measured against <see cref="Relaying"/>.</summary>
    public string? Upstream { get; init; }

    public static readonly Contender[] Usual = [Direct, Relay, Penstock];

    /// <summary>Penstock between every two protocols: <c>gemini-to-messages</c> has an upstream of Gemini's and clients of Messages.</summary>
    public static readonly Contender[] Translating =
        [.. from upstream in ClientWire.All
            from client in ClientWire.All
            select new Contender($"{upstream.Name}-to-{client.Name}", "Penstock.Server", $"{upstream.Name}/") { Wire = client, Upstream = upstream.Name }];

    /// <summary>Penstock with nothing that is asked for, and with all that a deployment may have: keys, limits, telemetry and logs.</summary>
    public static readonly Contender[] Featured = [Features.Without, Features.With];

    /// <summary>Penstock that asks its cache first, and finds the answer there.</summary>
    public static readonly Contender Cached = Penstock with
    {
        Name = "cached",
        Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["Penstock__Cache__MaxAge"] = "01:00:00" },
    };

    /// <summary>The one that passes the same upstream's events on as they are.</summary>
    public Contender Relaying => Translating.Single(c => c.Upstream == Upstream && c.Wire.Name == Upstream);
}

/// <summary>A contender that is running, warm, on the gateway's core.</summary>
sealed class Gateway : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("penstock-bench-").FullName;

    readonly Operator? _operator;

    Gateway(Contender contender, int upstreamPort)
    {
        Contender = contender;
        Port = Ports.Free();
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Penstock__Storage__Kind"] = "disk",
            ["Penstock__Storage__Path"] = Path.Combine(_folder, "data"),
        };
        foreach (var wire in ClientWire.All)
        {
            environment[$"Penstock__Providers__{wire.Name}__Protocol"] = wire.Name;
            environment[$"Penstock__Providers__{wire.Name}__BaseUrl"] = $"http://127.0.0.1:{upstreamPort}{wire.BasePath}";
            environment[$"Penstock__Providers__{wire.Name}__ApiKey"] = "bench";
        }

        foreach (var (name, value) in contender.Settings) environment[name] = value;
        if (contender.OperatorKey is { } key) _operator = new Operator(Port, key, environment);
        string[] upstream = contender == Contender.Relay ? ["--upstream", $"http://127.0.0.1:{upstreamPort}"] : []; // Penstock has it in its environment
        Process = new ChildProcess(
            Cores.Pin(Cores.Gateway, ["dotnet", Builds.AssemblyOf(contender.Project!), "--urls", $"http://127.0.0.1:{Port}", .. upstream]), _folder, environment);
        Process.KeepOutput();
    }

    public Contender Contender { get; }

    public int Port { get; }

    public ChildProcess Process { get; }

    /// <summary>Starts a contender and waits until a token comes through it.</summary>
    public static async Task<Gateway> StartAsync(Contender contender, int upstreamPort, CancellationToken cancellation)
    {
        var gateway = new Gateway(contender, upstreamPort);
        try
        {
            await gateway.WaitUntilReadyAsync(cancellation);
            gateway._operator?.Begin();
            return gateway;
        }
        catch
        {
            gateway.Dispose();
            throw;
        }
    }

    /// <exception cref="InvalidOperationException">Not all that it is measured with was at work.</exception>
    public void CheckOperator() => _operator?.Check();

    /// <summary>Posts JSON and gives the answer's body; the bench's own requests, not the measured ones.</summary>
    public async Task<string> PostAsync(string path, string json, CancellationToken cancellation)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        using var content = new StringContent(json, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        using var response = await client.PostAsync(new Uri($"http://127.0.0.1:{Port}{path}{Contender.Query}"), content, cancellation);
        var body = await response.Content.ReadAsStringAsync(cancellation);
        return response.IsSuccessStatusCode ? body : throw new HttpRequestException($"{path} answered {(int)response.StatusCode}: {body}");
    }

    public void Dispose()
    {
        Process.Dispose();
        _operator?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    async Task WaitUntilReadyAsync(CancellationToken cancellation)
    {
        var problem = "";
        var body = ClientWire.ChatCompletions.Body(Contender.ModelPrefix + new BenchModel(1));
        for (var attempt = 0; attempt < 100; attempt++)
        {
            if (Process.HasExited) throw new InvalidOperationException($"{Contender.Name} exited:\n{Process.LastLines}");
            try
            {
                if ((await PostAsync(ClientWire.ChatCompletions.Path(""), body, cancellation)).Contains("[DONE]", StringComparison.Ordinal)) return;
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
            {
                problem = e.Message;
            }

            await Task.Delay(200, cancellation);
        }

        throw new InvalidOperationException($"{Contender.Name} did not get ready: {problem}\n{Process.LastLines}");
    }
}
