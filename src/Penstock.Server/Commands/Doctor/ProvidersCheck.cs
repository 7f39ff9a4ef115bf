using System.Net;
using Penstock.AspNetCore.Configuration;
using Penstock.Protocols;
using Penstock.Providers;
using Penstock.Transport;

namespace Penstock.Server.Commands.Doctor;

/// <summary>Whether each provider can be reached, and takes its key.</summary>
internal static class ProvidersCheck
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(10);

    public static async Task RunAsync(PenstockOptions options, Report report)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = _limit };
        foreach (var (name, provider) in options.Providers.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            if (provider.Protocol != "simulated" && provider.BaseUrl is { } address) await CheckAsync(http, name, provider, address, report);
        }
    }

    private static async Task CheckAsync(HttpClient http, string name, ProviderOptions provider, string address, Report report)
    {
        var key = $"Penstock:Providers:{name}:ApiKey";
        using var request = new HttpRequestMessage(HttpMethod.Get, ModelsOf(provider, address));
        var protocol = ProviderProtocols.New(provider.Protocol, request.RequestUri!, provider.ApiVersion);
        foreach (var (header, value) in protocol.Headers) request.Headers.TryAddWithoutValidation(header, value);
        if (provider.ApiKey is { Length: > 0 } secret)
        {
            var (header, value) = protocol.Credential(secret);
            request.Headers.TryAddWithoutValidation(header, value);
        }

        try
        {
            using var reply = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            switch (reply.StatusCode)
            {
                case HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden:
                    await report.BadAsync($"The provider {name} refuses {(provider.ApiKey is { Length: > 0 } ? "its key" : "us without a key")}.", $"Set {key} to one that counts.");
                    break;
                case >= HttpStatusCode.InternalServerError:
                    await report.BadAsync($"The provider {name} answers {(int)reply.StatusCode}.", "Wait, or look at what it says of itself.");
                    break;
                default:
                    // Some list no models; whatever they say of that, they were reached.
                    await report.GoodAsync($"The provider {name} answers{(provider.ApiKey is { Length: > 0 } && reply.IsSuccessStatusCode ? ", and takes its key" : "")}.");
                    break;
            }
        }
        catch (Exception e) when (NetworkFailure.Is(e) || e is TaskCanceledException or UriFormatException)
        {
            await report.BadAsync($"The provider {name} cannot be reached.", $"Mend Penstock:Providers:{name}:BaseUrl, or the way there (DNS, firewall, proxy).");
        }
    }

    private static Uri ModelsOf(ProviderOptions provider, string address)
    {
        var root = address.TrimEnd('/');
        if (provider.Protocol == "messages" && !root.EndsWith("/v1", StringComparison.Ordinal)) root += "/v1";
        if (provider.Protocol == "gemini" && !root.Contains("/v1", StringComparison.Ordinal)) root += "/v1beta";
        return new Uri($"{root}/models");
    }
}
