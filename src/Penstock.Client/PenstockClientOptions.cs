namespace Penstock.Client;

/// <summary>Where the server is, and who calls it.</summary>
public sealed class PenstockClientOptions
{
    /// <summary>The server's address; a path before <c>/v1</c> is kept. <c>http://localhost:8000</c> unless set.</summary>
    public Uri BaseAddress { get; set; } = new("http://localhost:8000");

    /// <summary>The key to show, if the server asks for one. One that changes belongs into a message handler of the HttpClient.</summary>
    public string? ApiKey { get; set; }

    /// <summary>Who answers when a request names no model; the server's default model if that is null.</summary>
    public string? DefaultModel { get; set; }

    /// <summary>How long a reader tries to come back, hearing nothing at all, before it gives up; five minutes unless set.</summary>
    public TimeSpan MaxOutage { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Told each time that a reader has lost its connection and will ask again, with what broke it.</summary>
    public Action<PenstockException>? OnReconnecting { get; set; }

    internal const string AddressRule = "Penstock's BaseAddress must be an absolute http or https URL without a query, such as http://localhost:8000.";
    internal const string OutageRule = "Penstock's MaxOutage must be longer than zero, or Timeout.InfiniteTimeSpan to try for ever.";
    internal const string KeyRule = "Penstock's ApiKey must be printable ASCII without spaces: it is sent in a header.";

    internal bool HasAddress => BaseAddress is { IsAbsoluteUri: true, Query: "", Fragment: "" } && (BaseAddress.Scheme == Uri.UriSchemeHttp || BaseAddress.Scheme == Uri.UriSchemeHttps);

    internal bool HasOutage => MaxOutage > TimeSpan.Zero || MaxOutage == Timeout.InfiniteTimeSpan;

    internal bool HasSendableKey => ApiKey is null || (ApiKey.Length > 0 && !ApiKey.AsSpan().ContainsAnyExceptInRange('!', '~'));

    /// <summary>What is wrong, or null.</summary>
    internal string? Fault => !HasAddress ? AddressRule : !HasOutage ? OutageRule : !HasSendableKey ? KeyRule : null;
}
