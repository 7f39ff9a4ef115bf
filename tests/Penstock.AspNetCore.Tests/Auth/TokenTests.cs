using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Auth;

public sealed class TokenTests : IAsyncLifetime
{
    private readonly TestIssuer _issuer = new();
    private PenstockHost _host = null!;

    /// <summary>Tokens that nobody may come in with, by what is wrong with them.</summary>
    private static readonly Dictionary<string, Func<TestIssuer, string>> _bad = new(StringComparer.Ordinal)
    {
        ["forged: other claims under a good signature"] = i => Splice(i.Token(), claims: i.Claims(("sub", "admin"))),
        ["forged: signed by another key of the same id"] = i =>
        {
            using var other = RSA.Create(2048);
            return TestIssuer.Sign(TestIssuer.Header("RS256", "rsa-1"), i.Claims(), text => other.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        },
        ["no signature"] = i => i.Token()[..(i.Token().LastIndexOf('.') + 1)],
        ["a bit of the signature is other"] = i => Flip(i.Token()),
        ["expired"] = i => i.Token(("exp", DateTimeOffset.UtcNow.AddMinutes(-2).ToUnixTimeSeconds())),
        ["never expires"] = i => i.Token(("exp", null)),
        ["not yet"] = i => i.Token(("nbf", DateTimeOffset.UtcNow.AddMinutes(2).ToUnixTimeSeconds())),
        ["another audience"] = i => i.Token(("aud", "other")),
        ["audiences without ours"] = i => i.Token(("aud", new JsonArray("other", "penstock2"))),
        ["no audience"] = i => i.Token(("aud", null)),
        ["another issuer"] = i => i.Token(("iss", "https://evil.example")),
        ["no issuer"] = i => i.Token(("iss", null)),
        ["nobody's"] = i => i.Token(("sub", null)),
        ["an empty name's"] = i => i.Token(("sub", "")),
        ["an endless name's"] = i => i.Token(("sub", new string('a', 300))),
        ["alg none"] = i => TestIssuer.Sign(TestIssuer.Header("none", null), i.Claims(), _ => []),
        ["alg None"] = i => TestIssuer.Sign(TestIssuer.Header("None", "rsa-1"), i.Claims(), i.Rs256),
        ["no alg"] = i => TestIssuer.Sign(new JsonObject { ["kid"] = "rsa-1" }, i.Claims(), i.Rs256),
        ["HMAC with the public key as PEM"] = i => Hmac(i, Encoding.ASCII.GetBytes(i.Rsa.ExportSubjectPublicKeyInfoPem())),
        ["HMAC with the public key as DER"] = i => Hmac(i, i.Rsa.ExportSubjectPublicKeyInfo()),
        ["HMAC with the modulus"] = i => Hmac(i, i.Rsa.ExportParameters(false).Modulus!),
        ["HMAC with the published JWK"] = i => Hmac(i, Encoding.UTF8.GetBytes(TestIssuer.RsaKey("rsa-1", i.Rsa).ToJsonString())),
        ["HMAC with nothing"] = i => Hmac(i, []),
        ["ES256 with the RSA key's id"] = i => TestIssuer.Sign(TestIssuer.Header("ES256", "rsa-1"), i.Claims(), i.Es256),
        ["RS512"] = i => TestIssuer.Sign(TestIssuer.Header("RS512", "rsa-1"), i.Claims(), text => i.Rsa.SignData(text, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1)),
        ["an ES256 signature of zeros"] = i => TestIssuer.Sign(TestIssuer.Header("ES256", "ec-1"), i.Claims(), _ => new byte[64]),
        ["unknown kid"] = i => TestIssuer.Sign(TestIssuer.Header("RS256", "rsa-9"), i.Claims(), i.Rs256),
        ["its own key in the header"] = i =>
        {
            using var own = RSA.Create(2048);
            return TestIssuer.Sign(TestIssuer.Header("RS256", null, ("jwk", TestIssuer.RsaKey("rsa-1", own))), i.Claims(), text => own.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        },
        ["an address of keys in the header"] = i =>
        {
            using var own = RSA.Create(2048);
            return TestIssuer.Sign(TestIssuer.Header("RS256", "own", ("jku", $"{i.Url}/evil"), ("x5u", $"{i.Url}/evil")), i.Claims(), text => own.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        },
        ["something critical that we do not know"] = i => TestIssuer.Sign(TestIssuer.Header("RS256", "rsa-1", ("crit", new JsonArray("b64")), ("b64", false)), i.Claims(), i.Rs256),
        ["encrypted"] = i => $"{TestIssuer.Encode(TestIssuer.Header("RSA-OAEP", "rsa-1", ("enc", "A256GCM"), ("zip", "DEF")))}.{Base64Url.EncodeToString(i.Rsa.Encrypt(new byte[32], RSAEncryptionPadding.OaepSHA1))}.AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA",
        ["encrypted, called signed"] = i => $"{TestIssuer.Encode(TestIssuer.Header("RS256", "rsa-1"))}.AAAA.AAAA.AAAA.AAAA",
        ["a header that is no JSON"] = i => Splice(i.Token(), header: "{"),
        ["a header that is a list"] = i => Splice(i.Token(), header: "[]"),
        ["a header as deep as a well"] = i => Splice(i.Token(), header: new string('[', 10_000)),
        ["no claims"] = i => TestIssuer.Sign(TestIssuer.Header("RS256", "rsa-1"), [], i.Rs256),
        ["four parts"] = i => i.Token() + ".AAAA",
        ["no base64"] = _ => "!.!.!",
        ["dots"] = _ => "..",
    };

    public static TheoryData<string> Bad => [.. _bad.Keys];

    public async ValueTask InitializeAsync() => _host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", _issuer.Settings);

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _issuer.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task A_bad_token_is_refused(string what)
    {
        (await AskAsync(_issuer.Token())).ShouldBe(200, _host.Log);
        (await AskAsync(_bad[what](_issuer))).ShouldBe(401);
        _issuer.Paths.ShouldAllBe(path => path == "/v1/keys" || path == "/v1/.well-known/openid-configuration"); // it fetches what its configuration says, and nothing else
    }

    [Fact]
    public async Task Good_tokens_of_either_algorithm_are_taken()
    {
        (await AskAsync(_issuer.Token())).ShouldBe(200);
        (await AskAsync(_issuer.Token(("aud", new JsonArray("other", TestIssuer.Audience))))).ShouldBe(200);
        (await AskAsync(TestIssuer.Sign(TestIssuer.Header("ES256", "ec-1"), _issuer.Claims(), _issuer.Es256))).ShouldBe(200);
        (await AskAsync(TestIssuer.Sign(TestIssuer.Header("RS256", null), _issuer.Claims(), _issuer.Rs256))).ShouldBe(200);
        (await AskAsync(_issuer.Token(("exp", DateTimeOffset.UtcNow.AddSeconds(-5).ToUnixTimeSeconds())))).ShouldBe(200); // clocks differ
        _issuer.Asked.ShouldBe(1);
    }

    [Fact]
    public async Task A_tokens_claims_say_whose_it_is_and_what_it_may()
    {
        var (_, started) = await Api.SendAsync(_host.Api.Native("up/m", "a-3").With("Authorization", $"Bearer {_issuer.Token()}"));
        var id = (string)started!["id"]!;
        async Task<int> GetAsync(params (string, JsonNode?)[] claims) => await AskAsync(_issuer.Token(claims), $"v1/generations/{id}");
        (await GetAsync()).ShouldBe(200);
        (await GetAsync(("jti", "another token of hers"))).ShouldBe(200);
        (await GetAsync(("sub", "bob"))).ShouldBe(404);
        (await GetAsync(("sub", "bob"), ("scope", "openid penstock:admin"))).ShouldBe(200);
        (await GetAsync(("sub", "bob"), ("scope", new JsonArray("openid", "penstock:admin")))).ShouldBe(200);
        (await GetAsync(("sub", "bob"), ("scope", "penstock:administrator"))).ShouldBe(404);
        (await GetAsync(("scope", "penstock:endpoint:chat-completions"))).ShouldBe(403);
        var chat = _host.Api.Chat("up/m", "a-3", stream: false);
        (await SendAsync(chat, _issuer.Token(("scope", "penstock:model:up/* penstock:endpoint:chat-completions")))).ShouldBe(200);
        (await SendAsync(chat, _issuer.Token(("scope", "penstock:model:other/*")))).ShouldBe(403);
    }

    [Fact]
    public async Task A_token_whose_key_was_withdrawn_is_stale()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", [.. _issuer.Settings, ("Auth:Jwt:RefreshInterval", "00:00:00.200")]);
        var token = _issuer.Token();
        var request = host.Api.Get("v1/models").With("Authorization", $"Bearer {token}");
        (await request.TextAsync()).ShouldStartWith("200");
        using var next = RSA.Create(2048);
        _issuer.Publish(TestIssuer.RsaKey("rsa-2", next));
        await Eventually.Is(async () => (await request.TextAsync()).StartsWith("401", StringComparison.Ordinal), "the key that was withdrawn counts no more");
        var fresh = TestIssuer.Sign(TestIssuer.Header("RS256", "rsa-2"), _issuer.Claims(), text => next.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        (await host.Api.Get("v1/models").With("Authorization", $"Bearer {fresh}").TextAsync()).ShouldStartWith("200");
    }

    [Fact]
    public async Task A_secret_in_the_public_set_signs_nothing()
    {
        var secret = RandomNumberGenerator.GetBytes(32);
        _issuer.Publish(TestIssuer.RsaKey("rsa-1", _issuer.Rsa), new JsonObject { ["kty"] = "oct", ["kid"] = "oct-1", ["k"] = Base64Url.EncodeToString(secret) });
        (await AskAsync(TestIssuer.Sign(TestIssuer.Header("HS256", "oct-1"), _issuer.Claims(), text => HMACSHA256.HashData(secret, text)))).ShouldBe(401);
        (await AskAsync(_issuer.Token())).ShouldBe(200);
    }

    [Fact]
    public async Task Made_up_key_ids_do_not_make_the_server_ask_each_time()
    {
        (await AskAsync(_issuer.Token())).ShouldBe(200);
        for (var i = 0; i < 20; i++) (await AskAsync(TestIssuer.Sign(TestIssuer.Header("RS256", $"x{i}"), _issuer.Claims(), _issuer.Rs256))).ShouldBe(401);
        _issuer.Asked.ShouldBe(1);
    }

    [Fact]
    public async Task An_issuer_that_cannot_be_reached_is_no_reason_to_call_a_token_wrong()
    {
        _issuer.IsDown = true;
        (await AskAsync(_issuer.Token())).ShouldBe(503);
    }

    [Fact]
    public async Task A_discovery_document_of_another_issuer_counts_nothing()
    {
        _issuer.Named = "https://evil.example";
        (await AskAsync(_issuer.Token())).ShouldBe(503);
        _issuer.Asked.ShouldBe(0);
    }

    [Fact]
    public async Task The_keys_may_be_in_a_file()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, new JsonObject { ["keys"] = new JsonArray(TestIssuer.EcKey("ec-1", _issuer.Ec)) }.ToJsonString());
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", ("Auth:Jwt:Issuer", "https://login.example"), ("Auth:Jwt:Audience", TestIssuer.Audience), ("Auth:Jwt:Keys", file));
        var token = TestIssuer.Sign(TestIssuer.Header("ES256", "ec-1"), _issuer.Claims(("iss", "https://login.example")), _issuer.Es256);
        (await host.Api.Get("v1/models").With("Authorization", $"Bearer {token}").TextAsync()).ShouldStartWith("200");
        File.Delete(file);
    }

    private Task<int> AskAsync(string token, string path = "v1/generations") => SendAsync(_host.Api.Get(path), token);

    private static async Task<int> SendAsync(RawRequest request, string token)
    {
        using var reply = await RawReply.SendAsync(request.With("Authorization", $"Bearer {token}"));
        return reply.Status;
    }

    private static string Hmac(TestIssuer issuer, byte[] secret) => TestIssuer.Sign(TestIssuer.Header("HS256", "rsa-1"), issuer.Claims(), text => HMACSHA256.HashData(secret, text));

    private static string Splice(string token, JsonObject? claims = null, string? header = null)
    {
        var parts = token.Split('.');
        return $"{(header is null ? parts[0] : Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header)))}.{(claims is null ? parts[1] : TestIssuer.Encode(claims))}.{parts[2]}";
    }

    private static string Flip(string token)
    {
        var signature = Base64Url.DecodeFromChars(token.AsSpan(token.LastIndexOf('.') + 1));
        signature[10] ^= 1;
        return token[..(token.LastIndexOf('.') + 1)] + Base64Url.EncodeToString(signature);
    }
}
