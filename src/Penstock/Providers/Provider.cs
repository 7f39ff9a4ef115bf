using System.Net;
using Penstock.Protocols;
using Penstock.Protocols.ChatCompletions;
using Penstock.Providers.Simulated;
using Penstock.Transport;
using Penstock.Transport.Http;

namespace Penstock.Providers;

/// <summary>A configured upstream with its one kept connection pool.</summary>
internal sealed class Provider : IDisposable
{
    private readonly HttpMessageInvoker _client;
    private readonly Uri _baseUrl;
    private readonly (string Name, string Value)? _credential;
    private RequestAddress? _last;

    public Provider(string name, ProviderOptions options, bool ownTransport, TimeProvider time)
    {
        Name = name;
        Options = options;
        Health = new TargetHealth(time);
        _baseUrl = new Uri((IsSimulated ? "http://simulated" : options.BaseUrl!).TrimEnd('/') + "/");
        Protocol = ProviderProtocols.New(IsSimulated ? ChatCompletionsProtocol.ProtocolName : options.Protocol, _baseUrl, options.ApiVersion);
        _client = new HttpMessageInvoker(IsSimulated ? new SimulatedHandler(time) : NewHandler(_baseUrl, options, ownTransport, time));
        if (!string.IsNullOrEmpty(options.ApiKey)) _credential = Protocol.Credential(options.ApiKey);
    }

    public string Name { get; }

    public ProviderOptions Options { get; }

    public ProviderProtocol Protocol { get; }

    /// <summary>How its calls have fared lately, whatever they asked. To be looked at: what rests are an alias's targets.</summary>
    public TargetHealth Health { get; }

    /// <summary>Whether its models go on with an answer that broke off.</summary>
    public bool ContinuesPrefix => IsSimulated || Options.ContinuesPrefix;

    public bool IsSimulated => Options.Protocol == "simulated";

    /// <summary>Posts a body to the provider and returns when the reply's headers are there.</summary>
    public Task<HttpResponseMessage> SendAsync(ProviderRequest asked, string? traceParent, CancellationToken cancellationToken) => SendAsync(
        AddressOf(Protocol.Path(asked.Target.Model, asked.Stream)), asked.Body, asked.Stream ? "text/event-stream" : "application/json", asked.Headers, traceParent, cancellationToken);

    /// <summary>Posts a body that asks for tokens to be counted (<see cref="ProviderProtocol.CountTokensPath"/>).</summary>
    public Task<HttpResponseMessage> CountAsync(string path, ReadOnlyMemory<byte> body, IReadOnlyList<KeyValuePair<string, string>> headers, CancellationToken cancellationToken) =>
        SendAsync(new Uri(_baseUrl, path), body, "application/json", headers, traceParent: null, cancellationToken);

    private Task<HttpResponseMessage> SendAsync(
        Uri address, ReadOnlyMemory<byte> body, string accept, IReadOnlyList<KeyValuePair<string, string>> headers, string? traceParent, CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new RequestContent(body) };
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (traceParent is not null) request.Headers.TryAddWithoutValidation("traceparent", traceParent);
        for (var i = 0; i < headers.Count; i++) request.Headers.TryAddWithoutValidation(headers[i].Key, headers[i].Value);
        for (var i = 0; i < Protocol.Headers.Count; i++)
        {
            var (name, value) = Protocol.Headers[i];
            if (!request.Headers.Contains(name)) request.Headers.TryAddWithoutValidation(name, value);
        }

        if (_credential is { } credential) request.Headers.TryAddWithoutValidation(credential.Name, credential.Value);
        return _client.SendAsync(request, cancellationToken);
    }

    // Most protocols have one path, and a call keeps its address for as long as it streams.
    private Uri AddressOf(string path)
    {
        if (_last is { } last && last.Path == path) return last.Address;
        var address = new RequestAddress(path, new Uri(_baseUrl, path));
        _last = address;
        return address.Address;
    }

    private sealed record RequestAddress(string Path, Uri Address);

    public void Dispose() => _client.Dispose();

    // No cookies, redirects or decompression: a provider's stream is relayed as it comes, and a compressed one would buffer.
    private static HttpMessageHandler NewHandler(Uri baseUrl, ProviderOptions options, bool ownTransport, TimeProvider time)
    {
        var lifetime = TimeSpan.FromMinutes(15); // lets DNS changes through
        var idle = TimeSpan.FromMinutes(2);
        if (ownTransport && EpollHttpHandler.CanReach(baseUrl))
            return new EpollHttpHandler(EpollLoops.Shared!, new HttpPoolOptions { ConnectTimeout = options.ConnectTimeout, Lifetime = lifetime, IdleTimeout = idle }, time);
        return new SocketsHttpHandler
        {
            ConnectCallback = ownTransport && EpollLoops.Shared is { } loops ? new EpollConnector(loops).ConnectAsync : null,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = options.ConnectTimeout,
            PooledConnectionLifetime = lifetime,
            PooledConnectionIdleTimeout = idle,
            ResponseDrainTimeout = TimeSpan.FromMilliseconds(100), // an answer that is given up is not read on
            ActivityHeadersPropagator = null,
        };
    }
}
