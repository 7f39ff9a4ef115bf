using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Penstock.Testing;

namespace Penstock.Server.Tests;

/// <summary>The server with a certificate of its own, set as ASP.NET Core has it.</summary>
public sealed class HttpsTests : IDisposable
{
    private const string Password = "a password";

    private readonly string _folder = Directory.CreateTempSubdirectory("penstock-test-").FullName;
    private readonly X509Certificate2 _certificate = NewCertificate();

    public HttpsTests() => File.WriteAllBytes(PfxPath, _certificate.Export(X509ContentType.Pfx, Password));

    private string PfxPath => Path.Combine(_folder, "server.pfx");

    [Theory]
    [InlineData("1.1", "auto")]
    [InlineData("2.0", "auto")]
    [InlineData("2.0", "sockets")]
    public async Task An_https_address_streams_with_the_default_certificate(string version, string transport)
    {
        var settings = new PenstockSettings { ["Transport"] = transport }
            .WithVariable("Kestrel:Certificates:Default:Path", PfxPath)
            .WithVariable("Kestrel:Certificates:Default:Password", Password);
        await using var server = PenstockProcess.Launch(settings, "https");
        await StreamsAsync(server.Url, Version.Parse(version));
    }

    [Fact]
    public async Task An_endpoint_streams_with_its_own_certificate()
    {
        var url = new Uri($"https://127.0.0.1:{Ports.Free()}/");
        var settings = new PenstockSettings()
            .WithVariable("Kestrel:Endpoints:Web:Url", url.ToString())
            .WithVariable("Kestrel:Endpoints:Web:Certificate:Path", PfxPath)
            .WithVariable("Kestrel:Endpoints:Web:Certificate:Password", Password);
        await using var server = PenstockProcess.Launch(settings);
        await StreamsAsync(url, HttpVersion.Version20);
    }

    [Fact]
    public async Task A_certificate_that_cannot_be_read_is_said_in_a_sentence()
    {
        var settings = new PenstockSettings()
            .WithVariable("Kestrel:Certificates:Default:Path", PfxPath)
            .WithVariable("Kestrel:Certificates:Default:Password", "another");
        await using var server = PenstockProcess.Launch(settings, "https");
        (await server.ExitedAsync()).ShouldBe(1);
        server.Log.ShouldContain("Penstock cannot start: The certificate");
    }

    public void Dispose()
    {
        _certificate.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task StreamsAsync(Uri server, Version version)
    {
        using var client = NewClient(server, version);
        await Eventually.Is(
            async () =>
            {
                try
                {
                    return (await client.GetAsync("healthz")).IsSuccessStatusCode;
                }
                catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConnectionError)
                {
                    return false; // not yet
                }
            },
            "the server answers /healthz");
        const string Body = """{"model":"simulated/chat?tps=2000","stream":true,"messages":[{"role":"user","content":"hi"}]}""";
        using var reply = await client.PostAsync("v1/chat/completions", new StringContent(Body, Encoding.UTF8, "application/json"));
        reply.StatusCode.ShouldBe(HttpStatusCode.OK);
        reply.Version.ShouldBe(version);
        (await reply.Content.ReadAsStringAsync()).ShouldContain("\ndata: [DONE]\n");
    }

    private HttpClient NewClient(Uri server, Version version)
    {
        var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { _certificate },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            },
        };
        return new HttpClient(handler)
        {
            BaseAddress = server,
            DefaultRequestVersion = version,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = Eventually.Limit,
        };
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = DateTimeOffset.UtcNow;
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
