using Penstock.AspNetCore.Auth;

namespace Penstock.AspNetCore.Configuration;

/// <summary>Says what is wrong with <c>Penstock:Auth</c>.</summary>
internal static class AuthOptionsValidator
{
    public static void Validate(List<string> errors, AuthOptions auth)
    {
        if (auth.Open && (auth.Keys.Count > 0 || auth.Jwt.Issuer is not null))
            errors.Add("Penstock:Auth:Open is true, so nobody is asked for the keys or tokens that Penstock:Auth:Keys or Penstock:Auth:Jwt say; set one of both.");
        if (auth.TicketLifetime <= TimeSpan.Zero || auth.TicketLifetime > TimeSpan.FromDays(1))
            errors.Add($"Penstock:Auth:TicketLifetime is {auth.TicketLifetime}; give a time above zero, a day at most, e.g. 00:05:00.");
        foreach (var (id, key) in auth.Keys) Validate(errors, id, key);
        Validate(errors, auth.Jwt);
    }

    private static void Validate(List<string> errors, string id, KeyOptions key)
    {
        if (!ApiKey.IsId(id)) errors.Add($"Penstock:Auth:Keys:{id}: a key's id is the 12 hex digits after pk_; take what penstock keys create --config prints.");
        if (!ApiKey.IsHash(key.Hash)) errors.Add($"Penstock:Auth:Keys:{id}:Hash is no SHA-256 in hex; take what penstock keys create --config prints.");
        if (key.Owner is { } owner && string.IsNullOrWhiteSpace(owner)) errors.Add($"Penstock:Auth:Keys:{id}:Owner is empty; name whose the key is, or leave it out: then it is an owner of its own.");
        if (!KeyPriority.TryParse(key.Priority, out _)) errors.Add($"Penstock:Auth:Keys:{id}:Priority is '{key.Priority}'; give {KeyPriority.Names}.");
        Durations.Keep(errors, $"Auth:Keys:{id}:CacheMaxAge", key.CacheMaxAge, "for none");
        LimitsOptionsValidator.Validate(errors, $"Auth:Keys:{id}:Limits", key.Limits);
        foreach (var endpoint in key.Endpoints)
        {
            if (!Surface.Names.Contains(endpoint, StringComparer.Ordinal)) errors.Add($"Penstock:Auth:Keys:{id}:Endpoints has '{endpoint}'; the endpoints are {string.Join(", ", Surface.Names)}.");
        }
    }

    private static void Validate(List<string> errors, JwtOptions jwt)
    {
        if (jwt.Issuer is null)
        {
            if (jwt.Audience is not null || jwt.Keys is not null) errors.Add("Penstock:Auth:Jwt:Issuer is missing; give the issuer's address as its tokens' iss has it.");
            return;
        }

        if (!Uri.TryCreate(jwt.Issuer, UriKind.Absolute, out var issuer) || issuer.Scheme is not ("http" or "https"))
            errors.Add($"Penstock:Auth:Jwt:Issuer is '{jwt.Issuer}'; give the issuer's address as its tokens' iss has it, e.g. https://login.example.com.");
        else if (jwt.Keys is null && issuer.Scheme == "http" && !issuer.IsLoopback)
            errors.Add("Penstock:Auth:Jwt:Issuer is not an https address, so whoever is in between could say what its keys are; give one, or the keys as Penstock:Auth:Jwt:Keys.");
        if (string.IsNullOrWhiteSpace(jwt.Audience)) errors.Add("Penstock:Auth:Jwt:Audience is missing; give this server's name at the issuer, or tokens for others would be taken here.");
        if (jwt.Keys is { } keys && !File.Exists(keys)) errors.Add($"Penstock:Auth:Jwt:Keys is '{keys}', and there is no such file; name one that holds a JWK set.");
        if (jwt.OwnerClaim.Length == 0) errors.Add("Penstock:Auth:Jwt:OwnerClaim is empty; name the claim that says whose a token is, e.g. sub.");
        Durations.Wait(errors, "Auth:Jwt:RefreshInterval", jwt.RefreshInterval);
    }
}
