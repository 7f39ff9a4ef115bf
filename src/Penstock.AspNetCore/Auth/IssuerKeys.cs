using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;
using Penstock.AspNetCore.Configuration;

namespace Penstock.AspNetCore.Auth;

/// <summary>
/// The public keys of the issuer of tokens: from a file, or from the issuer itself, by its discovery document
/// (https://openid.net/specs/openid-connect-discovery-1_0.html). Nothing that a token says is ever fetched.
/// </summary>
internal sealed class IssuerKeys : IDisposable
{
    // An issuer that cannot be reached is trusted for so long; then what it may have withdrawn is not.
    private static readonly TimeSpan _longest = TimeSpan.FromHours(1);

    // Tokens with made-up key ids must not make us ask all the time.
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(10);

    private readonly JwtOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
    {
        Timeout = TimeSpan.FromSeconds(5),
        MaxResponseContentBufferSize = 1 << 20,
    };

    private readonly Lock _gate = new();
    private volatile KeySet? _keys;
    private Task? _refresh;
    private DateTimeOffset _triedAt = DateTimeOffset.MinValue;

    public IssuerKeys(JwtOptions options, TimeProvider time, ILogger logger) => (_options, _time, _logger) = (options, time, logger);

    /// <summary>The keys as they are now, if nothing needs to be asked for them.</summary>
    public KeySet? Current => _keys is { } keys && _time.GetUtcNow() - keys.At < _options.RefreshInterval ? keys : null;

    /// <summary>The keys, among them the one of that id if the issuer has it; null where there are none that can be trusted.</summary>
    public async ValueTask<KeySet?> GetAsync(string? id)
    {
        if (Current is { } current && current.Has(id)) return current;
        await RefreshAsync();
        return _keys is { } keys && _time.GetUtcNow() - keys.At < _longest ? keys : null;
    }

    public void Dispose() => _http.Dispose();

    private Task RefreshAsync()
    {
        lock (_gate)
        {
            if (_refresh is { IsCompleted: false }) return _refresh;
            var now = _time.GetUtcNow();
            if (now - _triedAt < (_options.RefreshInterval < _pause ? _options.RefreshInterval : _pause)) return Task.CompletedTask;
            _triedAt = now;
            return _refresh = FetchAsync(now);
        }
    }

    private async Task FetchAsync(DateTimeOffset now)
    {
        await Task.Yield(); // out of the lock
        try
        {
            var text = _options.Keys is { } file ? await File.ReadAllTextAsync(file) : await AskAsync();
            _keys = KeySet.Read(text, now);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            AuthLog.IssuerFailed(_logger, _options.Issuer!, e.Message);
        }
    }

    private async Task<string> AskAsync()
    {
        var issuer = _options.Issuer!;
        using var document = JsonDocument.Parse(await _http.GetStringAsync($"{issuer.TrimEnd('/')}/.well-known/openid-configuration"));
        if (document.RootElement.GetProperty("issuer").GetString() != issuer) throw new InvalidDataException("its discovery document is another issuer's.");
        var address = new Uri(document.RootElement.GetProperty("jwks_uri").GetString()!);
        if (address.Scheme != Uri.UriSchemeHttps && address.Scheme != new Uri(issuer).Scheme) throw new InvalidDataException("its keys are not at an https address.");
        return await _http.GetStringAsync(address);
    }
}

/// <summary>Public keys that were in force at a time.</summary>
internal sealed class KeySet
{
    private readonly List<JsonWebKey> _keys;

    private KeySet(List<JsonWebKey> keys, DateTimeOffset at) => (_keys, At) = (keys, at);

    public DateTimeOffset At { get; }

    /// <exception cref="ArgumentException">It is no JWK set.</exception>
    public static KeySet Read(string json, DateTimeOffset at) =>
        // Symmetric keys have no place in a public set; taken, they would make a secret of what is none.
        new([.. new JsonWebKeySet(json).Keys.Where(k => k.Kty is JsonWebAlgorithmsKeyTypes.RSA or JsonWebAlgorithmsKeyTypes.EllipticCurve && k.Use is null or "" or "sig")], at);

    public bool Has(string? id) => id is null || _keys.Exists(k => k.Kid == id);

    /// <summary>The keys that may have signed a token that names a key, or none.</summary>
    public IEnumerable<SecurityKey> For(string? id) => string.IsNullOrEmpty(id) ? _keys : _keys.Where(k => k.Kid == id);
}
