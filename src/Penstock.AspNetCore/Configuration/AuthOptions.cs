using Penstock.Limits;

namespace Penstock.AspNetCore.Configuration;

/// <summary>Who may call. With nothing set and no key made, whoever reaches the server may, and it listens on loopback alone.</summary>
public sealed class AuthOptions
{
    /// <summary>Whoever reaches the server may call, wherever it listens: somebody in front of it decides who that is.</summary>
    public bool Open { get; set; }

    /// <summary>The file that <c>penstock keys</c> writes; <c>keys.json</c> in <c>Storage:Path</c> by default.</summary>
    public string? KeyFile { get; set; }

    /// <summary>Keys that the configuration holds, by their ids.</summary>
    public IDictionary<string, KeyOptions> Keys { get; set; } = new Dictionary<string, KeyOptions>(StringComparer.Ordinal);

    public JwtOptions Jwt { get; set; } = new();

    /// <summary>How long a ticket opens its stream.</summary>
    public TimeSpan TicketLifetime { get; set; } = TimeSpan.FromMinutes(5);
}

/// <summary>A key, as <c>penstock keys create --config</c> prints it.</summary>
public sealed class KeyOptions
{
    /// <summary>The SHA-256 of the key, in hex.</summary>
    public string Hash { get; set; } = "";

    /// <summary>To whom what it starts belongs; the key's id by default.</summary>
    public string? Owner { get; set; }

    /// <summary>Sees and stops everybody's streams.</summary>
    public bool Admin { get; set; }

    /// <summary>The models that it may ask for, with <c>*</c> for anything; none for all.</summary>
    public IList<string> Models { get; set; } = [];

    /// <summary>The endpoints that it may use, by their names; none for all.</summary>
    public IList<string> Endpoints { get; set; } = [];

    /// <summary>Which of its jobs are taken first where they wait: <c>high</c>, <c>normal</c> or <c>low</c>.</summary>
    public string Priority { get; set; } = "normal";

    /// <summary>How old an answer may be that serves for the same request, where that does not say; null for <c>Cache:MaxAge</c>, zero for none.</summary>
    public TimeSpan? CacheMaxAge { get; set; }

    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>How much it may use; what is not said is as <c>Limits:PerKey</c> has it.</summary>
    public LimitSettings Limits { get; set; } = new();
}

/// <summary>Tokens of an identity provider.</summary>
public sealed class JwtOptions
{
    /// <summary>Who issues them: a token's <c>iss</c>, and where the discovery document is. None by default: no token is taken.</summary>
    public string? Issuer { get; set; }

    /// <summary>A token's <c>aud</c>: this server's name at its issuer.</summary>
    public string? Audience { get; set; }

    /// <summary>A file that holds the issuer's public keys as a JWK set; without it they are fetched from the issuer.</summary>
    public string? Keys { get; set; }

    /// <summary>The claim that names the owner.</summary>
    public string OwnerClaim { get; set; } = "sub";

    /// <summary>The claim that holds the scopes, a list or words with spaces between.</summary>
    public string ScopeClaim { get; set; } = "scope";

    /// <summary>How long the issuer's keys are trusted before they are looked at again.</summary>
    public TimeSpan RefreshInterval { get; set; } = TimeSpan.FromMinutes(5);
}
