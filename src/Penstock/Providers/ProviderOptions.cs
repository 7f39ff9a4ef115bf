namespace Penstock.Providers;

/// <summary>One configured upstream: a protocol, an address, a credential, and how long to wait for it.</summary>
public sealed class ProviderOptions
{
    /// <summary>How the provider is spoken to: <c>chat-completions</c>, <c>responses</c>, <c>messages</c>, <c>gemini</c> or <c>simulated</c>.</summary>
    public string Protocol { get; set; } = "chat-completions";

    /// <summary>The address that the protocol's paths are put after, e.g. <c>https://api.openai.com/v1</c>.</summary>
    public string? BaseUrl { get; set; }

    /// <summary>The version of the API, where it has several: Azure's <c>api-version</c>, Messages' <c>anthropic-version</c>.</summary>
    public string? ApiVersion { get; set; }

    /// <summary>The credential. Never logged, never sent anywhere but to <see cref="BaseUrl"/>.</summary>
    public string? ApiKey { get; set; }

    /// <summary>How many tokens its models read and write in one request, at most; 0 where it is not known, and a conversation of any length is sent.</summary>
    public long Window { get; set; }

    /// <summary>The same of single models.</summary>
    public IDictionary<string, long> Windows { get; set; } = new Dictionary<string, long>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Models of this provider to name in <c>GET /v1/models</c>; others work too.</summary>
    public IList<string> Models { get; set; } = [];

    /// <summary>How long a connection may take to open.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the first byte of an answer may take, and a whole one that is not streamed.</summary>
    public TimeSpan FirstTokenTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long the provider may be silent within a streamed answer.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How long an answer may take from its request to its end, however lively.</summary>
    public TimeSpan TotalTimeout { get; set; } = TimeSpan.FromHours(2);

    /// <summary>
    /// Whether its models go on with a message of their own that stands at the conversation's end, so that they can take over an
    /// answer that broke off; the simulated ones do.
    /// </summary>
    public bool ContinuesPrefix { get; set; }

    /// <summary>The longest line (or whole answer, when it is not streamed) that is read, in bytes.</summary>
    public int MaxLineLength { get; set; } = Sse.SseReader.DefaultMaxLineLength;
}
