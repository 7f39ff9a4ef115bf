using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Penstock.AspNetCore.Configuration;
using Penstock.Generations;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Auth;

/// <summary>Checks tokens of the configured issuer (https://www.rfc-editor.org/rfc/rfc8725 says what to look out for).</summary>
internal sealed class TokenValidator : IDisposable
{
    /// <summary>The scope that makes an operator.</summary>
    public const string AdminScope = "penstock:admin";

    /// <summary>Scopes that begin so limit a token to models.</summary>
    public const string ModelScope = "penstock:model:";

    /// <summary>Scopes that begin so limit a token to endpoints.</summary>
    public const string EndpointScope = "penstock:endpoint:";

    private const int MaxOwnerLength = 256;
    private const int MostKnown = 10_000;

    // Each needs a public key, so that no secret can be made of what everybody knows.
    private static readonly string[] _algorithms = [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.EcdsaSha256];

    private static readonly TimeSpan _skew = TimeSpan.FromSeconds(30);

    private readonly JwtOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly IssuerKeys _keys;
    private readonly JsonWebTokenHandler _handler = new();

    // Checking a signature costs as much as a hundred tokens of an answer, so what was good a moment ago is known by its hash.
    private readonly ConcurrentDictionary<string, (Caller Caller, KeySet Keys)> _known = new(StringComparer.Ordinal);

    public TokenValidator(PenstockOptions options, TimeProvider time, ILogger<TokenValidator> logger)
    {
        _options = options.Auth.Jwt;
        _time = time;
        _logger = logger;
        _keys = new IssuerKeys(_options, time, logger);
    }

    public bool IsConfigured => _options.Issuer is not null;

    /// <summary>The caller whose token it is, or null.</summary>
    /// <exception cref="RequestException">503: the issuer's keys cannot be had.</exception>
    public ValueTask<Caller?> FindAsync(string token)
    {
        if (!IsConfigured || ReadHeader(token) is not { } header) return default;
        var hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        return _keys.Current is { } keys && _known.TryGetValue(hash, out var known) && ReferenceEquals(known.Keys, keys) && known.Caller.ExpiresAt > _time.GetUtcNow()
            ? new(known.Caller)
            : CheckAsync(token, header.KeyId, hash);
    }

    public void Dispose() => _keys.Dispose();

    private async ValueTask<Caller?> CheckAsync(string token, string? keyId, string hash)
    {
        var keys = await _keys.GetAsync(keyId)
            ?? throw new RequestException("The server cannot check tokens at the moment. Try again shortly.") { Status = 503, Code = "issuer_unreachable", RetryAfter = TimeSpan.FromSeconds(10) };
        if (Validate(token, keys) is not { } jwt || CallerOf(jwt) is not { } caller) return null;
        if (_known.Count >= MostKnown) _known.Clear();
        _known[hash] = (caller, keys);
        return caller;
    }

    private JsonWebToken? Validate(string token, KeySet keys)
    {
        var now = _time.GetUtcNow();
        try
        {
            var result = _handler.ValidateToken(token, new TokenValidationParameters
            {
                ValidIssuer = _options.Issuer,
                ValidAudience = _options.Audience,
                ValidAlgorithms = _algorithms,
                IssuerSigningKeyResolver = (_, _, kid, _) => keys.For(kid),
                LifetimeValidator = (from, until, _, _) => until > (now - _skew).UtcDateTime && !(from > (now + _skew).UtcDateTime),
                RequireExpirationTime = true,
                RequireSignedTokens = true,
            });
            if (result.IsValid) return (JsonWebToken)result.SecurityToken;
            AuthLog.TokenRefused(_logger, result.Exception?.GetType().Name ?? "");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            AuthLog.TokenRefused(_logger, e.GetType().Name); // whatever a stranger's token does to its reader, it is not valid
        }

        return null;
    }

    private Caller? CallerOf(JsonWebToken jwt)
    {
        if (!jwt.TryGetClaim(_options.OwnerClaim, out var owner) || owner.Value.Length is 0 or > MaxOwnerLength) return null;
        var scopes = jwt.Claims.Where(c => c.Type == _options.ScopeClaim).SelectMany(c => c.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToList();
        return new Caller(new Owner(owner.Value, SeesAll: scopes.Contains(AdminScope, StringComparer.Ordinal)))
        {
            Models = Behind(ModelScope),
            Endpoints = Behind(EndpointScope),
            ExpiresAt = new DateTimeOffset(jwt.ValidTo, TimeSpan.Zero) + _skew,
        };

        string[] Behind(string prefix) => [.. scopes.Where(s => s.StartsWith(prefix, StringComparison.Ordinal)).Select(s => s[prefix.Length..])];
    }

    /// <summary>
    /// The header of a token that may be one of ours, read before the library sees it: signed and not encrypted (an encrypted
    /// one costs before it is refused), by an algorithm of ours, with nothing in it that has to be understood.
    /// </summary>
    private static Header? ReadHeader(string token)
    {
        var end = token.IndexOf('.', StringComparison.Ordinal);
        if (end <= 0 || token.AsSpan().Count('.') != 2 || token.Length > TokenValidationParameters.DefaultMaximumTokenSizeInBytes || !Base64Url.IsValid(token.AsSpan(0, end))) return null;
        try
        {
            using var json = JsonDocument.Parse(Base64Url.DecodeFromChars(token.AsSpan(0, end)), new JsonDocumentOptions { MaxDepth = 4 });
            var header = json.RootElement;
            if (header.ValueKind != JsonValueKind.Object || !header.TryGetProperty("alg", out var algorithm) || algorithm.ValueKind != JsonValueKind.String) return null;
            if (!_algorithms.Contains(algorithm.GetString(), StringComparer.Ordinal)) return null;
            if (header.TryGetProperty("crit", out _) || header.TryGetProperty("enc", out _) || header.TryGetProperty("zip", out _)) return null;
            return header.TryGetProperty("kid", out var kid) ? kid.ValueKind == JsonValueKind.String ? new(kid.GetString()) : null : new(null);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private sealed record Header(string? KeyId);
}
