using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Auth;

/// <summary>An identity provider: a discovery document, public keys, and tokens of any make.</summary>
internal sealed class TestIssuer : IAsyncDisposable
{
    public const string Audience = "penstock";

    private readonly ScriptedUpstream _server;
    private volatile JsonArray _keys = [];

    public TestIssuer()
    {
        _server = ScriptedUpstream.Start(call => call.Path switch
        {
            "/v1/.well-known/openid-configuration" => call.Json(200, new JsonObject { ["issuer"] = Named ?? Url, ["jwks_uri"] = $"{Url}/keys" }.ToJsonString()),
            "/v1/keys" => call.Json(IsDown ? 500 : 200, new JsonObject { ["keys"] = _keys.DeepClone() }.ToJsonString()),
            _ => call.Json(404, "{}"),
        });
        Rsa = RSA.Create(2048);
        Ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _keys = [RsaKey("rsa-1", Rsa), EcKey("ec-1", Ec)];
    }

    public string Url => _server.BaseUrl;

    public RSA Rsa { get; }

    public ECDsa Ec { get; }

    /// <summary>How its discovery document names it, if that is another.</summary>
    public string? Named { get; set; }

    public bool IsDown { get; set; }

    /// <summary>How often its keys were asked for.</summary>
    public int Asked => _server.Calls.Count(c => c.Path == "/v1/keys");

    public IEnumerable<string> Paths => _server.Calls.Select(c => c.Path);

    public void Publish(params JsonObject[] keys) => _keys = [.. keys];

    public (string Key, string Value)[] Settings => [("Auth:Jwt:Issuer", Url), ("Auth:Jwt:Audience", Audience)];

    /// <summary>The claims of a good token, a few of them changed or, with null, left out.</summary>
    public JsonObject Claims(params (string Name, JsonNode? Value)[] changed)
    {
        var claims = new JsonObject { ["iss"] = Url, ["aud"] = Audience, ["sub"] = "alice", ["exp"] = DateTimeOffset.UtcNow.AddMinutes(5).ToUnixTimeSeconds() };
        foreach (var (name, value) in changed)
        {
            if (value is null) claims.Remove(name);
            else claims[name] = value.DeepClone();
        }

        return claims;
    }

    public string Token(params (string Name, JsonNode? Value)[] changed) => Sign(Header("RS256", "rsa-1"), Claims(changed), Rs256);

    public static JsonObject Header(string algorithm, string? key, params (string Name, JsonNode? Value)[] more)
    {
        var header = new JsonObject { ["alg"] = algorithm, ["typ"] = "JWT" };
        if (key is not null) header["kid"] = key;
        foreach (var (name, value) in more) header[name] = value?.DeepClone();
        return header;
    }

    public static string Sign(JsonObject header, JsonObject claims, Func<byte[], byte[]> sign)
    {
        var text = $"{Encode(header)}.{Encode(claims)}";
        return $"{text}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(text)))}";
    }

    public byte[] Rs256(byte[] text) => Rsa.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);

    public byte[] Es256(byte[] text) => Ec.SignData(text, HashAlgorithmName.SHA256);

    public static JsonObject RsaKey(string id, RSA key)
    {
        var parameters = key.ExportParameters(false);
        return new JsonObject { ["kty"] = "RSA", ["kid"] = id, ["use"] = "sig", ["n"] = Base64Url.EncodeToString(parameters.Modulus), ["e"] = Base64Url.EncodeToString(parameters.Exponent) };
    }

    public static JsonObject EcKey(string id, ECDsa key)
    {
        var point = key.ExportParameters(false).Q;
        return new JsonObject { ["kty"] = "EC", ["kid"] = id, ["crv"] = "P-256", ["x"] = Base64Url.EncodeToString(point.X), ["y"] = Base64Url.EncodeToString(point.Y) };
    }

    public ValueTask DisposeAsync()
    {
        Rsa.Dispose();
        Ec.Dispose();
        return _server.DisposeAsync();
    }

    public static string Encode(JsonNode json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));
}
