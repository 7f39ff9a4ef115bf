using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Penstock.Client.Http;

namespace Penstock.Client;

public static class PenstockClientServiceCollectionExtensions
{
    private const string HttpClientName = "Penstock";

    /// <summary>
    /// Adds <see cref="PenstockClient"/> and <see cref="IChatClient"/>, over one <see cref="HttpClient"/> that the builder which is returned
    /// configures. Options are validated at start.
    /// </summary>
    public static IHttpClientBuilder AddPenstockClient(this IServiceCollection services, Action<PenstockClientOptions>? configure = null)
    {
        services.AddSingleton(provider => New(provider, Options.DefaultName, HttpClientName));
        services.AddSingleton<IChatClient>(provider => new PenstockChatClient(provider.GetRequiredService<PenstockClient>()));
        return Add(services, Options.DefaultName, HttpClientName, configure);
    }

    /// <summary>The same beside others, by a key: <c>[FromKeyedServices("fast")] IChatClient chat</c>.</summary>
    public static IHttpClientBuilder AddKeyedPenstockClient(this IServiceCollection services, string key, Action<PenstockClientOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        var http = $"{HttpClientName}:{key}";
        services.AddKeyedSingleton(key, (provider, _) => New(provider, key, http));
        services.AddKeyedSingleton<IChatClient>(key, (provider, _) => new PenstockChatClient(provider.GetRequiredKeyedService<PenstockClient>(key)));
        return Add(services, key, http, configure);
    }

    private static IHttpClientBuilder Add(IServiceCollection services, string name, string http, Action<PenstockClientOptions>? configure)
    {
        var options = services.AddOptions<PenstockClientOptions>(name);
        if (configure is not null) options.Configure(configure);
        options
            .Validate(o => o.HasAddress, PenstockClientOptions.AddressRule)
            .Validate(o => o.HasOutage, PenstockClientOptions.OutageRule)
            .Validate(o => o.HasSendableKey, PenstockClientOptions.KeyRule)
            .ValidateOnStart();

        // The client lives as long as the app, and so does its handler; connections do not, so that a change in the DNS is seen.
        return services.AddHttpClient(http)
            .ConfigureHttpClient(client => client.Timeout = Timeout.InfiniteTimeSpan)
            .UseSocketsHttpHandler((handler, _) => handler.PooledConnectionLifetime = ServerConnection.ConnectionLifetime)
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan);
    }

    private static PenstockClient New(IServiceProvider provider, string name, string http) => new(
        provider.GetRequiredService<IHttpClientFactory>().CreateClient(http),
        provider.GetRequiredService<IOptionsMonitor<PenstockClientOptions>>().Get(name),
        provider.GetService<TimeProvider>());
}
